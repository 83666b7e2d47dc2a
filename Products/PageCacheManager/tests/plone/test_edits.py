"""Edits by Plone's own form, and the pages that stay in the cache."""
import pytest
import transaction

from ...PageCacheManager import PageCacheManager
from ..site import add_policy


EDITED, OTHER = '/a-document', '/a-news-item'


@pytest.fixture(autouse=True)
def cache(portal, client):
    """A manager with associated views and a policy."""
    portal._setObject('page_cache', PageCacheManager('page_cache'))
    portal.page_cache.manage_editViews([
        ('document_view',), ('newsitem_view',)])
    add_policy(portal.caching_policy_manager)
    transaction.commit()
    # content made by code lacks fields; saving the form adds them
    client.edit(EDITED, 'alice')


@pytest.mark.parametrize('user', [None, 'bob'])
@pytest.mark.parametrize(('field', 'outcome'), [
    ('text', 'HIT'), ('title', 'MISS')])
def test_page_of_other_content_when_a_form_is_saved(
        client, user, field, outcome):
    """Menus of all pages show the title, but not the text."""
    for path in EDITED, OTHER:
        for _ in range(2):
            client.get(path, user)
        assert client.get(path, user).outcome == 'HIT'
    client.edit(EDITED, 'alice', **{field: 'Open on Sundays'})
    page = client.get(EDITED, user)
    assert page.outcome == 'MISS' and 'Open on Sundays' in page.text
    assert client.get(OTHER, user).outcome == outcome


@pytest.mark.parametrize('path', ['/a-folder', OTHER])
def test_form_that_locks_is_opened_at_once(client, path):
    """Writes of the cache do not make Plone ask for a token."""
    assert client.get(f'{path}/edit', 'alice').status == 200


# objects that an edit writes

@pytest.fixture
def writes(portal):
    """A function that counts the cache's objects that an edit writes."""
    manager = portal.page_cache
    names = manager._invalidated
    ours = [
        manager, manager._purged, names, names.anything, *names.changed,
        *names.templates]

    def serials():
        portal._p_jar.sync()
        for ob in ours:
            ob._p_activate()
        return [ob._p_serial for ob in ours]

    def count(edit):
        before = serials()
        edit()
        return sum(map(bytes.__ne__, before, serials()))
    return count


@pytest.mark.parametrize('store', ['process', 'memoize'])
def test_an_edit_writes_nothing(portal, client, writes, store):
    """It writes nothing to purge pages from proxies either."""
    portal.page_cache.manage_editProps('', {'store': store})
    transaction.commit()
    for path in EDITED, OTHER:
        client.edit(path, 'alice', title='Open')
        for field in 'text', 'title':
            edit = {field: 'Open on Sundays'}
            assert writes(
                lambda edit=edit, path=path: client.edit(
                    path, 'alice', **edit)) == 0


def test_view_that_is_associated_again_has_no_page_of_before(
        portal, client):
    manager = portal.page_cache
    views = [('listing_view',)]
    manager.manage_editViews(views)
    transaction.commit()
    for _ in range(2):
        page = client.get('/a-folder/listing_view')
    assert page.outcome == 'HIT'
    manager.manage_editViews([])
    transaction.commit()
    client.edit('/a-folder/item-1', 'alice', title='Open on Sundays')
    manager.manage_editViews(views)
    transaction.commit()
    page = client.get('/a-folder/listing_view')
    assert page.outcome == 'MISS' and 'Open on Sundays' in page.text
