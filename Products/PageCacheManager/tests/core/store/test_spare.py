"""Bodies that are kept beside a coding: counted apart, the first to go."""
import gc
import random
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from Products.PageCacheManager.core.page import Page
from Products.PageCacheManager.core.store import placing as module
from Products.PageCacheManager.core.store.bounds import SPARE_SHARE
from Products.PageCacheManager.core.store.placing import ENTRY_BYTES
from Products.PageCacheManager.core.store.spare import joined
from Products.PageCacheManager.core.store.spare import parted
from Products.PageCacheManager.core.store.store import PageStore


NOW = 1_700_000_000
BODY = 6000
CODED = 500

#: The bytes that an entry of these tests takes beside its page.
BESIDE = ENTRY_BYTES + len('template' + 'context' + 'url00' + 'en' + '1')


def key(number):
    return ('template', 'context', f'url{number:02}', ('en',), ('1',))


def page(size=BODY, created=NOW, codings=(), modified=0):
    return Page(
        body=bytes(size), codings=codings, headers=(), modified=modified,
        created=created)


def store(max_bytes=1 << 20, max_entries=1000):
    return PageStore(max_entries, max_bytes, clock=lambda: NOW)


def code(pages, number, size=CODED, name='gzip', created=NOW):
    return pages.add_coding(key(number), created, name, bytes(size))


def has_body(pages, number):
    return bool(pages.get(key(number)).body)


def counted(pages):
    counts = pages.counts()
    return counts.bytes - counts.spare


# one entry

def test_coded_page_counts_by_its_coding():
    pages = store()
    pages.set(key(0), page())
    assert (counted(pages), pages.counts().spare) == (BESIDE + BODY, 0)
    assert code(pages, 0) is True
    assert (counted(pages), pages.counts().spare) == (BESIDE + CODED, BODY)
    assert pages.report()[0]['size'] == BESIDE + CODED
    found = pages.get(key(0))
    assert found == page(codings=(('gzip', bytes(CODED)),))


@pytest.mark.parametrize('order', [('gzip', 'zstd'), ('zstd', 'gzip')])
def test_of_two_codings_the_better_one_is_spare(order):
    """All clients that take a coding take gzip."""
    pages = store()
    pages.set(key(0), page())
    sizes = {'gzip': CODED, 'zstd': 300}
    for name in order:
        assert code(pages, 0, sizes[name], name) is True
    assert counted(pages) == BESIDE + CODED
    assert pages.report()[0]['size'] == BESIDE + CODED
    assert pages.counts().spare == BODY + 300
    assert pages.get(key(0)).codings == (
        ('gzip', bytes(CODED)), ('zstd', bytes(300)))


@pytest.mark.parametrize('name', ['gzip', 'zstd'])
def test_the_only_coding_is_not_spare(name):
    pages = store()
    pages.set(key(0), page())
    code(pages, 0, 0, 'br')
    code(pages, 0, CODED, name)
    assert (counted(pages), pages.counts().spare) == (BESIDE + CODED, BODY)


@given(st.lists(st.tuples(
    st.sampled_from(['gzip', 'zstd', 'br']), st.binary(max_size=3)),
    max_size=3, unique_by=lambda item: item[0]), st.binary(max_size=3))
def test_parts_make_the_page_again(codings, body):
    whole = page()._replace(body=body, codings=tuple(codings))
    parts = parted(whole)
    if not whole.is_coded:
        assert parts == (whole, b'', b'')
        return
    assert parts.kept.is_coded and not parts.kept.body
    again = joined(*parts)
    assert again.body == body
    held = {name: data for name, data in again.codings if data}
    assert held.items() <= dict(codings).items()
    assert {name for name, _ in again.codings} == {n for n, _ in codings}
    # gzip and one better coding are kept, or else all
    lost = sum(map(bool, dict(codings).values())) - len(held)
    assert lost == (len(held) == 2 and 'gzip' in held and bool(
        len([data for _, data in codings if data]) == 3))


def test_coding_that_came_first_stays():
    pages = store()
    pages.set(key(0), page())
    code(pages, 0)
    before = pages.counts()
    assert code(pages, 0, 300) is False
    assert pages.counts() == before
    assert pages.get(key(0)).coded('gzip') == bytes(CODED)


@pytest.mark.parametrize('size', [0, BODY, BODY + 1])
def test_coding_that_is_no_shorter_leaves_all_as_it_is(size):
    pages = store()
    pages.set(key(0), page())
    before = pages.counts()
    assert code(pages, 0, size) is True
    assert pages.counts() == before
    assert pages.get(key(0)) == page(codings=(('gzip', b''),))
    # and another may be
    assert code(pages, 0, CODED, 'zstd') is True
    assert (counted(pages), pages.counts().spare) == (BESIDE + CODED, BODY)


@pytest.mark.parametrize('change', [
    lambda pages: pages.set(key(0), page(created=NOW + 1)),
    lambda pages: pages.remove_page(key(0)[:3]),
    lambda pages: pages.purge(),
], ids=['another page', 'removed', 'purged'])
def test_coding_of_a_page_that_is_gone_is_dropped(change):
    pages = store()
    pages.set(key(0), page())
    change(pages)
    before = pages.counts()
    assert code(pages, 0) is False
    assert pages.counts() == before


def test_replaced_page_takes_its_spare_body_along():
    pages = store()
    pages.set(key(0), page())
    code(pages, 0)
    pages.set(key(0), page(100))
    assert (counted(pages), pages.counts().spare) == (BESIDE + 100, 0)
    assert pages.get(key(0)) == page(100)


def test_page_that_comes_with_a_coding_counts_by_it():
    """If Zope compresses, the page has its coding from the start."""
    pages = store()
    pages.set(key(0), page(codings=(('gzip', bytes(CODED)),)))
    assert (counted(pages), pages.counts().spare) == (BESIDE + CODED, BODY)


@pytest.mark.parametrize('go', [
    lambda pages: pages.remove_page(key(0)[:3]),
    lambda pages: pages.purge(),
    lambda pages: pages.set(key(0), page(created=NOW + 1)),
], ids=['removed', 'purged', 'replaced'])
def test_nothing_spare_is_left_behind(go):
    pages = store()
    pages.set(key(0), page())
    code(pages, 0)
    code(pages, 0, 300, 'zstd')
    go(pages)
    assert pages.counts().spare == 0
    for spare in (pages._contents.bodies, pages._contents.codings):
        assert not any(spare.data.dicts)
        assert spare.oldest() == 0


def test_coding_does_not_make_a_page_the_newest():
    pages = store()
    for etag in '12':
        pages.set((*key(0)[:4], (etag,)), page(created=NOW + int(etag)))
    code(pages, 0, created=NOW + 1)
    assert pages.report()[0]['created'] == NOW + 2


def test_page_that_was_asked_for_stays_so_when_it_is_coded():
    """Else the hit that brings a coding would cost the page its place."""
    pages = store(max_entries=4)
    pages.set(key(0), page())
    pages.get(key(0))
    code(pages, 0)
    for number in range(1, 20):
        pages.set(key(number), page())
    assert pages.get(key(0)) is not None


# the share

def full(bodies=8, more=0):
    """Return a store with room for just so many bodies beside codings."""
    pages = store(SPARE_SHARE * bodies * BODY + more)
    for number in range(bodies):
        pages.set(key(number), page())
        assert code(pages, number)
    assert pages.counts().spare == bodies * BODY
    return pages


def test_bodies_beyond_their_share_go_the_oldest_first():
    pages = full()
    for number in (8, 9, 10):
        pages.set(key(number), page())
        code(pages, number)
        assert pages.counts().spare == 8 * BODY
    assert [has_body(pages, n) for n in range(11)] == [False] * 3 + [True] * 8
    assert counted(pages) == 11 * (BESIDE + CODED)
    assert pages.counts().evictions == 0


def test_page_without_its_body_can_be_coded_again():
    pages = full()
    pages.set(key(8), page())
    code(pages, 8)
    assert not has_body(pages, 0)
    assert code(pages, 0, 300, 'zstd') is True
    assert pages.counts().spare == 7 * BODY + 300
    assert not has_body(pages, 1)
    assert pages.get(key(0)).codings == (
        ('gzip', bytes(CODED)), ('zstd', bytes(300)))


def test_body_larger_than_the_share_goes_alone():
    pages = full()
    large = 8 * BODY + 1
    pages.set(key(8), page(large, codings=(('gzip', bytes(CODED)),)))
    assert not has_body(pages, 8)
    assert all(has_body(pages, n) for n in range(8))


def test_bodies_go_before_entries():
    pages = full()
    room = pages.counts().max_bytes - pages.counts().bytes
    number = 20
    while pages.counts().spare:
        pages.set(key(number), page())
        number += 1
        counts = pages.counts()
        assert counts.bytes <= counts.max_bytes
        assert counts.evictions == 0
    assert number - 20 > room // (BESIDE + BODY)
    assert all(pages.get(key(n)).is_coded for n in range(8))
    while not pages.counts().evictions:
        pages.set(key(number), page())
        number += 1


def test_coding_makes_room_for_its_own_body():
    """In a full store the oldest spare body goes for the newest."""
    pages = full(more=20_000)
    number = 20
    # the last page just fits, and nothing had to go yet
    while pages.counts().bytes + BESIDE + BODY <= pages.counts().max_bytes:
        pages.set(key(number), page())
        number += 1
    assert pages.counts().spare == 8 * BODY
    assert code(pages, 20)
    assert has_body(pages, 20) and not has_body(pages, 0)
    assert pages.counts().evictions == 0


ZSTD = (('zstd', bytes(CODED)),)


def test_growth_of_a_coded_page_may_evict_others():
    pages = store(8 * (BESIDE + CODED) + 10)
    for number in range(8):
        pages.set(key(number), page(0, codings=ZSTD))
    assert code(pages, 7, CODED + 300) is True
    counts = pages.counts()
    assert counts.evictions == 1 and counts.bytes <= counts.max_bytes
    assert pages.get(key(7)).coded('gzip') == bytes(CODED + 300)
    # in place of the page that went
    assert pages.get(key(7)).coded('zstd') == bytes(CODED)


def test_better_coding_that_went_says_that_it_is_not_worth_it():
    """Else each hit would make it; clients that accept it get gzip."""
    pages = store(8 * (BESIDE + CODED) + 10)
    for number in range(8):
        pages.set(key(number), page(0, codings=ZSTD))
    code(pages, 7, CODED + 300)
    pages.set(key(20), page(CODED))
    found = pages.get(key(7))
    assert (found.coded('zstd'), found.is_coded) == (b'', True)
    assert code(pages, 7, 300, 'zstd') is False


def test_bodies_go_before_codings():
    pages = full(more=4 * 300)
    code(pages, 0, 300, 'zstd')
    assert pages.counts().spare == 8 * BODY + 300
    for number in range(1, 8):
        code(pages, number, 300, 'zstd')
    # the second coding evicted one body, and that made room for all others
    assert pages.counts().spare == 7 * BODY + 8 * 300
    assert [has_body(pages, n) for n in range(8)] == [False] + [True] * 7
    assert all(pages.get(key(n)).coded('zstd') for n in range(8))


def test_growth_beyond_a_quarter_of_the_store_is_refused():
    pages = store(4 * (BESIDE + CODED) + 10)
    pages.set(key(0), page(0, codings=ZSTD))
    before = pages.counts()
    assert code(pages, 0, CODED + 300) is False
    assert pages.counts() == before


def test_page_that_has_to_go_for_its_own_coding_is_gone():
    pages = store(8 * (BESIDE + CODED) + 10)
    for number in range(8):
        pages.set(key(number), page(0, codings=ZSTD))
    # it is the oldest page, and nobody asked for it since
    assert code(pages, 0, CODED + 300) is False
    assert pages.get(key(0)) is None
    assert pages.counts().evictions == 1
    assert counted(pages) == 7 * (BESIDE + CODED)


def test_fewer_bytes_shrink_the_share_too():
    pages = full()
    half = pages.counts().max_bytes // 2
    pages.configure(1000, half, 0, 60)
    assert pages.counts().spare == 4 * BODY
    assert [has_body(pages, n) for n in range(8)] == [False] * 4 + [True] * 4
    assert pages.counts().evictions == 0
    pages.configure(1000, 4 * (BESIDE + CODED), 0, 60)
    assert pages.counts().spare == 0
    assert pages.counts().entries == 4


def test_no_more_bodies_go_at_once_than_may(monkeypatch):
    """To drop them takes time, with the lock held."""
    monkeypatch.setattr(module, 'MAX_EVICTIONS', 5)
    pages = full(16)
    pages.set(key(20), page(10 * BODY, codings=(('gzip', bytes(CODED)),)))
    assert not has_body(pages, 20)
    assert pages.counts().spare == 11 * BODY


# many operations

class Walk:
    """Ten thousand random operations, with checks of the store's figures."""

    def __init__(self, seed, max_bytes=60_000, max_entries=30):
        self.choose = random.Random(seed)
        self.pages = store(max_bytes, max_entries)
        self.created = {}

    def step(self):
        choose = self.choose
        number = choose.randrange(60)
        act = choose.random()
        if act < 0.35:
            self.created[number] = NOW + choose.randrange(1000)
            codings = choose.choice([
                (), (), (('gzip', bytes(choose.randrange(900))),)])
            self.pages.set(key(number), page(
                choose.choice([0, 900, 3000, 14_000]),
                self.created[number], codings))
        elif act < 0.75:
            created = self.created.get(number, 0)
            code(self.pages, number, choose.choice([0, 100, 800, 20_000]),
                 choose.choice(['gzip', 'zstd']),
                 created - (choose.random() < 0.1))
        elif act < 0.95:
            self.pages.get(key(number))
        elif act < 0.99:
            self.pages.remove_page(key(number)[:3])
        elif act < 0.995:
            self.pages.purge()
        else:
            self.pages.configure(
                choose.choice([10, 30]), choose.choice([20_000, 60_000]), 0,
                60)

    def check(self):
        pages, counts = self.pages, self.pages.counts()
        assert counts.entries <= counts.max_entries
        assert counts.bytes <= counts.max_bytes
        assert counts.spare <= counts.max_bytes // SPARE_SHARE
        contents = pages._contents
        bodies, codings = (
            {hashed: data for shard in spare.data.dicts
             for hashed, data in shard.items()}
            for spare in (contents.bodies, contents.codings))
        held = {*bodies, *codings}
        assert counts.spare == sum(
            map(len, [*bodies.values(), *codings.values()]))
        sizes = 0
        for number in range(60):
            record = contents.find(key(number))
            if record is None:
                assert hash(key(number)) not in held
                continue
            found = contents.page(record)
            size = BESIDE + (
                len(found.coded('gzip') or found.coded('zstd'))
                if found.is_coded else len(found.body))
            assert contents.queue.sizes[record[0]] == size
            sizes += size
            assert found.is_coded or hash(key(number)) not in held
        assert counts.bytes - counts.spare == sizes
        assert sum(row['size'] for row in pages.report()) == sizes


@pytest.mark.parametrize('seed', range(3))
def test_accounts_are_exact_at_every_moment(seed):
    walk = Walk(seed)
    for number in range(5000):
        walk.step()
        if number % 7 == seed:
            walk.check()
    assert walk.pages.counts().evictions > 100


def test_many_threads_code_the_same_pages():
    pages = store(60_000, 30)
    start = threading.Barrier(4)
    failures = []

    def work(seed):
        choose = random.Random(seed)
        start.wait(10)
        try:
            for _ in range(1500):
                number = choose.randrange(12)
                found = pages.get(key(number))
                if found is None:
                    pages.set(key(number), page(3000))
                elif found.coded('gzip') is None:
                    code(pages, number)
                else:
                    assert found.coded('gzip') == bytes(CODED)
                    assert found.body in (b'', bytes(3000))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    counts = pages.counts()
    assert counts.bytes <= counts.max_bytes
    assert counted(pages) == sum(row['size'] for row in pages.report())


def test_the_collector_looks_at_no_body():
    pages = store()
    for number in range(90):
        pages.set(key(number), page())
        code(pages, number)
    gc.collect()
    assert not any(map(gc.is_tracked, pages._contents.bodies.data.dicts))
