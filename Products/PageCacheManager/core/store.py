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
from typing import TypeVar

from .contents import Contents
from .contents import created_of
from .contents import flatten
from .counts import Counts
from .expiry import Expiry
from .expiry import is_expired
from .keys import Key
from .keys import PageId
from .keys import page_id
from .page import Page
from .room import Bounds
from .room import Room
from .spare import Parts
from .spare import parted
from .tables import NONE
from .tables import Record


T = TypeVar('T')

#: What an entry takes beside its strings, in bytes.
ENTRY_BYTES = 1024

#: No page takes the place of more entries than this at once: it would take
#: milliseconds, with the lock held.  What was evicted for a page that did not
#: fit yet stays evicted, so the page fits one of the next times.  The same for
#: what is spare.
MAX_EVICTIONS = 200

#: Entries of one variant of a page that are equally new; beyond, the one
#: stored first goes.
MAX_PER_SLOT = 1000

#: How many rows or entries are walked over before the lock is let go.
SLICE = 200

#: Between two slices of what was purged, so that others get their turn.
PAUSE_SECS = 0.001


class PageStore:
    """Implements :class:`interfaces.IBoundedPageStore`."""

    def __init__(
            self,
            max_entries: int,
            max_bytes: int,
            max_age_secs: int = 0,
            cleanup_interval_secs: int = 60,
            clock: Callable[[], float] = time.time) -> None:
        bounds = Bounds(
            max_entries, max_bytes, max_age_secs, cleanup_interval_secs)
        bounds.check()
        self._room = Room(bounds)
        self._lock = threading.Lock()
        self._clock = clock
        self._contents = Contents()
        self._expiry = Expiry(clock())
        self._hits = 0
        self._misses = 0
        self._removals = 0
        self._rejections = 0

    def get(self, key: Key) -> Page | None:
        """Return the page under `key`, None where there is none.

        A signpost is no answer yet, so it is neither a hit nor a miss.
        """
        now = self._clock()
        with self._lock:
            contents, bounds = self._contents, self._room.bounds
            self._expiry.sweep(contents, bounds, now)
            record = contents.find(key)
            if record is None:
                self._miss(key)
                return None
            number = record[0]
            if is_expired(contents.created[number], bounds, now):
                self._miss(key)
                self._expiry.expire(contents, number)
                return None
            contents.queue.touch(number)
            page = contents.page(record)
            if not page.is_signpost:
                self._hits += 1
                contents.hits[contents.rows.of[number]] += 1
            return page

    def peek(self, key: Key) -> Page | None:
        """Return what `get` would return, and leave no trace."""
        now = self._clock()
        with self._lock:
            contents, bounds = self._contents, self._room.bounds
            record = contents.find(key)
            if record is None or is_expired(created_of(record), bounds, now):
                return None
            return contents.page(record)

    def set(self, key: Key, page: Page) -> bool:
        """Store `page` under `key`; return whether it was kept."""
        parts = parted(page)
        size = entry_size(key, parts.kept)
        flat = flatten(key, parts.kept)
        now = self._clock()
        with self._lock:
            contents = self._contents
            self._expiry.sweep(contents, self._room.bounds, now)
            if not self._room.admits(size) or not contents.admits(key):
                self._rejections += 1
                return False
            record = contents.find(key)
            kept = (
                self._add(key, flat, size, parts) if record is None
                else self._replace(record[0], flat, size, parts))
            self._rejections += not kept
            return kept

    def add_coding(
            self, key: Key, created: float, name: str, data: bytes) -> bool:
        """Keep the page's body in a coding as well; see the contract."""
        with self._lock:
            contents = self._contents
            record = contents.find(key)
            if record is None or created_of(record) != created:
                return False
            page = contents.page(record)
            if page.coded(name) is not None:
                return False
            return self._recode(
                key, record[0], parted(page.with_coding(name, data)))

    def configure(
            self,
            max_entries: int,
            max_bytes: int,
            max_age_secs: int,
            cleanup_interval_secs: int) -> None:
        """Take new bounds, all or none.

        They come into force at once, together, when enough is evicted; the
        lock is let go after each slice of that.
        """
        bounds = Bounds(
            max_entries, max_bytes, max_age_secs, cleanup_interval_secs)
        bounds.check()
        while not self._fit(bounds):
            pass

    def remove_page(self, page_id: PageId) -> int:
        """Remove all entries of one page; return how many they were."""
        removed = 0
        while True:
            with self._lock:
                contents = self._contents
                row = contents.row(page_id)
                numbers = contents.rows.some(row, SLICE)
                for number in numbers:
                    contents.drop(number)
                self._removals += len(numbers)
            removed += len(numbers)
            if len(numbers) < SLICE:
                return removed

    def remove_template(self, template_path: str) -> int:
        """Remove what a template rendered; return the number of entries."""
        return sum(
            self.remove_page(page)
            for page in self._walk(Contents.page_id)
            if page[0] == template_path)

    def purge(self) -> None:
        """Remove everything, in constant time.

        The memory comes back within seconds: to free a million objects in
        one go would stop all threads for as long as that takes.
        """
        contents = Contents()
        with self._lock:
            contents, self._contents = self._contents, contents
            self._expiry.stop()
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
                removals=self._removals,
                rejections=self._rejections,
                spare=self._contents.spare_bytes)

    def row(self, page_id: PageId) -> dict[str, Any] | None:
        """Return the report's dict for one page, None where there is none."""
        with self._lock:
            row = self._contents.row(page_id)
            return self._contents.describe(row)[1] if row else None

    def report(self) -> list[dict[str, Any]]:
        """Return a dict for each page, see the contract.

        Pages that come and go meanwhile may be in it or not.
        """
        rows = {}
        for page, row in self._walk(Contents.describe):
            rows[page] = row
        return list(rows.values())

    def _walk(self, describe: Callable[[Contents, int], T]) -> Iterator[T]:
        """Yield what `describe` says of each row, a slice of them a lock."""
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
        row = self._contents.row(page_id(key))
        if row:
            self._contents.misses[row] += 1

    def _add(self, key: Key, flat: Record, size: int, parts: Parts) -> bool:
        contents = self._contents
        number = contents.link(key, flat)
        # What is evicted now may take its place among the ghosts.
        queue = contents.queue.queue_for(contents.hashes[number])
        self._bound_slot(number)
        self._supersede(number, parts.kept.modified)
        has_room = self._room.make(contents, size, 1, MAX_EVICTIONS)
        if has_room:
            contents.resume(number, size, queue)
            self._room.keep_spare(contents, number, parts, MAX_EVICTIONS)
        else:
            contents.unlink(number)
        return has_room

    def _replace(
            self, number: int, flat: Record, size: int,
            parts: Parts) -> bool:
        # It leaves the queue meanwhile, so that it is nobody's victim.
        contents = self._contents
        size_before = contents.queue.sizes[number]
        queue = contents.suspend(number)
        contents.forget_spare(number)
        self._supersede(number, parts.kept.modified)
        has_room = self._room.make(contents, size, 1, MAX_EVICTIONS)
        if has_room:
            contents.write(number, flat)
        contents.resume(number, size if has_room else size_before, queue)
        if has_room:
            self._room.keep_spare(contents, number, parts, MAX_EVICTIONS)
        return has_room

    def _recode(self, key: Key, number: int, parts: Parts) -> bool:
        """Give an entry one coding more than it had."""
        contents = self._contents
        size = entry_size(key, parts.kept)
        if not self._room.admits(size):
            return False
        more = size - contents.queue.sizes[number]
        if more > 0 and not self._room.make(contents, more, 0, MAX_EVICTIONS):
            return False
        if contents.find(key) is None:  # it was a victim itself
            return False
        contents.rewrite(number, flatten(key, parts.kept))
        contents.resize(number, size)
        self._room.keep_spare(contents, number, parts, MAX_EVICTIONS)
        return True

    def _supersede(self, number: int, modified: float) -> None:
        """Remove what nobody will ask for since `number` is there."""
        contents = self._contents
        group = contents.slots.of[number]
        if modified <= contents.modified[group]:
            return
        contents.modified[group] = modified
        for other in contents.slots.some(group, MAX_PER_SLOT):
            if other != number:
                contents.drop(other)
                self._removals += 1

    def _bound_slot(self, number: int) -> None:
        contents = self._contents
        group = contents.slots.of[number]
        if contents.slots.lengths[group] > MAX_PER_SLOT:
            self._room.evict(contents, contents.slots.some(group, 1)[0])

    def _fit(self, bounds: Bounds) -> bool:
        """Evict a slice of what exceeds `bounds`, and take them at last."""
        with self._lock:
            is_done = self._room.fit(self._contents, bounds, SLICE)
            if is_done:
                self._expiry.restart()
            return is_done


def entry_size(key: Key, page: Page) -> int:
    """Return the bytes that an entry counts for.

    A character of a string counts as one.
    """
    return (
        ENTRY_BYTES + page.size
        + sum(map(len, page.varies))
        + sum(map(len, key[:3])) + sum(map(len, key[3]))
        + sum(map(len, key[4])))


def _free(contents: Contents) -> None:
    """Take `contents` to pieces, little by little."""
    for table in contents.dicts():
        while table:
            for _ in range(min(SLICE, len(table))):
                table.popitem()
            time.sleep(PAUSE_SECS)
    for part in (
            contents.rows, contents.slots, contents.queue, contents.bodies,
            contents.codings, contents):
        columns = vars(part)
        while columns:
            columns.popitem()
            time.sleep(PAUSE_SECS)
