"""Records the objects and questions of a request while its page is made."""
import math
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
from .thread import thread
from .zodb import RingMark


#: Oids that were read between two cuts, by number of the database.
Segment = Mapping[int, Set[bytes]]

#: With one of these reasons it is unknown which commits would change a page,
#: so the page is not good until the next commit either.
_NOT_KEPT = (Why.CLOSED, Why.OPENED, Why.NO_SNAPSHOT, Why.LOST, Why.BEHIND)

#: With one of these reasons a page may show changes after the transactions
#: that were visible when reading began.
_OF_LATER = (Why.CHANGES, Why.SNAPSHOT)


class Answered(NamedTuple):
    """The answer to a question, as a render got it."""

    #: A digest.
    answer: bytes
    #: The time from which the clock may change it, seconds since 1970.
    until: float


class Recording:
    """Records the reads of a request, from `marks` in its rings on.

    Only the thread of the request uses it.  Each of three methods ends a
    segment of reads: `keep` counts it for the page, `take` returns it, `skip`
    drops it.  An object that is read in several segments is in each.  If the
    reads become unknown, they stay unknown.
    """

    def __init__(self, commits: Commits, marks: list[RingMark]) -> None:
        self._commits = commits
        self.connection = marks[0].connection
        self._connections = self.connection.connections
        #: Start of the request, seconds since 1970.
        self.at = marks[0].at
        self._rings: dict[int, Ring] = {}
        self._reads: dict[int, set[bytes]] = {}
        #: The last visible transaction, by number of the database.
        self._tids: dict[int, int] = {}
        #: Questions in the order in which they were asked.
        self.open_questions: list[Any] = []
        self.values = Values()
        #: Size of the questions in bytes.
        self._size = 0
        #: The time from which the clock may change a search that cannot be
        #: asked again, seconds since 1970.
        self.until = math.inf
        self._unknown: Unknown | None = None
        self._opens = marks[0].opens
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
        """The numbers of the recorded databases."""
        return self._rings.keys()

    def number_of(self, connection: Any) -> int | None:
        """Return the number of the database of `connection`, if recorded."""
        for number, ring in self._rings.items():
            if ring.connection is connection:
                return number
        return None

    def keep(self) -> None:
        """Count the objects that were read since the last cut for the page.

        They count for values that are being made, too.
        """
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
        """Return the oids that were read since the last cut.

        They do not count for the page.
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
        """Count objects whose records were read, so no ring has them."""
        number = self.number_of(connection)
        if number is None:
            self._unknown = Unknown(Why.OPENED)
        else:
            self._reads[number] |= oids

    def skip(self) -> None:
        """Ignore the objects that were read since the last cut."""
        for ring in self._rings.values():
            ring.skip()

    def lose(self, why: Why = Why.LOST) -> None:
        """Note that the page has unknown sources."""
        self._unknown = self._unknown or Unknown(why)

    def why_unknown(self) -> Unknown | None:
        """Return the reason if the reads so far are unknown, else None."""
        if thread.opened != self._opens:
            return Unknown(Why.OPENED)
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
        """Return the time of the last change of objects and questions.

        In seconds since 1970.  Only loaded objects count.  The answer to a
        question about the current time counts as changed now.
        """
        newest = 0.0
        if self._is_of_now(questions):
            return time.time()
        for number, ring in self._rings.items():
            oids = set(reads.get(number, ()))
            for one in questions:
                oids.update(one.reads.get(number, ()))
            newest = max(newest, zodb.newest(ring.connection, oids))
        return newest

    def _is_of_now(self, questions: list[Any]) -> bool:
        return self.until < math.inf or any(one.has_now for one in questions)

    def asked(
            self, questions: list[Any], answers: Answers
    ) -> tuple[Asked, ...] | NotKept:
        """Return questions with answers, or the reason for an unknown one."""
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
        """Ignore all reads inside this context."""
        self.keep()
        try:
            yield
        finally:
            self.skip()

    def admit(self, segment: Segment | Unknown) -> ReadSet | NotKept:
        """Return the read set of a segment.  Raises errors of the storage."""
        if isinstance(segment, Unknown):
            return segment
        reads = {}
        for number, oids in segment.items():
            reads[number] = Reads(self._rings[number].tid or 0, oids)
        return self._commits.admit(reads)

    def made_from(
            self, answers: Answers, hidden: frozenset[bytes] = frozenset()
    ) -> MadeFrom | Unknown:
        """Return the sources of the page, without the oids in `hidden`.

        The key has the versions of these objects.  They are of the database
        of the first mark.  Raises errors of the storage.
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
            self._size + values.size, self.until)

    def read_set(
            self, hidden: frozenset[bytes] = frozenset()
    ) -> ReadSet | NotKept:
        """Return the objects that count, or the reason for unknown objects.

        Raises errors of the storage.
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
        """Return a question with its answer, and its size in bytes."""
        known = answers.known(question, answered.answer)
        if known is not None:
            # its own read set decides about the next check
            return known, 0
        reads = self.admit(segment)
        if isinstance(reads, NotKept):
            return reads
        return answers.shared(
            question, answered.answer,
            State(reads, reads.sequence, answered.until))

    def _until_commit(self, why: NotKept) -> MadeFrom | Unknown:
        """Return sources that are good until the next commit.

        Return an Unknown if the page cannot be kept even until then.
        """
        if isinstance(why, Changed):
            # requests with the same snapshot may get the page
            why = Unknown(Why.COMMITTED)
        if thread.opened != self._opens:
            why = Unknown(Why.OPENED)
        if why.why in _NOT_KEPT:
            return why
        if len(self._tids) < len(self._rings):
            return why
        searches = self.open_questions
        until = min([self.until, *[one.until for one in searches], *[
            asked.state.until for asked in self.values.asked]])
        changed_at = max([
            self.values.changed_at, *map(zodb.time_of, self._tids.values())])
        if self._is_of_now(searches) or why.why in _OF_LATER:
            changed_at = time.time()
        return MadeFrom(
            UntilCommit(self._tids, why.why), changed_at, self._tids,
            until=until)


def noted(function: Any, plain: Any) -> Any:
    """Return a method: `function` in threads that record, else `plain`."""
    def method(self: Any, *args: Any, **keywords: Any) -> Any:
        if thread.recording is None:
            return plain(self, *args, **keywords)
        return function(plain, self, *args, **keywords)
    return method


@contextmanager
def unrecorded() -> Iterator[None]:
    """Ignore all questions inside this context."""
    before, thread.recording = thread.recording, None
    try:
        yield
    finally:
        thread.recording = before
