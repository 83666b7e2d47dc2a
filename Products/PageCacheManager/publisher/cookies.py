"""The cookies that a page is made from.

Rendering sees all cookies of its request, as without a cache, and the names
that it reads are noted.  A page made from a cookie that is not in the key is
never kept.  If the cookie was not sent, the page remembers the name, and a
request with that cookie does not get the page.
"""
import re

from ..core.key import is_ignored
from .noting import ANY
from .watch import COOKIE
from .watch import HEADER


#: A page that looked for more names, or longer ones, looked for any.
MAX_NAMES = 64
MAX_CHARACTERS = 2000

#: Names that stand in headers and statistics as they are.
_PLAIN = re.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")


def sent_by(request):
    """Return the names of a request's cookies, and the header itself.

    Code may have taken some of them out of the request already.
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
    """Return whether a cookie may shape a page and is not in its key.

    `known` are names in the key beside those of the settings.
    """
    return (
        name not in known and name not in settings.key_cookies
        # a request with one of these never comes this far
        and name not in settings.bypass_cookies
        and not (settings.ignored_cookies
                 and is_ignored(name, settings.ignored_cookies)))


def looked_for(watch, sent, settings, known):
    """Return by which cookies a page that was rendered is apart.

    The first result is a cookie that was sent, looked for, and is not in the
    key, or ''; the second has the names that were looked for and not sent,
    sorted.  `watch` tells what was looked for, `sent` are those that the
    request had when rendering began; `known` are names in the key beside
    those of the settings.
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
    """Return a sent cookie that a page was made without, '' if none.

    `sent` are the cookies of a request, `absent` the names that a page has.
    """
    named = next((name for name in absent if name in sent), '')
    if ANY in absent:
        return first_foreign(sent - {HEADER}, settings, sessions) or named
    return named


def first_foreign(sent, settings, sessions, known=()):
    """Return a cookie that may shape a page and is not in its key, or ''.

    `sessions` are cookies of which the key has a digest.
    """
    return next((
        name for name in sent if name not in sessions
        and is_foreign(name, settings, known)), '')


def reason(name):
    """Return the reason for which a page made from a cookie is not kept."""
    return f'cookie {name}' if _PLAIN.fullmatch(name) else 'cookie'
