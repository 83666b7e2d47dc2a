"""Marks of what changed: bounded, and written by several clients at once."""
import pytest
import transaction
from ZODB.POSException import ConflictError

from .. import marks
from ..PageCacheManager import PageCacheManager
from ..versions import holds_changes


@pytest.fixture
def contents(app):
    app._setObject('page_cache', PageCacheManager('page_cache'))
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
