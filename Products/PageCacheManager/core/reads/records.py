"""Comparison of two records of an object.

A record is the form of an object in ZODB: a pickle of its class, and a pickle
of its state.  The comparison imports no module and runs no code of the object.
"""
import io
import pickle
import re
from functools import lru_cache
from typing import Any


#: Items that each login of a user changes.  Pages do not show them, except to
#: the user.
OF_LOGIN = frozenset(['login_time', 'last_login_time'])

#: Longer records are equal only if they have the same bytes.
MAX_BYTES = 64 * 1024

_OF_BTREES = re.compile(rb'(?:\x80.)?cBTrees\.', re.DOTALL).match

#: Errors of invalid pickles, and of objects that refer to themselves.
UNREADABLE = (
    pickle.UnpicklingError, ArithmeticError, AttributeError, EOFError,
    LookupError, RecursionError, TypeError, ValueError)


class _Made:
    """Stands for an object of any class, and holds its data in the pickle."""

    def __new__(cls, *args: Any, **keywords: Any) -> '_Made':
        self = object.__new__(cls)
        self.parts = [args, keywords]
        return self

    parts: list[Any]

    def __setstate__(self, state: Any) -> None:
        self.parts.append(state)

    def append(self, item: Any) -> None:
        self.parts.append(item)

    def __setitem__(self, name: Any, value: Any) -> None:
        self.parts.append((name, value))


@lru_cache(maxsize=4096)
def _kind(module: str, name: str) -> type[_Made]:
    return type(name, (_Made,), {'__module__': module})


class _Unpickler(pickle.Unpickler):

    def find_class(self, module: str, name: str) -> Any:
        return _kind(module, name)

    def persistent_load(self, reference: Any) -> Any:
        return 'reference', reference


def may_be_unchanged(record: bytes) -> bool:
    """Return whether an object may be unchanged although it was written.

    Only such records are compared: those with the time of a login, and those
    of BTrees, which a login writes too.  A write of any other object counts as
    a change, even if its record is the same: code writes an object to drop
    values that others keep of it in memory (BTrees can keep none), and the
    data of a blob are in no record.
    """
    return _OF_BTREES(record) is not None or b'login_time' in record


def are_equal(before: bytes, now: bytes) -> bool:
    """Return whether two records are equal, except for times of logins."""
    if before == now:
        return True
    if (max(len(before), len(now)) > MAX_BYTES
            or b'login_time' not in before + now):
        return False
    try:
        return _are_equal(_loaded(before), _loaded(now))
    except UNREADABLE:
        return False


def _loaded(record: bytes) -> list[Any]:
    unpickler = _Unpickler(io.BytesIO(record))
    return [unpickler.load(), unpickler.load()]


def _are_equal(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(_are_equal, one, other))
    if isinstance(one, dict):
        # pages may show items in their order
        names, others = (
            [name for name in each if name not in OF_LOGIN]
            for each in (one, other))
        return names == others and all(
            _are_equal(one[name], other[name]) for name in names)
    if isinstance(one, _Made):
        return _are_equal(one.parts, other.parts)
    return bool(one == other)
