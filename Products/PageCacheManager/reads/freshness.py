"""Read sets of pages, and the check that a page is current."""
import time
from collections.abc import Callable
from itertools import islice
from typing import Any

from ..core.reads.made_from import Answers
from ..core.reads.made_from import Asked
from ..core.reads.made_from import MadeFrom
from ..core.reads.made_from import Question
from ..core.reads.made_from import State
from ..core.reads.made_from import Value
from ..core.reads.read_set import ReadSet
from ..core.reads.table import Table
from ..core.reads.unknown import NotKept
from ..core.reads.unknown import Unknown
from ..core.reads.unknown import Why
from . import zodb
from .commits import Commits
from .recording import Answered
from .recording import Recording


table = Table()
commits = Commits(table)
answers = Answers()

#: Asks a question as the request would; its reads do not count for a page.
Ask = Callable[[Question], Answered | None]


def what_changed(
        made: MadeFrom, connection: Any,
        recording: Callable[[], Recording | None],
        ask: Ask) -> NotKept | Question | None:
    """Return None if a page is equal to a render in `connection` now.

    Otherwise return an object that was committed, a question with another
    answer, or the reason for an unknown result.  `recording` returns the
    recording of the request; it is called only if a question must be asked
    again.  Raises errors of storages and searches.
    """
    unknown = commits.hear(made.sources, connection)
    if unknown is not None:
        return unknown
    sequence, now = table.sequence, time.time()
    checked, until = made.last_check
    if checked == sequence and now < until:
        return None
    if now >= made.until:
        return Unknown(Why.CLOCK)
    changed = commits.what_changed(made.objects, connection)
    if changed is not None:
        # a request with the same snapshot as the page may still get it
        return None if commits.shows(made.tids, connection) else changed
    is_known = True
    until = made.until
    for asked in made.asked:
        if not is_unmoved(asked, now):
            again = None if isinstance(asked.question, Value) else (
                ask_again(asked, connection, recording(), ask))
            if again is None:
                return asked.question
            is_known = is_known and again
        until = min(until, asked.state.until)
    if is_known and isinstance(made.objects, ReadSet):
        made.last_check = sequence, until
    return None


def hear() -> bool:
    """Receive all commits to all databases; return whether they are known.

    Raises errors of the storage.
    """
    return commits.hear(commits.numbers(), None) is None


def are_unmoved(
        made: MadeFrom, *more: ReadSet, is_heard: bool = False) -> bool:
    """Return whether no source of a page, and no object of `more`, changed.

    The last commits decide; `is_heard` means that they were received already.
    No question is asked again.  Raises errors of the storage.
    """
    objects = made.objects
    sources = set(made.sources).union(*[reads.sources for reads in more])
    if not isinstance(objects, ReadSet) or not is_heard and (
            commits.hear(sources, None) is not None):
        return False
    sequence, now = table.sequence, time.time()
    for reads in objects, *more:
        if table.changed_since(reads, reads.sequence) is not None:
            return False
        reads.sequence = sequence
    return now < made.until and all(
        is_unmoved(asked, now) for asked in made.asked)


def databases_of(made: MadeFrom) -> set[str]:
    """Return the names of the databases that a page was made from.

    A database that is not known any more has the name ''.
    """
    return set(map(commits.name_of, made.sources))


def objects_of(made: MadeFrom, limit: int) -> list[tuple[str, bytes]]:
    """Return up to `limit` objects of a page: name of the database, and oid.

    The name is '' if the database is not known any more.
    """
    if not isinstance(made.objects, ReadSet):
        return []
    return [
        (commits.name_of(source), oid)
        for source, oid in islice(table.objects(made.objects), limit)]


def until(made: MadeFrom) -> float:
    """Return the time from which the clock may change a page.

    In seconds since 1970, infinity for never.
    """
    return min([made.until, *[asked.state.until for asked in made.asked]])


def read_anew(
        then: MadeFrom, now: MadeFrom | Unknown, connection: Any,
        since: float) -> tuple[list[Any], list[Question]]:
    """Return the sources in `now` that are not in `then`.

    These are loaded objects that were committed after `since`, in seconds
    since 1970, and questions.
    """
    if not (isinstance(now, MadeFrom) and isinstance(now.objects, ReadSet)
            and isinstance(then.objects, ReadSet)):
        return [], []
    found: list[Any] = []
    for source, oid in {*table.objects(now.objects)} - {
            *table.objects(then.objects)}:
        one = connection.connections.get(commits.name_of(source))
        if one is not None:
            found += zodb.loaded_since(one, [oid], since)
    known = {asked.question for asked in then.asked}
    return found, [
        asked.question for asked in now.asked
        if asked.question not in known]


def is_unmoved(asked: Asked, now: float) -> bool:
    """Return whether an answer is the same because its sources are."""
    state, sequence = asked.state, table.sequence
    if now >= state.until:
        return False
    if state.checked != sequence:
        if table.changed_since(state.reads, state.checked) is not None:
            return False
        asked.state = state._replace(checked=sequence)
    return True


def ask_again(
        asked: Asked, connection: Any, recording: Recording | None,
        ask: Ask) -> bool | None:
    """Ask again; return None if the answer changed.

    True if the answer holds for later requests too, False if it holds for
    this request alone: its snapshot may be older than the known commits.
    """
    if recording is None:
        answered = ask(asked.question)
        return None if (
            answered is None or answered.answer != asked.answer) else False
    recording.keep()
    is_last = commits.are_at_last(asked.state.reads.sources, connection)
    answered = ask(asked.question)
    segment = recording.take()
    if answered is None or answered.answer != asked.answer:
        return None
    reads = recording.admit(segment) if is_last else None
    if not isinstance(reads, ReadSet):
        return False
    asked.state = State(reads, reads.sequence, answered.until)
    return True
