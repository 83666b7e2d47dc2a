"""Published browser views: what they are, and which manager has them."""
import os
import sys
from functools import lru_cache
from functools import partial
from types import MethodType

from Acquisition import aq_base
from Acquisition import aq_chain
from Acquisition import aq_inner
from OFS.Cache import ZCM_MANAGERS
from persistent import Persistent
from Products.Five.browser.pagetemplatefile import BoundPageTemplate
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from zope.interface import Interface
from zope.interface.interface import InterfaceClass
from zope.publisher.interfaces.browser import IBrowserView

from ..core.associations import choose
from ..interfaces import IPageCacheManager
from ..key.code_version import code_version
from ..key.code_version import template_version
from ..manager.caches import cache_of
from .site import around


class View:
    """A browser view that was published, itself or one of its methods.

    `is_part` says of a method that it is another page than the view itself.
    """

    def __init__(self, view, method='', is_part=False):
        self._view = view
        self._method = method
        self.is_part = is_part
        #: As associations and policies have it.
        self.name = f'{view.__name__}/{method}' if is_part else view.__name__
        self.context = view.context
        #: What renders the page: one name leads to several classes, which
        #: content, layers and what the client accepts choose from.
        self.spelling = f'{_spelled(type(view))} {method}'

    def version(self):
        """Return what changes with the code that renders the page."""
        return ' '.join((
            code_version(), *map(template_version, self.template_files())))

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
        """Tell whether the content is of a kind.

        `kind` is a portal type or the dotted name of an interface.
        """
        if getattr(aq_base(self.context), 'portal_type', None) == kind:
            return True
        return '.' in kind and _interface(kind).providedBy(self.context)


def published_view(published):
    """Return the :class:`View` that is published, None if it is none."""
    view, method = published, ''
    found = owner(published)
    if found is not None:
        view = found
        # a template as a method has no name of its own
        method = getattr(published, '__name__', '') or getattr(
            view, '__page_attribute__', '')
    if not IBrowserView.providedBy(view):
        return None
    if not getattr(view, '__name__', '') or not hasattr(
            aq_base(getattr(view, 'context', None)), 'getPhysicalPath'):
        return None
    return View(
        view, method, found is not None and not _is_itself(published, view))


def _is_itself(published, view):
    """Return whether a method is what the view's own name leads to."""
    kinds = type(view).__mro__
    # a method that a URL names is noted in the view, not in its class
    name = next(
        (vars(kind)['__page_attribute__'] for kind in kinds
         if '__page_attribute__' in vars(kind)), '__call__')
    function = next(
        (vars(kind)[name] for kind in kinds if name in vars(kind)), None)
    return published.__func__ is function


def owner(published):
    """Return the view of which a method or template is published, or None.
    """
    if isinstance(published, (MethodType, BoundPageTemplate)):
        return published.__self__
    return None


def managers(context):
    """Yield the Page Cache Managers around `context`, the nearest first."""
    for place in aq_chain(aq_inner(context)):
        for name in _manager_names(aq_base(place)):
            # content may look far for an attribute
            find = getattr(place, '_getOb', partial(getattr, place))
            manager = find(name, None)
            if IPageCacheManager.providedBy(manager):
                yield manager


def content_marks(ob):
    """Yield the marks to write when `ob` changes.

    A manager that keeps no views needs none, and no manager of old has any.
    """
    for manager in managers(ob):
        marks = manager.content_marks()
        if marks is None:
            continue
        if manager.associations() or around(ob).claims_views():
            yield marks
        else:
            marks.expect_no_views()


def manager_of(view, claim=None):
    """Return the manager that keeps the pages of `view`, and what they show.

    It is the nearest that the view is associated with, or the one that a
    claim names.  Both are None if there is none.
    """
    for manager in managers(view.context):
        found = choose(manager.associations(), view.name, view.is_of)
        if found is not None:
            return manager, found.shows
    if claim is not None and claim.is_ours and not view.is_part:
        for manager in managers(view.context):
            if claim.manager_id in ('', manager.getId()):
                return manager, claim.shows
    return None, None


def noters(view):
    """Return functions that remember that `view` was published.

    They are for those who associate views, and read no database.
    """
    if view.is_part:
        return []
    kind = str(getattr(aq_base(view.context), 'portal_type', '') or '')
    return [
        partial(cache_of(manager).lately.saw, view.name, kind)
        for manager in managers(view.context)]


def _manager_names(base):
    # an attribute that it lacks would be looked for in its schema
    if isinstance(base, Persistent):
        base._p_activate()
    return getattr(base, '__dict__', {}).get(ZCM_MANAGERS, ())


@lru_cache(maxsize=512)
def _template_files(kind):
    """Return the files of all templates of a class, under any names."""
    return frozenset(
        value.filename for base in kind.__mro__
        for value in vars(base).values()
        if isinstance(value, ViewPageTemplateFile))


def _spelled(kind):
    """Return the name of a class, or of what a generated one is made from.

    Such a one is called after its template's file, which may lie elsewhere
    on other clients of the database.
    """
    return ' '.join(
        f'{found.__module__}.{found.__qualname__.rpartition(os.sep)[2]}'
        for found in kind.__mro__[:3])


class _INothing(Interface):
    """What nothing provides."""


def _interface(name):
    """Return the interface called `name`, one that nothing has if none is.

    A name that is typed imports nothing: content that provides an interface
    has imported its module.
    """
    module, _, attribute = name.rpartition('.')
    found = vars(sys.modules.get(module) or object).get(attribute)
    return found if isinstance(found, InterfaceClass) else _INothing
