"""Pages, flights and counters of each manager in this process.

The key of the table is the manager's identity; each copy or import of a
manager has a new identity.  Connections at different snapshots share an
entry.  The entry keeps the settings of the highest serial, so an older
snapshot never brings old bounds back.
"""
import logging
import threading
import time

import transaction
from App.config import getConfiguration

from ..core.attempt import log_limit
from ..core.audit.audits import Audits
from ..core.flights import Flights
from ..core.hot import HotPages
from ..core.key import is_row_id
from ..core.key import row_id
from ..core.recent_answers import RecentAnswers
from ..core.report.journal import Journal
from ..core.report.seen_views import Lately
from ..core.report.tally import Tally
from ..core.settings import Settings
from ..core.settings import stored
from ..core.store.store import PageStore
from ..key.versions import is_committed
from ..key.versions import path_of
from ..marks import is_below
from .memoize_store import MemoizeStore
from .memoize_store import site_cache


logger = logging.getLogger(__name__)

#: A cache is dropped if no request used it for this time: another client of
#: the database deleted its manager, or nobody visits the site.
IDLE_SECS = 86_400

#: After a failure the shared store is not used for this time.  Otherwise each
#: request might wait for it.
REST_SECS = 10

#: Failures are remembered for at most this many pages and this many policies.
MAX_FAILURES = 200

#: The counters of a store; its other numbers describe its present content.
_COUNTERS = (
    'hits', 'misses', 'evictions', 'expirations', 'removals', 'rejections')

#: Recent answers of all managers.  It is one table, because a repeated request
#: is answered without a search for its manager.
recent_answers = RecentAnswers()

_lock = threading.Lock()
_caches = {}


class ManagerCache:
    """Holds the data of one manager in the memory of this process."""

    def __init__(self, settings):
        #: Serial and settings, in one tuple so that readers always get a
        #: matching pair.
        self.in_force = b'', settings
        self._configuring = threading.Lock()
        self.pages = PageStore(
            settings.threshold, settings.max_bytes, settings.max_age,
            settings.cleanup_interval)
        self.flights = Flights()
        self.tally = Tally()
        #: The last failure that was caught while a page rendered, by the row
        #: id of the page.  It is the last line of a traceback, and may contain
        #: secrets.
        self.failures = {}
        #: Requests that were not answered from memory.
        self.journal = Journal()
        #: The last failure of each policy: time (seconds since 1970),
        #: expression, and last line of the traceback, which may contain
        #: secrets.
        self.policy_failures = {}
        #: The URL of a page that differs between visitors although a policy
        #: gives them the same ETag, by policy.
        self.policies_without_user = {}
        #: Published views without an association.
        self.lately = Lately()
        #: Published templates without an association, by path.
        self.lately_templates = Lately()
        #: Hits that were rendered again.
        self.audits = Audits()
        #: Pages that are rendered again after a commit that dropped them.
        self.hot = HotPages()
        #: The time when counting began, seconds since 1970.
        self.since = time.time()
        self._stored_before = self.pages.counts()
        self._had_kept_pages = False
        self.used_at = time.monotonic()
        self._shared_rests_until = 0

    @property
    def settings(self):
        """The settings in force."""
        return self.in_force[1]

    @property
    def has_kept_pages(self):
        """Whether any page was stored or found since the process started."""
        return self._had_kept_pages or any(
            word in ('HIT', 'MISS') for word, _ in self.tally.counts())

    def stored(self):
        """Return the numbers of the store; its counters start at `since`."""
        counts = self.pages.counts()
        return counts._replace(**{
            name: getattr(counts, name) - getattr(self._stored_before, name)
            for name in _COUNTERS})

    def reset(self):
        """Start all counters again; stored pages stay, with their counters.
        """
        self._had_kept_pages = self.has_kept_pages
        self.policies_without_user.clear()
        for counters in (
                self.tally, self.journal, self.lately, self.lately_templates):
            counters.reset()
        self._stored_before = self.pages.counts()
        self.since = time.time()

    def page_failed(self, page_id, line):
        """Record the last failure of a page."""
        row = row_id(page_id)
        self.failures.pop(row, None)
        self.failures[row] = line
        for oldest in [*self.failures][:-MAX_FAILURES]:
            self.failures.pop(oldest, None)

    def policy_failed(self, policy_id, expression, line):
        """Record the last failure of a policy."""
        self.policy_failures[policy_id] = time.time(), expression, line
        if len(self.policy_failures) > MAX_FAILURES:
            self.policy_failures.clear()

    def policy_names_no_user(self, policy_id, url):
        """Record that visitors with the same ETag see different pages."""
        if len(self.policies_without_user) < MAX_FAILURES:
            self.policies_without_user[policy_id] = url

    def configure(self, settings, serial):
        """Use `settings` unless they are older than the settings in force.
        """
        if serial <= self.in_force[0]:
            return
        # a lock of its own, since the eviction of many pages takes seconds
        with self._configuring:
            if serial <= self.in_force[0]:
                return
            self.pages.configure(
                settings.threshold, settings.max_bytes, settings.max_age,
                settings.cleanup_interval)
            self.in_force = serial, settings
        logger.info('Settings in force: %s', settings)

    def forget_template(self, template):
        """Drop the pages under the path of a template; return their number.
        """
        return self.forget({path_of(template)})

    def forget(self, names):
        """Drop the pages that `names` stand for; return their number.

        Names are paths of templates or contexts, and ids of report rows; other
        names drop nothing.  Cost: proportional to the number of dropped pages.
        With ids of rows, or paths that end in a slash: proportional to the
        number of stored pages.
        """
        rows = {name for name in names if is_row_id(name)}
        folders = tuple(filter(is_below, names))
        paths = set(names) - rows - set(folders)
        removed = sum(map(self.pages.remove_path, paths))
        if rows or folders:
            removed += sum(
                self.pages.remove_page(page) for page in self.pages.page_ids()
                if f'{page[1]}/'.startswith(folders) or row_id(page) in rows)
        return removed

    def purge(self):
        """Drop all pages."""
        self.pages.purge()
        self.flights.forget()

    def shared_store(self, settings, generation):
        """Return the store that other processes share, or None.

        Raises errors of the site's cache chooser.
        """
        if settings.store == 'process' or (
                time.monotonic() < self._shared_rests_until):
            return None
        cache = site_cache()
        return None if cache is None else MemoizeStore(
            cache, generation, settings.max_age, settings.max_page_bytes)

    def rest_shared_store(self):
        """Do not use the shared store for a while, after its failure."""
        self._shared_rests_until = time.monotonic() + REST_SECS


def cache_and_settings(manager):
    """Return the :class:`ManagerCache` of `manager`, and the settings that
    the manager has in its own connection.

    Settings that this transaction changed do not yet change the bounds of the
    cache, since the transaction may be aborted.
    """
    name = manager._uid or manager.cache_name()
    cache = _caches.get(name)
    if cache is None:
        cache = _make(name)
    cache.used_at = time.monotonic()
    is_saved = is_committed(manager)
    serial, settings = cache.in_force
    if not is_saved or serial != manager._p_serial:
        settings = stored(manager._settings)
        if is_saved:
            cache.configure(settings, manager._p_serial)
    return cache, settings


def cache_of(manager):
    """Return the :class:`ManagerCache` of `manager`."""
    return cache_and_settings(manager)[0]


def all_caches():
    """Return the caches of all managers in this process."""
    with _lock:
        return list(_caches.values())


def is_active(settings):
    """Return whether `settings` let pages be cached in this process."""
    if settings.active == 'on_in_production':
        return not getConfiguration().debug_mode
    return settings.active == 'on_always'


def _make(name):
    with _lock:
        _drop_idle()
        if name not in _caches:
            _caches[name] = ManagerCache(Settings())
        return _caches[name]


def _drop_idle():
    oldest = time.monotonic() - IDLE_SECS
    for name in [n for n, c in _caches.items() if c.used_at < oldest]:
        del _caches[name]


def drop_after_commit(name):
    """Drop the cache of a manager after the commit."""
    after_commit(name, lambda cache: _drop(name))


def _drop(name):
    with _lock:
        _caches.pop(name, None)


def after_commit(name, act, *args):
    """Call `act` with a manager's cache and `args` after a commit.

    Without a commit, or without a cache, nothing is called.
    """
    transaction.get().addAfterCommitHook(_act, (name, act, args))


def _act(succeeded, name, act, args):
    cache = _caches.get(name)
    if succeeded and cache is not None:
        act(cache, *args)


def forget_all():
    """Drop the caches of all managers, as a restart does."""
    with _lock:
        _caches.clear()
    recent_answers.clear()
    log_limit.forget()
