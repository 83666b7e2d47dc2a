"""Builds the site of the soak, and writes its templates."""
from OFS.Folder import manage_addFolder
from Products.CMFCore.DirectoryView import createDirectoryView
from Products.CMFCore.DirectoryView import registerDirectory
from Products.CMFCore.TypesTool import FactoryTypeInformation
from Testing.makerequest import makerequest

from Products.PageCacheManager.tests.site import add_policy
from Products.PageCacheManager.tests.site import add_site
from Products.PageCacheManager.tests.site import add_template

from .content import Desk
from .content import Paper


ROOT = 'root'
PAPERS = tuple(f'p{n}' for n in range(8))
#: The papers that clients make private and public.
SHY = ('p6', 'p7')

#: Members, and whether they are insiders; the password is the name.
MEMBERS = {'alice': True, 'bob': False, 'carol': True, 'dave': False}

_MAIN = '''<metal:macro define-macro="master"><html>
<head><title tal:content="context/getId">t</title></head>
<body tal:define="squeeze context/squeeze">
<i id="shared">{number}</i>
<div metal:define-slot="main">main</div>
<p tal:repeat="n python: range(60)">Line <b tal:content="n">n</b>, which is
much like all others, so that the page is smaller in gzip.</p>
</body></html></metal:macro>'''

_STAMPS = '''<metal:macro define-macro="stamps">
<i id="paper" tal:content="context/getId">paper</i>
<i id="number" tal:content="context/edition">number</i>
<i id="token" tal:content="context/editor">token</i>
<i id="user" tal:content="context/who">user</i>
<i id="roles" tal:content="context/roles_here">roles</i>
<i id="query" tal:content="request/QUERY_STRING">query</i>
<i id="rendered" tal:content="context/rendered">time</i>
</metal:macro>'''

_PAGE = '''<html metal:use-macro="here/main_template/macros/master">
<div metal:fill-slot="main" tal:define="mishap context/mishap">
<i id="template">{number}</i>
<metal:stamps use-macro="here/stamps/macros/stamps" />
</div></html>'''

_SLOW = _PAGE.replace('mishap">', 'mishap; wait context/dawdle">')

_SOURCES = {'main_template': _MAIN, 'page': _PAGE, 'slow': _SLOW}
TEMPLATES = tuple(_SOURCES)


def source_of(name, number):
    """Return the source of a template, which shows `number`."""
    return _SOURCES[name].replace('{number}', str(number))


def roles_of(name, rank):
    """Return a member's roles; the rank rises with each change."""
    insider = ['Insider'] if MEMBERS[name] else []
    return ['Member', f'Rank{rank}', *insider]


def build(app):
    """Build the site in a database that has none; the caller commits."""
    app = makerequest(app)
    app.acl_users.userFolderAddUser(ROOT, ROOT, ['Manager'], [])
    site = add_site(app, 'site')
    for name in ('alice', 'bob'):
        site.acl_users.userFolderDelUsers([name])
    for name in MEMBERS:
        site.acl_users.userFolderAddUser(name, name, roles_of(name, 0), [])
    site._addRole('Insider')
    site._setObject('desk', Desk('desk'))
    manage_addFolder(site, 'papers')
    site.portal_types._setObject('Paper', FactoryTypeInformation(
        'Paper', title='Paper', factory='', actions=(),
        aliases={'(Default)': 'page', 'view': 'page'}))
    for name in PAPERS:
        site.papers._setObject(name, Paper(name))
    add_templates(site)
    policies = site.caching_policy_manager
    policies.removePolicy('all')
    # It does not name the user: the cache must keep users apart.
    add_policy(policies, etag='object/stamp', last_modified=1)
    return site


def add_templates(site):
    custom = site.portal_skins.custom
    custom.manage_delObjects(['page'])
    add_template(custom, 'stamps', _STAMPS, associate=False)
    for name in TEMPLATES:
        add_template(
            custom, name, source_of(name, 0),
            associate=name != 'main_template')
    registerDirectory('skins', {'__name__': __name__})
    skins = site.portal_skins
    createDirectoryView(skins, 'soak:skins/soak', 'soak')
    skins.addSkinSelection('Basic', 'custom, soak', make_default=True)
    site.setupCurrentSkin(site.REQUEST)
