"""Content codings: preferences of clients (RFC 9110 12.5.3), and gzip."""
import re
import struct
import zlib

from ..memo import remembered


# 12.4.2: weight = OWS ";" OWS "q=" qvalue
_WEIGHT = re.compile(
    '[ \t]*[qQ]=(?P<value>0(?:\\.[0-9]{0,3})?|1(?:\\.0{0,3})?)')

# 8.4.1.3: a recipient takes "x-gzip" for "gzip".
_ALIASES = {'x-gzip': 'gzip'}

#: The codings of stored pages.  If a client prefers several equally, the first
#: of these is sent.
CODINGS = ('zstd', 'br', 'gzip')
IDENTITY = 'identity'

#: A shorter body gets no coding.
MIN_BODY_BYTES = 1024

#: Types of content that get shorter.  Other types get no coding, unless Zope
#: was told to make one.
_WORTHWHILE = re.compile(
    '(?:text/.*|application/(?:.*\\+)?(?:json|xml)'
    '|application/(?:x-)?javascript)[ \t]*(?:;.*)?',
    re.IGNORECASE | re.DOTALL)

#: A longer header is ignored: reading it would cost more than the page.
MAX_LENGTH = 8192

_GZIP_LEVEL = 6
# No time, no name.  The last two bytes are level and system, as in Zope.
GZIP_HEADER = b'\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff'
_GZIP_WINDOW = zlib.MAX_WBITS | 16


def preferences(accept_encoding: str | None) -> tuple[str, ...]:
    """Return the codings that a client accepts, the preferred ones first.

    Identity is always among them, because some body must be sent.  It comes
    last unless the client prefers it.  ``*`` stands for gzip alone here: a
    client that does not name another coding may not know it.
    """
    if not accept_encoding or len(accept_encoding) > MAX_LENGTH:
        return (IDENTITY,)
    return _preferences(accept_encoding)


@remembered(256, 200)
def is_worthwhile(content_type: str) -> bool:
    """Return whether bodies of this type get shorter by a coding."""
    return _WORTHWHILE.fullmatch(content_type) is not None


@remembered(256, 200)
def _preferences(accept_encoding: str) -> tuple[str, ...]:
    weights = _weights(accept_encoding)
    found = {
        name: weight for name in CODINGS if (weight := weights.get(
            name, weights.get('*', 0) if name == 'gzip' else 0))}
    found[IDENTITY] = weights.get(IDENTITY, 0)
    # The sort is stable: among equal weights, our order decides.
    return tuple(sorted(found, key=lambda name: -found[name]))


def _weights(accept_encoding: str) -> dict[str, float]:
    """Return the weights of the codings in the header, 0 for a refusal."""
    weights: dict[str, float] = {}
    for element in accept_encoding.split(','):
        coding, semicolon, parameters = element.partition(';')
        weight = _weight(parameters) if semicolon else 1
        name = _name(coding)
        weights[name] = min(weights.get(name, 1), weight)
    return weights


def _name(coding: str) -> str:
    """Return the name of `coding`; names are case-insensitive (8.4.1)."""
    name = coding.strip(' \t').lower()
    return _ALIASES.get(name, name)


def _weight(parameters: str) -> float:
    match = _WEIGHT.fullmatch(parameters.rstrip(' \t'))
    # 12.4.2: a weight of 0 means "not acceptable".
    return 0 if match is None else float(match['value'])


def gzip(body: bytes) -> bytes:
    """Return `body` in gzip, the same bytes for the same body.

    Zope makes the same bytes, so one strong tag names both bodies.
    """
    deflate = zlib.compressobj(
        _GZIP_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, 0)
    return b''.join((
        GZIP_HEADER, deflate.compress(body), deflate.flush(),
        struct.pack('<LL', zlib.crc32(body), len(body) & 0xffffffff)))


def gunzip(data: bytes, limit: int) -> bytes | None:
    """Return the content of `data` in gzip, or None.

    None if `data` is not gzip, is damaged or cut short, is followed by other
    data, or has a content longer than `limit` bytes.  At most one byte more
    than `limit` is unpacked.
    """
    inflate = zlib.decompressobj(_GZIP_WINDOW)
    try:
        # One byte more shows that the content is too long; 0 is no limit.
        body = inflate.decompress(data, max(limit, 0) + 1)
    except zlib.error:
        return None
    if len(body) > limit or not inflate.eof or inflate.unused_data:
        return None
    return body
