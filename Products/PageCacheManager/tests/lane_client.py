"""A client before the fast lane, which counts the requests that reach Zope."""
import transaction
from ZPublisher.WSGIPublisher import publish_module

from Products.PageCacheManager.fastlane.filter import FastLane

from .client import Client
from .client import Response


PATH = '/site/doc/page'


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


class LaneClient(Client):
    """A client before the lane; `asked` counts the requests that reach Zope.
    """

    def __init__(self, **options):
        super().__init__()
        self.clock = Clock()
        self.asked = 0
        self.lane = FastLane(self._zope, clock=self.clock, **options)

    def _zope(self, environ, start_response):
        self.asked += 1
        return publish_module(environ, start_response)

    def request(self, method, path, user=None, body='', environ=(),
                **headers):
        transaction.commit()
        full = self.environ(method, path, body.encode(), user, headers)
        full.update(environ)
        sent = []
        result = self.lane(full, lambda *given: sent.append(given[:2]))
        content = b''.join(result)
        transaction.abort()
        return Response(*sent[-1], content)

    def is_fast(self, path=PATH, **given):
        """Return whether the request did not reach Zope."""
        before = self.asked
        self.get(path, **given)
        return self.asked == before


def warm(lane, path=PATH, **headers):
    """Ask until the lane answers; return the answers of Zope and of the lane.
    """
    for _ in range(3):
        slow = lane.get(path, **headers)
    before = lane.asked
    fast = lane.get(path, **headers)
    assert lane.asked == before
    return slow, fast


class Storage:
    """Wraps a database so that its storage says something of itself."""

    def __init__(self, database, **said):
        self.database = database
        self.storage = type('Storage', (), said)()

    def lastTransaction(self):
        return self.database.lastTransaction()


def wrap(lane, **said):
    lane.lane._databases = {
        name: Storage(database, **said)
        for name, database in lane.lane._databases.items()}
