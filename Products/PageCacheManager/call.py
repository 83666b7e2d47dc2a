"""One call of an associated template: what is asked, under which key.

Everything that decides whether two requests may share a page is gathered
here, once a request.
"""
import logging
import time

from AccessControl.unauthorized import Unauthorized
from Acquisition import aq_base
from Acquisition import aq_parent

from . import exchange
from . import identity
from . import policy
from .caches import cache_of
from .caches import settings_of
from .core import conditional
from .core.keys import KeyParts
from .core.keys import arguments_key
from .core.keys import digest
from .core.keys import secondary
from .core.page import names
from .versions import changed_at
from .versions import path_of
from .versions import templates_of
from .versions import version_of


logger = logging.getLogger(__name__)


class Bypass(Exception):
    """Caching is ruled out; the argument is the reason."""


class Call:
    """The call that may become the page of this request."""

    def __init__(self, template, keywords, manager, visit):
        self.template = template
        self.keywords = keywords
        self.manager = manager
        self.request = visit.request
        self.is_head = visit.is_head
        self.is_published = visit.published is aq_base(template)
        self.cache = cache_of(manager)
        self.settings = settings_of(manager, self.cache)
        #: What became of the request, for its headers and the statistics.
        self.outcome = None
        #: CMF was kept from asking its policies, until the call ends.
        self.is_cmf_quiet = False
        self.has_ended = False
        #: The policy's word, None if no policy fits.
        self.answer = None
        #: Whether the user may view the context: Zope itself checks access
        #: to the template, and leaves the context to what is rendered.
        self.may_view = False
        self.parts = None
        self.key = None
        #: Template and shared templates, and the versions of these.
        self.templates = ()
        self.versions = ()
        #: When any part of the page last changed, seconds since 1970.
        self.changed_at = 0
        self.store = None
        #: The stored page that answers, if one does.
        self.page = None
        #: The client's own copy is the page: 304 once the page is whole.
        self.client_holds_page = False
        #: Request headers beyond the key by which the stored pages vary.
        self.varies = ()
        #: The right to render for all who wait.
        self.flight = None
        #: Response headers before rendering, and those that it set.
        self.headers_before = None
        self.own_headers = None
        #: The headers of the answer, where it comes from the cache.
        self.hit_headers = None
        #: What the template gave, or was given in its place.
        self.text = None
        #: What Zope would have done to the body of a hit.
        self.compression = 0
        self.base = None

    @property
    def has_etag(self):
        return self.key is not None

    @property
    def modified(self):
        """When the page changed, None where the policy gives no date."""
        if self.answer.modified is None:
            return None
        return self.changed_at

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
        known = {'accept-encoding', *known_varies(self)}
        return tuple(
            name for name in names(response.headers.get('vary', ''))
            if name not in known)

    def headers_of(self, own, now, varies=(), age=0):
        """Return the headers of the 200 (see `exchange.page_headers`)."""
        sent = ''
        if self.modified is not None:
            sent = exchange.last_modified(self.modified, now)
            if (self.page is not None
                    and self.page.modified == self.changed_at):
                sent = own.get('last-modified', sent)
        return exchange.page_headers(
            own, self.answer, self.tag(varies), sent, age)

    def keep(self, page):
        """Store `page`, behind a signpost if it varies by more headers."""
        self.cache.saw(self.template, self.key)
        if page.varies:
            self.store.set(self.key, page.signpost())
        self.store.set(self.key_for(page.varies), page)


def rule_out(call):
    """Raise Bypass where the request itself rules caching out."""
    request = call.request
    if exchange.method(request) != 'GET':
        raise Bypass('method')
    if request.response.status != 200:
        raise Bypass('status')
    # From here on CMF sets no headers: ours are set once the page is whole,
    # and a page with a message for one visitor gets none.
    policy.keep_cmf_from_asking(request)
    call.is_cmf_quiet = True
    if exchange.carries_cookie(request, call.settings.bypass_cookies):
        raise Bypass('request-cookie')


def ask(call):
    """Ask the policy; fill in answer, date and, with an ETag, the key."""
    bound_names = call.keywords['bound_names']
    call.may_view = identity.may_view(aq_parent(call.template))
    try:
        call.answer = policy.ask(call.template, bound_names)
    except Unauthorized:
        # rendering will say so, if this user may not see the page
        raise Bypass('unauthorized') from None
    except Exception:
        logger.exception(
            'Caching policy failed for %s', path_of(call.template))
        raise Bypass('policy-error') from None
    if call.answer is None:
        return
    if '*' in names(call.answer.headers.get('vary', '')):
        raise Bypass('vary-any')
    call.templates = templates(call)
    call.versions = versions(call)
    call.changed_at = max(
        call.answer.modified or 0, call.manager.changed_at(),
        *map(changed_at, call.templates))
    if call.answer.etag:
        call.parts = key_parts(call, bound_names)
        call.key = call.parts.key()


def templates(call):
    """Return the template and the shared ones, as they are found now."""
    return templates_of(call.template, call.settings.shared_templates)


def versions(call):
    """Return generation and template versions, all strings."""
    found = (
        call.manager.generation_of(call.template, page_id(call)),
        *map(version_of, call.templates))
    if None in found:
        raise Bypass('uncommitted')
    return found


def has_changed(call):
    """Tell whether a template or the generation changed while rendering."""
    before = call.versions
    call.templates = templates(call)
    try:
        return versions(call) != before
    except Bypass:
        return True


def page_id(call):
    """Return template path, context path and URL: the page as people see it.
    """
    return (
        path_of(call.template),
        path_of(aq_parent(call.template)),
        exchange.url(call.request, call.settings.ignored_parameters))


def key_parts(call, bound_names):
    """Return the parts of the key (I3)."""
    settings, request = call.settings, call.request
    context = aq_parent(call.template)
    root, base = exchange.address(request)
    return KeyParts(
        *page_id(call),
        variant=(
            'published' if call.is_published else 'called',
            root,
            base if call.is_published else '',
            'viewed' if call.may_view else '',
            identity.skin(context),
            identity.language(request),
            identity.partition(
                identity.current_user(), context, request, settings,
                call.answer),
            spelled_arguments(bound_names),
            repr(exchange.headers(request, known_varies(call))),
            repr(exchange.cookies(request, settings.key_cookies))),
        versions=call.versions,
        etag=call.answer.etag)


def known_varies(call):
    """Return the headers of which the values are in every key.

    What is stored is the body without a content coding, so Accept-Encoding
    is none of them.
    """
    named = names(call.answer.headers.get('vary', ''))
    added = [name.lower() for name in call.settings.key_headers]
    return sorted({*named, *added} - {'accept-encoding'})


def spelled_arguments(bound_names):
    """Return the call's arguments as a key, REQUEST and RESPONSE left out."""
    given = {
        name: value for name, value in bound_names.get('options', {}).items()
        if name not in ('REQUEST', 'RESPONSE')}
    spelling = arguments_key((given, bound_names.get('traverse_subpath')))
    if spelling is None:
        raise Bypass('unkeyed-arguments')
    return spelling


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
    """
    if not call.answer.allows_304:
        return False
    tag = ''
    if call.page is not None or not call.varies:
        tag = call.tag(call.varies)
    if_none_match = exchange.header(call.request, 'If-None-Match')
    if if_none_match is not None and not tag:
        return False
    return conditional.not_modified(
        if_none_match,
        exchange.header(call.request, 'If-Modified-Since'),
        conditional.tag_variants(tag), call.modified, now,
        _dates_count(call))


def _dates_count(call):
    if identity.current_user() is not None:
        return False
    if call.page is not None:
        return True
    return call.may_view and not call.varies and not known_varies(call)


def is_young(call, page):
    """Tell whether a page that has just landed is within the age limit."""
    limit = call.settings.max_age
    return not limit or page.age(time.time()) < limit
