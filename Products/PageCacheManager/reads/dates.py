"""The times at which the clock changes the result of a search for dates."""
import datetime
import math
import time
from typing import Any


#: An answer from an index of an unknown kind may change after this time.
UNKNOWN_SECS = 60


def next_change(index: Any) -> float:
    """Return the time of the next date in an index, seconds since 1970.

    Infinity if there is none.
    """
    now = time.time()
    kind = getattr(index, 'meta_type', '')
    if kind == 'DateRangeIndex':
        minute = int(now // 60)
        ends = [
            key + later
            for name, later in (('_since', 0), ('_since_only', 0),
                                ('_until', 1), ('_until_only', 1))
            for key in _keys_from(getattr(index, name), minute + 1 - later)]
        return min(ends, default=math.inf) * 60
    if kind in ('DateIndex', 'DateRecurringIndex'):  # plone.app.event
        key = _minute_key(now)
        return min(
            (_secs_of(found) + (60 if found == key else 0)
             for found in _keys_from(index._index, key)), default=math.inf)
    return now + UNKNOWN_SECS


def _keys_from(tree: Any, key: int) -> list[int]:
    """Return a list with the first key from `key` on, empty if none."""
    try:
        return [tree.minKey(key)]
    except ValueError:
        return []


def _minute_key(now: float) -> int:
    """Return the key of a moment in a DateIndex: its minute in UTC."""
    moment = time.gmtime(now)
    return (((moment.tm_year * 12 + moment.tm_mon) * 31 + moment.tm_mday)
            * 24 + moment.tm_hour) * 60 + moment.tm_min


def _secs_of(key: int) -> float:
    """Return the time of a key, seconds since 1970."""
    rest, minute = divmod(key, 60)
    rest, hour = divmod(rest, 24)
    # month and day count from 1
    rest, day = divmod(rest - 1, 31)
    year, month = divmod(rest - 1, 12)
    first = datetime.datetime(
        year, month + 1, 1, hour, minute, tzinfo=datetime.UTC)
    return first.timestamp() + day * 86_400
