"""Records what one request reads, and asks, while its page is made."""
import threading
import time
from collections.abc import Hashable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Set
from contextlib import contextmanager
from typing import Any
from typing import NamedTuple

from ..core.reads.made_from import Answers
from ..core.reads.made_from import Asked
from ..core.reads.made_from import MadeFrom
from ..core.reads.made_from import Question
from ..core.reads.made_from import State
from ..core.reads.made_from import UntilCommit
from ..core.reads.read_set import ReadSet
from ..core.reads.unknown import Changed
from ..core.reads.unknown import NotKept
from ..core.reads.unknown import Unknown
from ..core.reads.unknown import Why
from . import zodb
from .commits import Commits
from .commits import Reads
from .ring import MAX_OBJECTS
from .ring import Ring
from .zodb import RingMark


#: What was read between two cuts: oids by the number of their database.
Segment = Mapping[int, Set[bytes]]

#: Of so many values within one another it is known what they are made from.
MAX_BEGUN = 20

#: Without one of these it is not known which commits count.
_NOT_KEPT = (Why.CLOSED, Why.OPENED, Why.NO_SNAPSHOT, Why.LOST, Why.BEHIND)


class Answered(NamedTuple):
    """The answer to a question, as a render was given it."""

    #: A digest.
    answer: bytes
    #: When the clock may change it, seconds since 1970.
    until: float


class Begun:
    """A value that code makes, to keep it in memory."""

    def __init__(
            self, key: Hashable, numbers: Iterable[int],
            questions: int) -> None:
        self.key = key
        self.at = time.monotonic()
        #: What was read for it so far.
        self.reads: dict[int, set[bytes]] = {
            number: set() for number in numbers}
        #: How many questions were asked before.
        self.questions = questions
        #: What other values that it was given were made from, and when that
        #: changed last, seconds since 1970.
        self.asked: dict[Asked, None] = {}
        self.changed_at = 0.0


class Recording:
    """Records what a request reads since `marks` were put into its rings.

    It is used by the thread of the request alone.  What was read since the
    last cut is kept for the page, taken out, or skipped; an object that was
    read in several parts is in each.  Once something is unknown, it stays
    so.
    """

    def __init__(self, commits: Commits, marks: list[RingMark]) -> None:
        self._commits = commits
        self.connection = marks[0].connection
        self._connections = self.connection.connections
        #: When the request began, seconds since 1970.
        self.at = marks[0].at
        self._rings: dict[int, Ring] = {}
        self._reads: dict[int, set[bytes]] = {}
        #: The last transactions that are shown.
        self._tids: dict[int, int] = {}
        #: Of questions, in the order in which they were asked.
        self.open_questions: list[Any] = []
        #: Values that are being made, the outer ones first.
        self._begun: list[Begun] = []
        #: What values were made from that the page was given.
        self._asked: dict[Asked, None] = {}
        #: When that changed last, seconds since 1970.
        self._values_at = 0.0
        #: Bytes of questions and values.
        self._size = 0
        self._unknown: Unknown | None = None
        for mark in marks:
            number = commits.listen(mark.connection)
            if isinstance(number, Unknown):
                self._unknown = number
            else:
                self._rings[number] = ring = Ring(mark)
                self._reads[number] = set()
                if ring.tid is not None:
                    self._tids[number] = ring.tid

    def number_of(self, connection: Any) -> int | None:
        """Return the number of the database of `connection`, if recorded."""
        for number, ring in self._rings.items():
            if ring.connection is connection:
                return number
        return None

    def keep(self) -> None:
        """Let what was read since the last cut count for the page."""
        segment = self.take()
        if isinstance(segment, Unknown):
            return
        for number, oids in segment.items():
            self._reads[number] |= oids
            for begun in self._begun:
                begun.reads[number] |= oids
        if sum(map(len, self._reads.values())) > MAX_OBJECTS:
            self._unknown = Unknown(Why.TOO_MANY)

    def take(self) -> Segment | Unknown:
        """Return what was read since the last cut; it counts for no page.
        """
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

    def add(self, connection: Any, oids: frozenset[bytes]) -> None:
        """Let objects count that were looked at without a use of them."""
        number = self.number_of(connection)
        if number is None:
            self._unknown = Unknown(Why.OPENED)
        else:
            self._reads[number] |= oids

    def skip(self) -> None:
        """Let what was read since the last cut count for nothing."""
        for ring in self._rings.values():
            ring.skip()

    def begin_value(self, key: Hashable) -> None:
        """Note that code makes a value from now on, to keep it."""
        self.keep()
        self._begun.append(Begun(
            key, self._rings, len(self.open_questions)))
        del self._begun[:-MAX_BEGUN]  # most of these are never kept

    def end_value(self, key: Hashable) -> Begun | None:
        """Return the value that was made, None if it was not begun."""
        self.keep()
        for place, begun in reversed([*enumerate(self._begun)]):
            if begun.key == key:
                # those within that were not ended have failed
                del self._begun[place:]
                return begun
        return None

    def count_value(
            self, asked: tuple[Asked, ...], changed_at: float, size: int
    ) -> None:
        """Let what a value was made from count, for the page and for values
        that are being made; it takes `size` bytes.
        """
        counted = dict.fromkeys(asked)
        self._asked.update(counted)
        self._values_at = max(self._values_at, changed_at)
        self._size += size
        for begun in self._begun:
            begun.asked.update(counted)
            begun.changed_at = max(begun.changed_at, changed_at)

    def lose(self, why: Why = Why.LOST) -> None:
        """Note that something counts of which it is not known what."""
        self._unknown = self._unknown or Unknown(why)

    def changed_at(
            self, reads: Mapping[int, Iterable[bytes]], questions: list[Any]
    ) -> float:
        """Return when loaded objects, or those of questions, changed last.

        In seconds since 1970.  An answer that the clock changes is of now.
        """
        newest = self._newest(reads)
        for one in questions:
            if one.has_now:
                return time.time()
            newest = max(newest, self._newest(one.reads))
        return newest

    def _newest(self, reads: Mapping[int, Iterable[bytes]]) -> float:
        newest = 0.0
        for number, oids in reads.items():
            newest = max(newest, zodb.newest(
                self._rings[number].connection, oids))
        return newest

    def asked(
            self, questions: list[Any], answers: Answers
    ) -> tuple[Asked, ...] | NotKept:
        """Return questions with their answers, or why one is not known."""
        asked = []
        for one in questions:
            found = one.asked(self, answers)
            if isinstance(found, NotKept):
                return found
            asked.append(found[0])
            self._size += found[1]
        return tuple(asked)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let nothing count that is read within."""
        self.keep()
        try:
            yield
        finally:
            self.skip()

    def admit(self, segment: Segment | Unknown) -> ReadSet | NotKept:
        """Return a read set of a segment.  Raises what storages raise."""
        if isinstance(segment, Unknown):
            return segment
        return self._commits.admit({
            number: Reads(self._rings[number].tid or 0, oids)
            for number, oids in segment.items()})

    def stop(
            self, answers: Answers, hidden: frozenset[bytes] = frozenset()
    ) -> MadeFrom | Unknown:
        """Return what the page was made from, but for `hidden` oids of the
        connection that was given first.

        Raises what storages raise.
        """
        objects = self.read_set(hidden)
        if isinstance(objects, NotKept):
            return self._until_commit(objects)
        asked = self.asked(self.open_questions, answers)
        if isinstance(asked, NotKept):
            return self._until_commit(asked)
        changed_at = max(self._values_at, self.changed_at(
            self._reads, self.open_questions))
        return MadeFrom(
            objects, changed_at, self._tids,
            tuple(dict.fromkeys((*self._asked, *asked))), self._size)

    def read_set(
            self, hidden: frozenset[bytes] = frozenset()
    ) -> ReadSet | NotKept:
        """Return the objects that count, or why they are not known.

        Raises what storages raise.
        """
        self.keep()
        unknown = self._unknown or self._why_unknown()
        if unknown is not None:
            return unknown
        for oids in list(self._reads.values())[:1]:
            oids -= hidden
        return self.admit(self._reads)

    def answered(
            self, answers: Answers, question: Question, answered: Answered,
            segment: Segment) -> tuple[Asked, int] | NotKept:
        """Return a question that was answered, and the bytes it takes."""
        known = answers.known(question, answered.answer)
        if known is not None:
            # what it rests on is asked again once any of that was changed
            return known, 0
        reads = self.admit(segment)
        if isinstance(reads, NotKept):
            return reads
        return answers.shared(
            question, answered.answer,
            State(reads, reads.sequence, answered.until))

    def _until_commit(self, why: NotKept) -> MadeFrom | Unknown:
        """Return in place of what is not known that it was of this moment.
        """
        if isinstance(why, Changed):
            # others that show the same moment may have the page
            why = Unknown(Why.COMMITTED)
        if why.why in _NOT_KEPT:
            return why
        if len(self._tids) < len(self._rings):
            return why
        return MadeFrom(
            UntilCommit(self._tids, why.why), time.time(), self._tids)

    def _why_unknown(self) -> Unknown | None:
        if len(self._connections) != len(self._rings):
            return Unknown(Why.OPENED)
        for ring in self._rings.values():
            why = ring.why_unknown()
            if why is not None:
                return why
        return None


class _Thread(threading.local):
    """The recording of a thread at this moment."""

    recording: Recording | None = None


thread = _Thread()


def noted(function: Any, plain: Any) -> Any:
    """Return `function` for a thread that records, `plain` for others."""
    def method(self: Any, *args: Any, **keywords: Any) -> Any:
        if thread.recording is None:
            return plain(self, *args, **keywords)
        return function(plain, self, *args, **keywords)
    return method


@contextmanager
def unrecorded() -> Iterator[None]:
    """Let no question count that is asked within."""
    before, thread.recording = thread.recording, None
    try:
        yield
    finally:
        thread.recording = before
