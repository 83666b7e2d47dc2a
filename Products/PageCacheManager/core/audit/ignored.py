"""Hides what is new in each render of a page, such as tokens."""
import re
from collections.abc import Callable
from collections.abc import Iterator
from functools import lru_cache


#: Stands in place of what is hidden.
HIDDEN = '\u2026'

# each character is in one piece, and a tag in one of its own
_PIECES = re.compile(r'[^<\n]+|<[^<>\n]*>?|\n+')

_STAR = r'[\w-]{0,100}'
_VALUE = r'''(?:"[^"]{0,2000}"|'[^']{0,2000}'|[^&"'<>\s;,})]{0,2000})'''
_VOID = re.compile(r'<(?:input|meta|link|img|br|hr)\b', re.IGNORECASE)


def pieces(text: str, names: tuple[str, ...]) -> list[str]:
    """Return tags and texts of a page, without the values of `names`.

    A name is that of an attribute, a parameter, a field of a form or of
    JSON, or of an element (its id, its name, or a class).  It may have a
    ``*`` in it, for letters, digits, ``_`` and ``-``.
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
    """Yield pieces; the tag of an element that is named, and the text that
    follows it, are hidden.
    """
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
    """Return a function that hides values, and one that knows the tags of
    elements.
    """
    name = _pattern(names)
    value = re.compile(
        rf'''(?<![\w-])((?:{name})(?:["']?\s{{0,5}}(?:=|:)\s{{0,5}}|%3D))'''
        rf'{_VALUE}', re.IGNORECASE)
    element = re.compile(
        rf'''\s(?:id|name|class)=["']?(?:[\w-]{{1,100}}\s){{0,30}}?'''
        rf'''(?:{name})(?=["'\s>/])''', re.IGNORECASE)
    return (lambda text: value.sub(rf'\1{HIDDEN}', text)), element.search
