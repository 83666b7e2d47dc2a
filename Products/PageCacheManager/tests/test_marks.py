"""Marks of what changed: bounded, and written by several clients at once."""
import pytest
import transaction
from BTrees.Length import Length
from ZODB.POSException import ConflictError

from .. import marks
from ..core.key import row_id
from ..key.versions import changed_at
from ..key.versions import holds_changes
from ..marks import write
from ..origin.site import content_marks
from ..PageCacheManager import PageCacheManager


@pytest.fixture
def contents(app):
    app._setObject('page_cache', PageCacheManager('page_cache'))
    # only pages that processes share need marks of content
    app.page_cache.manage_editProps('', {'store': 'memoize'})
    transaction.commit()
    return app.page_cache._contents


def versions(contents, shows, path):
    """Return what a page shows the version of, as committed."""
    transaction.commit()
    return [(mark._p_oid, mark._p_serial) for mark in contents.of(
        shows, path) if mark._p_activate() is None]


@pytest.mark.parametrize(('shows', 'path', 'is_new'), [
    ('item', '/site/folder/doc', True), ('item', '/site/folder', False),
    ('item', '/site/folder/other', False),
    ('folder', '/site/folder', True), ('folder', '/site/folder/doc', True),
    ('folder', '/site', False), ('folder', '/site/other', False),
    ('site', '/site', True), ('site', '/elsewhere', True)])
def test_change_is_a_new_version_of_what_shows_it(
        contents, shows, path, is_new):
    before = versions(contents, shows, path)
    contents.content_changed('/site/folder/doc')
    after = versions(contents, shows, path)
    assert (after != before) is is_new
    contents.content_changed('/site/folder/doc')
    assert (versions(contents, shows, path) != after) is is_new


def test_comment_that_changed_is_a_new_version_of_its_content(contents):
    before = versions(contents, 'item', '/site/doc')
    contents.content_changed('/site/doc/++conversation++default/12')
    assert versions(contents, 'item', '/site/doc') != before


@pytest.mark.parametrize('shows', ['item', 'folder', 'site'])
@pytest.mark.parametrize('name', ['site', 'listed'])
def test_what_shows_anywhere_is_a_new_version_of_all(contents, shows, name):
    before = versions(contents, shows, '/site/doc')
    getattr(contents, name).change(1)
    assert versions(contents, shows, '/site/doc') != before


def test_root_and_what_is_in_it(contents):
    before = versions(contents, 'folder', '')
    contents.content_changed('/doc')
    after = versions(contents, 'folder', '')
    contents.content_changed('')
    assert before != after != versions(contents, 'folder', '')


def test_a_change_that_is_aborted_never_happened(contents):
    before = versions(contents, 'folder', '/site')
    contents.content_changed('/site/doc')
    assert holds_changes(contents._p_jar)
    transaction.abort()
    assert versions(contents, 'folder', '/site') == before


def test_changes_of_many_contents_are_bounded(contents, monkeypatch):
    monkeypatch.setattr(marks, 'MAX_CHANGED', 10, raising=False)
    bound = max(10, len(contents.changed))
    first = versions(contents, 'item', '/old')
    contents.content_changed('/old')
    for number in range(50):
        contents.content_changed(f'/site/doc{number}')
        assert len(contents.changed) <= bound
    # no old page is found again where marks were forgotten
    assert versions(contents, 'item', '/old') != first
    before = versions(contents, 'item', '/site/doc49')
    contents.content_changed('/site/doc49')
    assert versions(contents, 'item', '/site/doc49') != before


class Two:
    """Two clients of the database, each at a snapshot of its own."""

    def __init__(self, app):
        self.managers = [transaction.TransactionManager() for _ in '12']
        self.connections = [
            app._p_jar.db().open(manager) for manager in self.managers]
        for manager in self.managers:
            manager.begin()

    def contents(self, number):
        root = self.connections[number].root()['Application']
        return root.page_cache._contents

    def commit(self, number):
        self.managers[number].commit()

    def close(self):
        for manager, connection in zip(
                self.managers, self.connections, strict=True):
            manager.abort()
            connection.close()


@pytest.fixture
def two(app, contents):
    transaction.commit()
    found = Two(app)
    yield found
    found.close()


@pytest.mark.parametrize('paths', [
    ('/site/doc', '/site/doc'), ('/site/a', '/site/b'),
    ('/site/folder/a', '/other/b')])
@pytest.mark.parametrize('is_new', [False, True])
def test_two_clients_change_content_at_once(
        contents, two, paths, is_new):
    """Editors at work in one folder are not to be in each other's way."""
    if not is_new:
        for path in paths:
            contents.content_changed(path)
    before = [versions(contents, 'item', path) for path in paths]
    two.managers[0].begin()
    two.managers[1].begin()
    for number, path in enumerate(paths):
        two.contents(number).content_changed(path)
        two.contents(number).listed.change(1)
    two.commit(0)
    try:
        two.commit(1)
    except ConflictError:
        pytest.fail('the second has to do it all again')
    transaction.begin()
    for path, old in zip(paths, before, strict=True):
        assert versions(contents, 'item', path) != old


def test_first_view_is_associated_while_content_changes(two):
    """The change leaves no mark, so it has to be made again."""
    two.managers[0].begin()
    two.managers[1].begin()
    editing, associating = (
        two.connections[n].root()['Application'] for n in (0, 1))
    editing.title = 'changed'
    assert list(content_marks(editing)) == []
    associating.page_cache.manage_editViews([('view',)])
    two.commit(1)
    with pytest.raises(ConflictError):
        two.commit(0)
    two.managers[0].abort()
    assert len(list(content_marks(editing))) == 1


# what an earlier release left in the database

@pytest.fixture
def old(app, contents):
    """A manager with marks of their own classes, as saved and loaded."""
    manager = app.page_cache
    content, names = marks.ContentMarks(), marks.Invalidations()
    vars(content).update(
        changed=tuple(marks.ContentMark() for _ in range(8)),
        **{name: marks.ContentMark()
           for name in ('site', 'listed', 'anything')})
    vars(names).clear()
    names.marks = {'/site/doc': 'abc'}
    manager._purged = marks.PurgeMark()
    manager._contents, manager._invalidated = content, names
    manager._views = (('view', '', 'site'),)
    transaction.commit()
    app._p_jar.cacheMinimize()
    return manager


PAGE = '/site/page', '/site/doc', 'http://x/'


def seen(manager):
    """Return what the keys of a template's and a view's page have."""
    transaction.commit()
    return (manager.generation_of('oid:1', PAGE),
            manager.content_version('item', '/site/doc'))


def test_marks_of_an_earlier_release_go_on(old):
    first = seen(old)
    assert None not in first
    next(content_marks(old)).content_changed('/site/doc')
    second = seen(old)
    assert first[0] == second[0] and first[1] < second[1]
    write(old._contents.listed)
    assert seen(old)[1] > second[1]
    assert changed_at(*old.marks_of('oid:1', PAGE)) > 0


@pytest.mark.parametrize('save', [
    lambda manager: manager.manage_purge(),
    lambda manager: manager.manage_invalidate(['/site/doc']),
    lambda manager: manager.manage_editProps('', {'max_age': 60})])
def test_marks_of_an_earlier_release_become_lengths(old, save):
    first = seen(old)
    save(old)
    second = seen(old)
    assert all(map(str.__lt__, first, second))
    content, names = old._contents, old._invalidated
    assert {type(mark) for mark in (
        old._purged, content.site, content.listed, content.anything,
        names.anything, *content.changed, *names.changed,
        *names.templates)} == {Length}
    assert not hasattr(names, 'marks')
    save(old)
    assert seen(old) >= second
    old.manage_invalidate(['/site/doc'])
    content.content_changed('/site/doc')
    assert all(map(str.__lt__, second, seen(old)))


# names that were invalidated

@pytest.mark.parametrize(('name', 'is_new'), [
    ('/site/doc', True), ('/site/page', True), ('@@view', False),
    (row_id(PAGE), True), ('/site/other', False),
    (row_id(('/site/page', '/site/doc', 'http://y/')), False)])
def test_invalidation_is_a_new_generation_of_what_is_named(
        app, contents, name, is_new):
    manager = app.page_cache
    before = seen(manager)
    for _ in range(2):
        manager.manage_invalidate([name])
        after = seen(manager)
        assert (before[0] != after[0]) is is_new
        before = after


def test_purge_after_an_invalidation_counts_for_all(app, contents):
    manager = app.page_cache
    manager.manage_invalidate(['/site/doc'])
    before = seen(manager)[0]
    manager.manage_purge()
    after = seen(manager)[0]
    assert after > before
    # which spares each request the search for names
    assert len(manager._invalidated.of('', PAGE, manager._purged)) == 2
