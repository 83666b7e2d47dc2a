"""Tables by number and by hash, each compared with a plain table."""
import gc
from array import array

import pytest

from Products.PageCacheManager.core.store import tables
from Products.PageCacheManager.core.store.tables import MAX_FRESH
from Products.PageCacheManager.core.store.tables import NONE
from Products.PageCacheManager.core.store.tables import SHARDS
from Products.PageCacheManager.core.store.tables import Groups
from Products.PageCacheManager.core.store.tables import Numbers
from Products.PageCacheManager.core.store.tables import Records
from Products.PageCacheManager.core.store.tables import Rings
from Products.PageCacheManager.core.store.tables import Shards


def test_columns_have_an_item_for_each_number():
    whole, floats = array('I', [7]), array('d', [7])
    numbers = Numbers(whole, floats)
    numbers.take()
    assert (list(whole), list(floats)) == ([7, 0], [7.0, 0.0])
    numbers.give(1)
    numbers.take()
    assert list(whole) == [7, 0]
    numbers.take()
    assert (list(whole), list(floats)) == ([7, 0, 0], [7.0, 0.0, 0.0])


def test_numbers_begin_at_one_and_come_back():
    numbers = Numbers(array('I', [0]))
    assert [numbers.take() for _ in range(4)] == [1, 2, 3, 4]
    numbers.give(2)
    numbers.give(3)
    assert {numbers.take(), numbers.take()} == {2, 3}
    assert [numbers.take() for _ in range(2)] == [5, 6]


# shards

@pytest.mark.parametrize('low', [0, 1, (1 << 40) - 1])
@pytest.mark.parametrize('high', [0, 1, -1, 1 << 10])
def test_a_shard_is_chosen_by_seven_bits_alone(low, high):
    shards = Shards()
    found = [
        shards.shard((high << 47) + (number << 40) + low)
        for number in range(SHARDS)]
    assert all(
        one is other for one, other in zip(found, shards.dicts, strict=True))
    assert len({id(table) for table in found}) == SHARDS


# records

def numbered(count):
    return {number << 40 | number: (number, b'body') for number in range(
        1, count + 1)}


def test_a_record_is_found_until_it_is_removed():
    records = Records()
    assert records.find(7) is None
    records.put(7, (1, b'one'))
    records.put(8, (2, b'two'))
    assert (records.find(7), records[8]) == ((1, b'one'), (2, b'two'))
    records.put(7, (3, b'three'))
    assert records[7] == (3, b'three')
    records.remove(7)
    assert records.find(7) is None
    with pytest.raises(KeyError, match='^7$'):
        records[7]
    with pytest.raises(KeyError):
        records.remove(7)
    assert records[8] == (2, b'two')


@pytest.mark.parametrize('is_collecting', [True, False])
def test_records_settle_when_so_many_are_fresh(monkeypatch, is_collecting):
    collected = []
    monkeypatch.setattr(tables.gc, 'isenabled', lambda: is_collecting)
    monkeypatch.setattr(tables.gc, 'collect', collected.append)
    records = Records()
    *first, last = numbered(MAX_FRESH).items()
    for hashed, record in first:
        records.put(hashed, record)
    assert not any(records.settled.dicts) and collected == []
    records.put(*last)
    assert sum(map(len, records.settled.dicts)) == MAX_FRESH
    assert not records._fresh
    # the youngest generation is enough
    assert collected == ([0] if is_collecting else [])
    assert {hashed: records[hashed] for hashed, _ in [*first, last]} == dict(
        [*first, last])


def test_a_record_that_has_settled_is_replaced_and_removed():
    records = Records()
    for hashed, record in numbered(MAX_FRESH).items():
        records.put(hashed, record)
    one, two = 1 << 40 | 1, 2 << 40 | 2
    records.put(one, (1, b'new'))
    assert records[one] == (1, b'new')
    assert one not in records.settled.shard(one)
    records.remove(one)
    records.remove(two)
    assert records.find(one) is records.find(two) is None
    assert sum(map(len, records.settled.dicts)) == MAX_FRESH - 2


def test_settled_records_are_out_of_the_collectors_sight():
    records = Records()
    for number in range(MAX_FRESH):
        records.put(number << 40, (number, bytes(number % 7), str(number)))
    if not gc.isenabled():
        pytest.skip('collection is switched off')
    assert not [
        table for table in records.settled.dicts if gc.is_tracked(table)]


# rings

def grown(rings):
    """Return `rings` with room for the numbers up to 9."""
    for column in rings.columns:
        column.extend([0] * 9)
    return rings


def ringed(numbers):
    """Return a ring of `numbers`, the oldest first."""
    rings = grown(Rings())
    for number in numbers:
        rings.add(number, 0)
    return rings


def test_a_ring_has_an_order():
    rings = ringed([1, 2, 3, 4])
    assert (rings.newest[0], rings.oldest(0), rings.lengths[0]) == (4, 1, 4)
    assert rings.some(0, 10) == [1, 2, 3, 4]
    assert rings.some(0, 4) == [1, 2, 3, 4]
    assert rings.some(0, 2) == [1, 2]
    assert rings.some(0, 0) == []


@pytest.mark.parametrize('gone', [1, 2, 3, 4])
def test_one_of_a_ring_goes(gone):
    rings = ringed([1, 2, 3, 4])
    left = [number for number in (1, 2, 3, 4) if number != gone]
    rings.remove(gone, 0)
    assert (rings.some(0, 10), rings.lengths[0]) == (left, 3)
    assert (rings.newest[0], rings.oldest(0)) == (left[-1], left[0])
    # and back to front
    walked = [left[-1]]
    while len(walked) < 3:
        walked.append(rings._before[walked[-1]])
    assert walked == left[::-1]


def test_the_last_of_a_ring_leaves_nothing():
    rings = ringed([1])
    assert rings.some(0, 10) == [1]
    rings.remove(1, 0)
    assert (rings.newest[0], rings.oldest(0), rings.lengths[0]) == (
        NONE, NONE, 0)
    assert rings.some(0, 10) == []
    # its number may be used again
    for number in (2, 3, 1):
        rings.add(number, 0)
    assert rings.some(0, 10) == [2, 3, 1]


def test_rings_do_not_touch_each_other():
    rings = grown(Rings(2))
    for number in range(1, 9):
        rings.add(number, number % 2)
    assert rings.some(1, 10) == [1, 3, 5, 7]
    rings.remove(5, 1)
    assert rings.some(1, 10) == [1, 3, 7]
    assert rings.some(0, 10) == [2, 4, 6, 8]
    assert list(rings.lengths) == [4, 3]


# groups

def members(groups, hashed):
    group = groups.find(hashed)
    found = groups.some(group, 100)
    assert groups.lengths[group] == len(found) if group else not found
    return found


def test_groups_hold_their_members_the_oldest_first():
    groups = grown(Groups())
    assert groups.find(70) == NONE
    first = groups.join(1, 70)
    second = groups.join(2, 80)
    assert groups.join(3, 70) == first != second
    assert [groups.of[number] for number in (1, 2, 3)] == [
        first, second, first]
    assert (members(groups, 70), members(groups, 80)) == ([1, 3], [2])
    assert groups.newest[first] == 3
    assert groups.some(first, 1) == [1]
    assert (groups.find(70), groups.find(80)) == (first, second)


@pytest.mark.parametrize('gone', [1, 2, 3])
def test_a_member_leaves(gone):
    groups = grown(Groups())
    for number in (1, 2, 3):
        groups.join(number, 70)
    groups.leave(gone)
    left = [number for number in (1, 2, 3) if number != gone]
    assert members(groups, 70) == left
    assert groups.newest[groups.find(70)] == left[-1]
    groups.join(4, 70)
    assert members(groups, 70) == [*left, 4]


def test_a_group_ends_with_its_last_member_and_its_number_comes_back():
    groups = grown(Groups())
    group = groups.join(1, 70)
    other = groups.join(2, 80)
    groups.leave(1)
    assert groups.find(70) == NONE
    assert sum(map(len, groups.index.dicts)) == 1
    assert groups.join(3, 90) == group
    assert groups.join(1, 70) == max(group, other) + 1
    assert [members(groups, hashed) for hashed in (70, 80, 90)] == [
        [1], [2], [3]]
    groups.leave(3)
    groups.leave(1)
    groups.leave(2)
    assert not any(groups.index.dicts)


@pytest.mark.parametrize('number,order', [
    (2, [3, 4, 2]), (3, [2, 4, 3]), (4, [2, 3, 4])])
def test_a_member_is_renewed(number, order):
    groups = grown(Groups())
    groups.join(1, 80)
    for member in (2, 3, 4):
        groups.join(member, 70)
    groups.renew(number)
    assert members(groups, 70) == order
    assert groups.newest[groups.find(70)] == number
    assert members(groups, 80) == [1]


def test_the_only_member_is_renewed():
    groups = grown(Groups())
    groups.join(1, 70)
    groups.renew(1)
    assert members(groups, 70) == [1]
    groups.leave(1)
    assert groups.find(70) == NONE
