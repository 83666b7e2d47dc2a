"""Which pages are asked for most."""
from collections import Counter
from random import Random

from ...core import hot
from ...core.hot import HotPages
from ...core.limits import Rate


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def fill(pages, names, limit=3):
    for name in names:
        pages.count(name, limit, lambda name=name: name.upper())


def test_the_hottest_come_first():
    pages = HotPages()
    fill(pages, 'abbccc')
    assert pages.hottest(2) == ['C', 'B']
    assert pages.hottest(9) == ['C', 'B', 'A']


def test_what_belongs_to_a_page_is_made_once():
    pages = HotPages()
    made = []
    for _ in range(3):
        pages.count('a', 3, lambda: made.append(1) or 'A')
    assert made == [1]


def test_what_is_worn_out_is_made_anew():
    pages = HotPages()
    fill(pages, 'aab')
    pages.wear_out('a')
    pages.wear_out('unknown')
    assert pages.hottest(2) == ['A', 'B']
    for number in range(2):
        pages.count('a', 3, lambda number=number: number + 1)
    assert pages.hottest(2) == [1, 'B']
    pages.wear_out('a')
    pages.count('a', 3, lambda: None)
    assert pages.hottest(2) == [1, 'B']


def test_a_page_of_which_nothing_can_be_kept():
    pages = HotPages()
    pages.count('a', 3, lambda: None)
    assert pages.hottest(3) == []


def test_each_that_is_more_than_its_part_is_found():
    """The theorem of Misra and Gries, for random sequences."""
    random = Random(5)
    for _ in range(200):
        limit = random.randint(1, 5)
        names = random.choices('abcdefgh', [8, 5, 3, 2, 1, 1, 1, 1], k=60)
        pages = HotPages()
        fill(pages, names, limit)
        found = pages.hottest(limit)
        assert len(found) <= limit
        assert {
            name.upper() for name, count in Counter(names).items()
            if count > len(names) / (limit + 1)} <= {*found}


def test_pages_asked_for_once_push_none_out():
    pages = HotPages()
    fill(pages, 'a' * 1000)
    fill(pages, map(chr, range(1000, 1500)))
    assert pages.hottest(1) == ['A']


def test_what_was_hot_cools_down():
    clock = Clock()
    pages = HotPages(clock)
    fill(pages, 'aaabb')
    clock.now = hot.HALF_LIFE_SECS
    fill(pages, 'bb')
    assert pages.hottest(3) == ['B', 'A']
    clock.now *= 3
    fill(pages, 'c')
    assert pages.hottest(3) == ['B', 'C']


def test_it_cools_down_though_nobody_asks():
    clock = Clock()
    pages = HotPages(clock)
    fill(pages, 'aab')
    for expected in ['A'], []:
        clock.now += hot.HALF_LIFE_SECS
        assert pages.hottest(3) == expected


def test_pages_are_forgotten():
    pages = HotPages()
    fill(pages, 'abc')
    pages.forget('b')
    pages.forget('unknown')
    assert sorted(pages.hottest(3)) == ['A', 'C']
    pages.clear()
    assert pages.hottest(3) == []


def test_so_many_a_minute():
    clock = Clock()
    rate = Rate(clock)
    assert [rate.allows(2) for _ in range(3)] == [True, True, False]
    clock.now = 60.0
    assert rate.allows(2)
