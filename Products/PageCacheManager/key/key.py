"""What is asked about a call, and which key it gets.

Everything that decides whether two requests may share a page is gathered
here, once a request.
"""
import logging
from functools import lru_cache
from traceback import format_exception_only

from zExceptions import Unauthorized

from ..cmf import policy
from ..core.key import KeyParts
from ..core.page import directives
from ..core.page import names
from ..publisher import request as http_request
from ..publisher import response
from . import visitor
from .versions import changed_at
from .versions import identity_of
from .versions import path_of
from .versions import version_of


logger = logging.getLogger(__name__)


class Bypass(Exception):
    """Caching is ruled out; the argument is the reason."""


def rule_out(call):
    """Raise Bypass where the request itself rules caching out."""
    request = call.request
    why = _why_no_page(request)
    if why:
        call.forget_conditions()
        raise Bypass(why)
    if call.is_beside_another and call.claim.why_not:
        raise Bypass(call.claim.why_not)
    # From here on CMF sets no headers: ours are set once the page is whole,
    # and a page with a message for one visitor gets none.
    call.visit.quieten(call.keywords)
    if http_request.carries_cookie(request, call.settings.bypass_cookies):
        raise Bypass('request-cookie')
    if call.visit.touched_session:
        raise Bypass('session')
    if not visitor.is_of_request(request, call.context):
        raise Bypass('user')


def _why_no_page(request):
    """Return why a request is not answered with a page of its own, or ''."""
    if http_request.method(request) != 'GET':
        return 'method'
    if request.response.status != 200:
        return 'status'
    # a hit gives Zope no body, so what is there would stand
    return 'fragment' if response.has_begun(request.response) else ''


def ask(call):
    """Ask the policy; fill in answer, date and, with an ETag, the key."""
    call.has_user = visitor.current_user() is not None
    call.may_view = visitor.may_view(call.context)
    try:
        call.answer = policy.ask(
            call.context, call.view_name, call.policy_keywords,
            call.request, call.manager.getId())
    except Exception as error:
        raise _policy_failed(call, error) from None
    if call.answer is None:
        return
    if '*' in names(call.answer.headers.get('vary', '')):
        raise Bypass('vary-any')
    if 'no-store' in directives(
            call.answer.headers.get('cache-control', '')):
        raise Bypass('no-store')
    call.known_varies = known_varies(call)
    call.page_id = page_id(call)
    call.templates = call.find_templates()
    call.versions = versions(call)
    call.partition = visitor.partition(
        visitor.current_user(), call.context, call.request,
        call.settings, call.answer)
    if call.answer.etag:
        try:
            call.parts = key_parts(call)
        except Bypass:
            date(call)  # the page is made, and has the policy's headers
            raise
        call.key = call.parts.key()


def date(call):
    """Ask the policy for the date as well, unless what is stored has it."""
    if call.page is not None and http_request.header(
            call.request, 'If-Modified-Since') is None:
        return
    try:
        modified = call.answer.date()
    except Exception as error:
        call.answer = call.page = None
        raise _policy_failed(call, error) from None
    call.changed_at = max(
        modified or 0, call.manager.changed_at(call.identity, call.page_id),
        # undo brings an older date of the policy back, but a new serial
        changed_at(call.context),
        *map(changed_at, (*call.templates, *call.marks())))
    if modified is not None and not call.is_beside_another:
        # the other may take a date alone for the newest, whatever it says
        call.modified = call.changed_at


def _policy_failed(call, error):
    """Return why the page is made without the cache."""
    call.failure = format_exception_only(error)[-1].strip()
    if isinstance(error, Unauthorized):
        # rendering will say so, if this user may not see the page
        return Bypass('unauthorized')
    logger.error(
        'Caching policy failed for %s', call.path,
        exc_info=error)
    return Bypass('policy-error')


def versions(call):
    """Return generation and template versions, all strings."""
    found = (
        call.manager.generation_of(call.identity, call.page_id),
        call.settings.key_rules,
        *map(version_of, call.templates),
        *call.more_versions())
    if None in found:
        raise Bypass('uncommitted')
    return found


def has_changed(call):
    """Tell whether a template or the generation changed while rendering."""
    before = call.versions
    call.templates = call.find_templates()
    try:
        return versions(call) != before
    except Bypass:
        return True


def page_id(call):
    """Return template path, context path and URL: the page as people see it.
    """
    return (
        call.path,
        path_of(call.context),
        http_request.url(call.request, call.settings.ignored_parameters))


#: What the strings in the variant of each key are, in their order.
VARIANT = (
    'kind', 'content', 'content_type', 'server', 'script', 'path_info',
    'virtual_root', 'base', 'viewed', 'listed', 'skin', 'language',
    'partition', 'arguments', 'headers', 'cookies')


def key_parts(call):
    """Return the parts of the key (I3)."""
    settings, request, context = call.settings, call.request, call.context
    return KeyParts(
        *call.page_id,
        variant=(
            call.kind,
            identity_of(context),
            http_request.content_type(request.response),
            *http_request.address(request),
            (request.response.base or '') if call.has_base else '',
            'viewed' if call.may_view else '',
            'listed' if visitor.may_list(context) else '',
            visitor.skin(context),
            call.language(),
            call.partition,
            call.spelled_arguments(),
            repr(http_request.headers(request, call.known_varies)),
            repr(http_request.cookies(request, settings.key_cookies)),
            *call.more_variant()),
        versions=(*call.versions, call.answer.date_rule),
        etag=call.answer.etag)


def known_varies(call):
    """Return the headers of which the values are in every key.

    What is stored is the body without a content coding, so Accept-Encoding
    in Vary is none of them.
    """
    return _known_varies(
        call.answer.headers.get('vary', ''), call.settings.key_headers)


@lru_cache(maxsize=256)
def _known_varies(vary, key_headers):
    named = {*names(vary)}
    added = {name.lower() for name in key_headers}
    return tuple(sorted(named - {'accept-encoding'} | added))
