"""Read sets in a table: changes, the owners of slots, and memory."""
import gc
import random
import sys
import tracemalloc

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle
from hypothesis.stateful import RuleBasedStateMachine
from hypothesis.stateful import invariant
from hypothesis.stateful import rule

from Products.PageCacheManager.core.reads.groups import LEARN_EVERY
from Products.PageCacheManager.core.reads.groups import MAX_CANDIDATES
from Products.PageCacheManager.core.reads.groups import MIN_GAIN
from Products.PageCacheManager.core.reads.table import MAX_FREED
from Products.PageCacheManager.core.reads.table import Table
from Products.PageCacheManager.core.reads.unknown import Changed


def oids(*numbers):
    return {number.to_bytes(8, 'big') for number in numbers}


def oid(number):
    return number.to_bytes(8, 'big')


def changed(table, read_set):
    return table.changed_since(read_set, read_set.sequence)


@pytest.fixture
def table():
    return Table()


def test_nothing_changed_at_first(table):
    page = table.add({1: oids(1, 2)})
    assert changed(table, page) is None
    assert page.object_count == 2


def test_a_commit_of_an_object_changes_the_page(table):
    page = table.add({1: oids(1, 2)})
    table.note(1, oids(2, 9))
    assert changed(table, page) == Changed(1, oid(2))


def test_a_commit_of_other_objects_does_not(table):
    page = table.add({1: oids(1, 2)})
    table.note(1, oids(3))
    table.note(2, oids(1, 2))
    assert changed(table, page) is None
    assert table.sequence == page.sequence


def test_a_page_that_is_made_after_the_commit_is_unchanged(table):
    old = table.add({1: oids(1, 2)})
    table.note(1, oids(2))
    new = table.add({1: oids(1, 2)})
    assert changed(table, new) is None
    assert changed(table, old) == Changed(1, oid(2))


def test_databases_have_objects_of_their_own(table):
    page = table.add({1: oids(1), 2: oids(1)})
    assert sorted(table.objects(page)) == [(1, oid(1)), (2, oid(1))]
    assert page.sources == (1, 2)
    table.note(2, oids(1))
    assert changed(table, page) == Changed(2, oid(1))


def test_a_change_in_the_group_changes_all_its_pages(table):
    common = range(100, 100 + 2 * MIN_GAIN)
    pages = [table.add({1: oids(number, *common)}) for number in range(5)]
    assert pages[2].group is pages[3].group is not None
    assert len(pages[3].slots) == 1
    table.note(1, oids(3))
    assert [changed(table, page) for page in pages] == [
        None, None, None, Changed(1, oid(3)), None]
    table.note(1, oids(100))
    assert changed(table, pages[3]) == Changed(1, oid(100))
    assert None not in [changed(table, page) for page in pages]


def test_what_a_group_was_found_to_be_holds_at_its_sequence_alone(table):
    common = range(100, 100 + 2 * MIN_GAIN)
    pages = [table.add({1: oids(number, *common)}) for number in range(3)]
    table.note(1, oids(0))  # the group is looked at
    assert changed(table, pages[2]) is None
    table.note(1, oids(100))
    assert changed(table, pages[2]) == Changed(1, oid(100))
    new = table.add({1: oids(9, *common)})
    assert new.group is pages[2].group
    table.note(1, oids(2))  # it is looked at once more
    assert changed(table, new) is None
    table.note(1, oids(101))
    assert changed(table, new) == Changed(1, oid(101))


def test_pages_of_several_kinds_find_groups_of_their_own(table):
    chosen = random.Random(1)
    kinds = [range(start, start + 80) for start in (1000, 2000, 3000)]
    pages = [
        table.add({1: oids(
            *range(200), *kinds[number % 3],
            *chosen.sample(range(10_000, 90_000), 20))})
        for number in range(40 * LEARN_EVERY)]
    assert {len(page.slots) for page in pages[-30:]} == {20}
    assert {len(page.group.slots) for page in pages[-30:]} == {280}


def test_unlike_pages_have_no_group(table):
    pages = [
        table.add({1: oids(*range(start, start + 50))})
        for start in range(0, 5000, 50)]
    assert not [page for page in pages if page.group is not None]


# the owners of slots

def test_slots_are_free_when_the_last_page_is_gone(table):
    one, other = table.add({1: oids(1, 2)}), table.add({1: oids(2, 3)})
    assert len(table) == 3
    del one
    table.note(1, oids(9))
    assert len(table) == 2
    assert changed(table, other) is None
    del other
    table.note(1, oids(9))
    assert len(table) == 0


def test_a_slot_that_is_free_is_used_again(table):
    page = table.add({1: oids(1, 2)})
    table.note(1, oids(1))
    slots = set(page.slots)
    del page
    other = table.add({1: oids(3, 4)})
    assert set(other.slots) == slots
    assert changed(table, other) is None
    table.note(1, oids(1, 2))
    assert changed(table, other) is None
    table.note(1, oids(4))
    assert changed(table, other) == Changed(1, oid(4))


def test_a_page_that_is_being_looked_at_keeps_its_slots(table):
    """For example if another thread drops it from its store meanwhile."""
    looked_at = table.add({1: oids(1)})
    table.note(1, oids(1))
    others = [table.add({1: oids(number)}) for number in range(2, 50)]
    assert changed(table, looked_at) == Changed(1, oid(1))
    assert not set(looked_at.slots) & {
        slot for other in others for slot in other.slots}


def test_a_few_read_sets_are_freed_at_a_time(table):
    pages = [table.add({1: oids(number)}) for number in range(2 * MAX_FREED)]
    pages.clear()
    table.note(1, ())
    assert len(table) == MAX_FREED
    table.note(1, ())
    assert len(table) == 0


def test_a_full_table_takes_no_page():
    table = Table(max_slots=3)
    page = table.add({1: oids(1, 2)})
    assert table.add({1: oids(3, 4)}) is None
    assert table.add({1: oids(1)}) is not None
    del page
    assert table.add({1: oids(3, 4)}) is not None


class Pages(RuleBasedStateMachine):
    """Compares a table with plain sets while pages come and go."""

    pages = Bundle('pages')
    some = st.frozensets(st.integers(0, 120), max_size=90)

    def __init__(self):
        super().__init__()
        self.table = Table()
        #: For each page its objects, and the objects that changed since.
        self.model = {}
        self.kept = {}

    @rule(target=pages, first=some, second=some)
    def add(self, first, second):
        number = len(self.model)
        self.kept[number] = self.table.add({
            1: oids(*first), 2: oids(*second)})
        self.model[number] = (
            {Changed(1, oid(one)) for one in first}
            | {Changed(2, oid(one)) for one in second}), set()
        return number

    @rule(page=pages)
    def drop(self, page):
        self.kept.pop(page, None)

    @rule(source=st.sampled_from([1, 2, 3]), numbers=some)
    def commit(self, source, numbers):
        self.table.note(source, oids(*numbers))
        for objects, since in self.model.values():
            since |= objects & {Changed(source, oid(one)) for one in numbers}

    @rule(page=pages)
    def check(self, page):
        if page not in self.kept:
            return
        now = self.table.sequence
        found = changed(self.table, self.kept[page])
        since = self.model[page][1]
        assert found in since if since else found is None
        if found is None:
            self.kept[page].sequence = now

    @invariant()
    def every_page_has_its_objects(self):
        for page, read_set in self.kept.items():
            assert set(self.table.objects(read_set)) == self.model[page][0]
            assert read_set.object_count == len(self.model[page][0])


TestPages = Pages.TestCase
TestPages.settings = settings(
    max_examples=settings().max_examples // 2, deadline=None)


# memory

def workload(pages):
    """Yield read sets like those of the pages of a large site."""
    chosen = random.Random(1)
    pool = range(1, 60_000)
    base, hot = chosen.sample(pool, 500), chosen.sample(pool, 4000)
    for _ in range(pages):
        yield {1: oids(
            *base, *chosen.choices(hot, k=100), *chosen.choices(pool, k=30))}


def test_pages_are_charged_for_what_the_table_takes():
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        table = Table()
        pages = [table.add(reads) for reads in workload(300)]
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    # the slots of the pages that are compared with others are apart
    candidates = MAX_CANDIDATES * sys.getsizeof(frozenset(range(630)))
    assert sum(page.size for page in pages) >= 0.8 * (taken - candidates)
    used = len(table)
    pages.clear()
    for _ in range(300):
        table.note(1, ())
    assert len(table) < used / 8  # groups stay, to be compared with
    assert not table._gone


def test_pages_take_little():
    table = Table()
    pages = [table.add(reads) for reads in workload(600)]
    mean = sum(page.own_size for page in pages) / len(pages)
    assert mean < 800
