"""Asks the policy of a page, and makes the key of the page."""
from copy import copy
from functools import lru_cache
from traceback import format_exception_only

from zExceptions import Unauthorized

from ..cmf import policy
from ..core.http import conditional
from ..core.http.lists import directives
from ..core.http.lists import names
from ..core.key import KeyParts
from ..core.key import digest
from ..core.key import secondary
from ..core.reasons import Reason
from ..publisher import request as http_request
from . import visitor
from .versions import changed_at
from .versions import identity_of
from .versions import path_of


class RuledOut(Exception):
    """The page is rendered but not stored, for a reason of Cache-Status."""

    def __init__(self, reason, error=None):
        super().__init__(reason)
        self.reason = reason
        #: The error that a policy raised, or None.
        self.error = error

    @property
    def failure(self):
        """The last line of the policy's traceback, '' without an error."""
        return '' if self.error is None else (
            format_exception_only(self.error)[-1].strip())


class PageKey:
    """The page that a request asks for, and the index into the store."""

    #: Whether a user is logged in.
    has_user = False
    #: Whether the user may view the content.  Zope checks access to the
    #: template; only rendering checks access to the content.
    may_view = False
    #: Whether the user may access contents information.  Rendering checks
    #: this too if a page lists a folder.
    may_list = False
    #: Template path, content path and URL: the name of the page on screens.
    page_id = None
    #: The group of visitors that shares the page, '' for all anonymous
    #: visitors.
    partition = ''
    #: The languages that the site would answer in, as a string; None if the
    #: site has one language.
    language = None
    #: Names of request headers that have their values in the key.
    keyed_headers = ()
    #: Request headers that Vary must name (RFC 9110 12.5.5).
    named_in_vary = ()
    #: Generation, rules, and versions of the origin.
    versions = ()
    #: The objects that a purge or an invalidation of the page writes.
    marks = ()
    #: The parts of the key, None without an ETag.
    parts = None
    #: The index into the store, None without an ETag.
    index = None

    def without_objects(self):
        """Return a copy of this key without objects of a connection."""
        other = copy(self)
        other.marks = ()
        return other

    def index_for(self, request, varies):
        """Return the index of the page that varies by the headers `varies`.

        The index has the request's values of these headers.
        """
        if not varies:
            return self.index
        return secondary(self.index, http_request.headers(request, varies))

    def has_all_cookies(self, varies):
        """Return whether the key with `varies` has the whole Cookie header.
        """
        return 'cookie' in self.keyed_headers or 'cookie' in varies


#: The names of the strings in the variant of each key, in their order.
VARIANT = (
    'kind', 'content', 'content_type', 'server', 'script', 'path_info',
    'virtual_root', 'base', 'viewed', 'listed', 'skin', 'language',
    'partition', 'arguments', 'headers', 'cookies')


def ask_policy(exchange):
    """Ask the policy; set ``policy`` and ``key`` of the exchange.

    Raises RuledOut for a page that must not be stored.
    """
    origin, settings = exchange.origin, exchange.settings
    key = exchange.key = PageKey()
    user = visitor.current_user()
    key.has_user = user is not None
    key.may_view, key.may_list = visitor.rights(origin.context)
    answer = exchange.policy = evaluated(
        policy.ask, origin.context, origin.name,
        origin.keywords, exchange.request,
        exchange.manager.getId())
    if answer is None:
        return
    key.language = exchange.site.language(exchange.request)
    key.named_in_vary = _named_in_vary(exchange)
    vary = answer.headers.get('vary', '')
    if '*' in vary and '*' in names(vary):
        raise RuledOut(Reason.VARY_ANY)
    control = answer.headers.get('cache-control', '')
    if 'no-store' in control.lower() and 'no-store' in directives(control):
        raise RuledOut(Reason.NO_STORE)
    key.keyed_headers = _keyed_headers(vary, settings.key_headers)
    key.page_id = (
        origin.path, path_of(origin.context),
        http_request.url(exchange.request, settings.ignored_parameters))
    key.versions = versions_now(exchange)
    key.partition = visitor.partition(user, exchange)
    if answer.etag:
        arguments = origin.arguments(exchange.request)
        if arguments is None:
            raise RuledOut(Reason.UNKEYED_ARGUMENTS)
        key.parts = key_parts(exchange, arguments)
        key.index = key.parts.key()


def _named_in_vary(exchange):
    request, settings = exchange.request, exchange.settings
    found = (*settings.key_headers, *exchange.site.vary_by(
        request, exchange.key.language))
    if settings.key_cookies or request.cookies and (
            http_request.carries_cookie(request, settings.session_cookies)
            or visitor.wants_skin(exchange.origin.context, request)):
        return (*found, 'Cookie')
    return found


def key_parts(exchange, arguments):
    """Return the parts of the key."""
    key, request, origin = exchange.key, exchange.request, exchange.origin
    context, site = origin.context, exchange.site
    key_cookies = exchange.settings.key_cookies
    return KeyParts(
        *key.page_id,
        variant=(
            origin.kind,
            identity_of(context),
            origin.content_type(request.response),
            *http_request.address(request),
            (request.response.base or '') if origin.has_base else '',
            'viewed' if key.may_view else '',
            'listed' if key.may_list else '',
            visitor.skin(context),
            key.language or '',
            key.partition,
            arguments,
            repr(http_request.headers(request, key.keyed_headers)) if (
                key.keyed_headers) else '()',
            repr(http_request.cookies(request, key_cookies)) if (
                key_cookies) else '()',
            *origin.variant(request),
            *site.variant(context, request)),
        versions=(*key.versions, exchange.policy.date_rule),
        etag=exchange.policy.etag)


def variant_names(exchange):
    """Return the names of the strings in the variant."""
    return (
        *VARIANT, *exchange.origin.variant_names,
        *exchange.site.variant_names)


def versions_now(exchange):
    """Return generation, rules and versions of the origin, as strings.

    Raises RuledOut if this transaction changed any of them.
    """
    key, manager = exchange.key, exchange.manager
    found = (
        manager.generation_of(exchange.origin.identity, key.page_id),
        exchange.settings.key_rules,
        *exchange.origin.versions())
    if None in found:
        raise RuledOut(Reason.UNCOMMITTED)
    return found


def has_changed(exchange):
    """Return whether a version in the key changed since the look-up."""
    try:
        return versions_now(exchange) != exchange.key.versions
    except RuledOut:
        return True


def dates(exchange):
    """Return the time of the page's last change, and the date to send.

    Both are seconds since 1970.  The date is None if the policy gives no date
    or fails, or if other machinery sets headers of the page.  After a failure
    `exchange.no_date` is the RuledOut.  Sets `marks` of the key.
    """
    origin, manager, key = exchange.origin, exchange.manager, exchange.key
    try:
        modified = evaluated(exchange.policy.date)
    except RuledOut as why:
        exchange.no_date, modified = why, None
    # undo restores an older date of the policy, but gives a new serial
    key.marks = manager.marks_of(origin.identity, key.page_id)
    changed = max(modified or 0, changed_at(
        origin.context, *origin.templates(), *key.marks))
    # other machinery may take any page with just a date for the newest one
    is_sent = modified is not None and not exchange.is_beside_another
    return changed, changed if is_sent else None


def entity_tag(exchange, body, own, varies=()):
    """Return the entity-tag of a rendered page, '' without the policy's ETag.

    `body` has no content coding.  `own` are the headers that rendering set.
    `varies` are request headers, beyond the headers in the key, by which the
    page varies.
    """
    if exchange.key.index is None:
        return ''
    suffix = ''
    if exchange.settings.validator == 'page':
        suffix = digest(repr(sorted(own.items())), body)
    elif varies:
        suffix = digest(repr(http_request.headers(exchange.request, varies)))
    return conditional.entity_tag(exchange.policy.etag, suffix)


def evaluated(function, *args):
    """Return the result of a policy's expressions; raise RuledOut on errors.
    """
    try:
        return function(*args)
    except Unauthorized as error:
        # if this user may not see the page, rendering raises it again
        raise RuledOut(Reason.UNAUTHORIZED, error) from None
    except Exception as error:
        raise RuledOut(Reason.POLICY_ERROR, error) from None


@lru_cache(maxsize=256)
def _keyed_headers(vary, key_headers):
    """Return the names of the request headers in the key, sorted.

    Accept-Encoding in `vary` does not count, since the store has the body
    without a content coding.
    """
    added = {name.lower() for name in key_headers}
    return tuple(sorted({*names(vary)} - {'accept-encoding'} | added))
