"""The last requests that were not answered from memory, with reasons."""
import threading
from collections import deque
from typing import NamedTuple

from ..key import PageId


#: Number of requests that are kept.
MAX_ENTRIES = 500

#: Texts that clients choose are cut to this number of characters.
MAX_LENGTH = 300


class Changed(NamedTuple):
    """An object that was committed since a page was made from it."""

    #: The name of its database.
    database: str
    oid: bytes


class Entry(NamedTuple):
    """A request that was not answered from memory."""

    #: Seconds since 1970.
    at: float
    #: Template path, content path and URL.
    page: PageId
    #: The id of the user, '' for an anonymous visitor.
    user: str
    #: The word of X-PageCache, and the detail of Cache-Status.
    word: str
    detail: str
    #: The reason if a stored page was dropped: an object, or a text; None if
    #: no page was dropped.
    dropped: Changed | str | None
    #: A hash of each part of the key's variant, empty without an ETag.
    parts: tuple[int, ...]
    #: The time of rendering, 0 if it is unknown.
    secs: float = 0.0


class Journal:
    """The last requests of one manager in this process.

    Any thread may call any method.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque(maxlen=MAX_ENTRIES)
        self._renders = 0
        self._secs = 0.0

    def note(self, entry: Entry) -> None:
        """Keep an entry in place of the oldest one."""
        (at, (template, content, url), user, word, detail, dropped, parts,
         secs) = entry
        if isinstance(dropped, str):
            dropped = dropped[:MAX_LENGTH]
        entry = Entry(
            at, (template[:MAX_LENGTH], content[:MAX_LENGTH],
                 url[:MAX_LENGTH]), user[:MAX_LENGTH], word,
            detail[:MAX_LENGTH], dropped, parts, secs)
        with self._lock:
            self._entries.append(entry)
            if word == 'MISS' and secs:
                self._renders += 1
                self._secs += secs

    def mean_secs(self) -> float | None:
        """Return the mean render time of pages that are stored.

        It covers all renders since counting began; None before the first.
        """
        count, secs = self.renders()
        return secs / count if count else None

    def renders(self) -> tuple[int, float]:
        """Return the number and the total time of renders of stored pages.

        Only renders with a known time count.
        """
        with self._lock:
            return self._renders, self._secs

    def reset(self) -> None:
        """Set the sums of the renders to zero; the entries stay."""
        with self._lock:
            self._renders, self._secs = 0, 0.0

    def entries(self) -> list[Entry]:
        """Return all entries, the newest first."""
        with self._lock:
            return list(reversed(self._entries))

    def of_page(self, page: PageId) -> list[Entry]:
        """Return the entries of a template and content under any URL."""
        paths = tuple(path[:MAX_LENGTH] for path in page[:2])
        return [
            entry for entry in self.entries() if entry.page[:2] == paths]

    def of_reason(self, detail: str) -> list[Entry]:
        """Return the entries with a detail of Cache-Status."""
        return [
            entry for entry in self.entries() if entry.detail == detail]
