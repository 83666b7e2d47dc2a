"""HEAD, answered as GET would be, without rendering.

Zope sends HEAD to a WebDAV method that describes a template's source.  For a
page of ours a GET is walked through on a copy of the request, up to the
point where the template would render, and its headers are sent instead.
"""
import logging
import time

from Acquisition import aq_base
from webdav.Collection import Collection
from zExceptions import Unauthorized

from ..core.report.reasons import is_for_once
from ..core.report.reasons import is_of_one_visitor
from ..origin.published import published_view
from ..publisher import request as http_request
from ..publisher import sending
from . import coding
from . import dry_run


logger = logging.getLogger(__name__)

#: Where OFS.EtagSupport keeps the tag that it makes for WebDAV.
_DAV_TAG = '_EtagSupport__etag'


class _DefaultView:
    """Says nothing to HEAD; what there is to say comes later."""

    def HEAD(self, REQUEST, RESPONSE):
        return RESPONSE


class Head:
    """The GET in place of which a HEAD came."""

    def __init__(self, visit, request):
        #: The visit that the GET made.
        self.visit = visit
        self._headers = dict(request.response.headers)
        self._shadowed = {}
        self._is_webdav = _is_webdav_head(request)
        if self._is_webdav:
            self._described = aq_base(request.other['PUBLISHED'].__self__)
            self._shadow()

    @property
    def is_sure(self):
        """Tell whether GET is known to give a 200, or a 304 for one."""
        call = self.visit.call
        return call.page is not None or call.is_sure

    def _shadow(self):
        """Keep WebDAV from the object while its HEAD is called.

        It would give the object a tag of its own, which is a new version,
        and a folder would be asked for its ``index_html``.  What goes into
        ``__dict__`` itself is not noticed as a change.
        """
        held = self._described.__dict__
        if not hasattr(self._described, _DAV_TAG):
            self._put(held, _DAV_TAG, 'of nothing')
        if isinstance(self._described, Collection):
            self._put(held, 'index_html', _DefaultView())

    def _put(self, held, name, value):
        self._shadowed[name] = held.get(name, self)
        held[name] = value

    def end(self):
        """Leave the object as it was; again does nothing."""
        for name, value in self._shadowed.items():
            held = self._described.__dict__
            if value is self:
                held.pop(name, None)
            else:
                held[name] = value
        self._shadowed = {}

    def reset(self, response):
        """Leave the object as it was, and forget what WebDAV said of it."""
        self.end()
        if not self._is_webdav:
            return
        response.headers.clear()
        response.headers.update(self._headers)

    def send(self, response):
        """Say what GET would say."""
        call = self.visit.call
        template_headers = http_request.lower_headers(call.request.response)
        values = call.hit_headers
        if values is None:
            values = call.headers_of(
                template_headers, time.time(), call.varies)
        if call.client_holds_page and call.is_sure:
            sending.send_not_modified(
                response, coding.headers_of_304(call, values))
            return
        if call.page is None:
            sending.send_page(response, b'', values)
            sending.without_length(response)
            if is_of_one_visitor(call.outcome.detail):
                sending.forbid_storing(response)
            elif is_for_once(call.outcome) or call.foreign_cookie():
                # GET may have none, too: only rendering tells
                sending.take_tag_away(response, call.told_by())
        else:
            # what other code would make of the body can't be known: if GET
            # was ever sent in a coding, it is there
            name, body = coding.chosen(
                call, may_make=not call.others_follow())
            sending.send_page(
                response, body or coding.plain(call), values, name)
            response.body = b''


def after_traversal(visit):
    """Walk through the GET if this is HEAD on a page of ours."""
    request = visit.request
    if request.environ.get('WEBDAV_SOURCE_PORT'):
        return  # where GET gives the source
    if http_request.method(request) != 'HEAD':
        return
    # a view that has a URL of its own is asked for HEAD itself
    published = request.other.get('PUBLISHED')
    if not _is_webdav_head(request) and published_view(published) is None:
        return
    try:
        _walk(visit, request)
    except Unauthorized:
        raise
    except Exception:
        logger.exception('HEAD is left to WebDAV')
        visit.head = None


def _walk(visit, request):
    with dry_run.copied(request) as copy:
        published = _published_of_ours(copy)
        if published is None:
            return
        head_visit = dry_run.look(published, copy)
    call = head_visit.call
    if call is None or call.headers_before is None:
        return
    if dry_run.needs_rendering_to_tell(call):
        raise Unauthorized('You may not view this.')
    if call.answer is not None:
        visit.head = Head(head_visit, request)


def _is_webdav_head(request):
    published = request.other.get('PUBLISHED')
    return (
        getattr(published, '__name__', '') == 'HEAD'
        and getattr(published, '__self__', None) is not None)


def _published_of_ours(copy):
    """Return the page that GET would publish, None if it is not ours.

    Raises Unauthorized where GET would, for a page of ours.
    """
    try:
        published = dry_run.traverse(copy)
        if not dry_run.is_ours(published):
            return None
        dry_run.tell_others(copy)
    except Unauthorized:
        if dry_run.is_ours(copy.other.get('PUBLISHED')):
            raise
        return None
    except Exception:
        return None
    return published
