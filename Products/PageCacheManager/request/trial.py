"""A trial: a page is rendered as for a visitor, to report on it.

It is a request of its own in another thread, like an audited hit.  Nothing is
stored, counted or committed, and no visitor waits for it.
"""
import threading
import time

from ..core.attempt import FAILED
from ..core.attempt import attempt
from ..core.http.cache_status import Outcome
from ..core.reasons import lasts
from ..core.worker import Worker
from ..publisher import own_request
from ..publisher import response_headers
from .bypass import Bypass
from .exchange import Exchange
from .hit import Answer
from .miss import Miss
from .rendering import Rendering


#: At most this many trials wait while another trial runs.
MAX_TRIALS = 2


class Trial:
    """One page to render; the publisher gives it the request."""

    may_commit = False
    #: The exchange of the request, None if it led to no page of ours.
    exchange = None
    #: The status of the answer, None if rendering failed.
    status = None
    #: Seconds that the whole request took.
    secs = 0.0
    #: Whether the caller stopped waiting for it.
    is_given_up = False

    def __init__(self, environ):
        self._environ = environ
        self._ended = threading.Event()

    def new_exchange(self, request, origin, manager, site, claim):
        """Return the exchange of the request, or of its repetition."""
        self.exchange = TrialExchange(
            request, origin, manager, site, claim, is_dry=True)
        return self.exchange

    def wait(self, timeout_secs):
        """Wait for the end of the trial; return whether it ended in time.

        If not, a trial that did not begin yet will never begin.
        """
        is_ended = self._ended.wait(timeout_secs)
        self.is_given_up = not is_ended
        return is_ended

    def run(self):
        """Render the page, if the caller still waits for it."""
        if self.is_given_up:
            return
        begin = time.perf_counter()
        status = attempt(
            None, 'trial', own_request.publish, self, self._environ)
        self.status = None if status is FAILED else status
        self.secs = time.perf_counter() - begin
        self._ended.set()


class TrialExchange(Exchange):
    """A request that renders a page even if it is stored or refused."""

    #: Size in bytes and tag of the answer, None if there was an error.
    size = tag = None
    #: The outcome of the same request by a visitor.
    outcome = None

    def look_up(self):
        super().look_up()
        step = self.step
        # stored pages and refusals of earlier renders do not count
        if isinstance(step, (Answer, Miss)) or (
                self.key is not None and self.key.index is not None
                and lasts(step.outcome.detail)):
            self._render(TrialMiss, Outcome('MISS'))
        elif step.rendering is not None and step.rendering.has_policy:
            self._render(TrialBypass, step.outcome)
        return None if self.origin.is_called else self.step.result

    def _render(self, kind, outcome):
        """Set a step of this `kind`, which renders the page."""
        step = self.step
        varies = step.varies if step.is_answered else step.rendering.varies
        self.step = kind(outcome, rendering=Rendering(
            self, outcome, varies,
            hides=bool(self.request.environ.get('QUERY_STRING')),
            watched_dry=True))

    def commit(self):
        """Record the answer; nothing is counted or stored."""
        self.outcome = self.step.outcome
        self.size = len(self.response.body or b'')
        self.tag = response_headers.lower_headers(
            self.response).get('etag', '')

    def abandon(self, is_retry):
        self.end()

    def saw_failure(self, caught):
        """Remember nothing: the page is not stored."""


class _Unnoted:
    """A step that hides a refusal from later requests."""

    def _refused(self, exchange, reason):
        return Bypass(Outcome('BYPASS', reason), rendering=self.rendering)


class TrialMiss(_Unnoted, Miss):
    """The page is rendered to find out whether it may be stored."""


class TrialBypass(_Unnoted, Bypass):
    """The page is rendered; the request does not allow to store it."""


worker = Worker('Page Cache trial', Trial.run, MAX_TRIALS)


def tried(environ, timeout_secs):
    """Return the :class:`Trial` of a GET, None if it did not end in time or
    too many others wait.
    """
    trial = Trial(environ)
    return trial if worker.put(trial) and trial.wait(timeout_secs) else None
