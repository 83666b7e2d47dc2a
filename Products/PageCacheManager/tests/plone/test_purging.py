"""Purge events: what proxies are told to forget is forgotten here too."""
import pytest
import transaction
from z3c.caching.purge import Purge
from zope.event import notify

from ...marks import MAX_INVALIDATED
from ...PageCacheManager import PageCacheManager
from .conftest import act_in


PAGES = ['/a-document', '/a-news-item', '/a-folder', '/a-shown-folder',
         '/a-shown-folder/front', '/a-shown-folder/listing_view']


@pytest.fixture
def kept(addon, client):
    """The site with pages in the cache."""
    for path in PAGES:
        client.get(path)
        assert client.get(path).outcome == 'HIT'
    act_in(addon)
    return addon


def forgotten(client):
    return {path for path in PAGES if client.get(path).outcome == 'MISS'}


def test_pages_of_the_object_are_forgotten(kept, client):
    notify(Purge(kept['a-document']))
    assert forgotten(client) == {'/a-document'}


def test_content_in_a_folder_stays_when_the_folder_is_purged(kept, client):
    notify(Purge(kept['a-shown-folder']))
    assert forgotten(client) == {'/a-shown-folder/listing_view'}


def test_folder_is_forgotten_with_its_page(kept, client):
    notify(Purge(kept['a-shown-folder']['front']))
    assert forgotten(client) == {
        '/a-shown-folder', '/a-shown-folder/front',
        '/a-shown-folder/listing_view'}


def test_folder_stays_when_content_in_it_is_purged(kept, client):
    notify(Purge(kept['a-folder']['item-1']))
    assert forgotten(client) == set()


def test_page_of_the_site_itself_is_forgotten(kept, client):
    client.get('')
    assert client.get('').outcome == 'HIT'
    act_in(kept)
    notify(Purge(kept))
    assert client.get('').outcome == 'MISS'
    assert forgotten(client) == set()


def test_nothing_is_forgotten_when_the_transaction_aborts(kept, client):
    notify(Purge(kept['a-document']))
    transaction.abort()
    assert forgotten(client) == set()


def test_all_is_forgotten_when_too_much_is_purged(kept, client):
    content = kept['a-document']
    for number in range(MAX_INVALIDATED + 1):
        kept.page_cache.manage_invalidate([f'/plone/{number}'])
    notify(Purge(content))
    assert len(forgotten(client)) == len(PAGES)


def test_every_manager_around_the_object_is_told(kept, client):
    folder = kept['a-folder']
    folder._setObject('inner', PageCacheManager('inner'))
    notify(Purge(folder['item-1']))
    path = '/plone/a-folder/item-1'
    for manager in (kept.page_cache, folder.inner):
        assert path in manager._invalidated.marks


@pytest.mark.parametrize('ob', [object(), None])
def test_object_without_a_place_is_let_be(kept, client, ob):
    notify(Purge(ob))
    assert forgotten(client) == set()


def test_site_without_a_manager_is_let_be(portal):
    notify(Purge(portal['a-document']))
