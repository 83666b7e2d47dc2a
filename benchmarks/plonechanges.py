"""Changes that people make on a site every day: content, members, comments.

Each change is a function of a client and the site.  It is made by the form
that people use for it, if there is such a form.
"""
import json

import transaction
from plone.app.discussion.interfaces import IConversation
from plonefilled import SECTIONS
from plonefilled import picture
from zope.lifecycleevent import modified

from Products.PageCacheManager.tests.plone.changes import dublin
from Products.PageCacheManager.tests.plone.changes import edit
from Products.PageCacheManager.tests.plone.changes import post
from Products.PageCacheManager.tests.plone.changes import posted
from Products.PageCacheManager.tests.plone.changes import submit
from Products.PageCacheManager.tests.plone.changes import text
from Products.PageCacheManager.tests.plone.changes import transition
from Products.PageCacheManager.tests.plone.changes import widgets


HOUSE = '/guide/house-1'
ROOM = f'{HOUSE}/room-1'
NOTE = f'{ROOM}/note-1'
COMMENTED = '/special/commented'


# content

def add(folder, kind, title):
    def change(client, portal):
        answer = submit(
            client, f'{folder}/++add++{kind}', 'root', 'form.buttons.save',
            widgets(**{'IDublinCore.title': title}))
        assert answer.status == 302, answer.text[-2000:]
    return change


def rename(path, new_id):
    def change(client, portal):
        answer = submit(
            client, f'{path}/object_rename', 'root', 'form.buttons.Rename',
            {'form.widgets.new_id': new_id})
        assert answer.status == 302
    return change


def delete(path):
    def change(client, portal):
        answer = submit(
            client, f'{path}/delete_confirmation', 'root',
            'form.buttons.Delete')
        assert answer.status == 302
    return change


def paste(path, folder, how):
    def change(client, portal):
        answer = post(client, f'{path}/object_{how}')
        cookie, = (
            line.partition(';')[0] for line in answer.all('Set-Cookie')
            if line.startswith('__cp='))
        post(client, f'{folder}/object_paste', COOKIE=cookie)
    return change


def move_to_top(folder, name):
    def change(client, portal):
        names = SECTIONS if not folder else portal.unrestrictedTraverse(
            folder.strip('/')).objectIds()
        post(client, f'{folder}/fc-itemOrder', {
            'id': name, 'delta': 'top', 'subsetIds': json.dumps([*names])})
    return change


def default_page(client, portal):
    answer = submit(
        client, '/archive/select_default_page', 'root', 'form.buttons.Save',
        {'objectId': 'note-1'})
    assert answer.status == 302


def query(client, portal):
    """Let a collection ask for other keywords."""
    maps = portal.lists.maps
    maps.query = [{**maps.query[0], 'v': ['Maps', 'Sea']}]
    modified(maps)


def replace_image(client, portal):
    image = portal.library.images['image-1']
    image.image = picture(77)
    modified(image)


def first_scale(client, portal):
    """Ask for an image in a size that nobody asked for yet."""
    answer = client.get('/news/item-42/@@images/image/tile')
    assert answer.status == 200


def relate(client, portal):
    uid = portal.guide['note-0'].UID()
    edit('/special/linking', 'root', **{
        'form.widgets.IRelatedItems.relatedItems': uid})(client, portal)


def undo(client, portal):
    """Undo the last transaction of the site."""
    database = portal._p_jar.db()
    last, = database.undoLog(0, 1)
    database.undo(last['id'])
    transaction.commit()


def lock(client, portal):
    assert client.get(f'{NOTE}/edit', 'root').status == 200


def unlock(client, portal):
    post(client, f'{NOTE}/edit', {'form.buttons.cancel': 'Cancel'})


# members

def share(path, principal, kind='user', role='Reader'):
    def change(client, portal):
        post(client, f'{path}/@@sharing', {
            'form.submitted:boolean': 'true', 'inherit:boolean': 'true',
            'entries.id:records': principal, 'entries.type:records': kind,
            f'entries.role_{role}:records': 'True',
            'form.button.Save': 'Save'})
    return change


def group(**form):
    return posted('/@@usergroup-groupmembership?groupname=readers', **{
        'form.submitted': '1', **form})


def full_name(user, name):
    def change(client, portal):
        answer = submit(
            client, '/@@personal-information', user, 'form.buttons.save',
            widgets(fullname=name, email=f'{user}@example.com'))
        assert answer.status in (200, 302)
    return change


def log_in(user):
    def change(client, portal):
        assert client.log_in(user)
    return change


def password(user):
    def change(client, portal):
        portal.acl_users.source_users.updateUserPassword(user, 'Another1!')
    return change


def add_user(client, portal):
    portal.portal_registration.addMember('dora', 'Dora-123', properties={
        'username': 'dora', 'fullname': 'Dora', 'email': 'd@example.com'})


def remove_user(client, portal):
    portal.portal_membership.deleteMembers(['dora'])


# comments

def comment(client, portal):
    answer = submit(
        client, COMMENTED, None, 'form.buttons.comment', {
            'form.widgets.text': 'Well said',
            'form.widgets.author_name': 'Zoe'})
    assert answer.status == 302


def last_comment(portal):
    name = [*IConversation(portal.special.commented)][-1]
    return f'{COMMENTED}/++conversation++default/{name}'


def edit_comment(client, portal):
    answer = submit(
        client, f'{last_comment(portal)}/@@edit-comment', 'root',
        'form.buttons.comment', {'form.widgets.text': 'Very well said'})
    assert answer.status == 302


def delete_comment(client, portal):
    conversation = IConversation(portal.special.commented)
    del conversation[[*conversation][-1]]


CHANGES = {
    'text of a document': text(NOTE, '<p>Open on Sundays.</p>'),
    'text of a document, again': text(NOTE, '<p>Open on Mondays.</p>'),
    'text of a document in a section': text(
        '/guide/note-1', '<p>Open on Sundays.</p>'),
    'text of a document of no page': text(
        '/projects/house-3/room-2/note-0', '<p>Open on Sundays.</p>'),
    'title of a document, 4 levels down': dublin(NOTE, title='Open when'),
    'title of a document of no page': dublin(
        '/projects/house-3/room-2/note-0', title='Open again'),
    'description of a document': dublin(
        f'{HOUSE}/note-2', description='In short'),
    'keyword of a document': dublin(
        '/branches/house-0/note-0', subjects='Sea;Boats'),
    'title of a section': dublin('/projects', title='Plans'),
    'title of a folder in a section': dublin(HOUSE, title='The house'),
    'description of a folder in a section': dublin(
        '/archive/house-2', description='All that is old'),
    'document added': add(ROOM, 'Document', 'A newcomer'),
    'document published': transition(f'{ROOM}/a-newcomer', 'publish'),
    'document retracted': transition(f'{ROOM}/a-newcomer', 'retract'),
    'document renamed': rename(f'{ROOM}/a-newcomer', 'newcomer'),
    'document deleted': delete(f'{ROOM}/newcomer'),
    'document added, far away': add(
        '/projects/house-3/room-2', 'Document', 'Far away'),
    'document published, far away': transition(
        '/projects/house-3/room-2/far-away', 'publish'),
    'document deleted, far away': delete(
        '/projects/house-3/room-2/far-away'),
    'document renamed, published': rename(
        '/projects/house-2/room-1/note-0', 'note-zero'),
    'document moved': paste(
        '/projects/house-2/room-1/note-zero', '/archive/house-1', 'cut'),
    'document copied': paste(
        '/projects/house-2/room-1/note-1', '/archive/house-1', 'copy'),
    'order in a folder': move_to_top(HOUSE, 'note-2'),
    'order in a folder, far away': move_to_top('/archive/house-3', 'note-2'),
    'order of sections': move_to_top('', 'research'),
    'section excluded from navigation': edit('/archive', **{
        'form.widgets.IExcludeFromNavigation.exclude_from_nav:list':
        'selected'}),
    'document excluded from navigation': edit('/guide/note-0', **{
        'form.widgets.IExcludeFromNavigation.exclude_from_nav:list':
        'selected'}),
    'default page of a section': default_page,
    'layout of a section': posted(
        '/guide/selectViewTemplate', templateId='summary_view'),
    'news item added': add('/news', 'News Item', 'Fresh'),
    'news item published': transition('/news/fresh', 'publish'),
    'text of a news item that a portlet shows': text(
        '/news/fresh', '<p>Quite fresh</p>'),
    'title of a news item that a portlet shows': dublin(
        '/news/fresh', title='Fresher'),
    'title of an old news item': dublin('/news/item-30', title='Old news'),
    'title of an event that a portlet shows': dublin(
        '/events/event-14', title='Soon'),
    'title of a far-off event': dublin(
        '/events/event-45', title='Far off'),
    'event added': add('/events', 'Event', 'Ball'),
    'section made private': transition('/branches', 'retract'),
    'section published again': transition('/branches', 'publish'),
    'private page shared with a member': share('/special/private', 'bob'),
    'private page shared with a group': share(
        '/special/private', 'readers', 'group'),
    'member joins a group': group(**{
        'add:list': 'carol', 'form.button.Add': 'Add'}),
    'member leaves a group': group(**{
        'delete:list': 'carol', 'form.button.Edit': 'x'}),
    'full name of a member': full_name('bob', 'Bob Beech'),
    'full name of an author': full_name('alice', 'Alice Ash'),
    'full name of another member': full_name('user7', 'Ulla Ulm'),
    'first login of another member': log_in('user3'),
    'login of another member': log_in('user3'),
    'login of bob': log_in('bob'),
    'login of alice': log_in('alice'),
    'password of another member': password('user4'),
    'member added': add_user,
    'member removed': remove_user,
    'comment added': comment,
    'comment edited': edit_comment,
    'comment deleted': delete_comment,
    'document locked by an editor': lock,
    'document unlocked': unlock,
    'effective date in the future': dublin(
        '/visits/house-1/note-0', effective='2039-01-01T00:00'),
    'expiry date in the past': dublin(
        '/visits/house-1/note-1', expires='2001-01-01T00:00'),
    'query of a collection': query,
    'title of a collection': dublin('/lists/maps', title='All maps'),
    'image replaced': replace_image,
    'title of an image': dublin(
        '/library/images/image-2', title='The harbour'),
    'title of a file': dublin('/library/files/file-1', title='The rules'),
    'scale of an image asked for first': first_scale,
    'relation added': relate,
    'title of a related document': dublin(
        '/guide/note-1', title='Related to'),
    'linked document renamed': rename(
        '/projects/house-0/note-0', 'note-zero'),
    'title to be undone': dublin(
        '/projects/house-3/room-2/note-1', title='Undone soon'),
    'undo of a title': undo,
}
