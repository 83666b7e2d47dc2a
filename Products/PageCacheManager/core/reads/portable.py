"""Read sets in a form that every process understands."""
from typing import Any
from typing import NamedTuple


OID_BYTES = 8

#: A page with more questions is not shared.
MAX_QUESTIONS = 500


class Source(NamedTuple):
    """The reads from one database, in a form that all processes share."""

    name: str
    #: The last change of its root.  It differs in databases of the same name.
    root_tid: int
    #: The last visible transaction.
    tid: int
    #: Sorted, each of `OID_BYTES`.
    oids: tuple[bytes, ...]


class Portable(NamedTuple):
    """Objects, and questions with their answers."""

    sources: tuple[Source, ...]
    #: Each question as text, with a digest of its answer.
    asked: tuple[tuple[str, bytes], ...]

    @property
    def size(self) -> int:
        """The approximate size in bytes."""
        return OID_BYTES * sum(len(source.oids) for source in self.sources) + (
            sum(len(question) for question, _ in self.asked))


def to_parts(reads: Portable) -> tuple[list[object], bytes]:
    """Return `reads` as JSON and bytes."""
    return [
        [(name, root_tid, tid, len(oids))
         for name, root_tid, tid, oids in reads.sources],
        [(question, answer.hex()) for question, answer in reads.asked],
    ], b''.join(
        oid for source in reads.sources for oid in source.oids)


def from_parts(found: Any, data: bytes) -> Portable | None:
    """Return the reads that `to_parts` took apart, None for no reads.

    Raises ValueError or TypeError for any other parts.
    """
    if len(data) % OID_BYTES or found is None and data:
        raise ValueError(len(data))
    if found is None:
        return None
    databases, asked = found
    if len(asked) > MAX_QUESTIONS:
        raise ValueError(len(asked))
    oids = [
        data[start:start + OID_BYTES]
        for start in range(0, len(data), OID_BYTES)]
    sources = []
    for name, root_tid, tid, count in databases:
        own, oids = oids[:count], oids[count:]
        if len(own) != count:
            raise ValueError(count)
        sources.append(
            Source(str(name), int(root_tid), int(tid), tuple(own)))
    if oids:
        raise ValueError(len(oids))
    return Portable(tuple(sources), tuple(
        (str(question), bytes.fromhex(answer)) for question, answer in asked))
