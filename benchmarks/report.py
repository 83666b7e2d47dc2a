"""Reports the figures of all programs: in short, and for the docs."""
import os
import platform
from pathlib import Path
from typing import NamedTuple

import cmfsite
import pages
import picture
from pages import CPU


#: The files of the tables in the documentation.
TABLE, PLONE_TABLE = '_performance_table.rst', '_performance_plone_table.rst'


class Row(NamedTuple):
    """A figure by elapsed time or another unit, and its twin by CPU time."""

    figure: object
    cpu: object

    @property
    def verdict(self):
        both = {each.verdict for each in self if each is not None}
        return 'short' if 'short' in both else self.figure.verdict


def paired(figures):
    """Yield a :class:`Row` for each figure, twins together."""
    twins = {
        (each.part, each.name): each for each in figures
        if each.name.endswith(CPU)}
    for each in figures:
        if not each.name.endswith(CPU):
            yield Row(each, twins.get((each.part, each.name + CPU)))


def with_target(figures):
    return [row for row in paired(figures) if row.figure.target]


# in short

def show(figures):
    """Print all figures that have a target, and whether it is reached."""
    rows = with_target(figures)
    print(f'\n{"":42} {"":10} {"wall":>8} {"CPU":>8} {"target":>9}')
    part = None
    for row in rows:
        figure = row.figure
        if figure.part != part:
            part = figure.part
            print(part)
        cpu = '' if row.cpu is None else f'{row.cpu.value:.4g}'
        print(f'  {figure.name:40} {figure.unit:10} {figure.value:8.4g} '
              f'{cpu:>8} {figure.target:>9} {row.verdict}')
    reached = sum(row.verdict == 'pass' for row in rows)
    print(f'\n{reached} of {len(rows)} targets are reached')


# for the documentation

def write(figures, folder, table=TABLE):
    """Write the tables and the picture that the documentation includes."""
    (folder / table).write_text(
        tables(figures), encoding='utf-8')
    bars = contenders(figures)
    if bars:
        (folder / 'performance.svg').write_text(picture.draw(
            'Time of a whole request, in process, as a multiple of the floor',
            [part.name for part in pages.PARTS], bars), encoding='utf-8')


def tables(figures):
    """Return all figures as tables of reStructuredText."""
    lines = [f'Measured on {machine()}.', '']
    parts = {}
    for row in paired(figures):
        parts.setdefault(row.figure.part, []).append(row)
    lines += table('Targets', with_target(figures), with_part=True)
    for part, rows in parts.items():
        lines += table(part[0].upper() + part[1:], rows)
    return '\n'.join(lines)


def table(title, rows, with_part=False):
    """Return the lines of a table of rows, none if there are no rows.

    `with_part` adds a column for the part of each figure.
    """
    if not rows:
        return []
    lines = [f'.. list-table:: {title}', '   :header-rows: 1', '']
    head = ['', 'unit', 'median', 'quartiles', 'CPU', 'target', '']
    body = [cells(row) for row in rows]
    if with_part:
        head.insert(0, '')
        body = [
            [row.figure.part, *line]
            for row, line in zip(rows, body, strict=True)]
    for line in head, *body:
        for place, cell in enumerate(line):
            mark = '     -' if place else '   * -'
            lines.append(f'{mark} {cell}'.rstrip())
    return [*lines, '']


def cells(row):
    figure, cpu = row
    quartiles = '' if figure.low is None else (
        f'{figure.low:.3g} to {figure.high:.3g}')
    value = f'{figure.value:.0f}' if figure.unit == 'bytes' else (
        f'{figure.value:.3g}')
    return [
        figure.name, figure.unit, value, quartiles,
        '' if cpu is None else f'{cpu.value:.3g}', figure.target,
        row.verdict or figure.note]


def contenders(figures):
    """Return the bars of the picture, the cheapest contender first."""
    found = {}
    for number, part in enumerate(pages.PARTS):
        heading = pages.heading_of(cmfsite.KINDS[0], part)
        for figure in figures:
            if (figure.part == heading and figure.unit == 'x floor'
                    and not figure.name.endswith(CPU)):
                values = found.setdefault(
                    figure.name, [None] * len(pages.PARTS))
                values[number] = figure.value
    rows = [picture.Bars(name, tuple(each)) for name, each in found.items()]
    return sorted(rows, key=lambda row: row.values[0] or 0)


def machine():
    """Return the machine and Python, on which the figures depend."""
    return (
        f'{os.cpu_count()} cores of {_processor()}, {platform.system()}, '
        f'Python {platform.python_version()}')


def _processor():
    try:
        for line in Path('/proc/cpuinfo').read_text().splitlines():
            if line.startswith('model name'):
                return ' '.join(line.partition(':')[2].split())
    except OSError:
        pass
    return platform.machine()
