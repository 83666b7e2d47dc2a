"""One audited hit: a request whose page is rendered although it is stored.

It looks up as a dry run does, so it renders only what a visitor would get
from the store at this snapshot of the database.
"""
from ..core.attempt import FAILED
from ..core.attempt import attempt
from ..core.audit.compare import Content
from ..core.http.cache_status import Outcome
from ..core.reasons import Reason
from ..key.versions import identity_of
from ..key.versions import path_of
from ..reads import freshness
from .exchange import Exchange
from .hit import Answer
from .rendered import Rendered
from .rendering import Rendering
from .step import Step


class Render:
    """One render of a hit; the publisher gives it the request."""

    may_commit = False
    #: The exchange of the request, None if it led to no page of ours.
    exchange = None
    #: The status of the response.
    status = 0

    def __init__(self, page):
        self._page = page

    def new_exchange(self, request, origin, manager, site, claim):
        """Return the exchange of the request, or of its repetition."""
        self.exchange = AuditExchange(
            request, origin, manager, site, claim, is_dry=True)
        self.exchange.page = self._page
        return self.exchange

    @property
    def has_failed(self):
        """Return whether there was an error, or the page shows one."""
        exchange = self.exchange
        return self.status >= 500 or exchange is not None and bool(
            exchange.caught or exchange.step.outcome.detail == Reason.ERROR)

    @property
    def content(self):
        """Return the rendered content, None if there was no page."""
        return None if self.exchange is None else self.exchange.content


class AuditExchange(Exchange):
    """A request whose page is rendered although it is stored."""

    #: The page that was sent.
    page = None
    #: The same with its body, None if it is not the page any more.
    stored = None
    #: What rendering gave, None if it gave no page.
    content = None
    #: A failure that the page shows, or ''.
    caught = ''
    #: Objects that changed since the page was stored and are read only now,
    #: and questions that are asked only now.
    changed = asked = ()

    def look_up(self):
        super().look_up()
        step = self.step
        if (not isinstance(step, Answer)
                or step.page.created != self.page.created
                or attempt(self, 'audit', self._begin, step) is FAILED):
            self.stored, self.step = None, Overtaken(Outcome('BYPASS'))
        # code that calls a template counts on its text
        return None if self.origin.is_called else self.step.result

    def _begin(self, step):
        self.stored = step.page.whole()
        outcome = Outcome('MISS')
        self.step = Again(outcome, rendering=Rendering(
            self, outcome, step.varies,
            hides=bool(self.request.environ.get('QUERY_STRING')),
            watched_dry=True))

    def commit(self):
        """Do nothing: no visitor asked."""

    def abandon(self, is_retry):
        self.end()
        self.content = None

    def note(self, content, rendering):
        """Note what was rendered; it is compared once the request ended."""
        self.caught = rendering.caught
        self.content = content
        if content.body != self.stored.body:
            attempt(self, 'reads', self._note_changes, rendering)

    def _note_changes(self, rendering):
        """Note what the stored page was not made from: it had that from
        somewhere else.
        """
        page = self.stored
        if page.made_from is None:
            return
        changed, asked = freshness.read_anew(
            page.made_from, rendering.made_from(), self.manager._p_jar,
            page.created)
        self.changed = [
            f'{type(ob).__name__} {path_of(ob) or identity_of(ob)}'
            for ob in changed]
        self.asked = [question.label for question in asked]


class Overtaken(Step):
    """The page that was sent is not the page now, and is not rendered."""

    takes_part = False
    result = ''


class Again(Rendered):
    """The page is rendered to be compared."""

    is_quiet = True

    def deliver(self, exchange):
        super().deliver(exchange)
        return self

    def _refused(self, exchange, reason):
        return self

    def _send(self, exchange, body):
        rendering, response = self.rendering, exchange.response
        own = dict(self._own_headers(exchange))
        if 'content-type' in response.headers:
            own.setdefault('content-type', response.headers['content-type'])
        if exchange.origin.is_called:
            body = rendering.text.encode('utf-8', 'surrogatepass')
        exchange.note(Content(own, body), rendering)
        return self
