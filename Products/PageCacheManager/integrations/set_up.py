"""Notes changes that show on every page of a Plone site.

Most changes notify an event.  Others are found among the objects that a
request changed.
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


#: Modules of objects that show on any page and notify no event.
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
    # its object is written when the catalog is cleared or rebuilt
    'Products.ZCatalog.Catalog',
    'five.customerize',
    'five.localsitemanager',
    # its object is written when compiled themes or bundles are dropped
    'plone.app.registry.registry',
    'plone.app.viewletmanager',
    'plone.dexterity.fti',
    'zope.component.persistentregistry',
)

#: Modules of views whose changes show on other pages and notify no event.
_VIEWS = ('plone.app.portlets', 'plone.app.viewletmanager')

#: Properties that each login changes and no page shows.
_OF_LOGIN = frozenset(['last_login_time', 'login_time'])

#: Id of the site's folder for themes and other resources.
RESOURCES = 'portal_resources'


def changed(*event):
    """Note that the set-up of the current site changed."""
    _mark(getSite())


def rules_changed(event):
    """Note a change in the mapping of rulesets.

    While no ruleset was ours changes may have left no mark, and undo may
    restore the mapping.
    """
    if event.record.__name__ == caching.MAPPING:
        for manager in managers(getSite()):
            marks = manager.content_marks()
            if marks is not None:
                write(marks.site)


def profile_imported(event):
    """Note that an add-on was installed or removed."""
    _mark(aq_parent(event.tool))


def properties_updated(event):
    """Note a change of a member's name, which pages show."""
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
            # plone.protect decides by all other objects whether the
            # request may write
            safeWrite(ob, event.request)


def _plone_site():
    """Return the current site, or the Plone site around it."""
    return next((place for place in aq_chain(getSite())
                 if IPloneSiteRoot.providedBy(place)), None)


def _is_content_that_shows(ob):
    """Return whether a change of this content shows on other pages.

    Rights and interfaces that are set in the ZMI notify no event.  Listings
    hide content that a visitor may not view, and content inherits the rights
    of its folder.
    """
    return (
        (IContentish.providedBy(ob) or IFolderish.providedBy(ob))
        and changed_as_listed(ob))


def _is_set_up_by(request):
    """Return whether the published view changes only the set-up.

    It may change plain mappings, whose classes do not show their purpose.
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
    """Return objects changed before a savepoint; they are not registered.
    """
    saved = connection._savepoint_storage
    if saved is None:
        return []
    found = [connection._cache.get(oid) for oid in saved.index]
    return [ob for ob in found if ob is not None]


def _has_any(objects, wanted):
    return not {id(ob) for ob in objects}.isdisjoint(map(id, wanted))


def _workflow_settings(site):
    """Return the mapping of content types to workflows, in a list."""
    tool = getattr(site, 'portal_workflow', None)
    chains = getattr(tool, '_chains_by_type', None)
    return [] if chains is None else [chains]


def _viewlet_settings():
    """Return the mappings with order and visibility of viewlets."""
    storage = queryUtility(IViewletSettingsStorage)
    if storage is None:
        return []
    found = [
        getattr(storage, name, {})
        for name in ('_order', '_hidden', '_defaults')]
    return found + [
        inner for mapping in found for inner in mapping.values()]
