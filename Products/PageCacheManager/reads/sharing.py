"""Read sets of pages from other processes, and the check of these pages.

Such a page comes from a store that several processes share.  Any program may
write to that store, so every part of the page is checked.
"""
import math
import time
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

from ZODB.POSException import POSError

from ..core.page import Page
from ..core.reads.made_from import Asked
from ..core.reads.made_from import MadeFrom
from ..core.reads.made_from import Value
from ..core.reads.portable import MAX_QUESTIONS
from ..core.reads.portable import Portable
from ..core.reads.portable import Source
from ..core.reads.read_set import ReadSet
from ..core.reads.unknown import NotKept
from ..core.reads.unknown import Unknown
from ..core.reads.unknown import Why
from . import search
from . import zodb
from .commits import Reads
from .freshness import Ask
from .freshness import answers
from .freshness import commits
from .freshness import is_unmoved
from .freshness import table
from .recording import Recording


#: A page may be older than the commits that this process knows.  It is not
#: used if its check would have to load more objects than this.
MAX_LOADS = 2000


def portable(made: MadeFrom, connection: Any) -> Portable | None:
    """Return the sources of a page for other processes.

    None if other processes could not check whether the page is current.
    `connection` may belong to any database, here and below.
    """
    if (not isinstance(made.objects, ReadSet)
            or made.until < math.inf or len(made.asked) > MAX_QUESTIONS):
        return None
    oids: dict[int, set[bytes]] = {number: set() for number in made.sources}
    for reads in [made.objects, *_of_values(made)]:
        for ob in table.objects(reads):
            oids[ob.source].add(ob.oid)
    names = {number: commits.name_of(number) for number in oids}
    opened = connection.connections
    if (not opened.keys() >= {*names.values()}
            or not made.tids.keys() >= oids.keys()):
        return None
    asked = []
    for one in made.asked:
        question = one.question
        if isinstance(question, Value):
            if one.state.until < math.inf or (
                    not is_unmoved(one, time.time())):
                return None
            continue  # its objects count
        if not isinstance(question, search.Search):
            return None
        asked.append((
            search.to_text(question, names[question.source]), one.answer))
    return Portable(
        tuple(
            Source(name, zodb.root_tid(opened[name]), made.tids[number],
                   tuple(sorted(oids[number])))
            for number, name in names.items()),
        tuple(asked))


def _of_values(made: MadeFrom) -> list[ReadSet]:
    """Return the read sets of the values that a page uses."""
    return [
        asked.state.reads for asked in made.asked
        if isinstance(asked.question, Value)]


def adopted(
        page: Page, connection: Any,
        recording: Callable[[], Recording | None], ask: Ask) -> Page | None:
    """Return a page of another process as a page of this process.

    None if a source differs from the snapshot of `connection`, or if that is
    unknown.  `recording` and `ask` are as in :func:`freshness.what_changed`.
    """
    reads = page.made_from
    if not isinstance(reads, Portable):
        return None
    try:
        numbers = _numbers(reads.sources, connection)
        if numbers is None:
            return None
        objects = _objects(reads.sources, numbers, connection)
        if not isinstance(objects, ReadSet):
            return None
        asked: dict[Asked, None] = {}
        size = 0
        for text, answer in reads.asked:
            found = _asked(text, answer, numbers, recording(), ask)
            if found is None:
                return None
            asked[found[0]] = None
            size += found[1]
    except POSError:
        return None
    return page._replace(made_from=MadeFrom(
        objects, page.modified,
        {numbers[source.name]: source.tid for source in reads.sources},
        tuple(asked), size))


def _numbers(
        sources: tuple[Source, ...], connection: Any) -> dict[str, int] | None:
    """Return the numbers of the databases of a page, by name.

    None if a database is another one of the same name, or if the snapshot of
    its connection is older than the page.
    """
    numbers = {}
    for source in sources:
        one = connection.connections.get(source.name)
        if one is None:
            return None
        shown = zodb.snapshot_of(one)
        if (shown is None or shown < source.tid
                or zodb.root_tid(one) != source.root_tid):
            return None
        number = commits.listen(one)
        if isinstance(number, Unknown):
            return None
        numbers[source.name] = number
    return numbers


def _objects(
        sources: tuple[Source, ...], numbers: dict[str, int], connection: Any
) -> ReadSet | NotKept | None:
    reads = {
        numbers[source.name]: Reads(source.tid, frozenset(source.oids))
        for source in sources}
    found = commits.admit(reads)
    if isinstance(found, ReadSet):
        return found
    # the log does not reach back to the page, or it holds later commits
    # together with earlier ones
    by_number = {numbers[source.name]: source for source in sources}
    if isinstance(found, Unknown):
        if found.why != Why.LOST:
            return found
    elif not _are_the_same(by_number[found.source], [found.oid], connection):
        return found
    for number, source in by_number.items():
        if not _are_the_same(source, source.oids, connection):
            return None
        shown = zodb.snapshot_of(connection.connections[source.name])
        reads[number] = reads[number]._replace(tid=shown or 0)
    return commits.admit(reads)


def _are_the_same(
        source: Source, oids: Iterable[bytes], connection: Any) -> bool:
    return zodb.are_as_at(
        connection.connections[source.name], oids, source.tid, MAX_LOADS)


def _asked(
        text: str, answer: bytes, numbers: dict[str, int],
        recording: Recording | None, ask: Ask) -> tuple[Asked, int] | None:
    """Return a question and its size in bytes, None if its answer changed."""
    question = search.from_text(text, numbers)
    if question is None or recording is None:
        return None
    known = answers.known(question, answer)
    if known is not None:
        return known, 0  # it is asked again if one of its sources changed
    recording.keep()
    answered = ask(question)
    segment = recording.take()
    if (answered is None or answered.answer != answer
            or isinstance(segment, Unknown)):
        return None
    found = recording.answered(answers, question, answered, segment)
    return None if isinstance(found, NotKept) else found
