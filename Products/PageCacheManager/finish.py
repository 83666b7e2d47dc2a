"""The end of a request: the response is judged, sent, captured, kept.

Only here does the cache touch headers and status, since only here is it
known whether the template's output is the page.
"""
import logging
import time

import transaction

from . import coded
from . import exchange
from . import lane
from . import sending
from .core.coding import gzip
from .core.headers import without_later
from .core.outcome import Outcome
from .core.outcome import cache_status
from .core.page import Page
from .core.page import directives
from .core.page import why_not
from .question import has_changed
from .versions import holds_changes


logger = logging.getLogger(__name__)


def before_commit(visit):
    """Send headers and status, and capture the page, if it is whole."""
    call = visit.reported_call
    if call is None or call.outcome is None:
        return
    if _is_view(visit):
        _look_for_changes(call)
    else:
        _finish(visit, call)


def before_commit_at_last(visit):
    """Do the same for a view, after all other code.

    A stored page has what that code made of it, and must not get it twice.
    """
    if _is_view(visit):
        _look_for_changes(visit.call)
        _finish(visit, visit.call)


def _is_view(visit):
    call = visit.call
    return (
        call is not None and call.outcome is not None and call.kind == 'view')


def _look_for_changes(call):
    """Note whether rendering wrote to the database.

    Transforms may abort what it wrote, and commit all the same.
    """
    if holds_changes(call.manager._p_jar):
        call.has_changes = True


def _finish(visit, call):
    call.put_back()  # of a template that failed and was left out
    response = visit.request.response
    if visit.head is not None:
        visit.head.reset(response)
    visit.undo = sending.Undo(response)
    try:
        if visit.head is not None:
            visit.head.send(response)
        elif call.is_answered:
            _finish_hit(call, response)
        elif call.kind == 'view' and call.headers_before is not None:
            _finish_render(visit, call, response)
        elif call.text is not None:
            _finish_render(visit, call, response)
        elif call.outcome.word == 'MISS':
            _not_stored(call, 'fragment')  # it failed, and was left out
        elif call.outcome.detail == 'request-cookie' and call.is_published:
            sending.forbid_storing(response)
    except Exception:
        logger.exception('Response is sent without the cache')
        visit.undo.restore(response)
        if call.is_answered and call.is_published:
            # the template gave no body: this must not pass for a page
            _send_bare_hit(call, response)
        visit.captured = None
        call.outcome = Outcome('BYPASS', 'error')
        call.cache.tally.add('ERROR', 'finish')
    say(call, response)
    visit.undo.settle(response)


def say(call, response):
    """Send X-PageCache and Cache-Status, where the settings want them."""
    if call.settings.show_outcome:
        # a name in mixed case is sent as it is
        response.headers['X-PageCache'] = call.outcome.word
    if call.settings.show_cache_status:
        outcome = call.outcome
        if outcome.stored or outcome.word == 'HIT':
            outcome = outcome._replace(ttl=_ttl(call))
        if outcome.collapsed:  # RFC 9211 2.6: a kind of forwarding
            outcome = outcome._replace(word='MISS')
        sending.append_header(
            response, 'cache-status', cache_status(outcome))


def _ttl(call):
    limit = call.settings.max_age
    if not limit:
        return None
    age = call.page.age(time.time()) if call.page is not None else 0
    return max(0, limit - age)


def _finish_hit(call, response):
    if not _hit_is_whole(call, response):
        call.outcome = Outcome('BYPASS', _why_not_whole(response))
    elif call.client_holds_page and (
            call.is_published or not response._locked_status):
        _send_not_modified(call, response, call.hit_headers)
    elif call.is_published:
        _send_page(call, response)
    else:
        _send_called_page(call, response)


def _hit_is_whole(call, response):
    if response.status != 200 or exchange.is_streamed(response):
        return False
    if not call.is_published:
        made = exchange.made_body(response, call.text)
        return made is not None and made == exchange.plain_body(response)
    return call.kind == 'view' or not response.body


def _send_not_modified(call, response, values):
    call.outcome = call.outcome._replace(detail='not-modified')
    sending.send_not_modified(response, coded.headers_of_304(call, values))


def _send_page(call, response):
    kind = call.hit_headers.get('content-type')
    if kind is not None and kind != response.headers.get('content-type'):
        # later code decodes the body by the charset that this notes
        response.setHeader('content-type', kind)
    name, body = '', b''
    if not exchange.others_follow():
        name, body = coded.chosen(call)
    values = call.hit_headers
    if call.kind == 'view':
        values = without_later(
            values, exchange.lower_headers(response), call.headers_before, {})
    sending.send_page(response, body or coded.plain(call), values, name)


def _send_bare_hit(call, response):
    """Send what the cache has in place of the body, and no more."""
    if call.client_holds_page:
        sending.send_bare_304(response)
    elif response.status == 200 and not exchange.is_streamed(response):
        sending.send_bare_page(
            response, coded.plain(call),
            dict(call.page.headers).get('content-type'))


def _send_called_page(call, response):
    """Send a page that other code got from the cache and passed on."""
    values = without_later(
        call.hit_headers, exchange.lower_headers(response),
        call.headers_before, {})
    if 'content-type' in values:
        response.setHeader('content-type', values['content-type'])
    body = exchange.made_body(response, call.text)
    if body == call.page.body:
        body = call.page.body
    name, data = _called_coding(call, response, body)
    sending.send_page(response, data or body, values, name)


def _called_coding(call, response, body):
    """Return name and bytes of the coding of `body`, empty for none."""
    zipped = exchange.zipped_by_zope(response)
    if zipped:
        if body != exchange.plain_body(response):
            zipped = gzip(body)  # the charset is known only now
        return _zopes_coding(call, zipped, body)
    if body is call.page.body and not exchange.others_follow():
        return coded.chosen(call)
    return '', b''


def _zopes_coding(call, zipped, body):
    if zipped and len(zipped) < len(body) and 'gzip' in exchange.codings(
            call.request):
        return 'gzip', zipped
    return '', b''


def _finish_render(visit, call, response):
    body = _whole_body(call, response)
    if body is None:
        _not_stored(call, _why_not_whole(response))
        return
    if call.answer is None:
        return
    varies = call.varies_of(response)
    zipped = exchange.zipped_by_zope(response)
    values = _values_of_render(call, response, varies)
    name, data = _zopes_coding(call, zipped, body)
    sending.send_page(response, data or body, values, name)
    if call.outcome.word == 'MISS':
        own = dict(call.own_headers)
        if 'content-type' in response.headers:
            own.setdefault('content-type', response.headers['content-type'])
        own |= {
            name: values[name] for name in ('etag', 'last-modified')
            if name in values}
        _capture(visit, call, response, body, zipped, own, varies)
    if transaction.isDoomed() or _is_for_once(call.outcome):
        # what a doomed transaction changed was never there: a tag would
        # have the client keep it
        sending.put_headers(
            response, {'etag': None, 'last-modified': None})
    elif (call.client_holds_page and not response._locked_status
            and (call.held_tag or not varies)):
        _send_not_modified(call, response, values)


def _values_of_render(call, response, varies):
    """Return the headers to send with what was rendered."""
    if call.kind == 'view':
        call.own_headers = exchange.kept_headers(
            response, call.settings.dropped_headers)
        return call.headers_of(call.own_headers, time.time(), varies)
    return without_later(
        call.headers_of(call.own_headers, time.time(), varies),
        exchange.lower_headers(response), call.headers_before,
        call.own_headers)


def _is_for_once(outcome):
    return outcome.word == 'BYPASS' and outcome.detail in (
        'session', 'set-cookie', 'nonce', 'no-store', 'added-header')


def _whole_body(call, response):
    """Return the body without coding if it is all from the call."""
    if response.status != 200 or exchange.is_streamed(response):
        return None
    body = exchange.plain_body(response)
    if call.kind == 'view':
        return body
    if body is None or body != exchange.made_body(response, call.text):
        return None
    return body


def _why_not_whole(response):
    if response.status != 200:
        return 'status'
    return 'streamed' if exchange.is_streamed(response) else 'fragment'


def _not_stored(call, reason):
    call.outcome = Outcome('BYPASS', reason)
    if call.flight is not None:
        call.flight.refuse()


def _capture(visit, call, response, body, zipped, own, varies):
    """Note the page to be stored once the transaction is through."""
    reason = _why_not_stored(call, response, body)
    if reason:
        _not_stored(call, reason)
        return
    page = Page(
        # other code gets it back as it was before setBody()
        body=body if call.is_published else call.text.encode(
            'utf-8', 'surrogatepass'),
        codings=(),
        headers=tuple(own.items()),
        modified=call.changed_at,
        created=time.time(),
        varies=varies)
    if zipped and call.is_published:
        page = page.with_coding('gzip', zipped)
    visit.captured = page
    call.outcome = call.outcome._replace(stored=True)
    transaction.get().addAfterCommitHook(_mark_committed, (visit,))


def _why_not_stored(call, response, body):
    reason = why_not(
        response.status, exchange.lower_headers(response), body,
        exchange.sets_cookie(response))
    if reason:
        return reason
    if (len(response.accumulated_headers) > call.added_before
            or exchange.appended_headers(
                call.own_headers, call.headers_before)):
        return 'added-header'
    if not call.is_published and response.base != call.base_before:
        return 'base'  # other code gets the text, which does not show it
    if any('no-store' in directives(said.get('cache-control', ''))
           for said in (call.own_headers, call.answer.headers)):
        return 'no-store'
    if exchange.touched_session(call.request):
        return 'session'
    if len(body) > call.settings.max_page_bytes:
        return 'too-large'
    if transaction.isDoomed():
        return 'doomed'
    if call.kind == 'view' and call.has_changes:
        return 'changes'
    if has_changed(call):
        return 'changed'
    return ''


def _mark_committed(succeeded, visit):
    visit.committed = succeeded


def succeeded(visit):
    """Keep the captured page, and give it to all who wait for it."""
    call = visit.reported_call
    if call is None or call.outcome is None:
        return
    call.cache.tally.add(call.outcome.word, call.outcome.detail)
    if visit.head is None:
        _settle(visit, call)
    page, visit.captured = visit.captured, None
    if page is None or not visit.committed:
        return
    try:
        call.keep(page)
    except Exception:
        logger.exception('Page could not be stored')
        call.cache.tally.add('ERROR', 'store')
    if call.flight is not None:
        # who waits may have sent other headers than this request
        is_theirs = call.flight.key == call.key_for(page.varies)
        call.flight.land(page if is_theirs else page.signpost())


def _settle(visit, call):
    """Give the response what it may have once all other code saw it."""
    response = visit.request.response
    sending.take_later_tag(response)
    try:
        _send_coded(visit, call)
    except Exception:
        logger.exception('Page is sent without a content coding')
    try:
        lane.permit(call, response)
    except Exception:
        logger.exception('Page is not given by the fast lane')


def _send_coded(visit, call):
    """Send the page in a coding, if other code saw it and let it be."""
    response = visit.request.response
    if (call.outcome.word != 'HIT' or call.page is None
            or not response.body or response.body is not call.page.body
            or not exchange.others_follow()
            or not exchange.is_as_it_is(response)
            # another tag is of other code, which means these bytes
            or exchange.lower_headers(response).get('etag') not in (
                None, call.tag())):
        return
    name, body = coded.chosen(call)
    if name:
        is_settled = visit.undo.is_settled(response)
        sending.send_coded(response, body, name)
        if is_settled:
            visit.undo.settle(response)


def failed(visit, is_retry):
    """Take back what the cache did to a response that is an error now."""
    if visit.undo is not None:
        visit.undo.take_back(visit.request.response)
        visit.undo = None
    call = visit.reported_call
    if call is not None:
        call.cache.tally.add('FAILED', 'retry' if is_retry else 'error')
        visit.captured = None
        end(visit)


def end(visit):
    """Let no one wait for a page that will not come."""
    if visit.head is not None:
        visit.head.end()
    call = visit.call
    if call is not None:
        call.put_back()
    if call is not None and call.flight is not None:
        flight, call.flight = call.flight, None
        flight.abandon()
