"""No page that is kept is stale after a change of content.

Each row makes one change as people make it, through the publisher.  Then all
pages of all users are compared with new renders.
"""
import json

import pytest

from .changes import dublin
from .changes import edit
from .changes import panel
from .changes import post
from .changes import posted
from .changes import submit
from .changes import text
from .changes import transition
from .changes import widgets


def rename(path, new_id, title=None):
    def change(client, portal):
        values = {'form.widgets.new_id': new_id}
        if title:
            values['form.widgets.new_title'] = title
        answer = submit(client, f'{path}/object_rename', 'root',
                        'form.buttons.Rename', values)
        assert answer.status == 302
    return change


def delete(path):
    def change(client, portal):
        answer = submit(client, f'{path}/delete_confirmation', 'root',
                        'form.buttons.Delete')
        assert answer.status == 302
    return change


def paste(client, portal, cut=False):
    name = 'object_cut' if cut else 'object_copy'
    answer = post(client, f'/a-document/{name}')
    cookie = [line.partition(';')[0] for line in answer.all('Set-Cookie')
              if line.startswith('__cp=')][0]
    post(client, '/a-folder/object_paste', COOKIE=cookie)
    expected = ('a-document' in portal.objectIds()) != cut
    portal._p_jar.sync()
    assert 'a-document' in portal['a-folder'].objectIds() and expected


def cut_and_paste(client, portal):
    answer = post(client, '/a-folder/item-1/object_cut')
    cookie = [line.partition(';')[0] for line in answer.all('Set-Cookie')
              if line.startswith('__cp=')][0]
    post(client, '/object_paste', COOKIE=cookie)
    portal._p_jar.sync()
    assert 'item-1' in portal.objectIds()


def reorder(client, portal):
    post(client, '/a-folder/fc-rearrange', {
        'rearrange_on': 'id', 'reversed': 'true'})


def move_one(client, portal):
    ids = list(portal['a-folder'].objectIds())
    post(client, '/a-folder/fc-itemOrder', {
        'id': 'item-7', 'delta': 'top',
        'subsetIds': json.dumps(ids)})


def add(client, portal):
    answer = submit(
        client, '/a-folder/++add++Document', 'root', 'form.buttons.save',
        widgets(**{'IDublinCore.title': 'A newcomer'}))
    portal._p_jar.sync()
    assert 'a-newcomer' in portal['a-folder'].objectIds(), answer.status


def add_at_top(client, portal):
    submit(client, '/++add++Folder', 'root', 'form.buttons.save',
           widgets(**{'IDublinCore.title': 'A newcomer'}))
    transition('/a-newcomer', 'publish')(client, portal)


def lock(client, portal):
    assert client.get('/a-document/edit', 'root').status == 200


def relate(client, portal):
    uid = portal['a-news-item'].UID()
    edit('/a-document', **{'form.widgets.IRelatedItems.relatedItems': uid})(
        client, portal)


def put(client, portal):
    """Save a document by WebDAV."""
    answer = client.request(
        'PUT', '/a-document', 'root', 'title: Put here\n\n<p>Put</p>',
        CONTENT_TYPE='text/plain')
    assert answer.status == 204


def move_by_webdav(client, portal):
    answer = client.request(
        'MOVE', '/a-folder/item-0', 'root',
        DESTINATION='http://localhost:8080/plone/a-folder/item-zero')
    assert answer.status == 201


def revert(client, portal):
    for version in 'one', 'two':
        text('/a-document', f'<p>Version {version}</p>')(client, portal)
    post(client, '/a-document/revertversion', {'version_id': '0'})


def replace(client, portal):
    """Delete a document and add another one in its place."""
    delete('/a-document')(client, portal)
    answer = submit(
        client, '/++add++Document', 'root', 'form.buttons.save',
        widgets(**{'IDublinCore.title': 'A document'}))
    assert answer.get('Location').endswith('/a-document/view')
    transition('/a-document', 'publish')(client, portal)


def patch(path, **values):
    """Return a function that changes content by REST."""
    def change(client, portal):
        answer = client.request(
            'PATCH', path, 'root', json.dumps(values),
            ACCEPT='application/json', CONTENT_TYPE='application/json')
        assert answer.status == 204, (answer.status, answer.text)
    return change


CONTENT = {
    'title edited': dublin('/a-document', title='Another name'),
    'description edited': dublin('/a-document', description='Said in short'),
    'text edited': text('/a-document', '<p>Quite another text.</p>'),
    'text of a listed page': text(
        '/a-folder/item-0', '<p>Quite another text.</p>'),
    'title of a listed page': dublin('/a-folder/item-0', title='Another'),
    'title of the default page': dublin(
        '/a-shown-folder/front', title='Another front'),
    'title of a folder': dublin('/a-folder', title='Another folder'),
    'title of a collection': dublin('/a-collection', title='Another'),
    'title by REST': patch('/a-document', title='Another name'),
    'text by REST': patch('/a-document', text='<p>Another text</p>'),
    'order by REST': patch(
        '/a-folder', ordering={'obj_id': 'item-7', 'delta': 'top'}),
    'put by WebDAV': put,
    'renamed by WebDAV': move_by_webdav,
    'reverted': revert,
    'deleted and added again': replace,
    'tags': dublin('/a-document', subjects='harbour;boats'),
    'creators': dublin('/a-document', creators='bob'),
    'rights': dublin('/a-document', rights='All of them'),
    'expired': dublin('/a-folder/item-0', expires='2001-01-01T00:00'),
    'effective later': dublin('/a-document', effective='2039-01-01T00:00'),
    'id': edit('/a-folder/item-0', **{
        'form.widgets.IShortName.id': 'item-zero'}),
    'out of navigation': edit('/a-folder', **{
        'form.widgets.IExcludeFromNavigation.exclude_from_nav:list':
        'selected'}),
    'related item': relate,
    'retracted': transition('/a-document', 'retract'),
    'folder retracted': transition('/a-folder', 'retract'),
    'listed page retracted': transition('/a-folder/item-0', 'retract'),
    'renamed': rename('/a-folder/item-0', 'item-zero', 'Item zero'),
    'folder renamed': rename('/a-shown-folder', 'shown', 'Shown'),
    'deleted': delete('/a-folder/item-0'),
    'deleted at the top': delete('/a-document'),
    'copied': paste,
    'moved': cut_and_paste,
    'order': reorder,
    'one moved up': move_one,
    'added': add,
    'added at the top': add_at_top,
    'locked': lock,
    'display view': posted(
        '/a-folder/selectViewTemplate', templateId='summary_view'),
    'default page': panel(
        '/a-folder/select_default_page', 'form.buttons.Save',
        objectId='item-3'),
}


@pytest.mark.parametrize('change', CONTENT.values(), ids=CONTENT)
def test_no_page_is_stale_after_content_changed(
        fresh, client, portal, change):
    change(client, portal)
    assert fresh.after()
