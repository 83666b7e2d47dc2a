"""A full cache whose operations are timed, in processor time of the thread."""
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


#: So many operations of one kind follow each other.
BATCH = 50

#: While a cache is filled the longest of so many is noted.
WINDOW = 1000

MS = 1000
US = 1_000_000


def per_call(function, arguments):
    """Return seconds of processor time that a call takes."""
    start = time.thread_time()
    for argument in arguments:
        function(*argument)
    return (time.thread_time() - start) / len(arguments)


def longest(function, arguments):
    """Return the longest time of a call in seconds: processor's, elapsed."""
    slowest = slowest_wall = 0
    for argument in arguments:
        wall, start = time.perf_counter(), time.thread_time()
        function(argument)
        slowest = max(slowest, time.thread_time() - start)
        slowest_wall = max(slowest_wall, time.perf_counter() - wall)
    return slowest, slowest_wall


def memory():
    """Return the bytes of this process that are in real memory."""
    with open('/proc/self/statm') as statm:
        return int(statm.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')


class Filled:
    """A full cache, and the numbers of the pages in it.

    While none is asked for, the oldest is what goes, in all contenders.
    """

    def __init__(self, make, size):
        self.size = size
        before = memory()
        self.cache = make(size)
        # by number: whether it is there
        self.there = bytearray()
        self.oldest = 0
        #: The longest of each so many sets, in seconds.
        self.pauses = [
            longest(self.add, itertools.repeat(None, min(WINDOW, size)))[0]
            for _ in range(0, size, WINDOW)]
        text = text_length(page_key(size - 1), make_page(size - 1))
        self.overhead = (memory() - before) / size - text

    def new(self):
        """Return a page that is not there yet, and its key."""
        number = len(self.there)
        self.there.append(1)
        return page_key(number), make_page(number)

    def add(self, _):
        # A collection may come while the page is made, so that counts too.
        self.cache.set(*self.new())

    def some(self, count):
        """Return numbers of pages that are there, each once."""
        found = set()
        while len(found) < count:
            number = random.randrange(self.oldest, len(self.there))
            if self.there[number]:
                found.add(number)
        return list(found)

    def get(self):
        """Time pages that are there."""
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
        """Time new pages."""
        return per_call(self.cache.set, [self.new() for _ in range(BATCH)])

    def evict(self):
        """Time new pages that each push out another."""
        taken = self.set()
        for _ in range(BATCH):
            self.oldest = self.there.index(1, self.oldest)
            self.there[self.oldest] = 0
        return taken

    def writes(self, repeat):
        """Return seconds of invalidate, set and set that evicts."""
        found = [
            (self.invalidate(), self.set(), self.evict())
            for _ in range(repeat)]
        return [statistics.fmean(times) for times in zip(*found, strict=True)]

    def purge(self):
        """Time forgetting all."""
        return longest(lambda _: self.cache.purge(), [None])[0]


def alone(name, size, count):
    """Fill a cache; return what its operations took."""
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
