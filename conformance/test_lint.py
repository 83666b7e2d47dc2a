"""REDbot and httplint read the site's answers, and find no fault of ours."""
import itertools
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from httplint import HttpRequestLinter
from httplint import HttpResponseLinter

from . import allowed
from .demo import FILE_PAGE
from .demo import ROOT
from .demo import ZODB_PAGE
from .wire import login


class Kind(NamedTuple):
    """One way to ask for a page."""

    page: str
    user: str
    coding: str
    method: str
    #: Whether the page is not stored when it is asked for.
    is_miss: bool
    #: Whether the client says that it holds the page.
    held: bool

    def __str__(self):
        words = [
            'zodb' if self.page == ZODB_PAGE else 'file',
            self.user or 'anonymous', self.coding or 'plain', self.method,
            'miss' if self.is_miss else 'hit', '304' if self.held else '200']
        return '-'.join(words)


KINDS = [
    Kind(*each) for each in itertools.product(
        (ZODB_PAGE, FILE_PAGE), ('', 'alice'), ('', 'gzip'), ('GET', 'HEAD'),
        (True, False), (True, False))]

#: Notes of REDbot on a page without faults.  They prove that it did check.
GOOD = {
    'CL_CORRECT', 'DATE_CORRECT', 'CACHE_STATUS', 'INM_304',
    'CONNEG_GZIP_GOOD'}

each_kind = pytest.mark.parametrize('kind', KINDS, ids=str)

_numbers = itertools.count()


def prepare(site, kind):
    """Prepare the store for a kind of request; return path and headers.

    A new query string makes a page that nobody asked for before.
    """
    path = f'{kind.page}?kind={next(_numbers)}'
    headers = {'Accept-Encoding': kind.coding} if kind.coding else {}
    headers.update(login(kind.user) if kind.user else {})
    if not kind.is_miss:
        # a request for gzip leaves both variants in the store
        first = site.request(
            'GET', path, **{**headers, 'Accept-Encoding': 'gzip'})
        assert (first.outcome, first['Content-Encoding']) == ('MISS', 'gzip')
        second = site.request('GET', path, **headers)
        assert second.outcome == 'HIT'
        assert second.get('Content-Encoding') == (kind.coding or None)
        tag = second['ETag']
    elif kind.held:
        # the tag does not depend on the query, so a page with another query
        # has the same tag
        tag = site.request(
            'GET', f'{kind.page}?kind={next(_numbers)}', **headers)['ETag']
    if kind.held:
        headers['If-None-Match'] = tag
    return path, headers


def bad(notes):
    return [note for note in notes if note[0] in ('BAD', 'WARN')]


def statuses(kind):
    """Return the statuses that an answer may have.

    If the page is not stored, only a render tells whether the client holds
    it.  The render may show another time, and HEAD renders nothing.
    """
    if not kind.held:
        return {200}
    if not kind.is_miss:
        return {304}
    return {200} if kind.method == 'HEAD' else {200, 304}


def not_allowed(notes, kind):
    if kind.is_miss and kind.method == 'HEAD':
        kind = kind._replace(held=False)
    return [
        note for note in bad(notes)
        if allowed.owner_of(note[1], note[2], kind) is None]


# REDbot

@pytest.fixture(scope='module')
def redbot(site):
    """The report of REDbot on each kind."""
    asked = []
    for kind in KINDS:
        path, headers = prepare(site, kind)
        asked.append([
            f'http://127.0.0.1:{site.port}{path}', kind.method,
            [*headers.items()]])
    result = subprocess.run(
        [sys.executable, Path(__file__).with_name('redbot_check.py')],
        input=json.dumps(asked), capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    return dict(zip(KINDS, json.loads(result.stdout), strict=True))


@each_kind
def test_redbot_finds_nothing_of_ours(redbot, kind):
    report = redbot[kind]
    assert report['is_done'] and report['errors'] == []
    assert report['status'] in statuses(kind)
    assert report['outcome'] == ('MISS' if kind.is_miss else 'HIT')
    assert not_allowed(report['notes'], kind) == []


@pytest.mark.parametrize('page', [ZODB_PAGE, FILE_PAGE])
def test_redbot_finds_what_is_good(redbot, page):
    """REDbot did check: it praises tag, date, length and coding."""
    kind = Kind(page, '', '', 'GET', False, False)
    found = {note[1] for note in redbot[kind]['notes']}
    assert found >= GOOD


def test_redbot_finds_that_dates_validate(redbot):
    kind = Kind(FILE_PAGE, '', '', 'GET', False, False)
    assert 'IMS_304' in {note[1] for note in redbot[kind]['notes']}


@pytest.mark.parametrize('page', [ZODB_PAGE, FILE_PAGE])
def test_redbot_on_the_command_line(site, page):
    """REDbot as a person runs it; its exit status says nothing."""
    kind = Kind(page, '', '', 'GET', False, False)
    path, _ = prepare(site, kind)
    result = subprocess.run(
        [Path(sys.executable).with_name('redbot'), '-o', 'har',
         f'http://127.0.0.1:{site.port}{path}'],
        capture_output=True, text=True, timeout=60,
        env={**os.environ, 'PYTHONUTF8': '1'})
    entry, = json.loads(result.stdout)['log']['entries']
    assert entry['response']['status'] == 200
    notes = [
        [note['level'], note['note_id'], note['summary']]
        for message in entry['_red_messages']
        for note in (message, *message.get('subnotes', ()))]
    assert not_allowed(notes, kind) == []
    assert {note[1] for note in notes} >= GOOD


# httplint

@pytest.fixture(scope='module')
def httplint(site):
    """The answer to each kind, and the notes of httplint on it."""
    return {kind: run_httplint(site, kind) for kind in KINDS}


def run_httplint(site, kind):
    path, headers = prepare(site, kind)
    start = time.time()
    answer = site.request(kind.method, path, **headers)
    asked = HttpRequestLinter()
    asked.method = kind.method
    asked.set_uri(f'http://127.0.0.1:{site.port}{path}')
    asked.process_headers(_raw(headers.items()))
    linter = HttpResponseLinter(start_time=start)
    linter.request = asked
    linter.is_head_response = kind.method == 'HEAD'
    linter.base_uri = asked.uri
    linter.process_response_topline(
        answer.version.encode(), str(answer.status).encode(),
        answer.phrase.encode())
    linter.process_headers(_raw(answer.lines))
    linter.feed_content(answer.body)
    linter.finish_content(True)
    return answer, [
        [each.level.name, type(each).__name__, str(each.summary)]
        for note in linter.notes for each in (note, *note.subnotes)]


def _raw(pairs):
    return [(n.encode('latin-1'), v.encode('latin-1')) for n, v in pairs]


@each_kind
def test_httplint_finds_nothing_of_ours(httplint, kind):
    answer, notes = httplint[kind]
    assert answer.status in statuses(kind)
    assert not_allowed(notes, kind) == []


@each_kind
def test_nothing_follows_a_message(httplint, kind):
    """Except for the chunk that waitress adds if there is no length."""
    answer, _ = httplint[kind]
    is_unknown = kind.method == 'HEAD' and kind.is_miss
    assert answer.rest == (b'0\r\n\r\n' if is_unknown else b'')
    assert not is_unknown or answer['Connection'] == 'close'


def test_httplint_sees_a_fault():
    """The other tests rely on this: a fault in a header is a note."""
    linter = HttpResponseLinter()
    linter.process_response_topline(b'1.1', b'200', b'OK')
    linter.process_headers([
        (b'ETag', b'not quoted'), (b'Last-Modified', b'yesterday')])
    linter.finish_content(True)
    assert len([n for n in linter.notes if n.level.name == 'BAD']) >= 2


# the table of allowed notes

def test_every_allowed_note_still_shows_up(redbot, httplint):
    found = set()
    for kind in KINDS:
        for notes in (redbot[kind]['notes'], httplint[kind][1]):
            found |= {
                allowed.owner_of(note[1], note[2], kind)
                for note in bad(notes)}
    assert set(allowed.ALLOWED) <= found


def test_documentation_lists_what_is_allowed():
    text = (ROOT / 'docs' / 'conformance.rst').read_text('utf-8')
    for entry in allowed.ALLOWED:
        assert f'``{entry.note_id}``' in text
