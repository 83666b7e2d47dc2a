"""The sources of a page: objects, and questions with their answers."""
import math
from operator import attrgetter
from typing import NamedTuple
from typing import Protocol
from weakref import WeakValueDictionary

from .read_set import ReadSet
from .unknown import Why


#: Bytes of a `MadeFrom`, and of an `Asked` with its question.
_OWN_BYTES = 200
_ASKED_BYTES = 600


_sources = attrgetter('state.reads.sources')


class UntilCommit(NamedTuple):
    """Replaces a read set: the page is good until the next commit."""

    #: The last transaction visible to the page, by number of the database.
    tids: dict[int, int]
    why: Why

    @property
    def sources(self) -> tuple[int, ...]:
        return tuple(self.tids)

    @property
    def size(self) -> int:
        return 100 * len(self.tids)


class Question(Protocol):
    """A question of a render, which can be asked again; hashable."""

    @property
    def label(self) -> str:
        """The question in a few words, for people."""
        ...

    @property
    def size(self) -> int:
        """The size in bytes."""
        ...


class Value(NamedTuple):
    """A value that code keeps in memory, as a question.

    It cannot be asked again.  If its sources changed, its answer counts as
    changed.
    """

    name: str

    @property
    def label(self) -> str:
        return f'value kept in memory: {self.name}'

    @property
    def size(self) -> int:
        return len(self.name)


class State(NamedTuple):
    """The last check of an answer, and the objects that the answer needs."""

    #: The objects that were read when the question was asked last.
    reads: ReadSet
    #: The table's sequence at the last check; the answer was the same then.
    checked: int
    #: The time from which the clock may change the answer, seconds since 1970.
    until: float


class Asked:
    """A question and its answer, shared by all pages that got the answer.

    `state` is replaced as a whole, because other threads read it at any time.
    """

    __slots__ = ('question', 'answer', 'state', '__weakref__')

    def __init__(
            self, question: Question, answer: bytes, state: State) -> None:
        self.question = question
        #: A digest.
        self.answer = answer
        self.state = state

    @property
    def size(self) -> int:
        """The size in bytes, with the question."""
        return _ASKED_BYTES + self.question.size + self.state.reads.size


class MadeFrom:
    """The sources of one page."""

    __slots__ = (
        'objects', 'asked', 'changed_at', 'tids', 'until', 'sources',
        'last_check', 'size')

    def __init__(
            self, objects: ReadSet | UntilCommit, changed_at: float,
            tids: dict[int, int], asked: tuple[Asked, ...] = (),
            asked_size: int = 0, until: float = math.inf) -> None:
        self.objects = objects
        #: The time of the last change of the page, seconds since 1970.  It may
        #: be too late, but never too early.
        self.changed_at = changed_at
        self.asked = asked
        #: The last transaction visible to the page, by number of the database.
        self.tids = tids
        #: The time from which the clock may change a search that `asked` does
        #: not have, seconds since 1970.
        self.until = until
        #: Numbers of the databases that were read.
        self.sources = tuple(set(objects.sources).union(
            *map(_sources, asked)))
        #: The last check that found no change: the table's sequence then, and
        #: the time from which the clock may change an answer.
        self.last_check: tuple[int, float] = (0, -math.inf)
        #: The size in bytes that counts for the page.
        self.size = _OWN_BYTES + objects.size + asked_size


class Answers:
    """Answers that pages have; an answer without a page is dropped."""

    def __init__(self) -> None:
        self._known: WeakValueDictionary[
            tuple[Question, bytes], Asked] = WeakValueDictionary()

    def known(self, question: Question, answer: bytes) -> Asked | None:
        """Return the shared answer, None if no page has this answer."""
        return self._known.get((question, answer))

    def shared(
            self, question: Question, answer: bytes, state: State
    ) -> tuple[Asked, int]:
        """Return the shared answer, and its size in bytes for a new page.

        The size is 0 if another page has the answer already.
        """
        asked = self._known.get((question, answer))
        if asked is not None:
            return asked, 0
        asked = Asked(question, answer, state)
        self._known[question, answer] = asked
        return asked, asked.size
