"""The response headers X-PageCache and Cache-Status (RFC 9211)."""
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from ..memo import remembered
from ..reasons import reason_of


# RFC 8941 3.3.1: an integer has at most 15 digits.
_MAX_INTEGER = 999_999_999_999_999

# RFC 8941 3.3.4: sf-token = ( ALPHA / "*" ) *( tchar / ":" / "/" )
_TOKEN = re.compile("[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*")

# RFC 8941 3.3.3: a string contains only printable ASCII.
_STRING = re.compile('[\x20-\x7e]*')

# RFC 8941 3.1: commas separate members, semicolons separate parameters; in
# strings both are text.
_PART = re.compile(r'(?:"(?:\\.|[^"\\])*"|[^",;])+|[,;]')

#: The name of this cache in the header.
NAME = 'PageCacheManager'


class Outcome(NamedTuple):
    """The outcome of one request."""

    #: HIT, MISS, NO-ETAG, OFF or BYPASS, as X-PageCache shows it.
    word: str
    #: Our own word for the reason, such as 'set-cookie'; '' for none.
    detail: str = ''
    #: The reason for the render, a value of `fwd` in RFC 9211 2.2; with ''
    #: it follows from `detail` and `word`.
    forward: str = ''
    #: Whether the page was stored.
    stored: bool = False
    #: Whether this request waited for the render of another request.
    collapsed: bool = False
    #: The remaining time of the page in the cache, seconds; None for no limit.
    ttl: int | None = None
    #: The status of the rendered page, None if it does not matter.
    forward_status: int | None = None


@remembered(1024, 300, is_spelled=True)
def cache_status(outcome: Outcome, name: str = NAME) -> str:
    """Return the value of Cache-Status (RFC 9211 2) for `outcome`.

    Raises ValueError for a name or a detail outside printable ASCII.
    """
    # RFC 8941 4.1.1.2: there is no space before a parameter.
    return ';'.join([_item(name), *_parameters(outcome)])


@lru_cache(maxsize=4096)
def with_ttl(outcome: Outcome, ttl: int | None) -> str:
    """Return the value of Cache-Status for `outcome` with a `ttl`.

    The results are remembered, so `outcome` must not have names that clients
    chose.
    """
    return cache_status(outcome._replace(ttl=ttl))


def _parameters(outcome: Outcome) -> Iterator[str]:
    forward = forward_reason(outcome)
    if forward:
        yield f'fwd={_item(forward)}'
        yield from _forward_parameters(outcome)
    else:
        yield 'hit'
    if outcome.ttl is not None:
        yield f'ttl={_integer(outcome.ttl)}'
    # If our word is the word of the standard, `fwd` has it already.
    if outcome.detail and outcome.detail != forward:
        yield f'detail={_item(outcome.detail)}'


def _forward_parameters(outcome: Outcome) -> Iterator[str]:
    """Yield the parameters that need `fwd` beside them (RFC 9211 2.3 to 2.6).
    """
    if outcome.forward_status is not None:
        yield f'fwd-status={_integer(outcome.forward_status)}'
    # RFC 8941 4.1.1.2: a parameter that is true is written as its name alone.
    if outcome.stored:
        yield 'stored'
    if outcome.collapsed:
        yield 'collapsed'


def forward_reason(outcome: Outcome) -> str:
    """Return the value of `fwd`, '' for a hit.

    RFC 9211 2.2: `hit` and `fwd` exclude each other.
    """
    if outcome.word == 'HIT':
        return ''
    if outcome.forward:
        return outcome.forward
    reason = reason_of(outcome.detail)
    if reason is not None:
        # a reason that is found after the render is a 'bypass', if there was
        # no look-up before
        return reason.forward
    return 'miss' if outcome.word == 'MISS' else 'bypass'


def _integer(value: int) -> str:
    return str(max(-_MAX_INTEGER, min(value, _MAX_INTEGER)))


def _item(value: str) -> str:
    """Return `value` as a token, or as a string if it is no valid token."""
    if _TOKEN.fullmatch(value):
        return value
    if not _STRING.fullmatch(value):
        raise ValueError(f'not printable ASCII: {value!r}')
    escaped = value.replace('\\', '\\\\').replace('"', '\\"')
    return f'"{escaped}"'


def read(value: str) -> list[tuple[str, dict[str, str]]]:
    """Return the caches in a value of Cache-Status, with their parameters.

    The cache nearest to the origin comes first (RFC 9211 section 2).  A
    parameter that is true has the value ''.  No value raises an error.
    """
    members: list[list[str]] = [[]]
    for part in _PART.findall(value):
        if part == ',':
            members.append([])
        elif part != ';' and not part.isspace():
            members[-1].append(part.strip())
    return [
        (_text(parts[0]), {
            name: _text(text) for name, _, text in (
                part.partition('=') for part in parts[1:])})
        for parts in members if parts]


def _text(item: str) -> str:
    """Return a token unchanged, and a string without quotes and escapes."""
    if not item.startswith('"'):
        return item
    return re.sub(r'\\(.)', r'\1', item[1:].removesuffix('"'))
