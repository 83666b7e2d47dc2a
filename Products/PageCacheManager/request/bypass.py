"""Steps for a page that is rendered: checks that it is whole, and sends it."""
import logging
import time
from math import ceil

import transaction

from ..core.http.cache_status import Outcome
from ..core.http.headers import without_later
from ..core.http.lists import joined
from ..core.http.lists import names
from ..core.page import why_of_one_visitor
from ..core.reads.made_from import MadeFrom
from ..core.reasons import Reason
from ..core.reasons import is_for_once
from ..core.reasons import is_of_one_visitor
from ..core.reasons import lasts
from ..publisher import response as http_response
from ..publisher import response_headers
from ..publisher import sending
from . import page_headers
from . import preconditions
from .step import Step


logger = logging.getLogger(__name__)

#: For these reasons the cache asks no policy; CMF must not ask any either.
_QUIET = (Reason.REQUEST_COOKIE, Reason.SESSION, Reason.USER)


class FromRendering(Step):
    """A page that Zope renders, now or a moment ago.

    It is the base of :class:`Bypass` and :class:`.miss.Miss`.
    """

    #: The flight that this request leads (it renders for waiting requests), or
    #: None.
    flight = None
    #: The preconditions of the request, or None.
    conditions = None

    @property
    def keeps_cmf_quiet(self):
        return self.rendering is not None or self.outcome.detail in _QUIET

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

    def made_from(self, exchange):
        """Return the sources of the page; those of a Bypass do not count."""

    def _capture(
            self, exchange, body, zipped, own, values, varies,
            of_one_site, made_from, changed_at):
        """Return the next step; a Bypass stores nothing."""
        return self

    def _of_nothing(self, exchange):
        """Return the step after a called template that gave no text."""
        return self

    def _send(self, exchange, body):
        """Send the rendered page with the policy's headers.

        Return the next step.
        """
        response, rendering = exchange.response, self.rendering
        own = self._own_headers(exchange)
        present = response_headers.lower_headers(response)
        sets_cookie = response_headers.sets_cookie(response)
        varies = _varies_of(exchange)
        whose = rendering.why_of_one_visitor(varies) or (
            why_of_one_visitor(present, sets_cookie))
        step = self._left_to_others(exchange, whose) if whose else self
        zipped = http_response.zipped_by_zope(response)
        now = time.time()
        made_from = step.made_from(exchange)
        changed_at, date = exchange.changed_at, exchange.date
        if isinstance(made_from, MadeFrom):
            changed_at = max(changed_at, ceil(made_from.changed_at))
            date = date and changed_at
        values = page_headers.of_render(
            exchange, own, now, date, varies, body)
        if not exchange.origin.is_captured_last:
            values = without_later(
                values, present, rendering.headers_before, own)
        name, data = http_response.zopes_coding(
            exchange.request, zipped, body)
        sending.send_page(response, data or body, values, name)
        of_one_site = response_headers.is_of_one_site(exchange.request, own)
        caught = rendering.caught
        if step is self:  # a Bypass captures nothing
            step = self._capture(
                exchange, body, zipped, own, values, varies,
                of_one_site, made_from, changed_at)
        if caught:
            step.outcome = _with_failure(exchange, step.outcome, caught)
        if whose:
            sending.forbid_storing(response)
        elif (transaction.isDoomed() or is_for_once(step.outcome.detail)
                or of_one_site):
            # the page may show changes of a doomed transaction, which are
            # never saved; with a tag the client would keep the page
            sending.take_tag_away(response, page_headers.told_by(exchange))
        elif self.conditions is not None and not caught:
            held = preconditions.held(
                exchange, self.conditions, values.get('etag') or '', date,
                now, is_stored=False, varies=varies)
            if held is not None:
                if held.tag:
                    values = {**values, 'etag': held.tag}
                sending.send_not_modified(response, values)
                step.outcome = step.outcome._replace(detail='not-modified')
        return step

    def _own_headers(self, exchange):
        """Return the headers that a hit repeats, with lower-case names."""
        response = exchange.response
        own = exchange.origin.own_headers(
            self.rendering, response, exchange.settings)
        if self.rendering.saw_asking_site and not (
                response_headers.is_of_one_site(exchange.request, own)):
            _name_asking_site(response, own)
        return own

    def _left_to_others(self, exchange, whose):
        """Return the step of a page that is for this visitor alone."""
        if lasts(whose) and not self.rendering.had_cookie:
            return self._refused(exchange, whose) if (
                self.outcome.word == 'MISS') else self
        if self.flight is not None:
            # the next visitor's page may be for all visitors
            self.flight.abandon(whose)
        if self.outcome.word == 'NO-ETAG':
            return self
        return Bypass(Outcome('BYPASS', whose), rendering=self.rendering)

    def _refused(self, exchange, reason):
        """Return the step of a page that is not stored for this `reason`."""
        if self.flight is not None and reason == Reason.PARAMETER:
            self.flight.abandon(reason)  # the next render may be stored
        elif self.flight is not None:
            self.flight.refuse(reason)
        elif exchange.key.index is not None:
            exchange.cache.flights.note_refusal(
                exchange.key.index_for(
                    exchange.request, self.rendering.varies), reason)
        return Bypass(Outcome('BYPASS', reason), rendering=self.rendering)

    def abandon(self):
        if self.flight is not None:
            self.flight.abandon()


class Bypass(FromRendering):
    """The page is rendered and not stored: the outcome has the reason."""

    @property
    def takes_part(self):
        return self.rendering is not None or is_of_one_visitor(
            self.outcome.detail)


def _with_failure(exchange, outcome, caught):
    """Log and record the failure that the page shows; return the outcome."""
    logger.warning(
        'A failure was caught while %s rendered: %s',
        exchange.describe(), caught)
    exchange.saw_failure(caught)
    return outcome if is_for_once(outcome.detail) else outcome._replace(
        detail=Reason.RENDER_ERROR)


def _varies_of(exchange):
    """Return the headers in the response's Vary that the key lacks."""
    vary = exchange.response.headers.get('vary', '')
    known = {'accept-encoding', *exchange.key.keyed_headers}
    return tuple(sorted({*names(vary)} - known)) if vary else ()


def _name_asking_site(response, own):
    """Add Origin to Vary: the page may differ for another requesting site."""
    for values in (response.headers, own):
        values['vary'] = joined(values.get('vary', ''), ['Origin'])
