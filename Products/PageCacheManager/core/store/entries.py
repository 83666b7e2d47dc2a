"""What a store holds: entries, the pages and slots they belong to, sizes.

It keeps these in step, and knows no bounds, no clock and no lock.
"""
import math
from array import array
from itertools import chain
from typing import Any

from ..key import Key
from ..key import PageId
from ..key import page_id
from ..key import slot
from ..page import Page
from ..remembered import remembered
from .eviction import S3Fifo
from .spare import Spare
from .spare import joined
from .tables import NONE
from .tables import Groups
from .tables import Numbers
from .tables import Record
from .tables import Records
from .tables import put


#: Where the parts of a record stand: number of the entry, body and so on;
#: then the ends of variant, validity, varies, cookies and codings; then the
#: page's id; then variant, validity, varies, absent cookies, codings and
#: headers, all in one row.
_CREATED = 3
_MAX_AGE = 4
_PAGE_ID = slice(10, 13)
_VARIANT = 13


def flatten(key: Key, page: Page) -> Record:
    """Return all of an entry but its number as one tuple without nesting.

    The first collection that comes by drops such a tuple from its sight.
    Of tuples in tuples it may need three, and the third may never come.
    """
    variant_end = _VARIANT + len(key[3])
    validity_end = variant_end + len(key[4])
    varies_end = validity_end + len(page.varies)
    cookies_end = varies_end + len(page.absent_cookies)
    return (
        page.body, int(page.modified), float(page.created),
        page.max_age_secs, variant_end, validity_end, varies_end,
        cookies_end, cookies_end + 2 * len(page.codings),
        _shared(key[0]), *key[1:3], *map(_shared, key[3]), *key[4][:1],
        *map(_shared, key[4][1:]), *page.varies,
        *map(_shared, page.absent_cookies),
        *chain.from_iterable(page.codings),
        *chain.from_iterable(map(_shared_header, page.headers)))


@remembered(4096, 200)
def _shared(text: str) -> str:
    """Return `text`, as the object that other entries have of it.

    Each request makes its strings anew, and each takes some 50 bytes beside
    its characters.  Python's own table of strings may keep them forever, and
    a longer one is not likely to be part of many entries.
    """
    return text


def _shared_header(header: tuple[str, str]) -> tuple[str, str]:
    """Return a header; two out of three are the same on all pages."""
    name, value = header
    if name in ('etag', 'last-modified'):
        return _shared(name), value
    return _shared(name), _shared(value)


def key_of(record: Record) -> Key:
    """Return the key in a record."""
    variant_end, validity_end = record[5:7]
    return (
        *record[_PAGE_ID],
        record[_VARIANT:variant_end],
        record[variant_end:validity_end])


def created_of(record: Record) -> float:
    """Return when the page in a record was rendered."""
    created: float = record[_CREATED]
    return created


def max_age_of(record: Record) -> int:
    """Return the limit of its own that the page in a record has, seconds.
    """
    max_age_secs: int = record[_MAX_AGE]
    return max_age_secs


def page_of(record: Record) -> Page:
    """Return the page in a record."""
    (_, body, modified, created, max_age_secs, _, validity_end, varies_end,
     cookies_end, codings_end) = record[:10]
    return Page(
        body=body, modified=modified, created=created,
        codings=_pairs(record[cookies_end:codings_end]),
        headers=_pairs(record[codings_end:]),
        varies=record[validity_end:varies_end],
        absent_cookies=record[varies_end:cookies_end],
        max_age_secs=max_age_secs)


def _pairs(parts: Record) -> Record:
    return tuple(zip(parts[::2], parts[1::2], strict=True))


class Contents:
    """Everything that purging replaces.  Whoever uses it holds the lock."""

    def __init__(self) -> None:
        self.records = Records()
        self.rows = Groups()
        self.slots = Groups()
        self._numbers = Numbers()
        #: By number of the entry.
        self.hashes = array('q', [0])
        self.created = array('d', [math.inf])
        self.queue = S3Fifo(self.hashes)
        #: Bodies, and codings, that are spare.
        self.bodies = Spare(self.hashes)
        self.codings = Spare(self.hashes)
        #: By number of the row.
        self.hits = array('Q', [0])
        self.misses = array('Q', [0])
        self.sizes = array('Q', [0])
        #: By number of the slot.
        self.modified = array('d', [0])

    def find(self, key: Key) -> Record | None:
        """Return the record of an entry, None where there is none."""
        record = self.records.find(hash(key))
        return None if record is None or key_of(record) != key else record

    def page(self, record: Record) -> Page:
        """Return the page of an entry, with what is spare of it."""
        page = page_of(record)
        if page.body or not page.codings:
            return page
        hashed = self.hashes[record[0]]
        return joined(
            page, self.bodies.get(hashed), self.codings.get(hashed))

    @property
    def spare_bytes(self) -> int:
        return self.bodies.bytes + self.codings.bytes

    def shed(self) -> None:
        """Let the oldest go of what is spare, bodies first."""
        spare = self.bodies if self.bodies.bytes else self.codings
        spare.discard(spare.oldest())

    def forget_spare(self, number: int) -> None:
        """Let go what is spare of an entry."""
        self.bodies.discard(number)
        self.codings.discard(number)

    def key(self, number: int) -> Key:
        return key_of(self.records[self.hashes[number]])

    def page_id(self, row: int) -> PageId:
        return page_id(self.key(self.rows.newest[row]))

    def row(self, page: PageId) -> int:
        """Return the row of a page, NONE where it has no entries."""
        row = self.rows.find(hash(page))
        return row if row and self.page_id(row) == page else NONE

    def describe(self, row: int) -> tuple[PageId, dict[str, Any]]:
        """Return a page and what is known of it."""
        page = self.page_id(row)
        return page, {
            'template_path': page[0],
            'context_path': page[1],
            'url': page[2],
            'hits': self.hits[row],
            'misses': self.misses[row],
            'entries': self.rows.lengths[row],
            'size': self.sizes[row],
            'created': self.created[self.rows.newest[row]],
        }

    def admits(self, key: Key) -> bool:
        """Tell whether no other key, page or slot has the same hash."""
        record = self.records.find(hash(key))
        if record is not None and key_of(record) != key:
            return False
        row = self.rows.find(hash(page_id(key)))
        if row and self.page_id(row) != page_id(key):
            return False
        group = self.slots.find(hash(slot(key)))
        return not group or (
            slot(self.key(self.slots.newest[group])) == slot(key))

    def link(self, key: Key, flat: Record) -> int:
        """Make a new entry, still in no queue; return its number.

        A new row starts with the miss that brought the page.
        """
        number = self._numbers.take()
        put(self.hashes, number, hash(key))
        put(self.created, number, 0)
        self.bodies.prepare(number)
        self.codings.prepare(number)
        row = self.rows.join(number, hash(page_id(key)))
        if self.rows.lengths[row] == 1:
            put(self.hits, row, 0)
            put(self.misses, row, 1)
            put(self.sizes, row, 0)
        group = self.slots.join(number, hash(slot(key)))
        if self.slots.lengths[group] == 1:
            put(self.modified, group, -math.inf)
        self.write(number, flat)
        return number

    def write(self, number: int, flat: Record) -> None:
        """Give an entry its page; it becomes the newest."""
        self.rewrite(number, flat)
        self.created[number] = flat[_CREATED - 1]
        self.rows.renew(number)
        self.slots.renew(number)

    def rewrite(self, number: int, flat: Record) -> None:
        """Give an entry the same page in another form."""
        self.records.put(self.hashes[number], (number, *flat))

    def resize(self, number: int, size: int) -> None:
        """Note that an entry takes more or less than before."""
        self.sizes[self.rows.of[number]] += size - self.queue.sizes[number]
        self.queue.resize(number, size)

    def resume(self, number: int, size: int, queue: int) -> None:
        """Put an entry into its queue, and its size to the others'."""
        self.queue.add(number, size, queue)
        self.sizes[self.rows.of[number]] += size

    def suspend(self, number: int) -> int:
        """Undo `resume`; return the queue."""
        self.sizes[self.rows.of[number]] -= self.queue.sizes[number]
        return self.queue.remove(number)

    def unlink(self, number: int) -> None:
        """Undo `link`."""
        self.forget_spare(number)
        self.rows.leave(number)
        self.slots.leave(number)
        self.records.remove(self.hashes[number])
        self.created[number] = math.inf
        self._numbers.give(number)

    def drop(self, number: int) -> None:
        """Remove an entry."""
        self.suspend(number)
        self.unlink(number)

    def dicts(self) -> list[dict[int, Any]]:
        """Return all that it takes long to free."""
        return [
            *self.records.settled.dicts,
            *self.bodies.data.dicts,
            *self.codings.data.dicts,
            *self.rows.index.dicts,
            *self.slots.index.dicts]
