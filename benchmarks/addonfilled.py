"""The demo site, with content of each add-on that is installed."""
from collections.abc import Callable
from typing import NamedTuple

from AccessControl.SecurityManagement import newSecurityManager
from plone.dexterity.fti import DexterityFTI
from plone.registry.interfaces import IRegistry
from plonefilled import portlets_of
from plonefilled import type_is
from Products.CMFCore.indexing import processQueue
from transaction import commit
from zope.component import getUtility
from zope.component.hooks import setSite

from Products.PageCacheManager.demo.plone_site import BODY
from Products.PageCacheManager.demo.plone_site import SITE_ID as SITE
from Products.PageCacheManager.demo.plone_site import add_site
from Products.PageCacheManager.demo.plone_site import rich_text


class AddOn(NamedTuple):
    """An add-on with its pages in the site."""

    name: str
    profile: str
    #: Adds content to the site.
    fill: Callable
    #: Paths of the pages that all users ask for.
    pages: tuple
    #: Views to be associated, as `manage_editViews` takes them.
    views: tuple = ()
    #: More pages: pairs of a path and the user who asks for it.
    of_members: tuple = ()


class Filled:
    """Makes the site, and fills it add-on by add-on."""

    def __init__(self, root):
        self.root = root
        site = add_site(root, SITE)
        site.acl_users.userFolderAddUser('root', 'root', ('Manager',), ())
        self.views = []
        commit()

    def add(self, addon):
        """Install an add-on, and add its content."""
        site = self.root[SITE]
        setSite(site)
        newSecurityManager(None, site.acl_users.getUserById('root'))
        site.portal_setup.runAllImportStepsFromProfile(addon.profile)
        addon.fill(site)
        processQueue()
        commit()
        self.views += addon.views
        setSite(None)

    def close(self):
        """Associate the views of the add-ons."""
        manager = self.root[SITE].page_cache
        manager.manage_editViews([*manager.getViews(), *self.views])
        commit()


def add(container, kind, name, title, **fields):
    """Add content, publish it if its workflow can, and return it."""
    container.invokeFactory(kind, name, title=title, **fields)
    content = container[name]
    workflow = content.portal_workflow
    if 'publish' in [one['id'] for one in workflow.getTransitionsFor(content)]:
        workflow.doActionFor(content, 'publish')
    content.reindexObject()
    return content


def add_documents(folder, *subjects):
    for number, subject in enumerate(subjects):
        add(folder, 'Document', f'note-{number}', f'Note {number}',
            subject=(subject,), text=rich_text(BODY))


# plone.app.iterate

def original(site):
    add(site, 'Document', 'original', 'An original', text=rich_text(BODY))


# plone.app.discussion

DISCUSSION = 'plone.app.discussion.interfaces.IDiscussionSettings.'


def commented(site):
    registry = getUtility(IRegistry)
    for name in (
            'globally_enabled', 'anonymous_comments', 'edit_comment_enabled',
            'delete_own_comment_enabled'):
        registry[DISCUSSION + name] = True
    site.portal_workflow.setChainForPortalTypes(
        ('Discussion Item',), ('comment_review_workflow',))
    document = add(
        site, 'Document', 'commented', 'With comments', text=rich_text(BODY))
    document.allow_discussion = True


# collective.easyform

def form(site):
    add(site, 'EasyForm', 'contact', 'Write to us')


# collective.glossary

def glossary(site):
    terms = add(site, 'Glossary', 'glossary', 'Words')
    for name in 'anchor', 'buoy', 'cleat':
        add(terms, 'Term', name, name.title(),
            definition=rich_text(f'What {name} means'))


# collective.collectionfilter

def filtered(site):
    from collective.collectionfilter.portlets import collectionfilter

    add_documents(add(site, 'Folder', 'notes', 'Notes'), 'Sea', 'Sea', 'Maps')
    collection = add(
        site, 'Collection', 'filtered', 'By keyword',
        query=[type_is('Document')], sort_on='sortable_title')
    portlets_of(collection, 'plone.rightcolumn')['keywords'] = (
        collectionfilter.Assignment(
            header='Keywords', group_by='Subject', show_count=True))


# eea.facetednavigation

def faceted(site):
    folder_type = site.portal_types.Folder
    folder_type.manage_changeProperties(
        behaviors=(*folder_type.behaviors, 'eea.faceted.navigable'))
    folder = add(site, 'Folder', 'faceted', 'By facets')
    add_documents(folder, 'Boats', 'Boats', 'Knots')
    folder.restrictedTraverse('@@faceted_subtyper').enable()


# plone.app.mosaic

#: A page with a text of its own, and a tile that shows other content.
LAYOUT = '''\
<!DOCTYPE html>
<html lang="en" data-layout="./@@default-site-layout">
<head></head>
<body>
<div data-panel="content">
<div class="mosaic-grid-row"><div class="mosaic-grid-cell col">
<div class="mosaic-tile"><div class="mosaic-tile-content">
<p>Written into the layout</p>
<div data-tile="./@@plone.app.standardtiles.existingcontent?content_uid={uid}">
</div>
</div></div></div></div>
</div>
</body>
</html>
'''

#: A layout for many pages.
PLAIN = '''\
<!DOCTYPE html>
<html lang="en" data-layout="./@@default-site-layout">
<head></head>
<body><div data-panel="content"><p>The same on all</p></div></body>
</html>
'''


def mosaic(site):
    from plone.resource.utils import queryResourceDirectory

    shown = add(
        site, 'Document', 'shown', 'Shown by a tile', text=rich_text(BODY))
    page = add(site, 'Document', 'tiles', 'With tiles')
    page.customContentLayout = LAYOUT.format(uid=shown.UID())
    page.setLayout('layout_view')
    layouts = queryResourceDirectory('contentlayout', 'custom')
    layouts.writeFile('plain.html', PLAIN)
    page = add(site, 'Document', 'laid-out', 'With a layout of many')
    page.contentLayout = '/++contentlayout++custom/plain.html'
    page.setLayout('layout_view')


# collective.lineage

def subsite(site):
    folder = add(site, 'Folder', 'subsite', 'A subsite')
    add_documents(folder, 'Sea', 'Maps')


# collective.workspace

def workspace(site):
    from collective.workspace.interfaces import IWorkspace

    site.portal_types._setObject('Team', DexterityFTI(
        'Team', title='Team', klass='plone.dexterity.content.Container',
        default_view='listing_view', view_methods=('listing_view',),
        add_permission='cmf.AddPortalContent', filter_content_types=False,
        behaviors=('plone.dublincore', 'plone.namefromtitle',
                   'collective.workspace.team_workspace')))
    team = add(site, 'Team', 'team', 'The team')
    add_documents(team, 'Sea')
    team.invokeFactory('Document', 'inside', title='For the team alone')
    IWorkspace(team).add_to_team('alice', groups={'Admins'})
    IWorkspace(team).add_to_team('bob', position='Cook')


# Products.EasyNewsletter

def newsletter(site):
    letters = add(
        site, 'Newsletter', 'letters', 'Letters',
        sender_email='desk@example.com', sender_name='The desk',
        test_email='test@example.com', output_template='output_default')
    add(letters, 'Newsletter Issue', 'first', 'The first letter',
        output_template='output_default',
        text=rich_text(BODY))


ADDONS = (
    AddOn('plone.app.iterate', 'plone.app.iterate:default', original,
          ('/original', '/a-document')),
    AddOn('plone.app.discussion', 'plone.app.discussion:default', commented,
          ('/commented',)),
    AddOn('collective.easyform', 'collective.easyform:default', form,
          ('/contact', '/contact/@@embedded'),
          (('view', 'EasyForm'), ('embedded', 'EasyForm'))),
    AddOn('collective.glossary', 'collective.glossary:default', glossary,
          ('/glossary', '/glossary/anchor', '/@@glossary'),
          (('view', 'Glossary'), ('view', 'Term'), ('glossary', ''))),
    AddOn('collective.collectionfilter',
          'collective.collectionfilter.portlets:default', filtered,
          ('/filtered', '/filtered?Subject=Sea', '/notes/note-0')),
    AddOn('eea.facetednavigation', 'eea.facetednavigation:default', faceted,
          ('/faceted', '/faceted/@@faceted_query', '/faceted/note-0'),
          (('facetednavigation_view', ''), ('faceted_query', ''))),
    AddOn('plone.app.mosaic', 'plone.app.mosaic:default', mosaic,
          ('/tiles', '/shown', '/laid-out'), (('layout_view', ''),)),
    AddOn('collective.lineage', 'collective.lineage:default', subsite,
          ('/subsite', '/subsite/note-0')),
    AddOn('collective.workspace', 'collective.workspace:default', workspace,
          ('/team', '/team/@@team-roster', '/team/note-0'),
          (('team-roster', ''),),
          (('/team/inside', 'bob'), ('/team/@@team-roster', 'bob'),
           ('/team/inside', 'alice'))),
    AddOn('Products.EasyNewsletter', 'Products.EasyNewsletter:default',
          newsletter,
          ('/letters', '/letters/first', '/letters/first/@@issue-online-view'),
          (('view', 'Newsletter'), ('view', 'Newsletter Issue'),
           ('issue-online-view', ''))),
)
