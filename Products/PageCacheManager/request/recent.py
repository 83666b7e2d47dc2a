"""Policy and key of a moment ago, for the same request of the same visitor.

They are asked anew once the request reads another snapshot of a database,
and after `late_ms` at the latest.  All else is looked at for each request:
what it carries, who is logged in, and whether the page is stored.
"""
import time

from ..core.recent import Question
from ..fastlane.permit import TICKET
from ..key import visitor
from ..key.versions import identity_of
from ..key.versions import snapshots
from ..publisher.request import credentials


#: What differs between requests that are the same.  The conditions are
#: looked at for each.
_OF_ONE_REQUEST = frozenset([
    'HTTP_IF_MODIFIED_SINCE', 'HTTP_IF_NONE_MATCH', 'REMOTE_PORT'])

#: A request that takes more characters is not remembered.
MAX_LENGTH = 8000


def question(exchange):
    """Return the :class:`Question` of a request, None where it has to be
    asked each time.
    """
    request, origin = exchange.request, exchange.origin
    environ = request.environ
    if (not exchange.settings.late_ms or exchange.is_dry
            or TICKET in environ  # the fast lane has remembered it so long
            or origin.is_called):
        return None
    found = snapshots(exchange.manager._p_jar)
    if found is None:
        return None
    asked = (
        origin.kind, origin.path, origin.identity, exchange.claim,
        identity_of(origin.context), origin.version_in_files(),
        visitor.who(request.other.get('AUTHENTICATED_USER'), origin.context),
        request._auth and credentials(request), request.response.base,
        request.response.headers.get('content-type'),
        request.__dict__.get('__provides__'),
        *[item for item in environ.items()
          if type(item[1]) is str and item[0] not in _OF_ONE_REQUEST])
    return Question(asked, found, time.time())


def remember(exchange, question):
    """Keep policy and key, if all of the request read the same snapshots."""
    policy = exchange.policy
    now = snapshots(exchange.manager._p_jar)
    if (now is None or None in now.values()
            or not question.snapshots.items() <= now.items()
            or 'expires' in policy.headers
            or len(repr(question.asked)) > MAX_LENGTH):
        return
    exchange.cache.recent.put(question._replace(snapshots=now), (
        policy.without_date(), exchange.key.without_objects()))
