"""A page that the cache has: it, or a 304, goes into the response."""
from ..core.attempt import FAILED
from ..core.attempt import attempt
from ..core.http import content_coding
from ..core.http.cache_status import Outcome
from ..core.http.conditional import coded_tag
from ..core.http.headers import without_later
from ..core.reasons import Reason
from ..fastlane import permit
from ..publisher import response as http_response
from ..publisher import response_headers
from ..publisher import sending
from .from_store import FromStore
from .rendered import Bypass


class Answer(FromStore):
    """The cache knows the answer, and nothing is rendered."""

    is_answered = True
    # code that was given a template's page may call others
    is_quiet = True
    # the body is sent as it is, once it is known that nothing else was
    # published
    result = ''
    #: What the request has read, for the fast lane.
    reads = None

    def deliver(self, exchange):
        response = exchange.response
        reason = http_response.why_not_whole(response)
        # one that is called has given a result, and there has to be a body
        if not reason and (response.body or self.result) and (
                not self._may_replace_body(exchange)):
            reason = Reason.FRAGMENT
        if reason:
            self._set_own_headers(exchange)
            return Bypass(Outcome('BYPASS', reason))
        if permit.TICKET in exchange.request.environ:
            reads = attempt(exchange, 'fast lane', permit.reads, exchange)
            self.reads = None if reads is FAILED else reads
        return self._send(exchange)

    def _set_own_headers(self, exchange):
        """Set what a view, had it rendered, would have set itself."""
        if not exchange.origin.is_captured_last:
            return
        present = response_headers.lower_headers(exchange.response)
        sending.put_headers(exchange.response, {
            name: value for name, value in self.page.headers
            if name not in ('etag', 'last-modified', *present)})

    def _may_replace_body(self, exchange):
        """Return whether the body that is there is no other page."""
        return exchange.origin.is_captured_last

    def _send(self, exchange):
        raise NotImplementedError

    def _send_not_modified(self, exchange):
        values, held = self.headers, self.held
        if held.tag:
            values = {**values, 'etag': held.tag}
        elif 'etag' in values:
            # a date or * decided: the tag is that of what a 200 would send
            # (RFC 9110 section 15.4.5), which may have to be made for that
            name, _ = self.choose_coding(exchange, may_make=(
                not exchange.origin.is_called
                and not exchange.others_follow))
            if name:
                values = {**values, 'etag': coded_tag(values['etag'], name)}
        sending.send_not_modified(exchange.response, values)
        return self

    def deliver_to_head(self, exchange):
        """Put the headers of the answer into a response without a body."""
        self._send(exchange)

    def commit(self, exchange):
        if self.has_body and exchange.others_follow:
            attempt(exchange, 'finish', self._send_coded, exchange)
        # which the fast lane leaves, if it is in front of Zope
        if permit.TICKET in exchange.request.environ:
            attempt(exchange, 'finish', permit.permit, exchange, self)

    def _send_coded(self, exchange):
        """Send the page in a coding, if other code saw it and let it be."""
        response = exchange.response
        if (not response.body or response.body is not self.page.body
                or not http_response.is_as_it_is(response)
                # another tag is of other code, which means these bytes
                or response_headers.lower_headers(response).get(
                    'etag') not in (None, self.page.tag)):
            return
        name, body = self.choose_coding(exchange)
        if name:
            is_settled = exchange.changes.is_settled(response)
            sending.send_coded(response, body, name)
            if is_settled:
                exchange.changes.settle(response)


class NotModified(Answer):
    """The client holds the page: it gets a 304."""

    outcome = Outcome('HIT', 'not-modified')

    _send = Answer._send_not_modified

    def rescue(self, exchange):
        sending.send_304(exchange.response, {})


class Hit(Answer):
    """A stored page is the answer."""

    outcome = Outcome('HIT')
    has_body = True

    def show(self, exchange):
        """Let other code see the page as it would see one just made.

        It may count on a body.  What it makes of this one is not sent.
        """
        response = exchange.response
        if not http_response.why_not_whole(response):
            if 'content-type' in self.headers:
                # the body is decoded by the charset that this notes
                response.setHeader(
                    'content-type', self.headers['content-type'])
            response.body = self.plain()

    def _send(self, exchange):
        name, body = '', b''
        if not exchange.others_follow:
            name, body = self.choose_coding(exchange)
        sending.send_page(
            exchange.response, body or self.page.body or self.plain(),
            self.headers if self._headers_before is None
            else self._values(exchange), name)
        return self

    def _values(self, exchange):
        """Return the headers, but for those that other code set since."""
        return without_later(
            self.headers, response_headers.lower_headers(exchange.response),
            self._headers_before, {})

    def deliver_to_head(self, exchange):
        # what other code would make of the body can't be known: if GET was
        # ever sent in a coding, it is there
        name, body = self.choose_coding(
            exchange, may_make=not exchange.others_follow)
        response = exchange.response
        sending.send_page(response, body or self.plain(), self.headers, name)
        response.body = b''

    def rescue(self, exchange):
        response = exchange.response
        if not http_response.why_not_whole(response):
            # nothing was rendered: an empty body must not pass for a page
            sending.send_bare_page(
                response, self.plain(),
                dict(self.page.headers).get('content-type'))


class HitOfCalled(Hit):
    """A stored page is the text that other code is given."""

    def __init__(self, exchange, *args):
        super().__init__(exchange, *args)
        self.result = self.plain().decode('utf-8', 'surrogatepass')

    def _may_replace_body(self, exchange):
        """Return whether other code passed the page on, and nothing else."""
        return exchange.origin.body(
            exchange.response, self.result) is not None

    def _send(self, exchange):
        """Send the page, which other code passed on."""
        response = exchange.response
        if self.held is not None and (
                not http_response.is_status_locked(response)):
            self._send_not_modified(exchange)
            self.outcome = self.outcome._replace(detail='not-modified')
            return self
        # it is called while other code makes the page
        values = self._values(exchange)
        if 'content-type' in values:
            response.setHeader('content-type', values['content-type'])
        body = http_response.made_body(response, self.result)
        if body == self.page.body:
            body = self.page.body
        name, data = self._called_coding(exchange, body)
        sending.send_page(response, data or body, values, name)
        return self

    def _called_coding(self, exchange, body):
        """Return name and bytes of the coding of `body`, empty for none."""
        response = exchange.response
        zipped = http_response.zipped_by_zope(response)
        if zipped:
            if body != http_response.plain_body(response):
                zipped = content_coding.gzip(body)  # the charset is known now
            return http_response.zopes_coding(
                exchange.request, zipped, body)
        if body is self.page.body and not exchange.others_follow:
            return self.choose_coding(exchange)
        return '', b''

    def rescue(self, exchange):
        """Leave the response to the code that made it."""
