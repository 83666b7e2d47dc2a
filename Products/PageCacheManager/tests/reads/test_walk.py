"""The ring as read by pointers, compared with lru_items()."""
import gc
import importlib
import os
import random
import subprocess
import sys
import threading

import pytest
from persistent import PickleCache

from Products.PageCacheManager import reads
from Products.PageCacheManager.reads import marker
from Products.PageCacheManager.reads import pointers
from Products.PageCacheManager.reads import walk


MARKER = b'\xff' * 8
ALL = 10 ** 9

#: Rings of the random test; set PCM_RINGS=100000 for a long run.
RINGS = int(os.environ.get('PCM_RINGS', '3000'))

known = pytest.mark.skipif(
    not pointers.is_known_build(), reason='pointers are not followed here')


class Cache:
    """A cache of objects that are all there, or ghosts once more."""

    def __init__(self, size):
        self.jar = Loader()
        self.cache = PickleCache(self.jar)
        self.obs = [
            marker.made(self.cache, self.jar, number.to_bytes(8, 'big'))
            for number in range(size)]
        self.marker = marker.made(self.cache, self.jar, MARKER)

    def both(self, limit=ALL):
        found = pointers.layout()
        return (
            pointers.walked(self.cache, self.marker, limit, found),
            marker.listed(self.cache, self.marker, limit))


class Loader:
    def setstate(self, ob):
        """Load an object, which has no state."""

    def register(self, ob):
        """Note a change."""


def oids(*numbers):
    return [number.to_bytes(8, 'big') for number in numbers]


@known
def test_the_layout_is_found():
    found = pointers.found_layout()
    assert found == pointers.layout() == (24, 16, 88)
    assert found.oid + pointers.Link.older.offset == 40


def test_nothing_used_is_an_empty_list():
    cache = Cache(3)
    assert marker.listed(cache.cache, cache.marker, ALL) == []


@known
@pytest.mark.parametrize('used', [
    [], [0], [2], [0, 1, 2, 3], [3, 2, 1, 0], [1, 1, 2, 1]])
def test_what_was_used_comes_in_the_order_of_its_last_use(used):
    cache = Cache(4)
    for number in used:
        cache.obs[number].touch()
    last = sorted(set(used), key=lambda one: used[::-1].index(one))[::-1]
    assert cache.both() == (oids(*last), oids(*last))


@known
@pytest.mark.parametrize('limit, is_within', [(2, False), (3, True)])
def test_more_than_the_limit_is_none(limit, is_within):
    cache = Cache(5)
    for ob in cache.obs[:3]:
        ob.touch()
    expected = oids(0, 1, 2) if is_within else None
    assert cache.both(limit) == (expected, expected)


@known
def test_random_rings():
    """Used, loaded, ghosted, changed, taken out: the walk gives the list."""
    chosen = random.Random(RINGS)
    cache = Cache(60)
    for number in range(RINGS):
        if number % 500 == 499:
            cache = Cache(chosen.randrange(1, 400))
        for _ in range(chosen.randrange(40)):
            ob = chosen.choice(cache.obs)
            act = chosen.randrange(12)
            if act == 0:
                ob._p_deactivate()
            elif act == 1:
                ob.changed = number
            elif act == 2:
                ob._p_invalidate()
            elif act == 3 and cache.marker._p_changed is not None:
                cache.marker.touch()
            elif act == 4 and len(cache.obs) > 1:
                cache.obs.remove(ob)
                del cache.cache[ob._p_oid]
            elif act == 5 and chosen.randrange(20) == 0:
                cache.cache.cache_size = chosen.randrange(1, 60)
                cache.cache.incrgc()
                if cache.marker._p_changed is None:
                    cache.marker.touch()  # which loads it
            else:
                ob.touch()
        walked, listed = cache.both()
        assert walked == listed
        listed = cache.cache.lru_items()
        assert walked == [
            oid for oid, ob in listed][[
                ob for _, ob in listed].index(cache.marker) + 1:]


@known
def test_a_long_ring_is_walked_and_let_go():
    """Each link holds a reference to the one before it."""
    cache = Cache(100_000)
    for ob in cache.obs:
        ob.touch()
    walked, listed = cache.both()
    assert walked == listed and len(walked) == 100_000
    assert cache.both(99_999) == (None, None)


@known
def test_objects_are_referred_to_as_often_as_before():
    cache = Cache(3)
    for ob in cache.obs:
        ob.touch()
    oid = cache.obs[0]._p_oid
    before = [sys.getrefcount(ob) for ob in (*cache.obs, oid)]
    for _ in range(5):
        cache.both()
    assert [sys.getrefcount(ob) for ob in (*cache.obs, oid)] == before


@known
def test_other_threads_use_and_drop_objects_meanwhile():
    """Nothing that was used before and not since is ever missing."""
    cache = Cache(400)
    still, busy = cache.obs[:200], cache.obs[200:]
    is_over = threading.Event()

    def use():
        chosen = random.Random(1)
        while not is_over.is_set():
            ob = chosen.choice(busy)
            if chosen.randrange(3):
                ob.touch()
            else:
                ob._p_deactivate()

    threads = [threading.Thread(target=use) for _ in range(2)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    for thread in threads:
        thread.start()
    try:
        for _ in range(300):
            cache.marker.touch()
            for ob, other in zip(still, busy, strict=True):
                other.touch()
                ob.touch()
            walked = pointers.walked(
                cache.cache, cache.marker, ALL, pointers.layout())
            assert {ob._p_oid for ob in still} <= set(walked)
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)


@known
@pytest.mark.parametrize('is_enabled', [True, False])
def test_garbage_collection_is_as_it_was(is_enabled):
    cache = Cache(3)
    try:
        if not is_enabled:
            gc.disable()
        cache.both()
        assert gc.isenabled() is is_enabled
    finally:
        gc.enable()


def test_a_marker_that_is_gone_is_an_error():
    cache = Cache(3)
    del cache.cache[MARKER]
    with pytest.raises(LookupError):
        marker.listed(cache.cache, cache.marker, ALL)


class Nosy(marker.Marker):
    """Reads the ring while it is swept."""

    look = None

    def _p_deactivate(self):
        type(self).look()


@known
def test_a_ring_that_is_swept_is_not_read():
    """It has links that are in no object."""
    cache = Cache(3)
    failures = []

    def look():
        for way in (
                lambda *args: pointers.walked(*args, pointers.layout()),
                marker.listed):
            with pytest.raises(ValueError) as failure:
                way(cache.cache, cache.marker, ALL)
            failures.append(str(failure.value))

    Nosy.look = look
    marker.made(cache.cache, cache.jar, b'nosy', Nosy)
    cache.marker.touch()
    cache.cache.minimize()
    assert failures == [
        'the marker is not in the ring, or the cache is swept',
        '.lru_items() is unavailable during garbage collection']
    del Nosy.look


@known
def test_a_marker_that_is_a_ghost_is_in_no_ring():
    cache = Cache(3)
    cache.cache.minimize()
    with pytest.raises(ValueError):
        pointers.walked(cache.cache, cache.marker, ALL, pointers.layout())
    with pytest.raises(LookupError):
        marker.listed(cache.cache, cache.marker, ALL)


# where pointers are not followed

@pytest.fixture
def anew(monkeypatch):
    monkeypatch.setattr(pointers, '_layouts', [])


def test_the_environment_switches_it_off(anew, monkeypatch):
    monkeypatch.setenv(pointers.SWITCH, 'off')
    assert pointers.layout() is None


def test_another_release_is_not_known(anew, monkeypatch):
    monkeypatch.setattr(pointers, 'KNOWN_RELEASES', ('0.1',))
    assert pointers.layout() is None


def test_objects_of_another_size_are_not_known(anew, monkeypatch):
    monkeypatch.setattr(pointers, 'KNOWN_BASICSIZE', 88)
    assert pointers.layout() is None


@known
def test_a_walk_in_another_order_is_not_trusted(anew, monkeypatch, caplog):
    monkeypatch.setattr(pointers, 'walked', lambda *args: [])
    assert pointers.layout() is None
    assert 'not walked' in caplog.text


@known
def test_an_object_that_begins_otherwise_is_not_trusted(anew, monkeypatch):
    words = pointers._words
    monkeypatch.setattr(
        pointers, '_words',
        lambda address, size: words(address, size)[::-1]
        if size > 16 else words(address, size))
    assert pointers.layout() is None


@known
def test_a_ring_that_is_linked_otherwise_is_not_trusted(anew, monkeypatch):
    words = pointers._words
    monkeypatch.setattr(
        pointers, '_words',
        lambda address, size: words(address, size)[::-1]
        if size == 16 else words(address, size))
    assert pointers.layout() is None


def test_given_up_it_stays_so(anew, caplog):
    pointers.give_up('this test')
    assert pointers.layout() is None
    assert 'this test' in caplog.text


def test_without_ctypes_the_list_is_taken(monkeypatch):
    monkeypatch.delitem(sys.modules, pointers.__name__)
    monkeypatch.delattr(reads, 'pointers')
    monkeypatch.setitem(sys.modules, 'ctypes', None)
    monkeypatch.setattr(walk, 'pointers', pointers)  # it comes back
    importlib.reload(walk)
    cache = Cache(3)
    cache.obs[1].touch()
    assert walk.pointers is None
    assert walk.used_since(cache.cache, cache.marker, 9) == oids(1)


PURE = '''
from Products.PageCacheManager.reads import pointers
from Products.PageCacheManager.tests.reads.test_walk import Cache
from Products.PageCacheManager.reads import walk
cache = Cache(9)
cache.obs[4].touch()
cache.obs[2].touch()
print(pointers.layout(), walk.used_since(cache.cache, cache.marker, 9) == [
    cache.obs[4]._p_oid, cache.obs[2]._p_oid])
'''


def test_without_persistent_in_c_the_list_is_taken():
    result = subprocess.run(
        [sys.executable, '-c', PURE], capture_output=True, text=True,
        timeout=60, env={**os.environ, 'PURE_PYTHON': '1'})
    assert result.stdout == 'None True\n', result.stderr
