"""Builds the demo site by the same means as an administrator."""

from pathlib import Path

from DateTime import DateTime
from Products.CMFCore import interfaces
from Products.CMFCore.ActionInformation import Action
from Products.CMFCore.ActionInformation import ActionCategory
from Products.CMFCore.ActionsTool import ActionsTool
from Products.CMFCore.CachingPolicyManager import CachingPolicyManager
from Products.CMFCore.CatalogTool import CatalogTool
from Products.CMFCore.DirectoryView import createDirectoryView
from Products.CMFCore.indexing import processQueue
from Products.CMFCore.MemberDataTool import MemberDataTool
from Products.CMFCore.MembershipTool import MembershipTool
from Products.CMFCore.permissions import AddPortalContent
from Products.CMFCore.permissions import ListFolderContents
from Products.CMFCore.permissions import ModifyPortalContent
from Products.CMFCore.SkinsTool import SkinsTool
from Products.CMFCore.TypesTool import FactoryTypeInformation
from Products.CMFCore.TypesTool import TypesTool
from Products.CMFCore.URLTool import URLTool
from Products.CMFCore.WorkflowTool import WorkflowTool
from Products.GenericSetup.interfaces import ISetupTool
from Products.GenericSetup.tool import SetupTool
from Products.PageTemplates.ZopePageTemplate import ZopePageTemplate
from Products.PluginIndexes.DateIndex.DateIndex import DateIndex
from Products.PluginIndexes.FieldIndex.FieldIndex import FieldIndex
from Products.PluginIndexes.KeywordIndex.KeywordIndex import KeywordIndex
from Products.PluginIndexes.PathIndex.PathIndex import PathIndex
from zope.component import adapter
from zope.component.hooks import setSite
from zope.processlifetime import IDatabaseOpenedWithRoot

from .content import DemoSite
from .pages import BODY
from .pages import CLOSING
from .pages import MEMBERS
from .pages import PAGES
from .pages import SECTIONS
from .pages import TITLE
from .start import add_missing
from .start import as_system


SITE_ID = 'demo'

# The ETag expression, as an administrator types it into the form of
# caching_policy_manager: user and hour. The cache knows the objects of the
# database that a page is made from; the hour limits the age of other data.
ETAG = (
    "python: '%s|%d' % (member and member.getId() or '',"
    " int(time.timeTime()) // 3600)")

# Id, predicate, and whether a date is sent. A listing can change with the
# time, so each render would give it a new date.
POLICIES = (
    ('documents', "python: view == 'document_view'", True),
    ('pages', 'exists:page_cache', False),
)

TYPES = (
    ('Demo Site', 'Site', '', 'overview'),
    ('Demo Folder', 'Folder', 'demo.folder', 'folder_listing'),
    ('Demo Document', 'Page', 'demo.document', 'document_view'),
)


def setup_tool():
    """Return the tool that exports and imports the settings."""
    return SetupTool('portal_setup')


TOOLS = (
    (interfaces.ITypesTool, TypesTool),
    (interfaces.ISkinsTool, SkinsTool),
    (interfaces.IMembershipTool, MembershipTool),
    (interfaces.IMemberDataTool, MemberDataTool),
    (interfaces.IActionsTool, ActionsTool),
    (interfaces.IURLTool, URLTool),
    (interfaces.IWorkflowTool, WorkflowTool),
    (interfaces.ICatalogTool, CatalogTool),
    (interfaces.ICachingPolicyManager, CachingPolicyManager),
    (ISetupTool, setup_tool),
)


@adapter(IDatabaseOpenedWithRoot)
def add_if_missing(event):
    """Add the demo site to a database without one, when Zope starts."""
    add_missing(event.database, SITE_ID, add_site)


def add_site(app, site_id=SITE_ID):
    """Build the site in the application root; the caller commits.

    Raises zExceptions.BadRequest if the id is taken.
    """
    with as_system(app):
        app._setObject(site_id, DemoSite(site_id, TITLE))
        site = app[site_id]
        setSite(site)
        add_tools(site)
        add_types(site.portal_types)
        add_catalog_indexes(site.portal_catalog)
        add_members(site)
        add_actions(site.portal_actions)
        add_skins(site)
        add_content(site)
        add_page_cache(site)
        add_policies(site.caching_policy_manager)
    return app[site_id]


def add_tools(site):
    components = site.getSiteManager()
    components.registerUtility(site, interfaces.ISiteRoot)
    for interface, factory in TOOLS:
        tool = factory()
        site._setObject(tool.getId(), tool)
        components.registerUtility(site[tool.getId()], interface)


def add_types(types):
    for name, title, factory, view in TYPES:
        types._setObject(name, FactoryTypeInformation(
            name, title=title, factory=factory, content_meta_type=name,
            global_allow=bool(factory), filter_content_types=False,
            aliases={'(Default)': view, 'view': view,
                     'edit': 'document_edit_form'},
            actions=() if name != 'Demo Document' else (
                {'id': 'view', 'title': 'View', 'visible': True,
                 'action': 'string:${object_url}',
                 'permissions': ('View',)},
                {'id': 'edit', 'title': 'Edit', 'visible': True,
                 'action': 'string:${object_url}/edit',
                 'permissions': (ModifyPortalContent,)})))


def add_catalog_indexes(catalog):
    for factory, names in (
            (FieldIndex, ('Creator', 'portal_type')),
            (KeywordIndex, ('Subject', 'allowedRolesAndUsers')),
            (DateIndex, ('effective', 'modified')),
            (PathIndex, ('path',))):
        for name in names:
            catalog.addIndex(name, factory(name))
    for name in ('Title', 'Description', 'Creator', 'Subject', 'Type',
                 'effective', 'modified', 'portal_type'):
        catalog.addColumn(name)


def add_members(site):
    site.manage_addUserFolder()
    for role in ('Member', 'Editor'):
        site._addRole(role)
    for permission in (AddPortalContent, ModifyPortalContent):
        site.manage_permission(
            permission, ('Manager', 'Owner', 'Editor'), acquire=1)
    site.manage_permission(
        ListFolderContents, ('Manager', 'Owner', 'Anonymous'), acquire=1)
    for name, password, roles, fullname in MEMBERS:
        site.acl_users.userFolderAddUser(name, password, roles, ())
        member = site.portal_membership.getMemberById(name)
        member.setMemberProperties({'fullname': fullname})


def add_actions(actions):
    for category in ('portal_tabs', 'user', 'object'):
        actions._setObject(category, ActionCategory(category))
    for section, title, _ in SECTIONS:
        actions.portal_tabs._setObject(section, Action(
            section, title=title, visible=True,
            url_expr=f'string:${{portal_url}}/{section}'))
    actions.user._setObject('home', Action(
        'home', title='My page', visible=True,
        available_expr='member',
        url_expr='string:${portal_url}/personal_home'))
    actions.user._setObject('login', Action(
        'login', title='Log in', visible=True,
        available_expr='python: member is None',
        url_expr='string:${portal_url}/personal_home'))
    # The types have actions of their own: the tabs View and Edit.
    actions.addActionProvider('portal_types')


def add_skins(site):
    skins = site.portal_skins
    skins.manage_addFolder('custom', 'Templates changed through the web')
    createDirectoryView(
        skins, 'Products.PageCacheManager.demo:skins/demo', 'demo')
    skins.manage_skinLayers(
        add_skin=1, skinname='Demo', skinpath=['custom', 'demo'])
    skins.manage_properties(
        default_skin='Demo', request_varname='portal_skin')
    # The front page is the only template in the database, others are files.
    source = (Path(__file__).parent / 'overview.zpt').read_text('utf-8')
    skins.custom._setObject('overview', ZopePageTemplate(
        'overview', source, 'text/html'))
    site.changeSkin('Demo', site.REQUEST)


def add_content(site):
    site._setPortalTypeName('Demo Site')
    types = site.portal_types
    for section, title, description in SECTIONS:
        types.constructContent(
            'Demo Folder', site, section, title=title,
            description=description)
    today = DateTime().earliestTime()
    for section, name, title, days, subject, creator, summary in PAGES:
        date = today - days + (len(name) % 8 + 9) / 24
        text = '\n\n'.join((summary, BODY) + CLOSING[section])
        types.constructContent(
            'Demo Document', site[section], name, title=title,
            description=summary, text=text, subject=subject, creator=creator,
            effective_date=date)
        # The workflow tool has just set another date.
        site[section][name].modification_date = date
    # The commit would be too late: the tools are found only within the site.
    processQueue()


def add_page_cache(site):
    """Add a Page Cache Manager, and associate the front page with it.

    Filesystem templates have `cache = page_cache` in their .metadata file.
    """
    add = site.manage_addProduct['PageCacheManager']
    add.manage_addPageCacheManager('page_cache', 'Pages')
    site.portal_skins.custom.overview.ZCacheable_setManagerId('page_cache')


def add_policies(policies):
    for name, predicate, has_date in POLICIES:
        policies.addPolicy(
            name, predicate, 'object/modified', 0, 0, 0, 1, '', ETAG,
            private=1, enable_304s=1, last_modified=int(has_date))
