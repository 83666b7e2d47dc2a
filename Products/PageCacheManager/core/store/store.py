"""The store of this process: bounded by entries and bytes, expiring, counted.

All that holds pages stands in one `Contents`, which purging replaces.  The
store around it has the lock, the bounds, the clock and the counters.
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

#: How many rows or entries are walked over before the lock is let go.
SLICE = 200

#: Between two slices of what was purged, so that others get their turn.
PAUSE_SECS = 0.001


class Entry(NamedTuple):
    """An entry as it was at some moment, of a page without its own limit of
    age.
    """

    hashed: int
    record: Record


class PageStore:
    """Pages by key.  Every method may be called by any thread.

    At every moment there are at most `max_entries` entries, which take at
    most `max_bytes` bytes.  Bytes are those of body, coded body, headers and
    key, and a fixed share for the entry itself.

    A page that is kept in a coding counts by that, and by gzip if it is kept
    in that and in another one.  The other coding, and the body without any,
    are spare: they take a quarter of `max_bytes` at most, and are the first
    to go when room is needed.  `get` returns a page with an empty body then,
    and says of the coding that it is not worth its bytes.

    Getting, setting, evicting and removing one entry, and adding a coding,
    cost constant time, whatever the number of entries.
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

        A signpost is no answer yet, so it is neither a hit nor a miss.  With
        `created` it is the page that was rendered then; where it is gone
        nothing is counted, since who wants it asks again without.
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
        """Return the entry of the page that was rendered then, for `again`.
        """
        with self._lock:
            record = self._contents.find(key)
            return None if record is None or record[CREATED] != created else (
                Entry(hash(key), record))

    def again(self, entry: Entry) -> bool:
        """Return whether an entry is there as it was; if so, count a hit.

        Else nothing is counted, as with `created` of `get`.
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
        """Remove a page that `get` gave, and count a miss in place of its
        hit.  Another page under `key` stays.
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

        Their bodies may be in a coding alone.
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
        """Keep the body of the page under `key` in a content coding too.

        Nothing happens unless that page was rendered at `created`, or if it
        has the coding already.  Empty `data` says that the coding is not
        worth its bytes.  Return whether it was kept.
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
        """Take new bounds, all or none; `max_age_secs` 0 means no limit.

        The settings check their ranges.  They come into force at once,
        together, when enough is evicted; the lock is let go after each slice
        of that.
        """
        bounds = Bounds(
            max_entries, max_bytes, max_age_secs, cleanup_interval_secs)
        while not self._fit(bounds):
            pass

    def remove_page(self, page_id: PageId) -> int:
        """Remove all entries of one page; return how many they were.

        `page_id` is ``key[:3]``.
        """
        return self._remove(Contents.of_page, page_id)

    def remove_path(self, path: str) -> int:
        """Remove the pages of a template or of content at a path.

        Return how many entries they were.  It costs what is removed, and
        never holds the lock longer than a slice of that takes.
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
        """Remove everything, in constant time.

        The memory comes back within seconds: to free a million objects in
        one go would stop all threads for as long as that takes.
        """
        contents = Contents()
        with self._lock:
            contents, self._contents = self._contents, contents
            self._expiry.stop(self._room.bounds)
        with suppress(RuntimeError):  # no more threads: freed on return
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

        Pages that come and go meanwhile may be in it or not.
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

    # What follows is called with the lock held.

    def _miss(self, key: Key) -> None:
        self._misses += 1
        row = self._contents.row(key[:3])
        if row:
            self._contents.misses[row] += 1

    def _fit(self, bounds: Bounds) -> bool:
        """Evict a slice of the excess; return whether `bounds` are taken."""
        with self._lock:
            is_done = self._room.fit(self._contents, bounds, SLICE)
            if is_done:
                self._expiry.restart(bounds)
            return is_done


def _free(contents: Contents) -> None:
    """Take `contents` to pieces, little by little."""
    for table in contents.dicts():
        while table:
            for _ in range(min(SLICE, len(table))):
                table.popitem()
            time.sleep(PAUSE_SECS)
    for part in (
            # these hold all columns together, but each is to go by itself
            contents.numbers, *[groups.numbers for groups in contents.groups],
            *contents.groups, contents.queue, contents.bodies,
            contents.codings, contents):
        columns = vars(part)
        while columns:
            columns.popitem()
            time.sleep(PAUSE_SECS)
