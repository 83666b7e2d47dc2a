"""Draws figures as bars: the cost of each contender in floors.

The scale is logarithmic.  Each bar begins at the floor; that of a faster
contender goes to the left.  The picture has a background of its own and
follows the reader's choice of light or dark.
"""
import math
from typing import NamedTuple
from xml.sax.saxutils import escape


LEFT, RIGHT, TOP, BOTTOM = 210, 60, 62, 34
WIDTH = 760
BAR, GAP = 11, 12

TICKS = (0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)

_STYLE = '''
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600 }
.small { font-size: 11px; fill: #57606a }
.back { fill: #ffffff; stroke: #d0d7de }
.tick { stroke: #d8dee4 }
.floor { stroke: #57606a; stroke-width: 1.5 }
.s0 { fill: #1f6feb } .s1 { fill: #8250df } .s2 { fill: #bf8700 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .title { font-weight: 600 }
.small { fill: #9198a1 }
  .back { fill: #161b22; stroke: #30363d }
  .tick { stroke: #30363d }
  .floor { stroke: #9198a1 }
  .s0 { fill: #58a6ff } .s1 { fill: #bc8cff } .s2 { fill: #d29922 }
}
'''


class Bars(NamedTuple):
    """One contender, and its value in each series, None if it is missing."""

    name: str
    values: tuple


def draw(title, series, rows):
    """Return the picture of all `rows` as SVG; `series` are names."""
    values = [v for row in rows for v in row.values if v is not None]
    low, high = bounds(values)
    inner = WIDTH - LEFT - RIGHT
    step = BAR * len(series) + GAP
    bottom = TOP + step * len(rows)

    def x(value):
        return LEFT + inner * math.log(value / low) / math.log(high / low)

    parts = [text(20, 26, title, 'title')]
    for number, name in enumerate(series):
        at = LEFT + 150 * number
        parts.append(bar(at, 36, 12, 12, number))
        parts.append(text(at + 18, 47, name, 'small'))
    for tick in TICKS:
        if low <= tick <= high:
            parts.append(line(
                x(tick), TOP, bottom, 'floor' if tick == 1 else 'tick'))
            label = 'floor' if tick == 1 else f'{tick:g} x'
            parts.append(text(x(tick), bottom + 18, label, 'small', 'middle'))
    for place, row in enumerate(rows):
        parts += row_of(row, TOP + GAP / 2 + step * place, x)
    return '\n'.join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}"'
        f' height="{bottom + BOTTOM}"'
        f' viewBox="0 0 {WIDTH} {bottom + BOTTOM}" role="img">',
        f'<title>{escape(title)}</title>',
        f'<style>{_STYLE}</style>',
        f'<rect class="back" x="0.5" y="0.5" width="{WIDTH - 1}"'
        f' height="{bottom + BOTTOM - 1}" rx="6"/>',
        *parts, '</svg>', ''])


def bounds(values):
    """Return the ends of the scale, so that it holds all values."""
    low = max(
        (t for t in TICKS if t <= min(values) * 0.95), default=TICKS[0])
    high = max(*values, 2) * 1.1
    return low, high


def row_of(row, top, x):
    """Yield a contender's name, and its bars with their values."""
    shown = [n for n, value in enumerate(row.values) if value is not None]
    yield text(
        LEFT - 12, top + BAR * len(row.values) / 2 + 4, row.name,
        anchor='end')
    for number in shown:
        value = row.values[number]
        y = top + BAR * number
        begin, end = sorted((x(1), x(value)))
        yield bar(begin, y, max(end - begin, 1.5), BAR - 2, number)
        yield text(end + 5, y + BAR - 2, f'{value:.3g}', 'small')


def text(x, y, words, kind='', anchor='start'):
    kind = f' class="{kind}"' if kind else ''
    return (
        f'<text{kind} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
        f'{escape(words)}</text>')


def bar(x, y, width, height, series):
    return (
        f'<rect class="s{series}" x="{x:.1f}" y="{y:.1f}"'
        f' width="{width:.1f}" height="{height}" rx="1.5"/>')


def line(x, top, bottom, kind):
    return (
        f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{top}"'
        f' y2="{bottom}"/>')
