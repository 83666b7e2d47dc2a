"""The cost of the page store's operations, and its growth with the store.

Growth: stores of all sizes are alive in one process and take turns in random
order; the ratios are within a round.  They include the slower access to memory
in a large store.  Pauses are the longest single operations while the largest
store is filled and afterwards.  They are in processor time of the thread, so
that time of other processes on the core does not count.

Each of the other caches is measured in a process of its own, since a garbage
collection would visit the entries of all caches.  ``--quick`` leaves out the
sizes between the ends, and the other caches beyond 10 000 entries.
"""
import gc
import itertools
import multiprocessing
import random
import statistics
import threading
from concurrent.futures import ProcessPoolExecutor

import rounds
from caches import CONTENDERS
from caches import MISSING
from caches import Ours
from caches import page_key
from filled import BATCH
from filled import MS
from filled import US
from filled import Filled
from filled import alone
from filled import longest
from rounds import Figure


SIZES = [10 ** power for power in range(2, 7)]

PATIENCE_SECS = 600

#: No operation may take longer.
LONGEST_MS = 5

#: Longer operations are measured up to this many times.
ATTEMPTS = 3

# the page store, all sizes at once


def growth(options, sizes):
    """Yield the figures of growth, then of pauses, memory and purging."""
    gc.collect()
    gc.freeze()  # the modules are no part of the store
    filled = {size: Filled(Ours, size) for size in sizes}
    largest = filled[sizes[-1]]
    repeat = 10
    # Writes come first: they need stores whose pages nobody asked for yet.
    writes = rounds.measure({
        size: lambda one=one: one.writes(repeat)
        for size, one in filled.items()}, options.rounds)
    assert all(one.cache.counts().evictions == options.rounds * repeat * BATCH
               for one in filled.values())
    reads = rounds.measure({
        size: lambda one=one: statistics.fmean(
            one.get() for _ in range(repeat))
        for size, one in filled.items()}, options.rounds)
    assert all(one.cache.counts().misses == 0 for one in filled.values())
    yield from of_growth('get', reads, sizes)
    for place, name in enumerate(('invalidate', 'set', 'set that evicts')):
        yield from of_growth(name, {
            size: [times[place] for times in found]
            for size, found in writes.items()}, sizes)
    yield from pauses(options, largest)
    yield Figure(
        'store: memory', f'{largest.size} entries, beside their bytes',
        largest.overhead, 'bytes each', at_most=1024)
    yield from purging(filled, sizes)


def of_growth(name, found, sizes):
    part = 'store: growth'
    for size in sizes:
        middle, low, high = rounds.spread([time * US for time in found[size]])
        yield Figure(part, f'{name}, {size} entries', middle, 'us', low, high)
    for size in sizes[1:]:
        target = {'at_most': 2} if size == SIZES[-1] else {}
        yield rounds.ratio_figure(
            part, f'{name}, {size} / {sizes[0]} entries', 'x',
            found[size], found[sizes[0]], **target)


def pauses(options, filled):
    """Yield the longest operations of a filled store."""
    part = f'store: longest operation, {filled.size} entries'
    count = options.operations
    yield filling(part, filled)
    yield longest_figure(part, 'get', lambda: reading(
        filled, random.sample(range(filled.oldest, len(filled.there)), count)))
    yield longest_figure(
        part, 'set, all in use', lambda: set_in_use(filled, count))
    newest = iter(range(len(filled.there) - 1, 0, -1))
    yield longest_figure(part, 'invalidate', lambda: longest(
        lambda number: filled.cache.remove_page(page_key(number)[:3]),
        list(itertools.islice(newest, filled.size // 20)))[0])
    yield longest_figure(
        part, 'full collection', lambda: longest(gc.collect, [2])[0])
    yield from beside_reader(options, filled, part)


def filling(part, filled):
    """Return the figure of the longest set while the store was filled.

    If it is too long, another store is filled with the same pages, and the
    shorter of two pauses at the same place counts: see
    :func:`longest_figure`.
    """
    found = filled.pauses
    note = ''
    if max(found) * MS > LONGEST_MS:
        again = Filled(Ours, filled.size).pauses
        note = f'by itself {max(found) * MS:.1f} and {max(again) * MS:.1f}'
        found = map(min, found, again)
    return Figure(part, 'set, while it fills', max(found) * MS, 'ms',
                  at_most=LONGEST_MS, note=note)


def longest_figure(part, name, action):
    """Return the figure of the longest operation that `action` found.

    Work of a virtual machine for others may count as processor time of ours.
    A pause of the store comes again, so beyond the limit the action is
    repeated, and the shortest time counts; the note has all times.
    """
    found = [action() * MS]
    while min(found) > LONGEST_MS and len(found) < ATTEMPTS:
        found.append(action() * MS)
    note = ', '.join(f'{pause:.1f}' for pause in found)
    return Figure(part, name, min(found), 'ms', at_most=LONGEST_MS,
                  note=f'in turn: {note}' if len(found) > 1 else '')


def reading(filled, numbers):
    return longest(
        lambda number: filled.cache.get(page_key(number)), numbers)[0]


def set_in_use(filled, count):
    """Return the longest set after each page was asked for.

    Then the search for a victim is the longest.
    """
    reading(filled, range(filled.oldest, len(filled.there)))
    return longest(filled.add, range(count))[0]


def beside_reader(options, filled, part):
    """Yield the longest operations while another thread reads."""
    elapsed = []

    def side(place):
        writing, reading, waiting = with_reader(options.operations, filled)
        elapsed.append(waiting)
        return (writing, reading)[place]

    yield longest_figure(part, 'set, beside a reader', lambda: side(0))
    yield longest_figure(part, 'get, beside a writer', lambda: side(1))
    yield Figure(part, 'the same, elapsed', min(elapsed) * MS, 'ms',
                 note='waiting for the core and the interpreter included')


def with_reader(count, filled):
    """Return the longest set, get, and get in elapsed time."""
    done = threading.Event()
    found = []

    def read():
        numbers = iter(lambda: random.randrange(len(filled.there)), -1)
        found.append(longest(
            lambda number: filled.cache.get(page_key(number)),
            itertools.takewhile(lambda _: not done.is_set(), numbers)))

    reader = threading.Thread(target=read)
    reader.start()
    writing, _ = longest(filled.add, range(count))
    done.set()
    reader.join(PATIENCE_SECS)
    return writing, *found[0]


def purging(filled, sizes):
    """Yield the times of a purge; the smallest store is refilled often."""
    part = 'store: purge'
    times = {size: filled[size].purge() for size in reversed(sizes)}
    small = []
    for _ in range(21):
        again = Filled(Ours, sizes[0])
        small.append(again.purge())
    middle, low, high = rounds.spread([seconds * MS for seconds in small])
    yield Figure(part, f'{sizes[0]} entries', middle, 'ms', low, high)
    for size in sizes[1:]:
        # Starting the thread that frees the memory may take as long again.
        target = {'at_most': 2 * middle + 0.5} if size == SIZES[-1] else {}
        yield Figure(part, f'{size} entries', times[size] * MS, 'ms', **target)


# each cache by itself

UNITS = {'get': 'us', 'set': 'us', 'invalidate': 'us', 'purge': 'ms',
         'longest': 'ms', 'overhead': 'bytes each'}


def others(options, sizes):
    """Yield the figures of all caches, ours among them."""
    context = multiprocessing.get_context('spawn')
    for size in sizes:
        found = {}
        for name in CONTENDERS:
            with ProcessPoolExecutor(1, context) as pool:
                found[name] = pool.submit(
                    alone, name, size, options.rounds).result(PATIENCE_SECS)
        for what, unit in UNITS.items():
            for name, values in found.items():
                # the system gives memory in larger pieces than a few entries
                if what in values and (what != 'overhead' or size > 1000):
                    yield Figure(f'caches: {what}, {size} entries', name,
                                 values[what], unit)


def figures(options):
    """Return all figures of this program."""
    sizes = SIZES[::4] if options.quick else SIZES
    compared = SIZES[:3:2] if options.quick else SIZES
    if MISSING:
        print('left out, not installed:', *MISSING)
    return [*growth(options, sizes), *others(options, compared)]


if __name__ == '__main__':
    rounds.main(
        __doc__, figures, rounds=(21, 41), operations=(20_000, 100_000))
