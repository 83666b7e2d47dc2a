"""Answers HEAD with the headers of GET, without rendering.

Zope sends HEAD to a WebDAV method that describes a template's source.  For a
page of ours a dry run of GET finds the headers.
"""
import time

from zExceptions import HTTPException
from zExceptions import Unauthorized

from ..core.attempt import FAILED
from ..core.attempt import attempt
from ..core.http.cache_status import Outcome
from ..core.reasons import Reason
from ..core.reasons import is_for_once
from ..core.reasons import is_of_one_visitor
from ..origin.published import origin_of
from ..origin.view import published_view
from ..publisher import cookies
from ..publisher import request as http_request
from ..publisher import response_headers
from ..publisher import sending
from . import dry_run
from . import page_headers
from .bypass import Bypass
from .exchange import Exchange
from .step import Step


def stand_in_for(published, request):
    """Return the stand-in for an object that HEAD publishes, or None."""
    if request.environ.get('WEBDAV_SOURCE_PORT'):
        return None  # on this port GET gives the source
    if _is_of_webdav(published):
        return StandInForHead(published, request, True)
    # for the URL of a view Zope publishes the view, not WebDAV's method
    if published_view(published) is not None:
        return StandInForHead(published, request, False)
    return None


def _is_of_webdav(published):
    return (
        getattr(published, '__name__', '') == 'HEAD'
        and getattr(published, '__self__', None) is not None)


class StandInForHead:
    """The object that Zope publishes in place of WebDAV's method or a view."""

    def __init__(self, published, request, is_of_webdav):
        self._published = published
        self._request = request
        self._is_of_webdav = is_of_webdav
        # Zope needs these for the description of the transaction
        for name in ('__name__', '__parent__', '__self__'):
            if getattr(published, name, None) is not None:
                setattr(self, name, getattr(published, name))

    def __call__(self):
        """Return '' if GET would give a page of ours, else leave it to Zope.
        """
        get = attempt(None, 'head', _get, self._request)
        if isinstance(get, Unauthorized):
            raise get
        if get is None or get is FAILED or not _tells(get):
            return self._render()
        step = Head(get)
        exchange = Exchange(
            self._request, get.origin, get.manager, get.site, get.claim)
        exchange.policy, exchange.key, exchange.step = (
            get.policy, get.key, step)
        # a view may make no page at all; only rendering shows that
        return '' if self._is_of_webdav or get.step.is_answered else (
            self._render())

    def _render(self):
        return http_request.call(self._published, self._request)


def _get(request):
    """Return the exchange of the GET, None if it leads to no page of ours.

    If the user may not see a page of ours, return the Unauthorized error.
    """
    with dry_run.copied(request) as copy:
        try:
            origin = origin_of(dry_run.traverse(copy))
        except Unauthorized as error:
            origin = origin_of(copy.other.get('PUBLISHED'))
            is_ours = origin is not None and (
                origin.find_manager(None) is not None)
            return error if is_ours else None
        except HTTPException:
            return None
        if origin is None:
            return None
        exchange = dry_run.look_up(copy, origin)
        if exchange is None or not _was_asked(exchange):
            return None
        if exchange.step.page is None and not exchange.key.may_view:
            # only rendering would check whether this user may see the page
            return Unauthorized('You may not view this.')
        return exchange


def _was_asked(exchange):
    """Return whether the look-up asked the policy."""
    step = exchange.step
    return step.is_answered or step.rendering is not None


def _tells(get):
    """Return whether the headers of GET are known."""
    return get.step.is_answered or get.step.rendering.has_policy


class Head(Step):
    """The headers that GET would send."""

    def __init__(self, get):
        super().__init__(get.step.outcome)
        self._get = get
        self.page = get.step.page

    def deliver(self, exchange):
        response = exchange.response
        if response.status != 200:
            return Bypass(Outcome('BYPASS', Reason.STATUS))
        if self._get.step.is_answered:
            self._get.step.deliver_to_head(exchange)
        else:
            self._describe(response)
        return self

    def _describe(self, response):
        """Send the headers that are known of a page that is not rendered."""
        get = self._get
        content_type = get.origin.content_type(get.response)
        if content_type:
            # this adds a charset, as it does for GET
            get.response.setHeader('content-type', content_type)
        own = response_headers.lower_headers(get.response)
        varies = get.step.rendering.varies
        # with a key, tag and date depend on the sources of the page
        date = get.date if get.key.index is None else None
        sending.send_page(
            response, b'', page_headers.of_render(
                get, own, time.time(), date, varies))
        sending.without_length(response)
        if is_of_one_visitor(self.outcome.detail):
            sending.forbid_storing(response)
        elif is_for_once(self.outcome.detail) or _foreign_cookie(get, varies):
            # GET may have no tag either; only rendering shows that
            sending.take_tag_away(response, page_headers.told_by(get))


def _foreign_cookie(exchange, varies):
    """Return a cookie of the request that the key lacks, or ''."""
    sent = cookies.sent_by(exchange.request)
    if not sent or exchange.key.has_all_cookies(varies):
        return ''
    if len(sent) > 1:
        sent.discard(cookies.HEADER)
    return cookies.first_foreign(
        sent, exchange.settings, exchange.session_cookies,
        exchange.site.cookies(exchange.request))
