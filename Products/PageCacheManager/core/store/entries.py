"""Entries of a store, with their pages, slots and sizes.

It keeps these consistent.  It has no bounds, no clock and no lock.
"""
import math
from array import array
from itertools import chain
from typing import Any

from ..key import Key
from ..key import PageId
from ..key import page_id
from ..memo import remembered
from ..page import Page
from .eviction import S3Fifo
from .spare import Spare
from .spare import joined
from .tables import NONE
from .tables import Groups
from .tables import Numbers
from .tables import Record
from .tables import Records


#: Positions of the parts of a record: number of the entry, body and so on;
#: then the ends of variant, validity, varies, cookies and codings; then the
#: sources of the page; then the page's id; then variant, validity, varies,
#: absent cookies, codings and headers, all in one row.
CREATED = 3
_VARIANT_END, _VALIDITY_END = 5, 6
_PATH = 11
_PAGE_ID = slice(_PATH, 14)
_VARIANT = 14

#: A longer string is probably not part of many entries.
MAX_SHARED_LENGTH = 200


def flatten(key: Key, page: Page) -> list[Any]:
    """Return an entry as one list without nesting, with 0 for its number.

    A tuple of this list is the record.  The garbage collector stops tracking
    a flat tuple in its first collection.  For nested tuples it may need three
    collections, and the third may never come.
    """
    variant_end = _VARIANT + len(key[3])
    validity_end = variant_end + len(key[4])
    varies_end = validity_end + len(page.varies)
    cookies_end = varies_end + len(page.absent_cookies)
    codings_end = cookies_end + 2 * len(page.codings)
    record: list[Any] = [
        NONE, page.body, int(page.modified), float(page.created),
        page.max_age_secs, variant_end, validity_end, varies_end,
        cookies_end, codings_end, page.made_from,
        *key[:3], *key[3], *key[4], *page.varies, *page.absent_cookies,
        *chain.from_iterable(page.codings),
        *chain.from_iterable(page.headers)]
    shared: Any = _shared.cached  # type: ignore[attr-defined]
    for position in chain(
            (_PATH,), range(_VARIANT, variant_end),
            range(variant_end + 1, validity_end),
            range(varies_end, cookies_end),
            range(codings_end, len(record))):
        text = record[position]
        if len(text) <= MAX_SHARED_LENGTH:
            record[position] = shared(text)
    return record


@remembered(4096, MAX_SHARED_LENGTH)
def _shared(text: str) -> str:
    """Return the string object that other entries use for `text`.

    Each request makes new strings, and a string takes about 50 bytes besides
    its characters.  Python's own table of strings may keep them forever.
    """
    return text


def key_of(record: Record) -> Key:
    """Return the key in a record."""
    variant_end, validity_end = record[_VARIANT_END], record[_VALIDITY_END]
    return (
        *record[_PAGE_ID],
        record[_VARIANT:variant_end],
        record[variant_end:validity_end])


def page_of(record: Record) -> Page:
    """Return the page in a record."""
    (_, body, modified, created, max_age_secs, _, validity_end, varies_end,
     cookies_end, codings_end, made_from) = record[:11]
    return Page(
        body=body, modified=modified, created=created,
        codings=tuple(zip(
            record[cookies_end:codings_end:2],
            record[cookies_end + 1:codings_end:2], strict=True)),
        headers=tuple(zip(
            record[codings_end::2], record[codings_end + 1::2],
            strict=True)),
        varies=record[validity_end:varies_end],
        absent_cookies=record[varies_end:cookies_end],
        max_age_secs=max_age_secs, made_from=made_from)


class Contents:
    """All data that a purge replaces.  The caller holds the lock."""

    def __init__(self) -> None:
        self.records = Records()
        #: By number of the row.
        self.hits = array('Q', [0])
        self.misses = array('Q', [0])
        self.sizes = array('Q', [0])
        #: By number of the slot.
        self.modified = array('d', [0])
        #: Groups of entries: of a page, a slot, a template, a content.
        self.rows = Groups(self.hits, self.misses, self.sizes)
        self.slots = Groups(self.modified)
        self._templates = Groups()
        self._contexts = Groups()
        self.groups = (
            self.rows, self.slots, self._templates, self._contexts)
        #: By number of the entry.
        self.hashes = array('q', [0])
        self.created = array('d', [math.inf])
        self.queue = S3Fifo(self.hashes)
        #: Spare bodies and spare codings.
        self.bodies = Spare(self.hashes)
        self.codings = Spare(self.hashes)
        self.numbers = Numbers(
            self.hashes, self.created, *chain.from_iterable(
                part.columns for part in (
                    self.queue, self.bodies, self.codings, *self.groups)))

    def find(self, key: Key) -> Record | None:
        """Return the record of an entry, or None."""
        record = self.records.find(hash(key))
        if record is None or (
                record[_PATH:record[_VALIDITY_END]] != (
                    *key[:3], *key[3], *key[4])
                or record[_VARIANT_END] != _VARIANT + len(key[3])):
            return None
        return record

    def page(self, record: Record) -> Page:
        """Return the page of an entry, with its spare bytes."""
        page = page_of(record)
        if page.codings and not page.body:
            return self.with_spare(page, record[0])
        return page

    def with_spare(self, page: Page, number: int) -> Page:
        """Return `page`, which has no body, with its spare bytes."""
        hashed = self.hashes[number]
        return joined(
            page, self.bodies.get(hashed), self.codings.get(hashed))

    @property
    def spare_bytes(self) -> int:
        return self.bodies.bytes + self.codings.bytes

    def shed(self) -> None:
        """Drop the oldest spare bytes, bodies first."""
        spare = self.bodies if self.bodies.bytes else self.codings
        spare.discard(spare.oldest())

    def forget_spare(self, number: int) -> None:
        """Drop the spare bytes of an entry."""
        self.bodies.discard(number)
        self.codings.discard(number)

    def key(self, number: int) -> Key:
        return key_of(self.records[self.hashes[number]])

    def older(self, key: Key) -> Key | None:
        """Return the key of the newest entry of the same slot, or None."""
        group = self.slots.find(hash(key[:4]))
        found = self.key(self.slots.newest[group]) if group else None
        return None if found is None or found[:4] != key[:4] else found

    def page_id(self, row: int) -> PageId:
        return page_id(self.key(self.rows.newest[row]))

    def row(self, page: PageId) -> int:
        """Return the row of a page, or NONE."""
        row = self.rows.find(hash(page))
        return row if row and self.page_id(row) == page else NONE

    def of_page(self, page: PageId, limit: int) -> list[int]:
        """Return up to `limit` entries of a page."""
        return self.rows.some(self.row(page), limit)

    def of_template(self, path: str, limit: int) -> list[int]:
        """Return up to `limit` entries of the pages of a template.

        They may include entries of another path with the same hash.
        """
        return self._templates.some(self._templates.find(hash(path)), limit)

    def of_context(self, path: str, limit: int) -> list[int]:
        """Return up to `limit` entries of content, as `of_template` does."""
        return self._contexts.some(self._contexts.find(hash(path)), limit)

    def describe(self, row: int) -> tuple[PageId, dict[str, Any]]:
        """Return a page, and its row of the report."""
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

    def link(self, key: Key, flat: list[Any]) -> int:
        """Make a new entry that is in no queue yet; return its number.

        The number is NONE if another key, page or slot has the same hash.  A
        new row starts with one miss: the request that rendered the page.
        """
        hashed, of_row, of_slot = hash(key), hash(key[:3]), hash(key[:4])
        row, slot = self.rows.find(of_row), self.slots.find(of_slot)
        if (self.records.find(hashed) is not None
                or row and self.page_id(row) != key[:3]
                or slot and self.key(self.slots.newest[slot])[:4] != key[:4]):
            return NONE
        number = self.numbers.take()
        self.hashes[number] = hashed
        self.created[number] = flat[CREATED]
        row = self.rows.join(number, of_row)
        if self.rows.lengths[row] == 1:
            self.hits[row], self.misses[row], self.sizes[row] = 0, 1, 0
        group = self.slots.join(number, of_slot)
        if self.slots.lengths[group] == 1:
            self.modified[group] = -math.inf
        self._templates.join(number, hash(key[0]))
        self._contexts.join(number, hash(key[1]))
        self.rewrite(number, flat)
        return number

    def write(self, number: int, flat: list[Any]) -> None:
        """Give an entry its page; it becomes the newest."""
        self.rewrite(number, flat)
        self.created[number] = flat[CREATED]
        self.rows.renew(number)
        self.slots.renew(number)

    def rewrite(self, number: int, flat: list[Any]) -> None:
        """Give an entry the same page in another form."""
        flat[0] = number
        self.records.put(self.hashes[number], tuple(flat))

    def resize(self, number: int, size: int) -> None:
        """Note the new size of an entry."""
        self.sizes[self.rows.of[number]] += size - self.queue.sizes[number]
        self.queue.resize(number, size)

    def resume(self, number: int, size: int, queue: int) -> None:
        """Put an entry into its queue, and add its size to its page's."""
        self.queue.add(number, size, queue)
        self.sizes[self.rows.of[number]] += size

    def suspend(self, number: int) -> int:
        """Undo `resume`; return the queue."""
        self.sizes[self.rows.of[number]] -= self.queue.sizes[number]
        return self.queue.remove(number)

    def unlink(self, number: int) -> None:
        """Undo `link`."""
        self.forget_spare(number)
        for groups in self.groups:
            groups.leave(number)
        self.records.remove(self.hashes[number])
        self.created[number] = math.inf
        self.numbers.give(number)

    def drop(self, number: int) -> None:
        """Remove an entry."""
        self.suspend(number)
        self.unlink(number)

    def dicts(self) -> list[dict[int, Any]]:
        """Return the dicts that take long to free."""
        return [
            *self.records.settled.dicts,
            *self.bodies.data.dicts,
            *self.codings.data.dicts,
            *chain.from_iterable(
                groups.index.dicts for groups in self.groups)]
