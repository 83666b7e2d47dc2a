"""Counters are exact, also if several threads count at the same time."""
import threading

from Products.PageCacheManager.core.report.tally import Tally
from Products.PageCacheManager.tests.counts import total


THREADS = 8
EACH = 2000


def test_nothing_is_counted_at_first():
    tally = Tally()
    assert tally.counts() == {}
    assert total(tally, 'HIT') == 0


def test_words_and_reasons_are_counted_apart():
    tally = Tally()
    tally.add('HIT')
    tally.add('HIT')
    tally.add('HIT', 'not-modified')
    tally.add('BYPASS', 'fragment')
    assert tally.counts() == {
        ('HIT', ''): 2, ('HIT', 'not-modified'): 1,
        ('BYPASS', 'fragment'): 1}
    assert total(tally, 'HIT') == 3
    assert total(tally, 'BYPASS') == 1
    assert total(tally, 'fragment') == 0


def test_counts_are_those_of_the_moment():
    tally = Tally()
    tally.add('HIT')
    before = tally.counts()
    tally.add('HIT')
    assert before == {('HIT', ''): 1}
    before.clear()
    assert total(tally, 'HIT') == 2


def test_asking_for_a_total_adds_no_counter():
    tally = Tally()
    total(tally, 'HIT')
    assert tally.counts() == {}


def test_threads_lose_no_count():
    tally = Tally()
    start = threading.Barrier(THREADS)

    def count(number):
        start.wait(10)
        for turn in range(EACH):
            tally.add('MISS', f'new {number} {turn % 7}')
            tally.add('HIT')
            total(tally, 'MISS')

    threads = [
        threading.Thread(target=count, args=(number,))
        for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert total(tally, 'HIT') == total(tally, 'MISS') == THREADS * EACH
    assert len(tally.counts()) == 1 + THREADS * 7
