"""A Plone site with some 600 objects for the trials of freshness.

It is the instance that ``make plone-start`` makes, with a site of its own.
"""
import logging
import random
from datetime import datetime
from datetime import timedelta
from io import BytesIO

import pytz
import Zope2
from AccessControl.SecurityManagement import newSecurityManager
from AccessControl.users import system
from PIL import Image
from plone.app.discussion.interfaces import IConversation
from plone.app.event.portlets import portlet_events
from plone.app.portlets.portlets import classic
from plone.app.portlets.portlets import news
from plone.app.portlets.portlets import recent
from plone.app.textfield.value import RichTextValue
from plone.namedfile.file import NamedBlobFile
from plone.namedfile.file import NamedBlobImage
from plone.portlets.interfaces import IPortletAssignmentMapping
from plone.portlets.interfaces import IPortletManager
from plone.registry.interfaces import IRegistry
from Products.CMFCore.indexing import processQueue
from Products.CMFPlone.factory import addPloneSite
from Testing.makerequest import makerequest
from transaction import commit
from z3c.relationfield import RelationValue
from zope.component import createObject
from zope.component import getMultiAdapter
from zope.component import getUtility
from zope.component.hooks import setSite
from zope.intid.interfaces import IIntIds
from zope.lifecycleevent import modified
from Zope2.Startup.run import make_wsgi_app

from Products.PageCacheManager.demo.instance import make
from Products.PageCacheManager.demo.plone_site import PROFILES
from Products.PageCacheManager.demo.plone_site import TITLE
from Products.PageCacheManager.demo.plone_site import WORKFLOW
from Products.PageCacheManager.demo.plone_site import rich_text


SITE = 'Plone'

SECTIONS = ('guide', 'visits', 'research', 'archive', 'branches', 'projects')

SUBJECTS = ('Maps', 'Books', 'Music', 'Children', 'History', 'Sea')

#: Id, which is also the password, to roles beside Member and full name.
MEMBERS = {
    'root': (('Manager',), 'Ruth Root'),
    'alice': (('Editor',), 'Alice Arden'),
    'bob': ((), 'Bob Birch'),
    'carol': ((), 'Carol Cole'),
    **{f'user{number}': ((), f'User {number}') for number in range(40)},
}

#: A template that a portlet of a section shows.
NOTICE = '''\
<metal:block define-macro="portlet">
<section class="portlet"><header>Notice</header>Open all day</section>
</metal:block>
'''

DISCUSSION = 'plone.app.discussion.interfaces.IDiscussionSettings.'

_ANY = 'plone.app.querystring.operation.selection.any'
_PATH = 'plone.app.querystring.operation.string.absolutePath'

_WORDS = (
    'harbour library book reader shelf catalogue evening map archive guide'
    ' loan desk hall garden light window paper ink letter sailor island tide'
    ' winter summer bridge market school').split()


def start(home):
    """Start Zope in the directory `home`, with the site in it.

    Return the application root, with a request.
    """
    is_new = not (home / 'var' / 'Data.fs').exists()
    make(home, 'admin', 'admin', is_plone=True)
    # this program adds its own site
    (home / 'etc' / 'package-includes' / 'demo-configure.zcml').unlink(
        missing_ok=True)
    make_wsgi_app({}, str(home / 'etc' / 'zope.conf'))
    logging.getLogger().setLevel(logging.ERROR)
    root = makerequest(Zope2.app())
    if is_new:
        add_site(root)
    return root


def add_site(root):
    """Add the site, filled, and commit."""
    newSecurityManager(None, system.__of__(root.acl_users))
    site = addPloneSite(
        root, SITE, title=TITLE,
        extension_ids=('plone.app.discussion:default', *PROFILES))
    setSite(site)
    Content(site).fill()
    commit()
    setSite(None)


class Content:
    """Fills a site, with the same words each time."""

    def __init__(self, site):
        self.site = site
        self.random = random.Random(7)
        self.count = 0

    def fill(self):
        self.site.portal_workflow.setDefaultChain(WORKFLOW)
        self.add_members()
        for add in (
                self.add_sections, self.add_media, self.add_news,
                self.add_events, self.add_collections, self.add_special,
                self.add_comments, self.add_portlets):
            add()
            # indexing at the commit would find no tools of the site
            processQueue()
            commit()

    def add_members(self):
        site = self.site
        for name, (roles, full_name) in MEMBERS.items():
            site.acl_users.userFolderAddUser(
                name, name, ('Member', *roles), ())
            site.portal_membership.getMemberById(name).setMemberProperties({
                'fullname': full_name, 'email': f'{name}@example.com'})
        for group in 'staff', 'readers':
            site.portal_groups.addGroup(group, title=group.title())
        for name in 'alice', 'carol':
            site.portal_groups.addPrincipalToGroup(name, 'staff')

    def add_sections(self):
        """Add folders 4 levels deep with documents."""
        for section in SECTIONS:
            top = self.add(self.site, 'Folder', section, section.title())
            self.add_documents(top, 2)
            for number in range(4):
                house = self.add(
                    top, 'Folder', f'house-{number}',
                    f'House {number} of {section}',
                    description=self.words(8))
                self.add_documents(house, 3)
                for inner in range(3):
                    room = self.add(
                        house, 'Folder', f'room-{inner}',
                        f'Room {number}.{inner} of {section}')
                    self.add_documents(room, 3)
        self.site.visits.setDefaultPage('note-0')
        self.site.visits['house-2'].setLayout('summary_view')
        self.site.research['house-1'].setLayout('tabular_view')
        self.site.research['house-2'].setLayout('full_view')

    def add_documents(self, folder, number):
        for name in range(number):
            self.count += 1
            self.add(
                folder, 'Document', f'note-{name}',
                f'{self.words(3).title()} {self.count}',
                owner='alice' if self.count % 3 == 0 else 'root',
                description=self.words(14), text=self.text(),
                subject=tuple(self.random.sample(SUBJECTS, 2)))

    def add_media(self):
        library = self.add(self.site, 'Folder', 'library', 'Library')
        images = self.add(library, 'Folder', 'images', 'Images')
        images.setLayout('album_view')
        files = self.add(library, 'Folder', 'files', 'Files')
        for number in range(25):
            self.add(images, 'Image', f'image-{number}', f'Image {number}',
                     image=picture(number))
            self.add(files, 'File', f'file-{number}', f'File {number}',
                     file=NamedBlobFile(
                         self.words(300).encode(), 'text/plain',
                         f'file-{number}.txt'))

    def add_news(self):
        folder = self.add(self.site, 'Folder', 'news', 'News')
        for number in range(60):
            image = {} if number % 3 else {'image': picture(100 + number)}
            self.add(
                folder, 'News Item', f'item-{number}',
                f'{self.words(4).title()} news {number}',
                description=self.words(16), text=self.text(),
                subject=(self.random.choice(SUBJECTS),), **image)
        self.collect(folder, 'all', 'News', type_is('News Item'),
                     sort_on='effective', sort_reversed=True)
        folder.setDefaultPage('all')
        folder['all'].setLayout('summary_view')

    def add_events(self):
        folder = self.add(self.site, 'Folder', 'events', 'Events')
        # plone.event needs methods that only zones of pytz have
        today = datetime.now(pytz.utc).replace(
            minute=0, second=0, microsecond=0)
        for number in range(50):
            begin = today + timedelta(days=number * 3 - 40)
            self.add(
                folder, 'Event', f'event-{number}',
                f'{self.words(3).title()} event {number}',
                description=self.words(10), text=self.text(), start=begin,
                end=begin + timedelta(hours=2), location=self.words(2),
                timezone='UTC')
        self.collect(
            folder, 'all', 'Events', type_is('Event'), sort_on='start')
        folder.setDefaultPage('all')
        folder['all'].setLayout('event_listing')

    def add_collections(self):
        folder = self.add(self.site, 'Folder', 'lists', 'Lists')
        newest = {'sort_on': 'modified', 'sort_reversed': True}
        self.collect(folder, 'documents', 'All documents',
                     type_is('Document'), sort_on='sortable_title')
        self.collect(folder, 'maps', 'Maps', {
            'i': 'Subject', 'o': _ANY, 'v': ['Maps']}, **newest)
        self.collect(folder, 'lately', 'Changed lately', type_is(
            'Document', 'News Item', 'Event'), **newest)
        self.collect(folder, 'in-guide', 'In the guide', {
            'i': 'path', 'o': _PATH, 'v': '/guide'},
            sort_on='getObjPositionInParent')
        self.collect(
            folder, 'pictures', 'Pictures', type_is('Image')
        ).setLayout('album_view')

    def add_special(self):
        site = self.site
        folder = self.add(site, 'Folder', 'special', 'Special')
        image = site.library.images['image-1'].UID()
        note = site.projects['house-0']['note-0'].UID()
        linking = self.add(folder, 'Document', 'linking', 'With links')
        linking.text = RichTextValue(
            f'<p><a data-linktype="internal" data-val="{note}"'
            f' href="resolveuid/{note}">There</a>'
            f'<img data-linktype="image" data-scale="preview"'
            f' data-val="{image}" alt=""'
            f' src="resolveuid/{image}/@@images/image/preview" /></p>',
            'text/html', 'text/x-html-safe')
        related = self.add(
            folder, 'Document', 'related', 'With relations',
            text=self.text())
        intids = getUtility(IIntIds)
        related.relatedItems = [
            RelationValue(intids.getId(site.guide['note-1'])),
            RelationValue(intids.getId(site.library.images['image-2']))]
        modified(related)
        self.add(folder, 'Document', 'private', 'Private', owner='alice',
                 is_public=False, text=self.text())
        shared = self.add(folder, 'Document', 'shared', 'Shared',
                          is_public=False, text=self.text())
        shared.manage_setLocalRoles('bob', ['Reader'])
        shared.reindexObjectSecurity()

    def add_comments(self):
        registry = getUtility(IRegistry)
        for name in (
                'globally_enabled', 'anonymous_comments',
                'edit_comment_enabled', 'delete_own_comment_enabled'):
            registry[DISCUSSION + name] = True
        registry['plone.allow_anon_views_about'] = True
        commented = self.add(
            self.site.special, 'Document', 'commented', 'With comments',
            text=self.text())
        commented.allow_discussion = True
        for number in range(6):
            comment = createObject('plone.Comment')
            comment.text = self.words(12)
            comment.author_name = f'Reader {number}'
            comment.creator = 'bob' if number % 2 else None
            IConversation(commented).addComment(comment)

    def add_portlets(self):
        site = self.site
        right = portlets_of(site, 'plone.rightcolumn')
        if 'news' not in right:
            right['news'] = news.Assignment(count=5, state=('published',))
        if 'events' not in right:
            right['events'] = portlet_events.Assignment(
                count=5, state=('published',))
        section = portlets_of(site.research, 'plone.rightcolumn')
        section['recent'] = recent.Assignment(count=5)
        custom = site.portal_skins.custom
        custom.manage_addProduct[
            'PageTemplates'].manage_addPageTemplate('notice', text=NOTICE)
        section['notice'] = classic.Assignment('notice', 'portlet')

    def add(self, container, kind, name, title, owner='root',
            is_public=True, **fields):
        users = self.site.acl_users
        newSecurityManager(None, users.getUserById('root'))
        if owner != 'root':
            container.manage_setLocalRoles(owner, ['Contributor'])
            newSecurityManager(None, users.getUserById(owner))
        container.invokeFactory(kind, name, title=title, **fields)
        newSecurityManager(None, users.getUserById('root'))
        content = container[name]
        if is_public and self.site.portal_workflow.getChainFor(content):
            self.site.portal_workflow.doActionFor(content, 'publish')
        return content

    def collect(self, folder, name, title, *query, **sorting):
        return self.add(folder, 'Collection', name, title,
                        query=[*query], **sorting)

    def words(self, number):
        return ' '.join(self.random.choices(_WORDS, k=number))

    def text(self):
        return rich_text(self.words(60), self.words(60))


def portlets_of(context, column):
    """Return the portlets that are added to content, by name."""
    manager = getUtility(IPortletManager, name=column, context=context)
    return getMultiAdapter((context, manager), IPortletAssignmentMapping)


def type_is(*names):
    return {'i': 'portal_type', 'o': _ANY, 'v': [*names]}


def picture(number, size=(480, 320)):
    """Return an image; each number gives another color."""
    image = Image.new(
        'RGB', size, (number * 37 % 255, number * 91 % 255, 80))
    out = BytesIO()
    image.save(out, 'PNG')
    return NamedBlobImage(out.getvalue(), 'image/png', f'{number}.png')
