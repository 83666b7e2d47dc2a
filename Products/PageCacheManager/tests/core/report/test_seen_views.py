"""Views that were published lately: counted, bounded, by many threads."""
import threading

from Products.PageCacheManager.core.report.seen_views import MAX_VIEWS
from Products.PageCacheManager.core.report.seen_views import Lately


def test_nothing_is_known_at_first():
    assert Lately().counts() == []


def test_most_frequent_comes_first():
    lately = Lately()
    for name, kind, times in (
            ('b', 'K', 1), ('a', 'L', 1), ('a', 'K', 1), ('z', '', 3)):
        for _ in range(times):
            lately.saw(name, kind)
    assert lately.counts() == [
        ('z', '', 3), ('a', 'K', 1), ('a', 'L', 1), ('b', 'K', 1)]


def test_those_not_seen_longest_are_forgotten():
    lately = Lately()
    for number in range(MAX_VIEWS):
        lately.saw(f'v{number}', '')
    lately.saw('v0', '')
    lately.saw('new', '')
    names = {name for name, _, _ in lately.counts()}
    assert len(names) == MAX_VIEWS
    assert {'v0', 'new'} <= names and 'v1' not in names


def test_counts_are_those_of_the_moment():
    lately = Lately()
    lately.saw('a', '')
    before = lately.counts()
    lately.saw('a', '')
    assert before == [('a', '', 1)]


def test_counts_are_exact_whoever_counts_at_once():
    lately = Lately()
    start = threading.Barrier(8)

    def count():
        start.wait(10)
        for number in range(500):
            lately.saw(f'v{number % 5}', '')

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [count for _, _, count in lately.counts()] == [800] * 5


def test_those_that_took_longest_come_first():
    lately = Lately()
    for name, secs in ('a', 1), ('b', 3), ('a', 1), ('c', 2), ('a', 1.5):
        lately.saw(name, 'K', secs)
    assert lately.dearest() == [
        ('a', 'K', 3, 3.5), ('b', 'K', 1, 3), ('c', 'K', 1, 2)]


def test_reset():
    lately = Lately()
    lately.saw('a', '', 1)
    lately.reset()
    assert lately.counts() == lately.dearest() == []
    lately.saw('a', '', 2)
    assert lately.dearest() == [('a', '', 1, 2)]
