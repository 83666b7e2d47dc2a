"""Hit ratios of the page store on traces of requests.

The same requests go to the page store and to libcachesim's LRU, S3-FIFO and
W-TinyLFU.  In the first part the caches have room for 1000 pages.  In the
second, pages are of 2 to 200 KB, and the room is a number of bytes.
"""
import bisect
import itertools
import random
from functools import cache

import rounds
from caches import Ours
from caches import make_page
from caches import page_key
from rounds import Figure

from Products.PageCacheManager.core.store.placing import entry_size
from Products.PageCacheManager.core.store.store import PageStore


try:
    import libcachesim
except ImportError:
    libcachesim = None


PAGES = 10_000
ROOM = 1000

#: The number of requests after which other pages are popular, or a crawler
#: comes by.
PERIOD = 20_000

KB = 1024
#: The room in bytes: about a tenth of the bytes of all pages.
BYTES = 24 * KB * KB

OURS = 'PageStore'


# Traces: lists of (number of the page, whether it counts)

def zipf(requests):
    """Return requests for pages, the lower the number the more often."""
    choose = random.Random(1)
    steps = list(itertools.accumulate(
        1 / rank ** 0.9 for rank in range(1, PAGES + 1)))
    return [
        (bisect.bisect_left(steps, choose.random() * steps[-1]), True)
        for _ in range(requests)]


def flood(requests):
    """Return `zipf` with as many requests for pages that are asked for once.
    """
    choose = random.Random(2)
    fresh = itertools.count(10 ** 6)
    trace = []
    for item in zipf(requests):
        while choose.random() < 0.5:
            trace.append((next(fresh), False))
        trace.append(item)
    return trace


def scans(requests):
    """Return `zipf` with a crawler that asks for 5000 pages now and then."""
    trace = []
    for place, item in enumerate(zipf(requests)):
        if place % PERIOD == PERIOD // 2:
            trace.extend((2 * 10 ** 6 + page, False) for page in range(5000))
        trace.append(item)
    return trace


def moving(requests):
    """Return requests whose popular pages change over time."""
    return [
        (number + place // PERIOD * PAGES // 4, True)
        for place, (number, _) in enumerate(zipf(requests))]


TRACES = {
    'Zipf': zipf,
    'Zipf with a flood': flood,
    'Zipf with scans': scans,
    'moving working set': moving,
}


# Caches: functions that return whether a page was there, and keep it

def by_entries():
    """Return all caches, with room for `ROOM` pages."""
    return {
        OURS: in_store(Ours(ROOM), make_entry),
        **simulated(ROOM, lambda number: 1),
    }


def by_bytes():
    """Return all caches, with room for `BYTES`.

    A page counts the same bytes in all of them.
    """
    store = PageStore(10_000_000, BYTES, max_age_secs=86_400)
    return {
        OURS: in_store(store, make_large_entry),
        **simulated(BYTES, counted),
    }


@cache
def make_entry(number):
    return page_key(number), make_page(number)


def make_large_entry(number):
    return page_key(number), make_page(number, size(number))


@cache
def counted(number):
    """Return the bytes that the page store counts for a page."""
    return entry_size(*make_large_entry(number))


@cache
def size(number):
    """Return the length of a page's body: 2 to 200 KB, most of them short."""
    return int(2 * KB * 100 ** (random.Random(number).random() ** 1.5))


def in_store(store, entry):
    """Return a function that asks the page store."""
    def ask(number):
        key, page = entry(number)
        if store.get(key) is not None:
            return True
        store.set(key, page)
        return False

    return ask


def simulated(room, size_of):
    """Return functions that ask libcachesim's caches, by name."""
    if libcachesim is None:
        return {}

    def asking(simulation):
        return lambda number: simulation.get(libcachesim.Request(
            obj_id=number, obj_size=size_of(number)))

    return {
        name: asking(make(cache_size=room, hashpower=18))
        for name, make in (
            ('LRU', libcachesim.LRU), ('S3-FIFO', libcachesim.S3FIFO),
            ('W-TinyLFU', libcachesim.WTinyLFU))}


def ratios(caches, trace, weight=lambda number: 1):
    """Return the hit ratio of each cache, for the requests that count."""
    found = {}
    for name, ask in caches.items():
        hits = all_ = 0
        for number, counts in trace:
            hit = ask(number)
            if counts:
                all_ += weight(number)
                hits += hit * weight(number)
        found[name] = hits / all_
    return found


# figures

def compared(part, found):
    """Yield hit ratios, and ours as a multiple of the best of the others."""
    for name, ratio in found.items():
        yield Figure(part, name, ratio, 'hits')
    others = {
        name: ratio for name, ratio in found.items() if name != OURS}
    if others:
        best = max(others, key=others.get)
        yield Figure(part, 'PageStore / best of the others',
                     found[OURS] / others[best], 'x', note=best)


def figures(options):
    """Return all figures of this program."""
    if libcachesim is None:
        print('left out, not installed: libcachesim')
    found = {}
    result = []
    for name, make in TRACES.items():
        trace = make(options.requests)
        found[name] = ratios(by_entries(), trace)
        result += compared(f'hit ratio: {name}, {ROOM} pages', found[name])
    flooded, alone = found['Zipf with a flood'], found['Zipf']
    result += [
        Figure('hit ratio: with the flood / without', name,
               flooded[name] / alone[name], 'x',
               at_least=0.95 if name == OURS else None)
        for name in alone]
    trace = flood(options.requests // 2)
    for what, weight in (('pages', lambda number: 1), ('bytes', size)):
        result += compared(
            f'hit ratio of {what}: {list(TRACES)[1]}, pages of 2 to 200 KB, '
            f'{BYTES // KB // KB} MB', ratios(by_bytes(), trace, weight))
    return result


if __name__ == '__main__':
    rounds.main(__doc__, figures, requests=(60_000, 500_000))
