"""One call of a template or view: what is known, stored and held of it."""
from . import bystanders
from . import exchange
from .caches import Onlooker
from .caches import cache_of
from .caches import settings_of
from .core import conditional
from .core import headers
from .core.keys import digest
from .core.keys import secondary
from .core.page import names


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
    #: The policy's word, None if no policy fits.
    answer = None
    #: What a policy that failed raised, in a line.
    failure = ''
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
    #: Response headers before rendering, and those that it set.
    headers_before = None
    added_before = 0
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
            values = exchange.headers(self.request, varies)
            suffix = digest(repr((suffix, values)))
        return conditional.entity_tag(self.answer.etag, suffix)

    def key_for(self, varies):
        """Return the key of the page for this request's header values."""
        if not varies:
            return self.key
        return secondary(self.key, exchange.headers(self.request, varies))

    def varies_of(self, response):
        """Return the headers in the response's Vary that the key lacks."""
        known = {'accept-encoding', *self.known_varies}
        return tuple(
            name for name in names(response.headers.get('vary', ''))
            if name not in known)

    def put_back(self):
        """Give the request back what rendering was not to see."""
        if self.aside is not None:
            self.aside.put_back()

    def headers_of(self, own, now, varies=()):
        """Return the headers of a 200 with the headers `own` of rendering.
        """
        modified = None
        if self.modified is not None:
            modified = headers.last_modified(self.modified, now)
        return headers.page_headers(
            own, self.answer.headers, self.tag(varies), modified)

    def headers_of_page(self, now):
        """Return the headers of the stored page, which has tag and date."""
        own = dict(self.page.headers)
        tag, modified = own.pop('etag', ''), own.pop('last-modified', None)
        return headers.page_headers(
            own, self.answer.headers, tag, modified, self.page.age(now))

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

    def headers_of_all(self):
        """Return names of headers that are there before the cache is asked,
        and the same for all who ask for the page.
        """
        return self._around.headers_of_all

    def others_follow(self):
        """Tell whether other code gets to see the response."""
        return bystanders.others_follow()

    def known_cookies(self):
        """Return the names of cookies that the key holds.

        A page finds any cookie where it looks for a parameter of the query.
        """
        return {
            *self.settings.key_cookies, *self.settings.session_cookies,
            *self._around.cookies(self.request)}

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
