"""Metrics, as a Prometheus server reads them."""
import sys

import pytest
import transaction
from prometheus_client.parser import text_string_to_metric_families

from ...manager import caches
from ..site import add_template
from ..site import set_policy


pytestmark = pytest.mark.usefixtures('errors_are_responses')

PAGE = '/site/doc/page'
METRICS = '/site/page_cache/manage_metrics'


def metrics(client, user='root'):
    """Return the samples by name and labels, as Prometheus reads them."""
    answer = client.get(METRICS, user)
    assert answer.status == 200
    assert answer['Content-Type'].startswith('text/plain; version=')
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples}


def test_requests_are_counted_by_outcome_and_reason(site, client):
    for _ in range(3):
        client.get(PAGE)
    client.get(PAGE, If_None_Match=client.get(PAGE)['ETag'])
    set_policy(site, etag='')
    client.get(PAGE)
    site.page_cache.disable()
    client.get(PAGE)
    found = metrics(client)
    requests = {key[1:]: value for key, value in found.items() if (
        key[0] == 'pagecache_requests_total')}
    assert requests == {
        ('HIT', ''): 3, ('HIT', 'not-modified'): 1, ('MISS', ''): 1,
        ('NO-ETAG', 'no-etag'): 1, ('OFF', 'off'): 1}
    assert found['pagecache_active',] == 0


def test_figures_of_the_store(site, client):
    site.page_cache.manage_editProps('', {'threshold': 77, 'max_mib': 3})
    for _ in range(3):
        client.get(PAGE)
    client.get('/site/doc/fspage')
    found = metrics(client)
    counts = caches.cache_of(site.page_cache).pages.counts()
    assert found['pagecache_entries',] == 2
    assert found['pagecache_max_entries',] == 77
    assert found['pagecache_bytes',] == counts.bytes > 0
    assert found['pagecache_max_bytes',] == 3 << 20
    assert found['pagecache_active',] == 1
    assert found['pagecache_render_seconds_count',] == 2
    mean = found['pagecache_render_seconds_sum',] / 2
    assert mean > 0
    assert found['pagecache_saved_seconds',] == pytest.approx(2 * mean)
    client.post('/site/page_cache/manage_invalidate', {
        'paths:list': '/site/doc'})
    assert metrics(client)['pagecache_removals_total',] == 2


def test_failures_are_counted(site, client):
    add_template(
        site.portal_skins.custom, 'failing', '<p tal:content="no/such"></p>')
    with pytest.raises(KeyError):
        client.get('/site/doc/failing')
    assert metrics(client)['pagecache_failed_requests_total', 'error'] == 1
    caches.cache_of(site.page_cache).tally.add('ERROR', 'store')
    caches.cache_of(site.page_cache).tally.add('AUDIT', 'same')
    found = metrics(client)
    assert found['pagecache_errors_total', 'store'] == 1
    assert found['pagecache_audits_total', 'same'] == 1


def test_labels_name_nothing_of_a_request(site, client, acting):
    acting(lambda request: request.cookies.get('secret_cookie'))
    for path in '/site/doc/acting_page', f'{PAGE}?secret=parameter':
        client.get(path, 'alice', Cookie='secret_cookie=secret')
    text = client.get(METRICS, 'root').text
    assert 'reason="cookie"' in text
    for name in 'secret', 'alice', 'acting', '/site', 'http':
        assert name not in text


def test_a_permission_of_its_own(site, client):
    assert client.get(METRICS).status == 401
    assert client.get(METRICS, 'alice').status == 401
    site.manage_role('Member', ['View management screens'])
    transaction.commit()
    assert client.get(METRICS, 'alice').status == 401
    site.manage_role('Member', ['View page cache metrics'])
    transaction.commit()
    assert metrics(client, 'alice')['pagecache_entries',] == 0
    assert client.get(
        '/site/page_cache/manage_stats', 'alice').status == 401


def test_without_the_library(site, client, monkeypatch):
    monkeypatch.setitem(sys.modules, 'prometheus_client', None)
    answer = client.get(METRICS, 'root')
    assert answer.status == 501
    assert '[metrics]' in answer.text
