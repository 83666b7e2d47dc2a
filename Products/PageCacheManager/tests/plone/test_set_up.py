"""Changes of the site's set-up show on all pages at once."""
import pytest
import transaction
from plone.app.theming.interfaces import IThemeSettings
from plone.registry.interfaces import IRegistry
from plone.resource.interfaces import IResourceDirectory
from Products.CMFCore.ActionInformation import Action
from Products.GenericSetup import EXTENSION
from Products.GenericSetup import profile_registry
from zope.component import getUtility
from zope.component.hooks import setSite

from .changes import panel
from .changes import post
from .changes import submit
from .changes import viewlets
from .changes import widgets
from .freshness import Freshness


def registry(name, value):
    """Return a function that changes a record of the registry by code."""
    def change(client, portal):
        setSite(portal)
        getUtility(IRegistry)[name] = value
        transaction.commit()
    return change


def action_title(client, portal):
    action = portal.portal_actions.site_actions['sitemap']
    form = {name: action.getProperty(name) or ''
            for name in action.propertyIds()}
    post(client, '/portal_actions/site_actions/sitemap/manage_editProperties',
         {**form, 'title': 'Map of all', 'visible:boolean': 'on'})


def action_hidden(client, portal):
    post(client, '/@@actions-controlpanel', {
        'hide': 'Hide', 'category': 'site_actions', 'actionid': 'sitemap'})


def action_deleted(client, portal):
    post(client, '/portal_actions/site_actions/manage_delObjects',
         {'ids:list': 'sitemap'})


def action_renamed(client, portal):
    post(client, '/portal_actions/site_actions/manage_renameObjects', {
        'ids:list': 'sitemap', 'new_ids:list': 'sitemap2'})


def actions_ordered(client, portal):
    post(client, '/portal_actions/site_actions/manage_move_objects_to_bottom',
         {'ids:list': 'sitemap'})


def add_portlet(client, portal):
    """Add a portlet by its form, in the right column."""
    path = '/++contextportlets++plone.rightcolumn/+/portlets.Search'
    answer = submit(client, path, 'root', 'form.buttons.add')
    assert answer.status == 302


def toggle_portlet(client, portal):
    post(client, '/++contextportlets++plone.footerportlets/'
         '@@toggle-visibility', {'name': 'footer'})


def delete_portlet(client, portal):
    post(client, '/++contextportlets++plone.footerportlets/@@delete-portlet',
         {'name': 'footer'})


def block_portlets(client, portal):
    post(client, '/a-folder/@@set-portlet-blacklist-status', {
        'manager': 'plone.footerportlets', 'context_status:int': '1',
        'group_status:int': '0', 'content_type_status:int': '0'})


def change_type(client, portal):
    post(client, '/portal_types/Document/manage_editProperties', {
        'title': 'Leaf', 'description': '', 'add_permission':
        'plone.app.contenttypes.addDocument'})


def rename_type(client, portal):
    submit(client, '/@@dexterity-types/Document', 'root',
           'form.buttons.apply', widgets(title='Leaf'))


def theme_off(client, portal):
    post(client, '/@@theming-controlpanel', {
        'form.button.Disable': 'Disable', 'themeName': 'barceloneta'})


def workflow(client, portal):
    post(client, '/@@content-controlpanel', {
        'type_id': 'Document', 'old_type_id': 'Document',
        'form.submitted:boolean': 'true', 'new_workflow': '[none]',
        'form.button.Save': 'Save', 'addable:boolean': 'on'})


def permission(client, portal):
    """Take a right from editors, in the site's Security tab."""
    post(client, '/manage_permission', {
        'permission_to_manage': 'Modify portal content',
        'roles:list': 'Manager'})


def folder_permission(client, portal):
    """Take a right from editors in a folder; its content acquires that."""
    post(client, '/a-folder/manage_permission', {
        'permission_to_manage': 'Delete objects', 'roles:list': 'Manager'})


def page_permission(client, portal):
    """Hide a page from all but managers, without indexing it."""
    post(client, '/a-folder/item-0/manage_permission', {
        'permission_to_manage': 'View', 'roles:list': 'Manager'})


def navigation_root(client, portal):
    """Mark a folder in its Interfaces tab, which indexes nothing."""
    post(client, '/a-folder/@@edit-markers.html', {
        'add:list': 'plone.base.interfaces.siteroot.INavigationRoot',
        'SAVE': 'Add'})


def clear_catalog(client, portal):
    post(client, '/portal_catalog/manage_catalogClear')


def workflow_in_zmi(client, portal):
    post(client, '/portal_workflow/manage_changeWorkflows', {
        'default_chain': 'simple_publication_workflow',
        'chain_Document': 'intranet_workflow'})


def constrain(client, portal):
    answer = submit(
        client, '/a-folder/folder_constraintypes_form', 'root',
        'form.buttons.save', widgets(**{
            'constrain_types_mode:list': '1',
            'allowed_types:list': 'Document',
            'secondary_types:list': []}))
    assert answer.status == 302


def syndicate(client, portal):
    answer = submit(
        client, '/a-collection/synPropertiesForm', 'root',
        'form.buttons.save', widgets(**{
            'enabled:list': 'selected', 'feed_types': 'RSS'}))
    assert answer.status in (200, 302)


def full_name(client, portal):
    answer = submit(client, '/@@personal-information', 'root',
                    'form.buttons.save', widgets(
                        fullname='Ruth Root', email='root@example.com'))
    assert answer.status in (200, 302)


def own_full_name(client, portal):
    submit(client, '/@@personal-information', 'alice', 'form.buttons.save',
           widgets(fullname='Alice Other', email='alice@example.com'))


SET_UP = {
    'site title': panel('/@@site-controlpanel', **widgets(
        site_title='Another Library')),
    'site title by a script': registry('plone.site_title', 'Another'),
    'metadata shown': panel('/@@site-controlpanel', **{
        'form.widgets.exposeDCMetaTags:list': 'selected'}),
    'statistics code': registry('plone.webstats_js', '<i>counted</i>'),
    'navigation': panel('/@@navigation-controlpanel', **{
        'form.widgets.displayed_types:list': ['Folder']}),
    'byline for all': registry('plone.allow_anon_views_about', True),
    'bundle off': registry('plone.bundles/plone.enabled', False),
    'theme off': theme_off,
    'theme off by a script': registry(
        'plone.app.theming.interfaces.IThemeSettings.enabled', False),
    'theme css': registry(
        'plone.app.theming.interfaces.IThemeSettings.custom_css',
        'body {color: red}'),
    'viewlet hidden': viewlets('hide=plone.portalheader%3Aplone.logo'),
    'action title': action_title,
    'action hidden': action_hidden,
    'action deleted': action_deleted,
    'action renamed': action_renamed,
    'actions ordered': actions_ordered,
    'portlet added': add_portlet,
    'portlet hidden': toggle_portlet,
    'portlet deleted': delete_portlet,
    'portlets blocked': block_portlets,
    'type in the ZMI': change_type,
    'type in the panel': rename_type,
    'workflow of a type': workflow,
    'workflow of a type in the ZMI': workflow_in_zmi,
    'permission': permission,
    'permission in a folder': folder_permission,
    'permission of a page': page_permission,
    'navigation root': navigation_root,
    'catalog cleared': clear_catalog,
    'types to add': constrain,
    'syndication': syndicate,
    'full name': full_name,
    'own full name': own_full_name,
}


@pytest.mark.parametrize('change', SET_UP.values(), ids=SET_UP)
def test_no_page_is_stale_after_set_up(
        client, portal, page_cache, change):
    fresh = Freshness(client, page_cache, users=(None, 'alice', 'root'))
    fresh.warm()
    change(client, portal)
    assert fresh.after()


ACTIONS = '''<?xml version="1.0"?>
<object name="portal_actions" meta_type="Plone Actions Tool">
  <object name="site_actions" meta_type="CMF Action Category">
    <object name="sitemap" meta_type="CMF Action">
      <property name="title">Map of all</property>
    </object>
  </object>
</object>
'''


def test_no_page_is_stale_after_an_add_on_was_installed(
        client, portal, page_cache, tmp_path):
    (tmp_path / 'actions.xml').write_text(ACTIONS)
    (tmp_path / 'metadata.xml').write_text(
        '<metadata><version>1</version></metadata>')
    profile_registry.registerProfile(
        'own', 'An add-on', '', str(tmp_path), 'plone.app.caching', EXTENSION)
    try:
        fresh = Freshness(client, page_cache, users=(None, 'alice'))
        fresh.warm()
        post(client, '/portal_setup/manage_importAllSteps', {
            'context_id': 'profile-plone.app.caching:own'})
        assert fresh.after()
    finally:
        profile_registry.unregisterProfile('own', 'plone.app.caching')


def test_no_page_is_stale_after_a_change_before_a_savepoint(
        client, portal, page_cache, monkeypatch):
    was = Action._updateProperty

    def update(action, name, value):
        was(action, name, value)
        transaction.savepoint()

    monkeypatch.setattr(Action, '_updateProperty', update)
    fresh = Freshness(client, page_cache, pages=['/a-document'])
    fresh.warm()
    action_title(client, portal)
    assert len(fresh.after()) == 2


def test_no_page_is_stale_after_theme_files_were_edited(
        client, portal, page_cache):
    """The rules and the page of the theme are in portal_resources."""
    setSite(portal)
    theme = getUtility(IResourceDirectory, name='persistent')
    theme.makeDirectory('theme/own')
    theme.writeFile('theme/own/index.html', PAGE.format('first'))
    theme.writeFile('theme/own/rules.xml', RULES.format('content'))
    theme.writeFile('theme/own/manifest.cfg', '[theme]\ntitle = Own\n')
    settings = getUtility(IRegistry).forInterface(IThemeSettings, False)
    settings.currentTheme = 'own'
    settings.rules = '/++theme++own/rules.xml'
    settings.absolutePrefix = '/++theme++own'
    fresh = Freshness(client, page_cache, pages=['/a-document', '/a-folder'])
    fresh.warm()
    assert 'first' in client.get('/a-document').text
    setSite(portal)
    theme['theme']['own'].writeFile('index.html', PAGE.format('second'))
    transaction.commit()
    fresh.after()
    fresh.warm()  # Plone uses the compiled theme until it is invalidated
    post(client, '/@@theming-controlpanel', {
        'form.button.InvalidateCache': 'Clear cache'})
    assert len(fresh.after()) == 4
    assert 'second' in client.get('/a-document').text


PAGE = '<html><head></head><body><i>{}</i><div id="here"></div></body></html>'
RULES = '''<rules xmlns="http://namespaces.plone.org/diazo">
  <theme href="index.html" />
  <replace css:theme-children="#here" css:content-children="#{}"
    xmlns:css="http://namespaces.plone.org/diazo/css" />
</rules>
'''
