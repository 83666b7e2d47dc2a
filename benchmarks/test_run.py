"""The report of all programs, and programs that fail."""
import os
import select
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pages
import picture
import pytest
import report
import rounds
import run
from docutils.core import publish_doctree
from rounds import Figure


HERE = Path(__file__).parent

#: Seconds that no program takes, even on a busy machine.
PATIENCE_SECS = 240

ANONYMOUS = pages.heading_of('zodb', pages.PARTS[0])
FIGURES = [
    Figure(ANONYMOUS, 'HIT', 1.2, 'x floor', 1.1, 1.3, at_most=1.3),
    Figure(ANONYMOUS, 'HIT, CPU', 1.4, 'x floor', 1.3, 1.5, at_most=1.3),
    Figure(ANONYMOUS, 'uncached', 50.5, 'x floor', 49, 52),
    Figure('stampede', 'renders', 1, 'renders', at_most=1),
]


# the programs

@pytest.fixture
def program(tmp_path, monkeypatch):
    """Make programs from source text."""
    monkeypatch.setattr(run, 'HERE', tmp_path)
    monkeypatch.setattr(run, 'PROGRAMS', {})

    def make(name, text, secs=PATIENCE_SECS):
        run.PROGRAMS[name] = secs
        (tmp_path / f'{name}.py').write_text(
            f'import sys\nsys.path.append({str(HERE)!r})\n{text}')
    return make


WRITES = '''
import rounds
assert sys.argv[3:] == ['--quick'], sys.argv
rounds.write([rounds.Figure('part', 'name', 1, 'ms')], sys.argv[2])
'''


def test_others_go_on_when_a_program_fails(program, capsys):
    program('fails', 'sys.exit(3)')
    program('silent', '')
    program('works', WRITES)
    run.PROGRAMS['missing'] = 1
    found, failures = run.run_all(list(run.PROGRAMS), is_quick=True)
    assert found == [Figure('part', 'name', 1, 'ms')]
    assert failures == ['fails: ended with status 3', 'silent: no figures']
    assert 'missing: left out' in capsys.readouterr().out


def test_what_it_started_ends_when_a_program_takes_too_long(program):
    program('hangs', 'import time\ntime.sleep(600)', secs=1)
    assert run.run_all(['hangs'], is_quick=True) == (
        [], ['hangs: took more than 1 s'])


def test_child_ends_when_its_program_is_over(program, tmp_path):
    fifo = tmp_path / 'fifo'
    os.mkfifo(fifo)
    end = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    program('leaves', f'''
import os, subprocess
other_end = os.open({str(fifo)!r}, os.O_WRONLY)
subprocess.Popen(
    [sys.executable, '-c', 'import time; time.sleep(600)'],
    pass_fds=[other_end])
{WRITES}''')
    assert run.run_all(['leaves'], is_quick=True)[1] == []
    # the pipe is readable once no process has the other end
    assert select.select([end], [], [], 20)[0], 'the child lives'
    assert os.read(end, 1) == b''
    os.close(end)


@pytest.mark.parametrize('name', ['pages', 'layers'])
def test_figures_when_a_program_runs_shortly(name, tmp_path):
    file = tmp_path / 'figures.json'
    arguments = ['--pairs', '2'] if name == 'pages' else []
    subprocess.run(
        [sys.executable, HERE / f'{name}.py', '--rounds', '2',
         '--hits', '2', '--json', file, *arguments],
        check=True, timeout=PATIENCE_SECS)
    found = rounds.read(file)
    assert all(figure.value > 0 for figure in found)
    by_name = {figure.name for figure in found}
    if name == 'layers':
        assert {'the whole', 'store', 'rendering'} <= by_name
        return
    assert {'HIT', 'MISS', '304', 'RAMCacheManager', 'uncached'} <= by_name
    rows = report.with_target(found)
    assert len(rows) == 2 * 10
    assert all(row.cpu is not None for row in rows)
    uncached = [each for each in found if each.name == 'uncached']
    assert all(each.value > 5 for each in uncached)


# the report

def test_row_is_short_when_only_its_cpu_time_is():
    row = report.with_target(FIGURES)[0]
    assert (row.figure.name, row.cpu.name) == ('HIT', 'HIT, CPU')
    assert (row.figure.verdict, row.verdict) == ('pass', 'short')


def test_targets_are_told_when_there_are_others(capsys):
    report.show(FIGURES)
    told = capsys.readouterr().out
    assert '1 of 2 targets are reached' in told
    assert 'uncached' not in told


def test_documentation_when_it_is_written(tmp_path):
    report.write(FIGURES, tmp_path)
    text = (tmp_path / '_performance_table.rst').read_text()
    tree = publish_doctree(text, settings_overrides={'halt_level': 2})
    assert len(list(tree.findall(lambda node: node.tagname == 'table'))) == 3
    assert '50.5' in tree.astext()
    words = ElementTree.parse(tmp_path / 'performance.svg').getroot()
    assert {'HIT', 'uncached', '50.5', 'floor'} <= set(words.itertext())


def test_picture_when_something_is_faster_than_the_floor():
    drawn = picture.draw('Title', ['a'], [
        picture.Bars('fast & good', (0.5,)), picture.Bars('slow', (60,))])
    root = ElementTree.fromstring(drawn)
    bars = [
        (float(each.get('x')), float(each.get('width')))
        for each in root.findall('{*}rect') if each.get('class') == 's0'][1:]
    floor = next(
        float(each.get('x1')) for each in root.findall('{*}line')
        if each.get('class') == 'floor')
    (fast, fast_width), (slow, slow_width) = bars
    assert fast + fast_width == pytest.approx(floor, abs=0.2)
    assert slow == pytest.approx(floor, abs=0.2)
    assert slow_width > 5 * fast_width
    assert slow + slow_width < picture.WIDTH
