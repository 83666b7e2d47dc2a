"""What the cache knows of the request that is being answered.

What a client may name (forms, cookies, headers) can shadow attributes of a
request, so it is kept in the request's own ``__dict__`` and read from there.
"""
from Acquisition import aq_base
from Acquisition import aq_get

from ..cmf import guard
from ..publisher import request as http_request
from ..publisher import sessions


_VISIT = '_page_cache_visit'

#: How often the thread had looked at sessions before the request.
_TOUCHES = '_page_cache_touches'


class Visit:
    """What the cache knows of one published request.

    A request without one is not published (a subrequest, a script): the
    cache takes no part in it.
    """

    __slots__ = (
        'request', 'published', 'call', 'is_head', 'head', 'undo',
        'committed', 'captured', 'quiet_for', 'leaves_traces', 'noters',
        '_touches_before')

    def __init__(self, request, is_head=False, leaves_traces=True):
        self.request = request
        self.published = aq_base(request.other.get('PUBLISHED'))
        #: The template call that may become the page.
        self.call = None
        #: For HEAD: the visit that a GET would have made.
        self.head = None
        self.is_head = is_head
        #: Whether statistics and store are to know of it.
        self.leaves_traces = leaves_traces
        #: What to restore if the request fails.
        self.undo = None
        self.committed = False
        #: What to store once the transaction is through.
        self.captured = None
        #: Keywords of the call for which CMF is kept from asking.
        self.quiet_for = None
        #: What to call where a view that nobody keeps gave a page.
        self.noters = ()
        self._touches_before = request.__dict__.pop(
            _TOUCHES, sessions.touches())

    @property
    def touched_session(self):
        """Whether the session was looked at, by whom ever and however."""
        return (
            sessions.touches() != self._touches_before
            or http_request.touched_session(self.request))

    def quieten(self, keywords):
        if guard.keep_cmf_from_asking(self.request):
            self.quiet_for = keywords

    def unquieten(self, keywords):
        if self.quiet_for is keywords:
            self.quiet_for = None
            guard.let_cmf_ask_again(self.request)

    def is_post_to(self, name):
        """Tell whether the method `name` is what was asked for, by POST."""
        return (
            getattr(self.published, '__name__', None) == name
            and http_request.method(self.request) == 'POST')

    @property
    def reported_call(self):
        """The call that the response speaks of, or None."""
        return self.call if self.head is None else self.head.visit.call


def start(request):
    """Note that `request` begins, before it is traversed."""
    request.__dict__[_TOUCHES] = sessions.touches()


def begin(request, is_head=False, leaves_traces=True):
    """Let the cache take part in `request`; return its :class:`Visit`."""
    visit = request.__dict__[_VISIT] = Visit(
        request, is_head, leaves_traces)
    return visit


def take_part(request):
    """Return the visit of `request`, a new one if it has none."""
    visit = visit_of(request)
    return begin(request) if visit is None else visit


def visit_of(request):
    """Return the visit of `request`, or None."""
    return getattr(request, '__dict__', {}).get(_VISIT)


def end_visit(request):
    """Let go of the visit of `request` and return it, or None."""
    return request.__dict__.pop(_VISIT, None)


def current_visit(ob):
    """Return the visit of the request that `ob` is wrapped in, or None."""
    return visit_of(aq_get(ob, 'REQUEST', None))
