"""Hot pages of a Plone site are rendered before the next visitor asks."""
import time

import pytest
import transaction
from ZPublisher.pubevents import PubAfterTraversal

from ...manager import caches
from ...publisher import own_request
from ...reads import freshness
from ...request import hot_pages
from .changes import text
from .conftest import act_in


PATHS = ['/', '/a-document', '/a-folder', '/a-news-item']


@pytest.fixture
def hot(addon, monkeypatch):
    monkeypatch.setattr(hot_pages, 'PAUSE_SECS', 0.05)
    addon.page_cache.manage_editProps(
        '', {'hot_pages': 20, 'hot_per_minute': 6000})
    transaction.commit()
    act_in(addon)
    yield addon
    caches.forget_all()
    assert hot_pages.worker.wait(60)


def test_what_writes_leaves_no_error(hot, client, subscribe):
    def write(event):
        if event.request.environ.get(own_request.MAKER) is not None:
            event.request['PARENTS'][-1].visits = 1
    client.get('/a-document')
    assert client.get('/a-document').outcome == 'HIT'
    cache = caches.cache_of(hot.page_cache)
    assert cache.hot.hottest(1)
    errors = hot.error_log.getLogEntries()
    subscribe(write, PubAfterTraversal)
    text('/a-document', '<p>Another text</p>')(client, hot)
    end = time.monotonic() + 60
    while cache.hot.hottest(1):
        assert time.monotonic() < end
        time.sleep(0.05)
    act_in(hot)
    assert hot.error_log.getLogEntries() == errors
    assert not [one for one in cache.tally.counts() if one[0] == 'FAILED']


def are_new(portal):
    """Return whether there are hot pages, and all of them are fresh."""
    transaction.abort()
    cache = caches.cache_of(portal.page_cache)
    found = [
        cache.pages.peek(cache.pages.older(one.index))
        for one in cache.hot.hottest(20)]
    return found and all(
        freshness.are_unmoved(page.made_from) for page in found)


def test_visitors_after_an_edit_hit(hot, client):
    for path in PATHS:
        for _ in range(2):
            found = client.get(path)
        assert found.outcome == 'HIT', path
    client.get('/a-document', 'alice')
    client.get('/a-document', 'alice')
    text('/a-document', '<p>Another text</p>')(client, hot)
    end = time.monotonic() + 60
    while not are_new(hot):
        assert time.monotonic() < end
        time.sleep(0.05)
    found = client.get('/a-document')
    assert found.outcome == 'HIT' and 'Another text' in found.text
    assert [client.get(path).outcome for path in PATHS] == ['HIT'] * 4
    # members' pages are not rendered ahead
    assert client.get('/a-document', 'alice').outcome == 'MISS'
