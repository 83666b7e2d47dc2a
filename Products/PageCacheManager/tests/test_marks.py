"""Marks of changes: bounded, and written by several clients at once."""
import pytest
import transaction
from BTrees.Length import Length

from .. import marks
from ..core.key import row_id
from ..key.versions import changed_at
from ..marks import write
from ..PageCacheManager import PageCacheManager


@pytest.fixture
def manager(app):
    app._setObject('page_cache', PageCacheManager('page_cache'))
    transaction.commit()
    return app.page_cache


# marks of an earlier release in the database

@pytest.fixture
def old(app, manager):
    """A manager with marks of their former classes, as saved and loaded."""
    content, names = marks.ContentMarks(), marks.Invalidations()
    vars(content).update(changed=(Length(),), site=Length())
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
    """Return the generation in the key of a page."""
    transaction.commit()
    return manager.generation_of('oid:1', PAGE)


def test_marks_of_an_earlier_release_go_on(old):
    first = seen(old)
    assert first is not None
    write(old._purged)
    assert seen(old) > first
    assert changed_at(*old.marks_of('oid:1', PAGE)) > 0


@pytest.mark.parametrize('save', [
    lambda manager: manager.manage_purge(),
    lambda manager: manager.manage_invalidate(['/site/doc']),
    lambda manager: manager.manage_editProps('', {'max_age': 60})])
def test_marks_of_an_earlier_release_become_lengths(old, save):
    first = seen(old)
    save(old)
    second = seen(old)
    assert first < second
    names = old._invalidated
    assert {type(mark) for mark in (
        old._purged, names.anything, *names.changed, *names.templates,
        names.anything_below, *names.below)
    } == {Length}
    assert not hasattr(names, 'marks')
    save(old)
    assert seen(old) >= second
    old.manage_invalidate(['/site/doc'])
    assert seen(old) > second


@pytest.mark.parametrize('save', [
    lambda manager: manager.manage_invalidate(['/site/doc']),
    lambda manager: manager.manage_editProps('', {'max_age': 60})])
def test_marks_of_content_go_when_a_manager_is_saved(app, old, save):
    assert old.getViews() == [{'name': 'view', 'kind': ''}]
    save(old)
    transaction.commit()
    app._p_jar.cacheMinimize()
    old._p_activate()
    assert '_contents' not in vars(old.aq_base)
    assert old.getViews() == [{'name': 'view', 'kind': ''}]


def test_manager_without_marks_for_folders_gets_them(app, manager):
    names = manager._invalidated
    del names.below, names.anything_below
    transaction.commit()
    app._p_jar.cacheMinimize()
    before = seen(manager)
    assert before is not None
    assert None not in manager.oids_of(manager.marks_of('oid:1', PAGE))
    manager.manage_invalidate(['/site/other'])
    after = seen(manager)
    assert after > before  # of all pages, this time
    manager.manage_invalidate(['/site/'])
    assert seen(manager) > after


# names that were invalidated

@pytest.mark.parametrize(('name', 'is_new'), [
    ('/site/doc', True), ('/site/page', True), ('@@view', False),
    (row_id(PAGE), True), ('/site/other', False),
    ('/', True), ('/site/', True), ('/site/doc/', True), ('/site', False),
    ('/site/do/', False), ('/sit/', False), ('/site/page/', False),
    (row_id(('/site/page', '/site/doc', 'http://y/')), False)])
def test_invalidation_is_a_new_generation_of_what_is_named(
        manager, name, is_new):
    before = seen(manager)
    for _ in range(2):
        manager.manage_invalidate([name])
        after = seen(manager)
        assert (before != after) is is_new
        before = after


def test_purge_after_an_invalidation_counts_for_all(manager):
    manager.manage_invalidate(['/site/doc'])
    before = seen(manager)
    manager.manage_purge()
    after = seen(manager)
    assert after > before
    # which spares each request the search for names
    assert len(manager._invalidated.of('', PAGE, manager._purged)) == 2
