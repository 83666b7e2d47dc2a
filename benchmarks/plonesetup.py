"""Changes of the set-up of a site: look, navigation, types, roles, tools.

Each change is a function of a client and the site, as in `plonechanges`.
"""
import transaction
from plone.app.customerize import registration
from plone.app.portlets.portlets import recent
from plone.keyring.interfaces import IKeyManager
from plone.registry.interfaces import IRegistry
from plonefilled import NOTICE
from plonefilled import WORKFLOW
from plonefilled import portlets_of
from Products.CMFCore.ActionInformation import Action
from zope.component import getSiteManager
from zope.component import getUtility

from Products.PageCacheManager.tests.plone.changes import panel
from Products.PageCacheManager.tests.plone.changes import post
from Products.PageCacheManager.tests.plone.changes import posted
from Products.PageCacheManager.tests.plone.changes import submit
from Products.PageCacheManager.tests.plone.changes import viewlets
from Products.PageCacheManager.tests.plone.changes import widgets


THEMING = '/@@theming-controlpanel'

SITEMAP = '/portal_actions/site_actions/sitemap'


def record(name, value):
    """Return a function that changes a record of the registry by code."""
    def change(client, portal):
        getUtility(IRegistry)[name] = value
    return change


def roles(user, *names):
    def change(client, portal):
        portal.acl_users.portal_role_manager.assignRolesToPrincipal(
            names, user)
    return change


def permission(path, name, *roles):
    def change(client, portal):
        post(client, f'{path}/manage_permission', {
            'permission_to_manage': name, 'roles:list': [*roles][0],
            'acquire': '1'})
    return change


def add_portlet(client, portal):
    answer = submit(
        client, '/++contextportlets++plone.rightcolumn/+/portlets.Search',
        'root', 'form.buttons.add')
    assert answer.status == 302


def edit_portlet(client, portal):
    portlets_of(portal, 'plone.rightcolumn')['news'].count = 3


def add_portlet_in_section(client, portal):
    portlets_of(portal.visits, 'plone.rightcolumn')['recent'] = (
        recent.Assignment(count=3))


def block_portlets(client, portal):
    post(client, '/archive/@@set-portlet-blacklist-status', {
        'manager': 'plone.rightcolumn', 'context_status:int': '1',
        'group_status:int': '0', 'content_type_status:int': '0'})


def add_action(client, portal):
    portal.portal_actions.portal_tabs._setObject('help', Action(
        'help', title='Help', url_expr='string:${portal_url}/guide',
        permissions=('View',), visible=True))


def rename_action(client, portal):
    portal.portal_actions.portal_tabs.help._setPropValue('title', 'Advice')


def rename_action_in_zmi(client, portal):
    action = portal.portal_actions.site_actions['sitemap']
    form = {name: action.getProperty(name) or ''
            for name in action.propertyIds()}
    post(client, f'{SITEMAP}/manage_editProperties',
         {**form, 'title': 'Map of all', 'visible:boolean': 'on'})


def rename_type(client, portal):
    answer = submit(
        client, '/@@dexterity-types/Document', 'root',
        'form.buttons.apply', widgets(title='Leaf'))
    assert answer.status in (200, 302)


def behavior_off(client, portal):
    type_info = portal.portal_types['News Item']
    type_info.manage_changeProperties(behaviors=tuple(
        name for name in type_info.behaviors
        if name not in ('plone.leadimage', 'plone.relateditems')))


def workflow(*roles):
    def change(client, portal):
        tool = portal.portal_workflow
        tool[WORKFLOW].states.published.setPermission(
            'Modify portal content', False, roles)
        tool.updateRoleMappings()
    return change


def edit_template(client, portal):
    post(client, '/portal_skins/custom/notice/pt_editAction', {
        'title': '', 'content_type': 'text/html',
        'text': NOTICE.replace('all day', 'on Sundays'),
        'expand:int': '0'})


def add_script(client, portal):
    custom = portal.portal_skins.custom
    custom.manage_addProduct['PythonScripts'].manage_addPythonScript(
        'of_nobody')


def customize_view(client, portal):
    """Customize a view as its form does."""
    found = next(
        one for one in registration.templateViewRegistrations()
        if one.name == 'sitemap')
    getSiteManager().registerAdapter(
        registration.customizeTemplate(found), found.required,
        found.provided, found.name)


def edit_view(client, portal):
    names = portal.portal_view_customizations.objectIds()
    template = portal.portal_view_customizations[names[-1]]
    template.pt_edit(
        template.read().replace('<body', '<body lang="en"').replace(
            'id="content-core"', 'id="content-core" class="own"'),
        'text/html')


def rotate(client, portal):
    getUtility(IKeyManager)['_forms'].rotate()


def reindex(client, portal):
    portal.portal_catalog.reindexIndex('Subject', None)


def add_index(client, portal):
    portal.portal_catalog.addIndex('location', 'FieldIndex')


def rebuild(client, portal):
    portal.portal_catalog.clearFindAndRebuild()


def install(name):
    def change(client, portal):
        portal.portal_setup.runAllImportStepsFromProfile(name)
    return change


def add_alias(client, portal):
    from plone.app.redirector.interfaces import IRedirectionStorage
    getUtility(IRedirectionStorage).add('/Plone/old', '/Plone/guide')


def add_group(client, portal):
    portal.portal_groups.addGroup('others', title='Others')


def remove_group(client, portal):
    portal.portal_groups.removeGroup('others')


def add_policy(client, portal):
    portal.caching_policy_manager.addPolicy(
        'more', 'python: False', '', 0, 0, 0, 0, '', '')


def outside(client, portal):
    portal.__parent__.title = 'Another'
    transaction.commit()


CHANGES = {
    'role of another member': roles('user5', 'Member', 'Editor'),
    'permission of the site': permission('', 'Add portal folders', 'Manager'),
    'permission of one page': permission(
        '/guide/note-0', 'Delete objects', 'Manager'),
    'permission of a folder': permission(
        '/archive/house-1', 'Delete objects', 'Manager'),
    'group added': add_group,
    'group removed': remove_group,
    'title of the site': panel('/@@site-controlpanel', **widgets(
        site_title='Another Library')),
    'record of no page': record('plone.email_from_name', 'The desk'),
    'record of no page, in a panel': panel(
        '/@@mail-controlpanel', 'form.buttons.save', **widgets(
            smtp_host='mail.example.com', email_from_name='Desk',
            email_from_address='desk@example.com')),
    'theme: own css': record(
        'plone.app.theming.interfaces.IThemeSettings.custom_css',
        'body {color: navy}'),
    'theme off': posted(THEMING, **{
        'form.button.Disable': 'Disable', 'themeName': 'barceloneta'}),
    'theme on': posted(THEMING, **{
        'form.button.Enable': 'Enable', 'themeName': 'barceloneta'}),
    'portlet added': add_portlet,
    'portlet edited': edit_portlet,
    'portlet added in a section': add_portlet_in_section,
    'portlets blocked in a section': block_portlets,
    'viewlet hidden': viewlets('hide=plone.portalheader%3Aplone.logo'),
    'viewlet shown': viewlets('show=plone.portalheader%3Aplone.logo'),
    'action added': add_action,
    'action edited by a script': rename_action,
    'action edited in the ZMI': rename_action_in_zmi,
    'action hidden': posted('/@@actions-controlpanel', **{
        'hide': 'Hide', 'category': 'site_actions', 'actionid': 'sitemap'}),
    'title of a type': rename_type,
    'behavior of a type off': behavior_off,
    'workflow: a permission': workflow('Manager', 'Owner', 'Editor'),
    'workflow: the permission back': workflow(
        'Manager', 'Owner', 'Editor', 'Site Administrator'),
    'language German': record('plone.default_language', 'de'),
    'language English': record('plone.default_language', 'en'),
    'skin template edited': edit_template,
    'skin script added': add_script,
    'view customized': customize_view,
    'customized view edited': edit_view,
    'resource bundle off': record('plone.bundles/plone.enabled', False),
    'resource bundle on': record('plone.bundles/plone.enabled', True),
    'navigation: types shown': panel('/@@navigation-controlpanel', **{
        'form.widgets.displayed_types:list': ['Folder', 'Document']}),
    'navigation: depth': record('plone.navigation_depth', 2),
    'HTML filter': record('plone.valid_tags', [
        'p', 'a', 'img', 'h2', 'ul', 'li', 'b', 'i']),
    'keys of tokens rotated': rotate,
    'index of the catalog rebuilt': reindex,
    'index of the catalog added': add_index,
    'catalog cleared and rebuilt': rebuild,
    'alias of a page added': add_alias,
    'caching policy added': add_policy,
    'add-on installed': install('profile-plone.app.iterate:default'),
    'title of the root of Zope': outside,
    'role of a member in the site': roles('alice', 'Member', 'Reviewer'),
    'role of a member in the site, back': roles('alice', 'Member', 'Editor'),
}
