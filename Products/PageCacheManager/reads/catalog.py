"""Notes the catalog searches of a page.

All pages share the catalog, and each edit changes it.  So the objects that a
search reads do not count for a page.  The search counts, with its answer; see
:mod:`.search`.

:func:`install` wraps two methods of ZCatalog.  The wrapped methods note
searches only in a thread that records a page.
"""
import json
import math
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any
from typing import NamedTuple

from Acquisition import aq_base
from Acquisition import aq_inner
from Acquisition import aq_parent
from Products.ZCatalog.Catalog import Catalog
from Products.ZCatalog.ZCatalog import ZCatalog
from ZTUtils.Lazy import LazyMap

from ..core.attempt import FAILED
from ..core.attempt import attempt
from ..core.reads.made_from import Answers
from ..core.reads.made_from import Asked
from ..core.reads.unknown import NotKept
from ..core.reads.unknown import Unknown
from ..core.reads.unknown import Why
from ..core.wrapping import wrap
from . import packing
from . import walk
from . import zodb
from .packing import NoQuestion
from .recording import Answered
from .recording import Recording
from .recording import noted
from .recording import unrecorded
from .row import Row
from .search import PATH
from .search import UNPICKLED
from .search import Search
from .search import digest_of
from .search import items_of
from .search import rid_of
from .search import until_of
from .thread import thread


#: The search reads rows and paths of at most this number of records.  Most
#: pages show only the first records.
MAX_ROWS = 200

#: Errors for a query that cannot be repeated.
_UNPACKED = (
    NoQuestion, AttributeError, TypeError, ValueError, OverflowError)


class Place(NamedTuple):
    """The place of a catalog: database, catalog, and path of its tool."""

    source: int
    catalog: Any
    path: tuple[str, ...]


class OpenSearch:
    """A search for the page that is being made.

    It reads rows and paths of the first records at once, so the page later
    reads nothing from the catalog for them.
    """

    def __init__(self, place: Place, arguments: Any) -> None:
        self.source, self.catalog, self.path = place
        self.oid = zodb.oid_of(self.catalog)
        self.arguments = arguments
        self.items: list[Any] = []
        self.count = 0
        self.until = math.inf
        #: Whether the current time is part of the question.
        self.has_now = packing.has_now(arguments[0])
        #: Oids that the search read, by number of the database.
        self.reads: dict[int, frozenset[bytes]] = {}
        #: Positions of columns that were read, by record; None for all.
        self.noted: dict[int, set[int | None]] = {}
        self.rows: dict[int, Any] = {}
        self.paths: dict[int, str] = {}
        #: Records with a path that the page read.
        self.located: set[int] = set()

    def read(self, result: Any) -> None:
        """Read the found records; raises NoQuestion if that is impossible."""
        self.until = until_of(self.catalog, self.arguments)
        self.items, self.count = items_of(result)
        try:
            for item in self.items[:MAX_ROWS]:
                self._read(rid_of(item))
        except KeyError:
            raise NoQuestion from None

    def _read(self, rid: int) -> None:
        self.rows[rid] = self.catalog.data[rid]
        self.paths[rid] = self.catalog.paths[rid]

    def row(self, rid: int, recording: Recording) -> Any:
        """Return the row of a record that the search found."""
        if rid not in self.rows:
            recording.keep()
            self._read(rid)
            segment = recording.take()
            if not isinstance(segment, Unknown):
                for number, oids in segment.items():
                    self.reads[number] |= oids
        return self.rows[rid]

    def asked(
            self, recording: Recording, answers: Answers
    ) -> tuple[Asked, int] | NotKept:
        """Return the question with its answer, and its size in bytes."""
        schema = self.catalog.schema
        names = {position: name for name, position in schema.items()}
        # pages read the same columns of most records
        alike: dict[tuple[frozenset[int | None], bool], list[int]] = {}
        for rid in {**self.noted, **dict.fromkeys(self.located)}:
            alike.setdefault((
                frozenset(self.noted.get(rid, ())), rid in self.located),
                []).append(rid)
        by_columns: dict[tuple[str, ...], list[int]] = {}
        has_scores = False
        for (positions, is_located), rids in alike.items():
            if None in positions:
                columns = sorted(names.values())
            else:
                columns = sorted(
                    names[position] for position in positions
                    if position in names)
            # after the columns come the number and the scores of the record
            has_scores = has_scores or None in positions or any(
                position > len(names) for position in positions
                if position is not None)
            if is_located:
                columns.append(PATH)
            if columns:
                by_columns.setdefault(tuple(columns), []).extend(rids)
        question = Search(
            self.source, self.oid or b'', self.path,
            json.dumps(self.arguments), tuple(
                (columns, tuple(rids))
                for columns, rids in by_columns.items()), has_scores)
        try:
            answer = digest_of(
                self.items, self.count, schema, question,
                self.rows.__getitem__, self.paths.__getitem__)
        except UNPICKLED:
            return Unknown(Why.ANSWER)
        return recording.answered(
            answers, question, Answered(answer, self.until), self.reads)


def _search(
        plain: Any, self: Any, query: Any, sort_index: Any = None,
        reverse: Any = False, limit: Any = None, merge: Any = True) -> Any:
    """Search, and note question and answer for the page being made."""
    recording: Any = thread.recording
    arguments: Any = None if not merge else _arguments(
        query, sort_index, reverse, limit, recording.at)
    place = None if arguments is None else _place(recording, self)
    if place is None:
        _note_clock(recording, self, query)
        return plain(self, query, sort_index, reverse, limit, merge)
    recording.keep()
    found = OpenSearch(place, arguments)
    with unrecorded():
        result = plain(self, query, sort_index, reverse, limit, merge)
        try:
            found.read(result)
        except NoQuestion:
            recording.until = min(recording.until, found.until)
            return result
    segment = recording.take()
    if not isinstance(segment, Unknown):
        found.reads = dict(segment)
        recording.open_questions.append(found)
        if isinstance(result, LazyMap):
            result._func = _noting(recording, found, result._func, self)
    return result


def _place(recording: Any, catalog: Any) -> Place | None:
    """Return the place of a catalog, None if it cannot be found again."""
    if not walk.is_cheap():
        return None
    tool = aq_parent(aq_inner(catalog))
    base = aq_base(catalog)
    jar = base._p_jar
    number = None if jar is None else recording.number_of(jar)
    if (number is None or not isinstance(aq_base(tool), ZCatalog)
            or aq_base(tool._catalog) is not base):
        return None
    return Place(number, base, tuple(tool.getPhysicalPath()))


def _arguments(
        query: Any, sort_index: Any, reverse: Any, limit: Any, since: float
) -> Any:
    """Return the packed arguments of a search, None if not repeatable."""
    is_of_clock = partial(_is_of_clock, since=since)
    is_list = isinstance(sort_index, list)
    try:
        indexes = sort_index if is_list else (
            [] if sort_index is None else [sort_index])
        plain = {
            name: query[name] for name in sorted(
                name for name in query if type(name) is str)}
        return (
            packing.packed(plain, is_of_clock),
            [index.getId() for index in indexes], is_list,
            packing.packed(reverse, is_of_clock),
            packing.packed(limit, is_of_clock))
    except _UNPACKED:
        return None


def _note_clock(recording: Any, catalog: Any, query: Any) -> None:
    """Note when the clock may change a search that cannot be repeated."""
    until = attempt(None, 'reads', _until, catalog, query, recording.at)
    if until is FAILED:
        recording.lose()
    else:
        recording.until = min(recording.until, until)


def _until(catalog: Any, query: Any, since: float) -> float:
    found = []
    for name in query if isinstance(query, Mapping) else ():
        with suppress(*_UNPACKED):
            found += [name, packing.packed(
                query[name], partial(_is_of_clock, since=since))]
    return until_of(catalog, (['dict', *found],))


def _is_of_clock(moment: float, since: float) -> bool:
    """Return whether code got a time from the clock during the request.

    Such a time is between the start of the request and now; no time in the
    database is so recent.  A time in whole seconds may also be in the second
    of the start, because its fraction was cut.
    """
    earliest = since // 1 if moment == moment // 1 else since
    return earliest <= moment <= time.time()


def _noting(
        recording: Recording, search: OpenSearch, plain: Any, catalog: Any
) -> Any:
    """Return a function that makes brains with a note of the columns read.
    """
    by_number = getattr(plain, '__name__', '') == '__getitem__'

    def make(item: Any) -> Any:
        current: Any = thread.recording
        if current is not recording:
            return plain(item)
        rid = rid_of(item)
        row = search.row(rid, recording)
        if by_number:
            # as Catalog.__getitem__ does, but without reading the row again
            normalized, score = item[:2] if isinstance(item, tuple) else (1, 1)
            brain = catalog.instantiate(
                (rid, row), score_data=(score, normalized))
        else:
            recording.keep()
            brain = plain(item)
            recording.skip()
        record = aq_base(brain)
        noting = Row(record.__data__)
        noting.noted = search.noted.setdefault(rid, set())
        object.__setattr__(record, '__data__', noting)
        return brain
    return make


def _getpath(plain: Any, self: Any, rid: int) -> Any:
    """Return the path of a record, and note it for the page's searches."""
    recording: Any = thread.recording
    oid = zodb.oid_of(aq_base(self._catalog))
    for search in reversed(recording.open_questions):
        if search.oid == oid and rid in search.noted:
            search.located.add(rid)
            return search.paths[rid]
    return plain(self, rid)


def install() -> None:
    """Wrap methods of ZCatalog with the functions above, once."""
    wrap(Catalog, 'search', partial(noted, _search))
    wrap(ZCatalog, 'getpath', partial(noted, _getpath))
