"""Content codings: who accepts one (RFC 9110 12.5.3), and gzip itself."""
import re
import struct
import zlib


# 12.4.2: weight = OWS ";" OWS "q=" qvalue
_WEIGHT = re.compile(
    '[ \t]*[qQ]=(?P<value>0(?:\\.[0-9]{0,3})?|1(?:\\.0{0,3})?)')

# 8.4.1.3: a recipient takes "x-gzip" for "gzip".
_ALIASES = {'x-gzip': 'gzip'}

_GZIP_LEVEL = 6
# No time, no name; the last two are what Zope says of level and system.
_GZIP_HEADER = b'\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff'
_GZIP_WINDOW = zlib.MAX_WBITS | 16


def accepts(accept_encoding: str | None, coding: str) -> bool:
    """Tell whether the client asked for `coding`, other than identity.

    Without the header any coding would be acceptable (12.5.3); here, who
    did not ask never gets one.  An element that does not parse asks for
    nothing, and of several for one coding a refusal wins.  Linear in the
    length of the header.
    """
    weights = _weights(accept_encoding or '')
    # 12.5.3: "*" stands for every coding that is not listed by name.
    return weights.get(_name(coding), weights.get('*', False))


def _weights(accept_encoding: str) -> dict[str, bool]:
    """Return which of the codings in the header are acceptable."""
    weights: dict[str, bool] = {}
    for element in accept_encoding.split(','):
        coding, semicolon, parameters = element.partition(';')
        accepted = not semicolon or _is_positive(parameters)
        name = _name(coding)
        weights[name] = weights.get(name, True) and accepted
    return weights


def _name(coding: str) -> str:
    """Return the name of `coding`; names have no case (8.4.1)."""
    name = coding.strip(' \t').lower()
    return _ALIASES.get(name, name)


def _is_positive(parameters: str) -> bool:
    match = _WEIGHT.fullmatch(parameters.rstrip(' \t'))
    # 12.4.2: a weight of 0 means "not acceptable".
    return match is not None and float(match['value']) > 0


def gzip(body: bytes) -> bytes:
    """Return `body` in gzip, the same bytes for the same body.

    They are the bytes that Zope makes: one strong tag names both.
    """
    deflate = zlib.compressobj(
        _GZIP_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, 0)
    return b''.join((
        _GZIP_HEADER, deflate.compress(body), deflate.flush(),
        struct.pack('<LL', zlib.crc32(body), len(body) & 0xffffffff)))


def gunzip(data: bytes, limit: int) -> bytes | None:
    """Return what `data` holds in gzip, None if it is not what we write.

    None for what is not gzip, damaged, cut short, followed by anything, or
    longer than `limit` bytes; no more than that is ever unpacked.
    """
    inflate = zlib.decompressobj(_GZIP_WINDOW)
    try:
        # One byte more shows that there is more; 0 would mean no limit.
        body = inflate.decompress(data, max(limit, 0) + 1)
    except zlib.error:
        return None
    if len(body) > limit or not inflate.eof or inflate.unused_data:
        return None
    return body
