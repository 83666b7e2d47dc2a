"""Times operations of a full cache, in processor time of the thread."""
import gc
import itertools
import os
import random
import statistics
import time

from caches import CONTENDERS
from caches import make_page
from caches import page_key
from caches import text_length


#: The number of operations of one kind in a row.
BATCH = 50

#: While a cache is filled, the longest of this many sets is recorded.
WINDOW = 1000

MS = 1000
US = 1_000_000


def per_call(function, arguments):
    """Return the processor time of a call in seconds."""
    start = time.thread_time()
    for argument in arguments:
        function(*argument)
    return (time.thread_time() - start) / len(arguments)


def longest(function, arguments):
    """Return the longest call in seconds: by processor time, and elapsed."""
    slowest = slowest_wall = 0
    for argument in arguments:
        wall, start = time.perf_counter(), time.thread_time()
        function(argument)
        slowest = max(slowest, time.thread_time() - start)
        slowest_wall = max(slowest_wall, time.perf_counter() - wall)
    return slowest, slowest_wall


def memory():
    """Return the resident memory of this process in bytes."""
    with open('/proc/self/statm') as statm:
        return int(statm.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')


class Filled:
    """A full cache, and the numbers of the pages in it.

    All contenders evict the oldest page while no page is asked for.
    """

    def __init__(self, make, size):
        self.size = size
        before = memory()
        self.cache = make(size)
        # by number of a page: whether it is there
        self.there = bytearray()
        self.oldest = 0
        #: The longest of each `WINDOW` sets, in seconds.
        self.pauses = [
            longest(self.add, itertools.repeat(None, min(WINDOW, size)))[0]
            for _ in range(0, size, WINDOW)]
        text = text_length(page_key(size - 1), make_page(size - 1))
        self.overhead = (memory() - before) / size - text

    def new(self):
        """Return the key of a new page, and the page."""
        number = len(self.there)
        self.there.append(1)
        return page_key(number), make_page(number)

    def add(self, _):
        # Making the page counts too: a garbage collection may run in it.
        self.cache.set(*self.new())

    def some(self, count):
        """Return `count` different numbers of pages that are there."""
        found = set()
        while len(found) < count:
            number = random.randrange(self.oldest, len(self.there))
            if self.there[number]:
                found.add(number)
        return list(found)

    def get(self):
        """Time getting pages that are there."""
        arguments = [(page_key(number),) for number in self.some(BATCH)]
        assert self.cache.get(*arguments[0]) is not None
        return per_call(self.cache.get, arguments)

    def invalidate(self):
        """Time removing pages, each by its path and URL."""
        numbers = self.some(BATCH)
        taken = per_call(
            self.cache.invalidate, [(page_key(n),) for n in numbers])
        for number in numbers:
            self.there[number] = 0
        return taken

    def set(self):
        """Time setting new pages."""
        return per_call(self.cache.set, [self.new() for _ in range(BATCH)])

    def evict(self):
        """Time setting new pages that each evict another page."""
        taken = self.set()
        for _ in range(BATCH):
            self.oldest = self.there.index(1, self.oldest)
            self.there[self.oldest] = 0
        return taken

    def writes(self, repeat):
        """Return the mean seconds of invalidate, set, and set that evicts."""
        found = [
            (self.invalidate(), self.set(), self.evict())
            for _ in range(repeat)]
        return [statistics.fmean(times) for times in zip(*found, strict=True)]

    def purge(self):
        """Time a purge."""
        return longest(lambda _: self.cache.purge(), [None])[0]


def alone(name, size, count):
    """Fill a cache; return the costs of its operations by name."""
    gc.collect()
    gc.freeze()
    filled = Filled(CONTENDERS[name], size)
    cache = filled.cache
    found = {'overhead': filled.overhead}
    found['get'] = US * statistics.median(
        filled.get() for _ in range(count))
    if hasattr(cache, 'let_time_pass'):
        cache.let_time_pass()
    churn, _ = longest(filled.add, range(20_000))
    found['longest'] = MS * max(*filled.pauses, churn)
    found['set'] = US * statistics.median(
        filled.set() for _ in range(count))
    if getattr(cache, 'invalidate', None):
        found['invalidate'] = US * statistics.median(
            set_and_invalidate(cache, *filled.new()) for _ in range(count))
    found['purge'] = MS * filled.purge()
    return found


def set_and_invalidate(cache, key, page):
    cache.set(key, page)
    return per_call(cache.invalidate, [(key,)])
