"""Follows the pointers of a ring, where that may be done.

The walk is a chain of iterators, run through by C alone: no other thread runs
meanwhile, so nothing can leave the ring.  Garbage collection, which could run
any code, is held off.  While the cache is swept the ring has links that are in
no object, so the walk begins with a look at the lock that a sweep holds.

It may be done on builds that are known, after the places of the pointers were
found and tried on a ring of known order.  Until then nothing is read but the
memory of objects that are at hand, and no pointer is followed that was not
compared with the address of one.

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

#: Releases of persistent of which the layout is known, and the size of its
#: objects there: 64 bits, no debug build.
KNOWN_RELEASES = (
    '5.2', '6.0', '6.1.1', '6.3', '6.5', '6.6', '6.7', '6.8', '6.9')
KNOWN_BASICSIZE = 72

value = attrgetter('value')

SWITCH = 'PAGE_CACHE_POINTER_WALK'

#: Objects of the ring that is walked to try it.
TRIAL_SIZE = 50

WORD = 8


class Link(Structure):
    """The parts of an object that name it and link it into a ring."""

    _fields_ = [
        ('oid', py_object), ('cache', c_size_t), ('older', c_size_t),
        ('newer', c_size_t)]


#: Bytes from the start of a `Link` to its place in the ring.
_RING = Link.older.offset

_newer = attrgetter('newer')
_oid = attrgetter('oid')


class Layout(NamedTuple):
    """Where the pointers are, bytes from the start of an object."""

    oid: int
    #: In the cache: the ring's first and last link.
    home: int
    #: In the cache: 1 while it is swept, else 0.
    lock: int


class NotKnown(Exception):
    """The layout is another one than is known."""


def walked(
        cache: Any, marker: Marker, limit: int, layout: Layout
) -> list[bytes] | None:
    """Return what :func:`listed` does; it costs by the oids.

    Raises ValueError while the cache is swept, and if the marker is not in
    the ring.
    """
    lock = c_int.from_address(id(cache) + layout.lock)
    # to extend a list by what is made of its own items goes on from each
    # that is added
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
    """Return an iterator that goes a way, or raises ValueError.

    It takes a value of `is_barred` when it begins.
    """
    return chain.from_iterable(
        map((way, map(int, ('it is barred',))).__getitem__, is_barred))


def is_known_build() -> bool:
    """Return whether objects look as they did where this was tried."""
    return (
        platform.python_implementation() == 'CPython'
        and getattr(sys, '_is_gil_enabled', lambda: True)()
        and sys.maxsize == 2 ** 63 - 1
        and version('persistent') in KNOWN_RELEASES
        # its C part can be switched off
        and Persistent is not PersistentPy
        and Persistent.__basicsize__ == KNOWN_BASICSIZE)


class Jar:
    """Loads nothing, for a cache of objects that are all there."""

    def setstate(self, ob: Persistent) -> None:
        raise NotKnown('an object of the trial was to be loaded')


def found_layout() -> Layout:
    """Return the layout of this build, or raise NotKnown.

    It reads within objects that are at hand.
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
    """Return where `wanted` stands in `words`, at one place only."""
    places = [
        place for place in range(len(words) - len(wanted) - 1)
        if tuple(words[place:place + len(wanted)]) == wanted]
    if len(places) != 1:
        raise NotKnown('an object does not begin as it should')
    return places[0]


def _lock_place() -> int:
    """Return where a cache has the number that is 1 while it is swept."""
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
    """Raise NotKnown unless each link of a ring is where it should be."""
    obs = [marker]
    for number in range(TRIAL_SIZE):
        obs.append(made(cache, jar, bytes(6) + number.to_bytes(2, 'big')))
    # each third one is used once more, and then the first ones again
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
    """Return where the pointers are, None if none may be followed."""
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
