"""The table of settings: labels, help texts, units and ranges.

Forms, validation and the pickled state are made from it, and tests compare
the documentation with it.
"""
from .fields import NAME_OR_PATTERN
from .fields import Choice
from .fields import Field
from .fields import Names
from .fields import Networks
from .fields import Number
from .fields import Switch


TABLE: tuple[Field, ...] = (
    Choice(
        'active', 'Caching', 'Selects when pages are cached. "In production '
        'only" means: not while Zope runs in debug mode.', 'Main',
        choices=(
            ('on_always', 'always'),
            ('on_in_production', 'in production only'),
            ('off', 'off'))),
    Number(
        'threshold', 'Maximum entries', 'Limits the number of stored '
        'entries. The maximum memory usually takes effect first.', 'Main',
        unit='entries', low=1, high=10_000_000),
    Number(
        'max_mib', 'Maximum memory', 'Limits the memory that the pages of '
        'this manager use in each process.', 'Main',
        unit='MiB', low=1, high=1_048_576),
    Number(
        'max_page_kib', 'Maximum page size', 'A larger page is sent but not '
        'stored. The same holds for a page larger than a quarter of the '
        'maximum memory.', 'Main',
        unit='KiB', low=1, high=1_048_576),
    Number(
        'max_age', 'Maximum age', 'An older page is not served from the '
        'cache. 0 means no limit.', 'Main',
        unit='seconds', low=0, high=31_536_000),
    Number(
        'max_error_age', 'Maximum age with a failure', 'Limits the age of a '
        'page that shows a caught failure. 0 means that such a page is not '
        'stored.', 'Main',
        unit='seconds', low=0, high=86_400),
    Number(
        'cleanup_interval', 'Clean-up interval', 'Sets the time between two '
        'searches for pages that are too old.', 'Main',
        unit='seconds', low=1, high=86_400),
    Choice(
        'store', 'Store', 'Selects where pages are stored. Processes share '
        "the plone.memoize cache that the site's ICacheChooser returns, such "
        'as memcached. Its entries cannot be limited, counted or listed here.',
        'Main',
        choices=(
            ('process', 'memory of this process'),
            ('memoize', "the same, and the site's plone.memoize cache"))),
    Choice(
        'compression', 'Compression', 'Selects the pages that are sent '
        'compressed to clients that accept it: in gzip, or in a better '
        'coding.', 'Main',
        choices=(
            ('hits', 'all pages that are requested again'),
            ('zope', 'only pages with enableHTTPCompression'))),
    Choice(
        'partition', 'Page sharing', 'Selects the users who share a page '
        'that was rendered for a logged-in user. With the last choice only '
        'the ETag keeps users apart.', 'Safety',
        choices=(
            ('user', 'none: each user has separate pages'),
            ('roles', 'users with the same roles'),
            ('etag', 'users with the same ETag'))),
    Choice(
        'validator', 'ETag header', "The page's own tag also changes with "
        "templates, users and purges. The policy's value does not.",
        'Safety',
        choices=(
            ('page', "the page's own tag"),
            ('policy', "the policy's value"))),
    Names(
        'bypass_cookies', 'Cookies that prevent caching', 'A request with '
        'one of these cookies gets no stored page, and its page is not '
        'stored.', 'Safety', example='statusmessages'),
    Names(
        'session_cookies', 'Session cookies', 'Requests with one of these '
        'cookies share pages only within their session.', 'Safety',
        example='_ZopeId'),
    Names(
        'key_headers', 'Request headers in the key', 'Pages are stored '
        'separately for each value of these request headers.', 'Key',
        example='X-Tenant'),
    Names(
        'key_cookies', 'Cookies in the key', 'Pages are stored separately '
        'for each value of these cookies.', 'Key', example='theme'),
    Names(
        'ignored_cookies', 'Ignored cookies', 'These cookies do not change '
        'pages, although rendering reads them; * stands for any characters. '
        'If rendering reads another cookie that is not in the key, the page '
        'is not stored.', 'Key',
        pattern=r'[A-Za-z0-9_.~*\-]+', example='_ga_*'),
    Names(
        'ignored_parameters', 'Ignored parameters', 'These query parameters '
        'do not change pages; * stands for any characters.', 'Key',
        pattern=r'[A-Za-z0-9_.~*\-\[\]]+', example='utm_*', most=100),
    Names(
        'dropped_headers', 'Excluded response headers', 'Pages of views are '
        'stored with their response headers, except these and those that '
        'belong to a single response; * stands for any characters.', 'Key',
        pattern=NAME_OR_PATTERN, example='X-Request-ID'),
    Number(
        'wait_secs', 'Maximum wait', 'Limits how long a request waits while '
        'another one renders the same page. After that it renders the page '
        'itself.',
        unit='seconds', low=0, high=300),
    Number(
        'max_waiting', 'Maximum waiting requests', 'Limits how many requests '
        'of a process wait at the same time for pages of this manager. '
        'Others render at once.',
        unit='requests', low=0, high=10_000),
    Number(
        'late_ms', 'Recent answers', 'Limits how long the repeated request '
        'of a visitor gets the same page without another question to the '
        'policy. A commit that changes an object of the page or of the '
        "policy's answer ends this at once. With 0 each request asks.",
        unit='milliseconds', low=0, high=60_000),
    Number(
        'audit_every', 'Audit', 'Every Nth hit is rendered again after it '
        'was sent, and compared. If the pages differ, the stored page is '
        'dropped and shown on the Statistics tab. 0 means no audit.',
        unit='hits', low=0, high=1_000_000),
    Number(
        'audit_per_minute', 'Maximum audits', 'Limits how many hits of this '
        'manager each process renders again.',
        unit='per minute', low=1, high=6000),
    Names(
        'audit_ignores', 'Not compared by the audit', 'The audit does not '
        'compare the values of these attributes, parameters, form fields and '
        'response headers, or of elements with this id or class; * stands '
        'for any characters.',
        pattern=r'[A-Za-z0-9_.:*\-]+', example='_authenticator'),
    Number(
        'hot_pages', 'Hot pages', 'The number of pages that are rendered '
        'again when a commit changed them, before a visitor asks: the pages '
        'that anonymous visitors request most. 0 means none.',
        unit='pages', low=0, high=500),
    Number(
        'hot_per_minute', 'Maximum renders of hot pages', 'Limits how many '
        'hot pages of this manager each process renders again.',
        unit='per minute', low=1, high=6000),
    Networks(
        'purge_clients', 'Clients that may purge', 'Requests with the method '
        'PURGE from these IP addresses or networks invalidate the pages of '
        'their path. Others are refused.', example='10.0.0.0/8'),
    Switch(
        'show_outcome', 'Send X-PageCache', 'Adds a header with the outcome '
        'to each response: HIT, MISS, NO-ETAG, OFF or BYPASS.'),
    Switch(
        'show_cache_status', 'Send Cache-Status', 'Adds a header with the '
        'outcome and its reason to each response (RFC 9211).'),
)
