"""The cost of the read sets of pages.

A miss must find the objects that were read, among any number of objects in the
connection.  After a commit each page is checked once for changes.
"""
import itertools
import time
from collections import deque

import cmfsite
import contenders
import rounds
import transaction
from BTrees.IOBTree import IOBTree
from OFS.SimpleItem import SimpleItem
from pages import CPU
from pages import both

from Products.PageCacheManager.manager.caches import recent_answers
from Products.PageCacheManager.tests.client import Client
from Products.PageCacheManager.tests.site import Item


#: The numbers of objects in the connection while pages are rendered.
LOADED = (30_000, 100_000)

#: The number of objects in one commit.
AT_ONCE = 100

#: Seconds between two commits.
PAUSE_SECS = 1

PAGE = '/site/doc/zodb_cached'


class Bench:
    """The site with many objects that no page shows."""

    def __init__(self, pages):
        self.app = cmfsite.start()
        cmfsite.build(self.app)
        # no loaded object leaves the connection
        self.app._p_jar.db().setCacheSize(4 * LOADED[-1])
        self.client = Client()
        self.urls = itertools.cycle(range(pages))
        self.pages = pages
        self.app._setObject('aside', SimpleItem())
        self.app.aside.objects = IOBTree()
        for number in range(LOADED[-1]):
            self.app.aside.objects[number] = SimpleItem()
        transaction.commit()
        Item.load = load
        Item.load__roles__ = None
        hit = self._twice(PAGE)
        cmfsite.add_floor('floor', hit, hit.body)

    def _twice(self, path):
        self.client.get(path)
        answer = self.client.get(path)
        assert answer.outcome == 'HIT', answer.lines
        return answer

    # a miss beside many objects

    def miss_actions(self, count):
        """Return actions that get new pages, with the cache and without."""
        told = self.client.get(f'/site/doc/load?count={count}').text
        assert int(told) >= count, told
        numbers = itertools.count()

        def fresh(path):
            ask = cmfsite.asker(path)
            return rounds.timed(
                lambda: ask(QUERY_STRING=f'c={count}&n={next(numbers)}'), 1)

        with contenders.counted_renders() as rendered:
            answer = self.client.get(f'{PAGE}?first={count}')
        assert answer.outcome == 'MISS' and len(rendered) == 1, answer.lines
        return {
            'MISS': fresh(PAGE), 'uncached': fresh('/site/doc/zodb_uncached')}

    # many pages beside commits

    def fill(self):
        """Ask for all pages, so that they are stored."""
        site = self.app.site
        site.page_cache.manage_editProps('', {'late_ms': 0})
        transaction.commit()
        recent_answers.clear()
        ask = cmfsite.asker(PAGE)
        for number in range(self.pages):
            ask(QUERY_STRING=f'page={number}')
        answer = self.client.get(f'{PAGE}?page={self.pages - 1}')
        assert answer.outcome == 'HIT', answer.lines

    def hits(self, secs, commits):
        """Return a function that asks for one page after another.

        It does so for `secs` seconds and returns the mean times of an answer.
        """
        ask = cmfsite.asker(PAGE)

        def run():
            took = deque()
            end = time.perf_counter() + secs
            due = time.perf_counter() + (0 if commits else 2 * secs)
            while time.perf_counter() < end:
                if time.perf_counter() >= due:
                    self.commit()
                    due += PAUSE_SECS
                took.append(rounds.timed(lambda: ask(
                    QUERY_STRING=f'page={next(self.urls)}'), 1)())
            return rounds.Times(*(
                sum(values) / len(took) for values in zip(*took, strict=True)))
        return run

    def floor(self, secs):
        """Return a function like that of `hits`, which asks for the floor."""
        ask = cmfsite.asker('/site/doc/floor')

        def run():
            count, end = 0, time.perf_counter() + secs
            wall, cpu = time.perf_counter(), time.process_time()
            while time.perf_counter() < end:
                ask(QUERY_STRING=f'page={next(self.urls)}')
                count += 1
            return rounds.Times(
                (time.perf_counter() - wall) / count,
                (time.process_time() - cpu) / count)
        return run

    def commit(self):
        """Change objects that no page shows."""
        transaction.begin()
        for number in range(AT_ONCE):
            self.app.aside.objects[number].title = str(time.time())
        transaction.commit()


def load(self, count):
    """Load `count` objects; return the number in the connection."""
    objects = self.getPhysicalRoot().aside.objects
    for number in range(int(count)):
        objects[number]._p_activate()
    return str(self._p_jar._cache.cache_non_ghost_count)


def figures(options):
    bench = Bench(options.pages)
    found = []
    for count in LOADED:
        times = rounds.measure(bench.miss_actions(count), options.pairs)
        found += both(
            'in process, beside many objects in memory',
            f'MISS, {count} objects', 'x uncached', times['MISS'],
            times['uncached'], 1.03)
    bench.fill()
    times = rounds.measure({
        'floor': bench.floor(options.secs),
        'hit': bench.hits(options.secs, commits=False),
        'beside commits': bench.hits(options.secs, commits=True)},
        options.rounds)
    return found + [*of_checks(options, times)]


def of_checks(options, times):
    """Yield the cost of checking pages, as a part of the floor."""
    part = (f'in process, {options.pages} pages, a commit of {AT_ONCE} objects'
            ' a second')
    for clock, kind in enumerate(('', CPU)):
        floor, hit, beside = (
            [one[clock] for one in times[name]]
            for name in ('floor', 'hit', 'beside commits'))
        more = [a - b for a, b in zip(beside, hit, strict=True)]
        yield rounds.ratio_figure(
            part, f'HIT that asks: more{kind}', 'x floor', more, floor,
            at_most=0.06)
        yield rounds.ratio_figure(
            part, f'HIT that asks{kind}', 'x floor', hit, floor)


if __name__ == '__main__':
    rounds.main(
        __doc__, figures, rounds=(7, 15), pairs=(120, 600),
        secs=(3, 10), pages=(2000, 10_000))
