"""A page that was rendered: is it whole, how is it sent, is it kept?"""
import logging
import time

import transaction

from ..core.http.cache_status import Outcome
from ..core.http.headers import without_later
from ..core.page import Page
from ..core.page import directives
from ..core.page import joined
from ..core.page import names
from ..core.page import why_not
from ..core.report.reasons import is_for_once
from ..core.report.reasons import lasts
from ..key.key import has_changed
from ..publisher import request
from ..publisher import response as http_response
from ..publisher import sending
from .hit import send_not_modified
from .hit import why_not_whole
from .hit import zopes_coding


logger = logging.getLogger(__name__)


def take_in(visit, call, response):
    """Send what was rendered with the policy's headers, and note the page."""
    body = _whole_body(call, response)
    if body is None:
        refuse(call, why_not_whole(response))
        return
    if call.answer is None:
        return
    if call.kind == 'view':
        call.own_headers = call.kept_headers()
    if call.saw_origin and not _is_of_one_origin(call, response):
        _name_origin(call, response)
    varies = call.varies_of(response)
    whose = call.why_of_one_visitor(varies)
    if whose:
        _leave_to_others(call, whose)
    zipped = http_response.zipped_by_zope(response)
    values = _values_of_render(call, response, varies)
    name, data = zopes_coding(call, zipped, body)
    sending.send_page(response, data or body, values, name)
    if call.outcome.word == 'MISS':
        own = dict(call.own_headers)
        if 'content-type' in response.headers:
            own.setdefault('content-type', response.headers['content-type'])
        own |= {
            name: values[name] for name in ('etag', 'last-modified')
            if name in values}
        _capture(visit, call, response, body, zipped, own, varies)
    if call.caught:
        _report(call)
    if whose:
        sending.forbid_storing(response)
    elif (transaction.isDoomed() or is_for_once(call.outcome)
            or _is_of_one_origin(call, response)):
        # what a doomed transaction changed was never there: a tag would
        # have the client keep it
        sending.take_tag_away(response, call.told_by())
    elif (call.client_holds_page and not call.caught
            and not response._locked_status and (call.held_tag or not varies)):
        send_not_modified(call, response, values)


def _whole_body(call, response):
    """Return the body without coding if it is all from the call."""
    if response.status != 200 or http_response.is_streamed(response):
        return None
    body = http_response.plain_body(response)
    if call.kind == 'view':
        return body
    if body is None or body != http_response.made_body(response, call.text):
        return None
    return body


def _values_of_render(call, response, varies):
    """Return the headers to send with what was rendered."""
    values = call.headers_of(call.own_headers, time.time(), varies)
    if call.kind == 'view':
        return values
    return without_later(
        values, request.lower_headers(response), call.headers_before,
        call.own_headers)


def _report(call):
    """Name the failure that the page shows, unless it is for once anyway."""
    logger.warning(
        'A failure was caught while %r rendered %r: %s',
        call.path, call.page_id[2], call.caught)
    call.cache.caught.saw(call.page_id, call.caught)
    if not is_for_once(call.outcome):
        call.outcome = call.outcome._replace(detail='render-error')


def _name_origin(call, response):
    """Say that the page may be another one for another site that asks."""
    for values in (response.headers, call.own_headers):
        values['vary'] = joined(values.get('vary', ''), ['Origin'])


def _is_of_one_origin(call, response):
    """Return whether the page may be meant for the site that asks alone."""
    return request.names_origin(call.request, call.own_headers) and (
        'origin' not in names(response.headers.get('vary', '')))


def _leave_to_others(call, whose):
    """Let others render the page, which is for this visitor alone."""
    if lasts(whose) and not call.has_cookie_before:
        if call.outcome.word == 'MISS':
            refuse(call, whose)
        return
    call.let_go(whose)  # the next visitor's page may be for all
    if call.outcome.word != 'NO-ETAG':
        call.outcome = Outcome('BYPASS', whose)


def refuse(call, reason):
    """Say why a page is not kept, and let nobody wait for it."""
    call.outcome = Outcome('BYPASS', reason)
    if call.flight is not None:
        call.flight.refuse(reason)
    elif call.has_etag:
        call.cache.flights.note_refusal(call.key_for(call.varies), reason)


def _capture(visit, call, response, body, zipped, own, varies):
    """Note the page to be stored once the transaction is through."""
    reason = _why_not_stored(call, response, body)
    if reason:
        refuse(call, reason)
        return
    if call.caught:
        own = {name: value for name, value in own.items()
               if name not in ('etag', 'last-modified')}
    page = Page(
        # other code gets it back as it was before setBody()
        body=body if call.is_published else call.text.encode(
            'utf-8', 'surrogatepass'),
        codings=(),
        headers=tuple(own.items()),
        modified=call.changed_at,
        created=time.time(),
        varies=varies,
        absent_cookies=call.absent_cookies(varies),
        max_age_secs=call.settings.max_error_age if call.caught else 0)
    if zipped and call.is_published:
        page = page.with_coding('gzip', zipped)
    visit.captured = page
    call.outcome = call.outcome._replace(stored=True)
    transaction.get().addAfterCommitHook(_mark_committed, (visit,))


def _why_not_stored(call, response, body):
    reason = why_not(
        response.status, request.lower_headers(response), body,
        request.sets_cookie(response))
    if reason:
        return reason
    if (len(response.accumulated_headers) > call.added_before
            or request.appended_headers(
                call.own_headers, call.headers_before)):
        return 'added-header'
    if not call.is_published and response.base != call.base_before:
        return 'base'  # other code gets the text, which does not show it
    if any('no-store' in directives(said.get('cache-control', ''))
           for said in (call.own_headers, call.answer.headers)):
        return 'no-store'
    if _is_of_one_origin(call, response):
        return 'origin'
    if len(body) > call.settings.max_page_bytes:
        return 'too-large'
    if transaction.isDoomed():
        return 'doomed'
    if call.kind == 'view' and call.has_changes:
        return 'changes'
    if has_changed(call):
        return 'changed'
    if call.caught and not call.settings.max_error_age:
        return 'render-error'
    return ''


def _mark_committed(succeeded, visit):
    visit.committed = succeeded
