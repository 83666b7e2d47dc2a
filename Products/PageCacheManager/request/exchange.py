"""One request for a page of a manager, from the call of its stand-in on.

    call               PubBeforeCommit   PubSuccess   EndRequest
    look_up, render    show, deliver     commit       end

    PubBeforeAbort, at any moment: abandon

Before the call there is no exchange: see :mod:`.traversal`.

Names that a client sends (of form fields, cookies, headers) can hide
attributes of a request.  So the exchange is kept in the request's own
``__dict__``.
"""
import time
from functools import cached_property

from zope.component.hooks import getSite

from ..cmf import guard
from ..core.attempt import FAILED
from ..core.attempt import attempt
from ..core.http.cache_status import Outcome
from ..core.http.cache_status import cache_status
from ..core.http.cache_status import with_ttl
from ..core.reasons import Reason
from ..key import visitor
from ..manager.caches import cache_and_settings
from ..origin.surroundings import around
from ..publisher import other_handlers
from ..publisher import request as http_request
from ..publisher import sending
from ..publisher.own_request import MAKER
from ..publisher.sessions import BEFORE
from ..publisher.sessions import thread
from ..publisher.watch import RING_MARKS
from ..publisher.watch import WATCH
from ..reads import freshness
from ..reads import search
from ..reads.recording import Recording
from . import journal
from . import lookup
from . import sent_again
from .bypass import Bypass
from .remembered import RECALLED


#: The name of the exchange in the ``__dict__`` of its request.
EXCHANGE = '_page_cache_exchange'

#: The step of a request after a failure of the cache.
_FAILED_STEP = Bypass(Outcome('BYPASS', Reason.ERROR))


class Exchange:
    """One request, and its present step.

    `is_dry` is true if the look-up must leave no trace: nothing is stored or
    counted for it, and no request waits for it.
    """

    # the look-up sets the next four

    #: The :class:`.Fingerprint` of the request, None if no remembered answer
    #: may be used.
    fingerprint = None
    #: The result of `visitor.who` for the user, None if it was not called.
    who = None
    #: The policy's answer.
    policy = None
    #: The :class:`.PageKey`.
    key = None
    #: The time of the page's last change, and the date to send or None;
    #: seconds since 1970.
    changed_at, date = 0, None
    #: The RuledOut of a policy that failed to give a date, else None.
    no_date = None
    #: The step of the request.  The look-up sets it; if that fails, it stays.
    step = _FAILED_STEP
    #: The changes of the cache to the response.
    changes = None
    #: The reason that a stored page is stale, None if no page was stale.
    stale = None
    #: For a render without a visitor, the word that statistics count in place
    #: of the outcome's word; '' for a visitor's request.
    counted_as = ''
    #: The :class:`.Recording` of the request's reads, once it is needed.
    _recording = None
    #: The keywords of the call during which CMF asks no policies.
    _quiet_for = None

    def __init__(self, request, origin, manager, site, claim, is_dry=False):
        self.request = request
        self.response = request.response
        self.origin = origin
        self.manager = manager
        #: The kind of site, and the claim of other machinery on the page.
        self.site, self.claim = site, claim
        self.is_dry = is_dry
        self.cache, self.settings = cache_and_settings(manager)
        #: Whether other machinery sets headers of this page, too.
        self.is_beside_another = claim is not None and not claim.is_ours
        self._began_at = time.perf_counter()
        #: The names that code reads in the request; None if it is not a GET.
        self.watch = request.__dict__.get(WATCH)
        request.__dict__[EXCHANGE] = self

    # the way

    def look_up(self):
        """Find the step; return the result for Zope, None to render."""
        # with RECALLED, `sent_again.answered` has paused it already
        if self.watch is not None and RECALLED not in self.request.__dict__:
            self.watch.pause(self.request)
        step = attempt(self, 'answer', lookup.next_step, self)
        self.step = step = _FAILED_STEP if step is FAILED else step
        return step.result

    def render(self, function):
        """Return the page that `function` renders.

        If the step is quiet, CMF asks no policies meanwhile.
        """
        step = self.step
        is_quiet = step.keeps_cmf_quiet and (
            guard.keep_cmf_from_asking(self.request))
        try:
            result = function()
            if step.rendering is not None:
                attempt(self, 'finish', step.rendering.origin_ended)
            return result
        finally:
            if is_quiet:
                guard.let_cmf_ask_again(self.request)
            if step.rendering is not None and (
                    not self.origin.is_captured_last):
                step.rendering.end()

    def begin_call(self, keywords):
        """Keep CMF from its policies during the call with `keywords`."""
        if self.step.keeps_cmf_quiet and (
                guard.keep_cmf_from_asking(self.request)):
            self._quiet_for = keywords

    def end_call(self, call, text):
        """Let CMF ask again after the `call` that `begin_call` began.

        Keep `text` if this is the call of the page's own template.
        """
        if self._quiet_for is call:
            self._quiet_for = None
            guard.let_cmf_ask_again(self.request)
        rendering = self.step.rendering
        if rendering is not None and self.origin.is_called and (
                self.origin.call is call and rendering.text is None):
            rendering.end()
            if isinstance(text, str):
                rendering.text = text
                rendering.origin_ended()

    def show(self):
        """Let other code see the page of an origin that is captured last."""
        step = self.step
        if step.rendering is not None:
            step.rendering.look_for_changes()
        elif step.has_body and self.others_follow:
            self.changes = sending.Changes(self.response)
            attempt(self, 'finish', step.show, self)
            self.changes.settle(self.response)

    def deliver(self):
        """Put headers, status and body into the response."""
        step, response = self.step, self.response
        if step.rendering is not None:
            step.rendering.end()
        if not step.takes_part:
            return
        if self.changes is not None:
            self.changes.take_back(response)  # the changes of `show`
        self.changes = sending.Changes(response)
        following = attempt(self, 'finish', step.deliver, self)
        if following is FAILED:
            self.changes.restore(response)
            attempt(self, 'finish', step.rescue, self)
            step.abandon()
            following = _FAILED_STEP
        self.step = following
        if following.outcome.detail == Reason.RENDER_ERROR:
            sending.forbid_storing(response)
        self._say()
        self.changes.settle(response)
        if (self.is_beside_another and not self.origin.is_captured_last
                and following.outcome.word in ('HIT', 'MISS')):
            # keep other machinery from setting headers of the page
            self.site.silence(self.request)

    def commit(self):
        """Count the request and store the page, after the commit."""
        step, key = self.step, self.key
        secs = 0 if step.rendering is None else step.rendering.secs
        if step.is_answered and not step.outcome.collapsed:
            secs = time.perf_counter() - self._began_at
        self.cache.tally.add(
            self.counted_as or step.outcome.word, step.outcome.detail,
            '' if self.policy is None else self.policy.policy_id,
            '' if key is None or key.page_id is None else key.page_id[0],
            secs)
        if not step.takes_part and self.changes is None:
            self._say()
        if step.takes_part:
            sending.heed_others(self.response, self.policy is not None and (
                step.outcome.word != 'BYPASS'))
        step.commit(self)
        if self.fingerprint is not None and step.is_answered and (
                self.origin.is_alone_until_delivery):
            attempt(self, 'finish', sent_again.note, self)
        if step.outcome.word not in ('HIT', 'OFF'):
            journal.note(self)

    def abandon(self, is_retry):
        """Undo the changes to a response that is an error now."""
        if self.changes is not None:
            self.changes.take_back(self.response)
            self.changes = None
        self.cache.tally.add('FAILED', 'retry' if is_retry else 'error')
        self.end()
        self.step = _FAILED_STEP

    def end(self):
        """End the rendering; no request waits for this page any more."""
        if self.step.rendering is not None:
            self.step.rendering.end()
        self.step.abandon()

    def _say(self):
        """Send X-PageCache and Cache-Status, if the settings say so."""
        outcome, response = self.step.outcome, self.response
        if self.settings.show_outcome:
            # a name in mixed case is sent as it is
            response.headers['X-PageCache'] = outcome.word
        if not self.settings.show_cache_status:
            return
        if outcome.stored or outcome.word == 'HIT':
            page, limit = self.step.page, self.settings.max_age
            if page.max_age_secs:
                limit = min(limit or page.max_age_secs, page.max_age_secs)
            ttl = None if not limit else max(
                0, limit - max(0, int(time.time() - page.created)))
            if outcome.collapsed:  # RFC 9211 2.6: a kind of forwarding
                outcome = outcome._replace(word='MISS')
            said = with_ttl(outcome, ttl)
        else:
            said = cache_status(outcome)
        sending.append_header(response, 'cache-status', said)

    # facts about the request

    def touched_session(self):
        """Return whether code looked at the session in any way."""
        # a look at it through the request creates it there
        return (thread.touches != self.request.__dict__[BEFORE]
                or 'SESSION' in self.request.other)

    @cached_property
    def others_follow(self):
        """Return whether other code sees the response."""
        return other_handlers.others_follow(but=self.origin.unseen_by)

    @cached_property
    def session_cookies(self):
        """The names of the cookies that identify a session."""
        return visitor.session_cookies(
            self.origin.context, self.request, self.settings)

    def recording(self):
        """Return the :class:`.Recording` of the request's reads.

        None if the request is not a GET, or if the recording failed.
        """
        if self._recording is None:
            marks = self.request.__dict__.get(RING_MARKS)
            if marks:
                started = attempt(
                    self, 'reads', Recording, freshness.commits, marks)
                self._recording = None if started is FAILED else started
        return self._recording

    def ask(self, question):
        """Return the present answer to a question that a page asked."""
        return search.ask(question, self.origin.context)

    # counting and logging

    def count(self, word, detail):
        """Count a failure of the cache, unless this is a dry run."""
        if not self.is_dry:
            self.cache.tally.add(word, detail)

    def saw_failure(self, caught):
        """Remember a failure that the page shows, for the screens."""
        self.cache.page_failed(self.key.page_id, caught)

    def describe(self):
        """Return origin and URL, for the log."""
        url = http_request.url(self.request, ())
        policy = '' if self.policy is None else (
            f', policy {self.policy.policy_id}')
        return f'{self.origin.path} at {url}{policy}'


def exchange_of(request):
    """Return the :class:`Exchange` of `request`, or None."""
    return getattr(request, '__dict__', {}).get(EXCHANGE)


def new_exchange(request, origin, is_dry=False):
    """Return a new exchange, None if no manager keeps the page."""
    site = around(getSite())
    claim = site.claim(request)
    manager = origin.find_manager(claim)
    if manager is None:
        return None
    maker = request.environ.get(MAKER)
    if maker is not None:
        return maker.new_exchange(request, origin, manager, site, claim)
    return Exchange(request, origin, manager, site, claim, is_dry)
