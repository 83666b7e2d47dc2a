"""Published browser views."""
import os
import sys
from functools import lru_cache
from types import MethodType

from Acquisition import aq_base
from App.config import getConfiguration
from Products.Five.browser.pagetemplatefile import BoundPageTemplate
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from zope.interface import Interface
from zope.interface.interface import InterfaceClass
from zope.publisher.interfaces.browser import IBrowserView

from ..core.associations import is_associated
from ..key.code_version import code_version
from ..key.code_version import template_version
from ..key.versions import version_of_content
from ..key.versions import version_of_frame
from ..manager.caches import cache_of
from ..manager.find import managers
from ..publisher import other_handlers
from ..publisher import request as http_request
from ..publisher import response as http_response
from ..publisher import response_headers
from .origin import Origin


class View(Origin):
    """A browser view that was published, itself or one of its methods.

    `is_part` says of a method that it is another page than the view itself.
    """

    kind = 'view'
    is_captured_last = True
    # a stored page goes without transforms
    unseen_by = other_handlers.TRANSFORMS
    may_write = False
    reads_files_again = True
    dates_count = False
    version_names = ('Code and templates in files', 'Content')
    variant_names = ('class', 'layers')

    def __init__(self, view, method='', is_part=False, parent=None):
        self._view = view
        self.parent = view.context if parent is None else parent
        self._method = method
        self.is_part = is_part
        #: As associations and policies have it.
        self.name = f'{view.__name__}/{method}' if is_part else view.__name__
        self.path = f'@@{self.name}'
        self.context = view.context

    def find_manager(self, claim):
        """Return the nearest manager that the view is associated with, or
        the one that `claim` names; None if there is none.
        """
        for manager in managers(self.context):
            if is_associated(manager.associations(), self.name, self.is_of):
                return manager
        if claim is None or not claim.is_ours or self.is_part:
            return None
        for manager in managers(self.context):
            if claim.manager_id in ('', manager.getId()):
                return manager
        return None

    def note_unkept(self, secs):
        if self.is_part:
            return
        kind = getattr(aq_base(self.context), 'portal_type', None)
        for manager in managers(self.context):
            cache_of(manager).lately.saw(
                self.name, str(kind or ''), secs)

    def versions(self):
        return self.version_in_files(), version_of_content(self.context)

    def version_in_files(self):
        files = [code_version(), *map(template_version, self.template_files())]
        if getConfiguration().debug_mode:
            files.append(version_of_frame(self.context))
        return None if None in files else ' '.join(files)

    def variant(self, request):
        # one name leads to several classes, which content, layers and what
        # the client accepts choose from
        return (
            f'{_spelled(type(self._view))} {self._method}',
            http_request.layers(request))

    def own_headers(self, rendering, response, settings):
        """Return the headers of the whole response that a hit repeats.

        Headers set before the call are set on a hit too.  So are headers
        that other code sets for the site of the request.
        """
        before, left = rendering.headers_before, rendering.headers_left
        kept = response_headers.kept_headers(
            response, settings.dropped_headers)
        return {
            name: value for name, value in kept.items()
            if name == 'content-type' or before.get(name) != value
            and (left.get(name) == value
                 or not response_headers.is_of_asking_site(name))}

    def body(self, response, text):
        return http_response.plain_body(response)

    def template_files(self):
        """Return the names of the files of its templates, sorted."""
        template = getattr(self._view, 'index', None)
        return sorted({
            *_template_files(type(self._view)),
            getattr(template, 'filename', None)} - {None})

    def class_name(self):
        """Return the dotted name of its class, as it stands in the code."""
        kinds = type(self._view).__mro__
        found = next(
            (kind for kind in kinds
             if not kind.__module__.startswith('Products.Five.')), kinds[0])
        name = f'{found.__module__}.{found.__qualname__}'
        if self._method in ('', '__call__'):
            return name
        return f'{name}.{self._method}'

    def is_of(self, kind):
        """Return whether the content is of a kind.

        `kind` is a portal type or the dotted name of an interface.
        """
        if getattr(aq_base(self.context), 'portal_type', None) == kind:
            return True
        return '.' in kind and _interface(kind).providedBy(self.context)


def published_view(published):
    """Return the :class:`View` that is published, None if it is none."""
    view, method, owner = published, '', None
    if isinstance(published, (MethodType, BoundPageTemplate)):
        view = owner = published.__self__
        # a template as a method has no name of its own
        method = getattr(published, '__name__', '') or getattr(
            view, '__page_attribute__', '')
    if not IBrowserView.providedBy(view):
        return None
    if not getattr(view, '__name__', '') or not hasattr(
            aq_base(getattr(view, 'context', None)), 'getPhysicalPath'):
        return None
    return View(
        view, method, owner is not None and not _is_itself(published, view),
        owner)


def _is_itself(published, view):
    """Return whether a method is what the view's own name leads to."""
    name = '__call__'
    for kind in type(view).__mro__:
        # a method that a URL names is noted in the view, not in its class
        if '__page_attribute__' in vars(kind):
            name = vars(kind)['__page_attribute__']
            break
    for kind in type(view).__mro__:
        if name in vars(kind):
            return published.__func__ is vars(kind)[name]
    return False


@lru_cache(maxsize=512)
def _template_files(kind):
    """Return the files of all templates of a class, under any names."""
    return frozenset(
        value.filename for base in kind.__mro__
        for value in vars(base).values()
        if isinstance(value, ViewPageTemplateFile))


@lru_cache(maxsize=512)
def _spelled(kind):
    """Return the name of a class, or of what a generated one is made from.

    Such a one is called after its template's file, which may lie elsewhere
    on other clients of the database.
    """
    return ' '.join(
        f'{found.__module__}.{found.__qualname__.rpartition(os.sep)[2]}'
        for found in kind.__mro__[:3])


class _INothing(Interface):
    """Nothing provides it."""


def _interface(name):
    """Return the interface called `name`, one that nothing has if none is.

    A name that is typed imports nothing: content that provides an interface
    has imported its module.
    """
    module, _, attribute = name.rpartition('.')
    found = vars(sys.modules.get(module) or object).get(attribute)
    return found if isinstance(found, InterfaceClass) else _INothing
