"""The store of one process."""
import gc
import itertools
import random
import sys
import threading
from bisect import bisect_left

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from hypothesis.stateful import initialize
from hypothesis.stateful import invariant
from hypothesis.stateful import rule

from Products.PageCacheManager.core.page import Page
from Products.PageCacheManager.core.store import eviction
from Products.PageCacheManager.core.store import expiry
from Products.PageCacheManager.core.store import store as module
from Products.PageCacheManager.core.store import tables
from Products.PageCacheManager.core.store.entries import Contents
from Products.PageCacheManager.core.store.entries import flatten
from Products.PageCacheManager.core.store.entries import key_of
from Products.PageCacheManager.core.store.entries import page_of
from Products.PageCacheManager.core.store.placing import ENTRY_BYTES
from Products.PageCacheManager.core.store.placing import MAX_EVICTIONS
from Products.PageCacheManager.core.store.placing import MAX_PER_SLOT
from Products.PageCacheManager.core.store.store import SLICE
from Products.PageCacheManager.core.store.store import PageStore

from ...store_contract import FOREIGN_KEYS
from ...store_contract import KEY
from ...store_contract import StoreContract
from ...store_contract import make_page


NOW = 1_700_000_000


class Clock:
    """A clock that only the test moves."""

    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


class Twin(str):
    """A string with another one's hash."""

    def __new__(cls, text, other):
        twin = super().__new__(cls, text)
        twin.hashed = hash(other)
        return twin

    def __hash__(self):
        return self.hashed


def key(url='url', template='template', variant='en', etag='1'):
    return (template, 'context', url, (variant,), (etag,))


def page(body=b'body', modified=0, created=NOW):
    return Page(
        body=body, codings=(), headers=(), modified=modified,
        created=created)


def store(max_entries=1000, max_bytes=1 << 30, max_age_secs=0, **options):
    options.setdefault('clock', Clock())
    return PageStore(max_entries, max_bytes, max_age_secs, **options)


def rows(store):
    return {row['url']: row for row in store.report()}


def text_length(key):
    return sum(
        len(part) if isinstance(part, str) else len(''.join(part))
        for part in key)


class TestContract(StoreContract):

    def make_store(self):
        return store()

    def plant_foreign(self, store, key):
        foreign = (Twin('/foreign', key[0]), *key[1:])
        assert hash(foreign) == hash(key)
        assert store.set(foreign, make_page(b'foreign')) is True

    def test_peek_shows_what_get_would_give(self):
        store = self.make_store()
        assert store.peek(KEY) is None
        store.set(KEY, self.page())
        assert store.peek(KEY) == store.get(KEY) == self.page()
        for foreign in FOREIGN_KEYS:
            assert store.peek(foreign) is None, foreign


# Bounds

def test_counts_of_an_entry_are_exact():
    pages = store()
    found = make_page(b'12345')
    pages.set(KEY, found)
    expected = ENTRY_BYTES + text_length(KEY) + 5 + 3 + sum(
        len(name + value) for name, value in found.headers) + sum(
        map(len, (*found.varies, *found.absent_cookies)))
    assert pages.counts().bytes == expected
    # the body is spare
    assert pages.counts().spare == 5
    assert pages.report()[0]['size'] == expected - 5


def test_set_when_entries_are_full_evicts_one():
    pages = store(max_entries=10)
    for number in range(11):
        assert pages.set(key(str(number)), page()) is True
    counts = pages.counts()
    assert (counts.entries, counts.evictions) == (10, 1)
    assert pages.get(key('10')) == page()


def test_set_when_bytes_are_full_evicts_until_it_fits():
    pages = store(max_bytes=10 * (ENTRY_BYTES + 200))
    for number in range(10):
        pages.set(key(str(number)), page(bytes(150)))
    assert pages.counts().entries == 10
    assert pages.set(key('big'), page(bytes(1900))) is True
    counts = pages.counts()
    assert counts.entries == 8 and counts.evictions == 3
    assert counts.bytes <= counts.max_bytes


def test_set_of_what_fits_to_the_byte_evicts_nothing():
    size = ENTRY_BYTES + text_length(key('1'))
    pages = store(max_bytes=10 * size)
    for number in range(10):
        pages.set(key(str(number)), page(b''))
    assert pages.counts().bytes == 10 * size
    assert pages.counts().evictions == 0


@pytest.mark.parametrize(('excess', 'kept'), [(0, True), (1, False)])
def test_set_of_a_page_about_a_quarter_of_all(excess, kept):
    room = 100_000
    pages = store(max_bytes=room)
    length = room // 4 - ENTRY_BYTES - text_length(key())
    assert pages.set(key(), page(bytes(length + excess))) is kept
    assert pages.counts().rejections == (not kept)
    assert pages.counts().entries == kept
    assert len(pages.report()) == kept


def test_each_page_that_is_not_admitted_is_counted():
    size = ENTRY_BYTES + 20
    pages = store(max_entries=5000, max_bytes=size * 4 * MAX_EVICTIONS * 3)
    for _ in range(3):
        pages.set(key(), page(bytes(size * MAX_EVICTIONS * 3)))
    assert pages.counts().rejections == 3
    for number in itertools.count():
        if pages.counts().evictions:
            break
        pages.set(key(str(number)), page(b''))
    big = page(bytes(size * MAX_EVICTIONS * 2 + 10 * size))
    for number in range(3):
        # this needs more evictions than one call may do: the third call finds
        # the room that the others made
        assert pages.set(key(f'big {number}'), big) is (number == 2)
    assert pages.counts().rejections == 5


def test_set_of_a_page_too_big_leaves_the_one_before():
    pages = store(max_bytes=100_000)
    pages.set(key(), page(b'first'))
    assert pages.set(key(), page(bytes(50_000), modified=9)) is False
    assert pages.get(key()) == page(b'first')
    assert pages.counts().removals == 0


def test_set_that_would_evict_too_many_is_rejected_until_it_fits():
    size = ENTRY_BYTES + 20
    few = MAX_EVICTIONS + 100
    pages = store(max_entries=5000, max_bytes=size * 4 * few)
    for number in itertools.count():
        if pages.counts().evictions:
            break
        pages.set(key(str(number)), page(b''))
    big = page(bytes(size * (few - 10)))
    before = pages.counts()
    assert pages.set(key('big'), big) is False
    counts = pages.counts()
    assert counts.evictions - before.evictions == MAX_EVICTIONS
    assert counts.rejections == 1
    assert 'big' not in rows(pages)
    assert pages.set(key('big'), big) is True
    assert pages.get(key('big')) == big


def test_replacement_that_would_evict_too_many_leaves_the_one_before():
    size = ENTRY_BYTES + 20
    few = MAX_EVICTIONS + 100
    pages = store(max_entries=5000, max_bytes=size * 4 * few)
    pages.set(key('grows'), page(b'small'))
    for number in itertools.count():
        if pages.counts().evictions:
            break
        pages.get(key('grows'))
        pages.set(key(str(number)), page(b''))
    big = page(bytes(size * (few - 10)))
    assert pages.set(key('grows'), big) is False
    assert pages.get(key('grows')) == page(b'small')
    assert rows(pages)['grows']['size'] == (
        ENTRY_BYTES + text_length(key('grows')) + len(b'small'))
    assert pages.counts().bytes == sum(
        row['size'] for row in pages.report())


def test_replacement_counts_for_its_own_size():
    pages = store()
    for body in (b'1', b'12345', b'123'):
        assert pages.set(key(), page(body)) is True
        size = ENTRY_BYTES + text_length(key()) + len(body)
        assert pages.counts().bytes == rows(pages)['url']['size'] == size


def test_replacement_is_not_evicted_by_itself():
    pages = store(max_bytes=10 * (ENTRY_BYTES + 200))
    pages.set(key('grows'), page(b'small'))
    for number in range(9):
        pages.set(key(str(number)), page(bytes(150)))
    pages.get(key('grows'))
    assert pages.set(key('grows'), page(bytes(2000))) is True
    assert len(pages.get(key('grows')).body) == 2000
    assert rows(pages)['grows']['hits'] == 2


def test_set_of_a_slot_without_end_is_bounded():
    pages = store(max_entries=10 * MAX_PER_SLOT)
    for number in range(MAX_PER_SLOT + 2):
        pages.set(key(etag=str(number)), page())
    counts = pages.counts()
    assert (counts.entries, counts.evictions) == (MAX_PER_SLOT, 2)
    assert pages.get(key(etag='1')) is None
    assert pages.get(key(etag='2')) == page()


@pytest.mark.parametrize('part', ['template', 'url', 'variant', 'etag'])
def test_set_of_another_key_of_equal_hash_is_rejected(part):
    pages = store()
    pages.set(key(**{part: 'one'}), page(b'one'))
    twin = key(**{part: Twin('two', 'one')})
    assert pages.set(twin, page(b'two')) is False
    assert pages.get(twin) is None
    assert pages.get(key(**{part: 'one'})) == page(b'one')
    assert pages.counts().rejections == 1


def test_set_of_another_page_of_equal_hash_is_rejected():
    """Although the keys and the slots have different hashes."""
    pages = store()
    pages.set(key('one'), page(b'one'))
    twin = key(Twin('two', 'one'), variant='de', etag='2')
    assert hash(twin[:3]) == hash(key('one')[:3])
    assert pages.set(twin, page(b'two')) is False
    assert pages.get(twin) is None
    assert pages.get(key('one')) == page(b'one')
    assert list(rows(pages)) == ['one'] and pages.counts().rejections == 1


def test_set_in_another_slot_of_equal_hash_is_rejected():
    """Otherwise a newer page in one slot would remove pages of the other slot.
    """
    pages = store()
    pages.set(key(variant='en'), page(b'english'))
    twin = key(variant=Twin('de', 'en'), etag='2')
    assert hash(twin[:4]) == hash(key(variant='en')[:4])
    assert pages.set(twin, page(b'german', modified=9)) is False
    assert pages.get(twin) is None
    assert pages.get(key(variant='en')) == page(b'english')
    assert pages.counts().rejections == 1


@pytest.mark.parametrize('part', ['template', 'url'])
def test_remove_page_of_another_page_of_equal_hash_does_nothing(part):
    pages = store()
    pages.set(key(**{part: 'one'}), page())
    twin = key(**{part: Twin('two', 'one')})
    assert pages.remove_page(twin[:3]) == 0
    assert pages.counts().entries == 1


def test_set_of_no_page_leaves_the_store_whole():
    pages = store()
    for wrong in (
            None, page()._replace(headers=None), page()._replace(body=None),
            page()._replace(modified=None), page()._replace(created='x')):
        with pytest.raises((AttributeError, TypeError, ValueError)):
            pages.set(key(), wrong)
    assert pages.counts().entries == 0 and pages.report() == []
    assert pages.set(key(), page()) is True
    assert pages.counts().entries == 1


# Superseding

def test_set_of_a_newer_page_removes_the_older_ones():
    pages = store()
    pages.set(key(etag='1'), page(modified=1))
    pages.set(key(etag='2'), page(modified=1))
    assert pages.counts().entries == 2
    pages.set(key(etag='3'), page(modified=2))
    assert pages.get(key(etag='1')) is None
    assert pages.get(key(etag='2')) is None
    assert pages.get(key(etag='3')) == page(modified=2)
    assert pages.counts().removals == 2


def test_set_of_an_older_page_leaves_the_newer_one():
    pages = store()
    pages.set(key(etag='2'), page(modified=2))
    pages.set(key(etag='1'), page(modified=1))
    assert pages.get(key(etag='1')) == page(modified=1)
    assert pages.get(key(etag='2')) == page(modified=2)
    assert pages.counts().removals == 0


@pytest.mark.parametrize('other', [
    key(variant='de'), key(url='other'), key(template='other')])
def test_set_of_a_newer_page_leaves_other_slots(other):
    pages = store()
    pages.set(other, page(modified=1))
    pages.set(key(etag='2'), page(modified=2))
    assert pages.get(other) == page(modified=1)


def test_set_of_a_newer_page_keeps_the_row():
    pages = store()
    pages.set(key(etag='1'), page(modified=1))
    pages.get(key(etag='1'))
    pages.get(key(etag='2'))
    pages.set(key(etag='2'), page(modified=2))
    row = rows(pages)['url']
    assert (row['hits'], row['misses'], row['entries']) == (1, 2, 1)


def test_set_of_a_newer_page_under_the_same_key():
    pages = store()
    pages.set(key(etag='1'), page(modified=1))
    pages.set(key(etag='2'), page(modified=1))
    pages.set(key(etag='1'), page(b'new', modified=2))
    assert pages.get(key(etag='1')) == page(b'new', modified=2)
    assert pages.get(key(etag='2')) is None


def test_set_of_a_newer_signpost_removes_the_older_one():
    pages = store()
    pages.set(key(etag='1'), page(b'', modified=1))
    pages.set(key(etag='2'), page(b'', modified=2))
    assert pages.get(key(etag='1')) is None
    assert pages.counts().entries == 1


# Time

def test_get_of_an_expired_page_is_a_miss():
    clock = Clock()
    pages = store(max_age_secs=100, clock=clock)
    pages.set(key(), page())
    clock.now += 100
    assert pages.get(key()) == page()
    clock.now += 1
    assert pages.get(key()) is None
    counts = pages.counts()
    assert (counts.entries, counts.bytes, counts.expirations) == (0, 0, 1)
    assert (counts.hits, counts.misses) == (1, 1)


def test_get_of_a_page_past_a_limit_of_its_own():
    clock = Clock()
    pages = store(max_age_secs=100, clock=clock)
    pages.set(key(), page()._replace(max_age_secs=10))
    clock.now += 10
    assert pages.peek(key()) and pages.get(key())
    clock.now += 1
    assert pages.peek(key()) is None
    assert pages.get(key()) is None
    assert pages.counts().expirations == 1


def test_get_of_an_old_page_when_age_is_no_matter():
    clock = Clock()
    pages = store(max_age_secs=0, clock=clock)
    pages.set(key(), page())
    clock.now += 10 ** 9
    assert pages.get(key()) == page()


def test_expired_pages_go_though_nobody_asks_for_them():
    clock = Clock()
    pages = store(max_age_secs=100, cleanup_interval_secs=60, clock=clock)
    for number in range(500):
        pages.set(key(str(number)), page())
    clock.now += 101
    left = []
    for _ in range(30):
        pages.get(key('absent'))
        left.append(pages.counts().entries)
    assert left[-1] == 0
    steps = [a - b for a, b in itertools.pairwise([500, *left])]
    assert max(steps) <= expiry.SWEEP
    assert pages.counts().expirations == 500


def test_sweep_runs_once_in_the_interval():
    clock = Clock()
    pages = store(max_age_secs=10, cleanup_interval_secs=60, clock=clock)
    clock.now += 60
    pages.get(key('absent'))
    pages.set(key(), page(created=clock.now))
    clock.now += 59
    pages.get(key('absent'))
    assert pages.counts().entries == 1
    clock.now += 1
    pages.get(key('absent'))
    assert pages.counts().entries == 0


def test_sweep_leaves_what_has_just_reached_its_age():
    clock = Clock()
    pages = store(max_age_secs=100, cleanup_interval_secs=60, clock=clock)
    pages.set(key('old'), page(created=NOW - 1))
    pages.set(key('sharp'), page(created=NOW))
    clock.now += 100
    pages.get(key('absent'))
    assert list(rows(pages)) == ['sharp']


def test_sweep_does_not_begin_again_in_the_same_moment():
    clock = Clock()
    pages = store(max_age_secs=100, cleanup_interval_secs=60, clock=clock)
    clock.now += 60
    pages.get(key('absent'))
    pages.set(key('old'), page(created=NOW - 1000))
    for passed in (0, 0.5, 59):
        clock.now += passed
        pages.get(key('absent'))
        assert pages.counts().entries == 1
    clock.now += 0.5
    pages.get(key('absent'))
    assert pages.counts().entries == 0


def test_sweep_is_not_stopped_by_a_clock_that_went_back():
    clock = Clock()
    pages = store(max_age_secs=100, cleanup_interval_secs=60, clock=clock)
    clock.now -= 10 ** 8
    pages.get(key('absent'))
    pages.set(key(), page(created=clock.now))
    clock.now += 101
    pages.get(key('absent'))
    assert pages.counts().entries == 0


def test_get_of_a_page_from_the_future():
    clock = Clock()
    pages = store(max_age_secs=100, clock=clock)
    pages.set(key(), page())
    clock.now -= 100
    assert pages.get(key()) == page()
    clock.now -= 1
    assert pages.get(key()) is None
    assert pages.counts().expirations == 1


def test_sweep_in_progress_ends_when_age_is_no_matter_any_more():
    clock = Clock()
    pages = store(max_age_secs=100, clock=clock)
    for number in range(100):
        pages.set(key(str(number)), page(created=NOW))
    clock.now += 60
    pages.get(key('0'))
    pages.configure(1000, 1 << 30, 0, 60)
    clock.now += 1000
    for _ in range(20):
        pages.get(key('0'))
    assert pages.counts().entries == 100


# Counting

def test_row_counts_each_request_once():
    pages = store()
    assert pages.get(key()) is None
    pages.set(key(), page())
    for _ in range(3):
        pages.get(key())
    pages.get(key(etag='2'))
    pages.set(key(etag='2'), page())
    row = rows(pages)['url']
    assert (row['hits'], row['misses']) == (3, 2)
    counts = pages.counts()
    assert (counts.hits, counts.misses) == (3, 2)


def test_signpost_counts_neither_as_hit_nor_as_miss():
    pages = store()
    pages.get(key())
    pages.set(key(), page(b''))
    pages.set(key(variant='de'), page())
    pages.get(key())
    pages.get(key(variant='de'))
    row = rows(pages)['url']
    assert (row['hits'], row['misses'], row['entries']) == (1, 1, 2)
    counts = pages.counts()
    assert (counts.hits, counts.misses) == (1, 1)


def test_report_says_what_the_interface_names():
    pages = store()
    pages.set(key(), page(b'12'))
    pages.set(key(variant='de'), page(b'1', created=NOW + 5))
    assert pages.report() == [{
        'template_path': 'template', 'context_path': 'context', 'url': 'url',
        'hits': 0, 'misses': 1, 'entries': 2,
        'size': 2 * (ENTRY_BYTES + len('templatecontexturlen1')) + 3,
        'created': NOW + 5}]


def test_report_of_a_page_set_again_names_it_the_newest():
    pages = store()
    pages.set(key(etag='1'), page(created=NOW))
    pages.set(key(etag='2'), page(created=NOW + 1))
    pages.set(key(etag='1'), page(created=NOW + 2))
    assert rows(pages)['url']['created'] == NOW + 2


def test_report_after_an_entry_in_the_middle_went():
    pages = store(max_age_secs=100)
    pages.set(key(etag='1'), page(created=NOW - 50))
    pages.set(key(etag='2'), page(created=NOW - 1000))
    pages.set(key(etag='3'), page(created=NOW))
    assert pages.get(key(etag='2')) is None
    assert rows(pages)['url']['created'] == NOW
    assert rows(pages)['url']['entries'] == 2


def test_set_again_after_long_replaces():
    pages = store(max_entries=5000)
    pages.set(key(), page(b'first'))
    for number in range(2 * tables.MAX_FRESH):
        pages.set(key(str(number)), page())
    pages.set(key(), page(b'second'))
    assert pages.get(key()) == page(b'second')


def test_rows_go_with_their_last_entry():
    pages = store(max_entries=10)
    for number in range(5000):
        pages.set(key(str(number)), page())
        pages.get(key(f'absent-{number}'))
    assert len(pages.report()) == 10
    contents = pages._contents
    assert len(contents.hits) <= 13 and len(contents.hashes) <= 13
    assert sum(map(len, contents.rows.index.dicts)) == 10
    assert sum(map(len, contents.slots.index.dicts)) == 10


def test_row_that_comes_back_starts_anew():
    pages = store()
    pages.set(key(), page())
    pages.get(key())
    pages.remove_page(key()[:3])
    pages.set(key(), page())
    row = rows(pages)['url']
    assert (row['hits'], row['misses']) == (0, 1)


# Removing

def test_remove_page_removes_exactly_its_entries():
    pages = store()
    for url, variant, etag in itertools.product('ab', 'xy', '12'):
        pages.set(key(url, variant=variant, etag=etag), page())
    assert pages.remove_page(key('a')[:3]) == 4
    assert pages.remove_page(key('a')[:3]) == 0
    assert list(rows(pages)) == ['b']
    assert rows(pages)['b']['entries'] == 4
    assert pages.counts().removals == 4


def test_remove_page_counts_what_goes_in_slices():
    pages = store()
    for number in range(2 * SLICE + 5):
        pages.set(key(etag=str(number)), page())
    assert pages.remove_page(key()[:3]) == 2 * SLICE + 5
    assert pages.counts().removals == 2 * SLICE + 5


def test_remove_path_removes_exactly_the_pages_of_a_template():
    pages = store(max_entries=5000)
    for number in range(3 * SLICE):
        for template in ('one', 'two'):
            pages.set(key(str(number), template), page())
    pages.set(key('0', 'one', etag='2'), page())
    assert pages.remove_path('one') == 3 * SLICE + 1
    left = {row['template_path'] for row in pages.report()}
    assert left == {'two'}
    assert pages.counts().entries == 3 * SLICE


def test_purge_removes_everything_and_keeps_the_counters():
    pages = store()
    pages.set(key(), page())
    pages.get(key())
    pages.purge()
    assert pages.get(key()) is None
    assert pages.report() == []
    counts = pages.counts()
    assert (counts.entries, counts.bytes) == (0, 0)
    assert (counts.hits, counts.misses, counts.removals) == (1, 1, 0)
    assert pages.set(key(), page()) is True


def test_purge_frees_what_was_there_later_and_in_slices(monkeypatch):
    started = []
    pauses = []

    class Thread:
        def __init__(self, target, args, daemon):
            self.run = lambda: target(*args)
            [self.contents] = args
            assert daemon

        def start(self):
            started.append(self)

    monkeypatch.setattr(module.threading, 'Thread', Thread)
    monkeypatch.setattr(module.time, 'sleep', pauses.append)
    pages = store(max_entries=100_000)
    for number in range(3 * tables.MAX_FRESH):
        pages.set(key(str(number)), page())
    pages.purge()
    [thread] = started
    dicts = thread.contents.dicts()
    held = sum(map(len, dicts))
    assert held > 6 * tables.MAX_FRESH
    thread.run()
    assert not any(dicts)
    assert not vars(thread.contents)
    assert len(pauses) >= held / SLICE
    assert set(pauses) == {module.PAUSE_SECS}


def test_purge_when_no_thread_can_start(monkeypatch):
    def start(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, 'start', start)
    pages = store()
    pages.set(key(), page())
    pages.purge()
    assert pages.counts().entries == 0


# Settings

def test_store_without_further_bounds_knows_no_age():
    assert PageStore(10, 5000)._room.bounds == (10, 5000, 0, 60)


def test_configure_evicts_what_exceeds_the_new_bounds():
    pages = store()
    for number in range(3 * SLICE):
        pages.set(key(str(number)), page())
    popular = [key(str(number)) for number in range(5)]
    for wanted in popular * 3:
        pages.get(wanted)
    pages.configure(50, 1 << 30, 0, 60)
    counts = pages.counts()
    assert (counts.entries, counts.max_entries) == (50, 50)
    assert counts.evictions == 3 * SLICE - 50
    assert all(pages.get(wanted) for wanted in popular)
    pages.configure(50, 10 * (ENTRY_BYTES + 100), 0, 60)
    assert pages.counts().bytes <= 10 * (ENTRY_BYTES + 100)


def test_configure_to_what_is_there_evicts_nothing():
    pages = store()
    for number in range(10):
        pages.set(key(str(number)), page())
    pages.configure(10, pages.counts().bytes, 0, 60)
    assert (pages.counts().entries, pages.counts().evictions) == (10, 0)


def test_configure_of_fewer_bytes_leaves_what_is_new():
    """The small queue keeps its share of the new room."""
    pages = store(max_entries=20)
    for number in range(100, 120):
        pages.set(key(str(number)), page())
        pages.get(key(str(number)))
    pages.set(key('120'), page())
    [size] = {row['size'] for row in pages.report()}
    pages.configure(1000, 10 * size, 0, 60)
    assert sorted(rows(pages)) == [str(number) for number in range(111, 121)]


@pytest.mark.parametrize('act', [
    lambda pages, size: pages.set(key('big'), page(bytes(100 * size))),
    lambda pages, size: pages.configure(3000, 900 * size, 0, 60)],
    ids=['set', 'configure'])
def test_many_victims_take_few_moves_though_all_were_used(act, monkeypatch):
    size = ENTRY_BYTES + text_length(key('1000')) + len(b'body')
    pages = store(max_entries=3000, max_bytes=1000 * size)
    for number in range(1000, 2000):
        pages.set(key(str(number)), page())
        for _ in range(eviction.MAX_USES):
            pages.get(key(str(number)))
    moves = []
    add = eviction.S3Fifo.add
    monkeypatch.setattr(
        eviction.S3Fifo, 'add',
        lambda self, *args: moves.append(1) or add(self, *args))
    act(pages, size)
    assert 100 <= pages.counts().evictions <= 102
    # a harmonic sum: each search is shorter than the one before
    assert len(moves) < 7 * eviction.MAX_MOVES


def test_configure_of_a_shorter_age_holds_at_once():
    clock = Clock()
    pages = store(max_age_secs=1000, clock=clock)
    pages.set(key(), page())
    clock.now += 500
    pages.configure(1000, 1 << 30, 100, 86_400)
    pages.get(key('absent'))
    assert pages.counts().entries == 0


# Eviction

def zipf(numbers, pages, exponent=0.9):
    steps = list(itertools.accumulate(
        1 / rank ** exponent for rank in range(1, pages + 1)))
    while True:
        yield bisect_left(steps, numbers.random() * steps[-1])


def hits_of_popular_pages(flood):
    """Return the number of hits in a fixed sequence of requests.

    Between two of them there are on average `flood` requests for other pages,
    and each of these pages is requested only once.
    """
    pages = store(max_entries=200)
    numbers = random.Random(1)
    others = random.Random(2)
    hits = 0
    for place, number in enumerate(
            itertools.islice(zipf(numbers, 2000), 15_000)):
        hits += ask(pages, key(str(number)))
        if others.random() < flood:
            ask(pages, key(f'once-{place}'))
    return hits


def ask(pages, key):
    if pages.get(key):
        return True
    pages.set(key, page())
    return False


def test_flood_of_pages_asked_for_once_does_not_push_out_the_popular():
    calm = hits_of_popular_pages(flood=0)
    assert calm > 0.5 * 15_000
    assert hits_of_popular_pages(flood=1) >= 0.95 * calm


def test_flood_does_not_push_out_what_was_asked_for_again():
    pages = store(max_entries=100)
    popular = [key(f'popular-{number}') for number in range(50)]
    for wanted in popular * 3:
        ask(pages, wanted)
    for number in range(10_000):
        ask(pages, key(str(number)))
    assert sum(bool(pages.get(wanted)) for wanted in popular) == 50


def test_page_that_comes_back_soon_is_kept_longer():
    pages = store(max_entries=100)
    for number in range(100):
        ask(pages, key(str(number)))
    ask(pages, key('100'))
    assert ask(pages, key('0')) is False
    for number in range(1000, 2000):
        ask(pages, key(str(number)))
    assert pages.get(key('0')) == page()


def test_page_that_comes_back_late_is_kept_no_longer():
    pages = store(max_entries=10)
    for number in range(60):
        ask(pages, key(str(number)))
    for number in range(10):
        ask(pages, key(str(number)))
    for number in range(100, 200):
        ask(pages, key(str(number)))
    assert not any(pages.get(key(str(number))) for number in range(10))


def queue_for(count, kind=eviction.S3Fifo):
    """Return a queue for entries that are numbered up to `count`."""
    queue = kind([0] * (count + 1))
    for column in queue.columns:
        column.extend([0] * count)
    return queue


def test_victims_come_in_the_order_they_were_added():
    queue = queue_for(5)
    for number in range(1, 6):
        queue.add(number, 1, eviction.SMALL)
    queue.remove(3)
    victims = []
    while queue.entries:
        victims.append(queue.victim(5, 5))
        queue.remove(victims[-1])
    assert victims == [1, 2, 4, 5]
    assert queue.bytes == 0


def test_popular_pages_of_yesterday_make_way():
    pages = store(max_entries=100)
    for day in range(3):
        today = [key(f'{day}-{number}') for number in range(90)]
        for wanted in today * 10:
            ask(pages, wanted)
        # Not all: which ghosts take each other's place depends on hashes.
        assert sum(bool(pages.get(wanted)) for wanted in today) > 80, day


def test_victim_where_all_were_used_is_found_in_bounded_moves():
    moved = []

    class Counted(eviction.S3Fifo):
        def add(self, number, size, queue):
            moved.append(number)
            super().add(number, size, queue)

    queue = queue_for(1000, Counted)
    for number in range(1, 1001):
        queue.add(number, 1, eviction.MAIN)
        for _ in range(5):
            queue.touch(number)
    moved.clear()
    queue.victim(1000, 1 << 30)
    assert len(moved) == eviction.MAX_MOVES
    moved.clear()
    queue.victim(1000, 1 << 30, found=15)
    assert len(moved) == eviction.MAX_MOVES // 16


# The garbage collector

def test_entries_are_out_of_the_collectors_sight():
    pages = store(max_entries=5000)
    gc.collect()
    before = len(gc.get_objects())
    for number in range(7000):
        pages.set(key(str(number), etag=f'"{number}"'), make_page())
        pages.get(key(str(number // 2)))
    gc.collect()
    assert len(gc.get_objects()) - before < 50
    contents = pages._contents
    assert not any(map(gc.is_tracked, contents.dicts()))
    numbers = range(2000, 7000)
    records = [
        contents.find(key(str(number), etag=f'"{number}"'))
        for number in numbers]
    found = list(filter(None, records))
    assert len(found) > 4000
    assert not any(map(gc.is_tracked, found))


def test_entries_are_out_of_sight_though_collections_are_rare():
    pages = store(max_entries=5000)
    threshold = gc.get_threshold()
    gc.set_threshold(10 ** 6)
    try:
        for number in range(2 * tables.MAX_FRESH):
            pages.set(key(str(number)), page())
    finally:
        gc.set_threshold(*threshold)
    assert not any(map(gc.is_tracked, pages._contents.dicts()))


def test_entries_are_settled_where_collection_is_switched_off():
    pages = store(max_entries=5000)
    gc.disable()
    try:
        for number in range(3000):
            pages.set(key(str(number)), page())
    finally:
        gc.enable()
    assert len(pages._contents.records._fresh) < tables.MAX_FRESH
    assert all(pages.get(key(str(number))) for number in range(3000))


def test_tables_are_made_of_small_dicts():
    pages = store(max_entries=50_000)
    for number in range(20_000):
        pages.set(key(str(number)), page(b''))
    largest = max(map(len, pages._contents.dicts()))
    assert largest < 3 * 20_000 / tables.SHARDS


# Threads

class Gate:
    """A clock that lets a thread go on only when all have come."""

    def __init__(self):
        self.barrier = None

    def __call__(self):
        if self.barrier is not None:
            self.barrier.wait(10)
        return NOW


class Hooked:
    """A lock that calls `hook` after each release."""

    def __init__(self, hook):
        self.lock = threading.Lock()
        self.hook = hook

    def __enter__(self):
        self.lock.acquire()

    def __exit__(self, *error):
        self.lock.release()
        self.hook()


def run(*functions):
    """Run all functions at once; return their results, raise their errors."""
    results = [None] * len(functions)

    def call(place, function):
        try:
            results[place] = function()
        except BaseException as error:
            results[place] = error

    threads = [
        threading.Thread(target=call, args=item, daemon=True)
        for item in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def test_set_of_one_key_by_two_threads_is_one_entry():
    gate = Gate()
    pages = store(clock=gate)
    gate.barrier = threading.Barrier(2)
    assert run(
        lambda: pages.set(key(), page(b'a')),
        lambda: pages.set(key(), page(b'b'))) == [True, True]
    gate.barrier = None
    assert pages.counts().entries == 1
    assert pages.counts().bytes == pages.report()[0]['size']
    assert pages.get(key()).body in (b'a', b'b')


def test_get_while_another_thread_purges():
    gate = Gate()
    pages = store(clock=gate)
    pages.set(key(), page())
    gate.barrier = threading.Barrier(2)

    def purge():
        pages.purge()
        gate.barrier.wait(10)

    assert run(lambda: pages.get(key()), purge) == [None, None]
    assert pages.counts().misses == 1


@pytest.mark.parametrize('act', [
    lambda pages: pages.report(),
    lambda pages: pages.remove_page(key()[:3]),
    lambda pages: pages.configure(10, 1 << 30, 0, 60)],
    ids=['report', 'remove_page', 'configure'])
def test_others_get_their_turn_between_slices(act):
    pages = store(max_entries=5000)
    for number in range(5 * SLICE):
        pages.set(key(str(number)), page())
        pages.set(key(variant=str(number)), page())
    turns = []

    def other_thread():
        pages._lock = plain
        [seen] = run(pages.counts)
        turns.append(seen.max_entries)
        pages._lock = hooked

    hooked = Hooked(other_thread)
    plain = hooked.lock
    pages._lock = hooked
    act(pages)
    assert len(turns) >= 5
    assert set(turns[:-1]) == {5000}


def test_report_while_pages_come_and_go():
    pages = store(max_entries=5000)
    for number in range(3 * SLICE):
        pages.set(key(str(number)), page())

    def purge():
        pages._lock = hooked.lock
        run(pages.purge)
        pages.set(key('new'), page())

    hooked = Hooked(purge)
    pages._lock = hooked
    assert len(pages.report()) == SLICE
    assert list(rows(pages)) == ['new']


def test_counts_after_many_threads_add_up():
    pages = store(max_entries=50, max_bytes=50 * (ENTRY_BYTES + 500))
    start = threading.Barrier(4)

    def work(seed):
        numbers = random.Random(seed)
        start.wait(10)
        asked = 0
        for step in range(2000):
            wanted = key(
                str(numbers.randrange(80)), etag=str(numbers.randrange(3)))
            found = pages.get(wanted)
            asked += 1
            if found is None:
                pages.set(wanted, page(
                    bytes(numbers.randrange(1, 900)), int(wanted[4][0])))
            if step % 100 == seed:
                pages.remove_page(wanted[:3])
                pages.report()
        return asked

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        asked = run(*(lambda seed=seed: work(seed) for seed in range(4)))
    finally:
        sys.setswitchinterval(interval)
    counts = pages.counts()
    report = pages.report()
    assert counts.hits + counts.misses == sum(asked)
    assert counts.entries == sum(row['entries'] for row in report) <= 50
    assert counts.bytes == sum(row['size'] for row in report)
    assert counts.bytes <= counts.max_bytes


# Everything against a plain model

KEYS = [
    key(url, template, variant, etag)
    for url in ('u', 'uu') for template in ('t', 's')
    for variant in ('en', 'de') for etag in ('1', '2', '3')]
BOUNDS = [(8, 1 << 20, 0), (8, 9000, 100), (3, 9000, 50), (24, 40_000, 100)]


class Model(RuleBasedStateMachine):
    """A model of the store's contract; it observes the evictions."""

    @initialize(bounds=st.sampled_from(BOUNDS))
    def begin(self, bounds):
        self.clock = Clock()
        self.bounds = bounds
        self.store = PageStore(*bounds, 60, clock=self.clock)
        self.swept = self.clock.now
        self.pages = {}
        #: Lengths of bodies and codings that are spare, as they go.
        self.spare = {}, {}
        self.new = set()
        self.evictions = 0
        self.rows = {}
        self.modified = {}
        self.totals = dict.fromkeys((
            'hits', 'misses', 'evictions', 'expirations', 'removals',
            'rejections'), 0)

    def size(self, key, page):
        return ENTRY_BYTES + text_length(key) + (
            len(page.coded('gzip') or page.coded('zstd')) if page.is_coded
            else len(page.body))

    def used(self):
        return sum(self.size(*item) for item in self.pages.items())

    def spare_of(self, key):
        """Return the spare bytes of a page: its body, and its zstd."""
        page = self.pages[key]
        if not page.is_coded:
            return b'', b''
        has_both = page.coded('gzip') and page.coded('zstd')
        return page.body, page.coded('zstd') if has_both else b''

    def come_spare(self, key):
        """Record the bytes of a page that are spare now."""
        for table, data in zip(self.spare, self.spare_of(key), strict=True):
            if data and key not in table:
                table[key] = len(data)
                self.new.add(key)

    def forget_spare(self, key):
        for table in self.spare:
            table.pop(key, None)

    def lose(self, which, key):
        """Note that something spare went."""
        page = self.pages[key]
        self.pages[key] = page._replace(body=b'') if which == 0 else (
            page._replace(codings=tuple(
                (name, data if name == 'gzip' else b'')
                for name, data in page.codings)))
        return self.spare[which].pop(key)

    def observe_spare(self):
        """Check that the oldest spare bytes were dropped, and only if needed.
        """
        contents = self.store._contents
        most = min(self.bounds[1] // 4, self.bounds[1] - self.used())
        gone = []
        for which, held in enumerate((contents.bodies, contents.codings)):
            table = self.spare[which]
            for key in self.new & set(table):
                if table[key] > most:
                    self.lose(which, key)  # no room if it were alone
            before = list(table)
            kept = [key for key in before if held.get(hash(key))]
            assert kept == before[len(before) - len(kept):], 'not the oldest'
            if which == 1 and len(kept) < len(before):
                assert set(self.spare[0]) <= self.new, 'bodies go first'
            gone += [
                self.lose(which, key)
                for key in before[:len(before) - len(kept)]]
        used = sum(map(sum, map(dict.values, self.spare)))
        evictions = self.totals['evictions']
        if gone and evictions == self.evictions:
            assert (
                used + gone[-1] > self.bounds[1] // 4
                or self.used() + used + gone[-1] > self.bounds[1]), 'too many'
        self.evictions = evictions
        self.new = set()

    def forget(self, key, kind):
        del self.pages[key]
        self.forget_spare(key)
        self.totals[kind] += 1
        self.tidy()

    def tidy(self):
        self.rows = {
            row: counted for row, counted in self.rows.items()
            if any(key[:3] == row for key in self.pages)}
        self.modified = {
            slot: modified for slot, modified in self.modified.items()
            if any(key[:4] == slot for key in self.pages)}

    def sweep(self):
        max_age = self.bounds[2]
        if not max_age or 0 <= self.clock.now - self.swept < 60:
            return
        self.swept = self.clock.now
        for key, page in list(self.pages.items()):
            if self.clock.now - page.created > max_age:
                self.forget(key, 'expirations')

    def observe_evictions(self, size=0, entries=0, new=None):
        gone = [
            key for key in self.pages
            if key != new and self.store._contents.find(key) is None]
        others = {
            key: page for key, page in self.pages.items()
            if key not in gone and key != new}
        used = sum(self.size(*item) for item in others.items()) + size
        assert not gone or any(
            used + self.size(key, self.pages[key]) > self.bounds[1]
            or len(others) + entries + 1 > self.bounds[0]
            for key in gone), 'evicted more than needed'
        for key in gone:
            self.forget(key, 'evictions')

    @rule(
        key=st.sampled_from(KEYS), length=st.sampled_from([0, 9, 500, 3000]),
        gzip=st.sampled_from([0, 50]), modified=st.integers(0, 3),
        own_limit=st.sampled_from([0, 0, 0, 20]))
    def set(self, key, length, gzip, modified, own_limit):
        page = Page(
            body=bytes(length),
            codings=(('gzip', bytes(gzip)),) if gzip else (), headers=(),
            modified=modified, created=self.clock.now,
            max_age_secs=own_limit)
        self.sweep()
        size = self.size(key, page)
        kept = self.store.set(key, page)
        assert kept is (size * 4 <= self.bounds[1])
        if not kept:
            self.totals['rejections'] += 1
            return
        self.rows.setdefault(key[:3], [0, 1])
        self.pages.pop(key, None)
        before = self.modified.setdefault(key[:4], modified)
        self.pages[key] = page
        if modified > before:
            self.modified[key[:4]] = modified
            for other in list(self.pages):
                if other != key and other[:4] == key[:4]:
                    self.forget(other, 'removals')
        self.observe_evictions(size, 1, key)
        self.forget_spare(key)
        self.come_spare(key)
        self.observe_spare()

    @rule(
        key=st.sampled_from(KEYS), name=st.sampled_from(['gzip', 'zstd']),
        length=st.sampled_from([0, 5, 100, 400]), is_late=st.booleans())
    def add_coding(self, key, name, length, is_late):
        page = self.pages.get(key)
        created = page.created - is_late if page else 0
        kept = self.store.add_coding(key, created, name, bytes(length))
        if page is None or is_late or page.coded(name) is not None:
            assert kept is False
            return
        more = page.with_coding(name, bytes(length))
        size = self.size(key, more)
        if size > self.size(key, page):
            self.observe_evictions(size, 0, key)
            if self.store._contents.find(key) is None:
                assert kept is False
                self.forget(key, 'evictions')
                self.observe_spare()
                return
        assert kept is (size * 4 <= self.bounds[1])
        if kept:
            self.pages[key] = more
            self.come_spare(key)
        self.observe_spare()

    @rule(key=st.sampled_from(KEYS))
    def get(self, key):
        self.sweep()
        page = self.pages.get(key)
        found = self.store.get(key)
        is_expired = page is not None and any(
            limit and abs(self.clock.now - page.created) > limit
            for limit in (self.bounds[2], page.max_age_secs))
        if page is None or is_expired:
            assert found is None
            self.totals['misses'] += 1
            self.rows.get(key[:3], [0, 0])[1] += 1
        else:
            assert sorted(found.codings) == sorted(page.codings)
            assert found._replace(codings=()) == page._replace(codings=())
            self.totals['hits'] += not page.is_signpost
            self.rows[key[:3]][0] += not page.is_signpost
        if is_expired:
            self.forget(key, 'expirations')

    @rule(key=st.sampled_from(KEYS))
    def remove_page(self, key):
        gone = [other for other in self.pages if other[:3] == key[:3]]
        assert self.store.remove_page(key[:3]) == len(gone)
        for other in gone:
            self.forget(other, 'removals')

    @rule(path=st.sampled_from(
        sorted({part for key in KEYS for part in key[:2]})))
    def remove_path(self, path):
        gone = [other for other in self.pages if path in other[:2]]
        assert self.store.remove_path(path) == len(gone)
        for other in gone:
            self.forget(other, 'removals')

    @rule()
    def purge(self):
        self.store.purge()
        self.pages.clear()
        self.spare = {}, {}
        self.tidy()

    @rule(secs=st.sampled_from([1, 30, 70, 200, -1, -90, -10 ** 6]))
    def pass_time(self, secs):
        self.clock.now += secs

    @rule(bounds=st.sampled_from(BOUNDS))
    def configure(self, bounds):
        self.bounds = bounds
        self.store.configure(*bounds, 60)
        self.swept = float('-inf')
        self.observe_evictions()
        self.observe_spare()

    @invariant()
    def counts_are_exact(self):
        counts = self.store.counts()
        spare = sum(map(sum, map(dict.values, self.spare)))
        assert counts._asdict() == self.totals | {
            'entries': len(self.pages),
            'bytes': self.used() + spare,
            'spare': spare,
            'max_entries': self.bounds[0], 'max_bytes': self.bounds[1]}
        assert counts.entries <= counts.max_entries
        assert counts.bytes <= counts.max_bytes
        assert counts.spare <= counts.max_bytes // 4

    @invariant()
    def rows_are_exact(self):
        report = {
            (row['template_path'], row['context_path'], row['url']): row
            for row in self.store.report()}
        assert report.keys() == self.rows.keys()
        for row, (hits, misses) in self.rows.items():
            members = {
                key: page for key, page in self.pages.items()
                if key[:3] == row}
            found = report[row]
            assert (found['hits'], found['misses']) == (hits, misses)
            assert found['entries'] == len(members)
            assert found['size'] == sum(
                self.size(*item) for item in members.items())
            assert found['created'] == list(members.values())[-1].created


TestModel = Model.TestCase
TestModel.settings = settings(
    max_examples=settings().max_examples * 3 // 2, stateful_step_count=50,
    deadline=None, database=None)


def test_entries_share_the_strings_that_they_have_in_common():
    def key(number):
        return (
            '/'.join(['', 'site', 'view']), f'/site/{number}',
            f'http://{number}',
            tuple('the published'.split()),
            (f'"{number}"', ' '.join(['generation', 'serial'])))

    def page(number):
        return make_page(headers=(
            ('-'.join(['content', 'type']), '/'.join(['text', 'html'])),
            ('etag', f'"{number}"')))

    contents = Contents()
    records = []
    for number in 1, 2:
        contents.link(key(number), flatten(key(number), page(number)))
        records.append(contents.find(key(number)))
    same = [one for one, other in zip(*records, strict=True) if one is other]
    assert {
        '/site/view', 'the', 'published', 'generation serial',
        'content-type', 'text/html', 'etag'} <= set(same)
    assert [key_of(record) for record in records] == [key(1), key(2)]
    assert [page_of(record) for record in records] == [page(1), page(2)]
