"""Values of questions as JSON, which every process reads without a pickle.

Text, numbers, True, False and None stand for themselves.  Any other value is
a list: the name of its kind, and its parts.
"""
import datetime
from collections.abc import Callable
from typing import Any

from DateTime import DateTime


_PLAIN = (str, int, float, bool, type(None))

#: Kinds of containers but dict, by name.
_CONTAINERS = {
    kind.__name__: kind for kind in (list, tuple, set, frozenset)}

#: In place of a time: that at which the question is asked.
_NOW = 'now'


class NoQuestion(Exception):
    """A search can't be asked again as it was; its objects count."""


def packed(value: Any, is_of_clock: Callable[[float], bool]) -> Any:
    """Return `value` as JSON has it; raises NoQuestion if it can't be.

    A time for which `is_of_clock` is true, in seconds since 1970, becomes
    that of the question.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is bytes:
        return ['bytes', value.decode('latin-1')]
    if kind in (list, tuple):
        return [kind.__name__, *[packed(one, is_of_clock) for one in value]]
    if kind in (set, frozenset):
        return [kind.__name__, *sorted(
            [packed(one, is_of_clock) for one in value], key=repr)]
    if kind is dict:
        return ['dict', *[
            packed(one, is_of_clock)
            for pair in value.items() for one in pair]]
    if kind is DateTime:
        if is_of_clock(float(value)):
            return [_NOW, 'DateTime', value.timezone()]
        return ['DateTime', *value.__getstate__()]
    if kind is datetime.datetime:
        is_naive = value.utcoffset() is None
        if is_of_clock(value.timestamp()):
            return [_NOW, 'datetime', is_naive]
        # times are compared by the moment, whatever their zone
        return ['datetime', (
            value if is_naive else value.astimezone(datetime.UTC)
        ).isoformat()]
    if kind is datetime.date:
        return ['date', value.isoformat()]
    raise NoQuestion


def unpacked(value: Any, now: Callable[..., Any] | None = None) -> Any:
    """Return the value that was packed.

    `now` returns the time of the question, given its packed parts.  Raises
    ValueError, TypeError or IndexError for JSON of others.
    """
    if type(value) is not list:
        return value
    kind, *parts = value
    if kind in _CONTAINERS:
        return _CONTAINERS[kind](unpacked(one, now) for one in parts)
    if kind == 'dict':
        found = [unpacked(one, now) for one in parts]
        return dict(zip(found[::2], found[1::2], strict=True))
    if kind == _NOW:
        return (now or time_of_now)(*parts)
    part, *others = parts
    if kind == 'DateTime':
        return _date_time(part, *others)
    return _KINDS[kind](part)


def time_of_now(kind: str, zone: Any) -> Any:
    """Return the time of now, as the packed parts of one say."""
    if kind == 'DateTime':
        return DateTime(zone)
    return datetime.datetime.now(None if zone else datetime.UTC)


def has_now(value: Any) -> bool:
    """Return whether a packed value has a time of the question in it."""
    return type(value) is list and (
        value[0] == _NOW or any(map(has_now, value)))


def _date_time(micros: int, is_naive: bool, zone: str) -> DateTime:
    found = DateTime.__new__(DateTime)
    found.__setstate__((micros, is_naive, zone))
    return found


_KINDS: dict[str, Callable[[str], Any]] = {
    'bytes': lambda text: bytes(text, 'latin-1'),
    'datetime': datetime.datetime.fromisoformat,
    'date': datetime.date.fromisoformat,
}
