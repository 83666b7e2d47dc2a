"""The pictures of the Statistics screen: numbers, and where bars stand.

The template draws them as SVG of its own and shows the numbers beside them.
"""
import time

from ..core.report.statistics import number_text
from ..core.report.statistics import span_text
from .page import cut


#: The size of a picture over time, in units of its own.
WIDTH, HEIGHT = 600, 100

#: So many templates and views are shown.
MAX_TEMPLATES = 10

#: Colours are classes of screens.css; bars stand on each other in this order.
KINDS = (
    ('hits', 'Hits', 'pcm-hits'), ('misses', 'Misses', 'pcm-misses'),
    ('others', 'Others', 'pcm-others'))


def over_time(tally):
    """Return the pictures of requests by minute and by hour."""
    return [
        _picture('Last hour, by minute', 'minute', tally.minutes(), '%H:%M'),
        _picture(
            'Last 24 hours, by hour', 'hour', tally.hours(), '%m-%d %H:%M')]


def _picture(title, unit, spans, form):
    most = max(span.sums.requests for span in spans)
    bars = [
        {**_bar(place, len(spans), span.sums, max(most, 1)),
         'at': time.strftime(form, time.localtime(_began(span))),
         **{name: number_text(getattr(span.sums, name))
            for name, _, _ in KINDS},
         'is_empty': not span.sums.requests}
        for place, span in enumerate(spans)]
    sums = ', '.join(
        f'{name} '
        f'{number_text(sum(getattr(span.sums, name) for span in spans))}'
        for name, _, _ in KINDS)
    return {
        'title': title,
        'unit': unit,
        'summary': f'{title}: {sums}.',
        'most': f'Most in one {unit}: {number_text(most)}',
        'begin': bars[0]['at'],
        'end': bars[-1]['at'],
        'bars': bars,
        'rows': [bar for bar in reversed(bars) if not bar['is_empty']]}


def _began(span):
    """Return when a span began, in seconds since 1970, at a full minute.

    The clock may have been corrected since counting began.
    """
    return round((time.time() - span.ago) / 60) * 60


def _bar(place, count, sums, most):
    """Return the rectangles of a stacked bar, the hits at the bottom."""
    step, top, parts = WIDTH / count, HEIGHT, []
    for name, _, kind in KINDS:
        height = HEIGHT * getattr(sums, name) / most
        top -= height
        if height:
            parts.append({
                'class': kind,
                'y': f'{max(top, 0):.2f}', 'height': f'{height:.2f}'})
    return {
        'x': f'{place * step + step * .1:.2f}', 'width': f'{step * .8:.2f}',
        'parts': parts}


def of_templates(tally):
    """Return the mean times of templates and views, the dearest first."""
    dearest = sorted(
        tally.times().items(), key=lambda item: (-item[1].render_secs, item))
    rows = [
        (path, times, _mean(times.render_secs, times.renders),
         _mean(times.hit_secs, times.hits))
        for path, times in dearest[:MAX_TEMPLATES]]
    longest = max((
        secs for _, _, *means in rows for secs in means if secs), default=1)
    return [
        {'path': cut(path),
         'renders': number_text(times.renders),
         'render': _secs_text(render),
         'render_width': _width(render, longest),
         'hits': number_text(times.hits),
         'hit': _secs_text(hit),
         'hit_width': _width(hit, longest),
         'faster': f'{number_text(round(render / hit))}\u00a0times' if (
             render and hit and render >= hit) else '\u2013'}
        for path, times, render, hit in rows]


def _mean(secs, count):
    return secs / count if count else None


def _secs_text(secs):
    return '\u2013' if secs is None else span_text(secs)


def _width(secs, longest):
    return f'{100 * (secs or 0) / longest:.2f}'
