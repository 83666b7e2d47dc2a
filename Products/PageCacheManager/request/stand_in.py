"""Stand-ins, which Zope calls in place of a published template or view.

Zope does the traversal.  When Zope calls the stand-in, the user is known,
access was checked, and all other code that handles the traversal has run.
"""
import time

from ..core.attempt import FAILED
from ..core.attempt import attempt
from ..manager.caches import recent_answers
from ..origin.published import origin_of
from ..publisher import request as http_request
from ..publisher import response as http_response
from . import head
from . import sent_again
from .exchange import EXCHANGE
from .exchange import new_exchange


#: This variable of the environment stops plone.transformchain's transforms.
NO_TRANSFORMS = 'plone.transformchain.disable'

#: Attribute of a request: an origin without a manager, and the seconds that
#: rendering took.
UNKEPT = '_page_cache_unkept'


def stand_in_for(published, request):
    """Return the stand-in for a published object, None if it has no origin.
    """
    if request.args:  # a call with arguments is left to Zope
        return None
    if request.environ.get('REQUEST_METHOD') == 'HEAD':
        return head.stand_in_for(published, request)
    origin = origin_of(published)
    return None if origin is None else StandIn(published, origin, request)


class StandIn:
    """The object that Zope publishes in place of a template or view."""

    def __init__(self, published, origin, request):
        self._published = published
        self._origin = origin
        self._request = request
        # Zope needs these for the description of the transaction
        self.__name__ = getattr(published, '__name__', None)
        self.__parent__ = origin.parent
        find_path = getattr(published, 'getPhysicalPath', None)
        if find_path is not None:
            self.getPhysicalPath = find_path

    def __call__(self):
        """Return the rendered result, '' for a stored page, or the response.

        The response means that a recent answer was sent again.
        """
        request = self._request
        if EXCHANGE in request.__dict__:
            return self._render()
        if recent_answers.table and self._origin.is_alone_until_delivery and (
                attempt(None, 'answer', sent_again.answered, request,
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
    """Record an origin without a manager, if it made a page."""
    if http_request.method(request) == 'GET' and http_response.is_page(
            request.response):
        origin, secs = request.__dict__[UNKEPT]
        origin.note_unkept(secs)
