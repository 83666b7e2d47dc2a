"""Values of questions as JSON, which every process reads without a pickle.

Text, numbers, True, False and None stay as they are.  Any other value becomes
a list: the name of its type, and its parts.
"""
import datetime
from collections.abc import Callable
from typing import Any

from DateTime import DateTime


_PLAIN = (str, int, float, bool, type(None))

#: Types of containers except dict, by name.
_CONTAINERS = {
    kind.__name__: kind for kind in (list, tuple, set, frozenset)}

#: Replaces a time by the time at which the question is asked.
_NOW = 'now'


class NoQuestion(Exception):
    """A search cannot be repeated, so the objects that it reads count."""


def packed(value: Any, is_of_clock: Callable[[float], bool]) -> Any:
    """Return `value` in types of JSON; raises NoQuestion for other types.

    `is_of_clock` gets each time in seconds since 1970.  If it returns True,
    the time of the question replaces that time.
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
        # times are compared as moments, so their zone does not count
        return ['datetime', (
            value if is_naive else value.astimezone(datetime.UTC)
        ).isoformat()]
    if kind is datetime.date:
        return ['date', value.isoformat()]
    raise NoQuestion


def unpacked(value: Any, now: Callable[..., Any] | None = None) -> Any:
    """Return the value that was packed.

    `now` gets the packed parts of the question's time, and returns the time.
    Raises ValueError, TypeError, LookupError or an error of the date types
    for JSON that :func:`packed` did not make.
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
    """Return the current time, in the form that the packed parts give."""
    if kind == 'DateTime':
        return DateTime(zone)
    return datetime.datetime.now(None if zone else datetime.UTC)


def has_now(value: Any) -> bool:
    """Return whether a packed value contains the time of the question."""
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
