"""Views that are associated with a manager.

An association names a view, for all content or for one kind.
"""
import re
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import NamedTuple

from .fields import shown


#: A form with more associations is a mistake.
MAX_ASSOCIATIONS = 500

_MAX_LENGTH = 200
_NAME = re.compile(r'[A-Za-z0-9_.\-+]+(/[A-Za-z0-9_.\-+]+)?')
_KIND = re.compile(r'[A-Za-z0-9_.\- ]*')


class Association(NamedTuple):
    """One associated view."""

    #: The view's name without ``@@``, or ``view/method`` for a method.
    name: str
    #: A portal type or the dotted name of an interface, '' for all content.
    kind: str = ''


#: A field that associations had in earlier releases; it is ignored.
_FORMER = 'shows'


class AssociationError(ValueError):
    """An association is wrong; the text names field, value and range."""

    def __init__(self, text: str, field: str = 'name') -> None:
        super().__init__(text)
        #: The name of the field that is wrong.
        self.field = field


def read(rows: object) -> tuple[Association, ...]:
    """Return the associations in `rows`, mappings or sequences of strings.

    Raises AssociationError for the first wrong row.  If two rows name the same
    view and kind, the last row counts.
    """
    if isinstance(rows, (str, bytes)) or not isinstance(rows, Iterable):
        raise AssociationError(
            f'Views: {shown(rows)} is not a list of associations.')
    found: dict[Association, None] = {}
    for row in rows:
        association = _read_row(row)
        found.pop(association, None)
        found[association] = None
    if len(found) > MAX_ASSOCIATIONS:
        raise AssociationError(
            f'Views: {len(found)} associations are too many; the maximum is '
            f'{MAX_ASSOCIATIONS}.')
    return tuple(found)


def _read_row(row: object) -> Association:
    if isinstance(row, Mapping):
        unknown = sorted(map(str, {*row} - {*Association._fields, _FORMER}))
        if unknown:
            raise AssociationError(
                f'Views: there is no field {shown(unknown[0])}.')
        values = [row.get(name, '') for name in Association._fields]
    elif isinstance(row, (tuple, list)) and 1 <= len(row) <= 3:
        values = [*row, ''][:2]
    else:
        raise AssociationError(f'Views: {shown(row)} is not an association.')
    name, kind = map(_text, values, Association._fields)
    name = name.removeprefix('@@')
    if not _NAME.fullmatch(name) or len(name) > _MAX_LENGTH:
        raise AssociationError(
            f'View name: {shown(name)} must be 1 to {_MAX_LENGTH} letters, '
            'digits, "_", ".", "-" or "+", with "/" before a method.')
    if not _KIND.fullmatch(kind) or len(kind) > _MAX_LENGTH:
        raise AssociationError(
            f'Content of {name}: {shown(kind)} is neither a portal type nor '
            'the dotted name of an interface.', 'kind')
    return Association(name, kind)


def _text(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise AssociationError(f'Views: {shown(value)} is not text.', field)
    return value.strip()


def is_associated(
        associations: Iterable[Association], name: str,
        is_of: Callable[[str], bool]) -> bool:
    """Return whether the view `name` is associated.

    `is_of` returns whether the content is of a kind.
    """
    for association in associations:
        if association.name == name and (
                not association.kind or is_of(association.kind)):
            return True
    return False
