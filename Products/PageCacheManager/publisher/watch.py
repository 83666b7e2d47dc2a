"""Notes the names that code reads in a request, until its page is captured.

That begins before traversal: a view may read cookies in its constructor, or
keep a mapping of the request and read it later.  Mappings that note names
replace those of the request, and keys that note replace those of its
environment.  Other code sees no difference.
"""
from functools import partial

from Acquisition import aq_base
from zope.publisher.interfaces.browser import IBrowserView

from ..core.attempt import FAILED
from ..core.attempt import attempt
from .noting import ANY
from .noting import Noting
from .noting import NotingKey
from .noting import State
from .noting import put_keys
from .request import ARRIVED
from .sessions import BEFORE
from .sessions import is_of_session


#: Where a request keeps its watch.
WATCH = '_page_cache_watch'

#: Where it keeps the marks behind which all stands that it reads.
MARKS = '_page_cache_marks'

COOKIE = 'HTTP_COOKIE'
ORIGIN = 'HTTP_ORIGIN'
QUERY = 'QUERY_STRING'

#: All others that are watched are of the sessions of WSGI filters.
OF_NO_SESSION = frozenset([COOKIE, ORIGIN, QUERY])

#: Stands for the whole header, of which not all need be cookies.
HEADER = ' header'


class Watch:
    """The names that code reads in one request, and in its copies.

    :func:`traverse` makes it whole.
    """

    #: Whether all subrequests so far were of the user of the request.
    is_of_one_user = True

    def begin(self, request):
        """Watch rendering from now on."""
        self.state.is_rendering = True
        own = vars(request)
        for name, noting in self.mappings.items():
            if own[name] is not noting:
                noting._plain, own[name] = own[name], noting
        # as Zope made it, and as it came
        for environ in request.environ, own.get('_orig_env', {}):
            put_keys(environ, self.keys, self.noting)

    def pause(self, request):
        """Give the request its own mappings back; reads do not count.
        """
        own = vars(request)
        for name, noting in self.mappings.items():
            # what other code put in its place stays
            if own.get(name) is noting:
                own[name] = noting._plain
        for environ in request.environ, own.get('_orig_env', {}):
            for key in self.keys:
                key.noting = None
                environ.pop(key, None)

    def end(self, request):
        """Watch no longer; again does nothing."""
        if self.state.is_rendering:
            self.state.is_rendering = False
            self.pause(request)
            vars(request).pop('clone', None)

    @property
    def field_names(self):
        """Names of fields of the form that were looked for."""
        return {ANY} if QUERY in self.variables else self.fields


def traverse(
        request, touches, choose, mark, has_its_user, *args, **keywords):
    """Traverse `request`, watched; return what is called.

    It stands in the request itself, as ``traverse``, and goes with the first
    traversal.  `touches` is how often the thread had looked at sessions
    before.  `choose` is called with a template or view, and with whatever
    HEAD asks for; it gives another object to call, or None.  `mark` is called
    with the connection to the database.  `has_its_user` is called with a
    copy that was traversed: is its user that of the request?

    Each request of a site comes here, so this calls no function of ours but
    `mark`.
    """
    own = request.__dict__
    del own['traverse']
    method = request.environ.get('REQUEST_METHOD')
    if method == 'GET':
        watch = own[WATCH] = Watch()
        state = watch.state = State()
        watch.cookies, watch.fields, watch.variables = set(), set(), set()
        watch.noting = Noting({ANY: ''})
        watch.noting._plain, watch.noting._state = {}, state
        watch.noting._names = watch.variables
        environ, names = own['environ'], [COOKIE, ORIGIN]
        kinds = [('cookies', watch.cookies), ('taintedcookies', watch.cookies)]
        if environ.get(QUERY):
            names.append(QUERY)
            kinds += [('form', watch.fields), ('taintedform', watch.fields)]
        given = ' '.join(map(str, environ)).lower()
        if 'sess' in given or 'repoze.wh' in given or 'auth' in given:
            for name in environ:  # such as beaker.session
                if type(name) is str and is_of_session(name):
                    names.append(name)
        watch.mappings = {}
        for name, looked in kinds:
            if name in own:
                noting = watch.mappings[name] = Noting({ANY: ''})
                noting._plain, noting._names = own[name], looked
                noting._state, own[name] = state, noting
        watch.keys = [*map(NotingKey, names)]
        for name, key in zip(names, watch.keys, strict=True):
            if name in environ:
                put_keys(environ, [key], watch.noting)
            else:
                environ[key] = ''
                key.noting = watch.noting
        watch.has_its_user = has_its_user
        own['clone'] = partial(_clone, request, watch)
        connection = getattr(own['other']['PARENTS'][-1], '_p_jar', None)
        if connection is not None:
            own[MARKS] = mark(connection)
    published = request.traverse(*args, **keywords)
    own[BEFORE] = touches
    own[ARRIVED] = True
    # most requests end here, and cost no more
    if (hasattr(type(aq_base(published)), 'pt_render')
            or IBrowserView.providedBy(
                getattr(published, '__self__', published))
            or method == 'HEAD'):
        chosen = attempt(None, 'traversal', choose, published, request)
        if chosen is not None and chosen is not FAILED:
            return chosen
    return published


def _clone(request, watch):
    """Return a copy of a watched request, watched as well."""
    watch.state.is_paused = True
    try:
        # with the keys of the environment
        copy = type(request).clone(request)
    finally:
        watch.state.is_paused = False
    own = vars(copy)
    for name, noting in watch.mappings.items():
        other = Noting({ANY: ''})
        other._plain, other._names = own[name], noting._names
        other._state, own[name] = watch.state, other
    own['clone'] = partial(_clone, copy, watch)
    own['traverse'] = partial(_traverse_copy, copy, watch)
    return copy


def _traverse_copy(copy, watch, *args, **keywords):
    """Traverse a copy of a watched request, for a subrequest.

    What a user folder reads to find its user counts only where that is not
    the user of the request: the key has that one.  A folder may take another
    of several credentials for another object.
    """
    del vars(copy)['traverse']
    state, is_same = watch.state, False
    if not state.is_rendering:
        return type(copy).traverse(copy, *args, **keywords)
    outer, state.read_to_log_in = state.read_to_log_in, []
    try:
        published = type(copy).traverse(copy, *args, **keywords)
        is_same = attempt(
            None, 'traversal', watch.has_its_user, copy) is True
        if not is_same:
            watch.is_of_one_user = False
        return published
    finally:
        read, state.read_to_log_in = state.read_to_log_in, outer
        if not is_same:
            for names, name in read:
                names.add(name)
