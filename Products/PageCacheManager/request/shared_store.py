"""Pages in a store that processes share, behind the store of this process."""
from ..core.attempt import FAILED
from ..core.attempt import attempt
from ..reads import sharing
from .from_store import found_in


def adopted(exchange):
    """Return the :class:`.Found` with a page of another process, or None.

    The page is also put into the store of this process, except in a dry run.
    A failure is a miss.
    """
    store = _store(exchange)
    if store is None:
        return None
    found = _tried(exchange, found_in, exchange, store.get)
    if (found is None or found.page is None
            or found.page.varies != found.varies):
        return None
    page = attempt(
        exchange, 'reads', sharing.adopted, found.page,
        exchange.manager._p_jar, exchange.recording, exchange.ask)
    if page is None or page is FAILED:
        return None
    if not exchange.is_dry:
        own = exchange.cache.pages
        if found.varies:
            own.set(exchange.key.index, page.signpost())
        own.set(found.index, page)
    return found._replace(page=page)


def keep(exchange, index, page):
    """Put a rendered page into the store that processes share."""
    store = _store(exchange)
    if store is None:
        return
    reads = attempt(
        exchange, 'reads', sharing.portable, page.made_from,
        exchange.manager._p_jar)
    if reads is None or reads is FAILED:
        return  # other processes could not check whether it is current
    _tried(
        exchange, _put, exchange, store, index,
        page._replace(made_from=reads))


def _put(exchange, store, index, page):
    if page.varies:
        store.set(exchange.key.index, page.signpost())
    store.set(index, page)


def _store(exchange):
    return _tried(
        exchange, exchange.cache.shared_store, exchange.settings,
        exchange.key.versions[0])


def _tried(exchange, function, *args):
    """Return the result of `function`; None if it fails.

    After a failure the store rests, except in a dry run.
    """
    result = attempt(exchange, 'store', function, *args)
    if result is not FAILED:
        return result
    if not exchange.is_dry:
        exchange.cache.rest_shared_store()
    return None
