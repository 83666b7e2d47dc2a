"""One call of an associated template: what is known, stored and held of it.
"""
import logging
import time

from Acquisition import aq_base

from . import exchange
from . import identity
from . import policy
from .caches import cache_of
from .caches import settings_of
from .core import conditional
from .core import headers
from .core.keys import digest
from .core.keys import secondary
from .core.page import names


logger = logging.getLogger(__name__)


class Call:
    """The call that may become the page of this request."""

    #: What became of the request, for its headers and the statistics.
    outcome = None
    has_ended = False
    #: The policy's word, None if no policy fits.
    answer = None
    #: Whether the user may view the context: Zope itself checks access to
    #: the template, and leaves the context to what is rendered.
    may_view = False
    #: Template path, context path and URL.
    page_id = None
    #: Who shares the page, '' for all anonymous visitors.
    partition = None
    parts = None
    key = None
    #: Template and shared templates, and the versions of these.
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

    def __init__(self, template, keywords, manager, visit):
        self.template = template
        self.keywords = keywords
        self.manager = manager
        self.request = visit.request
        self.visit = visit
        self.is_head = visit.is_head
        self.is_published = (
            visit.published is aq_base(template)
            and policy.gives_what_it_renders(template))
        self.cache = cache_of(manager)
        self.settings = settings_of(manager, self.cache)

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

    def keep(self, page):
        """Store `page`, behind a signpost if it varies by more headers."""
        self.cache.saw(self.template, self.key)
        if page.varies:
            self.store.set(self.key, page.signpost())
        self.store.set(self.key_for(page.varies), page)


def look_up(call):
    """Find the stored page, through a signpost if there is one.

    Return '' or, where there is no store or one that fails, the reason.
    """
    try:
        call.store = call.cache.store(call.settings, call.versions[0])
        if call.store is None:
            return 'store-off'
        page = call.store.get(call.key)
        if page is not None and page.is_signpost:
            call.varies = page.varies
            page = call.store.get(call.key_for(call.varies))
        if page is not None and not call.is_published:
            page = page.whole()  # other code is given its text
    except Exception:
        logger.exception('Store failed')
        call.cache.tally.add('ERROR', 'store')
        return 'store-error'
    call.page = page
    return ''


def client_holds_page(call, now):
    """Tell whether the client's own copy is the answer (RFC 9110 13.2.2).

    A date counts for anonymous visitors alone.  Where the page varies by
    headers only what is stored says which variant the client may hold.
    `call.is_sure` tells whether the page is known to be a 200 as well: a tag
    comes from one, and so does what is stored.
    """
    if_none_match = exchange.header(call.request, 'If-None-Match')
    since = exchange.header(call.request, 'If-Modified-Since')
    if if_none_match is None and since is None:
        return False
    if not call.answer.allows_304 or call.request.response._locked_status:
        return False
    if call.page is None and not call.may_view:
        return False  # rendering would tell whether there is a page at all
    tag = ''
    if call.page is not None or not call.varies:
        tag = call.tag(call.varies)
    call.is_sure = call.page is not None
    if if_none_match is not None and not tag:
        return False
    variants = _variants(call, tag)
    if if_none_match is not None:
        held = conditional.held_tag(if_none_match, variants)
        if held and if_none_match.strip() != '*':
            call.held_tag, call.is_sure = held, True
        return bool(held)
    return conditional.not_modified(
        if_none_match, since, variants, call.modified, now, _dates_count(call))


def _variants(call, tag):
    """Return the tags of the page, those that this client can be told of.

    RFC 9110 13.1.2: a tag counts for what would be selected now.  A cache
    asks with the tags of all that it has (RFC 9111 section 4.1), and would
    give the page in gzip to a client that did not ask for it.  Of several
    that it may be told of, the one that the client likes best comes first.
    """
    if not tag:
        return ()
    return conditional.tag_variants(tag, exchange.codings(call.request))


def _dates_count(call):
    if identity.current_user() is not None or call.partition:
        return False  # a date does not tell whose page it is of
    if call.settings.key_cookies or identity.language(call.request):
        return False  # no Vary tells a client that it asks for another page
    if call.page is not None:
        return True
    return not call.varies and not call.known_varies


def is_young(call, page):
    """Tell whether a page that has just landed is within the age limit."""
    limit = call.settings.max_age
    return not limit or page.age(time.time()) < limit
