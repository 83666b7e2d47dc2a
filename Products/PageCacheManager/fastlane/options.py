"""Options of the fast lane's section in a zope.ini."""
from typing import Any
from typing import NamedTuple

from ..core.fields import NAME_OR_PATTERN
from ..core.fields import Names
from ..core.fields import Number


FIELDS = {
    'late_ms': Number(
        'late_ms', 'Maximum delay', 'Limits how long the lane sends a page '
        'without asking Zope again.', default=1000, unit='milliseconds',
        low=0, high=60_000),
    'max_entries': Number(
        'max_entries', 'Maximum entries', 'Limits the number of different '
        'requests that the lane remembers.', default=1000, unit='entries',
        low=1, high=1_000_000),
    'ignored_cookies': Names(
        'ignored_cookies', 'Ignored cookies', 'These cookies change no page; '
        '* stands for any characters. Zope answers requests with any other.',
        default=(
            '_ga', '_ga_*', '_gid', '_gat*', '_gcl_*', '_fbp', '_pk_*'),
        pattern=r'[A-Za-z0-9_.~*\-]+', example='_ga_*'),
    'identity_headers': Names(
        'identity_headers', 'Identity headers', 'These request headers, and '
        'variables of a web server, identify visitors; * stands for any '
        'characters. Zope answers requests with any of them.',
        default=(
            # proxies
            'X-Remote-User', 'Remote-User', 'X-Forwarded-User',
            'X-Forwarded-Email', 'X-Forwarded-Preferred-Username',
            'X-Auth-Request-User', 'X-Auth-Request-Email',
            'X-Authentik-Username', 'X-WebAuth-User',
            'X-SSL-Client-S-DN', 'SSL-Client-S-DN', 'X-SSL-Client-Cert',
            # services before a site
            'X-Amzn-Oidc-Identity', 'X-Amzn-Oidc-Data',
            'X-Goog-Authenticated-User-Email', 'X-Goog-IAP-JWT-Assertion',
            'X-MS-Client-Principal', 'X-MS-Client-Principal-Name',
            'Cf-Access-Authenticated-User-Email', 'Cf-Access-Jwt-Assertion',
            'X-Pomerium-Jwt-Assertion', 'Tailscale-User-Login',
            # mod_auth_openidc, mod_auth_mellon, Shibboleth, IIS
            'OIDC_CLAIM_sub', 'OIDC_CLAIM_email',
            'OIDC_CLAIM_preferred_username', 'OIDC_access_token',
            'MELLON_NAME_ID', 'Shib-Session-ID', 'Shib_Session_ID', 'eppn',
            'persistent-id', 'AUTH_USER', 'LOGON_USER'),
        pattern=NAME_OR_PATTERN, example='X-Remote-User or OIDC_CLAIM_*'),
    'key_headers': Names(
        'key_headers', 'Request headers in the key', 'Answers differ by '
        'these request headers, although no page names them in Vary.',
        default=(), example='X-Tenant'),
}


class Options(NamedTuple):
    """The options of one filter; `FIELDS` describes each."""

    late_ms: int
    max_entries: int
    ignored_cookies: tuple[str, ...]
    identity_headers: tuple[str, ...]
    key_headers: tuple[str, ...]


def read(given: dict[str, Any]) -> Options:
    """Return the options; ValueError names the first wrong one."""
    unknown = sorted(given.keys() - FIELDS.keys())
    if unknown:
        raise ValueError(f'The fast lane has no option {unknown[0]!r}.')
    return Options(**{
        name: field.read(given.get(name, field.default))
        for name, field in FIELDS.items()})
