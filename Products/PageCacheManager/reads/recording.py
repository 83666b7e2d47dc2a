"""Records what one request reads, and asks, while its page is made."""
import threading
import time
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
from .making import Values
from .ring import MAX_OBJECTS
from .ring import Ring
from .zodb import RingMark


#: What was read between two cuts: oids by the number of their database.
Segment = Mapping[int, Set[bytes]]

#: Without one of these it is not known which commits count.
_NOT_KEPT = (Why.CLOSED, Why.OPENED, Why.NO_SNAPSHOT, Why.LOST, Why.BEHIND)


class Answered(NamedTuple):
    """The answer to a question, as a render was given it."""

    #: A digest.
    answer: bytes
    #: When the clock may change it, seconds since 1970.
    until: float


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
        self.values = Values()
        #: Bytes of questions.
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

    @property
    def numbers(self) -> Iterable[int]:
        """The numbers of the databases that are recorded."""
        return self._rings.keys()

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
            for making in self.values.makings:
                making.reads[number] |= oids
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

    def lose(self, why: Why = Why.LOST) -> None:
        """Note that something counts of which it is not known what."""
        self._unknown = self._unknown or Unknown(why)

    def why_unknown(self) -> Unknown | None:
        """Return why it is not known what was read so far, None if it is."""
        if self._unknown is not None:
            return self._unknown
        if len(self._connections) != len(self._rings):
            return Unknown(Why.OPENED)
        for ring in self._rings.values():
            why = ring.why_unknown()
            if why is not None:
                return why
        return None

    def changed_at(
            self, reads: Mapping[int, Iterable[bytes]], questions: list[Any]
    ) -> float:
        """Return when loaded objects, or those of questions, changed last.

        In seconds since 1970.  An answer that the clock changes is of now.
        """
        newest = 0.0
        for number, ring in self._rings.items():
            oids = set(reads.get(number, ()))
            for one in questions:
                if one.has_now:
                    return time.time()
                oids.update(one.reads.get(number, ()))
            newest = max(newest, zodb.newest(ring.connection, oids))
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
        reads = {}
        for number, oids in segment.items():
            reads[number] = Reads(self._rings[number].tid or 0, oids)
        return self._commits.admit(reads)

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
        values = self.values
        changed_at = max(values.changed_at, self.changed_at(
            self._reads, self.open_questions))
        return MadeFrom(
            objects, changed_at, self._tids,
            tuple(dict.fromkeys((*values.asked, *asked))),
            self._size + values.size)

    def read_set(
            self, hidden: frozenset[bytes] = frozenset()
    ) -> ReadSet | NotKept:
        """Return the objects that count, or why they are not known.

        Raises what storages raise.
        """
        self.keep()
        unknown = self.why_unknown()
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
