"""Steps for a stored page: the page or a 304 goes into the response."""
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
from .bypass import Bypass
from .from_store import FromStore


class Answer(FromStore):
    """The cache knows the answer, and nothing is rendered."""

    is_answered = True
    # code that got a template's page may call other templates
    keeps_cmf_quiet = True
    # `deliver` puts the body into the response, if nothing else was published
    result = ''
    #: The objects that the request read, for the fast lane; None if not known.
    reads = None

    def deliver(self, exchange):
        response = exchange.response
        reason = http_response.why_not_whole(response)
        # a called template gave its text, so there must be a body
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
        """Set the headers that a view would set if it rendered."""
        if not exchange.origin.is_captured_last:
            return
        present = response_headers.lower_headers(exchange.response)
        sending.put_headers(exchange.response, {
            name: value for name, value in self.page.headers
            if name not in ('etag', 'last-modified', *present)})

    def _may_replace_body(self, exchange):
        """Return whether the page may replace the body in the response."""
        return exchange.origin.is_captured_last

    def _send(self, exchange):
        raise NotImplementedError

    def _send_not_modified(self, exchange):
        values, held = self.headers, self.held
        if held.tag:
            values = {**values, 'etag': held.tag}
        elif 'etag' in values:
            # a date or * decided: the tag is the tag of the 200 (RFC 9110
            # section 15.4.5), so the coding of the 200 must be known
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
        # the fast lane leaves a ticket, if it is in front of Zope
        if permit.TICKET in exchange.request.environ:
            attempt(exchange, 'finish', permit.permit, exchange, self)

    def _send_coded(self, exchange):
        """Send the page in a coding, if other code left it unchanged."""
        response = exchange.response
        if (not response.body or response.body is not self.page.body
                or not http_response.is_as_it_is(response)
                # another tag is from other code, for these bytes
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
    """The client's copy is the current page: the client gets a 304."""

    outcome = Outcome('HIT', 'not-modified')

    _send = Answer._send_not_modified

    def rescue(self, exchange):
        sending.send_304(exchange.response, {})


class Hit(Answer):
    """A stored page is the answer."""

    outcome = Outcome('HIT')
    has_body = True

    def show(self, exchange):
        """Let other code see the page, as if it was just rendered.

        Other code may need a body.  Its changes to this body are not sent.
        """
        response = exchange.response
        if not http_response.why_not_whole(response):
            if 'content-type' in self.headers:
                # other code decodes the body by the charset that this sets
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
        """Return the headers, without headers that other code set since."""
        return without_later(
            self.headers, response_headers.lower_headers(exchange.response),
            self._headers_before, {})

    def deliver_to_head(self, exchange):
        # other code might change the body, so no coding is made for it; if a
        # GET ever got a coding, it is stored
        name, body = self.choose_coding(
            exchange, may_make=not exchange.others_follow)
        response = exchange.response
        sending.send_page(response, body or self.plain(), self.headers, name)
        response.body = b''

    def rescue(self, exchange):
        response = exchange.response
        if not http_response.why_not_whole(response):
            # nothing was rendered, and an empty body must not be sent
            sending.send_bare_page(
                response, self.plain(),
                dict(self.page.headers).get('content-type'))


class HitOfCalled(Hit):
    """A stored page is the answer, and other code gets its text."""

    def __init__(self, exchange, *args):
        super().__init__(exchange, *args)
        self.result = self.plain().decode('utf-8', 'surrogatepass')

    def _may_replace_body(self, exchange):
        """Return whether other code published the page and nothing else."""
        return exchange.origin.body(
            exchange.response, self.result) is not None

    def _send(self, exchange):
        """Send the page that other code published."""
        response = exchange.response
        if self.held is not None and (
                not http_response.is_status_locked(response)):
            self._send_not_modified(exchange)
            self.outcome = self.outcome._replace(detail='not-modified')
            return self
        # other code may have set headers after the template's call
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
        """Return name and bytes of the coding of `body`, or two empty values.
        """
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
