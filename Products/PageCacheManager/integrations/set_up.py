"""Notes changes that show on every page of a Plone site.

Most of it notifies an event.  What does not is found among the objects that
a request changed.
"""
from Acquisition import aq_chain
from Acquisition import aq_parent
from plone.app.viewletmanager.interfaces import IViewletSettingsStorage
from plone.base.interfaces import IPloneSiteRoot
from plone.protect.utils import safeWrite
from Products.CMFCore.interfaces import IContentish
from Products.CMFCore.interfaces import IFolderish
from zope.component import queryUtility
from zope.component.hooks import getSite
from ZPublisher.pubevents import PubBeforeCommit

from ..key.versions import holds_changes
from ..key.versions import path_of
from ..manager.find import managers
from ..marks import is_mark
from ..marks import write
from ..origin.site import content_marks
from ..publisher.request import method
from . import caching
from .indexing import changed_as_listed


#: Modules of objects that show on any page and tell nobody of a change.
_MODULES = (
    'Products.CMFCore.ActionInformation',
    'Products.CMFCore.DirectoryView',
    'Products.CMFCore.SkinsTool',
    'Products.CMFCore.TypesTool',
    'Products.CMFDynamicViewFTI',
    'Products.CMFPlacefulWorkflow',
    'Products.CMFPlone.ActionsTool',
    'Products.CMFPlone.SkinsTool',
    'Products.CMFPlone.WorkflowTool',
    'Products.DCWorkflow',
    'Products.PageTemplates.ZopePageTemplate',
    'Products.PythonScripts',
    # written itself when the catalog is cleared or rebuilt
    'Products.ZCatalog.Catalog',
    'five.customerize',
    'five.localsitemanager',
    # written itself when compiled themes or bundles are thrown away
    'plone.app.registry.registry',
    'plone.app.viewletmanager',
    'plone.dexterity.fti',
    'zope.component.persistentregistry',
)

#: Modules of views that change what shows on other pages, and tell nobody.
_VIEWS = ('plone.app.portlets', 'plone.app.viewletmanager')

#: Properties that every login changes and no page shows.
_OF_LOGIN = frozenset(['last_login_time', 'login_time'])

#: Where themes and other resources are, in the site.
RESOURCES = 'portal_resources'


def changed(*event):
    """Note that the set-up of the current site changed."""
    _mark(getSite())


def rules_changed(event):
    """Note that rulesets were mapped otherwise.

    While none was ours changes may have left no mark, and undo may bring the
    mapping back.
    """
    if event.record.__name__ == caching.MAPPING:
        for manager in managers(getSite()):
            marks = manager.content_marks()
            if marks is not None:
                write(marks.site)


def profile_imported(event):
    """Note that an add-on came or went."""
    _mark(aq_parent(event.tool))


def properties_updated(event):
    """Note that a member's name changed, which stands on pages."""
    if not _OF_LOGIN.issuperset(event.properties):
        _mark(getSite())


def resource_changed(ob, event):
    """Note that a file of a theme changed."""
    if RESOURCES in path_of(ob).split('/'):
        _mark(ob)


def before_commit(event):
    """Note changes that notify no event."""
    if type(event) is not PubBeforeCommit:
        return
    connection = getattr(getSite(), '_p_jar', None)
    if connection is not None and not holds_changes(connection):
        return
    site = _plone_site()
    if site is None:
        return
    changed_now = _changed_objects(site._p_jar)
    if changed_now and (
            any(type(ob).__module__.startswith(_MODULES)
                for ob in changed_now)
            or _is_set_up_by(event.request)
            or _has_any(changed_now, [
                *_viewlet_settings(), *_workflow_settings(site)])
            or method(event.request) != 'GET' and any(
                map(_is_content_that_shows, changed_now))):
        _mark(site)
        changed_now = _changed_objects(site._p_jar)
    for ob in changed_now:
        if is_mark(ob):
            # whether the request may write is for plone.protect to decide
            # by all else that it wrote
            safeWrite(ob, event.request)


def _plone_site():
    """Return the Plone site that is current, or has the current one in it.
    """
    return next((place for place in aq_chain(getSite())
                 if IPloneSiteRoot.providedBy(place)), None)


def _is_content_that_shows(ob):
    """Return whether content changed by which other pages are made.

    Nobody is told of rights and interfaces that are set in the ZMI: who may
    not see a page is not to see it listed, and folders give theirs to what is
    in them.
    """
    return (
        (IContentish.providedBy(ob) or IFolderish.providedBy(ob))
        and changed_as_listed(ob))


def _is_set_up_by(request):
    """Return whether a view was called that changes nothing but the set-up.

    Some of what it changes is mappings, which do not say what they are of.
    """
    published = request.other.get('PUBLISHED')
    view = getattr(published, '__self__', published)
    return any(
        kind.__module__.startswith(_VIEWS) for kind in type(view).__mro__)


def _mark(place):
    for marks in content_marks(place):
        write(marks.site)


def _changed_objects(connection):
    return [
        ob for one in connection.connections.values()
        for ob in (*one._registered_objects, *_saved_objects(one))]


def _saved_objects(connection):
    """Return what was changed before a savepoint, which is not noted again.
    """
    saved = connection._savepoint_storage
    if saved is None:
        return []
    found = [connection._cache.get(oid) for oid in saved.index]
    return [ob for ob in found if ob is not None]


def _has_any(objects, wanted):
    return not {id(ob) for ob in objects}.isdisjoint(map(id, wanted))


def _workflow_settings(site):
    """Return the mapping of content types to workflows, if there is one."""
    tool = getattr(site, 'portal_workflow', None)
    chains = getattr(tool, '_chains_by_type', None)
    return [] if chains is None else [chains]


def _viewlet_settings():
    """Return the mappings that say which viewlets are shown, in which order.
    """
    storage = queryUtility(IViewletSettingsStorage)
    if storage is None:
        return []
    found = [
        getattr(storage, name, {})
        for name in ('_order', '_hidden', '_defaults')]
    return found + [
        inner for mapping in found for inner in mapping.values()]
