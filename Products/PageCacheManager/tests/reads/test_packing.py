"""Values of questions as JSON."""
import json
from datetime import UTC
from datetime import date
from datetime import datetime
from datetime import timedelta
from datetime import timezone

import pytest
from DateTime import DateTime
from DateTime.interfaces import DateTimeError

from Products.PageCacheManager.reads import packing
from Products.PageCacheManager.reads.packing import NoQuestion
from Products.PageCacheManager.reads.packing import has_now
from Products.PageCacheManager.reads.packing import packed
from Products.PageCacheManager.reads.packing import unpacked


NOON = datetime(2026, 5, 4, 12, 0, 0, 25)


def kind(value):
    """Return a name for a test that is the same in each process."""
    return type(value).__name__


def never(moment):
    return False


def over_the_wire(value, is_of_clock=never):
    return json.loads(json.dumps(packed(value, is_of_clock)))


@pytest.mark.parametrize('value', [
    '', 'now', 'Gr\xfc\xdfe \u2192 \udcff', b'', bytes(range(256)), 0, -1,
    10**30, 1.5, float('inf'), True, False, None, [], [1, [2, (3,)]], (),
    ('now',), ['now', 'DateTime', 'UTC'], {}, {'now': 1, 2: 'now'},
    {'query': ['a', 'b'], 'operator': 'and'}, {(1, 2): {3: None}}, set(),
    {'b', 'a', 'c'}, frozenset([1, 2]), {frozenset(['x']): {1}},
    date(2026, 5, 4), NOON, NOON.replace(tzinfo=UTC),
    DateTime('2026/05/04 12:00:00 GMT+3'), DateTime(1.5), DateTime('UTC')],
    ids=kind)
def test_a_value_is_the_same_in_another_process(value):
    found = unpacked(over_the_wire(value))
    assert found == value
    assert type(found) is type(value)
    assert not has_now(packed(value, never))


def test_equal_values_have_one_text():
    names = [f'name{number}' for number in range(50)]
    assert packed(set(names), never) == packed(set(names[::-1]), never)


def test_a_date_keeps_zone_and_fractions():
    value = DateTime('2026/05/04 12:00:00.123456 GMT+3')
    found = unpacked(over_the_wire(value))
    assert (found.timezone(), found.micros()) == (
        value.timezone(), value.micros())


def test_a_time_of_another_zone_is_the_same_moment():
    value = NOON.replace(tzinfo=timezone(timedelta(hours=5.5)))
    assert unpacked(over_the_wire(value)) == value


@pytest.mark.parametrize('value', [
    object(), [object()], {'a': {object()}}, lambda: 1, type('S', (str,), {})])
def test_any_other_value_is_no_question(value):
    with pytest.raises(NoQuestion):
        packed(value, never)


@pytest.mark.parametrize('value', [
    DateTime(), datetime.now(), datetime.now(UTC), [{'a': (DateTime(),)}]],
    ids=kind)
def test_a_time_of_the_clock_is_that_of_the_question(value, monkeypatch):
    packed_now = over_the_wire(value, lambda moment: True)
    assert has_now(packed_now)
    monkeypatch.setattr(
        packing, 'time_of_now', lambda kind, zone: f'{kind} {zone}')
    assert 'e' in repr(unpacked(packed_now))
    assert unpacked(packed_now) != value


@pytest.mark.parametrize('now', [
    lambda: DateTime('UTC'), datetime.now, lambda: datetime.now(UTC)])
def test_the_time_of_a_question_is_of_the_same_kind(now):
    value = now()
    found = unpacked(over_the_wire(value, lambda moment: True))
    assert type(found) is type(value)
    assert abs(found - value) < (
        1 if isinstance(value, DateTime) else timedelta(minutes=1))


@pytest.mark.parametrize('value', [
    [], ['other', 1], ['dict', 1], ['dict', ['list'], 1], ['date'],
    ['date', 'today'], ['date', 5], ['bytes', '\u2192'], ['bytes', 1],
    ['set', ['list']], ['DateTime', 1], ['DateTime', 'x', True, 'UTC'],
    ['DateTime', 1, True, 'nowhere'], ['now'], ['now', 'DateTime', 'nowhere'],
    [['list']], [None, 1]], ids=kind)
def test_json_of_others_is_refused(value):
    with pytest.raises((ValueError, TypeError, LookupError, DateTimeError)):
        unpacked(value)
