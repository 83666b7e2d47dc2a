"""What one page was made from, and whether it is still as it was."""
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import ExitStack
from contextlib import contextmanager
from typing import Any

from ..core.reads.read_set import ReadSet
from ..core.reads.table import Table
from ..core.reads.unknown import NotKept
from ..core.reads.unknown import Unknown
from ..core.reads.unknown import Why
from .commits import Commits
from .commits import Reads
from .ring import MAX_OBJECTS
from .ring import Ring


#: What was read between two cuts: oids by the number of their database.
Segment = Mapping[int, frozenset[bytes]]


class Recording:
    """Records what a request reads, from the start of its transaction.

    It is used by the thread of the request alone, and has to be stopped or
    closed.  What was read since the last cut is kept for the page, taken
    out, or skipped; an object that was read in several parts is in each.
    Once something is unknown, it stays so.
    """

    def __init__(self, commits: Commits, connection: Any) -> None:
        self._commits = commits
        self._connections = connection.connections
        self._rings: dict[int, Ring] = {}
        self._reads: dict[int, set[bytes]] = {}
        self._unknown: Unknown | None = None
        with ExitStack() as undone:
            undone.callback(self.close)
            for one in list(self._connections.values()):
                self._open(one)
            undone.pop_all()  # nothing failed

    def _open(self, connection: Any) -> None:
        number = self._commits.watch(connection.db())
        if isinstance(number, Unknown):
            self._unknown = number
            return
        self._rings[number] = Ring(connection)
        self._reads[number] = set()

    def keep(self) -> None:
        """Let what was read since the last cut count for the page."""
        segment = self.take()
        if isinstance(segment, Unknown):
            return
        for number, oids in segment.items():
            self._reads[number] |= oids
        if sum(map(len, self._reads.values())) > MAX_OBJECTS:
            self._unknown = Unknown(Why.TOO_MANY)

    def take(self) -> Segment | Unknown:
        """Return what was read since the last cut; it counts for no page.
        """
        self._check_connections()
        if self._unknown is not None:
            return self._unknown
        found = {}
        for number, ring in self._rings.items():
            oids = ring.cut()
            if isinstance(oids, Unknown):
                self._unknown = oids
                return oids
            found[number] = frozenset(oids)
        return found

    def skip(self) -> None:
        """Let what was read since the last cut count for nothing."""
        self._check_connections()
        for ring in self._rings.values():
            self._unknown = self._unknown or ring.skip()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let nothing count that is read within."""
        self.keep()
        try:
            yield
        finally:
            self.skip()

    def stop(self) -> ReadSet | NotKept:
        """Return what the page was made from, and close the recording.

        Changed if any of it was committed meanwhile.  Raises what storages
        raise.
        """
        try:
            self.keep()
        finally:
            self.close()
        if self._unknown is not None:
            return self._unknown
        return self._commits.admit({
            number: Reads(ring.tid or 0, self._reads[number])
            for number, ring in self._rings.items()})

    def close(self) -> None:
        """Leave the connections as they were; may be called again."""
        for ring in self._rings.values():
            ring.close()

    def _check_connections(self) -> None:
        if len(self._connections) != len(self._rings):
            self._unknown = self._unknown or Unknown(Why.OPENED)


table = Table()
commits = Commits(table)


def start(connection: Any) -> Recording:
    """Record what is read by `connection` and by those in `connections`.

    The transaction has begun, and nothing was read in it that counts.
    Raises what storages raise.
    """
    return Recording(commits, connection)


def is_current(read_set: ReadSet, connection: Any) -> bool:
    """Return whether a page is as a render in `connection` would be.

    See :meth:`.commits.Commits.what_changed`, which tells why not.
    """
    return commits.what_changed(read_set, connection) is None
