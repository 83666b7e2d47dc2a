"""Settings of a page cache: defaults, validation, pickled state."""
import logging
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import fields
from dataclasses import replace
from functools import cached_property
from typing import Any

from .defaults import IGNORED_PARAMETERS
from .defaults import without_former
from .fields import Field
from .fields import shown
from .key import digest
from .settings_table import TABLE


logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """All settings of one manager; `FIELDS` describes each."""

    active: str = 'on_always'
    threshold: int = 10_000
    max_mib: int = 128
    max_page_kib: int = 4096
    max_age: int = 3600
    max_error_age: int = 10
    cleanup_interval: int = 60
    store: str = 'process'
    compression: str = 'hits'
    partition: str = 'user'
    validator: str = 'page'
    ignored_parameters: tuple[str, ...] = IGNORED_PARAMETERS
    key_headers: tuple[str, ...] = ()
    key_cookies: tuple[str, ...] = ()
    ignored_cookies: tuple[str, ...] = ()
    bypass_cookies: tuple[str, ...] = ('statusmessages',)
    session_cookies: tuple[str, ...] = ('_ZopeId',)
    dropped_headers: tuple[str, ...] = (
        'x-request-id', 'x-correlation-id', 'traceparent', 'server-timing')
    wait_secs: int = 20
    max_waiting: int = 64
    late_ms: int = 1000
    audit_every: int = 0
    audit_per_minute: int = 10
    audit_ignores: tuple[str, ...] = ('_authenticator', 'data-token', 'nonce')
    hot_pages: int = 0
    hot_per_minute: int = 30
    purge_clients: tuple[str, ...] = ()
    show_outcome: bool = True
    show_cache_status: bool = True

    @property
    def max_bytes(self) -> int:
        """The byte limit of the store."""
        return self.max_mib << 20

    @cached_property
    def max_page_bytes(self) -> int:
        """The size of the largest body that is stored.

        The store of the process accepts pages up to a quarter of its limit,
        headers and key included.
        """
        return min(self.max_page_kib << 10, self.max_bytes // 4 - (16 << 10))

    @cached_property
    def key_rules(self) -> str:
        """A digest of the settings that decide which requests share a page.

        It is part of the key: pages stored under other settings may show
        content that the new settings exclude.
        """
        return digest(repr([
            getattr(self, field.name) for field in FIELDS
            if field.group in ('Safety', 'Key')
            or field.name == 'compression']))


class SettingsError(ValueError):
    """Some settings are wrong; `errors` maps each field to its message."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(' '.join(errors.values()))
        self.errors = dict(errors)


FIELDS = tuple(
    replace(field, default=getattr(Settings(), field.name))
    for field in TABLE)

BY_NAME: Mapping[str, Field] = {field.name: field for field in FIELDS}


def changed(base: Settings, values: Mapping[str, object]) -> Settings:
    """Return `base` with all of `values` in it.

    Raises SettingsError, a ValueError, if any field is wrong.  The error names
    each wrong field, its value and its range.  An unknown field is wrong, too.
    """
    errors: dict[str, str] = {}
    read: dict[str, Any] = {}
    for name, value in values.items():
        field = BY_NAME.get(name)
        if field is None:
            errors[str(name)] = f'There is no setting {shown(name)}.'
            continue
        try:
            read[name] = field.read(value)
        except ValueError as error:
            errors[name] = str(error)
    if errors:
        raise SettingsError(errors)
    return replace(base, **read)


def stored(state: object) -> Settings:
    """Return the settings in a pickled `state` of any version.

    The current default replaces a value that is missing, or that is equal to
    an earlier default.  It also replaces a value out of range, with a warning
    in the log: nobody could repair a manager that does not load.  Unknown
    names are ignored.
    """
    settings = Settings()
    if not isinstance(state, Mapping):
        return settings
    for name, value in without_former(state).items():
        if name in BY_NAME:
            try:
                settings = changed(settings, {name: value})
            except SettingsError as error:
                logger.warning('Default used instead: %s', error)
    return settings


def as_dict(settings: Settings) -> dict[str, Any]:
    """Return `settings` as the plain dict that is pickled."""
    return asdict(settings)


assert {field.name for field in FIELDS} == {
    field.name for field in fields(Settings)}
