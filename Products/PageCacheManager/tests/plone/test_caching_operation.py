"""plone.app.caching hands pages to a manager; no page is in two caches."""
import logging

import pytest
import transaction
from plone.app.caching.operations.default import WeakCaching
from plone.caching.interfaces import ICachingOperation
from plone.registry import Record
from plone.registry import field
from plone.registry.interfaces import IRegistry
from Products.PageTemplates.ZopePageTemplate import ZopePageTemplate
from zope.component import getGlobalSiteManager
from zope.component import getUtility
from zope.component.hooks import setSite
from zope.interface import Interface
from ZPublisher.pubevents import PubSuccess

from Products.PageCacheManager.tests.counts import total

from ...integrations.caching import NAME
from ...manager import caches
from .test_templates import TEXT


RULES = 'plone.caching.interfaces.ICacheSettings.operationMapping'
SWITCH = 'plone.caching.interfaces.ICacheSettings.enabled'
RULE = 'plone.content.itemView'
OTHER = 'plone.app.caching.weakCaching'
TEMPLATES = (
    'plone.app.caching.interfaces.IPloneCacheSettings.templateRulesetMapping')


@pytest.fixture
def rules(portal, client, page_cache):
    """Map rulesets to operations; `options` are for our operation."""
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
    rules({RULE: NAME}, manager='page_cache')
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
    before = total(counters.tally, 'HIT')
    logged = portal.error_log.getLogEntries()  # other tests left some
    registry = getGlobalSiteManager().__bases__[0]
    registry.registerHandler(note, (PubSuccess,))
    try:
        with caplog.at_level(logging.WARNING):
            assert client.get('/a-document', 'alice').outcome == 'HIT'
    finally:
        registry.unregisterHandler(note, (PubSuccess,))
    assert seen == [True]
    assert total(counters.tally, 'HIT') == before + 1
    assert counters.flights.waiting == 0
    assert not caplog.records
    assert portal.error_log.getLogEntries() == logged


# pages of another operation that does not keep them

def import_profile(portal, name):
    """Set the caching up by a profile of the caching control panel."""
    setSite(portal)
    portal.portal_setup.runAllImportStepsFromProfile(
        f'plone.app.caching:{name}')
    getUtility(IRegistry)[SWITCH] = True
    transaction.commit()


def set_option(name, value, operation=OTHER, rule=RULE):
    """Set an option of an operation for one ruleset."""
    registry = getUtility(IRegistry)
    general = f'{operation}.{name}'
    own = f'{operation}.{rule}.{name}'
    if own not in registry:
        registry.records[own] = Record(
            registry.records[general].field, value)
    registry[own] = value
    transaction.commit()


@pytest.fixture
def addon_beside(addon, client):
    """The add-on beside plone.app.caching without a proxy."""
    import_profile(addon, 'without-caching-proxy')
    for user in (None, 'alice', 'bob'):
        client.get('/a-document', user)
    return addon


MEMBERS_PAGES = ['/a-document', '/a-folder', '/sitemap', '/a-collection']


@pytest.mark.parametrize('path', MEMBERS_PAGES)
def test_members_page_is_kept_beside_a_cache_for_anonymous(
        addon_beside, client, path):
    for user in ('alice', 'bob'):
        miss, hit = (client.get(f'{path}?one', user) for _ in range(2))
        assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
        assert hit.body == miss.body
        assert hit.stable_headers() == miss.stable_headers()
        assert hit['Cache-Control'].count('private') == 1
        for answer in (miss, hit):
            assert len(answer.all('ETag')) == 1
            assert answer.get('Last-Modified') is None
            assert answer.get('X-RAMCache') is None
    asked = {'If_None_Match': hit['ETag']}
    held = client.get(f'{path}?one', 'bob', **asked)
    assert (held.status, held['ETag']) == (304, hit['ETag'])
    assert client.get(f'{path}?one', 'alice', **asked).status == 200


def test_anonymous_page_is_left_to_the_cache_that_keeps_it(
        addon_beside, client):
    answers = [client.get('/a-news-item') for _ in range(3)]
    assert answers[-1]['X-RAMCache']
    assert 'HIT' not in {answer.outcome for answer in answers}
    kept = {row['context_path']
            for row in addon_beside.page_cache.getCacheReport()}
    assert '/plone/a-news-item' not in kept


def test_members_page_beside_another_cache_is_new_at_once(
        addon_beside, client):
    tag = client.get('/a-document', 'bob')['ETag']
    client.edit('/a-document', 'alice', title='Another title')
    for headers in ({}, {'If_None_Match': tag}):
        answer = client.get('/a-document', 'bob', **headers)
        assert answer.status == 200 and 'Another title' in answer.text
    assert answer['ETag'] != tag


def test_anonymous_page_is_kept_where_the_other_cache_has_no_memory(
        addon_beside, client):
    setSite(addon_beside)
    set_option('ramCache', False)
    assert [client.get('/a-document').outcome
            for _ in range(3)] == ['MISS', 'HIT', 'HIT']
    hit = client.get('/a-document')
    assert len(hit.all('ETag')) == 1 and hit.get('Last-Modified') is None
    answer = client.get('/a-document', If_None_Match=hit['ETag'])
    assert answer.status == 304


def outcome_of(client, path='/a-document', user='alice'):
    """Return outcome and reason of the second of two requests.

    If the other cache answered the second, return those of the first.
    """
    answers = [client.get(path, user) for _ in range(2)]
    answer = answers[0 if answers[1].get('X-RAMCache') else 1]
    return answer.outcome, answer['Cache-Status'].partition('detail=')[2]


@pytest.mark.parametrize(('operation', 'options', 'users', 'reason'), [
    ('noCaching', {}, (None, 'alice'), 'no-caching'),
    ('weakCaching', {'anonOnly': True}, ['alice'], 'no-caching'),
    ('weakCaching', {'etags': ('catalogCounter',), 'ramCache': True},
     (None, 'alice'), 'other-cache'),
    ('moderateCaching', {}, (None, 'alice'), 'other-cache'),
    ('moderateCaching', {'etags': ('userid',)}, [None], 'other-cache'),
    ('moderateCaching', {'etags': ('userid',)}, ['alice'], ''),
    ('moderateCaching', {'smaxage': 0}, (None, 'alice'), ''),
    ('weakCaching', {'etags': ('userid', 'catalogCounter')},
     (None, 'alice'), ''),
    ('strongCaching', {}, (None, 'alice'), 'other-cache'),
    ('strongCaching', {'maxage': 0}, (None, 'alice'), ''),
    ('terseCaching', {'etags': ('roles',)}, ['alice'], ''),
])
def test_page_is_left_to_an_operation_that_has_it_kept(
        addon, client, rules_of, operation, options, users, reason):
    name = f'plone.app.caching.{operation}'
    rules_of(name)
    for option, value in options.items():
        set_option(option, value, name)
    for user in users:
        assert outcome_of(client, user=user) == (
            'BYPASS' if reason else 'HIT', reason)


@pytest.fixture
def rules_of(addon, client):
    """Map content to an operation, with no options."""
    def map_rule(name):
        setSite(addon)
        registry = getUtility(IRegistry)
        registry[SWITCH] = True
        registry[RULES] = {RULE: name}
        transaction.commit()

    client.get('/a-document')
    client.get('/a-document', 'alice')
    return map_rule


class OfASite(WeakCaching):
    """Operation of a site, which changes each response."""

    def modifyResponse(self, rulename, response):
        response.setHeader('X-Own', 'yes')


def test_page_of_an_unknown_operation_is_left_to_it(
        addon, client, rules_of):
    registry = getGlobalSiteManager().__bases__[0]
    about = OfASite, (Interface, Interface), ICachingOperation, 'own'
    registry.registerAdapter(*about)
    try:
        rules_of('own')
        assert outcome_of(client) == ('BYPASS', 'other-cache')
    finally:
        registry.unregisterAdapter(*about)
    # the operation is not registered any more
    assert outcome_of(client)[0] == 'HIT'


@pytest.mark.parametrize(('names', 'reason'), [
    ((), ''), (('plone.app.caching.weakCaching', 'none.such'), ''),
    (('plone.app.caching.weakCaching', 'plone.app.caching.noCaching'),
     'no-caching')])
def test_chain_keeps_what_one_of_it_keeps(
        addon, client, rules_of, names, reason):
    rules_of('plone.caching.operations.chain')
    getUtility(IRegistry)['plone.caching.operations.chain.operations'] = [
        *names]
    transaction.commit()
    assert outcome_of(client) == ('BYPASS' if reason else 'HIT', reason)


def test_page_that_the_other_cache_stops_at_is_kept(
        addon_beside, client):
    path = '/a-document?SearchableText=harbour'
    assert outcome_of(client, path, None)[0] == 'HIT'
    assert outcome_of(client, path)[0] == 'HIT'


# templates

@pytest.fixture
def template(addon_beside, client):
    """A template in the site with the ruleset of content."""
    addon_beside._setObject(
        'a_template', ZopePageTemplate('a_template', TEXT))
    template = addon_beside['a_template']
    template.ZCacheable_setManagerId('page_cache')
    setSite(addon_beside)
    registry = getUtility(IRegistry)
    registry[TEMPLATES] = {**registry[TEMPLATES], 'a_template': RULE}
    transaction.commit()
    for user in (None, 'alice'):
        client.get('/a_template', user)
    setSite(addon_beside)
    return template


def test_template_is_never_in_two_caches(addon_beside, client, template):
    answers = [client.get('/a_template?one') for _ in range(3)]
    assert answers[-1]['X-RAMCache']
    assert [answer.outcome for answer in answers[:1]] == ['BYPASS']
    assert 'other-cache' in answers[0]['Cache-Status']
    assert not [row for row in addon_beside.page_cache.getCacheReport()
                if row['template_path'].endswith('a_template')
                and '?one' in row['url']]


def test_template_beside_another_cache_has_our_tag_alone(
        addon_beside, client, template):
    miss, hit = (client.get('/a_template?one', 'alice') for _ in range(2))
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert miss.all('ETag') == hit.all('ETag')
    assert len(hit.all('ETag')) == 1
    assert miss.get('Last-Modified') is hit.get('Last-Modified') is None
    answer = client.get('/a_template?one', 'alice', If_None_Match=hit['ETag'])
    assert (answer.status, answer.all('ETag')) == (304, hit.all('ETag'))
    head = client.head('/a_template?one', 'alice')
    assert head.all('ETag') == hit.all('ETag')


def test_template_of_an_operation_for_no_cache_is_not_kept(
        addon_beside, client, template):
    getUtility(IRegistry)[RULES] = {RULE: 'plone.app.caching.noCaching'}
    transaction.commit()
    assert outcome_of(client, '/a_template') == ('BYPASS', 'no-caching')
