"""The reads of a connection since a marker, and when they are unknown."""
import pytest
import transaction
from BTrees.OOBTree import OOBTree

from Products.PageCacheManager.core.reads.unknown import Unknown
from Products.PageCacheManager.core.reads.unknown import Why
from Products.PageCacheManager.reads import pointers
from Products.PageCacheManager.reads import ring as module
from Products.PageCacheManager.reads.marker import MARKER_OID
from Products.PageCacheManager.reads.ring import Ring
from Products.PageCacheManager.reads.zodb import mark_rings

from .databases import Client
from .databases import Document
from .databases import edit
from .databases import file_db


@pytest.fixture
def database(tmp_path):
    database = file_db(tmp_path / 'Data.fs')
    edit(database, **{name: name for name in 'abcdef'})
    yield database
    database.close()


@pytest.fixture(params=['pointers', 'list'])
def way(request, monkeypatch):
    """Both ways to read a ring."""
    if request.param == 'list':
        monkeypatch.setattr(pointers, '_layouts', [None])


@pytest.fixture
def client(database):
    client = Client(database)
    for ob in client.root.values():
        ob._p_activate()
    client.begin()
    yield client
    client.transactions.abort()
    client.connection.close()


@pytest.fixture
def ring(client):
    return Ring(mark_rings(client.connection)[0])


@pytest.fixture
def names(client):
    """Return the names of oids; this is asked before anything is read."""
    root = client.root
    by_oid = {root._p_oid: 'root', **{
        root[name]._p_oid: name for name in root}}
    return lambda oids: [by_oid[oid] for oid in oids]


def test_what_is_used_is_in_the_ring(client, names, ring, way):
    root = client.root
    root['b'].read()
    root['a'].read()
    assert names(ring.cut()) == ['b', 'root', 'a']


def test_what_is_loaded_is_in_the_ring(client, names, way):
    client.connection.cacheMinimize()
    ring = Ring(mark_rings(client.connection)[0])
    root = client.root
    root['b'].read()
    assert names(ring.cut()) == ['root', 'b']


def test_a_lookup_that_fails_is_in_the_ring(client, names, ring):
    getattr(client.root['a'], 'missing', None)
    assert names(ring.cut()) == ['root', 'a']


def test_buckets_of_a_tree_are_in_the_ring(database):
    writer = Client(database)
    writer.root['tree'] = OOBTree({f'{n:04}': n for n in range(500)})
    writer.commit()
    writer.begin()
    tree = writer.root['tree']
    list(tree)
    ring = Ring(mark_rings(writer.connection)[0])
    assert tree.get('0250 missing') is None
    oids = ring.cut()
    assert len(oids) == 2 and tree._p_oid in oids
    writer.close()


def test_each_cut_has_what_was_used_since_the_last(client, names, ring, way):
    root = client.root
    root['a'].read()
    root['b'].read()
    assert names(ring.cut()) == ['a', 'root', 'b']
    root['b'].read()  # in both
    assert names(ring.cut()) == ['root', 'b']
    assert ring.cut() == []


def test_what_is_skipped_is_in_no_cut(client, names, ring, way):
    a, b = client.root['a'], client.root['b']
    ring.cut()
    a.read()
    ring.skip()
    b.read()
    assert names(ring.cut()) == ['b']


def test_a_cache_has_one_marker(client, names):
    Ring(mark_rings(client.connection)[0]).cut()
    cache = client.connection._cache
    before = cache.cache_non_ghost_count, len(cache)
    marker = cache.get(MARKER_OID)
    ring = Ring(mark_rings(client.connection)[0])
    client.root['a'].read()
    assert names(ring.cut()) == ['root', 'a']
    assert cache.get(MARKER_OID) is marker
    assert (cache.cache_non_ghost_count, len(cache)) == before


def test_a_marker_that_was_swept_is_set_again(client, names):
    mark_rings(client.connection)
    client.connection.cacheMinimize()
    ring = Ring(mark_rings(client.connection)[0])
    client.root['a'].read()
    assert read_back(ring) == [
        client.root._p_oid, client.root['a']._p_oid]


def test_a_marker_that_was_left_harms_nothing(client, database):
    Ring(mark_rings(client.connection)[0])
    client.root['a'].text = 'new'
    client.commit()
    client.connection.cacheMinimize()
    client.begin()
    assert client.root['a'].text == 'new'
    database.cacheDetailSize()
    database.cacheExtremeDetail()


# unknown reads

def read_back(ring):
    """Return the oids of the objects used, or why they are unknown."""
    oids = ring.cut()
    return ring.why_unknown() or oids


def deactivate(client):
    client.root['a']._p_deactivate()


def reload(client):
    client.root['a']._p_deactivate()
    client.root['a'].read()


def sweep(client):
    client.connection._cache.cache_size = 1
    client.connection.cacheGC()


def fail_to_load(client):
    ghost = Document.__new__(Document)
    client.connection._cache.new_ghost(b'\0' * 6 + b'\1\1', ghost)
    with pytest.raises(KeyError):
        ghost.read()


def modify(client):
    client.root['a'].text = 'new'


def save_point(client):
    modify(client)
    client.transactions.savepoint()


def commit(client):
    modify(client)
    client.commit()


def begin_after_a_commit(client):
    edit(client.database, a='new')
    client.begin()


def abort_changes(client):
    modify(client)
    client.transactions.abort()


def add(client):
    client.connection.add(Document())


def reset(client):
    client.connection._resetCache()


def replace(client):
    Ring(mark_rings(client.connection)[0])


@pytest.mark.parametrize('act, why', [
    (deactivate, Why.EVICTED),
    (reload, Why.EVICTED),
    (abort_changes, Why.EVICTED),
    (lambda client: client.connection.cacheMinimize(), Why.MARKER),
    (sweep, Why.MARKER),
    (replace, Why.MARKER),
    (reset, Why.MARKER),
    (modify, Why.CHANGES),
    (add, Why.CHANGES),
    (save_point, Why.CHANGES),
    (commit, Why.SNAPSHOT),
    (begin_after_a_commit, Why.SNAPSHOT),
], ids=lambda value: getattr(value, '__name__', None))
@pytest.mark.parametrize('do', [Ring.cut, Ring.skip])
def test_what_makes_it_unknown(client, names, ring, act, why, do):
    client.root['b'].read()
    act(client)
    client.root['c'].read()
    do(ring)
    assert ring.why_unknown() == Unknown(why)


@pytest.mark.parametrize('act', [
    fail_to_load,
    lambda client: client.transactions.abort(),
    lambda client: client.transactions.begin(),
    lambda client: client.connection.cacheGC(),
    lambda client: client.root['a']._p_activate(),
], ids=['no such object', 'abort', 'begin', 'cacheGC', 'activate'])
def test_what_does_not(client, names, ring, act):
    client.root['b'].read()
    act(client)
    assert 'b' in names(ring.cut())


def test_a_sweep_that_took_older_objects_alone_is_taken_for_one_of_all(
        client, ring):
    """The count of evicted objects does not say which objects they are."""
    client.root['b'].read()
    client.connection._cache.cache_size = 6
    client.connection.cacheGC()
    assert read_back(ring) == Unknown(Why.EVICTED)


@pytest.mark.parametrize('act, why', [
    (deactivate, Why.EVICTED),
    (lambda client: client.connection.cacheMinimize(), Why.MARKER)],
    ids=['one', 'all'])
def test_another_thread_that_lets_objects_go_is_noticed(
        client, ring, way, monkeypatch, act, why):
    """It may run between the look at the cache and the walk."""
    used_since = module.walk.used_since

    def late(*args):
        act(client)
        return used_since(*args)

    client.root['a'].read()
    monkeypatch.setattr(module.walk, 'used_since', late)
    assert read_back(ring) == Unknown(why)


def test_a_closed_connection_is_unknown(database):
    client = Client(database)
    ring = Ring(mark_rings(client.connection)[0])
    client.close()
    assert read_back(ring) == Unknown(Why.CLOSED)
    again = Client(database)
    assert again.connection is client.connection
    assert read_back(ring) == Unknown(Why.CLOSED)
    again.close()


def test_a_connection_to_the_past_is_unknown(database):
    edit(database, a='new')
    manager = transaction.TransactionManager()
    past = database.open(manager, at=database.lastTransaction())
    ring = Ring(mark_rings(past)[0])
    past.root()['a'].read()
    assert read_back(ring) == Unknown(Why.NO_SNAPSHOT)
    past.close()


def test_too_many_objects_are_unknown(client, names, ring, way, monkeypatch):
    monkeypatch.setattr(module, 'MAX_OBJECTS', 3)
    root = client.root
    root['a'].read()
    root['b'].read()
    assert len(ring.cut()) == 3
    for ob in root.values():
        ob.read()
    assert ring.cut() == Unknown(Why.TOO_MANY)


def test_a_ring_with_more_links_than_objects_is_walked_no_more(
        client, names, ring, monkeypatch, caplog):
    monkeypatch.setattr(pointers, '_layouts', [pointers.found_layout()])
    monkeypatch.setattr(pointers, 'walked', lambda *args: None)
    client.root['a'].read()
    assert names(ring.cut()) == ['root', 'a']
    assert pointers.layout() is None
    assert 'not walked any more' in caplog.text
