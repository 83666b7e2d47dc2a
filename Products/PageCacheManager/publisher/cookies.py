"""The cookies that a page is made from.

Rendering sees all cookies of its request, as without a cache.  The names that
it reads are recorded.  A page made from a cookie that is not in the key is
never stored.  If code reads a cookie that was not sent, the page keeps the
name, and a request with that cookie does not get the page.
"""
import re

from ..core.key import is_ignored
from .noting import ANY
from .watch import COOKIE
from .watch import HEADER


#: If a page reads more names than this, or more characters of names, it counts
#: as a page that reads all cookies.
MAX_NAMES = 64
MAX_CHARACTERS = 2000

#: Matches names that are safe in headers and statistics.
_PLAIN = re.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")


def sent_by(request):
    """Return the names of a request's cookies.

    With a header Cookie, `HEADER` is one of them.  Names in the header count
    too, because code may have removed cookies from the request already.
    """
    names = {*request.cookies}
    header = request.environ.get(COOKIE)
    if header:
        names.add(HEADER)
        for pair in header.split(';'):
            names.add(pair.partition('=')[0].strip())
        names.discard('')
    return names


def is_foreign(name, settings, known):
    """Return whether a cookie may change a page and is not in its key.

    `known` are the names in the key that are not in the settings.
    """
    return (
        name not in known and name not in settings.key_cookies
        # a request with one of these bypasses the cache
        and name not in settings.bypass_cookies
        and not (settings.ignored_cookies
                 and is_ignored(name, settings.ignored_cookies)))


def looked_for(watch, sent, settings, known):
    """Return the cookies outside of the key from which a page was made.

    The first result is a cookie that was sent and read, '' for none.  The
    second is the sorted tuple of the names that were read but not sent; if
    there are too many it has `ANY` instead.  `watch` has the names that code
    read, and `sent` the cookies of the request when rendering began.
    `known` are the names in the key that are not in the settings.
    """
    names = watch.cookies
    if COOKIE in watch.variables:
        names = names | {ANY, HEADER}
    if ANY in names:
        names = names | (sent - {HEADER})
    foreign = set()
    for name in names:
        if isinstance(name, str) and is_foreign(name, settings, known):
            foreign.add(name)
    found = min(
        foreign & sent, key=lambda name: (name == HEADER, name), default='')
    absent = foreign - sent
    if ANY in absent or len(absent) > MAX_NAMES or (
            sum(map(len, absent)) > MAX_CHARACTERS):
        return found, (ANY, *{HEADER} & absent)
    return found, tuple(sorted(absent))


def conflict(sent, absent, settings, sessions):
    """Return a cookie of a request that was absent for a page, '' for none.

    `sent` are the cookies of the request.  `absent` are the names that were
    read, but not sent, when the page was rendered.
    """
    named = next((name for name in absent if name in sent), '')
    if ANY in absent:
        return first_foreign(sent - {HEADER}, settings, sessions) or named
    return named


def first_foreign(sent, settings, sessions, known=()):
    """Return a cookie that may change a page and is not in its key, or ''.

    `sessions` are the session cookies; the key has a digest of these.
    """
    return next((
        name for name in sent if name not in sessions
        and is_foreign(name, settings, known)), '')


def reason(name):
    """Return the reason why a page made from a cookie is not stored."""
    return f'cookie {name}' if _PLAIN.fullmatch(name) else 'cookie'
