"""Steps for a page that is rendered, checked, and stored."""
import time

import transaction
from App.config import getConfiguration
from zope.event import notify

from ..core.attempt import attempt
from ..core.http.lists import directives
from ..core.page import Page
from ..core.page import why_not
from ..core.reads.made_from import MadeFrom
from ..core.reads.made_from import UntilCommit
from ..core.reasons import Reason
from ..key.key import VARIANT
from ..key.key import has_changed
from ..manager.events import PageStored
from ..publisher import response_headers
from ..reads import freshness
from . import shared_store
from .bypass import FromRendering


#: A page is compared with at most this many other entries.
MAX_COMPARED = 8


class Miss(FromRendering):
    """The page is rendered for the store and for waiting requests."""

    keeps_cmf_quiet = True

    def made_from(self, exchange):
        return attempt(exchange, 'reads', self.rendering.made_from)

    def _of_nothing(self, exchange):
        # the template failed, and other code left it out
        return self._refused(exchange, Reason.FRAGMENT)

    def _capture(
            self, exchange, body, zipped, own, values, varies,
            of_one_site, made_from, changed_at):
        origin, rendering = exchange.origin, self.rendering
        caught = rendering.caught
        reason = self._why_not_stored(exchange, body, own, of_one_site)
        if reason:
            return self._refused(exchange, reason)
        headers = dict(own)
        if 'content-type' in exchange.response.headers:
            headers.setdefault(
                'content-type', exchange.response.headers['content-type'])
        for name in ('etag', 'last-modified'):
            if name in values and not caught:
                headers[name] = values[name]
        if not isinstance(made_from, MadeFrom):
            return self._refused(exchange, Reason.READS_UNKNOWN)
        # with a known read set all reads are of one snapshot without changes;
        # without it, or with files, a version may have changed meanwhile
        if (isinstance(made_from.objects, UntilCommit)
                or exchange.origin.reads_files_again
                or getConfiguration().debug_mode) and has_changed(exchange):
            return self._refused(exchange, Reason.TEMPLATE_CHANGED)
        page = Page(
            # a hit gives the text to other code as it was before setBody()
            body=rendering.text.encode('utf-8', 'surrogatepass') if (
                origin.is_called) else body,
            codings=(),
            headers=tuple(headers.items()),
            modified=changed_at,
            created=time.time(),
            varies=varies,
            absent_cookies=rendering.absent_cookies,
            max_age_secs=(
                exchange.settings.max_error_age if caught else 0),
            made_from=made_from)
        if zipped and not origin.is_called:
            page = page.with_coding('gzip', zipped)
        return Captured(
            self.outcome._replace(stored=True), rendering, self.flight, page)

    def _why_not_stored(self, exchange, body, own, of_one_site):
        """Return the reason not to store the page, '' if it may be stored."""
        response, rendering = exchange.response, self.rendering
        origin, settings = exchange.origin, exchange.settings
        present = response_headers.lower_headers(response)
        reason = why_not(present, body)
        if reason:
            return reason
        taken = rendering.headers_before.keys() - (
            rendering.headers_left.keys() & present.keys())
        if (taken.difference(response_headers.OF_THE_BODY)
                or len(response.accumulated_headers) < rendering.added_before
                or rendering.had_cookie):
            return Reason.REMOVED_HEADER
        if (len(response.accumulated_headers) > rendering.added_before
                or response_headers.appends(own, rendering.headers_before)):
            return Reason.ADDED_HEADER
        if origin.is_called and response.base != rendering.base_before:
            # other code gets the text, and the text does not have the base
            return Reason.BASE
        # of rendering alone: the look-up ruled out a policy with no-store
        control = own.get('cache-control')
        if control and 'no-store' in directives(control):
            return Reason.NO_STORE
        if of_one_site:
            return Reason.ORIGIN
        if len(body) > settings.max_page_bytes:
            return Reason.TOO_LARGE
        if transaction.isDoomed():
            return Reason.DOOMED
        if rendering.has_changes and not origin.may_write:
            return Reason.WROTE_TO_DATABASE
        if rendering.caught and not settings.max_error_age:
            return Reason.RENDER_ERROR
        if rendering.field:
            return Reason.PARAMETER
        return ''


class Captured(FromRendering):
    """The page was sent, and will be stored after the commit."""

    def __init__(self, outcome, rendering, flight, page):
        self.outcome = outcome
        self.rendering = rendering
        self.flight = flight
        self.page = page
        self._is_committed = False
        transaction.get().addAfterCommitHook(self._note_commit)

    def _note_commit(self, succeeded):
        self._is_committed = succeeded

    def commit(self, exchange):
        if not self._is_committed:
            self.abandon()  # doomed meanwhile: a waiting request renders
            return
        page = self.page
        attempt(exchange, 'store', self._keep, exchange, page)
        if self.flight is not None:
            # waiting requests may have other headers than this request
            is_theirs = self.flight.key == exchange.key.index_for(
                exchange.request, page.varies)
            self.flight.land(page if is_theirs else page.signpost())

    def _keep(self, exchange, page):
        """Store the page, behind a signpost if it varies by more headers."""
        key = exchange.key
        store, index = exchange.cache.pages, key.index
        if page.varies:
            store.set(index, page.signpost())
            index = key.index_for(exchange.request, page.varies)
        is_kept = store.set(index, page)
        if exchange.settings.store != 'process':
            shared_store.keep(exchange, index, page)
        if is_kept:
            if key.partition:
                _compare_with_others(exchange, index, page)
            notify(PageStored(exchange.manager, *key.page_id))


def _compare_with_others(exchange, index, page):
    """Record the policy if visitors with one ETag have different pages."""
    cache, policy_id = exchange.cache, exchange.policy.policy_id
    if policy_id in cache.policies_without_user:
        return
    variant = _of_all_visitors(index)
    if any(other.tag != page.tag and key[4] == index[4]
           and _of_all_visitors(key) == variant
           # a current page, not a page from before an edit
           and other.made_from is not None
           and freshness.are_unmoved(other.made_from)
           for key, other in cache.pages.of_page(
               index[:3], MAX_COMPARED)):
        cache.policy_names_no_user(policy_id, index[2])


def _of_all_visitors(index):
    """Return the variant without the parts that separate visitors."""
    variant = list(index[3])
    for name in ('partition', 'viewed', 'listed'):
        variant[VARIANT.index(name)] = ''
    return variant
