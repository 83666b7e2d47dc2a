"""All remembered data is bounded in memory, for any request.

Every cache and every table of the package is listed here with the origin of
its keys.  If one is not listed, a test fails, so that its author thinks of its
bound.
"""
import gc
import pkgutil
import tracemalloc
from functools import _lru_cache_wrapper
from importlib import import_module
from string import ascii_lowercase
from types import FunctionType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zope.component import getGlobalSiteManager
from zope.i18n.interfaces import ITranslationDomain
from zope.i18n.interfaces import IUserPreferredLanguages
from zope.i18n.negotiator import Negotiator
from zope.i18n.simpletranslationdomain import SimpleTranslationDomain
from zope.interface import implementer

import Products.PageCacheManager
from Products.PageCacheManager.tests.counts import total

from ...core.memo import remembered
from ...core.report import tally
from ...core.report.seen_views import MAX_LENGTH
from ...core.report.seen_views import Lately
from ...key import visitor
from ...manager import caches
from ..lane_client import LaneClient
from ..site import Item
from ..site import set_policy


PAGE = '/site/doc/page'

#: Keys are chosen by the code that is installed, by settings, policies and
#: editors; or they are small numbers.
OF_THE_SITE = {
    'PageCacheManager._associations',
    'cmf.expressions._named_in', 'cmf.opaque._said',
    'cmf.policy._cache_control', 'cmf.policy._date_text',
    'core.http.cache_status.with_ttl', 'core.http.conditional.format_date',
    'core.audit.ignored._hiding', 'core.audit.ignored._names',
    'core.key._matcher',
    'core.reads.records._kind',
    'key.code_version._code_version', 'key.code_version._file_digest',
    'key.code_version.code_version',
    'key.code_version._installed_places',
    'key.key._keyed_headers',
    'key.visitor._spellings',
    'origin.template.gives_its_page',
    'origin.view._spelled', 'origin.view._template_files',
    'publisher.request._digest_of_layers'}

#: Keys contain values of a client, or values that a page may take from it.
OF_CLIENTS = {
    'core.http.cache_status.cache_status',
    'core.http.content_coding._preferences',
    'core.http.content_coding.is_worthwhile',
    'core.http.headers._combined',
    'core.http.lists.directives', 'core.http.lists.names',
    'core.store.entries._shared',
    'publisher.request.environ_key'}

#: Tables of modules that grow; their content has its own bound.
TABLES = {
    'key.versions._digests',  # by the file of a template
    'manager.caches._caches',  # by manager, and dropped when idle
    'reads.pointers._layouts',  # one, that of this build
    'reads.ram._known'}  # MAX_VALUES

#: Tables of Zope and CMF that are imported.
NOT_OURS = {'publisher.other_handlers.subscribers', 'cmf.guard.SKINDATA'}

LEFT_OUT = ('tests', 'demo')


def modules():
    """Yield all modules of the package by their names without its own."""
    package = Products.PageCacheManager
    prefix = f'{package.__name__}.'
    for found in pkgutil.walk_packages(package.__path__, prefix):
        name = found.name.removeprefix(prefix)
        if name.partition('.')[0] not in LEFT_OUT:
            try:
                yield name, import_module(found.name)
            except ImportError:  # of an integration that is not installed
                continue


def own_values():
    """Yield the values of modules and of their classes, with full names."""
    for name, module in modules():
        for attribute, value in list(vars(module).items()):
            if getattr(value, '__module__', module.__name__) != (
                    module.__name__) or attribute.startswith('__'):
                continue
            yield f'{name}.{attribute}', value
            if isinstance(value, type):
                for inner, part in list(vars(value).items()):
                    yield f'{name}.{attribute}.{inner}', part


def lru_caches():
    """Return all functions that remember results, by name."""
    found = {}
    for name, value in own_values():
        if isinstance(value, (_lru_cache_wrapper, FunctionType)) and hasattr(
                value, 'cache_info'):
            found[name] = value
    return found


def test_all_caches_are_known():
    assert set(lru_caches()) == OF_THE_SITE | OF_CLIENTS


@pytest.mark.parametrize('name', sorted(OF_CLIENTS))
def test_cache_of_what_clients_send_is_bounded_by_bytes(name):
    function = lru_caches()[name]
    most = function.cache_info().maxsize
    # characters take up to four bytes, results about as much again
    assert most * function.max_length < 1 << 20


@pytest.mark.parametrize('name', sorted(OF_THE_SITE))
def test_other_cache_is_bounded_by_number(name):
    cache = lru_caches()[name]
    has_keys = cache.__wrapped__.__code__.co_argcount
    assert not has_keys or cache.cache_info().maxsize <= 4096


def test_no_module_has_a_table_that_grows():
    """An empty table at module level is there to be filled."""
    found = {
        f'{name}.{attribute}' for name, module in modules()
        for attribute, value in vars(module).items()
        if isinstance(value, (dict, list, set)) and not value
        or type(value).__name__ in ('defaultdict', 'OrderedDict', 'Counter')
        or f'{name}.{attribute}' in TABLES}
    assert found - NOT_OURS == TABLES


# remembered results

def test_long_arguments_are_not_remembered():
    @remembered(4, 10)
    def double(text):
        return text * 2

    for _ in range(2):
        assert double('a' * 10) == 'a' * 20
        assert double('b' * 11) == 'b' * 22
    info = double.cache_info()
    assert (info.hits, info.currsize) == (1, 1)
    for letter in ascii_lowercase:
        double(letter)
    assert double.cache_info().currsize == 4


def test_details_are_bounded():
    counted = tally.Tally()
    for number in range(5000):
        counted.add('BYPASS', f'cookie {number}')
        counted.add('BYPASS', f'unforeseen-{number}')
        counted.add('MISS')
    counted.add('BYPASS', 'cookie ' + 'x' * 100_000)
    counted.add('BYPASS', 'x' * 100_000)
    counts = counted.counts()
    assert len(counts) <= 2 * tally.MAX_COUNTERS + 2
    assert sum(len(detail) for _, detail in counts) < 100_000
    assert counts['MISS', ''] == 5000
    assert counts['BYPASS', 'cookie'] > 4000
    assert total(counted, 'BYPASS') == 10_002


def test_views_with_long_names_are_not_counted():
    lately = Lately()
    lately.saw('x' * MAX_LENGTH, '')
    lately.saw('x' * MAX_LENGTH, 'K')
    assert [row[2] for row in lately.counts()] == [1]


# languages

LANGUAGES = st.sampled_from(
    ['de', 'de-at', 'de-ch', 'fr', 'fr-ca', 'en', 'pt-br', 'zh-tw', 'x', ''])

SITE_LANGUAGES = st.frozensets(st.sampled_from(
    ['de', 'de-at', 'de_AT', 'DE', 'fr', 'en', 'pt-br', 'pt', 'zh-TW']))


@implementer(IUserPreferredLanguages)
class Wants:
    def __init__(self, languages):
        self._languages = languages

    def getPreferredLanguages(self):
        return self._languages


@given(wanted=st.lists(LANGUAGES, max_size=8), languages=SITE_LANGUAGES)
def test_order_of_languages_is_the_negotiators(wanted, languages):
    assert visitor._order_of(wanted, languages) == [
        *filter(None, visitor._order(
            Negotiator(), set(languages), Wants(wanted)).split(','))]


# over the wire

@pytest.fixture
def languages():
    domain = SimpleTranslationDomain(
        'test', {(language, 'x'): 'x' for language in ('de', 'fr', 'en')})
    components = getGlobalSiteManager()
    components.registerUtility(domain, ITranslationDomain, 'test')
    yield
    components.unregisterUtility(domain, ITranslationDomain, 'test')


def hostile(number, size=200_000):
    """Return a value that no other request has."""
    return f'{number:06}'.ljust(size, 'x')


#: The most memory that 25 requests may add.  Each sends 200 000 characters: to
#: keep all of these would take more than twice as much.
MOST_BYTES = 2 << 20

REQUESTS = 25

HEADERS = {
    'a language': lambda n: {'Accept_Language': hostile(n)},
    'many languages': lambda n: {'Accept_Language': ','.join(
        f'a{n}-{m:099}' for m in range(2000))},
    'a coding': lambda n: {'Accept_Encoding': hostile(n)},
    'many codings': lambda n: {'Accept_Encoding': ','.join(
        f'c{n}-{m:099}' for m in range(2000))},
    'a tag': lambda n: {'If_None_Match': f'"{hostile(n)}"'},
    'many tags': lambda n: {'If_None_Match': ','.join(
        f'"{n}-{m:099}"' for m in range(2000))},
    'a date': lambda n: {'If_Modified_Since': hostile(n)},
    'a cookie': lambda n: {'Cookie': f'name={hostile(n)}'},
    'a cookie by name': lambda n: {'Cookie': f'{hostile(n)}=x'},
    'a session': lambda n: {'Cookie': f'_ZopeId={hostile(n)}'},
    'a header in the key': lambda n: {'X_Theme': hostile(n)},
    'a host': lambda n: {'Host': f'{hostile(n, 2000)}.example'},
    'a credential': lambda n: {'Authorization': f'Bearer {hostile(n)}'},
    'an agent': lambda n: {
        'User_Agent': hostile(n), 'Referer': hostile(n), 'Accept': hostile(n)},
}


def growth(ask):
    """Return the bytes that are held after many requests, and not before."""
    for number in range(5):
        ask(number)
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(5, 5 + REQUESTS):
            ask(number)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize('headers', HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize('make', [
    lambda client: client, lambda client: LaneClient()], ids=['zope', 'lane'])
def test_memory_stays_flat(site, client, languages, headers, make):
    set_policy(site, etag='string:same', vary='X-Theme')
    site.page_cache.manage_editProps('', {'max_mib': 1})
    asking = make(client)
    assert growth(
        lambda number: asking.get(PAGE, **headers(number))) < MOST_BYTES
    cache = caches.cache_of(site.page_cache)
    assert cache.pages.counts().bytes <= 1 << 20


@pytest.mark.parametrize('make', [
    lambda client: client, lambda client: LaneClient()], ids=['zope', 'lane'])
@pytest.mark.parametrize('query', ['{}', 'x={}', 'utm_source={}', '{}=x'])
def test_memory_stays_flat_whatever_the_query(site, client, make, query):
    """Names in a path are different: Zope itself keeps these."""
    set_policy(site, etag='string:same')
    site.page_cache.manage_editProps('', {'max_mib': 1})
    asking = make(client)
    assert growth(lambda number: asking.get(
        f'{PAGE}?{query.format(hostile(number))}')) < MOST_BYTES


def test_header_that_a_page_takes_from_the_request(
        site, client, monkeypatch):
    def echo(self):
        response = self.REQUEST.RESPONSE
        value = self.REQUEST.form['x']
        for name in 'X-Own', 'Content-Language', 'Link':
            response.setHeader(name, value)
        response.setHeader('Vary', f'X-Theme, {value}')
        response.setHeader('Cache-Control', f'max-age=1, x="{value}"')
        response.setHeader('Content-Type', f'text/html; x={value}')
        return value[:6]

    monkeypatch.setattr(Item, 'count_render', echo)
    site.page_cache.manage_editProps('', {'max_mib': 1})
    assert growth(lambda number: client.get(
        f'{PAGE}?x={hostile(number)}')) < MOST_BYTES
