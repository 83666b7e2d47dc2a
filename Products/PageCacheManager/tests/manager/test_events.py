"""Events for other code about pages that come and go."""
import pytest
import transaction

from ...interfaces import IPageDropped
from ...interfaces import IPagesPurged
from ...interfaces import IPageStored
from ...manager import caches
from ...request import audit
from ..site import set_policy


PAGE = '/site/doc/page'
AT = ('/site/page', '/site/doc', 'http://localhost:8080/site/doc/page')


@pytest.fixture
def heard(site, subscribe):
    """The events, with the path of the manager in place of it."""
    found = []

    def hear(event):
        path = '/'.join(event.manager.getPhysicalPath())
        found.append((type(event).__name__, path, *event[1:]))
    for event in IPageStored, IPageDropped, IPagesPurged:
        subscribe(hear, event)
    return found


STORED = 'PageStored', '/site/page_cache', *AT


def test_a_page_is_stored_once(client, heard):
    for _ in range(3):
        client.get(PAGE)
    client.get(PAGE, If_None_Match=client.get(PAGE)['ETag'])
    assert heard == [STORED]


def test_a_page_that_is_not_stored(site, client, heard):
    set_policy(site, etag='')
    client.get(PAGE)
    client.head(PAGE)
    site.page_cache.manage_editProps('', {'max_page_kib': 1})
    set_policy(site)
    site.doc.text = 'x' * 2000
    client.get(PAGE)
    assert heard == []


def test_a_page_that_is_out_of_date(site, client, heard):
    client.get(PAGE)
    site.doc.text = 'edited'
    client.get(PAGE)
    assert heard == [
        STORED, STORED,
        ('PageDropped', '/site/page_cache', *AT, 'content-changed')]


def test_a_view(viewed, client, heard):
    client.get('/site/doc/v-counting')
    assert heard[0][2:4] == ('@@v-counting', '/site/doc')


@pytest.mark.parametrize('act, names', [
    (lambda manager: manager.manage_purge(), None),
    (lambda manager: manager.manage_invalidate(['/site/doc', '/site/']),
     {'/site/doc', '/site/'}),
    (lambda manager: manager.manage_invalidate(['/site/page']),
     {'/site/page'}),
    (lambda manager: manager.manage_invalidate(['@@view']), {'@@view'})])
def test_pages_that_are_purged(site, heard, act, names):
    act(site.page_cache)
    assert heard == [('PagesPurged', '/site/page_cache', names)]


def test_a_purge_can_be_refused(site, client, subscribe):
    def refuse(event):
        raise ValueError('not now')
    subscribe(refuse, IPagesPurged)
    client.get(PAGE)
    with pytest.raises(ValueError, match='not now'):
        site.page_cache.manage_purge()
    transaction.abort()
    assert client.get(PAGE).outcome == 'HIT'


@pytest.mark.parametrize('event', [IPageStored, IPageDropped])
def test_a_subscriber_that_fails_harms_no_page(
        site, client, subscribe, event, caplog):
    def fail(event):
        raise ValueError('subscriber failed')
    subscribe(fail, event)
    client.get(PAGE)
    site.doc.text = 'edited'
    page = client.get(PAGE)
    assert page.status == 200 and 'edited' in page.text
    assert client.get(PAGE).outcome == 'HIT'
    assert 'subscriber failed' in caplog.text
    counts = caches.cache_of(site.page_cache).tally.counts()
    assert [word for word, _ in counts].count('ERROR') == 1


def test_an_audit_stores_nothing_anew(site, client, heard):
    site.page_cache.manage_editProps('', {'audit_every': 1})
    for _ in range(3):
        client.get(PAGE)
    assert audit.worker.wait(30)
    counts = caches.cache_of(site.page_cache).tally.counts()
    assert 'AUDIT' in {word for word, _ in counts}
    assert heard == [STORED]
