"""Kinds of settings: read, check and show their values."""
import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any


#: A name of a header or a cookie (RFC 9110 5.6.2), or a pattern with a star.
NAME_OR_PATTERN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"


@dataclass(frozen=True, slots=True)
class Field:
    """One setting, as forms and documentation show it."""

    name: str
    title: str
    help: str
    group: str = 'Advanced'
    #: The value in a new manager.
    default: Any = None

    def read(self, value: object) -> object:
        """Return `value` as it is stored; raise ValueError if it is wrong.
        """
        raise NotImplementedError

    def show(self, value: Any) -> str:
        """Return `value` as a form shows it."""
        return str(value)

    @property
    def kind(self) -> str:
        """The sort of form control that edits this field."""
        return type(self).__name__.lower()


@dataclass(frozen=True, slots=True)
class Number(Field):
    """A whole number with a unit and a range."""

    unit: str = ''
    low: int = 0
    high: int = 0

    @property
    def range(self) -> str:
        """The range as people read it."""
        return f'{self.low} to {self.high}'

    def read(self, value: object) -> int:
        try:
            number = _whole_number(value)
        except ValueError:
            number = None
        if number is None or not self.low <= number <= self.high:
            raise ValueError(
                f'{self.title} ({self.name}) must be a whole number from '
                f'{self.range} {self.unit}, not {shown(value)}.')
        return number


@dataclass(frozen=True, slots=True)
class Choice(Field):
    """A choice among a few words."""

    choices: tuple[tuple[str, str], ...] = ()

    @property
    def range(self) -> str:
        """The choices as people read them."""
        return ', '.join(word for word, _ in self.choices)

    def read(self, value: object) -> str:
        for word, _ in self.choices:
            if value == word:
                return word
        raise ValueError(
            f'{self.title} ({self.name}) must be one of {self.range}, '
            f'not {shown(value)}.')


@dataclass(frozen=True, slots=True)
class Switch(Field):
    """On or off."""

    range: str = 'on or off'

    def read(self, value: object) -> bool:
        if value in (True, 1, '1', 'on', 'true', 'True'):
            return True
        if value in (False, 0, '0', '', 'off', 'false', 'False', None):
            return False
        raise ValueError(
            f'{self.title} ({self.name}) must be on or off, '
            f'not {shown(value)}.')


@dataclass(frozen=True, slots=True)
class Names(Field):
    """A list of names, one per line or separated by commas."""

    #: It allows no star: only a setting that takes patterns allows one.  In
    #: other settings a pattern would have no effect.
    pattern: str = r"[!#$%&'+.^_`|~0-9A-Za-z-]+"
    example: str = ''
    most: int = 50

    @property
    def range(self) -> str:
        """The values that the list allows."""
        return f'up to {self.most} names such as {self.example}'

    def read(self, value: object) -> tuple[str, ...]:
        if isinstance(value, str):
            value = re.split(r'[\s,]+', value)
        if not isinstance(value, (list, tuple, set, frozenset)):
            raise ValueError(
                f'{self.title} ({self.name}) must be a list of names, '
                f'not {shown(value)}.')
        for name in value:
            if name != '':
                self._check(name)
        names = tuple(dict.fromkeys(filter(None, value)))
        if len(names) > self.most:
            raise ValueError(
                f'{self.title} ({self.name}) may have at most {self.most} '
                f'names, not {len(names)}.')
        return names

    def _check(self, name: object) -> None:
        if not (isinstance(name, str) and len(name) <= 200
                and re.fullmatch(self.pattern, name)):
            raise ValueError(
                f'{self.title} ({self.name}) must be {self.range}; '
                f'{shown(name)} is not a valid name.')

    def show(self, value: Iterable[str]) -> str:
        return '\n'.join(value)


@dataclass(frozen=True, slots=True)
class Networks(Names):
    """A list of IP addresses and networks."""

    @property
    def range(self) -> str:
        return (
            f'up to {self.most} addresses or networks such as {self.example}')

    @property
    def kind(self) -> str:
        return 'names'

    def _check(self, name: object) -> None:
        try:
            if not isinstance(name, str):
                raise ValueError(name)
            ip_network(name)
        except ValueError:
            raise ValueError(
                f'{self.title} ({self.name}) must be {self.range}; '
                f'{shown(name)} is not a valid address or network.') from None


def _whole_number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError(value)
    if isinstance(value, str):
        value = value.strip()
        # int() takes underscores, foreign digits and any length
        if not re.fullmatch(r'[+-]?[0-9]{1,18}', value):
            raise ValueError(value)
    return int(value)


def shown(value: object) -> str:
    """Return `value` as a message shows it."""
    try:
        text = repr(value)
    except ValueError:  # an int beyond sys.get_int_max_str_digits()
        text = 'a very large number'
    return text if len(text) <= 60 else text[:57] + '...'
