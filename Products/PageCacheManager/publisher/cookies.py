"""Which cookies a page is made from.

Rendering sees all cookies of its request, as it would without a cache.  What
it looks for is noted.  A page made from a cookie that the key lacks is never
kept.  A page that looked in vain remembers the name, and is not given to a
request that has such a cookie.
"""
import re
from collections.abc import MutableMapping

from AccessControl.SimpleObjectPolicies import ContainerAssertions

from ..core.key import is_ignored


#: Stands for any name.
ANY = '*'

#: Stands for the whole header, of which not all need be cookies.
HEADER = ' header'

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


class Watch:
    """Notes the cookies that code looks for in a request, until `end`."""

    def __init__(self, request, settings, known, sessions):
        self._settings = settings
        self._known = {*known, *sessions}
        self._sent = frozenset(sent_by(request))
        self._names = set()
        self._watched = []
        #: Whether a session of a WSGI filter was looked at.
        self.saw_session = False
        #: Whether the site that asks was looked at.
        self.saw_origin = False
        self._put_on(request)

    def _put_on(self, request):
        mappings = {
            'cookies': _Noting(request.cookies, self._note),
            'taintedcookies': _Noting(request.taintedcookies, self._note),
            'environ': _Noting(request.environ, self._note_variable)}
        self._watched.append((request, {
            name: getattr(request, name) for name in mappings}, mappings))
        vars(request).update(mappings, clone=lambda: self._clone(request))

    def _clone(self, request):
        """Return a copy of a watched request, watched as well."""
        environ = request.environ
        # other code may have put one in its place
        request.environ = getattr(environ, 'plain', environ)
        try:
            copy = type(request).clone(request)
        finally:
            request.environ = environ
        self._put_on(copy)
        return copy

    def end(self):
        """Leave the requests as they were; again does nothing."""
        for request, before, mappings in self._watched:
            vars(request).pop('clone', None)
            for name, mapping in mappings.items():
                # what other code put in its place stays
                if vars(request).get(name) is mapping:
                    setattr(request, name, before[name])
        self._watched = []

    def _note(self, name):
        if name == ANY:
            self.note_all()
        self._names.add(name)

    def note_all(self):
        """Note that any cookie may have been looked for."""
        self._names |= {ANY, *self._sent - {HEADER}}

    def _note_variable(self, name):
        if name in (_COOKIE, ANY):
            self.note_all()
            self._names.add(HEADER)
        elif name == 'HTTP_ORIGIN':
            self.saw_origin = True
        elif isinstance(name, str) and name.islower() and 'session' in name:
            self.saw_session = True  # such as beaker.session

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
    """Return a cookie for which a page was looked for in vain, '' if none.

    `sent` is what a request has of cookies, `absent` names that a page has.
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


class _Noting(MutableMapping, dict):
    """A mapping with all that is in `plain`, which tells what is looked for.

    It is a dict too, for code that asks for one.  As such it is never empty,
    since the json module looks at that before it calls methods, and holds no
    cookie, since other code in C might read one past the notes.
    """

    #: For code in restricted Python, as for dict.
    _guarded_writes = True

    def __init__(self, plain, note):
        dict.__setitem__(self, ANY, '')
        self.plain = plain
        self._note = note

    def __getitem__(self, name):
        self._note(name)
        return self.plain[name]

    def get(self, name, default=None):
        self._note(name)
        return self.plain.get(name, default)

    def __iter__(self):
        return iter([name for name, _ in self.items()])

    def items(self):
        for name in (*self.plain, ANY):
            self._note(name)
        return self.plain.items()

    def keys(self):
        self.items()
        return self.plain.keys()

    def values(self):
        self.items()
        return self.plain.values()

    def __len__(self):
        return len(self.items())

    def __setitem__(self, name, value):
        self.plain[name] = value

    def __delitem__(self, name):
        del self.plain[name]

    def copy(self):
        return dict(self.items())

    def __reduce_ex__(self, protocol):
        return dict, (self.copy(),)

    def __repr__(self):
        return repr(self.copy())

    def __or__(self, other):
        return self.copy() | other

    def __ror__(self, other):
        return other | self.copy()

    def __ior__(self, other):
        self.update(other)
        return self

    def __ne__(self, other):
        return not self == other

    def __reversed__(self):
        return reversed(self.copy())


ContainerAssertions[_Noting] = ContainerAssertions[dict]
