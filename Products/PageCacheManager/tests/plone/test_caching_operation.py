"""plone.app.caching hands pages to a manager; no page is in two caches."""
import logging

import pytest
import transaction
from plone.registry import Record
from plone.registry import field
from plone.registry.interfaces import IRegistry
from zope.component import getGlobalSiteManager
from zope.component import getUtility
from zope.component.hooks import setSite
from ZPublisher.pubevents import PubSuccess

from ... import caches
from ...integrations.caching import NAME


RULES = 'plone.caching.interfaces.ICacheSettings.operationMapping'
SWITCH = 'plone.caching.interfaces.ICacheSettings.enabled'
RULE = 'plone.content.itemView'
OTHER = 'plone.app.caching.weakCaching'


@pytest.fixture
def rules(portal, client, page_cache):
    """Map rulesets to operations; options are those of ours."""
    def map_rules(mapping, **options):
        setSite(portal)
        registry = getUtility(IRegistry)
        registry[SWITCH] = True
        registry[RULES] = mapping
        if f'{OTHER}.ramCache' in registry:
            registry[f'{OTHER}.ramCache'] = True
        for name, value in options.items():
            registry.records[f'Products.PageCacheManager.operation.{name}'] = (
                Record(field.TextLine(title=name, required=False), value))
        transaction.commit()

    client.get('/a-document')
    client.get('/a-document', 'alice')
    return map_rules


@pytest.mark.parametrize('user', [None, 'alice'])
def test_page_of_our_ruleset_is_kept_though_not_associated(
        client, page_cache, rules, user):
    page_cache.manage_editViews([])
    rules({RULE: NAME})
    assert [client.get('/a-document', user).outcome
            for _ in range(3)] == ['MISS', 'HIT', 'HIT']
    hit = client.get('/a-document', user)
    assert hit['X-Cache-Rule'] == RULE
    assert hit.get('X-RAMCache') is None
    assert client.get('/a-folder', user).outcome is None


@pytest.mark.parametrize('user', [None, 'alice'])
def test_page_of_another_operation_is_never_kept_here(
        client, page_cache, rules, user):
    rules({RULE: OTHER})
    answers = [client.get('/a-news-item', user) for _ in range(3)]
    assert 'HIT' not in {answer.outcome for answer in answers}
    assert 'other-cache' in answers[0]['Cache-Status']
    if user is None:
        assert answers[-1].get('X-RAMCache')
    kept = {row['context_path'] for row in page_cache.getCacheReport()}
    assert '/plone/a-news-item' not in kept


def test_mapping_may_go_to_and_fro(client, page_cache, rules):
    for _ in range(2):
        rules({RULE: NAME})
        ours = [client.get('/a-document') for _ in range(2)]
        assert ours[1].outcome == 'HIT'
        assert not ours[1].get('X-RAMCache')
        rules({RULE: OTHER})
        theirs = [client.get('/a-document') for _ in range(2)]
        assert 'HIT' not in {answer.outcome for answer in theirs}


def test_option_names_a_manager(portal, client, page_cache, rules):
    page_cache.manage_editViews([])
    rules({RULE: NAME}, manager='none_such')
    assert client.get('/a-document').outcome is None
    rules({RULE: NAME}, manager='page_cache', shows='item')
    assert client.get('/a-document').outcome == 'MISS'


def test_json_of_our_ruleset_is_not_given_for_html(
        client, page_cache, rules):
    rules({RULE: NAME, 'plone.content.dynamic': NAME,
           'plone.content.folderView': NAME})
    for _ in range(3):
        for kind in ('application/json', 'text/html'):
            answer = client.get('/a-document', ACCEPT=kind)
            assert answer['Content-Type'].startswith(kind)


def test_ruleset_without_an_operation_is_ours_by_association(
        client, page_cache, rules):
    rules({})
    assert [client.get('/a-document').outcome
            for _ in range(2)] == ['MISS', 'HIT']


def test_hit_leaves_no_trace_of_trouble(
        portal, client, page_cache, caplog):
    for _ in range(3):
        client.get('/a-document', 'alice')
    seen = []

    def note(event):
        seen.append(event.request.environ.get(
            'plone.transformchain.disable'))

    counters = caches.cache_of(page_cache)
    before = counters.tally.total('HIT')
    logged = portal.error_log.getLogEntries()  # other tests left some
    registry = getGlobalSiteManager().__bases__[0]
    registry.registerHandler(note, (PubSuccess,))
    try:
        with caplog.at_level(logging.WARNING):
            assert client.get('/a-document', 'alice').outcome == 'HIT'
    finally:
        registry.unregisterHandler(note, (PubSuccess,))
    assert seen == [True]
    assert counters.tally.total('HIT') == before + 1
    assert counters.flights.waiting == 0
    assert not caplog.records
    assert portal.error_log.getLogEntries() == logged
