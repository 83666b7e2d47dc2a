"""One call of a template or view: what is known, stored and held of it."""
from functools import cached_property

from ..core.http import conditional
from ..core.http import headers
from ..core.key import digest
from ..core.key import secondary
from ..core.page import names
from ..core.page import why_of_one_visitor
from ..core.report.reasons import is_for_once
from ..core.report.reasons import is_of_one_visitor
from ..key import visitor
from ..manager.caches import Onlooker
from ..manager.caches import cache_of
from ..manager.caches import settings_of
from ..publisher import failures
from ..publisher import handlers
from ..publisher import request
from ..publisher.cookies import HEADER
from ..publisher.cookies import Watch
from ..publisher.cookies import conflict
from ..publisher.cookies import first_foreign
from ..publisher.cookies import reason
from ..publisher.cookies import sent_by
from ..publisher.hidden import Aside


class Call:
    """The call that may become the page of this request.

    What is called is a template or a view: see `template_call`, `view_call`.
    """

    #: The content that the page is of.
    context = None
    #: What is called, as the policies and the statistics name it.
    view_name = path = ''
    #: What stays the same under all paths that a template has.
    identity = ''
    #: What tells kinds of calls apart in the key.
    kind = ''
    #: Whether what is called is what was published.
    is_published = True
    #: Whether the base of URLs counts, which other code may set after the
    #: key was made.
    has_base = False
    #: What CMF gives to the expressions of its policies beside the context.
    policy_keywords = None
    #: What became of the request, for its headers and the statistics.
    outcome = None
    has_ended = False
    #: Whether rendering ended as the user who asked for the page.
    is_of_user = True
    #: The policy's word, None if no policy fits.
    answer = None
    #: What a policy that failed raised, in a line.
    failure = ''
    #: Whether somebody is logged in.
    has_user = False
    #: Whether the user may view the context: Zope itself checks access to
    #: the template, and leaves the context to what is rendered.
    may_view = False
    #: Template path, context path and URL.
    page_id = None
    #: Who shares the page, '' for all anonymous visitors.
    partition = None
    parts = None
    key = None
    #: Templates that the page is made with, and all versions.
    templates = ()
    versions = ()
    #: When any part of the page last changed, seconds since 1970, once the
    #: policy was asked for its date.
    changed_at = 0
    #: The same, None where the policy gives no date.
    modified = None
    store = None
    #: The stored page that answers, if one does.
    page = None
    #: The client's own copy is the page: 304 once the page is whole.
    client_holds_page = False
    is_sure = False
    #: The tag by which the client holds it, '' if by a date or ``*``.
    held_tag = ''
    #: Request headers of which the values are in the key.
    known_varies = ()
    #: Request headers beyond the key by which the stored pages vary.
    varies = ()
    #: The right to render for all who wait.
    flight = None
    #: Parameters that are not in the key, while the page is rendered.
    aside = None
    #: Notes which cookies the page is made from.
    cookies = None
    #: Notices failures that are caught while the page is rendered.
    failures = None
    #: Response headers before rendering, and those that it set.
    headers_before = None
    added_before = 0
    #: Whether rendering looked at which site asks.
    saw_origin = False
    #: Whether other code had set a cookie before rendering.
    has_cookie_before = False
    #: The base of URLs before rendering.
    base_before = ''
    own_headers = None
    #: The headers of the answer, where it comes from the cache.
    hit_headers = None
    #: What the template gave, or was given in its place.
    text = None

    #: What the strings are that a kind of call adds to the versions.
    more_version_names = ()

    def __init__(self, manager, visit, around, claim):
        self._around = around
        #: What other machinery says of the page, or None.
        self.claim = claim
        self.manager = manager
        self.request = visit.request
        self.visit = visit
        self.is_head = visit.is_head
        self.cache = cache_of(manager)
        if not visit.leaves_traces:
            self.cache = Onlooker(self.cache)
        self.settings = settings_of(manager, self.cache)

    @property
    def is_beside_another(self):
        """Whether other machinery sets headers of this page, too."""
        return self.claim is not None and not self.claim.is_ours

    def speak_alone(self):
        """Keep other machinery from setting headers of the page."""
        if self.is_beside_another:
            self._around.silence(self.request)

    @property
    def has_etag(self):
        return self.key is not None

    @property
    def takes_part(self):
        """Whether the cache may change the response before the commit.

        It leaves others alone (POST, caching off): no more is said of them
        than the outcome, once nothing can fail any more.
        """
        return (
            self.headers_before is not None
            or is_of_one_visitor(self.outcome.detail))

    @property
    def is_answered(self):
        """Whether the template was kept from rendering."""
        return self.hit_headers is not None

    def tag(self, varies=()):
        """Return the entity-tag to send (I6), '' if there is none.

        `varies` are the headers beyond the key by which the page varies.
        """
        if not self.has_etag:
            return ''
        if self.page is not None:
            return dict(self.page.headers).get('etag', '')
        suffix = ''
        if self.settings.validator == 'page':
            suffix = self.parts.digest()
        if varies:
            values = request.headers(self.request, varies)
            suffix = digest(repr((suffix, values)))
        return conditional.entity_tag(self.answer.etag, suffix)

    def tags(self):
        """Return the tags of the page that this client can be told of.

        RFC 9110 13.1.2: a tag counts for what would be selected now.  A
        cache asks with the tags of all that it has (RFC 9111 section 4.1),
        and would give the page in gzip to a client that did not ask for it.
        Of several the one that the client likes best comes first.
        """
        # where a page varies only what is stored says by what
        tag = self.tag(self.varies) if (
            self.page is not None or not self.varies) else ''
        return conditional.tag_variants(
            tag, request.codings(self.request)) if tag else ()

    def key_for(self, varies):
        """Return the key of the page for this request's header values."""
        if not varies:
            return self.key
        return secondary(self.key, request.headers(self.request, varies))

    def varies_of(self, response):
        """Return the headers in the response's Vary that the key lacks."""
        known = {'accept-encoding', *self.known_varies}
        return tuple(
            name for name in names(response.headers.get('vary', ''))
            if name not in known)

    def forget_conditions(self):
        """Do nothing: whoever looks at conditions means to."""

    def watch(self):
        """Watch what the page is made from, while it is rendered."""
        self.failures = failures.Watch()
        self.has_cookie_before = request.sets_cookie(self.request.response)
        if self.outcome.word == 'MISS':
            self.aside = Aside(
                self.request, self.settings.ignored_parameters)
        if not is_for_once(self.outcome):
            self.cookies = Watch(
                self.request, self.settings, self._known_cookies(),
                self._session_cookies())

    def look_for_user(self):
        """Note whether what was rendered is of the user who asked."""
        self.is_of_user = visitor.is_of_request(self.request, self.context)

    def note_headers(self):
        """Note what the response headers are made from, as rendering ends.
        """
        self.saw_origin = self.cookies is not None and self.cookies.saw_origin

    def put_back(self):
        """End what `watch` began; again does nothing."""
        if self.cookies is not None:
            self.cookies.end()
        if self.aside is not None:
            self.aside.put_back()
        if self.failures is not None:
            self.failures.end()

    @property
    def caught(self):
        """The failure that was caught while the page was rendered, or ''."""
        return '' if self.failures is None else self.failures.failure

    def let_go(self, why=''):
        """Let others render the page for which this request has the right.

        `why` is what makes this render one for this visitor alone.
        """
        flight, self.flight = self.flight, None
        if flight is not None:
            flight.abandon(why)

    def headers_of(self, own, now, varies=()):
        """Return the headers of a 200 with the headers `own` of rendering.
        """
        modified, tag = None, self.tag(varies)
        if self.modified is not None:
            modified = headers.last_modified(self.modified, now)
        whose = () if tag else self.told_by()
        values = headers.page_headers(
            own, self.answer.headers, tag, modified,
            vary_by=(*self.vary_by, *whose))
        if whose:
            # once logged out the same browser would ask by it
            values['last-modified'] = None
        return values

    def headers_of_page(self, now):
        """Return the headers of the stored page, which has tag and date."""
        own = dict(self.page.headers)
        tag, modified = own.pop('etag', ''), own.pop('last-modified', None)
        return headers.page_headers(
            own, self.answer.headers, tag, modified, self.page.age(now),
            self.vary_by)

    def headers_of_304(self, values):
        """Return `values` of the 200 with the tag that the client holds."""
        return {**values, 'etag': self.held_tag} if self.held_tag else values

    def language(self):
        """Return the languages in which the site would answer."""
        return self._around.language(self.request)

    @property
    def more_names(self):
        """What the strings are that are added to the variant."""
        return self._around.variant_names

    def more_variant(self):
        """Return what the kind of site and of call adds to the variant."""
        return self._around.variant(self.context, self.request)

    def chosen_by(self):
        """Return request headers by which pages differ, Vary or not.

        What they lead to is in the key, or not this page at all.
        """
        # by Accept traversal may find something else
        return ('accept', *self._around.chosen_by(self.request))

    @cached_property
    def vary_by(self):
        """The request headers by which pages differ (RFC 9110 12.5.5)."""
        found = [
            *self.settings.key_headers, *self._around.vary_by(self.request)]
        if (self.settings.key_cookies or self._around.cookies(self.request)
                or request.carries_cookie(
                    self.request, self.settings.session_cookies)
                or visitor.wants_skin(self.context, self.request)):
            found.append('Cookie')
        return tuple(found)

    def told_by(self):
        """Return the request headers that tell whose page this is.

        Where the page has a tag, that tells it.
        """
        if not (self.has_user or self.partition):
            return ()
        return (
            ('Authorization',) if request.is_authorized(self.request)
            else ('Cookie',))

    def headers_of_all(self):
        """Return names of headers that are there before the cache is asked,
        and the same for all who ask for the page.
        """
        return self._around.headers_of_all

    def others_follow(self):
        """Tell whether other code gets to see the response."""
        return handlers.others_follow()

    def _known_cookies(self):
        """Return the cookies that the key holds for this kind of site."""
        return self._around.cookies(self.request)

    def _has_all_cookies(self, varies):
        """Return whether the key has the whole header Cookie."""
        return 'cookie' in self.known_varies or 'cookie' in varies

    def foreign_cookie(self):
        """Return a cookie of the request that the key lacks, '' for none."""
        sent = sent_by(self.request)
        if not sent or self._has_all_cookies(self.varies):
            return ''
        if len(sent) > 1:
            sent.discard(HEADER)
        return first_foreign(
            sent, self.settings, self._session_cookies(),
            self._known_cookies())

    def cookie_against(self, page):
        """Return a cookie that `page` was made without, '' for none."""
        if not page.absent_cookies:
            return ''
        return conflict(
            sent_by(self.request), page.absent_cookies, self.settings,
            self._session_cookies())

    def why_of_one_visitor(self, varies):
        """Return why what was rendered is for this visitor alone, or ''.

        `varies` are the headers beyond the key by which it varies.
        """
        watch = self.cookies
        if self.visit.touched_session or (
                watch is not None and watch.saw_session):
            return 'session'
        if not self.is_of_user:
            return 'user'
        if watch is not None and watch.found and (
                not self._has_all_cookies(varies)):
            return reason(watch.found)
        response = self.request.response
        return why_of_one_visitor(
            request.lower_headers(response), request.sets_cookie(response))

    def absent_cookies(self, varies):
        """Return names of cookies that the page looked for in vain."""
        if self.cookies is None or self._has_all_cookies(varies):
            return ()
        return self.cookies.absent

    def _session_cookies(self):
        """Return the cookies that lead to a session."""
        return visitor.session_cookies(
            self.context, self.request, self.settings)

    def marks(self):
        """Return what is written when other content on the page changes."""
        return ()

    def keep(self, page):
        """Store `page`, behind a signpost if it varies by more headers."""
        if self.identity:
            self.cache.saw(self.identity, self.key)
        if page.varies:
            self.store.set(self.key, page.signpost())
        self.store.set(self.key_for(page.varies), page)
