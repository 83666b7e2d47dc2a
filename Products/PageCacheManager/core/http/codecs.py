"""The libraries for the content codings, if they are installed.

gzip is always there.  One better coding is enough.  The first choice is zstd,
from newer versions of Python or from ``zstandard``; the second is Brotli.
"""
import zlib
from collections.abc import Callable
from collections.abc import Iterable
from importlib import import_module
from threading import local
from typing import Any
from typing import NamedTuple

from . import content_coding


#: At these levels the codings take no longer than gzip.
ZSTD_LEVEL = 9
BROTLI_QUALITY = 6


class Codec(NamedTuple):
    """Two functions, which encode and decode a body."""

    encode: Callable[[bytes], bytes]
    #: Takes only results of `encode`, from this process or another one.
    decode: Callable[[bytes], bytes]


def _loaded(name: str) -> Any:
    """Return a module, None if it is absent or broken."""
    try:
        return import_module(name)
    except Exception:  # a binary for another Python may raise any error
        return None


def _gunzip(data: bytes) -> bytes:
    if not data.startswith(content_coding.GZIP_HEADER):
        return zlib.decompress(data, zlib.MAX_WBITS | 16)
    # This data never left memory, so its checksum is not verified.  The end of
    # the data gives the length of the body.  Both save a third of the time.
    length = int.from_bytes(data[-4:], 'little')
    return zlib.decompress(
        memoryview(data)[len(content_coding.GZIP_HEADER):-8], -zlib.MAX_WBITS,
        max(length, 1))


class _Unpacker:
    """Unpacks with one object for each thread, as making one takes long."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._local = local()

    def __call__(self, data: bytes) -> bytes:
        if not hasattr(self._local, 'unpacker'):
            self._local.unpacker = self._make()
        return bytes(self._local.unpacker.decompress(data))


def _zstd() -> Codec | None:
    if (module := _loaded('compression.zstd')) is not None:
        return Codec(
            lambda body: bytes(module.compress(body, level=ZSTD_LEVEL)),
            lambda data: bytes(module.decompress(data)))
    if (module := _loaded('zstandard')) is not None:
        return Codec(
            lambda body: bytes(
                module.ZstdCompressor(level=ZSTD_LEVEL).compress(body)),
            _Unpacker(module.ZstdDecompressor))
    return None


def _brotli() -> Codec | None:
    if (module := _loaded('brotli')) is not None:
        return Codec(
            lambda body: bytes(
                module.compress(body, quality=BROTLI_QUALITY)),
            lambda data: bytes(module.decompress(data)))
    return None


#: The codings that are available here, the fastest to decode first.
CODECS = {
    name: codec for name, codec in (
        ('zstd', _zstd()),
        ('gzip', Codec(content_coding.gzip, _gunzip)),
        ('br', _brotli()))
    if codec is not None}

#: The codings that are made for pages: gzip and one better coding.
MADE = frozenset([
    'gzip', *[name for name in content_coding.CODINGS if name in CODECS][:1]])


def decoded(codings: Iterable[tuple[str, bytes]]) -> bytes:
    """Return the body in `codings`, from the one that decodes fastest.

    Raises ValueError if no coding is known, and errors of the library for
    damaged data.
    """
    held = dict(codings)
    for name, codec in CODECS.items():
        if held.get(name):
            return codec.decode(held[name])
    raise ValueError(f'no known coding among {sorted(held)}')
