"""Templates and views that are not associated, sorted by render time."""
from ..core.report.statistics import number_text
from ..core.report.statistics import span_text
from ..manager import caches
from .page import cut
from .translation import _
from .views import is_offered


#: The maximum number of rows.
MAX_ROWS = 10

#: The labels of the kinds.
_KINDS = {'view': _('view'), 'template': _('template')}

#: The screen that associates each kind, and the label of its link.
_SCREENS = {
    'view': ('manage_views#recent', _('Views tab')),
    'template': ('ZCacheManager_associate', _('Associate tab'))}


def dearest(manager):
    """Return pairs of kind and :class:`.Seen` that can be associated.

    The first ones took the longest time to render in all.
    """
    cache, associations = caches.cache_of(manager), manager.associations()
    found = [
        ('view', seen) for seen in cache.lately.dearest()
        if is_offered(associations, seen.name, seen.kind)]
    found += [
        ('template', seen) for seen in cache.lately_templates.dearest()]
    found.sort(key=lambda item: -item[1].secs)
    rows = []
    for kind, seen in found:
        if kind == 'view' or not _is_associated(manager, seen.name):
            rows.append((kind, seen))
        if len(rows) == MAX_ROWS:
            break
    return rows


def rows_of(manager):
    """Return the rows of the Statistics screen."""
    return [
        {'kind': _KINDS[kind],
         'name': cut(seen.name),
         'content': cut(seen.kind) or '\u2013',
         'renders': number_text(seen.renders),
         'secs': span_text(seen.secs),
         'mean': span_text(seen.secs / seen.renders),
         'url': f'{manager.absolute_url()}/{_SCREENS[kind][0]}',
         'button': _SCREENS[kind][1],
         'hint': _('Associate ${name} on the ${tab}', mapping={
             'name': cut(seen.name), 'tab': _SCREENS[kind][1]})}
        for kind, seen in dearest(manager)]


def _is_associated(manager, path):
    """Return whether a template was associated or deleted meanwhile."""
    ask = getattr(
        manager.unrestrictedTraverse(path, None), 'ZCacheable_getManagerId',
        None)
    return ask is None or bool(ask())
