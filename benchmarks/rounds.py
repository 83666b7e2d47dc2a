"""Measures in rounds, and gives the results as ratios.

The contenders take turns in random order within each round, so that a noisy
machine disturbs all alike.  A figure is the median of the ratios within a
round, with the quartiles.  The result of a program is a list of figures, which
``run.py`` compares with the targets.
"""
import argparse
import json
import random
import statistics
import time
from pathlib import Path
from typing import NamedTuple


class Figure(NamedTuple):
    """One result of a measurement."""

    #: Its heading: ``in process, anonymous``.
    part: str
    #: The measured contender or action: ``HIT``.
    name: str
    value: float
    #: ``x floor``, ``ms``, ``bytes`` ...
    unit: str
    #: The quartiles, None if there is only one value.
    low: float | None = None
    high: float | None = None
    at_most: float | None = None
    at_least: float | None = None
    #: A remark, such as the absolute value.
    note: str = ''

    @property
    def target(self):
        """The target as people read it, '' without a target."""
        if self.at_most is not None:
            return f'<= {self.at_most:g}'
        return f'>= {self.at_least:g}' if self.at_least is not None else ''

    @property
    def verdict(self):
        """``pass``, ``short`` or, without a target, ''."""
        if not self.target:
            return ''
        missed = (
            self.value > self.at_most if self.at_most is not None
            else self.value < self.at_least)
        return 'short' if missed else 'pass'


class Times(NamedTuple):
    """Seconds that one call of an action takes."""

    wall: float
    cpu: float


def timed(action, count):
    """Return a function that times `count` calls of `action` together."""
    def run():
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(count):
            action()
        return Times(
            (time.perf_counter() - wall) / count,
            (time.process_time() - cpu) / count)
    return run


def measure(actions, rounds):
    """Call each of `actions`, by name, once a round; return all results."""
    names = list(actions)
    found = {name: [] for name in names}
    for _ in range(rounds):
        random.shuffle(names)
        for name in names:
            found[name].append(actions[name]())
    return found


def ratios(these, those):
    """Return the ratios within each round."""
    return [a / b for a, b in zip(these, those, strict=True)]


def spread(values):
    """Return median and quartiles."""
    low, middle, high = statistics.quantiles(values, n=4)
    return middle, low, high


def ratio_figure(part, name, unit, these, those, **target):
    """Return the :class:`Figure` of the ratios within each round."""
    middle, low, high = spread(ratios(these, those))
    return Figure(part, name, middle, unit, low, high, **target)


def show(figures):
    """Print figures as a table, part by part."""
    part = None
    for figure in figures:
        if figure.part != part:
            part = figure.part
            print(f'\n{part}')
        quartiles = (
            '' if figure.low is None
            else f'{figure.low:.4g} - {figure.high:.4g}')
        print(f'  {figure.name:44} {figure.value:10.4g} {figure.unit:10} '
              f'{quartiles:18} {figure.target:8} {figure.verdict:5} '
              f'{figure.note}'.rstrip(), flush=True)


def write(figures, path):
    """Write figures to a file, for :func:`read`."""
    Path(path).write_text(json.dumps([figure._asdict() for figure in figures]))


def read(path):
    """Return the figures in a file."""
    return [Figure(**values) for values in json.loads(Path(path).read_text())]


def main(doc, figures, **counts):
    """Run a program with the options of the command line; show its figures.

    `doc` is the docstring of the program, and `figures` gives its figures for
    the options.  Each of `counts` is an option of its own, such as
    ``rounds=(15, 61)``: its value with ``--quick``, and without.
    """
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument('--json', help='file for the figures')
    parser.add_argument('--quick', action='store_true')
    for name, (few, many) in counts.items():
        parser.add_argument(
            f'--{name}', type=int, help=f'{many}, with --quick {few}')
    options = parser.parse_args()
    for name, (few, many) in counts.items():
        if not getattr(options, name):
            setattr(options, name, few if options.quick else many)
    found = figures(options)
    show(found)
    if options.json:
        write(found, options.json)
