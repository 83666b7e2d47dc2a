"""Values that other code keeps in memory, and their sources.

The sources of a value are read once, when it is made.  A page that gets the
value later reads none of them.  So the sources are noted beside the value,
and count for each page that gets it.
"""
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
from .thread import thread


#: A value that took longer to make stays after a change of its sources.
CHEAP_SECS = 0.2


class ValueMadeFrom(NamedTuple):
    """The sources of a value."""

    #: The value itself, the sources of values inside it, and its questions.
    asked: tuple[Asked, ...]
    #: The time that it took to make.
    secs: float
    #: The time of the last change of a source, seconds since 1970.
    changed_at: float
    #: The size in bytes that counts for a page.
    size: int
    #: Whether these are all of its sources, each in its committed state.
    is_known: bool = True


def missing(key: Hashable) -> None:
    """Note that a value is missing, so code may make it now."""
    recording: Any = thread.recording
    if recording is not None:
        recording.keep()
        recording.values.begin(
            key, recording.numbers, len(recording.open_questions))


def made(key: Hashable, name: str) -> ValueMadeFrom | None:
    """Return the sources of a value, None if they were not recorded."""
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
        Value(name), b'', State(reads, reads.sequence, recording.until))
    return ValueMadeFrom(
        (value, *making.asked, *asked), secs,
        max(making.changed_at, recording.changed_at(making.reads, questions)),
        value.size)


def _not_known(
        recording: Recording, why: NotKept, secs: float) -> ValueMadeFrom:
    """Return a placeholder for the unknown sources of a value.

    The page that is being made has the value too, so its sources become
    unknown.
    """
    recording.lose(Why.COMMITTED if isinstance(why, Changed) else why.why)
    return ValueMadeFrom((), secs, 0.0, 0, is_known=False)


def given(known: ValueMadeFrom | None, may_be_dear: bool = False) -> bool:
    """Count the sources of a value for the page that gets it.

    Return whether the page may use the value.  After a change of its sources
    a value is still used if it took long to make.  With `may_be_dear` it is
    made again at any cost.  `known` is None if there is no record of the
    sources; then the page may use the value.
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
