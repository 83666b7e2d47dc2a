"""In which content coding a stored page is sent, and the making of one.

A coding is made when somebody who takes it is given the page again, so that
no render is the slower for it, and is kept from then on.
"""
import logging

from ..core.http import codecs
from ..core.http import content_coding
from ..core.http.conditional import coded_tag
from ..core.http.headers import may_be_coded
from ..publisher import request
from ..publisher import response


logger = logging.getLogger(__name__)


def chosen(call, may_make=True):
    """Return name and bytes of the coding to send the stored page in.

    Both are empty where the client is to get the body as it is: who did not
    ask for a coding never gets it (RFC 9110 section 12.5.3).  A coding that
    the page lacks is made and kept if `may_make`.
    """
    if response.speaks_of_bytes(call.request.response, call.page):
        return '', b''
    for name in request.codings(call.request):
        if name == content_coding.IDENTITY:
            break
        data = call.page.coded(name)
        if data is None and may_make and _is_to_be_made(call, name):
            data = _make(call, name)
        if data:
            return name, data
    return '', b''


def plain(call):
    """Return the stored body without a coding."""
    call.page = call.page.whole()
    return call.page.body


def make_sure(call):
    """Raise now what sending the page would raise because of its body.

    Once the template was kept from rendering there is nothing else to send.
    """
    if not call.page.body and (
            call.others_follow() or not chosen(call, may_make=False)[0]):
        plain(call)


def headers_of_304(call, values):
    """Return the headers of a 304 to which the 200 has `values`.

    It bears the tag that the client holds.  Where a date or ``*`` decided it
    is that of what a 200 would send (RFC 9110 section 15.4.5), which may
    have to be made for that, as for HEAD.
    """
    values = call.headers_of_304(values)
    if call.held_tag or call.page is None or 'etag' not in values:
        return values
    name, _ = chosen(
        call, may_make=call.is_published and not call.others_follow())
    return {**values, 'etag': coded_tag(values['etag'], name)} if (
        name) else values


def _is_to_be_made(call, name):
    if name not in codecs.MADE or call.outcome.collapsed:
        # who waited for a render is not to wait for this as well
        return False
    content_type = dict(call.page.headers).get('content-type', '')
    if name == 'gzip' and response.is_zope_to_compress(call.request):
        return may_be_coded(content_type)
    return (
        call.settings.compression == 'hits'
        and content_coding.is_worthwhile(content_type)
        and (call.page.is_coded
             or len(call.page.body) >= content_coding.MIN_BODY_BYTES))


def _make(call, name):
    """Put the page into a coding; return that, empty if it is no shorter."""
    try:
        body = plain(call)
        data = codecs.CODECS[name].encode(body)
    except Exception:
        logger.exception('Page could not be put into %s', name)
        call.cache.tally.add('ERROR', 'finish')
        return b''
    call.page = call.page.with_coding(name, data)
    data = call.page.coded(name)
    try:
        call.store.add_coding(
            call.key_for(call.varies), call.page.created, name, data)
    except Exception:
        logger.exception('Page could not be stored in %s', name)
        call.cache.tally.add('ERROR', 'store')
    return data
