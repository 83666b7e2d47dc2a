"""Compares a stored page with new renders of the page."""
import re
from collections.abc import Iterable
from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import takewhile
from typing import NamedTuple

from .ignored import HIDDEN
from .ignored import is_ignored
from .ignored import pieces


#: Maximum number of lines in a diff, and of characters in a line.
MAX_LINES = 12
MAX_LENGTH = 160

#: If a part that differs has more pieces, only its beginning is compared.
MAX_PIECES = 300

#: Number of characters that are shown before the first difference.
_BEFORE = 40

#: Headers that follow from the rest of the page.
_DERIVED = frozenset(['etag', 'last-modified', 'content-length', 'date'])


class Content(NamedTuple):
    """The page for a visitor: headers that rendering set, and a plain body."""

    #: Names are in lower case.
    headers: dict[str, str]
    body: bytes


class Difference(NamedTuple):
    """The difference between a stored page and a new render."""

    #: Whether two renders, one after the other, differ as well.
    is_by_itself: bool
    #: A short diff; each line begins with ``-`` (stored) or ``+`` (rendered
    #: now).
    lines: list[str]


def parts(content: Content, names: tuple[str, ...]) -> list[str]:
    """Return headers and body in pieces, without the values of `names`."""
    # a line break marks headers: no other piece has one together with text
    headers = [
        f'\n{name}: {value}' for name, value in sorted(content.headers.items())
        if name not in _DERIVED and not is_ignored(name, names)]
    try:
        text = content.body.decode('utf-8')
    except UnicodeDecodeError:
        text = content.body.decode('latin-1')
    return [*headers, '\n\n', *pieces(text, names)]


def difference(
        stored: list[str], first: list[str], second: list[str],
        is_private: bool) -> Difference:
    """Return the difference of a stored page from two renders in a row.

    All three are results of :func:`parts`; `first` differs from `stored`.
    Parts that differ between the renders do not count, if all three have the
    same number of parts.  The diff of a private page shows tags and lengths,
    but no text.
    """
    if first == second:
        return Difference(False, _diff(stored, first, is_private))
    by_itself = Difference(True, _diff(first, second, is_private))
    if len(first) != len(second):
        return by_itself
    if len(stored) != len(first):
        return Difference(False, _diff(stored, first, is_private))
    steady = [
        (old, HIDDEN if new != again else new)
        for old, new, again in zip(stored, first, second, strict=True)]
    old = [HIDDEN if new == HIDDEN else old for old, new in steady]
    new = [new for _, new in steady]
    if old == new:
        return by_itself
    return Difference(False, _diff(old, new, is_private))


def _diff(old: list[str], new: list[str], is_private: bool) -> list[str]:
    start = _common(old, new)
    old, new = old[start:], new[start:]
    end = _common(old[::-1], new[::-1])
    old, new = old[:len(old) - end], new[:len(new) - end]
    lines = list(_lines(old[:MAX_PIECES], new[:MAX_PIECES], is_private))
    if len(lines) > MAX_LINES or max(len(old), len(new)) > MAX_PIECES:
        lines = [*lines[:MAX_LINES], f'{HIDDEN} and more']
    return lines


def _common(old: Iterable[str], new: Iterable[str]) -> int:
    return sum(1 for _ in takewhile(
        lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))


def _lines(
        old: list[str], new: list[str], is_private: bool) -> Iterator[str]:
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == 'equal':
            continue
        gone, come = old[a:b], new[c:d]
        starts = [0] * max(len(gone), len(come))
        if len(gone) == len(come):
            starts = [
                max(0, _common(*pair) - _BEFORE)
                for pair in zip(gone, come, strict=True)]
        for sign, found in (('-', gone), ('+', come)):
            for piece, start in zip(found, starts, strict=False):
                text = _veiled(piece) if is_private else _shown(
                    piece, start)
                if text:
                    yield f'{sign} {text}'


def plain(text: str) -> str:
    """Return a text in one line, without control characters."""
    return ''.join(one if one.isprintable() else ' ' for one in text)


def _shown(piece: str, start: int) -> str:
    """Return a piece from `start` on as one short line of plain text."""
    text = plain(piece[start:start + MAX_LENGTH]).strip()
    return ''.join((
        HIDDEN * (start > 0), text,
        HIDDEN * (len(piece) > start + MAX_LENGTH)))


_TAG = re.compile(r'</?[a-z][a-z0-9-]{0,30}(?=[\s>/])')
_ID = re.compile(r'\s(?:id|class)="[\w -]{1,80}"')
_HEADER = re.compile(r'\n[a-z0-9-]{1,60}: ')


def _veiled(piece: str) -> str:
    """Return the kind and the length of a piece, but no text."""
    known = _TAG.match(piece) or _HEADER.match(piece)
    if known is None:
        text = piece.strip()
        return f'({len(text)} characters)' if text else ''
    if piece.startswith('<'):
        return f'{known[0]}{"".join(_ID.findall(piece))} ({len(piece)})'
    return f'{known[0][1:]}({len(piece) - len(known[0])} characters)'
