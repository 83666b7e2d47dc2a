"""The Statistics screen: the counters and pages of this process."""
import os
import socket
import time
from dataclasses import asdict
from dataclasses import replace

from ..core.key import row_id
from ..core.reasons import explained
from ..core.report import statistics as figures
from ..core.report.typed_url import MAX_LENGTH
from ..core.settings import stored
from ..manager import caches
from . import audit
from . import charts
from . import history
from . import set_up
from . import uncached
from .page import cut
from .page import cut_in_the_middle
from .page import explain_url
from .page import moment
from .page import render
from .page import template
from .state import gauges
from .state import state_of
from .translation import _


HEADERS = (
    ('template_path', _('Template')), ('context_path', _('Context')),
    ('url', _('URL')), ('hits', _('Hits')), ('misses', _('Misses')),
    ('entries', _('Entries')), ('size', _('Size')), ('age', _('Age')))

#: The minimum hit ratio, its colour, and its meaning in a word and a sentence.
_VERDICTS = (
    (.8, 'success', _('good'), _('Most pages come from memory.')),
    (.5, 'warning', _('fair'), _('Many pages are still rendered.')),
    (0, 'danger', _('low'), _('Most pages are rendered.')))

#: With fewer hits and misses the ratio has no verdict.
_MIN_JUDGED = 20

#: Meaning and advice for renders without a :class:`.Reason`.
_RENDERS = {
    '': (
        _('No version of the page was stored for this visitor: nobody had '
          'asked for it, or it expired, was evicted to free memory, or was '
          'purged.'),
        _('No action needed, unless evictions are frequent: then raise '
          '"Maximum memory" or "Maximum entries" on the Properties tab.')),
    'not-modified': (
        _('The page was rendered, and is the same as the copy that the '
          'browser holds, so the answer was 304.'),
        _('No action needed.'))}

_page = template('statistics.zpt')


def statistics(manager, request, message='', kind='success'):
    """Return the Statistics screen."""
    cache = caches.cache_of(manager)
    settings = stored(manager._settings)
    counts = cache.tally.counts()
    totals = figures.totals(counts)
    view = figures.read_view(request.form)
    chosen = figures.select(cache.pages.report(), view)
    view = replace(view, page=chosen.page)
    return render(
        _page, manager, request, 'Statistics', message, kind,
        process=_process(cache.since),
        summary=summary(totals, cache.journal.mean_secs()),
        state=state_of(
            manager, settings, set_up.steps_of(manager, request)),
        shares=_shares(totals),
        ratio=_ratio(totals),
        not_modified=figures.number_text(totals.not_modified),
        gauges=gauges(manager, settings),
        tiles=_tiles(totals, cache.stored()),
        charts=charts.over_time(cache.tally),
        kinds=charts.KINDS,
        templates=charts.of_templates(cache.tally),
        uncached=uncached.rows_of(manager),
        tables=list(_tables(manager, cache, counts)),
        audit=audit.of_manager(cache, settings, counts),
        view=asdict(view),
        view_names=list(asdict(view)),
        export=view.query(page=1, size=figures.SIZES[0]),
        headers=_column_headers(view),
        rows=[_row(manager, request, row) for row in chosen.rows],
        sizes=figures.SIZES,
        matching=figures.number_text(chosen.matching),
        total=figures.number_text(chosen.total),
        is_empty=not chosen.total,
        pages=_page_links(chosen, view))


def _tables(manager, cache, counts):
    """Yield the tables of reasons that have rows."""
    for title, word, found in (
            (_('Why pages were rendered'), 'MISS', figures.renders(counts)),
            (_('Reasons why pages were not cached, or only for a short time'),
             None, figures.reasons(counts))):
        rows = [
            _reason(manager, cache, detail, count, word)
            for detail, count in found]
        if rows:
            yield {'title': title, 'rows': rows}


def _reason(manager, cache, detail, count, word=None):
    """Return the row of a reason, with its last requests."""
    meaning, advice = _RENDERS.get(detail) or explained(detail)
    return {
        'word': detail or _('new'),
        'count': figures.number_text(count),
        'meaning': _(meaning),
        'advice': _(advice),
        'last': cut(['', *cache.failures.values()][-1]) if (
            detail == 'render-error') else '',
        'requests': history.of_reason(manager, cache.journal, detail, word)}


def _process(since):
    return {
        'host': socket.gethostname(),
        'id': os.getpid(),
        'since': moment(since),
        'age': figures.age_text(time.time() - since)}


def summary(totals, mean_secs):
    """Return the benefit of the cache in a sentence, '' without requests.
    """
    if not totals.requests:
        return ''
    part = figures.percent_text(totals.hits / totals.requests)
    if not totals.hits or mean_secs is None:
        return _('${part} of the requests were answered from memory.',
                 mapping={'part': part})
    return _('${part} of the requests were answered from memory. That saved '
             'about ${time} of rendering.', mapping={
                 'part': part,
                 'time': figures.span_text(totals.hits * mean_secs)})


def _ratio(totals):
    """Return the hit ratio and its verdict."""
    if totals.hits + totals.misses < _MIN_JUDGED:
        color, word, text = 'secondary', _('too early'), _(
            'It takes ${number} hits and misses to judge.', mapping={
                'number': _MIN_JUDGED})
    else:
        color, word, text = next(
            verdict for least, *verdict in _VERDICTS
            if totals.ratio >= least)
    return {'value': figures.percent_text(totals.ratio), 'color': color,
            'word': word, 'text': text}


def _shares(totals):
    """Return the outcomes of requests, as shares of all requests."""
    kinds = (
        (_('Hits'), totals.hits, 'success'),
        (_('Misses'), totals.misses, 'warning'),
        (_('No ETag'), totals.no_etag, 'info'),
        (_('Bypassed'), totals.bypassed, 'secondary'),
        (_('Off'), totals.off, 'dark'))
    return [
        {'title': title, 'count': figures.number_text(count), 'color': color,
         'percent': f'{100 * count / max(totals.requests, 1):.2f}'}
        for title, count, color in kinds]


def _tiles(totals, counts):
    number = figures.number_text
    yield _tile(_('Uncompressed copies'), figures.size_text(
        counts.spare), _('of this memory'))
    yield _tile(_('Evictions'), number(counts.evictions), _('to free memory'))
    yield _tile(_('Expirations'), number(counts.expirations), _('too old'))
    yield _tile(_('Rejections'), number(counts.rejections), _('not stored'))
    yield _tile(
        _('Failed requests'), number(totals.failed), _('by exception'))
    yield _tile(
        _('Retries'), number(totals.retried), _('after a conflict'))
    yield _tile(_('Errors'), number(totals.errors), _('inside the cache'))
    yield _tile(
        _('Hot pages'), number(totals.ahead),
        _('rendered before anybody asked'))


def _tile(title, value, note):
    return {'title': title, 'value': value, 'note': note}


def _column_headers(view):
    directions = {'asc': 'ascending', 'desc': 'descending'}
    hints = {'asc': _('Sort ascending'), 'desc': _('Sort descending')}
    for name, title in HEADERS:
        is_sorted = name == view.sort
        order = view.order_after_click(name)
        yield {
            'name': name,
            'title': title,
            'is_number': name in figures.NUMBERS,
            'sorted': directions[view.order] if is_sorted else None,
            'hint': hints[order],
            'query': view.query(sort=name, order=order, page=1)}


def _row(manager, request, row):
    page = row['template_path'], row['context_path'], row['url']
    url = cut_in_the_middle(figures.readable_url(row['url']))
    return {
        **row,
        'row': row_id(page),
        **_hints(url),
        'explain': explain_url(manager, row['url']),
        **{name: cut(row[name])
           for name in ('template_path', 'context_path')},
        'url': url,
        # a client chose the host: no link may lead to another site
        'open': row['url'] if row['url'].startswith(
            f'{request["SERVER_URL"]}/') and (
                len(row['url']) <= MAX_LENGTH) else '',
        'hits': figures.number_text(row['hits']),
        'misses': figures.number_text(row['misses']),
        'entries': figures.number_text(row['entries']),
        'size': figures.size_text(row['size']),
        'age': figures.age_text(time.time() - row['created'])}


def _hints(url):
    """Return the labels of a row's controls for screen readers."""
    row = {'url': url}
    return {
        'select_hint': _('Select ${url}', mapping=row),
        'open_hint': _('Open ${url}', mapping=row),
        'explain_hint': _('Explain ${url}', mapping=row)}


def _page_links(chosen, view):
    before = 0
    for number in chosen.neighbours():
        yield {
            'number': number,
            'is_current': number == chosen.page,
            'has_gap': number > before + 1,
            'query': view.query(page=number)}
        before = number
