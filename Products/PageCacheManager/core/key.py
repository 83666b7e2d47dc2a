"""Page keys: which two requests may share one stored page.

A key is a plain tuple of strings and of tuples of strings, compared part by
part.  Nothing is ever joined into one string, so no value can pretend to be
two.  Plain tuples of strings also drop out of the garbage collector's sight,
which instances would not.
"""
import hashlib
import re
from collections.abc import Callable
from collections.abc import Collection
from fnmatch import translate
from functools import lru_cache
from typing import NamedTuple
from typing import TypeAlias
from urllib.parse import unquote_plus


#: ``(template path, context path, URL, variant, validity)``: the first three
#: name the page that people see in the statistics, the first four the slot
#: in which a newer version takes an older one's place.
Key: TypeAlias = tuple[str, str, str, tuple[str, ...], tuple[str, ...]]

#: ``(template path, context path, URL)``
PageId: TypeAlias = tuple[str, str, str]

#: ``(template path, context path, URL, variant)``
Slot: TypeAlias = tuple[str, str, str, tuple[str, ...]]

#: A query of more fields than this is not looked through.
MAX_FIELDS = 200

#: Arguments nest no deeper than this, so that a list which holds itself ends.
MAX_ARGUMENT_DEPTH = 16

#: Arguments are no more values than this.  A list that holds one list many
#: times over is small in memory, but not when it is spelled out.
MAX_ARGUMENT_VALUES = 10_000

#: Longer spellings of arguments are replaced by their digest.
MAX_ARGUMENT_LENGTH = 256

_PLAIN = (type(None), bool, int, str, bytes)

_ROW = 'page:'


class KeyParts(NamedTuple):
    """All that a key is made of, each part a string or a tuple of strings."""

    template_path: str
    context_path: str
    url: str
    #: What else of the request shapes the page: virtual root, skin,
    #: language, user, arguments, headers, cookies.
    variant: tuple[str, ...]
    #: What makes the page current: generation and template versions.
    versions: tuple[str, ...]
    etag: str

    def key(self) -> Key:
        """Return the index into the store."""
        return (
            self.template_path,
            self.context_path,
            self.url,
            self.variant,
            (self.etag, *self.versions),
        )


def page_id(key: Key) -> PageId:
    """Return the page that `key` belongs to."""
    return key[:3]


def slot(key: Key) -> Slot:
    """Return `key` without that which changes from version to version."""
    return key[:4]


def secondary(key: Key, values: tuple[str, ...]) -> Key:
    """Return the key of one variant of a page that varies by headers.

    `values` are those of the request's headers that the stored response
    names in Vary (RFC 9111 section 4.1).  The headers' names belong among
    them: tomorrow's response may vary by others.
    """
    return (*key[:3], (*key[3], 'vary', *values), key[4])


def digest(text: str, data: bytes = b'') -> str:
    """Return 16 URL-safe characters that stand for `text` and `data`.

    They are the same in every process.
    """
    found = hashlib.blake2b(
        text.encode('utf-8', 'surrogatepass'), digest_size=8)
    found.update(data)
    return found.hexdigest()


def row_id(page: PageId) -> str:
    """Return a short name for a page, fit for a form field."""
    return _ROW + digest(repr(page))


def is_row_id(name: str) -> bool:
    """Return whether `name` is such a name; no path is one."""
    return name.startswith(_ROW)


def query_key(query: str, ignored: tuple[str, ...]) -> str:
    """Return `query` without the parameters that do not shape the page.

    `ignored` holds names or patterns (``utm_*``).  A name with a colon is
    always kept: in Zope it may choose the method that is published.  A query
    of very many fields is taken as it is: nobody tracks visitors that way.
    """
    if not query or not ignored or query.count('&') >= MAX_FIELDS:
        return query
    is_out = _matcher(ignored)
    return '&'.join([
        field for field in query.split('&')
        if not is_out(unquote_plus(field.partition('=')[0]))])


def is_ignored(name: str, ignored: tuple[str, ...]) -> bool:
    """Return whether a query parameter does not shape the page."""
    return bool(_matcher(ignored)(name))


@lru_cache(maxsize=64)
def _matcher(patterns: tuple[str, ...]) -> Callable[[str], object]:
    """Return a function that tells whether a name fits one of `patterns`."""
    choices = '|'.join(translate(pattern) for pattern in patterns)
    return re.compile(f'(?!.*:)(?:{choices})', re.DOTALL).match


def arguments_key(arguments: object) -> str | None:
    """Return an unambiguous spelling of `arguments`, None if there is none.

    None, bool, int, str, bytes, and tuples, lists and dicts of these count.
    Anything else, a subclass included, has no spelling, because what such an
    object stands for can't be known.
    """
    if not _is_plain(arguments):
        return None
    try:
        spelling = repr(arguments)
    except ValueError:  # an int beyond sys.get_int_max_str_digits()
        return None
    if len(spelling) > MAX_ARGUMENT_LENGTH:
        # repr() escapes surrogates, so this always works.
        data = spelling.encode('utf-8')
        # The mark starts no spelling, so a digest is never taken for one.
        return 'sha256:' + hashlib.sha256(data).hexdigest()
    return spelling


def _is_plain(arguments: object) -> bool:
    pending = [(arguments, 0)]
    visited = 0
    while pending:
        value, depth = pending.pop()
        visited += 1
        if type(value) in _PLAIN:
            continue
        items = _items(value)
        if items is None or depth == MAX_ARGUMENT_DEPTH:
            return False
        if visited + len(pending) + len(items) > MAX_ARGUMENT_VALUES:
            return False
        pending.extend((item, depth + 1) for item in items)
    return True


def _items(value: object) -> Collection[object] | None:
    """Return what a plain container holds, None if `value` is none."""
    if type(value) is tuple or type(value) is list:
        return value
    if type(value) is dict:
        return [*value, *value.values()]
    return None
