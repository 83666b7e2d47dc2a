"""The end of a request: what the cache knows is sent, kept, or dropped.

Headers and status are touched only now, since only now is it known whether
what was called made the page.
"""
import logging
import time

from ..core.http.cache_status import Outcome
from ..core.http.cache_status import cache_status
from ..core.report.reasons import is_of_one_visitor
from ..fastlane import permit
from ..publisher import request as http_request
from ..publisher import response as http_response
from ..publisher import sending
from . import coding
from .hit import give_out
from .hit import give_out_bare
from .hit import show
from .miss import refuse
from .miss import take_in


logger = logging.getLogger(__name__)


def before_commit(visit):
    """Send headers and status, and capture the page, if it is whole."""
    call = visit.reported_call
    if call is None or call.outcome is None:
        return
    if call.kind != 'view':
        _finish(visit, call)
        if call.outcome.word in ('HIT', 'MISS'):
            call.speak_alone()
    elif visit.head is None:
        # transforms may abort what rendering wrote, and commit all the same
        call.look_for_changes()
        _show(visit, call)


def _show(visit, call):
    """Let other code see a stored page as it would see one just made.

    It may count on a body.  What it makes of this one is not sent.
    """
    if call.page is None or not call.is_answered or (
            call.client_holds_page or not call.others_follow()):
        return
    response = visit.request.response
    visit.undo = sending.Undo(response)
    try:
        show(call, response)
    except Exception:
        logger.exception('Other code does not see the page')
    visit.undo.settle(response)


def before_commit_at_last(visit):
    """Do the same for a view, after all other code.

    A stored page has what that code made of it, and must not get it twice.
    """
    call = visit.reported_call
    if call is None or call.outcome is None or call.kind != 'view':
        return
    if visit.head is None:
        call.look_for_changes()
        call.look_for_user()
    _finish(visit, call)


def _finish(visit, call):
    call.put_back()  # of a template that failed and was left out
    if not call.takes_part:
        return
    response = visit.request.response
    if visit.head is not None:
        visit.head.reset(response)
    elif visit.undo is not None:
        visit.undo.take_back(response)  # what was shown to other code
    visit.undo = sending.Undo(response)
    try:
        if visit.head is not None and response.status == 200:
            visit.head.send(response)
        elif visit.head is not None:
            call.outcome = Outcome('BYPASS', 'status')
        elif call.is_answered:
            give_out(call, response)
        elif call.kind == 'view' and call.headers_before is not None:
            take_in(visit, call, response)
        elif call.text is not None:
            take_in(visit, call, response)
        elif call.outcome.word == 'MISS':
            refuse(call, 'fragment')  # it failed, and was left out
        elif is_of_one_visitor(call.outcome.detail) and call.is_published:
            sending.forbid_storing(response)
        if call.outcome.detail == 'render-error':
            sending.forbid_storing(response)
    except Exception:
        logger.exception('Response is sent without the cache')
        visit.undo.restore(response)
        if call.is_answered and call.is_published:
            # the template gave no body: this must not pass for a page
            give_out_bare(call, response)
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
    page = call.page or call.visit.captured
    age, limit = 0, call.settings.max_age
    if page is not None:
        age = page.age(time.time())
        limit = min(limit or page.max_age_secs, page.max_age_secs or limit)
    return max(0, limit - age) if limit else None


def succeeded(visit):
    """Keep the captured page, and give it to all who wait for it."""
    _note(visit)
    call = visit.reported_call
    if call is None or call.outcome is None:
        return
    call.cache.tally.add(call.outcome.word, call.outcome.detail)
    if not call.takes_part:
        say(call, visit.request.response)
    if visit.head is None:
        _settle(visit, call)
    _keep_private(visit, call)
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


def _note(visit):
    """Remember that a view which nobody keeps gave a page, if it did."""
    request = visit.request
    if http_request.method(request) == 'GET' and http_response.is_page(
            request.response):
        for note in visit.noters:
            note()


def _settle(visit, call):
    """Give the response what it may have once all other code saw it."""
    response = visit.request.response
    sending.take_later_tag(response)
    try:
        _send_coded(visit, call)
    except Exception:
        logger.exception('Page is sent without a content coding')
    try:
        permit.permit(call, response)
    except Exception:
        logger.exception('Page is not given by the fast lane')


def _keep_private(visit, call):
    """Keep a cookie of other code to the visitor whom it is for.

    A login that is renewed comes with many a hit.  The page stays of use to
    the visitor's browser.
    """
    response = visit.request.response
    if (call.answer is not None and call.outcome.word != 'BYPASS'
            and http_request.sets_cookie(response)):
        sending.keep_private(response)


def _send_coded(visit, call):
    """Send the page in a coding, if other code saw it and let it be."""
    response = visit.request.response
    if (call.outcome.word != 'HIT' or call.page is None
            or not response.body or response.body is not call.page.body
            or not call.others_follow()
            or not http_response.is_as_it_is(response)
            # another tag is of other code, which means these bytes
            or http_request.lower_headers(response).get('etag') not in (
                None, call.tag())):
        return
    name, body = coding.chosen(call)
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
        call.let_go()
