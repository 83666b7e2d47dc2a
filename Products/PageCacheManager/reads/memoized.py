"""Values that other code keeps in memory, and what they were made from.

What a value was made from is read once.  Pages that are given the value
later read nothing of it.  So what was read is noted beside the value, and
counts for each page that is given it.
"""
import math
import time
from collections.abc import Hashable
from typing import Any
from typing import NamedTuple

from zope.component.hooks import getSite

from ..core.attempt import FAILED
from ..core.attempt import attempt
from ..core.reads.made_from import Asked
from ..core.reads.made_from import State
from ..core.reads.made_from import Value
from ..core.reads.unknown import Changed
from ..core.reads.unknown import NotKept
from ..core.reads.unknown import Why
from . import freshness
from . import search
from .recording import Recording
from .recording import thread


#: A value that took longer to make is not made anew before its time.
CHEAP_SECS = 0.2


class ValueMadeFrom(NamedTuple):
    """The sources of a value."""

    #: Itself, and the questions that it asked.
    asked: tuple[Asked, ...]
    #: How long it took.
    secs: float
    #: When that changed last, seconds since 1970.
    changed_at: float
    #: Bytes that a page takes for it.
    size: int
    #: Whether these are all of its sources, each as it was committed.
    is_known: bool = True


def missing(key: Hashable) -> None:
    """Note that there is no value, so that it may be made now."""
    recording: Any = thread.recording
    if recording is not None:
        recording.keep()
        recording.values.begin(
            key, recording.numbers, len(recording.open_questions))


def made(key: Hashable, name: str) -> ValueMadeFrom | None:
    """Return what a value was made from, None if that is not known."""
    recording: Any = thread.recording
    if recording is None:
        return None
    found = attempt(None, 'reads', _made_from, recording, key, name)
    return None if found is FAILED else found


def _made_from(
        recording: Recording, key: Hashable, name: str
) -> ValueMadeFrom | None:
    recording.keep()
    making = recording.values.end(key)
    if making is None:
        return None
    questions = recording.open_questions[making.questions:]
    asked = recording.asked(questions, freshness.answers)
    reads = recording.why_unknown() or recording.admit(making.reads)
    secs = time.monotonic() - making.at
    if isinstance(asked, NotKept):
        return _not_known(recording, asked, secs)
    if isinstance(reads, NotKept):
        return _not_known(recording, reads, secs)
    value = Asked(
        Value(name), b'', State(reads, reads.sequence, math.inf))
    return ValueMadeFrom(
        (value, *making.asked, *asked), secs,
        max(making.changed_at, recording.changed_at(making.reads, questions)),
        value.size)


def _not_known(
        recording: Recording, why: NotKept, secs: float) -> ValueMadeFrom:
    """Return what stands for the sources of a value that are not known.

    The page for which it was made has it, too.
    """
    recording.lose(Why.COMMITTED if isinstance(why, Changed) else why.why)
    return ValueMadeFrom((), secs, 0.0, 0, is_known=False)


def given(known: ValueMadeFrom | None, may_be_dear: bool = False) -> bool:
    """Count what a value was made from, for the page that is given it.

    Return whether the page may use the value.  A changed one is still used if
    it took long to make, unless `may_be_dear`.  None stands for a value of
    which nothing is known.
    """
    recording: Any = thread.recording
    if recording is None or known is None:
        return True
    is_given = attempt(
        None, 'reads', _count, recording, known, may_be_dear)
    if is_given is FAILED:
        recording.lose()
    return bool(is_given)


def _count(
        recording: Recording, known: ValueMadeFrom, may_be_dear: bool) -> bool:
    is_to_be_new = may_be_dear or known.secs < CHEAP_SECS
    if not known.is_known:
        if is_to_be_new and recording.why_unknown() is None:
            return False
        recording.lose()
    elif is_to_be_new and not all(
            [_is_current(asked, recording) for asked in known.asked]):
        return False
    recording.values.count(known.asked, known.changed_at, known.size)
    return True


def _is_current(asked: Asked, recording: Recording) -> bool:
    if freshness.is_unmoved(asked, time.time()):
        return True
    return not isinstance(asked.question, Value) and freshness.ask_again(
        asked, recording.connection, recording,
        lambda question: search.ask(question, getSite())) is not None
