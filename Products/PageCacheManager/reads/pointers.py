"""Follows the pointers of a ring, on known builds of Python.

The walk is a chain of iterators that C code alone runs.  No other thread runs
meanwhile, so no object can leave the ring.  Garbage collection is off, because
it could run any code.  During a sweep of the cache the ring has links that
belong to no object.  So the walk first reads the lock that a sweep holds.

The walk is allowed only on known builds, after the offsets of the pointers
were found and tried on a ring of known order.  Until then this module reads
only the memory of its own objects.  It follows a pointer only after it
compared the pointer with the address of such an object.

PAGE_CACHE_POINTER_WALK=off in the environment forbids it.
"""
import logging
import os
import platform
import sys
import threading
from collections.abc import Iterator
from ctypes import Structure
from ctypes import c_int
from ctypes import c_size_t
from ctypes import py_object
from functools import partial
from importlib.metadata import version
from itertools import chain
from itertools import islice
from itertools import takewhile
from operator import add
from operator import attrgetter
from operator import call
from operator import ne
from operator import not_
from typing import Any
from typing import NamedTuple

from persistent import Persistent
from persistent import PickleCache
from persistent.persistence import PersistentPy

from .marker import Marker
from .marker import listed
from .marker import made
from .marker import no_collection


logger = logging.getLogger(__name__)

#: Releases of persistent with a known layout, and the size of their objects
#: on 64 bits, not in a debug build.
KNOWN_RELEASES = (
    '5.2', '6.0', '6.1.1', '6.3', '6.5', '6.6', '6.7', '6.8', '6.9')
KNOWN_BASICSIZE = 72

value = attrgetter('value')

SWITCH = 'PAGE_CACHE_POINTER_WALK'

#: Number of objects in the ring of the trial.
TRIAL_SIZE = 50

WORD = 8


class Link(Structure):
    """The parts of an object that name it and link it into a ring."""

    _fields_ = [
        ('oid', py_object), ('cache', c_size_t), ('older', c_size_t),
        ('newer', c_size_t)]


#: Bytes from the start of a `Link` to its pointers.  The pointers of its
#: neighbours lead there.
_RING = Link.older.offset

_newer = attrgetter('newer')
_oid = attrgetter('oid')


class Layout(NamedTuple):
    """Offsets of the pointers, in bytes from the start of an object."""

    oid: int
    #: In the cache: the first and last link of the ring.
    home: int
    #: In the cache: a number that is 1 during a sweep, else 0.
    lock: int


class NotKnown(Exception):
    """The layout differs from the known layout."""


def walked(
        cache: Any, marker: Marker, limit: int, layout: Layout
) -> list[bytes] | None:
    """Return the same as :func:`listed`, faster.

    Cost: proportional to the number of oids.  Raises ValueError during a
    sweep of the cache, and if the marker is not in the ring.
    """
    lock = c_int.from_address(id(cache) + layout.lock)
    # the list is extended from its own items: each added link gives the next
    links = [Link.from_address(id(marker) + layout.oid)]
    places = takewhile(
        partial(ne, id(cache) + layout.home), map(_newer, links))
    newer = map(Link.from_address, map(partial(add, -_RING), places))
    way = _unless(map(value, (lock,)), _unless(
        map(not_, map(_newer, (links[0],))), islice(newer, limit + 1)))
    steps: Any = (
        partial(links.extend, way),
        partial(list, map(_oid, islice(links, 1, None))))
    try:
        with no_collection():
            _, found = map(call, steps)
    except ValueError:
        raise ValueError(
            'the marker is not in the ring, or the cache is swept') from None
    return found if len(found) <= limit else None


def _unless(is_barred: Iterator[Any], way: Iterator[Any]) -> Iterator[Any]:
    """Return an iterator over `way` that raises ValueError if barred.

    When it starts, it takes a value of `is_barred`; a true one means barred.
    """
    return chain.from_iterable(
        map((way, map(int, ('it is barred',))).__getitem__, is_barred))


def is_known_build() -> bool:
    """Return whether the walk was tried on builds like this one."""
    return (
        platform.python_implementation() == 'CPython'
        and getattr(sys, '_is_gil_enabled', lambda: True)()
        and sys.maxsize == 2 ** 63 - 1
        and version('persistent') in KNOWN_RELEASES
        # its C code can be switched off
        and Persistent is not PersistentPy
        and Persistent.__basicsize__ == KNOWN_BASICSIZE)


class Jar:
    """A connection for a trial; it loads nothing, as all is in memory."""

    def setstate(self, ob: Persistent) -> None:
        raise NotKnown('an object of the trial was to be loaded')


def found_layout() -> Layout:
    """Return the layout of this build, or raise NotKnown.

    It reads only the memory of its own objects.
    """
    jar = Jar()
    cache = PickleCache(jar)
    oid = b'\xff' * 7 + b'\xa0'
    marker = made(cache, jar, oid)
    words = _words(id(marker), Persistent.__basicsize__)
    place = _place(words, (id(jar), id(marker._p_oid), id(cache)))
    older, newer = words[place + 3:place + 5]
    home = older - id(cache)
    if older != newer or not 0 < home < PickleCache.__basicsize__:
        raise NotKnown('the ring of one object is not a ring')
    layout = Layout((place + 1) * WORD, home, _lock_place())
    _check_ring(cache, jar, layout, marker)
    return layout


def _words(address: int, size: int) -> list[int]:
    return list((c_size_t * (size // WORD)).from_address(address))


def _place(words: list[int], wanted: tuple[int, ...]) -> int:
    """Return the position of `wanted` in `words`.

    Raises NotKnown unless there is exactly one.
    """
    places = [
        place for place in range(len(words) - len(wanted) - 1)
        if tuple(words[place:place + len(wanted)]) == wanted]
    if len(places) != 1:
        raise NotKnown('an object does not begin as it should')
    return places[0]


def _lock_place() -> int:
    """Return the offset of the number in a cache that is 1 during a sweep."""
    jar = Jar()
    cache = PickleCache(jar)
    numbers = (c_int * (PickleCache.__basicsize__ // 4)).from_address(
        id(cache))
    seen: list[list[int]] = []

    class Observer(Marker):
        def _p_deactivate(self) -> None:
            seen.append(list(numbers))

    ob = made(cache, jar, b'observer', Observer)
    before = list(numbers)
    cache.minimize()
    after = list(numbers)
    del cache[ob._p_oid]
    places = [
        place for place, states in enumerate(
            zip(before, *seen, after, strict=True)) if states == (0, 1, 0)]
    if len(places) != 1:
        raise NotKnown('a cache that is swept does not show it')
    return places[0] * 4


def _check_ring(
        cache: Any, jar: Jar, layout: Layout, marker: Marker) -> None:
    """Raise NotKnown unless each link of a ring is at its expected place."""
    obs = [marker]
    for number in range(TRIAL_SIZE):
        obs.append(made(cache, jar, bytes(6) + number.to_bytes(2, 'big')))
    # change the order: use every third object again, then some early ones
    for ob in (*obs[3::3], *obs[1:9:2]):
        ob.touch()
    order = [ob for _, ob in cache.lru_items()]
    links = [id(ob) + layout.oid + _RING for ob in order]
    links = [id(cache) + layout.home, *links, id(cache) + layout.home]
    for older, link, newer in zip(links, links[1:-1], links[2:], strict=False):
        if _words(link, 2 * WORD) != [older, newer]:
            raise NotKnown('a link of the ring is not where it should be')
    if order[0] is not marker or (
            walked(cache, marker, TRIAL_SIZE, layout)
            != listed(cache, marker, TRIAL_SIZE)):
        raise NotKnown('the walk gives another order')


_first_use = threading.Lock()
_layouts: list[Layout | None] = []


def layout() -> Layout | None:
    """Return the offsets of the pointers, None if the walk is forbidden."""
    if not _layouts:
        with _first_use:
            if not _layouts:
                _layouts.append(_allowed_layout())
    return _layouts[0]


def _allowed_layout() -> Layout | None:
    if os.environ.get(SWITCH) == 'off' or not is_known_build():
        return None
    try:
        return found_layout()
    except NotKnown as error:
        logger.warning('The rings of caches are not walked: %s', error)
        return None


def give_up(why: str) -> None:
    """Follow no pointer again in this process."""
    logger.error('The rings of caches are not walked any more: %s', why)
    with _first_use:
        _layouts[:] = [None]
