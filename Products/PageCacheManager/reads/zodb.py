"""Access to ZODB beyond its interfaces; no other module of this folder has it.

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


class RingMark(NamedTuple):
    """A connection, and how its pickle cache was when reading began."""

    connection: Any
    cache: Any
    marker: Marker
    #: Which use of the marker this is.
    turn: int
    #: Objects that are loaded, less those loaded in all its life.
    expected: int
    #: When it was opened, as the connection says.
    opened: Any
    #: What it shows, as its storage instance says.
    start: Any
    #: Seconds since 1970.
    at: float


_serial = attrgetter('_p_serial')
_is_there = partial(is_not, None)


def mark_rings(connection: Any) -> list[RingMark]:
    """Put a marker into the ring of each connection of a transaction.

    All that is used from now on stands behind it.  A marker stays in its
    cache, for the next time.  Each request comes here, so this calls no
    function of ours once a cache has its marker.
    """
    found = []
    now = time.time()
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
            getattr(one._normal_storage, '_start', None), now))
    return found


def tid_of(storage: Any) -> int | None:
    """Return the last transaction that a storage instance shows.

    `storage` is that of a connection, or one that was polled.  None if it
    was never polled.
    """
    try:
        start = storage._start
    except AttributeError:  # it has its own way to show one moment
        return int.from_bytes(storage.lastTransaction())
    return None if start is None else int.from_bytes(start) - 1


def snapshot_of(connection: Any) -> int | None:
    """Return the last transaction that a connection shows.

    None if it shows no single moment, or is closed.
    """
    if connection.opened is None or connection.before is not None:
        return None
    return tid_of(connection._normal_storage)


def has_changes(connection: Any) -> bool:
    """Return whether the transaction would commit anything here."""
    return bool(
        connection._registered_objects
        or connection._savepoint_storage is not None)


def shown(mark: RingMark) -> int | None:
    """Return the last transaction that a connection shows since its mark.

    None if it shows no single moment.
    """
    one = mark.connection
    if getattr(one._normal_storage, '_start', None) != mark.start:
        return None
    return snapshot_of(one)


def is_in_place(mark: RingMark) -> bool:
    """Return whether the marker of a cache is where it was put."""
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
    """Return when the last of some loaded objects was committed.

    In seconds since 1970, 0 for none.
    """
    found = filter(_is_there, map(connection._cache.get, oids))
    serial = max(map(_serial, found), default=z64)
    when: float = 0 if serial == z64 else TimeStamp(serial).timeTime()
    return when


def root_tid(connection: Any) -> int:
    """Return the transaction that changed the root of a database last."""
    root = connection.get(z64)
    root._p_activate()
    return int.from_bytes(root._p_serial)


def are_as_at(
        connection: Any, oids: Iterable[bytes], tid: int, max_loads: int
) -> bool:
    """Return whether `connection` shows objects as a transaction left them.

    It loads objects that are not in its cache, without putting them there;
    False where they are more than `max_loads`.  Raises what storages raise.
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
    """Return those of some loaded objects that were committed after `secs`,
    in seconds since 1970.
    """
    return [
        ob for ob in filter(_is_there, map(connection._cache.get, oids))
        if ob._p_serial != z64
        and TimeStamp(ob._p_serial).timeTime() > secs]


def wrote(connection: Any, oids: Iterable[bytes], tid: int) -> bool:
    """Return whether `connection` wrote all these in the transaction `tid`.
    """
    get = connection._cache.get
    found = [get(oid) for oid in oids]
    return all(
        ob is not None and int.from_bytes(ob._p_serial) == tid
        for ob in found)


def storage_of(database: Any) -> Any:
    """Return what gives a database's storage instances, None if closed."""
    return getattr(database, '_mvcc_storage', None)


def poll(instance: Any) -> tuple[Collection[bytes] | None, int]:
    """Return what was committed since the last poll, and the last tid.

    None in place of the oids if that is not known.  Raises what storages
    raise.
    """
    oids = instance.poll_invalidations()
    tid = tid_of(instance)
    if hasattr(instance, 'afterCompletion'):
        # it would stay in a transaction of the server that it asked
        instance.afterCompletion()
    assert tid is not None  # it was polled
    return oids, tid


def records(
        instance: Any, oid: bytes, tid: int) -> tuple[bytes, bytes] | None:
    """Return the records of an object after a transaction, and of now.

    `instance` was polled.  None if it has not both.  Raises what storages
    raise.
    """
    # an instance for one moment has a storage that knows others
    storage = getattr(instance, '_storage', instance)
    before = storage.loadBefore(oid, p64(tid + 1))
    return before and (before[0], instance.load(oid)[0])


def last_tid(database: Any) -> int | None:
    """Return the last transaction of a database, None if it can't tell.

    Storages that are asked over and over do not tell: they would have to
    ask their server.
    """
    if IMVCCStorage.providedBy(database.storage):
        return None
    return int.from_bytes(database.lastTransaction())


def unheard(database: Any) -> tuple[bytes, ...]:
    """Return the last transactions of storages whose commits go unheard.

    A demo storage shows its base, but hears only of its own commits.
    """
    found = []
    storage = database.storage
    while storage is not None:
        if isinstance(storage, DemoStorage):
            found.append(storage.base.lastTransaction())
        # a storage that wraps another one names it so too
        storage = getattr(storage, 'base', None)
    return tuple(found)
