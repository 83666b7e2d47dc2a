"""The state of the cache: active or not, its store, its size and limits."""
from ..core.attempt import FAILED
from ..core.attempt import attempt
from ..core.key import digest
from ..core.report.statistics import number_text
from ..core.report.statistics import size_text
from ..core.settings import BY_NAME
from ..key.versions import changed_at
from ..key.versions import version_of
from ..manager import caches
from ..manager.associated import count
from ..manager.memoize_store import site_cache
from .page import moment
from .set_up import problem_of
from .translation import _


def state_of(manager, settings, steps):
    """Return the state of the cache, with the problem if it is inactive.

    `steps` is the result of :func:`.set_up.steps_of`.
    """
    mark = manager._purged
    version = mark is not None and version_of(mark)
    problem = _problem(manager, settings) or problem_of(steps)
    return {
        'active': not problem,
        'problem': problem,
        'purged': (
            moment(changed_at(mark)) if mark is not None and mark.value
            else _('never')),
        'generation': digest(f'{manager.cache_name()} {version}'),
        'store': _(dict(BY_NAME['store'].choices)[settings.store]),
        'shared': _shared_problem(settings),
        'associated': count(manager),
    }


def _problem(manager, settings):
    """Return the reason why nothing is cached, '' for none."""
    if settings.active == 'off':
        return _('Caching is switched off.')
    if not caches.is_active(settings):
        return _('Caching is on in production only, but this Zope runs in '
                 'debug mode.')
    return ''


def _shared_problem(settings):
    """Return the reason why processes cannot share pages, '' for none."""
    if settings.store == 'process':
        return ''
    cache = attempt(None, 'ICacheChooser', site_cache)
    if cache is FAILED:
        return _("The site's ICacheChooser failed. See the event log.")
    return '' if cache is not None else _(
        "The site's ICacheChooser returns no cache.")


def gauges(manager, settings):
    """Return the size of the store of this process, with its limits."""
    counts = caches.cache_of(manager).pages.counts()
    return [
        _gauge(_('Entries'), counts.entries, settings.threshold,
               number_text),
        _gauge(_('Memory'), counts.bytes, settings.max_bytes,
               size_text)]


def _gauge(title, value, limit, spell):
    return {
        'title': title,
        'text': _('${value} of ${limit}', mapping={
            'value': spell(value), 'limit': spell(limit)}),
        'percent': f'{min(100 * value / limit, 100):.1f}'}
