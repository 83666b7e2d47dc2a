"""The bytes of a page in a store that several processes share."""
import json
import struct

from .page import Page
from .reads import portable
from .reads.portable import Portable


_MAGIC = b'PCM4'
#: The lengths of the JSON line, the body and the oids.
_LENGTHS = struct.Struct('>III')


def to_bytes(page: Page, envelope: str) -> bytes:
    """Return `page` in a format of our own, without pickles.

    Its body has no content coding, and its sources are `Portable`, or None for
    a signpost.  `envelope` is stored with the page, and a reader must give the
    same one.  So a value under a wrong key is never taken for the page.
    """
    reads, oids = None, b''
    if isinstance(page.made_from, Portable):
        reads, oids = portable.to_parts(page.made_from)
    head = json.dumps([
        envelope, page.headers, page.modified, page.created, page.varies,
        page.absent_cookies, page.max_age_secs, reads]).encode('ascii')
    lengths = _LENGTHS.pack(len(head), len(page.body), len(oids))
    return b''.join((_MAGIC, lengths, head, page.body, oids))


def from_bytes(data: object, envelope: str) -> Page | None:
    """Return the page in `data`, None for foreign data.

    Data that is absent, foreign, cut short or from another envelope is a miss,
    not an error.
    """
    if not isinstance(data, bytes) or data[:4] != _MAGIC:
        return None
    start = 4 + _LENGTHS.size
    try:
        lengths = _LENGTHS.unpack(data[4:start])
        if len(data) != start + sum(lengths):
            return None
        middle = start + lengths[0]
        end = middle + lengths[1]
        (found, headers, modified, created, varies, cookies, max_age_secs,
         reads) = json.loads(data[start:middle])
        if found != envelope:
            return None
        return Page(
            body=data[middle:end],
            codings=(),
            headers=tuple((str(name), str(value)) for name, value in headers),
            modified=int(modified),
            created=float(created),
            varies=tuple(str(name) for name in varies),
            absent_cookies=tuple(str(name) for name in cookies),
            max_age_secs=int(max_age_secs),
            made_from=portable.from_parts(reads, data[end:]))
    except (
            struct.error, ValueError, TypeError,
            # Foreign JSON: infinite numbers, lists nested too deep.
            OverflowError, RecursionError):
        return None
