"""Never stale: what changes a view's page makes the next request a miss."""
import os
import pickle
import time
from pathlib import Path

import pytest
import transaction
from OFS.SimpleItem import SimpleItem
from plone.memoize import ram
from Products.CMFCore.indexing import getQueue
from zope.container.contained import notifyContainerModified
from zope.event import notify
from zope.lifecycleevent import ObjectModifiedEvent

from ...core.http.conditional import parse_date
from ...core.settings import Settings
from ...core.settings import as_dict
from ...key import code_version
from ...manager import caches
from ...marks import ContentMarks
from ...origin.view import published_view
from ..client import Client
from ..manager.test_lifecycle import commit
from ..manager.test_lifecycle import undo_last
from ..manager.test_lifecycle import undoable  # noqa: F401
from ..site import Item
from ..site import add_template
from ..site import forget_code_version
from ..site import set_policy
from ..view_cases import ACTING
from ..view_cases import COUNTING
from ..view_cases import associate
from ..view_cases import outcomes
from ..view_cases import reason
from ..view_cases import set_up
from ..views import Counting
from ..wire.test_faults import elsewhere
from ..wire.test_fresh import fill


@pytest.fixture(autouse=True, params=['process', 'memoize'])
def store(request, site, viewed):
    """Where pages are: they know what they were made from, or marks tell."""
    ram.global_cache.invalidateAll()
    site.page_cache.manage_editProps('', {'store': request.param})
    transaction.commit()
    yield request.param
    ram.global_cache.invalidateAll()


#: Which changes marks take for which.
of_marks = pytest.mark.parametrize('store', ['memoize'], indirect=True)

LISTING = '/site/folder/v-listing'


# what pages of views are made of

CHANGES = {
    'own': lambda site: site.folder.inner.manage_changeProperties(text='new'),
    'sibling': lambda site: site.folder._setObject('more', Item('more', 'x')),
    'elsewhere': lambda site: site.doc.manage_changeProperties(text='new'),
}


@of_marks
@pytest.mark.parametrize(('shows', 'path', 'change', 'outcome'), [
    ('item', 'folder/inner/v-counting', 'own', 'MISS'),
    ('item', 'folder/inner/v-counting', 'elsewhere', 'HIT'),
    ('item', 'folder/v-listing', 'own', 'HIT'),
    ('folder', 'folder/v-listing', 'own', 'MISS'),
    ('folder', 'folder/v-listing', 'sibling', 'MISS'),
    ('folder', 'folder/v-listing', 'elsewhere', 'HIT'),
    ('site', 'folder/v-listing', 'elsewhere', 'MISS'),
    ('site', 'folder/inner/v-counting', 'sibling', 'MISS'),
])
def test_change_reaches_the_pages_that_show_it(
        site, client, shows, path, change, outcome):
    associate(site, ('v-counting', '', shows), ('v-listing', '', shows))
    tag = fill(client, f'/site/{path}')['ETag']
    CHANGES[change](site)
    notify(ObjectModifiedEvent(site.folder.inner if change == 'own' else (
        site.doc if change == 'elsewhere' else site.folder.more)))
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


@of_marks
def test_order_in_a_folder_changes(site, client):
    page = fill(client, LISTING)
    notifyContainerModified(site.folder)
    assert client.get(
        LISTING, If_None_Match=page['ETag']).outcome == 'MISS'


# the indexing queue

def is_listed_anew(site, change):
    """Tell whether a change counts as one that shows on other pages."""
    mark = site.page_cache._contents.listed
    before = mark._p_serial
    change()
    transaction.commit()
    return mark._p_serial != before


def reindex(ob, attributes=None, **values):
    for name, value in values.items():
        setattr(ob, name, value)
    getQueue().reindex(ob, attributes)


@of_marks
@pytest.mark.parametrize(('attributes', 'values', 'is_listed'), [
    (None, {'text': 'new'}, False),
    (None, {'text': 'new', 'modification_date': 1}, False),
    (None, {'title': 'new'}, True),
    (None, {'text': 'new', 'title': 'new'}, True),
    (None, {'anything': 1}, True),
    (None, {'title': ''}, False),
    (None, {}, False),
    (['SearchableText'], {'text': 'new'}, False),
    (['modified', 'SearchableText'], {}, False),
    (['review_state'], {}, True),
    (['allowedRolesAndUsers'], {}, True),
    (['Title', 'SearchableText'], {'title': 'new'}, True)])
def test_change_counts_as_listed(site, attributes, values, is_listed):
    doc = site.doc
    doc.title = ''
    transaction.commit()
    assert is_listed_anew(
        site, lambda: reindex(doc, attributes, **values)) is is_listed


@of_marks
def test_new_and_deleted_content_counts_as_listed(site):
    def add():
        site.folder._setObject('more', Item('more'))
        getQueue().index(site.folder.more)

    def delete():
        getQueue().unindex(site.folder.more)
        site.folder._delObject('more')

    assert is_listed_anew(site, add)
    assert is_listed_anew(site, delete)


@of_marks
def test_change_before_a_savepoint_counts(site):
    def change():
        site.doc.title = 'new'
        transaction.savepoint(optimistic=True)
        reindex(site.doc, None, text='new')

    assert is_listed_anew(site, change)


@of_marks
def test_text_of_content_reaches_its_own_page_and_its_folders(site, client):
    for path in (LISTING, '/site/folder/inner/v-counting', COUNTING):
        fill(client, path)
    reindex(site.folder.inner, ['SearchableText'])
    assert client.get(LISTING).outcome == 'MISS'
    assert client.get('/site/folder/inner/v-counting').outcome == 'MISS'
    assert client.get(COUNTING).outcome == 'HIT'


@of_marks
def test_title_of_content_reaches_all_pages(site, client):
    for path in (LISTING, COUNTING):
        fill(client, path)
    reindex(site.folder.inner, None, title='new')
    assert client.get(LISTING).outcome == 'MISS'
    assert client.get(COUNTING).outcome == 'MISS'


def test_deleted_content_reaches_the_folder_that_held_it(site, client):
    fill(client, LISTING)
    getQueue().unindex(site.folder.inner)
    assert client.get(LISTING).outcome == 'MISS'


def test_change_in_an_aborted_transaction_never_happened(site, client):
    page = fill(client, LISTING)
    site.folder._setObject('more', Item('more', 'more'))
    reindex(site.folder.inner, None, title='new')
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


@of_marks
def test_date_is_that_of_the_last_change_that_shows(
        site, client, monkeypatch):
    """A client that asks by the date alone would keep what was before."""
    set_policy(site, etag='python: "fixed"', last_modified=1)
    associate(site, ('v-listing', '', 'site'))
    client.get('/site/doc/v-listing')
    real, later = time.time, time.time() + 3500
    monkeypatch.setattr(time, 'time', lambda: real() + 3600)
    site.folder.inner.manage_changeProperties(text='new')
    notify(ObjectModifiedEvent(site.folder.inner))
    for _ in range(2):
        answer = client.get('/site/doc/v-listing')
        assert parse_date(answer['Last-Modified']) >= int(later)


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


@of_marks
def test_association_that_shows_more_makes_pages_new(site, client):
    associate(site, ('v-listing', '', 'item'))
    fill(client, LISTING)
    site.folder.inner.text = 'new text'
    notify(ObjectModifiedEvent(site.folder.inner))
    assert client.get(LISTING).outcome == 'HIT'
    associate(site, ('v-listing', '', 'folder'))
    assert 'new text' in client.get(LISTING).text


# undo

@pytest.fixture
def undoing(undoable):  # noqa: F811
    """A site with views, in a database that can undo."""
    site = undoable.site
    set_up(site)
    site.folder._setObject('other', Item('other', 'other text'))
    site.folder.inner._p_changed = True
    # no mark was written yet, as in a site that was never edited
    site.page_cache._contents = ContentMarks()
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


def test_other_code_makes_other_pages(client, monkeypatch):
    page = fill(client, COUNTING)
    forget_code_version()
    monkeypatch.setattr(code_version, 'distributions', lambda: [])
    answer = client.get(COUNTING, If_None_Match=page['ETag'])
    forget_code_version()
    assert (answer.status, answer.outcome) == (200, 'MISS')


def test_shared_template_that_is_edited(site, client):
    custom = site.portal_skins.custom
    add_template(custom, 'main_template', '<p>main</p>', associate=False)
    page = fill(client, COUNTING)
    custom.main_template.write('<p>another</p>')
    answer = client.get(COUNTING, If_None_Match=page['ETag'])
    assert (answer.status, answer.outcome) == (200, 'MISS')


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
    """Stands nowhere."""


@pytest.mark.parametrize('context', [None, Bare(), 'text'])
def test_view_of_what_has_no_path_is_none_of_ours(context):
    view = Counting(context, None)
    view.__name__ = 'v-counting'
    assert published_view(view) is None
    assert published_view(view.page) is None


def test_view_without_a_name_is_none_of_ours(site):
    assert published_view(Counting(site.doc, None)) is None


@of_marks
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
    assert manager.content_marks() is None
    assert outcomes(client, COUNTING) == [None, None]
    site.doc.text = 'changed'
    notify(ObjectModifiedEvent(site.doc))
    associate(site, 'v-counting')
    assert outcomes(client, COUNTING) == ['MISS', 'HIT']
    assert manager._contents is not None


@of_marks
def test_manager_with_an_identity_but_no_marks_keeps_views_once_saved(
        site, client):
    """It was made by a version that knew of no views."""
    manager = site.page_cache
    views = manager._views
    del manager._contents
    transaction.commit()
    assert reason(client.get(COUNTING)) == 'uncommitted'
    manager.manage_editProps('', {'max_age': 60})
    assert manager._views == views
    assert outcomes(client, COUNTING) == ['MISS', 'HIT']
