"""The site's plone.memoize cache as the store of pages."""
import pickle
import time
from functools import partial

import pytest
import transaction
from plone.memoize import ram
from plone.memoize.interfaces import ICacheChooser
from plone.memoize.ram import MemcacheAdapter
from plone.memoize.ram import RAMCacheAdapter
from zope.component import getGlobalSiteManager
from zope.ramcache.ram import RAMCache

from ...core.reads.portable import Portable
from ...core.reads.portable import Source
from ...manager import caches
from ...manager.memoize_store import CACHE_NAME
from ...manager.memoize_store import MemoizeStore
from ...manager.memoize_store import site_cache
from ..site import Item
from ..store_contract import FOREIGN_KEYS
from ..store_contract import KEY
from ..store_contract import StoreContract
from ..store_contract import make_page as page_of_process


PAGE = '/site/doc/page'
PATHS = (PAGE, '/site/doc/fspage', '/site/doc')
TEMPLATE = '/site/portal_skins/custom/page'
MAX_PAGE_BYTES = 100_000
READS = Portable(
    (Source('main', 5, 7, (b'\0' * 8, b'\xff' * 8)),
     Source('other', 1, 2, ())),
    (('["main", "Gr\xfc\xdfe"]', b'\0\xff'),))


def make_page(*args, **parts):
    """Return a page as processes share it."""
    return page_of_process(*args, **{
        'codings': (), 'made_from': READS, **parts})


NOW = make_page().created + 10

RAN = []


class Bomb:
    """Says so if its pickle is loaded."""

    def __reduce__(self):
        return RAN.append, ('bang',)


class Memcached:
    """A client for memcached, as far as plone.memoize knows one."""

    def __init__(self):
        self.values = {}

    def get(self, key):
        return self.values.get(key)

    def set(self, key, value):
        self.values[key] = value


class Recorder:
    """Any cache, with the names of the values that were put into it."""

    def __init__(self, cache):
        self.cache = cache
        self.names = []

    def get(self, name, default=None):
        return self.cache.get(name, default)

    def __setitem__(self, name, value):
        self.names.append(name)
        self.cache[name] = value


def store_in(cache, generation='generation', max_age_secs=3600, now=NOW):
    return MemoizeStore(
        cache, generation, max_age_secs, MAX_PAGE_BYTES, lambda: now)


class Contract(StoreContract):

    page = staticmethod(make_page)

    def make_cache(self):
        raise NotImplementedError

    def make_store(self):
        return store_in(Recorder(self.make_cache()))

    def plant_foreign(self, store, key):
        store.set(key, make_page())
        for name in list(store._cache.names):
            store._cache[name] = b'foreign'


class TestOverRAMCache(Contract):

    def make_cache(self):
        return RAMCacheAdapter(RAMCache(), CACHE_NAME)


class TestOverMemcached(Contract):

    def make_cache(self):
        return MemcacheAdapter(Memcached(), CACHE_NAME)


class TestOverDict(Contract):

    def make_cache(self):
        return {}


# the value in the cache

def stored_value(key=KEY, generation='generation'):
    """Return the stored value of a page, and its name in the cache."""
    cache = {}
    store_in(cache, generation).set(key, make_page())
    (name, value), = cache.items()
    return name, value


NAME, VALUE = stored_value()


def found(value):
    """Return the page that the store reads from `value`."""
    return store_in({NAME: value}).get(KEY)


def test_the_value_itself_is_read():
    assert found(VALUE) == make_page()


@pytest.mark.parametrize('value', [
    None, '', 'text', VALUE.decode('latin-1'), 5, 1.5, True, [], {}, object(),
    b'', b'PCM4', b'\x00' * 100, VALUE[4:], b'PCM3' + VALUE[4:], VALUE + b'x',
    VALUE * 2, bytearray(VALUE), pickle.dumps(make_page()),
    pickle.dumps(VALUE), b'PCM4' + b'\xff' * 12, b'PCM4' + b'\x00' * 12,
    make_page(), tuple(make_page()),
], ids=lambda value: f'{type(value).__name__}')
def test_a_value_of_others_is_a_miss(value):
    assert found(value) is None


@pytest.mark.parametrize('length', range(len(VALUE)))
def test_a_value_that_was_cut_short_is_a_miss(length):
    assert found(VALUE[:length]) is None


def test_a_value_of_another_generation_is_a_miss():
    other_name, other = stored_value(generation='another')
    assert other_name != NAME
    assert found(other) is None


@pytest.mark.parametrize('key', FOREIGN_KEYS)
def test_a_value_of_another_key_under_our_name_is_a_miss(key):
    _, other = stored_value(key)
    assert found(other) is None


def test_generation_and_key_are_never_joined():
    """A generation that ends as another key begins is another."""
    names = {
        stored_value(key, generation)[0]
        for key in (KEY, *FOREIGN_KEYS)
        for generation in ('generation', 'generatio', '', "', '")}
    assert len(names) == 4 * (1 + len(FOREIGN_KEYS))


def test_names_are_short_strings_that_memcached_takes():
    key = ('/' + 'p\xe4th ' * 1000, *KEY[1:])
    name, _ = stored_value(key)
    assert type(name) is str
    assert name.isascii() and name.isalnum() and len(name) <= 100


def test_a_value_holds_bytes_and_no_pickle():
    assert type(VALUE) is bytes
    with pytest.raises((pickle.UnpicklingError, ValueError, EOFError)):
        pickle.loads(VALUE)


def test_no_pickle_is_loaded_on_reading():
    del RAN[:]
    assert found(pickle.dumps(Bomb())) is None
    assert RAN == []


def test_what_the_cache_itself_cannot_unpickle_is_a_miss():
    client = Memcached()
    store = store_in(MemcacheAdapter(client, CACHE_NAME))
    store.set(KEY, make_page())
    name, = client.values
    client.values[name] = b'no pickle'
    assert store.get(KEY) is None


@pytest.mark.parametrize('age,is_there', [
    (0, True), (59.5, True), (61, False), (10**6, False)])
def test_max_age_is_checked_on_reading(age, is_there):
    cache = {}
    now = make_page().created
    store_in(cache, max_age_secs=60, now=now).set(KEY, make_page())
    store = store_in(cache, max_age_secs=60, now=now + age)
    assert (store.get(KEY) is not None) == is_there


def test_max_age_of_zero_is_no_limit():
    cache = {}
    store_in(cache).set(KEY, make_page(max_age_secs=0))
    assert store_in(cache, max_age_secs=0, now=NOW * 2).get(KEY)


def test_a_page_past_a_limit_of_its_own_is_a_miss():
    cache = {}
    store_in(cache).set(KEY, make_page(max_age_secs=20))
    assert store_in(cache, now=NOW + 10).get(KEY)
    assert store_in(cache, now=NOW + 11).get(KEY) is None


def test_a_page_that_is_too_large_is_a_miss():
    store = store_in({})
    for size, is_there in (
            (MAX_PAGE_BYTES, True), (MAX_PAGE_BYTES + 1, False)):
        store.set(KEY, make_page(bytes(size)))
        assert (store.get(KEY) is not None) is is_there


def test_codings_are_left_out():
    """A process would unpack them, and other code may have written them."""
    store = store_in({})
    store.set(KEY, make_page(codings=(('gzip', b'x'),)))
    assert store.get(KEY) == make_page()


# which cache it is

@pytest.fixture
def choose():
    """Return a function that makes the site choose a cache."""
    registry = getGlobalSiteManager()
    chosen = []

    def use(chooser):
        registry.registerUtility(chooser, ICacheChooser)
        chosen.append(chooser)

    ram.global_cache.invalidateAll()
    yield use
    for chooser in chosen:
        registry.unregisterUtility(chooser, ICacheChooser)
    ram.global_cache.invalidateAll()


def test_without_a_chooser_it_is_the_ram_cache_of_plone_memoize(choose):
    cache = site_cache()
    assert cache.ramcache is ram.global_cache
    assert cache.globalkey == CACHE_NAME


def test_a_chooser_is_asked_for_a_cache_of_ours(choose):
    asked = []
    choose(lambda name: asked.append(name) or {'a': 'b'})
    assert site_cache() == {'a': 'b'}
    assert asked == [CACHE_NAME]


def test_a_chooser_may_say_none(choose):
    choose(lambda name: None)
    assert site_cache() is None


# the whole way

@pytest.fixture
def memoized(site, choose):
    """The site, with pages in the plone.memoize cache."""
    site.page_cache.manage_editProps('', {'store': 'memoize'})
    transaction.commit()
    return site


def restart():
    """Drop all data of this process, but not the shared cache."""
    caches.forget_all()


def tally(site):
    return caches.cache_of(site.page_cache).tally


@pytest.mark.parametrize('path', PATHS)
def test_miss_hit_and_not_modified(memoized, client, path):
    miss = client.get(path)
    assert miss.outcome == 'MISS' and 'stored' in miss['Cache-Status']
    restart()
    hit = client.get(path)
    assert hit.outcome == 'HIT'
    assert hit.body == miss.body
    assert hit.stable_headers() == miss.stable_headers()
    answer = client.get(path, If_None_Match=miss['ETag'])
    assert (answer.status, answer.body) == (304, b'')


def test_the_store_of_the_process_stands_in_front(memoized, client, choose):
    cache = {}
    choose(lambda name: cache)
    client.get(PAGE)
    cache.clear()
    assert client.get(PAGE).outcome == 'HIT'
    counts = caches.cache_of(memoized.page_cache).pages.counts()
    assert (counts.entries, counts.hits, counts.misses) == (1, 1, 1)


def test_a_page_of_the_cache_is_kept_in_the_process(memoized, client, choose):
    cache = {}
    choose(lambda name: cache)
    client.get(PAGE)
    restart()
    assert client.get(PAGE).outcome == 'HIT'
    cache.clear()
    assert client.get(PAGE).outcome == 'HIT'


def test_users_are_kept_apart(memoized, client):
    client.get(PAGE, 'alice')
    restart()
    answer = client.get(PAGE, 'bob')
    assert answer.outcome == 'MISS' and '>bob<' in answer.text
    answer = client.get(PAGE, 'alice')
    assert answer.outcome == 'HIT' and '>alice<' in answer.text


def test_a_page_that_varies(memoized, client):
    memoized.portal_skins.custom.page.pt_edit('''<p tal:define="x python:
        request.RESPONSE.setHeader('Vary', 'X-Theme')"
        tal:content="python: request.get_header('X-Theme')">x</p>''',
        'text/html')
    for theme in ('red', 'blue'):
        answer = client.get(PAGE, X_Theme=theme)
        assert answer.outcome == 'MISS' and theme in answer.text
    restart()
    for theme in ('red', 'blue'):
        answer = client.get(PAGE, X_Theme=theme)
        assert answer.outcome == 'HIT' and theme in answer.text


def test_purge(memoized, client):
    page = client.get(PAGE)
    assert client.post('/site/page_cache/manage_purge').status < 400
    restart()
    answer = client.get(PAGE, If_None_Match=page['ETag'])
    assert (answer.status, answer.outcome) == (200, 'MISS')


def test_invalidate(memoized, client):
    page = client.get(PAGE)
    memoized.page_cache.manage_invalidate(['/site/doc'])
    restart()
    answer = client.get(PAGE, If_None_Match=page['ETag'])
    assert (answer.status, answer.outcome) == (200, 'MISS')


def test_template_edited_through_the_web(memoized, client):
    page = client.get(PAGE)
    answer = client.post(f'{TEMPLATE}/pt_editAction', {
        'title': '', 'text': '<b>edited</b>', 'content_type': 'text/html'})
    assert answer.status == 200
    restart()
    answer = client.get(PAGE, If_None_Match=page['ETag'])
    assert (answer.status, answer.outcome) == (200, 'MISS')
    assert 'edited' in answer.text


def test_content_changed(memoized, client):
    client.get(PAGE)
    memoized.doc.text = 'second text'
    memoized.doc.changed += 1
    restart()
    answer = client.get(PAGE)
    assert answer.outcome == 'MISS' and 'second text' in answer.text


def test_a_page_past_its_age(memoized, client, monkeypatch):
    memoized.page_cache.manage_editProps('', {'max_age': 100})
    client.get(PAGE)
    for ahead, outcome in ((50, 'HIT'), (150, 'MISS')):
        restart()
        monkeypatch.setattr(caches, 'MemoizeStore', partial(
            MemoizeStore, clock=lambda ahead=ahead: time.time() + ahead))
        assert client.get(PAGE).outcome == outcome


def test_a_cache_of_the_site_is_used(memoized, client, choose):
    cache = {}
    choose(lambda name: cache)
    miss = client.get(PAGE)
    value, = cache.values()
    assert type(value) is bytes and miss.body in value
    restart()
    assert client.get(PAGE).outcome == 'HIT'
    cache.clear()
    restart()
    assert client.get(PAGE).outcome == 'MISS'


@pytest.mark.parametrize('junk', [b'junk', 'junk', None, 5, VALUE])
def test_junk_in_the_cache_is_replaced(memoized, client, choose, junk):
    cache = {}
    choose(lambda name: cache)
    client.get(PAGE)
    good = dict(cache)
    cache.update(dict.fromkeys(cache, junk))
    restart()
    answer = client.get(PAGE)
    assert (answer.status, answer.outcome) == (200, 'MISS')
    assert cache.keys() == good.keys() and junk not in cache.values()


def test_where_the_cache_is_off(memoized, client, choose):
    choose(lambda name: None)
    assert client.get(PAGE).outcome == 'MISS'
    assert client.get(PAGE).outcome == 'HIT'


class Broken(dict):
    """A cache that cannot be reached."""

    def __init__(self, *broken):
        super().__init__()
        self.broken = broken

    def get(self, name, default=None):
        if 'get' in self.broken:
            raise OSError('the cache is down')
        return super().get(name, default)

    def __setitem__(self, name, value):
        if 'set' in self.broken:
            raise OSError('the cache is down')
        super().__setitem__(name, value)


def failures(caplog):
    """Return the log records of ours, each with its traceback."""
    records = [
        record for record in caplog.records
        if record.name.startswith('Products.PageCacheManager')
        and record.levelname == 'ERROR']
    for record in records:
        assert record.exc_info is not None
    return records


def refuse(name):
    raise OSError('the cache is down')


@pytest.mark.parametrize('path', PATHS)
@pytest.mark.parametrize('chooser', [
    lambda name: Broken('get'), lambda name: Broken('get', 'set'), refuse],
    ids=['get', 'get and set', 'chooser'])
def test_where_the_cache_cannot_be_read(
        memoized, client, choose, caplog, chooser, path):
    plain = client.get(path)
    choose(chooser)
    restart()
    Item.renders -= 1  # the page shows it
    page = client.get(path)
    assert (page.status, page.outcome) == (200, 'MISS')
    assert 'first text' in page.text
    assert page['ETag'] == plain['ETag']
    assert client.get(path).outcome == 'HIT'
    assert len(failures(caplog)) == 1
    assert tally(memoized).counts()['ERROR', 'store'] == 1


def test_where_the_cache_cannot_be_written(
        memoized, client, choose, caplog):
    choose(lambda name: Broken('set'))
    page = client.get(PAGE)
    assert page.status == 200 and 'first text' in page.text
    assert len(failures(caplog)) == 1
    assert tally(memoized).counts()['ERROR', 'store'] == 1
    assert client.get(PAGE).outcome == 'HIT'
    restart()
    assert client.get(PAGE).outcome == 'MISS'
    assert len(failures(caplog)) == 2


def test_a_cache_that_failed_rests(memoized, client, choose):
    cache = Broken('get')
    choose(lambda name: cache)
    for path in PATHS:
        client.get(path)
    assert tally(memoized).counts()['ERROR', 'store'] == 1


def test_it_is_used_again_once_it_is_back(
        memoized, client, choose, monkeypatch):
    cache = Broken('get', 'set')
    choose(lambda name: cache)
    client.get(PAGE)
    cache.broken = ()
    restart()
    assert client.get(PAGE).outcome == 'MISS'
    restart()
    assert client.get(PAGE).outcome == 'HIT'
