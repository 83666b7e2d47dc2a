"""Purge events: the cache drops the pages that proxies are told to drop."""
import pytest
import transaction
from plone.cachepurging.purger import DefaultPurger
from plone.cachepurging.utils import getPathsToPurge
from plone.cachepurging.utils import getURLsToPurge
from Products.CMFCore.indexing import processQueue
from Products.PageTemplates.ZopePageTemplate import ZopePageTemplate
from z3c.caching.purge import Purge
from zope.event import notify
from zope.lifecycleevent import ObjectModifiedEvent

from ...key.versions import version_of
from ...PageCacheManager import PageCacheManager
from ..browser import zope_server
from .conftest import act_in
from .test_templates import TEXT


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


def test_many_events_do_not_forget_all(kept, client):
    folder = kept['a-folder']
    for number in range(101):
        folder.invokeFactory('Document', f'many{number}')
    transaction.commit()
    for path in PAGES:
        client.get(path)
    act_in(kept)
    for number in range(101):
        notify(Purge(folder[f'many{number}']))
        transaction.commit()
    assert len(forgotten(client)) < len(PAGES)


def invalidated(manager):
    return version_of(manager._invalidated.anything)


def test_every_manager_around_the_object_is_told(kept, client):
    folder = kept['a-folder']
    folder._setObject('inner', PageCacheManager('inner'))
    transaction.commit()
    managers = kept.page_cache, folder.inner
    before = list(map(invalidated, managers))
    notify(Purge(folder['item-1']))
    transaction.commit()
    after = list(map(invalidated, managers))
    assert before[0] != after[0] and before[1] != after[1]


@pytest.mark.parametrize('is_told_first', [True, False])
def test_what_an_edit_makes_new_is_not_written_too(
        kept, client, is_told_first):
    content, manager = kept['a-news-item'], kept.page_cache
    before = invalidated(manager)
    content.title = 'Edited'
    notify(Purge(content) if is_told_first else ObjectModifiedEvent(content))
    notify(ObjectModifiedEvent(content) if is_told_first else Purge(content))
    transaction.commit()
    assert invalidated(manager) == before
    page = client.get('/a-news-item')
    assert page.outcome == 'MISS' and 'Edited' in page.text


def test_what_an_event_changes_is_not_written_too(kept):
    content, manager = kept['a-document'], kept.page_cache
    before = invalidated(manager)
    notify(ObjectModifiedEvent(content))
    notify(Purge(content))
    transaction.commit()
    assert invalidated(manager) == before


def test_change_of_other_content_does_not_stand_for_an_event(addon, client):
    """The page of a template does not depend on listings."""
    addon._setObject('a_template', ZopePageTemplate('a_template', TEXT))
    addon['a_template'].ZCacheable_setManagerId('page_cache')
    path = '/a-document/a_template'
    client.get(path)
    assert client.get(path).outcome == 'HIT'
    act_in(addon)
    addon['a-folder'].title = 'Edited'
    notify(ObjectModifiedEvent(addon['a-folder']))
    processQueue()
    notify(Purge(addon['a-document']))
    assert client.get(path).outcome == 'MISS'


@pytest.mark.parametrize('ob', [object(), None])
def test_object_without_a_place_is_let_be(kept, client, ob):
    notify(Purge(ob))
    assert forgotten(client) == set()


def test_site_without_a_manager_is_let_be(portal):
    notify(Purge(portal['a-document']))


# PURGE, as plone.cachepurging sends it

def test_purge_requests_of_plone_are_answered(kept, client):
    kept.page_cache.manage_editProps('', {'purge_clients': ['127.0.0.1']})
    transaction.commit()
    for path in PAGES:
        client.get(path)
        assert client.get(path).outcome == 'HIT'
    act_in(kept)
    with zope_server() as url:
        hosted = '/VirtualHostBase/http/localhost:8080/plone/VirtualHostRoot'
        paths = [*getPathsToPurge(kept['a-shown-folder'], kept.REQUEST)]
        assert '/plone/a-shown-folder' in paths
        for path in *paths, f'{hosted}/a-document':
            for one in getURLsToPurge(path, [url]):
                status, _, error = DefaultPurger().purgeSync(one)
                # the URLs of plone.restapi lead to no content
                assert '++api++' in one or (status, error) == (200, ''), one
    assert forgotten(client) >= {
        '/a-document', '/a-shown-folder', '/a-shown-folder/front'}
    assert client.get('/a-news-item').outcome == 'HIT'
