"""Settings of a page cache: units, ranges, defaults.

One table describes every field.  Forms, documentation, validation and the
pickled state are made from it.
"""
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
from .fields import NAME_OR_PATTERN
from .fields import Choice
from .fields import Field
from .fields import Names
from .fields import Number
from .fields import Switch
from .fields import shown
from .key import digest


logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """All settings of one manager; see `FIELDS` for what each means."""

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
    shared_templates: tuple[str, ...] = ('main_template',)
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
    show_outcome: bool = True
    show_cache_status: bool = True

    @property
    def max_bytes(self) -> int:
        """The byte limit of the store."""
        return self.max_mib << 20

    @property
    def max_page_bytes(self) -> int:
        """The largest body that is stored.

        The store of the process takes no page larger than a quarter of it,
        headers and key included.
        """
        limit = self.max_page_kib << 10
        if self.store != 'process':
            return limit
        return min(limit, self.max_bytes // 4 - (16 << 10))

    @cached_property
    def key_rules(self) -> str:
        """A digest of what decides whether requests share a page.

        Pages that were kept under other rules are not used: they may show
        what the new rules keep out.
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


_TABLE: tuple[Field, ...] = (
    Choice(
        'active', 'Caching', 'When pages are cached. In production means: '
        'not while Zope runs in debug mode.', 'Main',
        choices=(
            ('on_always', 'always'),
            ('on_in_production', 'in production only'),
            ('off', 'off'))),
    Number(
        'threshold', 'Most entries', 'How many entries are kept at most; '
        'the byte limit below is the bound that matters.', 'Main',
        unit='entries', low=1, high=10_000_000),
    Number(
        'max_mib', 'Memory limit', 'How much memory all pages of this '
        'process may take together.', 'Main',
        unit='MiB', low=1, high=1_048_576),
    Number(
        'max_page_kib', 'Largest page', 'A page that is larger than this, '
        'or than a quarter of the memory limit, is sent but never kept.',
        'Main', unit='KiB', low=1, high=1_048_576),
    Number(
        'max_age', 'Longest age', 'No page is served when it is older than '
        'this; 0 means no limit.', 'Main',
        unit='seconds', low=0, high=31_536_000),
    Number(
        'max_error_age', 'Longest age of failures', 'A page on which a '
        'failure was caught and shown is served no longer than this; 0 means '
        'that it is not kept.', 'Main',
        unit='seconds', low=0, high=86_400),
    Number(
        'cleanup_interval', 'Clean-up interval', 'How often pages past their '
        'age are looked for and dropped.', 'Main',
        unit='seconds', low=1, high=86_400),
    Choice(
        'store', 'Store', 'Where pages are kept. The plone.memoize cache is '
        "whatever the site's ICacheChooser gives, a memcached for instance; "
        'it cannot be bounded, counted or listed here.', 'Main',
        choices=(
            ('process', 'memory of this process'),
            ('memoize', "the site's plone.memoize cache"))),
    Choice(
        'compression', 'Compression', 'Which pages are sent in gzip, or in '
        'a better coding, to clients that take it.', 'Main',
        choices=(
            ('hits', 'all that are asked for again'),
            ('zope', 'those that Zope was told to compress'))),
    Choice(
        'partition', 'Pages are shared by', 'Who may be given a page that '
        'was rendered for a logged-in user. With the last choice the ETag '
        'alone keeps users apart.', 'Safety',
        choices=(
            ('user', 'that user alone'),
            ('roles', 'users with the same roles'),
            ('etag', 'everybody with the same ETag'))),
    Choice(
        'validator', 'ETag that is sent', "The page's own tag changes with "
        'templates, users and purges too; the bare value of the policy does '
        'not.', 'Safety',
        choices=(
            ('page', "the page's own tag"),
            ('policy', "the policy's value alone"))),
    Names(
        'bypass_cookies', 'Cookies that rule caching out', 'A request that '
        'carries one of these is neither answered from the cache nor kept.',
        'Safety', example='statusmessages'),
    Names(
        'session_cookies', 'Session cookies', 'A request that carries one '
        'of these gets pages of its own session alone.', 'Safety',
        example='_ZopeId'),
    Names(
        'key_headers', 'Request headers in the key', 'Pages that differ by '
        'these request headers are kept apart.', 'Key',
        example='X-Tenant'),
    Names(
        'key_cookies', 'Cookies in the key', 'Pages that differ by these '
        'cookies are kept apart.', 'Key', example='theme'),
    Names(
        'ignored_cookies', 'Ignored cookies', 'Cookies that do not change a '
        'page although rendering looks at them; * stands for anything. A '
        'page made from any other cookie is not kept.', 'Key',
        pattern=r'[A-Za-z0-9_.~*\-]+', example='_ga_*'),
    Names(
        'ignored_parameters', 'Ignored parameters', 'Query parameters that '
        'do not change a page; * stands for anything.', 'Key',
        pattern=r'[A-Za-z0-9_.~*\-\[\]]+', example='utm_*', most=100),
    Names(
        'shared_templates', 'Shared templates', 'Templates that others are '
        'made with: an edit of one of these makes all pages new.', 'Key',
        pattern=r'[A-Za-z0-9_.\-~()$!]+', example='main_template'),
    Names(
        'dropped_headers', 'Response headers that are not kept', 'Of a view '
        'all response headers are kept, but for these and those that belong '
        'to one response; * stands for anything.', 'Key',
        pattern=NAME_OR_PATTERN, example='X-Request-ID'),
    Number(
        'wait_secs', 'Longest wait', 'How long a request waits for another '
        'one that renders the same page, before it renders it too.',
        unit='seconds', low=0, high=300),
    Number(
        'max_waiting', 'Most waiting requests', 'How many requests of a '
        'process may wait at one time for pages of this manager; more '
        'render side by side.',
        unit='requests', low=0, high=10_000),
    Number(
        'late_ms', 'Recent answers', 'How long the same request of the same '
        'visitor gets the same page without asking the policy anew. A commit '
        'ends it at once; 0 asks for each request.',
        unit='milliseconds', low=0, high=60_000),
    Switch(
        'show_outcome', 'Send X-PageCache', 'Says HIT, MISS, NO-ETAG, OFF '
        'or BYPASS on each response.'),
    Switch(
        'show_cache_status', 'Send Cache-Status', 'Says why, in the form of '
        'RFC 9211.'),
)

FIELDS = tuple(
    replace(field, default=getattr(Settings(), field.name))
    for field in _TABLE)

BY_NAME: Mapping[str, Field] = {field.name: field for field in FIELDS}


def changed(base: Settings, values: Mapping[str, object]) -> Settings:
    """Return `base` with `values` in it, or refuse them whole.

    Raises SettingsError, a ValueError, that names each wrong field, its
    value and its range; a field that does not exist is wrong.
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
    """Return the settings in a pickled `state`, whoever wrote it.

    What is missing, or was the default at that time, gets its default, what
    is unknown is left out, and what is out of range is logged and gets its
    default: a manager that can't be loaded could not be mended.
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
