"""A small CMF site, built from CMFCore's own tools."""
import transaction
from AccessControl.class_init import InitializeClass
from AccessControl.PermissionRole import PermissionRole
from AccessControl.SecurityInfo import ClassSecurityInfo
from DateTime import DateTime
from five.localsitemanager.registry import PersistentComponents
from OFS.Folder import manage_addFolder
from OFS.PropertyManager import PropertyManager
from OFS.userfolder import manage_addUserFolder
from Products.CMFCore.CachingPolicyManager import CachingPolicyManager
from Products.CMFCore.DirectoryView import createDirectoryView
from Products.CMFCore.DirectoryView import registerDirectory
from Products.CMFCore.interfaces import ICachingPolicyManager
from Products.CMFCore.interfaces import IMembershipTool
from Products.CMFCore.interfaces import ISkinsTool
from Products.CMFCore.interfaces import ITypesTool
from Products.CMFCore.MembershipTool import MembershipTool
from Products.CMFCore.PortalContent import PortalContent
from Products.CMFCore.PortalFolder import PortalFolder
from Products.CMFCore.PortalObject import PortalObjectBase
from Products.CMFCore.SkinsTool import SkinsTool
from Products.CMFCore.TypesTool import FactoryTypeInformation
from Products.CMFCore.TypesTool import TypesTool
from Products.PageTemplates.ZopePageTemplate import ZopePageTemplate
from zope.component import getGlobalSiteManager

from ..key import code_version
from ..PageCacheManager import PageCacheManager


#: user, modification time, hour: the recipe of the README
ETAG = (
    "python: '%s|%s|%s' % (member and member.getId() or '',"
    " object.modified().timeTime(), int(time.timeTime() // 3600))")

TEMPLATE = '''<html><head><title tal:content="context/getId">t</title></head>
<body><p id="text" tal:content="context/text | nothing">text</p>
<p id="user" tal:content="user/getId">user</p>
<p id="render" tal:content="context/count_render">n</p></body></html>'''


class Item(PropertyManager, PortalContent):
    """Content with a text, a date, and a count of its renders."""

    meta_type = portal_type = 'Item'
    renders = 0
    _properties = (
        {'id': 'text', 'type': 'string', 'mode': 'w'},
        {'id': 'changed', 'type': 'date', 'mode': 'w'})

    security = ClassSecurityInfo()
    security.setDefaultAccess('allow')
    text__roles__ = changed__roles__ = PermissionRole('View')

    def __init__(self, id, text=''):
        self.id = id
        self.text = text
        self.changed = DateTime('2020/01/01 12:00:00 GMT')

    def getId(self):
        return self.id

    @security.protected('View')
    def modified(self):
        return self.changed

    @security.protected('View')
    def count_render(self):
        """Count renders, in memory: reading writes nothing."""
        Item.renders += 1
        return Item.renders


InitializeClass(Item)


def add_site(app, name):
    """Add a CMF site with tools, skins, templates, policy and a manager."""
    app._setObject(name, PortalObjectBase(name))
    site = app[name]
    components = PersistentComponents('++etc++site')
    components.__parent__ = site
    components.__bases__ = (getGlobalSiteManager(),)
    site.setSiteManager(components)
    add_tools(site)
    manage_addUserFolder(site)
    for user in ('alice', 'bob'):
        site.acl_users.userFolderAddUser(user, user, ['Member'], [])
    site._setObject('page_cache', PageCacheManager('page_cache'))
    site._setObject('doc', Item('doc', 'first text'))
    site._setObject('folder', PortalFolder('folder'))
    site.folder._setObject('inner', Item('inner', 'inner text'))
    add_template(site.portal_skins.custom, 'page', TEMPLATE)
    site.setupCurrentSkin()
    add_policy(site.caching_policy_manager)
    return site


def add_template(container, name, text, associate=True):
    container._setObject(name, ZopePageTemplate(name, text))
    template = container[name]
    if associate:
        template.ZCacheable_setManagerId('page_cache')
    return template


def add_policy(manager, name='all', etag=ETAG, **options):
    values = dict(
        predicate='python: True', mtime_func='object/modified',
        max_age_secs=0, no_cache=0, no_store=0, must_revalidate=1, vary='',
        etag_func=etag, enable_304s=1)
    values.update(options)
    manager.addPolicy(name, **values)


def set_policy(site, etag=ETAG, **options):
    """Replace all policies by one, and commit."""
    manager = site.caching_policy_manager
    for name, _ in manager.listPolicies():
        manager.removePolicy(name)
    add_policy(manager, etag=etag, **options)
    transaction.commit()


def add_tools(site):
    components = site.getSiteManager()
    for tool, interface in (
            (MembershipTool(), IMembershipTool),
            (SkinsTool(), ISkinsTool),
            (TypesTool(), ITypesTool),
            (CachingPolicyManager(), ICachingPolicyManager)):
        site._setObject(tool.getId(), tool)
        components.registerUtility(
            site._getOb(tool.getId()), interface)
    site.portal_types._setObject('Item', FactoryTypeInformation(
        'Item', title='Item', factory='', aliases={
            '(Default)': 'page', 'view': 'page'},
        actions=()))
    add_skins(site.portal_skins)


def add_skins(skins):
    manage_addFolder(skins, 'custom')
    registerDirectory('skins', {'__name__': __name__})
    createDirectoryView(
        skins, 'Products.PageCacheManager.tests:skins/fs', 'fs')
    skins.addSkinSelection('Basic', 'custom, fs', make_default=True)


def forget_code_version():
    """Have the version of the code worked out anew, as by a restart."""
    code_version._code_version.cache_clear()
    code_version.code_version.cache_clear()
