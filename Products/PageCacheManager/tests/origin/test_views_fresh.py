"""Never stale: a change of a view's page makes the next request a miss."""
import os
import pickle
from copy import copy
from pathlib import Path

import pytest
import transaction
from App.config import getConfiguration
from OFS.SimpleItem import SimpleItem
from plone.memoize import ram
from zope.event import notify
from zope.lifecycleevent import ObjectModifiedEvent

from ...core.settings import Settings
from ...core.settings import as_dict
from ...key import code_version
from ...manager import caches
from ...origin.view import published_view
from ..client import Client
from ..manager.test_lifecycle import commit
from ..manager.test_lifecycle import undo_last
from ..manager.test_lifecycle import undoable  # noqa: F401
from ..site import Item
from ..site import add_template
from ..site import forget_code_version
from ..view_cases import ACTING
from ..view_cases import COUNTING
from ..view_cases import associate
from ..view_cases import outcomes
from ..view_cases import reason
from ..view_cases import set_up
from ..views import Counting
from ..views import WithIndex
from ..wire.test_faults import elsewhere
from ..wire.test_fresh import fill


@pytest.fixture(autouse=True, params=['process', 'memoize'])
def store(request, site, viewed):
    """The place of pages: the process, or also a shared cache behind it."""
    ram.global_cache.invalidateAll()
    site.page_cache.manage_editProps('', {'store': request.param})
    transaction.commit()
    yield request.param
    ram.global_cache.invalidateAll()


LISTING = '/site/folder/v-listing'


# the sources of the pages of views

CHANGES = {
    'own': lambda site: site.folder.inner.manage_changeProperties(text='new'),
    'sibling': lambda site: site.folder._setObject('more', Item('more', 'x')),
}


@pytest.mark.parametrize(('path', 'change', 'outcome'), [
    ('folder/inner/v-counting', 'own', 'MISS'),
    ('folder/v-listing', 'own', 'MISS'),
    ('folder/v-listing', 'sibling', 'MISS'),
    ('doc/v-counting', 'own', 'HIT'),
])
def test_change_reaches_the_pages_that_show_it(
        site, client, path, change, outcome):
    tag = fill(client, f'/site/{path}')['ETag']
    CHANGES[change](site)
    answer = client.get(f'/site/{path}', If_None_Match=tag)
    assert answer.outcome == outcome
    # the same may come out
    is_same = client.get(f'/site/{path}')['ETag'] == tag
    assert answer.status == (304 if is_same else 200)


@pytest.mark.parametrize('change', [
    lambda site: site.folder.manage_delObjects(['inner']),
    lambda site: site.folder._delObject('inner'),
    lambda site: site.folder._setObject('more', Item('more', 'more')),
    lambda site: site.folder._setObject('tool', SimpleItem('tool'))])
def test_what_is_in_a_folder_changes(site, client, change):
    page = fill(client, LISTING)
    change(site)
    answer = client.get(LISTING, If_None_Match=page['ETag'])
    # the listing shows items alone
    is_same = 'tool' in site.folder.objectIds()
    assert (answer.status, answer.outcome) == (
        304 if is_same else 200, 'MISS')


def test_change_in_an_aborted_transaction_never_happened(site, client):
    page = fill(client, LISTING)
    site.folder._setObject('more', Item('more', 'more'))
    transaction.abort()
    answer = client.get(LISTING)
    assert (answer.outcome, answer.body) == ('HIT', page.body)


def test_change_by_another_client_of_the_database(app, site, client):
    page = fill(client, LISTING)

    def change(site):
        site.folder.inner.text = 'from elsewhere'
        notify(ObjectModifiedEvent(site.folder.inner))

    elsewhere(app, change)
    answer = client.get(LISTING, If_None_Match=page['ETag'])
    assert answer.outcome == 'MISS' and 'from elsewhere' in answer.text


def test_change_while_a_view_renders_is_not_lost(app, site, client, item):
    done = []

    def act(self, request):
        text = f'<p>{self.text}</p>'
        if not done:
            done.append(1)
            elsewhere(app, lambda site: (
                setattr(site.doc, 'text', 'new text'),
                notify(ObjectModifiedEvent(site.doc))))
        return text

    item('act', act)
    assert 'first text' in client.get(ACTING).text
    assert 'new text' in client.get(ACTING).text


# undo

@pytest.fixture
def undoing(undoable):  # noqa: F811
    """A site with views, in a database that can undo."""
    site = undoable.site
    set_up(site)
    site.folder._setObject('other', Item('other', 'other text'))
    site.folder.inner._p_changed = True
    transaction.commit()
    return undoable


def change_text(ob, text):
    ob.text = text
    notify(ObjectModifiedEvent(ob))
    commit(f'{ob.getId()} {text}')


def test_undo_brings_no_old_page_back(undoing):
    client = Client()
    inner = undoing.site.folder.inner
    seen = {}
    for text in ('one', 'two'):
        change_text(inner, text)
        page = fill(client, LISTING)
        assert text in page.text
        seen[text] = page['ETag']
    undo_last(undoing, 'inner two')
    page = client.get(LISTING, If_None_Match=seen['two'])
    assert (page.status, page.outcome) == (200, 'MISS')
    assert 'one' in page.text and page['ETag'] == seen['one']


def test_change_can_be_undone_though_a_sibling_changed_later(undoing):
    """That something changed is no reason to refuse it."""
    site = undoing.site
    change_text(site.folder.inner, 'to be undone')
    change_text(site.folder.other, 'to be kept')
    database = undoing._p_jar.db()
    wanted, = [entry for entry in database.undoLog(0, 20)
               if 'to be undone' in str(entry['description'])]
    database.undo(wanted['id'])
    transaction.commit()
    undoing._p_jar.sync()
    assert site.folder.inner.text == 'inner text'
    assert site.folder.other.text == 'to be kept'


# templates and code

@pytest.fixture
def template(monkeypatch):
    """Give a function that edits a template of the test views."""
    edited = {}

    def edit(name, text):
        path = Path(__file__).parents[1] / 'views' / name
        edited.setdefault(path, (path.read_bytes(), path.stat()))
        path.write_text(text)
        os.utime(path, (1, 2_000_000_000 + len(text)))

    yield edit
    for path, (content, status) in edited.items():
        path.write_bytes(content)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize(('name', 'path'), [
    ('listing.pt', LISTING), ('listing.pt', '/site/folder/v-with-index'),
    ('listing-alone.pt', '/site/doc/v-template-alone'),
    ('listing-alone.pt', '/site/doc/v-two-templates')])
def test_template_that_is_edited(client, template, name, path):
    """Zope reads it anew, in a running process."""
    page = fill(client, path)
    template(name, '<p>edited</p>')
    answer = client.get(path, If_None_Match=page['ETag'])
    assert answer.status == 200 and 'edited' in answer.text


def test_template_that_is_edited_while_the_view_is_called(
        client, template, monkeypatch):
    """Once the file is as before, the page would be taken for that."""
    render = WithIndex.__call__

    def edited(view):
        template('listing.pt', '<p>edited</p>')
        return render(view)
    monkeypatch.setattr(WithIndex, '__call__', edited)
    answer = client.get('/site/folder/v-with-index')
    assert 'edited' in answer.text
    assert (answer.outcome, reason(answer)) == ('BYPASS', 'template-changed')


def test_other_code_makes_other_pages(client, monkeypatch):
    page = fill(client, COUNTING)
    forget_code_version()
    monkeypatch.setattr(code_version, 'distributions', lambda: [])
    answer = client.get(COUNTING, If_None_Match=page['ETag'])
    forget_code_version()
    assert (answer.status, answer.outcome) == (200, 'MISS')


def test_a_frame_that_the_view_does_not_use(site, client):
    custom = site.portal_skins.custom
    add_template(custom, 'main_template', '<p>main</p>', associate=False)
    page = fill(client, COUNTING)
    custom.main_template.write('<p>another</p>')
    answer = client.get(COUNTING, If_None_Match=page['ETag'])
    assert (answer.status, answer.outcome) == (304, 'HIT')


@pytest.mark.parametrize('is_debug', [True, False])
@pytest.mark.parametrize('path', [COUNTING, '/site/doc/page'])
def test_a_frame_in_a_file_counts_while_files_are_read_again(
        site, client, tmp_path, monkeypatch, path, is_debug):
    source = tmp_path / 'main_template.pt'
    source.write_text('<p>one</p>')
    monkeypatch.setattr(getConfiguration(), 'debug_mode', True)
    frame = copy(site.portal_skins.fs.fspage.aq_base)
    vars(frame).update(_filepath=str(source), _file_mod_time=0)
    monkeypatch.setattr(Item, 'main_template', frame, raising=False)
    monkeypatch.setattr(getConfiguration(), 'debug_mode', is_debug)
    fill(client, path)
    source.write_text('<p>another</p>')
    os.utime(source, (1e9, 1e9))
    assert client.get(path).outcome == ('MISS' if is_debug else 'HIT')


@pytest.mark.parametrize('path', [ACTING, '/site/doc/acting_page'])
def test_a_frame_in_a_file_changes_while_a_page_renders(
        site, client, acting, tmp_path, monkeypatch, path):
    source = tmp_path / 'main_template.pt'
    source.write_text('<p>one</p>')
    monkeypatch.setattr(getConfiguration(), 'debug_mode', True)
    frame = copy(site.portal_skins.fs.fspage.aq_base)
    vars(frame).update(_filepath=str(source), _file_mod_time=0)
    monkeypatch.setattr(Item, 'main_template', frame, raising=False)

    def edit(request):
        source.write_text('<p>another</p>')
        os.utime(source, (1e9, 1e9))
    acting(edit)
    assert reason(client.get(path)) == 'template-changed'


# content of other kinds

def test_content_that_is_new_is_not_kept(site, client):
    """Traversal made it, and it is not in the database."""
    class Maker(SimpleItem):
        def __bobo_traverse__(self, request, name):
            return Item(name, 'made up').__of__(self)

    site.doc.__class__.maker = Maker('maker')
    try:
        answers = [client.get('/site/doc/maker/x/v-counting')
                   for _ in range(2)]
    finally:
        del site.doc.__class__.maker
    for answer in answers:
        assert 'made up' in answer.text and reason(answer) == 'uncommitted'


class Bare:
    """A context without a path."""


@pytest.mark.parametrize('context', [None, Bare(), 'text'])
def test_view_of_what_has_no_path_is_none_of_ours(context):
    view = Counting(context, None)
    view.__name__ = 'v-counting'
    assert published_view(view) is None
    assert published_view(view.page) is None


def test_view_without_a_name_is_none_of_ours(site):
    assert published_view(Counting(site.doc, None)) is None


def test_manager_of_old_keeps_pages_of_views_once_it_is_set_up(
        app, site, client):
    manager = site.page_cache
    state = {'id': 'page_cache', 'title': '', '_settings': as_dict(
        Settings())}
    manager.aq_base.__dict__.clear()
    manager.aq_base.__setstate__(pickle.loads(pickle.dumps(state)))
    manager._p_changed = True
    transaction.commit()
    caches.forget_all()
    assert outcomes(client, COUNTING) == [None, None]
    site.doc.text = 'changed'
    notify(ObjectModifiedEvent(site.doc))
    associate(site, 'v-counting')
    assert outcomes(client, COUNTING) == ['MISS', 'HIT']
