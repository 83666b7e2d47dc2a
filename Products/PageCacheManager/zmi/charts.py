"""The charts of the Statistics screen: numbers, and positions of bars.

The template draws them as SVG, and shows the numbers beside them.
"""
import time

from ..core.report.statistics import number_text
from ..core.report.statistics import span_text
from .page import cut
from .translation import _


#: The size of a chart over time, in units of its SVG.
WIDTH, HEIGHT = 600, 100

#: The maximum number of templates and views in the chart.
MAX_TEMPLATES = 10

#: Name, title and class of screens.css.  Bars are stacked in this order.
KINDS = (
    ('hits', _('Hits'), 'pcm-hits'), ('misses', _('Misses'), 'pcm-misses'),
    ('others', _('Others'), 'pcm-others'))

#: The title of a chart, the text about its highest bar, and the caption of
#: its table.
_MINUTES = (
    _('Last hour, by minute'), _('Most in one minute: ${number}'),
    _('Newest first. Minutes without requests are left out.'))
_HOURS = (
    _('Last 24 hours, by hour'), _('Most in one hour: ${number}'),
    _('Newest first. Hours without requests are left out.'))

#: The description of a chart, and of each bar.
_SUMS = _('${of}: hits ${hits}, misses ${misses}, others ${others}.')


def over_time(tally):
    """Return the charts of requests by minute and by hour."""
    return [
        _picture(_MINUTES, tally.minutes(), '%H:%M'),
        _picture(_HOURS, tally.hours(), '%m-%d %H:%M')]


def _picture(texts, spans, form):
    title, highest, caption = texts
    most = max(span.sums.requests for span in spans)
    bars = []
    for place, span in enumerate(spans):
        at = time.strftime(form, time.localtime(_began(span)))
        numbers = _numbers([span])
        bars.append({
            **_bar(place, len(spans), span.sums, max(most, 1)), **numbers,
            'at': at, 'title': _(_SUMS, mapping={'of': at, **numbers}),
            'is_empty': not span.sums.requests})
    return {
        'title': title,
        'summary': _(_SUMS, mapping={'of': title, **_numbers(spans)}),
        'caption': caption,
        'most': _(highest, mapping={'number': number_text(most)}),
        'begin': bars[0]['at'],
        'end': bars[-1]['at'],
        'bars': bars,
        'rows': [bar for bar in reversed(bars) if not bar['is_empty']]}


def _numbers(spans):
    return {
        kind[0]: number_text(sum(getattr(one.sums, kind[0]) for one in spans))
        for kind in KINDS}


def _began(span):
    """Return the start of a span, in seconds since 1970, at a full minute.

    It is computed from the current time, because the clock may have been
    corrected since counting began.
    """
    return round((time.time() - span.ago) / 60) * 60


def _bar(place, count, sums, most):
    """Return the rectangles of a stacked bar, the hits at the bottom."""
    step, top, parts = WIDTH / count, HEIGHT, []
    for name, _title, kind in KINDS:
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
    """Return the mean times of templates and views.

    The first ones took the longest time to render in all.
    """
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
         'faster': _('${number} times', mapping={
             'number': number_text(round(render / hit))}) if (
                 render and hit and render >= hit) else '\u2013',
         'pair': _('Render ${render}, hit ${hit}', mapping={
             'render': _secs_text(render), 'hit': _secs_text(hit)})}
        for path, times, render, hit in rows]


def _mean(secs, count):
    return secs / count if count else None


def _secs_text(secs):
    return '\u2013' if secs is None else span_text(secs)


def _width(secs, longest):
    return f'{100 * (secs or 0) / longest:.2f}'
