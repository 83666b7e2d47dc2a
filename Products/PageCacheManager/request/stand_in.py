"""Stand-ins, which Zope calls in place of a published template or view.

Traversal is Zope's.  When the stand-in is called the user is known, access
was checked and all other code that is told of the traversal had its say.
"""
import time

from ..core.attempt import FAILED
from ..core.attempt import attempt
from ..manager.caches import recent_answers
from ..origin.published import origin_of
from ..publisher import request as http_request
from ..publisher import response as http_response
from . import head
from . import repeated
from .exchange import EXCHANGE
from .exchange import new_exchange


#: Stops the transforms of plone.transformchain.
NO_TRANSFORMS = 'plone.transformchain.disable'

#: Where a request keeps the origin that no manager keeps the pages of, and
#: the seconds that rendering took.
UNKEPT = '_page_cache_unkept'


def stand_in_for(published, request):
    """Return what is called in place of an origin, None for what is none."""
    if request.args:  # which it is called with
        return None
    if request.environ.get('REQUEST_METHOD') == 'HEAD':
        return head.stand_in_for(published, request)
    origin = origin_of(published)
    return None if origin is None else StandIn(published, origin, request)


class StandIn:
    """Is published in place of a template or view."""

    def __init__(self, published, origin, request):
        self._published = published
        self._origin = origin
        self._request = request
        # by these Zope describes the transaction
        self.__name__ = getattr(published, '__name__', None)
        self.__parent__ = origin.parent
        find_path = getattr(published, 'getPhysicalPath', None)
        if find_path is not None:
            self.getPhysicalPath = find_path

    def __call__(self):
        """Return what was rendered, '' if a stored page is sent, or the
        response if that was sent again.
        """
        request = self._request
        if EXCHANGE in request.__dict__:
            return self._render()
        if recent_answers.table and self._origin.is_alone_until_delivery and (
                attempt(None, 'answer', repeated.answered, request,
                        self._origin) is True):
            return request.response
        exchange = attempt(None, 'answer', new_exchange, request, self._origin)
        if exchange is None:
            began_at = time.perf_counter()
            result = self._render()
            request.__dict__[UNKEPT] = (
                self._origin, time.perf_counter() - began_at)
            return result
        if exchange is FAILED:
            return self._render()
        result = exchange.look_up()
        if result is None:
            return exchange.render(self._render)
        if self._origin.is_captured_last:
            request.environ[NO_TRANSFORMS] = True
        return result

    def _render(self):
        return http_request.call(self._published, self._request)


def note_unkept(request):
    """Note that an origin which no manager keeps gave a page, if it did."""
    if http_request.method(request) == 'GET' and http_response.is_page(
            request.response):
        origin, secs = request.__dict__[UNKEPT]
        origin.note_unkept(secs)
