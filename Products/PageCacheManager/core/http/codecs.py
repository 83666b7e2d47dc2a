"""The libraries behind the content codings, where they are installed.

gzip is always there.  Of better ones one is enough: zstd, which newer Pythons
have themselves and for others comes with ``zstandard``, or else Brotli.
"""
import zlib
from collections.abc import Callable
from collections.abc import Iterable
from importlib import import_module
from threading import local
from typing import Any
from typing import NamedTuple

from . import content_coding


#: At these levels they take no longer than gzip.
ZSTD_LEVEL = 9
BROTLI_QUALITY = 6


class Codec(NamedTuple):
    """Both ways between a body and the body in a coding."""

    encode: Callable[[bytes], bytes]
    #: Takes only what `encode` gave, here or elsewhere.
    decode: Callable[[bytes], bytes]


def _loaded(name: str) -> Any:
    """Return a module, None where there is none that works."""
    try:
        return import_module(name)
    except Exception:  # a binary that does not fit raises what it likes
        return None


def _gunzip(data: bytes) -> bytes:
    if not data.startswith(content_coding.GZIP_HEADER):
        return zlib.decompress(data, zlib.MAX_WBITS | 16)
    # The sum of what never left this memory is not looked at, and the length
    # stands at the end: that takes two thirds of the time.
    length = int.from_bytes(data[-4:], 'little')
    return zlib.decompress(
        memoryview(data)[len(content_coding.GZIP_HEADER):-8], -zlib.MAX_WBITS,
        max(length, 1))


class _Unpacker:
    """Unpacks with an object for each thread: to make one takes long."""

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


#: What can be made and read here, the quickest to read first.
CODECS = {
    name: codec for name, codec in (
        ('zstd', _zstd()),
        ('gzip', Codec(content_coding.gzip, _gunzip)),
        ('br', _brotli()))
    if codec is not None}

#: What pages are put into here: gzip and one better coding.
MADE = frozenset([
    'gzip', *[name for name in content_coding.CODINGS if name in CODECS][:1]])


def decoded(codings: Iterable[tuple[str, bytes]]) -> bytes:
    """Return the body that `codings` hold, from the quickest of them.

    Raises ValueError where none is known, and what the library raises where
    one is damaged.
    """
    held = dict(codings)
    for name, codec in CODECS.items():
        if held.get(name):
            return codec.decode(held[name])
    raise ValueError(f'no known coding among {sorted(held)}')
