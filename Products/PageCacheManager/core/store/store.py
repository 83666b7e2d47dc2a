"""The store of this process: bounded by entries and bytes, expiring, counted.

All pages are in one `Contents`, which a purge replaces.  The store around it
has the lock, the bounds, the clock and the counters.
"""
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from typing import NamedTuple
from typing import TypeVar

from ..key import Key
from ..key import PageId
from ..page import Page
from .bounds import Bounds
from .bounds import Counts
from .bounds import Room
from .entries import CREATED
from .entries import Contents
from .entries import flatten
from .entries import key_of
from .entries import page_of
from .expiry import Expiry
from .expiry import is_too_old
from .placing import Places
from .placing import entry_size
from .spare import parted
from .tables import NONE
from .tables import Record


T = TypeVar('T')

#: Number of rows or entries that are visited before the lock is released.
SLICE = 200

#: Pause after each slice of purged data, so that other threads can run.
PAUSE_SECS = 0.001


class Entry(NamedTuple):
    """An entry at some moment; its page has no age limit of its own."""

    hashed: int
    record: Record


class PageStore:
    """Pages by key.  Every method may be called by any thread.

    At every moment there are at most `max_entries` entries, which take at
    most `max_bytes` bytes.  Body, codings, headers, sources and key of a page
    count, and a fixed number of bytes for each entry.

    A page with a coding counts by the size of the coding, a page with gzip and
    another coding by the size of gzip.  The other coding and the plain body
    are spare.  They take at most a quarter of `max_bytes`, and are dropped
    first when room is needed.  Then `get` returns a page with an empty body,
    and with empty bytes for the coding, as if it made the body no shorter.

    Getting, setting, evicting and removing one entry, and adding a coding,
    cost constant time for any number of entries.
    """

    def __init__(
            self,
            max_entries: int,
            max_bytes: int,
            max_age_secs: int = 0,
            cleanup_interval_secs: int = 60,
            clock: Callable[[], float] = time.time) -> None:
        bounds = Bounds(
            max_entries, max_bytes, max_age_secs, cleanup_interval_secs)
        self._room = Room(bounds)
        self._places = Places(self._room)
        self._lock = threading.Lock()
        self._clock = clock
        self._contents = Contents()
        self._expiry = Expiry(bounds, clock())
        self._hits = 0
        self._misses = 0
        self._removals = 0
        self._rejections = 0

    def get(self, key: Key, created: float | None = None) -> Page | None:
        """Return the page under `key`, or None.

        A signpost is no answer yet, so it counts neither as a hit nor as a
        miss.  With `created`, only the page that was rendered at that time is
        returned.  If it is gone, nothing is counted, because the caller asks
        again without `created`.
        """
        now = self._clock()
        with self._lock:
            contents, bounds = self._contents, self._room.bounds
            expiry = self._expiry
            if not expiry.rests_from <= now < expiry.rests_until:
                expiry.sweep(contents, bounds, now)
            record = contents.find(key)
            if created is not None and (
                    record is None or record[CREATED] != created):
                return None
            if record is None:
                self._miss(key)
                return None
            number, page = record[0], page_of(record)
            if page.codings and not page.body:
                page = contents.with_spare(page, number)
            if is_too_old(
                    page.created, now, bounds.max_age_secs,
                    page.max_age_secs):
                if created is None:
                    self._miss(key)
                    expiry.expire(contents, number)
                return None
            contents.queue.touch(number)
            if page.body or page.codings:
                self._hits += 1
                contents.hits[contents.rows.of[number]] += 1
            return page

    def entry(self, key: Key, created: float) -> Entry | None:
        """Return the entry of the page rendered at `created`, for `again`.

        None if that page is gone.
        """
        with self._lock:
            record = self._contents.find(key)
            return None if record is None or record[CREATED] != created else (
                Entry(hash(key), record))

    def again(self, entry: Entry) -> bool:
        """Return whether an entry is unchanged; if so, count a hit.

        Otherwise nothing is counted, as in `get` with `created`.
        """
        hashed, record = entry
        now = self._clock()
        with self._lock:
            contents = self._contents
            if contents.records.find(hashed) is not record or is_too_old(
                    record[CREATED], now, self._room.bounds.max_age_secs):
                return False
            number = record[0]
            contents.queue.touch(number)
            self._hits += 1
            contents.hits[contents.rows.of[number]] += 1
            return True

    def drop_stale(self, key: Key, created: float) -> None:
        """Remove a page that `get` returned; count a miss instead of its hit.

        `created` is the time of its render.  Another page under `key` stays.
        """
        with self._lock:
            contents = self._contents
            record = contents.find(key)
            if record is None or contents.created[record[0]] != created:
                return
            contents.hits[contents.rows.of[record[0]]] -= 1
            self._hits -= 1
            self._miss(key)
            contents.drop(record[0])
            self._removals += 1

    def peek(self, key: Key) -> Page | None:
        """Return the same as `get`, but count and change nothing."""
        now = self._clock()
        with self._lock:
            contents, bounds = self._contents, self._room.bounds
            record = contents.find(key)
            if record is None:
                return None
            page = contents.page(record)
            return None if is_too_old(
                page.created, now, bounds.max_age_secs,
                page.max_age_secs) else page

    def older(self, key: Key) -> Key | None:
        """Return the key of another version of the same page, or None."""
        with self._lock:
            return self._contents.older(key)

    def of_page(self, page: PageId, limit: int) -> list[tuple[Key, Page]]:
        """Return up to `limit` entries of a page; count nothing.

        Some of the pages may have only a coded body.
        """
        with self._lock:
            contents = self._contents
            return [
                (key_of(record), page_of(record)) for record in (
                    contents.records[contents.hashes[number]]
                    for number in contents.of_page(page, limit))]

    def set(self, key: Key, page: Page) -> bool:
        """Store `page` under `key`; return whether it was kept.

        A page that the bounds do not admit is not kept; that is no error.
        """
        parts = parted(page)
        size = entry_size(key, parts.kept)
        flat = flatten(key, parts.kept)
        now = self._clock()
        with self._lock:
            contents, expiry = self._contents, self._expiry
            if not expiry.rests_from <= now < expiry.rests_until:
                expiry.sweep(contents, self._room.bounds, now)
            kept = self._room.admits(size) and (
                self._places.put(contents, key, flat, size, parts))
            self._rejections += not kept
            return kept

    def add_coding(
            self, key: Key, created: float, name: str, data: bytes) -> bool:
        """Add a content coding to the page under `key`.

        Nothing happens if that page was not rendered at `created`, or if it
        has the coding already.  Empty `data` means that the coding makes the
        body no shorter.  Return whether the coding was kept.
        """
        with self._lock:
            contents = self._contents
            record = contents.find(key)
            if record is None or contents.created[record[0]] != created:
                return False
            page = contents.page(record)
            if page.coded(name) is not None:
                return False
            return self._places.recode(
                contents, key, record[0],
                parted(page.with_coding(name, data)))

    def configure(
            self,
            max_entries: int,
            max_bytes: int,
            max_age_secs: int,
            cleanup_interval_secs: int) -> None:
        """Set new bounds; `max_age_secs` 0 means no limit.

        The settings check their ranges.  All bounds come into force together,
        after enough entries were evicted.  The lock is released after each
        slice of evictions.
        """
        bounds = Bounds(
            max_entries, max_bytes, max_age_secs, cleanup_interval_secs)
        while not self._fit(bounds):
            pass

    def remove_page(self, page_id: PageId) -> int:
        """Remove all entries of one page; return their number.

        `page_id` is ``key[:3]``.
        """
        return self._remove(Contents.of_page, page_id)

    def remove_path(self, path: str) -> int:
        """Remove the pages of a template or of content at a path.

        Return the number of entries removed.  Cost: proportional to that
        number.  The lock is held for one slice at a time.
        """
        return (
            self._remove(Contents.of_template, path)
            + self._remove(Contents.of_context, path))

    def _remove(
            self, some: Callable[[Contents, T, int], list[int]],
            whose: T) -> int:
        removed = 0
        while True:
            with self._lock:
                contents = self._contents
                numbers = some(contents, whose, SLICE)
                for number in numbers:
                    contents.drop(number)
                self._removals += len(numbers)
            removed += len(numbers)
            if len(numbers) < SLICE:
                return removed

    def page_ids(self) -> Iterator[PageId]:
        """Yield the ids of all pages, see `report`."""
        return self._walk(Contents.page_id)

    def purge(self) -> None:
        """Remove all entries, in constant time.

        Another thread frees the memory within seconds: to free a million
        objects at once would stop all threads meanwhile.
        """
        contents = Contents()
        with self._lock:
            contents, self._contents = self._contents, contents
            self._expiry.stop(self._room.bounds)
        with suppress(RuntimeError):  # no thread can start: freed on return
            threading.Thread(
                target=_free, args=(contents,), daemon=True).start()

    def counts(self) -> Counts:
        """Return exact figures of one moment."""
        with self._lock:
            queue, bounds = self._contents.queue, self._room.bounds
            return Counts(
                entries=queue.entries,
                bytes=queue.bytes + self._contents.spare_bytes,
                max_entries=bounds.max_entries,
                max_bytes=bounds.max_bytes,
                hits=self._hits,
                misses=self._misses,
                evictions=self._room.evictions,
                expirations=self._expiry.expirations,
                removals=self._removals + self._places.superseded,
                rejections=self._rejections,
                spare=self._contents.spare_bytes)

    def row(self, page_id: PageId) -> dict[str, Any] | None:
        """Return the report's dict for one page, or None, in constant time."""
        with self._lock:
            row = self._contents.row(page_id)
            return self._contents.describe(row)[1] if row else None

    def report(self) -> list[dict[str, Any]]:
        """Return a dict for each page, see `getCacheReport` of a manager.

        Pages that are stored or dropped meanwhile may be in it or not.
        """
        rows = {}
        for page, row in self._walk(Contents.describe):
            rows[page] = row
        return list(rows.values())

    def _walk(self, describe: Callable[[Contents, int], T]) -> Iterator[T]:
        """Yield `describe` of each row; take the lock for each slice."""
        start = NONE + 1
        while True:
            with self._lock:
                contents = self._contents
                newest = contents.rows.newest
                found = [
                    describe(contents, row)
                    for row in range(start, min(start + SLICE, len(newest)))
                    if newest[row]]
                start += SLICE
                is_last = start >= len(newest)
            yield from found
            if is_last:
                return

    # The caller of `_miss` holds the lock.

    def _miss(self, key: Key) -> None:
        self._misses += 1
        row = self._contents.row(key[:3])
        if row:
            self._contents.misses[row] += 1

    def _fit(self, bounds: Bounds) -> bool:
        """Evict a slice of entries; return whether `bounds` are in force."""
        with self._lock:
            is_done = self._room.fit(self._contents, bounds, SLICE)
            if is_done:
                self._expiry.restart(bounds)
            return is_done


def _free(contents: Contents) -> None:
    """Free the memory of `contents` in small steps."""
    for table in contents.dicts():
        while table:
            for _ in range(min(SLICE, len(table))):
                table.popitem()
            time.sleep(PAUSE_SECS)
    for part in (
            # these refer to all columns, but each must be freed by itself
            contents.numbers, *[groups.numbers for groups in contents.groups],
            *contents.groups, contents.queue, contents.bodies,
            contents.codings, contents):
        columns = vars(part)
        while columns:
            columns.popitem()
            time.sleep(PAUSE_SECS)
