"""Compare the page store with other caches: hit ratio, cost, pauses, memory.

All contenders run in one process, in turn; what counts is the ratio between
them.  ``python benchmarks/store.py --help`` tells what can be left out.
"""
import argparse
import bisect
import gc
import itertools
import multiprocessing
import os
import platform
import random
import statistics
import sys
import threading
import time
from array import array
from collections import OrderedDict
from pathlib import Path


# Processes that are spawned do not get the path of this one by themselves.
sys.path.append(str(Path(__file__).resolve().parent.parent))

from Products.PageCacheManager.core.page import Page  # noqa: E402
from Products.PageCacheManager.core.store import PageStore  # noqa: E402


try:
    import cachetools
except ImportError:
    cachetools = None
try:
    import cachebox
except ImportError:
    cachebox = None
try:
    import theine
except ImportError:
    theine = None


# Contenders: get(key) gives the value or None, set(key, value) keeps it.

class LRU:
    """The plain one: an OrderedDict and a lock."""

    def __init__(self, size):
        self.size = size
        self.lock = threading.Lock()
        self.data = OrderedDict()

    def get(self, key):
        with self.lock:
            value = self.data.get(key)
            if value is not None:
                self.data.move_to_end(key)
            return value

    def set(self, key, value):
        with self.lock:
            self.data[key] = value
            self.data.move_to_end(key)
            if len(self.data) > self.size:
                self.data.popitem(last=False)


class SegmentedLRU:
    """What is asked for twice moves to the protected four fifths."""

    def __init__(self, size):
        self.size = size
        self.protected_size = size * 4 // 5
        self.lock = threading.Lock()
        self.probation = OrderedDict()
        self.protected = OrderedDict()

    def get(self, key):
        with self.lock:
            if key in self.protected:
                self.protected.move_to_end(key)
                return self.protected[key]
            if key not in self.probation:
                return None
            value = self.protected[key] = self.probation.pop(key)
            if len(self.protected) > self.protected_size:
                other, demoted = self.protected.popitem(last=False)
                self.probation[other] = demoted
            return value

    def set(self, key, value):
        with self.lock:
            self.probation[key] = value
            if len(self.probation) + len(self.protected) > self.size:
                self.probation.popitem(last=False)


class TinyLFU:
    """W-TinyLFU: a window, then admission by frequency, then segments."""

    def __init__(self, size):
        self.window_size = max(1, size // 100)
        self.window = OrderedDict()
        self.main = SegmentedLRU(size - self.window_size)
        self.lock = threading.Lock()
        width = 1 << (size * 4).bit_length()
        self.counters = [bytearray(width) for _ in range(4)]
        self.seen = 0
        self.reset_at = size * 10

    def cells(self, key):
        hashed = hash(key)
        mask = len(self.counters[0]) - 1
        return [
            (row, hashed * seed >> 20 & mask)
            for row, seed in zip(
                self.counters, (0x9E3779B1, 0x85EBCA6B, 0xC2B2AE35, 7919),
                strict=True)]

    def count(self, key):
        for row, cell in self.cells(key):
            row[cell] = min(row[cell] + 1, 15)
        self.seen += 1
        if self.seen >= self.reset_at:
            self.seen //= 2
            halve = bytes(value >> 1 for value in range(256))
            self.counters = [row.translate(halve) for row in self.counters]

    def frequency(self, key):
        return min(row[cell] for row, cell in self.cells(key))

    def get(self, key):
        with self.lock:
            self.count(key)
            if key in self.window:
                self.window.move_to_end(key)
                return self.window[key]
        return self.main.get(key)

    def set(self, key, value):
        with self.lock:
            self.window[key] = value
            if len(self.window) <= self.window_size:
                return
            candidate, value = self.window.popitem(last=False)
            main = self.main
            if len(main.probation) + len(main.protected) < main.size:
                main.set(candidate, value)
                return
            victim = next(iter(main.probation or main.protected))
            if self.frequency(candidate) > self.frequency(victim):
                main.set(candidate, value)


class S3Fifo:
    """The bare policy as the paper has it, over a dict."""

    def __init__(self, size):
        self.size = size
        self.values = {}
        self.uses = {}
        self.small = OrderedDict()
        self.main = OrderedDict()
        self.ghosts = OrderedDict()

    def get(self, key):
        value = self.values.get(key)
        if value is not None:
            self.uses[key] = min(3, self.uses[key] + 1)
        return value

    def set(self, key, value):
        while len(self.values) >= self.size:
            if len(self.small) > self.size // 10 or not self.main:
                self.from_small()
            else:
                self.from_main()
        queue = self.small
        if key in self.ghosts:
            del self.ghosts[key]
            queue = self.main
        queue[key] = None
        self.values[key] = value
        self.uses[key] = 0

    def from_small(self):
        key = self.small.popitem(last=False)[0]
        if self.uses[key] > 1:
            self.main[key] = None
            self.uses[key] = 0
            return
        self.forget(key)
        self.ghosts[key] = None
        if len(self.ghosts) > self.size * 9 // 10:
            self.ghosts.popitem(last=False)

    def from_main(self):
        key = self.main.popitem(last=False)[0]
        if self.uses[key]:
            self.main[key] = None
            self.uses[key] -= 1
        else:
            self.forget(key)

    def forget(self, key):
        del self.values[key]
        del self.uses[key]


class Cachetools:
    def __init__(self, size):
        self.lock = threading.Lock()
        self.data = cachetools.LRUCache(size)

    def get(self, key):
        with self.lock:
            return self.data.get(key)

    def set(self, key, value):
        with self.lock:
            self.data[key] = value


class Cachebox:
    def __init__(self, size):
        self.data = cachebox.LRUCache(size)
        self.get = self.data.get

    def set(self, key, value):
        self.data[key] = value


class Theine:
    def __init__(self, size):
        self.data = theine.Cache(size)

    def get(self, key):
        return self.data.get(key)[0]

    def set(self, key, value):
        self.data.set(key, value)


class Store(PageStore):
    """Ours, bounded by entries alone."""

    def __init__(self, size):
        super().__init__(size, 1 << 40, max_age_secs=3600)


CONTENDERS = {
    'PageStore': Store,
    'OrderedDict LRU': LRU,
    'segmented LRU': SegmentedLRU,
    'W-TinyLFU': TinyLFU,
    'S3-FIFO (paper)': S3Fifo,
}
if cachetools:
    CONTENDERS['cachetools LRU'] = Cachetools
if cachebox:
    CONTENDERS['cachebox LRU'] = Cachebox
if theine:
    CONTENDERS['theine'] = Theine

#: Those whose cost is worth measuring; the others show policies.
COSTED = [
    name for name in CONTENDERS
    if name not in ('segmented LRU', 'W-TinyLFU', 'S3-FIFO (paper)')]


# Pages

def page_key(number, version=0):
    return (
        '/site/portal_skins/content/document_view',
        f'/site/folder-{number % 97}/document-{number}',
        f'http://www.example.org/folder-{number % 97}/document-{number}',
        ('', 'Plone Default', 'en', '', ''),
        (f'"{number:x}-{version}"', 'generation', 'serial'))


def make_page(number, modified=0):
    """Return a page of next to no bytes: what is measured is the rest."""
    return Page(
        body=b'%d' % number, codings=(), modified=modified,
        created=time.time(), headers=(('content-type', 'text/html'),))


# Traces: pairs of (key, whether it counts)

def zipf(random_, pages, exponent=0.9):
    """Yield numbers below `pages`, the lower the more often."""
    weights = itertools.accumulate(
        1 / rank ** exponent for rank in range(1, pages + 1))
    steps = list(weights)
    while True:
        yield bisect.bisect_left(steps, random_.random() * steps[-1])


def trace_zipf(requests):
    numbers = zipf(random.Random(1), 10_000)
    return [(number, True) for number in itertools.islice(numbers, requests)]


def trace_flood(requests):
    """The same, and as many requests again for pages asked for once."""
    choose = random.Random(2)
    fresh = itertools.count(10 ** 6)
    trace = []
    for item in trace_zipf(requests):
        while choose.random() < 0.5:
            trace.append((next(fresh), False))
        trace.append(item)
    return trace


def trace_scan(requests):
    """The same, and now and then a crawler goes through 5000 pages."""
    trace = []
    for place, item in enumerate(trace_zipf(requests)):
        if place % 20_000 == 10_000:
            trace.extend((2 * 10 ** 6 + page, False) for page in range(5000))
        trace.append(item)
    return trace


def trace_moving(requests):
    """Every 20 000 requests other pages are the popular ones."""
    return [
        (number + place // 20_000 * 2500, True)
        for place, (number, _) in enumerate(trace_zipf(requests))]


TRACES = {
    'Zipf': trace_zipf,
    'with flood': trace_flood,
    'with scans': trace_scan,
    'moving set': trace_moving,
}


def hit_ratio(cache, trace):
    pages = {}
    hits = counted = 0
    for number, counts in trace:
        if number not in pages:
            pages[number] = page_key(number), make_page(number)
        key, page = pages[number]
        found = cache.get(key)
        if found is None:
            cache.set(key, page)
        counted += counts
        hits += counts and found is not None
    return hits / counted


def print_ratios(requests, room=1000):
    print(f'\nHit ratio of the pages that count, room for {room}')
    row('', *TRACES, 'flood / none')
    traces = {name: trace(requests) for name, trace in TRACES.items()}
    for name, make in CONTENDERS.items():
        ratios = [hit_ratio(make(room), trace) for trace in traces.values()]
        row(name, *(f'{ratio:.3f}' for ratio in ratios),
            f'{ratios[1] / ratios[0]:.2f}')


# Cost: each contender and size in a process of its own, because a garbage
# collection looks at what the others hold too.

def memory():
    """Return the bytes of this process that are in real memory."""
    with open('/proc/self/statm') as statm:
        return int(statm.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')


def characters(key, page):
    return page.size + sum(
        len(part) if isinstance(part, str) else sum(map(len, part))
        for part in key)


def timed_sets(cache, numbers):
    """Return seconds of each set, and of making a page and setting it.

    A collection may come while the page is made or while it is set; it
    would look at lists of times, too, so these are arrays.  The second is
    processor time: that another process had the core is no pause of ours.
    """
    alone = array('d')
    together = array('d')
    for number in numbers:
        begin = time.thread_time()
        key, page = page_key(number), make_page(number)
        start = time.perf_counter()
        cache.set(key, page)
        alone.append(time.perf_counter() - start)
        together.append(time.thread_time() - begin)
    return alone, together


def timed(function, arguments):
    """Return seconds of each call, and the longest in processor time."""
    times = array('d')
    longest = 0
    for argument in arguments:
        begin = time.thread_time()
        start = time.perf_counter()
        function(argument)
        times.append(time.perf_counter() - start)
        longest = max(longest, time.thread_time() - begin)
    return times, longest


def collection():
    start = time.perf_counter()
    gc.collect()
    return time.perf_counter() - start


def measure(name, size, operations, result):
    """Fill a cache, then set, get and remove; send what that took."""
    gc.collect()
    gc.freeze()  # the modules are not the contender's
    empty_collection = min(collection() for _ in range(3))
    before = memory()
    cache = CONTENDERS[name](size)
    _, fill = timed_sets(cache, range(size))
    used = memory() - before
    shown = size - 1
    text = characters(page_key(shown), make_page(shown))
    first_collection = collection()
    fresh = range(size, size + operations)
    sets, churn = timed_sets(cache, fresh)
    choose = random.Random(3)
    keys = [page_key(choose.choice(fresh[-size:])) for _ in range(operations)]
    gets, worst_get = timed(cache.get, keys)
    removals, worst_removal = [], 0
    if name == 'PageStore':
        pages = [page_key(number)[:3] for number in fresh[-min(
            size, operations) // 2:]]
        removals, worst_removal = timed(cache.remove_page, pages)
    result.put({
        'get': statistics.median(gets),
        'set': statistics.median(sets),
        'remove': statistics.median(removals) if removals else None,
        'worst': max(max(fill), max(churn), worst_get, worst_removal),
        'late': sum(
            seconds > 0.005 for seconds in itertools.chain(fill, churn)),
        'collection': max(first_collection - empty_collection, 0),
        'bytes': used / size - text,
    })


def in_new_process(name, size, operations):
    context = multiprocessing.get_context('spawn')
    result = context.Queue()
    process = context.Process(
        target=measure, args=(name, size, operations, result))
    process.start()
    figures = result.get()
    process.join()
    return figures


def print_costs(sizes, operations):
    reference = 'OrderedDict LRU'
    smallest = {}
    for size in sizes:
        print(f'\n{size} entries, each set evicts one')
        row('', 'get us', 'set us', 'remove us', 'get / LRU', 'set / LRU',
            'set / smallest', 'worst ms', 'over 5 ms', 'full gc ms',
            'bytes / entry')
        figures = {
            name: in_new_process(name, size, operations) for name in COSTED}
        base = figures[reference]
        for name, found in figures.items():
            least = smallest.setdefault(name, found)
            removal = found['remove']
            row(name,
                f'{found["get"] * 1e6:.2f}',
                f'{found["set"] * 1e6:.2f}',
                f'{removal * 1e6:.2f}' if removal else '',
                f'{found["get"] / base["get"]:.1f}',
                f'{found["set"] / base["set"]:.1f}',
                f'{found["set"] / least["set"]:.2f}',
                f'{found["worst"] * 1e3:.2f}',
                found['late'],
                f'{found["collection"] * 1e3:.1f}',
                f'{found["bytes"]:.0f}' if size >= 10_000 else '')


def row(first, *cells):
    print(f'{first:17}', *(f'{cell:>13}' for cell in cells), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        '--sizes', type=int, nargs='*', default=[100, 10_000, 1_000_000],
        help='numbers of entries at which cost is measured')
    parser.add_argument(
        '--operations', type=int, default=100_000,
        help='how many of each operation are timed')
    parser.add_argument(
        '--requests', type=int, default=150_000,
        help='length of the traces; 0 leaves them out')
    options = parser.parse_args()
    print(f'Python {platform.python_version()}, {os.cpu_count()} cores')
    print_costs(options.sizes, options.operations)
    if options.requests:
        print_ratios(options.requests)


if __name__ == '__main__':
    main()
