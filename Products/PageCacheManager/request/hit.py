"""A page that the cache has, given out once the response is whole."""
from ..core.http.cache_status import Outcome
from ..core.http.content_coding import gzip
from ..core.http.headers import without_later
from ..publisher import request
from ..publisher import response as http_response
from ..publisher import sending
from . import coding


def give_out(call, response):
    """Send the stored page or a 304, if nothing else was published."""
    if not _hit_is_whole(call, response):
        call.outcome = Outcome('BYPASS', why_not_whole(response))
        if call.kind == 'view':
            _set_own_headers(call, response)
    elif call.client_holds_page and (
            call.is_published or not response._locked_status):
        send_not_modified(call, response, call.hit_headers)
    elif call.is_published:
        _send_page(call, response)
    else:
        _send_called_page(call, response)


def _hit_is_whole(call, response):
    if response.status != 200 or http_response.is_streamed(response):
        return False
    if not call.is_published:
        made = http_response.made_body(response, call.text)
        return made is not None and made == http_response.plain_body(response)
    return call.kind == 'view' or not response.body


def why_not_whole(response):
    """Return the reason for which a response is not the page it seemed."""
    if response.status != 200:
        return 'status'
    return 'streamed' if http_response.is_streamed(response) else 'fragment'


def _set_own_headers(call, response):
    """Let the response have what the view, had it rendered, would have set.
    """
    if call.page is not None:
        present = request.lower_headers(response)
        sending.put_headers(response, {
            name: value for name, value in call.page.headers
            if name not in ('etag', 'last-modified', *present)})


def send_not_modified(call, response, values):
    """Send a 304 to which the 200 would have the headers `values`."""
    call.outcome = call.outcome._replace(detail='not-modified')
    sending.send_not_modified(response, coding.headers_of_304(call, values))


def show(call, response):
    """Put the stored body into the response, for other code to see."""
    if _hit_is_whole(call, response):
        _set_content_type(call, response)
        response.body = coding.plain(call)


def _set_content_type(call, response):
    kind = call.hit_headers.get('content-type')
    if kind is not None and kind != response.headers.get('content-type'):
        # later code decodes the body by the charset that this notes
        response.setHeader('content-type', kind)


def _send_page(call, response):
    _set_content_type(call, response)
    name, body = '', b''
    if not call.others_follow():
        name, body = coding.chosen(call)
    values = call.hit_headers
    if call.kind == 'view':
        values = without_later(
            values, request.lower_headers(response), call.headers_before, {})
    sending.send_page(response, body or coding.plain(call), values, name)


def give_out_bare(call, response):
    """Send what the cache has in place of the body, and no more."""
    if call.client_holds_page:
        sending.send_bare_304(response)
    elif response.status == 200 and not http_response.is_streamed(response):
        sending.send_bare_page(
            response, coding.plain(call),
            dict(call.page.headers).get('content-type'))


def _send_called_page(call, response):
    """Send a page that other code got from the cache and passed on."""
    values = without_later(
        call.hit_headers, request.lower_headers(response),
        call.headers_before, {})
    if 'content-type' in values:
        response.setHeader('content-type', values['content-type'])
    body = http_response.made_body(response, call.text)
    if body == call.page.body:
        body = call.page.body
    name, data = _called_coding(call, response, body)
    sending.send_page(response, data or body, values, name)


def _called_coding(call, response, body):
    """Return name and bytes of the coding of `body`, empty for none."""
    zipped = http_response.zipped_by_zope(response)
    if zipped:
        if body != http_response.plain_body(response):
            zipped = gzip(body)  # the charset is known only now
        return zopes_coding(call, zipped, body)
    if body is call.page.body and not call.others_follow():
        return coding.chosen(call)
    return '', b''


def zopes_coding(call, zipped, body):
    """Return name and bytes of what Zope coded, empty where it is not sent.
    """
    if zipped and len(zipped) < len(body) and 'gzip' in request.codings(
            call.request):
        return 'gzip', zipped
    return '', b''
