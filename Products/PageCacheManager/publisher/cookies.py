"""The cookies that a page is made from.

Rendering sees all cookies of its request, as without a cache, and the names
that it reads are noted.  A page made from a cookie that is not in the key is
never kept.  If the cookie was not sent, the page remembers the name, and a
request with that cookie does not get the page.
"""
import re

from ..core.key import is_ignored
from .noting import ANY
from .watch import HEADER


#: A page that looked for more names, or longer ones, looked for any.
MAX_NAMES = 64
MAX_CHARACTERS = 2000

#: Names that stand in headers and statistics as they are.
_PLAIN = re.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")

_COOKIE = 'HTTP_COOKIE'


def sent_by(request):
    """Return the names of a request's cookies, and the header itself.

    Code may have taken some of them out of the request already.
    """
    names = {*request.cookies}
    header = request.environ.get(_COOKIE)
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


class Looked:
    """The cookies that a page was made from.

    `watch` has the names that were read, `sent` the cookies of the request
    when rendering began; `known` are names in the key beside those of the
    settings.
    """

    def __init__(self, watch, sent, settings, known):
        self._watch, self._sent = watch, sent
        self._settings, self._known = settings, known

    @property
    def _names(self):
        """Names that were looked for, ANY and HEADER included."""
        names = self._watch.cookies
        if _COOKIE in self._watch.variables:
            names = names | {ANY, HEADER}
        return names | (self._sent - {HEADER}) if ANY in names else names

    @property
    def found(self):
        """A cookie that was sent, looked for, and is not in the key, or ''.
        """
        return min(
            filter(self._is_foreign, self._sent & self._names),
            key=lambda name: (name == HEADER, name), default='')

    @property
    def absent(self):
        """Names of cookies that were looked for and not sent, sorted."""
        names = set(filter(self._is_foreign, self._names - self._sent))
        if ANY in names or len(names) > MAX_NAMES or (
                sum(map(len, names)) > MAX_CHARACTERS):
            return (ANY, *{HEADER} & names)
        return tuple(sorted(names))

    def _is_foreign(self, name):
        return isinstance(name, str) and is_foreign(
            name, self._settings, self._known)


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
