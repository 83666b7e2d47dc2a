"""Spare bytes: bodies that are not necessary to send a page.

There are two kinds.  A page with a coding has a spare plain body, which saves
the unpacking.  A page with two codings has a spare coding: the one that not
all clients accept.
"""
from array import array
from typing import NamedTuple

from ..page import Page
from .tables import SHARDS
from .tables import Rings
from .tables import Shards


class Parts(NamedTuple):
    """The necessary and the spare parts of a page."""

    #: The page without spare bytes.  A spare coding leaves its name here.
    kept: Page
    #: The spare body and the spare coding; empty if there is none.
    body: bytes
    coding: bytes


def parted(page: Page) -> Parts:
    """Return the necessary and the spare parts of a page."""
    if not page.is_coded:
        return Parts(page, b'', b'')
    better = [item for item in page.codings if item[0] != 'gzip' and item[1]]
    if not better or not page.coded('gzip'):
        return Parts(page._replace(body=b''), page.body, b'')
    name, coding = better[0]
    rest = [item for item in page.codings if item[0] not in ('gzip', name)]
    # The spare coding is the second one, see joined().
    codings = (
        ('gzip', page.coded('gzip') or b''), (name, b''),
        *[(other, b'') for other, _ in rest])
    return Parts(
        page._replace(body=b'', codings=codings), page.body, coding)


def joined(kept: Page, body: bytes, coding: bytes) -> Page:
    """Return the page that has these parts."""
    codings = kept.codings
    if coding:
        codings = (codings[0], (codings[1][0], coding), *codings[2:])
    return kept._replace(body=body, codings=codings)


class Spare:
    """Bytes of numbered entries, in the order of their arrival.

    `hashes` is the column of the entries' hashes.  Every method takes
    constant time.
    """

    def __init__(self, hashes: 'array[int]') -> None:
        self.bytes = 0
        self.data: Shards[bytes] = Shards()
        self._hashes = hashes
        self._rings = Rings()
        #: They have an item for each entry; `Numbers` extends them.
        self.columns = self._rings.columns

    def add(self, number: int, data: bytes) -> None:
        """Keep the bytes of an entry that has none here."""
        hashed = self._hashes[number]
        self.data.shard(hashed)[hashed] = data
        self.bytes += len(data)
        self._rings.add(number, 0)

    def get(self, hashed: int) -> bytes:
        """Return the spare bytes of an entry, or empty bytes."""
        shard = self.data.dicts[hashed >> 40 & SHARDS - 1]
        return shard.get(hashed, b'')

    def oldest(self) -> int:
        """Return the entry that must lose its bytes next, or NONE."""
        return self._rings.oldest(0)

    def discard(self, number: int) -> None:
        """Drop the bytes of an entry, if it has any here."""
        if not self.bytes:
            return
        hashed = self._hashes[number]
        data = self.data.shard(hashed).pop(hashed, None)
        if data is None:
            return
        self.bytes -= len(data)
        self._rings.remove(number, 0)
