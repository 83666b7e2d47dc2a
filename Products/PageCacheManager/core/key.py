"""Page keys: requests with equal keys may share one stored page.

A key is a plain tuple of strings and of tuples of strings, compared part by
part.  Parts are never joined into one string, so one value cannot look like
two.  The garbage collector also stops tracking plain tuples of strings, but
would not stop tracking instances.
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
#: name the page that people see in the statistics.  The first four name the
#: slot, in which a newer version replaces an older one.
Key: TypeAlias = tuple[str, str, str, tuple[str, ...], tuple[str, ...]]

#: ``(template path, context path, URL)``
PageId: TypeAlias = tuple[str, str, str]

#: ``(template path, context path, URL, variant)``
Slot: TypeAlias = tuple[str, str, str, tuple[str, ...]]

#: A query with more fields than this is not searched.
MAX_FIELDS = 200

#: Maximum nesting of arguments, so that a list that contains itself ends.
MAX_ARGUMENT_DEPTH = 16

#: Maximum number of values in arguments.  A list that contains one list many
#: times is small in memory, but its spelling is not.
MAX_ARGUMENT_VALUES = 10_000

#: Longer spellings of arguments are replaced by their digest.
MAX_ARGUMENT_LENGTH = 256

_PLAIN = (type(None), bool, int, str, bytes)

_ROW = 'page:'


class KeyParts(NamedTuple):
    """All parts of a key; each part is a string or a tuple of strings."""

    template_path: str
    context_path: str
    url: str
    #: Other parts of the request that change the page: virtual root, skin,
    #: language, user, arguments, headers, cookies.
    variant: tuple[str, ...]
    #: Versions that must be current: generation and template versions.
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
    """Return `key` without the part that changes with each version."""
    return key[:4]


def secondary(key: Key, values: tuple[str, ...]) -> Key:
    """Return the key of one variant of a page that varies by headers.

    `values` are the request's headers that the stored response names in Vary
    (RFC 9111 section 4.1).  They must contain the names of the headers too,
    because a later response may vary by other headers.
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
    """Return whether `name` is a name from `row_id`; a path never is."""
    return name.startswith(_ROW)


def query_key(query: str, ignored: tuple[str, ...]) -> str:
    """Return `query` without the parameters that do not change the page.

    `ignored` holds names or patterns (``utm_*``).  A name with a colon is
    always kept: in Zope it may choose the method that is published.  A query
    with very many fields is returned unchanged: no tracking service uses so
    many.
    """
    if not query or not ignored or query.count('&') >= MAX_FIELDS:
        return query
    is_out = _matcher(ignored)
    return '&'.join([
        field for field in query.split('&')
        if not is_out(unquote_plus(field.partition('=')[0]))])


def is_ignored(name: str, ignored: tuple[str, ...]) -> bool:
    """Return whether a query parameter does not change the page."""
    return bool(_matcher(ignored)(name))


@lru_cache(maxsize=64)
def _matcher(patterns: tuple[str, ...]) -> Callable[[str], object]:
    """Return a function that checks whether a name fits a pattern."""
    choices = '|'.join(translate(pattern) for pattern in patterns)
    return re.compile(f'(?!.*:)(?:{choices})', re.DOTALL).match


def arguments_key(arguments: object) -> str | None:
    """Return an unambiguous spelling of `arguments`, None if there is none.

    None, bool, int, str, bytes, and tuples, lists and dicts of these have a
    spelling.  Other objects have none, even if their class is a subclass of
    these, because the meaning of such an object is unknown.
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
        # No spelling starts with this mark, so no digest looks like one.
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
    """Return the items of a plain container, None for any other value."""
    if type(value) is tuple or type(value) is list:
        return value
    if type(value) is dict:
        return [*value, *value.values()]
    return None
