"""The call of a browser view, by the publisher alone."""
import logging
from types import MappingProxyType

import transaction

from ..key.versions import holds_changes
from ..key.versions import path_of
from ..key.versions import shared_templates
from ..key.versions import version_of_content
from ..publisher import handlers
from ..publisher import request
from .call import Call


logger = logging.getLogger(__name__)


class ViewCall(Call):
    """The call of a published browser view."""

    kind = 'view'
    policy_keywords = MappingProxyType({})
    #: What follows belongs to what changed.
    more_version_names = ('code', 'content', 'marks')

    def __init__(self, view, shows, manager, visit, around, claim):
        super().__init__(manager, visit, around, claim)
        self.view = view
        self.shows = shows
        self.keywords = {}
        self.context = view.context
        self.view_name = view.name
        self.path = f'@@{view.name}'
        #: Whether anything was written to the database meanwhile.
        self.has_changes = False
        # rendering may commit it and begin another
        self._transaction = transaction.get()
        self._headers_of_view = {}

    def note_headers(self):
        """Note the response headers, too, as the view leaves them."""
        super().note_headers()
        self._headers_of_view = request.lower_headers(self.request.response)

    def kept_headers(self):
        """Return the headers of the whole response that a hit repeats.

        What was there before the call is so for a hit as well.  So is what
        other code sets for the site that asks.
        """
        before, left = self.headers_before, self._headers_of_view
        kept = request.kept_headers(
            self.request.response, self.settings.dropped_headers)
        return {
            name: value for name, value in kept.items()
            if name == 'content-type' or before.get(name) != value
            and (left.get(name) == value
                 or not request.is_of_origins(name))}

    @property
    def more_names(self):
        return ('class', 'layers', *super().more_names)

    def find_templates(self):
        """Return the shared templates, as they are found now."""
        if self._around.marks_templates:
            return ()
        return shared_templates(self.context, self.settings.shared_templates)

    def more_versions(self):
        return (
            self.view.version(), version_of_content(self.context),
            self.manager.content_version(self.shows, path_of(self.context)))

    def more_variant(self):
        return (
            self.view.spelling, request.layers(self.request),
            *super().more_variant())

    def spelled_arguments(self):
        return ''

    def others_follow(self):
        """The same, but for transforms, which a stored page goes without."""
        return handlers.others_follow(but=handlers.TRANSFORMS)

    def look_for_changes(self):
        """Note whether anything was written to the database so far."""
        try:
            self.has_changes = (
                self.has_changes or holds_changes(self.manager._p_jar)
                or transaction.get() is not self._transaction)
        except Exception:
            logger.exception('Page is not kept')
            self.has_changes = True

    def marks(self):
        marks = self.manager.content_marks()
        return () if marks is None else marks.of(
            self.shows, path_of(self.context))
