"""Header values that are lists: Cache-Control, Vary (RFC 9110 5.6.1)."""
from collections.abc import Iterable

from ..memo import remembered


@remembered(256, 200)
def directives(cache_control: str) -> frozenset[str]:
    """Return the names of the directives in a Cache-Control value."""
    return frozenset(
        part.partition('=')[0].strip().lower()
        for part in cache_control.split(','))


@remembered(256, 200)
def names(value: str) -> tuple[str, ...]:
    """Return the field names in a list such as Vary's, lower case, sorted."""
    return tuple(sorted({name.lower() for name in listed(value)}))


def listed(value: str) -> list[str]:
    """Return the members of a list such as Vary's, in their spelling."""
    return [name for part in value.split(',') if (name := part.strip())]


def joined(value: str, more: Iterable[str]) -> str:
    """Return the list `value` with the names in `more` that it lacks."""
    result = listed(value)
    present = {name.lower() for name in result}
    for name in more:
        if name.lower() not in present and '*' not in present:
            present.add(name.lower())
            result.append(name)
    return ', '.join(result)
