"""Records cookies, failures, users and headers while a page renders.

It begins when the look-up ends, and ends when the page is captured.  Reads of
the request and of objects are recorded since traversal (:mod:`.traversal`).
"""
import time

import transaction

from ..core.reads.unknown import Unknown
from ..core.reads.unknown import Why
from ..core.reasons import Reason
from ..core.reasons import is_for_once
from ..key import visitor
from ..key.versions import holds_changes
from ..publisher import cookies
from ..publisher import failures
from ..publisher import response_headers
from ..publisher.hidden_parameters import Hidden
from ..publisher.hidden_parameters import ignored_field
from ..publisher.watch import OF_NO_SESSION
from ..publisher.watch import ORIGIN_HEADER
from ..reads import freshness
from ..reads import recording


class Rendering:
    """The rendering of one page: its sources, and its effects.

    Without an `outcome` nothing is watched: no policy fits, or a policy
    failed.  In a dry run nothing is watched either, except with
    `watched_dry`.
    """

    #: Response headers when the origin's own code ended, lower-case names.
    headers_left = None
    #: The text of a called template, None until it ended.
    text = None
    #: Whether rendering ran as the user of the request until its end.
    is_of_user = True
    #: Whether rendering read the header Origin, which names the requesting
    #: site.
    saw_asking_site = False
    #: Whether rendering wrote to the database.
    has_changes = False

    #: Names of cookies that rendering looked for and the request lacks.
    absent_cookies = ()

    #: The failure that was caught during rendering, in one line, or ''.  It is
    #: known at the end.
    caught = ''

    #: Seconds from the start of rendering to the capture of the page; 0 before
    #: the capture.
    secs = 0

    _is_over = False
    _recording = _hidden = _watched = _sent = _fields = _failures = None

    def __init__(
            self, exchange, outcome=None, varies=(), hides=False,
            watched_dry=False):
        response = exchange.response
        self._exchange = exchange
        self._began_at = time.perf_counter()
        #: Request headers beyond the key by which the stored pages vary.
        self.varies = varies
        self.headers_before = response_headers.lower_headers(response)
        self.added_before = len(response.accumulated_headers)
        self.base_before = response.base
        #: Whether other code had set a cookie before.
        self.had_cookie = response_headers.sets_cookie(response)
        # rendering may commit it and begin another
        self._transaction = transaction.get()
        #: Whether the policy's headers are sent.
        self.has_policy = outcome is not None
        if self.has_policy and (watched_dry or not exchange.is_dry):
            try:
                self._watch(exchange, outcome, hides)
            except BaseException:
                self.end()
                raise

    def _watch(self, exchange, outcome, hides):
        request, settings = exchange.request, exchange.settings
        self._failures = failures.FailureWatch()
        if outcome.word == 'MISS':
            self._recording = exchange.recording()
            recording.thread.recording = self._recording
        if is_for_once(outcome.detail):
            return
        self._watched = exchange.watch
        #: Cookies of the request; and cookies in the key, besides the cookies
        #: of the settings.
        self._sent = cookies.sent_by(request)
        self._known = {
            *exchange.site.cookies(request), *exchange.session_cookies}
        if hides:
            # only earlier reads count: from now on parameters are hidden
            self._fields = frozenset(self._watched.field_names)
            self._hidden = Hidden(request, settings.ignored_parameters)
        self._watched.begin(request)

    def origin_ended(self):
        """Record user and headers at the end of the origin's own code."""
        self._look_for_user()
        self.saw_asking_site = self._watched is not None and (
            ORIGIN_HEADER in self._watched.variables)
        # set last: if the code above fails, nothing can be delivered
        self.headers_left = response_headers.lower_headers(
            self._exchange.response)

    def _look_for_user(self):
        """Record whether the user is still the user of the request."""
        exchange = self._exchange
        self.is_of_user = self.is_of_user and visitor.is_of_request(
            exchange.request, exchange.origin.context)

    def look_for_changes(self):
        """Record whether the database was changed so far.

        Transforms may abort such changes, and the request still commits.
        """
        had_changes, self.has_changes = self.has_changes, True  # if it fails
        self.has_changes = (
            had_changes or holds_changes(self._exchange.manager._p_jar)
            or transaction.get() is not self._transaction)

    def look_again(self):
        """Record changes of database and user after the origin's own code."""
        self.look_for_changes()
        self._look_for_user()

    def end(self):
        """Stop the watch, and restore the request.

        A second call does nothing.
        """
        if self._is_over:
            return
        self._is_over = True
        self.secs = time.perf_counter() - self._began_at
        thread = recording.thread
        if self._recording is not None and (
                thread.recording is self._recording):
            thread.recording = None
        if self._watched is not None:
            self._watched.end(self._exchange.request)
        if self._hidden is not None:
            self._hidden.end()
        if self._failures is not None:
            self._failures.end()
            self.caught = self._failures.failure

    def made_from(self):
        """Return the sources of the page, :class:`Unknown` if not known."""
        if self._recording is None:
            return Unknown(Why.LOST)
        exchange = self._exchange
        return self._recording.made_from(
            freshness.answers,
            exchange.manager.oids_of(exchange.key.marks))

    def why_of_one_visitor(self, varies):
        """Return the reason that the page is for this visitor alone, or ''.

        The names that rendering read decide.  Sets `absent_cookies`.  `varies`
        are the headers, beyond the headers in the key, by which the page
        varies.
        """
        exchange = self._exchange
        if exchange.touched_session() or (
                self._watched is not None
                and self._watched.variables - OF_NO_SESSION):
            return Reason.SESSION
        if not self.is_of_user or (
                self._watched is not None
                and not self._watched.is_of_one_user):
            return Reason.USER
        if self._sent is not None and (
                not exchange.key.has_all_cookies(varies)):
            found, self.absent_cookies = cookies.looked_for(
                self._watched, self._sent, exchange.settings, self._known)
            if found:
                return cookies.reason(found)
        return ''

    @property
    def field(self):
        """An ignored parameter of the request that rendering read, or ''."""
        if self._watched is None:
            return ''
        looked = self._fields
        if looked is None:
            looked = self._watched.field_names
        return looked and ignored_field(
            self._exchange.request, looked,
            self._exchange.settings.ignored_parameters)
