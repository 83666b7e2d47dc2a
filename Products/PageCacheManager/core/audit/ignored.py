"""Hides values that are new in each render of a page, such as tokens."""
import re
from collections.abc import Callable
from collections.abc import Iterator
from functools import lru_cache


#: Replaces hidden text.
HIDDEN = '\u2026'

# each character is in one piece, and each tag is a piece of its own
_PIECES = re.compile(r'[^<\n]+|<[^<>\n]*>?|\n+')

_STAR = r'[\w-]{0,100}'
_VALUE = r'''(?:"[^"]{0,2000}"|'[^']{0,2000}'|[^&"'<>\s;,})]{0,2000})'''
_VOID = re.compile(r'<(?:input|meta|link|img|br|hr)\b', re.IGNORECASE)


def pieces(text: str, names: tuple[str, ...]) -> list[str]:
    """Return tags and texts of a page, without the values of `names`.

    These are names of attributes, parameters, fields of a form or of JSON, or
    elements (their id, name or class).  A ``*`` in a name stands for letters,
    digits, ``_`` and ``-``.
    """
    if not names:
        return _PIECES.findall(text)
    hide_values, is_named = _hiding(names)
    return list(_without_elements(
        _PIECES.findall(hide_values(text)), is_named))


def is_ignored(header: str, names: tuple[str, ...]) -> bool:
    """Return whether a response header is one of `names`."""
    return bool(_names(names).fullmatch(header))


def _without_elements(
        found: list[str], is_named: Callable[[str], object]
) -> Iterator[str]:
    """Yield pieces, and hide the tag of each named element and its text."""
    is_hidden = False
    for piece in found:
        if piece.startswith('<'):
            is_hidden = False
            if is_named(piece):
                is_hidden = not _VOID.match(piece)
                piece = f'<{HIDDEN}>'
        elif is_hidden:
            continue
        yield piece


def _pattern(names: tuple[str, ...]) -> str:
    return '|'.join(
        re.escape(name).replace(r'\*', _STAR) for name in names)


@lru_cache(maxsize=16)
def _names(names: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(_pattern(names) or '(?!)', re.IGNORECASE)


@lru_cache(maxsize=16)
def _hiding(names: tuple[str, ...]) -> tuple[
        Callable[[str], str], Callable[[str], object]]:
    """Return a function that hides values, and one that finds named tags."""
    name = _pattern(names)
    value = re.compile(
        rf'''(?<![\w-])((?:{name})(?:["']?\s{{0,5}}(?:=|:)\s{{0,5}}|%3D))'''
        rf'{_VALUE}', re.IGNORECASE)
    element = re.compile(
        rf'''\s(?:id|name|class)=["']?(?:[\w-]{{1,100}}\s){{0,30}}?'''
        rf'''(?:{name})(?=["'\s>/])''', re.IGNORECASE)
    return (lambda text: value.sub(rf'\1{HIDDEN}', text)), element.search
