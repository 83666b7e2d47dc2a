"""Measuring in rounds, and comparing figures with targets."""
import sys

import pytest
import rounds
from rounds import Figure
from stopwatch import Stopwatch


@pytest.mark.parametrize(('value', 'target', 'verdict'), [
    (1.3, {'at_most': 1.3}, 'pass'),
    (1.31, {'at_most': 1.3}, 'short'),
    (3.0, {'at_least': 3}, 'pass'),
    (2.9, {'at_least': 3}, 'short'),
    (9.9, {}, ''),
])
def test_verdict_when_value_is_held_against_target(value, target, verdict):
    assert Figure('part', 'HIT', value, 'x floor', **target).verdict == verdict


def test_target_of_zero_when_something_must_not_happen():
    figure = Figure('part', 'name', 1, 'renders', at_most=0)
    assert (figure.target, figure.verdict) == ('<= 0', 'short')


def test_measure_when_there_are_rounds():
    asked = []

    def action(name):
        def run():
            asked.append(name)
            return len(asked)
        return run

    found = rounds.measure({name: action(name) for name in 'abc'}, 20)
    in_rounds = [asked[n:n + 3] for n in range(0, 60, 3)]
    assert all(sorted(each) == ['a', 'b', 'c'] for each in in_rounds)
    assert len({tuple(each) for each in in_rounds}) > 1  # in random order
    # results at one place in the lists are of one round
    for number, values in enumerate(zip(*found.values(), strict=True)):
        assert {(value - 1) // 3 for value in values} == {number}


def test_timed_when_action_is_repeated():
    calls = []
    times = rounds.timed(lambda: calls.append(sum(range(20_000))), 10)()
    assert len(calls) == 10
    assert 0 < times.cpu < 10 * times.wall


def test_ratio_figure_when_a_round_was_slow():
    these, those = [2, 20, 2.2, 2.4, 2.6], [1, 10, 1, 1, 1]
    figure = rounds.ratio_figure(
        'part', 'HIT', 'x floor', these, those, at_most=2)
    assert figure.value == 2.2
    assert figure.low <= figure.value <= figure.high < 3
    assert figure.verdict == 'short'


def test_ratios_when_a_round_is_missing():
    with pytest.raises(ValueError):
        rounds.ratios([1, 2], [1])


def test_figures_when_written_and_read(tmp_path):
    figures = [
        Figure('part', 'HIT', 1.5, 'x floor', 1.4, 1.6, at_most=1.3),
        Figure('part', 'stampede', 1, 'renders', note='of 32')]
    rounds.write(figures, tmp_path / 'figures.json')
    assert rounds.read(tmp_path / 'figures.json') == figures


@pytest.mark.parametrize(('arguments', 'count'), [
    ([], 61), (['--quick'], 15), (['--quick', '--rounds', '2'], 2)])
def test_main_when_a_program_has_rounds(
        arguments, count, tmp_path, monkeypatch, capsys):
    file = tmp_path / 'figures.json'
    monkeypatch.setattr(
        sys, 'argv', ['program', '--json', str(file), *arguments])
    rounds.main('What it is.\n\nMore.', lambda options: [
        Figure('part', 'rounds', options.rounds, '')], rounds=(15, 61))
    assert [figure.value for figure in rounds.read(file)] == [count]
    assert f'rounds {count:>48}' in capsys.readouterr().out


def test_stopwatch_when_functions_call_each_other():
    stopwatch = Stopwatch()
    inner = stopwatch.wrap(lambda: sum(range(3000)), lambda: 'inner')

    def calls():
        for _ in range(100):
            inner()

    stopwatch.wrap(calls, lambda: 'outer')()
    assert stopwatch.calls == {'inner': 100, 'outer': 1}
    # the time of the inner function does not count for the outer one too
    assert stopwatch.taken['outer'] < 0.3 * stopwatch.taken['inner']
