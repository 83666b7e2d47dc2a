"""Published browser views as origins."""
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
    """A published browser view, or a published method of a view.

    `is_part` is true for a method that makes another page than the view.
    """

    kind = 'view'
    is_captured_last = True
    # a stored page has passed the transforms already
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
        #: The name in associations and policies.
        self.name = f'{view.__name__}/{method}' if is_part else view.__name__
        self.path = f'@@{self.name}'
        self.context = view.context

    def find_manager(self, claim):
        """Return the nearest manager that the view is associated with.

        Without an association return the manager that `claim` names, or None.
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
        # one name may lead to several classes; content, layers and the
        # request's Accept select the class
        return (
            f'{_spelled(type(self._view))} {self._method}',
            http_request.layers(request))

    def own_headers(self, rendering, response, settings):
        """Return the headers of the whole response that a hit repeats.

        Headers that were set before the call are left out, since they are set
        on a hit too.  The same holds for headers that other code sets for the
        requesting site.
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
        """Return the dotted name of its class or method in the source code.
        """
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
    """Return the :class:`View` of a published object, None if it is no view.
    """
    view, method, owner = published, '', None
    if isinstance(published, (MethodType, BoundPageTemplate)):
        view = owner = published.__self__
        # a template that serves as a method has no name of its own
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
    """Return whether the view's own name in a URL leads to this method."""
    name = '__call__'
    for kind in type(view).__mro__:
        # read from the classes: the view itself may hold the URL's method
        if '__page_attribute__' in vars(kind):
            name = vars(kind)['__page_attribute__']
            break
    for kind in type(view).__mro__:
        if name in vars(kind):
            return published.__func__ is vars(kind)[name]
    return False


@lru_cache(maxsize=512)
def _template_files(kind):
    """Return the files of all templates that are attributes of a class."""
    return frozenset(
        value.filename for base in kind.__mro__
        for value in vars(base).values()
        if isinstance(value, ViewPageTemplateFile))


@lru_cache(maxsize=512)
def _spelled(kind):
    """Return the names of a class and its first two bases.

    A generated class has the path of its template's file as its name.  The
    folder is left out, since other clients may have the file elsewhere.
    """
    return ' '.join(
        f'{found.__module__}.{found.__qualname__.rpartition(os.sep)[2]}'
        for found in kind.__mro__[:3])


class _INothing(Interface):
    """An interface that no object provides."""


def _interface(name):
    """Return the interface `name`, or an interface that no object provides.

    No module is imported for a name that somebody typed.  If content provides
    the interface, its module is imported already.
    """
    module, _, attribute = name.rpartition('.')
    found = vars(sys.modules.get(module) or object).get(attribute)
    return found if isinstance(found, InterfaceClass) else _INothing
