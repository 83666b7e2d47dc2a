"""A page that is rendered: is it whole, how is it sent, is it kept?"""
import logging
import time

import transaction

from ..core.attempt import attempt
from ..core.http.cache_status import Outcome
from ..core.http.headers import without_later
from ..core.page import Page
from ..core.page import directives
from ..core.page import joined
from ..core.page import names
from ..core.page import why_not
from ..core.reasons import Reason
from ..core.reasons import is_for_once
from ..core.reasons import is_of_one_visitor
from ..core.reasons import lasts
from ..key.key import has_changed
from ..publisher import request as http_request
from ..publisher import response as http_response
from ..publisher import sending
from .step import Step


logger = logging.getLogger(__name__)


class Rendered(Step):
    """The page is rendered: what Bypass and Miss have in common."""

    flight = None

    def __init__(self, outcome, rendering=None, held=None, failure=''):
        super().__init__(outcome)
        self.rendering = rendering
        self.failure = failure
        #: The client's own copy, which is the page if rendering gives one.
        self.held = held

    def deliver(self, exchange):
        if self.rendering is None:
            if not exchange.origin.is_called:
                sending.forbid_storing(exchange.response)
            return self
        if exchange.origin.is_captured_last:
            self.rendering.look_again()
        if exchange.origin.is_called and self.rendering.text is None:
            return self._of_nothing(exchange)
        reason = http_response.why_not_whole(exchange.response)
        body = None if reason else exchange.origin.body(
            exchange.response, self.rendering.text)
        if body is None:
            return self._refused(exchange, reason or Reason.FRAGMENT)
        return self._send(exchange, body) if (
            self.rendering.has_policy) else self

    def _of_nothing(self, exchange):
        """Return the step where the called template gave no text."""
        return self

    def _send(self, exchange, body):
        """Send what was rendered with the policy's headers."""
        response, rendering = exchange.response, self.rendering
        own = exchange.origin.own_headers(
            rendering, response, exchange.settings)
        if rendering.saw_origin and not _is_of_one_origin(exchange, own):
            _name_origin(response, own)
        varies = exchange.varies_of(response)
        whose = rendering.why_of_one_visitor(varies)
        step = self._left_to_others(exchange, whose) if whose else self
        zipped = http_response.zipped_by_zope(response)
        values = self._values(exchange, own, varies)
        name, data = http_response.zopes_coding(
            exchange.request, zipped, body)
        sending.send_page(response, data or body, values, name)
        if step.outcome.word == 'MISS':
            step = self._capture(
                exchange, body, zipped, own, values, varies)
        step.outcome = self._with_failure(exchange, step.outcome)
        if whose:
            sending.forbid_storing(response)
        elif (transaction.isDoomed() or is_for_once(step.outcome.detail)
                or _is_of_one_origin(exchange, own)):
            # what a doomed transaction changed was never there: a tag would
            # have the client keep it
            sending.take_tag_away(response, exchange.told_by())
        elif self._is_held(response, varies):
            if self.held.tag:
                values = {**values, 'etag': self.held.tag}
            sending.send_not_modified(response, values)
            step.outcome = step.outcome._replace(detail='not-modified')
        return step

    def _values(self, exchange, own, varies):
        """Return the headers of the page, but for those that other code set
        since it was rendered.
        """
        values = exchange.headers_of_render(own, time.time(), varies)
        if exchange.origin.is_captured_last:
            return values
        return without_later(
            values, http_request.lower_headers(exchange.response),
            self.rendering.headers_before, own)

    def _left_to_others(self, exchange, whose):
        """Return the step of a page that is for this visitor alone."""
        if lasts(whose) and not self.rendering.had_cookie:
            return self._refused(exchange, whose) if (
                self.outcome.word == 'MISS') else self
        if self.flight is not None:
            # the next visitor's page may be for all
            self.flight.abandon(whose)
        if self.outcome.word == 'NO-ETAG':
            return self
        return Bypass(Outcome('BYPASS', whose), self.rendering)

    def _with_failure(self, exchange, outcome):
        """Return `outcome` with the failure that the page shows, if any."""
        caught = self.rendering.caught
        if not caught:
            return outcome
        _report(exchange, caught)
        return outcome if is_for_once(outcome.detail) else outcome._replace(
            detail=Reason.RENDER_ERROR)

    def _is_held(self, response, varies):
        """Return whether the client holds what was rendered."""
        return (
            self.held is not None and not self.rendering.caught
            and not response._locked_status
            and bool(self.held.tag or not varies))

    def _refused(self, exchange, reason):
        """Return the step of a page that is not kept for this `reason`."""
        if self.flight is not None:
            self.flight.refuse(reason)
        elif exchange.key.index is not None:
            exchange.cache.flights.note_refusal(
                exchange.key.index_for(
                    exchange.request, self.rendering.varies), reason)
        return Bypass(Outcome('BYPASS', reason), self.rendering)

    def commit(self, exchange):
        if self.takes_part:
            sending.take_later_tag(exchange.response)


class Bypass(Rendered):
    """The page is rendered, and not kept: the outcome has the reason."""

    def __init__(self, outcome, rendering=None, held=None, failure='',
                 is_quiet=False):
        super().__init__(outcome, rendering, held, failure)
        self.is_quiet = is_quiet or rendering is not None

    @property
    def takes_part(self):
        return self.rendering is not None or is_of_one_visitor(
            self.outcome.detail)


class Miss(Rendered):
    """The page is rendered, to be kept and given to those who wait."""

    is_quiet = True

    def __init__(self, outcome, rendering, held, flight=None):
        super().__init__(outcome, rendering, held)
        #: The right to render for all who wait, or None.
        self.flight = flight

    def abandon(self):
        if self.flight is not None:
            self.flight.abandon()

    def _of_nothing(self, exchange):
        # it failed, and was left out
        return self._refused(exchange, Reason.FRAGMENT)

    def _capture(self, exchange, body, zipped, own, values, varies):
        """Return the step of a page that is to be stored, or is refused."""
        origin, rendering = exchange.origin, self.rendering
        reason = self._why_not_stored(exchange, body, own)
        if reason:
            return self._refused(exchange, reason)
        headers = dict(own)
        if 'content-type' in exchange.response.headers:
            headers.setdefault(
                'content-type', exchange.response.headers['content-type'])
        if not rendering.caught:
            headers |= {
                name: values[name] for name in ('etag', 'last-modified')
                if name in values}
        page = Page(
            # other code gets it back as it was before setBody()
            body=rendering.text.encode('utf-8', 'surrogatepass') if (
                origin.is_called) else body,
            codings=(),
            headers=tuple(headers.items()),
            modified=exchange.changed_at,
            created=time.time(),
            varies=varies,
            absent_cookies=rendering.absent_cookies(varies),
            max_age_secs=(
                exchange.settings.max_error_age if rendering.caught else 0))
        if zipped and not origin.is_called:
            page = page.with_coding('gzip', zipped)
        return Stored(
            self.outcome._replace(stored=True), rendering, self.flight, page)

    def _why_not_stored(self, exchange, body, own):
        """Return why the page is not kept, '' if it may be."""
        response, rendering = exchange.response, self.rendering
        origin, settings = exchange.origin, exchange.settings
        reason = why_not(
            response.status, http_request.lower_headers(response), body,
            http_request.sets_cookie(response))
        if reason:
            return reason
        if (len(response.accumulated_headers) > rendering.added_before
                or http_request.appended_headers(
                    own, rendering.headers_before)):
            return Reason.ADDED_HEADER
        if origin.is_called and response.base != rendering.base_before:
            # other code gets the text, which does not show it
            return Reason.BASE
        if any('no-store' in directives(said.get('cache-control', ''))
               for said in (own, exchange.policy.headers)):
            return Reason.NO_STORE
        if _is_of_one_origin(exchange, own):
            return Reason.ORIGIN
        if len(body) > settings.max_page_bytes:
            return Reason.TOO_LARGE
        if transaction.isDoomed():
            return Reason.DOOMED
        if rendering.has_changes and not origin.may_write:
            return Reason.WROTE_TO_DATABASE
        if has_changed(exchange):
            return Reason.TEMPLATE_CHANGED
        if rendering.caught and not settings.max_error_age:
            return Reason.RENDER_ERROR
        return ''


class Stored(Rendered):
    """The page was sent, and is kept once the transaction is through."""

    def __init__(self, outcome, rendering, flight, page):
        super().__init__(outcome, rendering)
        self.flight = flight
        self._new = self.ttl_page = page
        self._is_committed = False
        transaction.get().addAfterCommitHook(self._note_commit)

    def _note_commit(self, succeeded):
        self._is_committed = succeeded

    def abandon(self):
        if self.flight is not None:
            self.flight.abandon()

    def commit(self, exchange):
        super().commit(exchange)
        if not self._is_committed:
            return
        page = self._new
        attempt(exchange, 'store', self._keep, exchange, page)
        if self.flight is not None:
            # who waits may have sent other headers than this request
            is_theirs = self.flight.key == exchange.key.index_for(
                exchange.request, page.varies)
            self.flight.land(page if is_theirs else page.signpost())

    def _keep(self, exchange, page):
        """Store the page, behind a signpost if it varies by more headers."""
        key = exchange.key
        store = exchange.cache.store(exchange.settings, key.versions[0])
        if page.varies:
            store.set(key.index, page.signpost())
        store.set(key.index_for(exchange.request, page.varies), page)


def _report(exchange, failure):
    """Name the failure that the page shows."""
    logger.warning(
        'A failure was caught while %s rendered: %s',
        exchange.describe(), failure)
    exchange.cache.caught.saw(exchange.key.page_id, failure)


def _name_origin(response, own):
    """Say that the page may be another one for another site that asks."""
    for values in (response.headers, own):
        values['vary'] = joined(values.get('vary', ''), ['Origin'])


def _is_of_one_origin(exchange, own):
    """Return whether the page may be meant for the site that asks alone."""
    return http_request.names_origin(exchange.request, own) and (
        'origin' not in names(exchange.response.headers.get('vary', '')))
