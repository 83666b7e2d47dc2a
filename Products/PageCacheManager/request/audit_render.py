"""One audited hit: a request that renders a page although it is stored.

It looks up as a dry run does.  So it renders only a page that a visitor would
get from the store at this snapshot of the database.
"""
from ..core.attempt import FAILED
from ..core.attempt import attempt
from ..core.audit.compare import Content
from ..core.http.cache_status import Outcome
from ..core.reasons import Reason
from ..key.versions import identity_of
from ..key.versions import path_of
from ..reads import freshness
from .bypass import FromRendering
from .exchange import Exchange
from .hit import Answer
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
        """Return whether there was an error, or the page shows a failure."""
        exchange = self.exchange
        return self.status >= 500 or exchange is not None and bool(
            exchange.caught or exchange.step.outcome.detail == Reason.ERROR)

    @property
    def content(self):
        """Return the rendered content, None if there was no page."""
        return None if self.exchange is None else self.exchange.content


class AuditExchange(Exchange):
    """A request that renders a page although it is stored."""

    #: The page that was sent.
    page = None
    #: The same page with its body, None if a visitor would not get it now.
    stored = None
    #: The rendered content, None if rendering made no page.
    content = None
    #: A failure that the page shows, or ''.
    caught = ''
    #: Objects that only this render read, and that changed since the page was
    #: stored; and questions that only this render asked.
    changed = asked = ()

    def look_up(self):
        super().look_up()
        step = self.step
        if (not isinstance(step, Answer)
                or step.page.created != self.page.created
                or attempt(self, 'audit', self._begin, step) is FAILED):
            self.stored, self.step = None, Overtaken(Outcome('BYPASS'))
        # code that calls a template needs its text
        return None if self.origin.is_called else self.step.result

    def _begin(self, step):
        self.stored = step.page.whole()
        outcome = Outcome('MISS')
        self.step = Again(outcome, rendering=Rendering(
            self, outcome, step.varies,
            hides=bool(self.request.environ.get('QUERY_STRING')),
            watched_dry=True))

    def commit(self):
        """Do nothing: the request has no visitor."""

    def abandon(self, is_retry):
        self.end()
        self.content = None

    def note(self, content, rendering):
        """Record the rendered content; it is compared after the request."""
        self.caught = rendering.caught
        self.content = content
        if content.body != self.stored.body:
            attempt(self, 'reads', self._note_changes, rendering)

    def _note_changes(self, rendering):
        """Record the sources of this render that the stored page lacks.

        The stored page got their content in another way.
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
    """A visitor would not get the sent page now, so nothing is rendered."""

    takes_part = False
    result = ''


class Again(FromRendering):
    """The page is rendered for the comparison."""

    keeps_cmf_quiet = True

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
