"""Finds a stored page by its key, and makes it the answer of a request."""
from ..core.attempt import FAILED
from ..core.attempt import attempt
from ..core.reads.unknown import Unknown
from ..core.reads.unknown import Why
from ..core.reasons import Reason
from ..key.key import RuledOut
from ..publisher import cookies
from ..reads import freshness
from . import page_headers
from . import preconditions
from . import shared_store
from .from_store import Found
from .from_store import found_in
from .hit import Hit
from .hit import HitOfCalled
from .hit import NotModified


def find(exchange):
    """Look for the page in the store.

    Return a :class:`.Found`.  Raises RuledOut if the page was made without a
    cookie that this request has.
    """
    found = attempt(exchange, 'store', _find_in_store, exchange)
    if found is FAILED:
        return Found(
            index=exchange.key.index, trouble=Reason.STORE_ERROR)
    if (found.page is not None and found.page.absent_cookies
            and (exchange.request.cookies
                 or 'HTTP_COOKIE' in exchange.request.environ)):
        check_cookies(exchange, found.page)
    return found


def _find_in_store(exchange):
    store = exchange.cache.pages
    is_counted = not (exchange.is_dry or exchange.counted_as)
    found = found_in(exchange, store.get if is_counted else store.peek)
    if found.page is not None and is_stale(exchange, found.page):
        if is_counted:
            store.drop_stale(found.index, found.page.created)
        found = found._replace(page=None)
    if found.page is None and exchange.settings.store != 'process':
        adopted = shared_store.adopted(exchange)
        if adopted is not None and not is_stale(exchange, adopted.page):
            found = adopted
    if found.page is not None and exchange.origin.is_called:
        # other code gets the text, so the body must be unpacked
        found = found._replace(page=found.page.whole())
    return found


def is_stale(exchange, page):
    """Return whether any source of a page changed since it was made.

    Sets `exchange.stale`.
    """
    if page.made_from is None:
        return False
    found = attempt(
        exchange, 'reads', freshness.what_changed, page.made_from,
        exchange.manager._p_jar, exchange.recording, exchange.ask)
    exchange.stale = Unknown(Why.LOST) if found is FAILED else found
    return found is not None


def check_cookies(exchange, page):
    """Raise RuledOut if the request has a cookie that `page` lacked."""
    name = cookies.conflict(
        cookies.sent_by(exchange.request), page.absent_cookies,
        exchange.settings, exchange.session_cookies)
    if name:
        raise RuledOut(cookies.reason(name))


def answer(exchange, found, conditions, now, collapsed=False):
    """Return the step for a page that is stored, or was just rendered."""
    page, kind = found.page, Hit
    held = conditions and preconditions.held(
        exchange, conditions, page.tag, page.date, now, is_stored=True)
    if exchange.origin.is_called:
        kind = HitOfCalled
    elif held is not None:
        kind = NotModified
    return kind(
        exchange, found, held, page_headers.of_page(exchange, page, now),
        collapsed)
