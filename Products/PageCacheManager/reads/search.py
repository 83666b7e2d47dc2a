"""A search of a catalog as a question, and its answer.

The question can be asked again, and sent to other processes.  The answer
consists of the records found, their order, and the columns and paths that a
page read from these records.
"""
import io
import json
import math
import pickle
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any
from typing import NamedTuple

from Acquisition import aq_base
from DateTime.interfaces import DateTimeError
from Products.ZCatalog.ZCatalog import ZCatalog
from ZTUtils.Lazy import LazyMap

from . import packing
from . import zodb
from .dates import next_change
from .packing import NoQuestion
from .recording import Answered
from .recording import unrecorded


#: A longer answer is not compared.  The objects that it read count instead.
MAX_RECORDS = 10_000

#: Errors for values that cannot be pickled.
UNPICKLED = pickle.PicklingError, TypeError, AttributeError, ValueError

#: The name of the path among the columns.
PATH = ' path'


class Search(NamedTuple):
    """A question to a catalog."""

    #: The catalog: number of its database, oid, and path of its tool.
    source: int
    oid: bytes
    path: tuple[str, ...]
    #: JSON of query, names of the sort indexes, whether these were a list,
    #: order and limit.  Values are packed, see :mod:`.packing`.
    arguments: str
    #: Pairs: the names of columns, and the records that they were read from.
    shown: tuple[tuple[tuple[str, ...], tuple[int, ...]], ...]
    #: Whether scores were read.
    has_scores: bool

    @property
    def size(self) -> int:
        """The size in bytes."""
        numbers = sum(len(rids) for _, rids in self.shown)
        return len(self.arguments) + 40 * numbers

    @property
    def label(self) -> str:
        query = json.loads(self.arguments)[0]
        words = ', '.join(f'{name}: {_in_words(value)}' for name, value in (
            packing.unpacked(query, _Now).items()))
        return f'search in {"/".join(self.path)} for {words}'


def to_text(question: Search, database: str) -> str:
    """Return a question as text, for other processes."""
    return json.dumps([
        database, question.oid.hex(), question.path, question.arguments,
        question.shown, question.has_scores])


def from_text(text: str, numbers: Mapping[str, int]) -> Search | None:
    """Return the question in a text of `to_text`, None for any other text.

    `numbers` are the numbers of the databases, by name.
    """
    try:
        database, oid, path, arguments, shown, has_scores = json.loads(text)
        query, names, *_, limit = json.loads(arguments)
        for value in (query, limit):
            packing.unpacked(value)
        if any(name.startswith(('@', '+')) for name in (*path, *names)):
            return None  # no catalog has such a path
        return Search(
            numbers[database], bytes.fromhex(oid), tuple(path), arguments,
            tuple(
                (tuple(map(str, columns)), tuple(map(int, rids)))
                for columns, rids in shown), has_scores is True)
    except (
            ValueError, TypeError, LookupError, AttributeError,
            OverflowError, RecursionError, DateTimeError):
        return None


class _Now:
    """Placeholder for the time at which a question is asked."""

    def __init__(self, *parts: Any) -> None:
        """Accept the packed parts of that time."""

    def __repr__(self) -> str:
        return 'now'


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        return ', '.join(
            f'{name} {_in_words(one)}' for name, one in value.items())
    return repr(value)


def digest_of(
        items: list[Any], count: int, schema: Any, question: Search,
        row: Any, path: Any) -> bytes:
    """Return a digest of an answer."""
    found = items if question.has_scores else [*map(rid_of, items)]
    shown: list[Any] = []
    for columns, rids in question.shown:
        for rid in rids:
            record = row(rid)
            shown += [
                path(rid) if name == PATH else record[schema[name]]
                for name in columns]
    return blake2b(
        _pickle_of((found, count, shown)), digest_size=16).digest()


def _pickle_of(value: Any) -> bytes:
    """Return a pickle that does not depend on the identity of its parts.

    Two equal strings may be one object in one process, and two in another.
    """
    found = io.BytesIO()
    pickler = pickle.Pickler(found, 4)
    pickler.fast = True
    pickler.dump(value)
    return found.getvalue()


def rid_of(item: Any) -> int:
    """Return the number of a record; scores may stand before it."""
    rid: int = item[-1] if isinstance(item, tuple) else item
    return rid


def items_of(result: Any) -> tuple[list[Any], int]:
    """Return the numbers of the found records with scores, and their total.

    The total may be larger.  Raises NoQuestion for a result that cannot be
    compared.
    """
    if not isinstance(result, LazyMap):
        if len(result):
            raise NoQuestion
        return [], 0
    if len(result) > MAX_RECORDS:
        raise NoQuestion
    sequence = result._seq
    return (
        [sequence[index] for index in range(len(result))],
        result.actual_result_count)


def ask(question: Any, context: Any) -> Answered | None:
    """Return the current answer to a :class:`Search`.

    `context` may be any content with a request.  None if the catalog, an
    index, a column or a record is gone, or the answer cannot be compared.
    """
    tool = context.unrestrictedTraverse(question.path, None)
    if not isinstance(aq_base(tool), ZCatalog):
        return None
    catalog = tool._catalog
    if zodb.oid_of(aq_base(catalog)) != question.oid:
        return None
    arguments = json.loads(question.arguments)
    query, sort_names, is_list, reverse, limit = arguments
    indexes = [catalog.indexes.get(name) for name in sort_names]
    if None in indexes:
        return None
    sort_index = indexes if is_list else (indexes or [None])[0]
    with unrecorded():
        until = until_of(catalog, arguments)
        result = catalog.search(
            packing.unpacked(query), sort_index, packing.unpacked(reverse),
            packing.unpacked(limit))
        try:
            answer = digest_of(
                *items_of(result), catalog.schema, question,
                catalog.data.__getitem__, catalog.paths.__getitem__)
        except (NoQuestion, KeyError, IndexError):
            return None  # a record or a column is gone
    return Answered(answer, until)


def until_of(catalog: Any, arguments: Any) -> float:
    """Return the time from which the clock may change the answer.

    In seconds since 1970, infinity for never.
    """
    until = math.inf
    _, *query = arguments[0]
    for name, value in zip(query[::2], query[1::2], strict=True):
        if packing.has_now(value):
            index = catalog.indexes.get(name)
            if index is not None:
                until = min(until, next_change(aq_base(index)))
    return until
