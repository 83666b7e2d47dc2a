"""Access to internals of ZODB; only this module of the folder uses them.

A transaction id is an int here.
"""
import time
from collections.abc import Collection
from collections.abc import Iterable
from functools import partial
from operator import attrgetter
from operator import is_not
from typing import Any
from typing import NamedTuple

from persistent.TimeStamp import TimeStamp
from ZODB.DemoStorage import DemoStorage
from ZODB.interfaces import IMVCCStorage
from ZODB.utils import p64
from ZODB.utils import z64

from .marker import MARKER_OID
from .marker import Marker
from .marker import made
from .thread import thread


class RingMark(NamedTuple):
    """A connection, and the state of its pickle cache when reading began."""

    connection: Any
    cache: Any
    marker: Marker
    #: The number of times that the marker was set, with this one.
    turn: int
    #: The number of objects in the cache, minus the number of all loads of
    #: the connection.  It stays equal if no object leaves the cache.
    expected: int
    #: The time of opening, from the connection.
    opened: Any
    #: The snapshot, from the storage instance.
    start: Any
    #: The time of the mark, seconds since 1970.
    at: float
    #: The number of connections that the thread had opened then.
    opens: int


_serial = attrgetter('_p_serial')
_is_there = partial(is_not, None)


def mark_rings(connection: Any) -> list[RingMark]:
    """Put a marker into the ring of each connection of a transaction.

    All objects that are used from now on stand behind it.  A marker stays in
    its cache for the next request.  Each request comes here, so this calls no
    function of ours if the cache has a marker already.
    """
    found = []
    now, opens = time.time(), thread.opened
    for one in connection.connections.values():
        cache = one._cache
        marker = cache.get(MARKER_OID)
        if marker is None or marker._p_changed is None:
            marker = made(cache, one, MARKER_OID)
        own = marker.__dict__
        own['turn'] = turn = own.get('turn', 0) + 1
        marker.touched  # noqa: B018 - any use moves it to the end
        found.append(RingMark(
            one, cache, marker, turn,
            cache.cache_non_ghost_count - one._load_count, one.opened,
            getattr(one._normal_storage, '_start', None), now, opens))
    return found


def tid_of(storage: Any) -> int | None:
    """Return the last transaction that is visible in a storage instance.

    `storage` belongs to a connection, or was polled before.  None if it was
    never polled.
    """
    try:
        start = storage._start
    except AttributeError:  # it has its own kind of snapshots
        return int.from_bytes(storage.lastTransaction())
    return None if start is None else int.from_bytes(start) - 1


def snapshot_of(connection: Any) -> int | None:
    """Return the last transaction that is visible to a connection.

    None if it is closed, shows the past, or has no snapshot yet.
    """
    if connection.opened is None or connection.before is not None:
        return None
    return tid_of(connection._normal_storage)


def has_changes(connection: Any) -> bool:
    """Return whether the transaction has changes for this database."""
    return bool(
        connection._registered_objects
        or connection._savepoint_storage is not None)


def shown(mark: RingMark) -> int | None:
    """Return the last transaction visible to a connection since its mark.

    None if its snapshot changed since, or if it has none.
    """
    one = mark.connection
    if getattr(one._normal_storage, '_start', None) != mark.start:
        return None
    return snapshot_of(one)


def is_in_place(mark: RingMark) -> bool:
    """Return whether a cache still has its marker from this mark."""
    marker = mark.marker
    return (
        mark.connection._cache is mark.cache
        and mark.cache.get(MARKER_OID) is marker
        and marker._p_changed is not None
        # this does not count as a use
        and marker.__dict__.get('turn') == mark.turn)


def is_complete(mark: RingMark) -> bool:
    """Return whether no object left the cache since its mark."""
    return bool(mark.expected == (
        mark.cache.cache_non_ghost_count - mark.connection._load_count))


def oid_of(ob: Any) -> bytes | None:
    """Return the oid of an object, None if it has none (yet)."""
    oid: bytes | None = getattr(ob, '_p_oid', None)
    return oid


def newest(connection: Any, oids: Iterable[bytes]) -> float:
    """Return the time of the last commit of some objects.

    In seconds since 1970, 0 for none.  Only loaded objects count.
    """
    found = filter(_is_there, map(connection._cache.get, oids))
    return time_of(int.from_bytes(max(map(_serial, found), default=z64)))


def time_of(tid: int) -> float:
    """Return the time of a transaction, seconds since 1970; 0 for none."""
    when: float = TimeStamp(p64(tid)).timeTime() if tid else 0
    return when


def root_tid(connection: Any) -> int:
    """Return the transaction that changed the root of a database last."""
    root = connection.get(z64)
    root._p_activate()
    return int.from_bytes(root._p_serial)


def are_as_at(
        connection: Any, oids: Iterable[bytes], tid: int, max_loads: int
) -> bool:
    """Return whether objects did not change after transaction `tid`.

    The snapshot of `connection` decides.  Objects that are not in its cache
    are loaded, but not put there.  False if they are more than `max_loads`.
    Raises errors of the storage.
    """
    absent = []
    for oid in oids:
        ob = connection._cache.get(oid)
        if ob is None or ob._p_changed is None:
            absent.append(oid)
        elif int.from_bytes(ob._p_serial) > tid:
            return False
    if len(absent) > max_loads:
        return False
    connection.prefetch(absent)
    load = connection._normal_storage.load
    return all(int.from_bytes(load(oid)[1]) <= tid for oid in absent)


def loaded_since(
        connection: Any, oids: Iterable[bytes], secs: float) -> list[Any]:
    """Return the loaded objects of `oids` that were committed after `secs`.

    `secs` is in seconds since 1970.
    """
    return [
        ob for ob in filter(_is_there, map(connection._cache.get, oids))
        if ob._p_serial != z64
        and TimeStamp(ob._p_serial).timeTime() > secs]


def storage_of(database: Any) -> Any:
    """Return the storage of a database with a method `new_instance`.

    None if the database is closed.
    """
    return getattr(database, '_mvcc_storage', None)


def poll(instance: Any) -> tuple[Collection[bytes] | None, int]:
    """Return the oids committed since the last poll, and the last tid.

    The oids are None if they are unknown.  Raises errors of the storage.
    """
    oids = instance.poll_invalidations()
    tid = tid_of(instance)
    if hasattr(instance, 'afterCompletion'):
        # else it would stay in a transaction of its server
        instance.afterCompletion()
    assert tid is not None  # it was polled
    return oids, tid


def record(instance: Any, oid: bytes) -> bytes:
    """Return the record of an object, as `instance` shows it.

    `instance` was polled before.  Raises errors of the storage.
    """
    found: bytes = instance.load(oid)[0]
    return found


def record_at(instance: Any, oid: bytes, tid: int) -> bytes | None:
    """Return the record of an object after transaction `tid`, None for none.

    Raises errors of the storage.
    """
    # an instance for one snapshot wraps a storage with all snapshots
    storage = getattr(instance, '_storage', instance)
    before = storage.loadBefore(oid, p64(tid + 1))
    found: bytes | None = before and before[0]
    return found


def last_tid(database: Any) -> int | None:
    """Return the last transaction of a database, None if that is expensive.

    Some storages would have to ask their server at each call.
    """
    if IMVCCStorage.providedBy(database.storage):
        return None
    return int.from_bytes(database.lastTransaction())


def unheard(database: Any) -> tuple[bytes, ...]:
    """Return the last transactions of storages that report no commits.

    A demo storage shows the data of its base, but reports only its own
    commits.
    """
    found = []
    storage = database.storage
    while storage is not None:
        if isinstance(storage, DemoStorage):
            found.append(storage.base.lastTransaction())
        # other storages that wrap a storage name it `base` too
        storage = getattr(storage, 'base', None)
    return tuple(found)
