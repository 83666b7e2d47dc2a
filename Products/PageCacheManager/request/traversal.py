"""Watches the traversal of a request and of its copies.

At its end a stand-in takes the place of the published object, and Zope calls
the stand-in.
"""
from functools import partial

from Acquisition import aq_base
from zope.publisher.interfaces.browser import IBrowserView

from ..core.attempt import FAILED
from ..core.attempt import attempt
from ..key import visitor
from ..publisher.noting import ANY
from ..publisher.noting import Noting
from ..publisher.noting import NotingKey
from ..publisher.noting import State
from ..publisher.noting import put_keys
from ..publisher.request import ARRIVED
from ..publisher.sessions import BEFORE
from ..publisher.sessions import is_of_session
from ..publisher.watch import COOKIE
from ..publisher.watch import ORIGIN_HEADER
from ..publisher.watch import QUERY
from ..publisher.watch import RING_MARKS
from ..publisher.watch import WATCH
from ..publisher.watch import Watch
from ..reads import zodb
from . import stand_in


def traverse(request, touches, *args, **keywords):
    """Traverse `request` and watch it; return the object that Zope calls.

    This function is the attribute ``traverse`` of the request until its first
    traversal.  `touches` is the number of times that the thread had looked at
    a session before.

    Each request of a site comes here, so this calls as few functions as
    possible.
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
        environ, names = own['environ'], [COOKIE, ORIGIN_HEADER]
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
        own['clone'] = partial(_clone, request, request, watch)
        connection = getattr(own['other']['PARENTS'][-1], '_p_jar', None)
        if connection is not None:
            own[RING_MARKS] = zodb.mark_rings(connection)
    published = request.traverse(*args, **keywords)
    own[BEFORE] = touches
    own[ARRIVED] = True
    # most requests end here without further cost
    if (hasattr(type(aq_base(published)), 'pt_render')
            or IBrowserView.providedBy(
                getattr(published, '__self__', published))
            or method == 'HEAD'):
        chosen = attempt(
            None, 'traversal', stand_in.stand_in_for, published, request)
        if chosen is not None and chosen is not FAILED:
            return chosen
    return published


def _clone(request, cloned, watch):
    """Return a copy of `cloned` under the watch of `request`.

    `cloned` is the request itself, or a copy of it.
    """
    watch.state.is_paused = True
    try:
        # its environment has the noting keys too
        copy = type(cloned).clone(cloned)
    finally:
        watch.state.is_paused = False
    own = vars(copy)
    for name, noting in watch.mappings.items():
        other = Noting({ANY: ''})
        other._plain, other._names = own[name], noting._names
        other._state, own[name] = watch.state, other
    own['clone'] = partial(_clone, request, copy, watch)
    own['traverse'] = partial(_traverse_copy, request, copy, watch)
    return copy


def _traverse_copy(request, copy, watch, *args, **keywords):
    """Traverse a copy of a watched request, for a subrequest.

    A user folder reads names to find a user.  These names count only if the
    user is not the user of the request, since the key has that user.  If a
    request has several credentials, a folder may use other credentials for
    another object.
    """
    del vars(copy)['traverse']
    state, is_same = watch.state, False
    if not state.is_rendering:
        return type(copy).traverse(copy, *args, **keywords)
    outer, state.read_to_log_in = state.read_to_log_in, []
    try:
        published = type(copy).traverse(copy, *args, **keywords)
        is_same = attempt(
            None, 'traversal', visitor.is_user_of_copy, request, copy) is True
        if not is_same:
            watch.is_of_one_user = False
        return published
    finally:
        read, state.read_to_log_in = state.read_to_log_in, outer
        if not is_same:
            for names, name in read:
                names.add(name)
