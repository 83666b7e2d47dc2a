"""Read sets in a form that every process understands."""
from typing import Any
from typing import NamedTuple


OID_BYTES = 8

#: A page that asked more is not shared.
MAX_QUESTIONS = 500


class Source(NamedTuple):
    """What was read from one database, in terms that all processes share."""

    name: str
    #: The last change of its root.  Databases of one name differ in it.
    root_tid: int
    #: The last transaction that was shown.
    tid: int
    #: In their order, each of `OID_BYTES`.
    oids: tuple[bytes, ...]


class Portable(NamedTuple):
    """Objects, and questions with their answers."""

    sources: tuple[Source, ...]
    #: Each question as text, with a digest of its answer.
    asked: tuple[tuple[str, bytes], ...]

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
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
    """Return what `to_parts` made these of, None where there was nothing.

    Raises ValueError or TypeError for parts of others.
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
