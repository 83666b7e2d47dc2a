"""The fast lane in a zope.ini, started as Zope starts itself.

The demo's instance gets the lines of the documentation unchanged.
"""
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from ...demo import instance
from ..zeo import PATIENCE_SECS
from ..zeo import HTTPClient
from ..zeo import Process
from ..zeo import until


ROOT = Path(__file__).parents[4]
PAGE = '/demo/news/harbour-maps'

_SERVING = r'Serving on http://127\.0\.0\.1:(\d+)'


@pytest.fixture(scope='module')
def entry_points(tmp_path_factory):
    """Return the folder that must be on the path to find the entry points.

    The entry points come from setup.py, if it exists: those that an installer
    wrote may be older.
    """
    if not (ROOT / 'setup.py').exists():
        return ''
    base = tmp_path_factory.mktemp('egg')
    subprocess.run(
        [sys.executable, 'setup.py', '-q', 'egg_info', '--egg-base', base],
        cwd=ROOT, check=True, timeout=60, capture_output=True)
    return str(base)


class Zope(Process, HTTPClient):
    """A demo instance with the pipeline of the documentation."""

    def __init__(self, home, entry_points):
        Process.__init__(self, home, 'zope')
        HTTPClient.__init__(self)
        self.ini = home / 'etc' / 'zope.ini'
        self._path = os.pathsep.join(
            filter(None, [entry_points, str(ROOT), *sys.path]))
        instance.make(home, 'root', 'root')

    def configure(self, sections, **options):
        """Replace the sections of an ini file that have the given names."""
        text = self.ini.read_text()
        for header, lines in sections.items():
            text = re.sub(
                rf'(?ms)^\[{re.escape(header)}\].*?(?=^\[|\Z)', '', text)
            if header == 'filter:fastlane':
                lines += ''.join(
                    f'{name} = {value}\n' for name, value in options.items())
            text += f'\n[{header}]\n{lines}\n'
        self.ini.write_text(text)

    def start(self):
        # as `make start` does
        self.spawn(
            '-m', 'Zope2.Startup.serve', str(self.ini),
            'http_address=127.0.0.1', 'http_port=0', PYTHONPATH=self._path)

    def wait(self):
        def found():
            text = self.log.read_text('utf-8', 'replace')
            assert self.process.poll() is None, text
            return re.search(_SERVING, text)
        self.port = int(until(found, 'Zope to serve')[1])


def documented():
    """Return the sections of the ini file in the documentation, by name."""
    path = ROOT / 'docs' / 'fastlane.rst'
    if not path.exists():
        pytest.skip('the documentation is not installed')
    text = path.read_text('utf-8')
    block = re.search(r'::\n\n((?:    .*\n|\n)+)', text)[1]
    parts = re.split(r'(?m)^\[(.+)\]\n', textwrap.dedent(block))
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.fixture
def make(tmp_path, entry_points):
    """Make an instance with the fast lane; it ends with the test."""
    made = []

    def instance_with(**options):
        zope = Zope(tmp_path / 'home', entry_points)
        zope.configure(documented(), **options)
        made.append(zope)
        zope.start()
        return zope

    yield instance_with
    for zope in made:
        zope.stop()


def is_fast(answer):
    return 'detail=fast' in answer['Cache-Status']


def test_lane_answers_when_it_stands_in_the_ini_file(make):
    zope = make(late_ms=60000)
    zope.wait()
    slow = [zope.get(PAGE) for _ in range(3)]
    fast = zope.get(PAGE)
    assert [answer.outcome for answer in slow] == ['MISS', 'HIT', 'HIT']
    assert not any(map(is_fast, slow))
    assert (fast.status, fast.outcome) == (200, 'HIT') and is_fast(fast)
    assert fast.body == slow[0].body
    assert fast.stable_headers() == slow[0].stable_headers()
    assert len(fast.all('Date')) == len(fast.all('Server')) == 1
    head = zope.head(PAGE)
    assert is_fast(head) and head.body == b''
    assert head['Content-Length'] == str(len(fast.body))
    held = zope.get(PAGE, If_None_Match=fast['ETag'])
    assert (held.status, held.body) == (304, b'')

    # a member is known, and an error becomes a page, as without the lane
    assert 'Alice Arden' in zope.get(PAGE, 'alice').text
    assert zope.get('/demo/personal_home').status == 401
    assert zope.get('/demo/nowhere').status == 404
    assert is_fast(zope.get(PAGE))

    saved = zope.post(f'{PAGE}/save', {
        'title': 'Charts', 'description': 'New', 'text': 'New'}, 'alice')
    assert saved.status == 303
    after = zope.get(PAGE)
    assert after.outcome == 'MISS' and 'Charts' in after.text

    # the filter for the log precedes the lane
    log = (zope.home / 'var' / 'log' / 'access.log').read_text()
    assert log.count(f'"GET {PAGE} HTTP/1.1" 200') == 7
    report = zope.get('/demo/page_cache/manage_stats', 'root')
    assert report.status == 200


def test_wrong_option_keeps_zope_from_starting(make):
    zope = make(late_msec=5)
    assert zope.process.wait(3 * PATIENCE_SECS)
    assert "no option 'late_msec'" in zope.log.read_text()


def test_wrong_value_keeps_zope_from_starting(make):
    zope = make(late_ms='soon')
    assert zope.process.wait(3 * PATIENCE_SECS)
    assert 'Maximum delay' in zope.log.read_text()
