"""Views that misbehave: pages that are never stored, failures, transforms."""

import sys

import pytest
import transaction
from zExceptions import NotFound
from zExceptions import Unauthorized
from ZODB.POSException import ConflictError
from ZPublisher import pubevents
from ZPublisher.HTTPRequest import HTTPRequest
from ZPublisher.interfaces import IPubBeforeCommit

from ...manager import caches
from ..events import handler
from ..site import Item
from ..view_cases import ACTING
from ..view_cases import COUNTING
from ..view_cases import is_idle
from ..view_cases import outcomes
from ..view_cases import reason
from ..view_cases import twice
from ..wire.test_faults import elsewhere
from ..wire.test_faults import error_view  # noqa: F401
from ..wire.test_faults import is_error_page


pytestmark = pytest.mark.usefixtures('viewed')


@pytest.fixture
def cache(site):
    return caches.cache_of(site.page_cache)


@pytest.fixture
def act(item):
    """Let the acting view do something with its response."""
    def add(function):
        item('act', lambda self, request: function(request.response))
    return add


# pages that are never stored

@pytest.mark.parametrize(('function', 'word'), [
    (lambda r: r.setCookie('a', 'b') or 'text', 'set-cookie'),
    (lambda r: r.setHeader('Set-Cookie', 'a=b') or 'text', 'set-cookie'),
    (lambda r: r.addHeader('Set-Cookie', 'a=b') or 'text', 'set-cookie'),
    (lambda r: r.expireCookie('a') or 'text', 'set-cookie'),
    (lambda r: r.setHeader('Cache-Control', 'no-store') or 'text',
     'no-store'),
    (lambda r: r.setHeader('Vary', '*') or 'text', 'vary-any'),
    (lambda r: r.addHeader('X-Two', '1') or 'text', 'added-header'),
    (lambda r: r.setHeader('Content-Security-Policy',
                           "script-src 'nonce-abc'") or 'text', 'nonce'),
    (lambda r: r.setHeader('Content-Range', 'bytes 0-3/9') or 'text',
     'status'),
    (lambda r: r.setHeader('Content-Encoding', 'br') or b'text', 'fragment'),
    (lambda r: '', 'empty'),
    (lambda r: None, 'empty'),
    (lambda r: 'x' * 5000, 'too-large'),
    (lambda r: r.write(b'text') and '' or '', 'streamed'),
    (lambda r: r.setStatus(404) or 'text', 'status'),
    (lambda r: r.setStatus(206) or 'text', 'status'),
    (lambda r: r.redirect('/x') and 'text', 'status'),
    (lambda r: transaction.doom() or 'text', 'doomed')])
def test_what_is_never_stored(site, client, act, cache, function, word):
    act(function)
    site.page_cache.manage_editProps('', {'max_page_kib': 4})
    first, second = twice(client, ACTING)
    assert first.outcome == second.outcome == 'BYPASS'
    assert reason(first) == reason(second) == word
    assert (first.status, first.body) == (second.status, second.body)
    assert cache.pages.counts().entries == 0 and is_idle(cache)


def test_touched_session_is_not_stored(client, item, cache):
    item('act', lambda self, request: request.set('SESSION', {}) or 'text')
    for answer in twice(client, ACTING):
        assert reason(answer) == 'session' and answer.all('ETag') == []
    assert is_idle(cache)


@pytest.mark.parametrize('word', ['set-cookie', 'nonce', 'doomed'])
def test_page_for_once_has_no_tag(client, act, word):
    act({'set-cookie': lambda r: r.setCookie('a', 'b') or 'text',
         'nonce': lambda r: r.setHeader(
             'Content-Security-Policy', "'nonce-abc'") or 'text',
         'doomed': lambda r: transaction.doom() or 'text'}[word])
    answer = client.get(ACTING)
    assert answer.all('ETag') == answer.all('Last-Modified') == []
    assert reason(answer) == word


def test_page_with_a_message_is_neither_kept_nor_answered(client, cache):
    client.get(COUNTING)
    answer = client.get(COUNTING, Cookie='statusmessages=x')
    assert reason(answer) == 'request-cookie'
    assert 'no-store' in answer['Cache-Control']
    assert client.get(COUNTING).outcome == 'HIT'


def test_view_that_writes_is_run_each_time(site, client, cache):
    for number in (1, 2, 3):
        answer = client.get('/site/doc/v-writing')
        assert reason(answer) == 'wrote-to-database'
        transaction.begin()
        assert site.doc.visits == number
    assert cache.pages.counts().entries == 0 and is_idle(cache)


def test_view_that_makes_a_savepoint_of_a_write_is_not_stored(
        client, item, cache):
    def act(self, request):
        self.visits = 1
        transaction.savepoint(optimistic=True)
        return 'text'

    item('act', act)
    for answer in twice(client, ACTING):
        assert reason(answer) == 'wrote-to-database'


def test_transform_that_aborts_what_a_view_wrote(client, item, cache):
    def act(self, request):
        self.visits = 1
        return 'text'

    item('act', act)
    with handler(lambda event: transaction.abort(), IPubBeforeCommit):
        for answer in twice(client, ACTING):
            assert reason(answer) == 'wrote-to-database'
    assert cache.pages.counts().entries == 0


@pytest.mark.parametrize('as_savepoint', [False, True])
def test_view_is_run_where_something_was_written_before(
        site, client, cache, as_savepoint):
    def write(event):
        site = event.request['PARENTS'][-1].site
        site.folder.visits = getattr(site.folder, 'visits', 0) + 1
        if as_savepoint:
            transaction.savepoint(optimistic=True)

    client.get(COUNTING)
    before = Item.renders
    with handler(write, pubevents.PubAfterTraversal):
        for number in (1, 2):
            answer = client.get(COUNTING)
            assert reason(answer) == 'wrote-to-database'
            assert Item.renders == before + number
    transaction.begin()
    assert site.folder.visits == 2
    # CMF looks at all that is in the site's root when it traverses that
    assert [client.get(COUNTING).outcome for _ in range(2)] == ['MISS', 'HIT']


def test_view_that_commits_what_it_wrote_is_not_stored(client, item):
    """A hit would leave out the write that it does each time."""
    def act(self, request):
        self.aq_parent.folder.visits = 1
        transaction.commit()
        return 'text'

    item('act', act)
    assert 'HIT' not in outcomes(client, ACTING)


# views that fail

def raising(error):
    def act(self, request):
        request.response.setHeader('X-Lost', 'before')
        self.count_render()
        raise error
    return act


@pytest.mark.parametrize(('error', 'status'), [
    (ValueError('on purpose'), 500), (NotFound('on purpose'), 404),
    (Unauthorized('on purpose'), 401)])
def test_view_that_raises(
        client, item, cache, error_view, error, status):  # noqa: F811
    item('act', raising(error))
    before = Item.renders
    for number in (1, 2):
        answer = client.get(ACTING, If_None_Match='"x"')
        assert is_error_page(answer, status)
        assert Item.renders == before + number
    assert cache.pages.counts().entries == 0 and is_idle(cache)
    item('act', lambda self, request: 'mended')
    assert outcomes(client, ACTING) == ['MISS', 'HIT']


def test_guard_that_refuses_what_would_be_a_hit(
        client, error_view):  # noqa: F811
    client.get(COUNTING)

    def refuse(event):
        raise NotFound('on purpose')

    with handler(refuse, pubevents.PubAfterTraversal):
        for ask in (client.get, client.head):
            answer = ask(COUNTING)
            assert answer.status == 404 and answer.all('X-PageCache') == []
    assert client.get(COUNTING).outcome == 'HIT'


@pytest.mark.parametrize('for_', [IPubBeforeCommit, pubevents.PubBeforeCommit])
def test_failure_after_a_hit(client, cache, error_view, for_):  # noqa: F811
    client.get(COUNTING)

    def fail(event):
        raise ValueError('on purpose')

    with handler(fail, for_):
        for _ in range(2):
            assert is_error_page(client.get(COUNTING))
    assert is_idle(cache)
    assert client.get(COUNTING).outcome == 'HIT'


@pytest.fixture
def retries(monkeypatch):
    monkeypatch.setattr(HTTPRequest, 'retry_max_count', 3)
    monkeypatch.setattr(HTTPRequest, 'delay_retry', lambda self: None)


def test_conflict_in_a_view_is_retried(client, item, cache, retries):
    errors = []

    def act(self, request):
        if errors:
            raise errors.pop()
        return f'<p>{request.get("utm_x")}</p>'

    item('act', act)
    assert '1' in client.get(f'{ACTING}?utm_x=1').text
    errors += [ConflictError('once'), ConflictError('twice')]
    miss = client.get(f'{ACTING}?utm_x=1')
    assert (miss.status, miss.outcome) == (200, 'MISS')
    assert miss.body == b'<p>None</p>'
    assert cache.tally.counts()['FAILED', 'retry'] == 2
    assert client.get(ACTING).outcome == 'HIT' and is_idle(cache)


def test_conflict_after_a_hit_is_retried(app, client, cache, retries):
    """The handler writes each time, the first time together with another."""
    miss = client.get(COUNTING)
    tries = []

    def write(event):
        tries.append(1)
        event.request['PARENTS'][-1].site.doc.title = 'here'
        if len(tries) == 1:
            elsewhere(app, lambda site: setattr(site.doc, 'title', 'there'))

    with handler(write, IPubBeforeCommit):
        answer = client.get(COUNTING)
    assert len(tries) == 2 and answer.status == 200
    # the content has a new version by then
    assert answer.outcome == 'BYPASS' and reason(answer) == 'wrote-to-database'
    assert answer.body != miss.body and is_idle(cache)


# transforms

@pytest.mark.parametrize('for_', [IPubBeforeCommit, pubevents.PubBeforeCommit])
def test_page_is_transformed_once(client, cache, for_):
    def transform(event):
        response = event.request.response
        response.setBody(response.body.replace(b'</body>', b'<hr></body>'))

    with handler(transform, for_):
        miss, hit = twice(client, COUNTING)
        assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
        assert miss.body.count(b'<hr>') == hit.body.count(b'<hr>') == 1
        assert hit.stable_headers() == miss.stable_headers()
        tag = hit['ETag']
        assert client.get(COUNTING, If_None_Match=tag).body == b''
        for headers in ({}, {'If_None_Match': tag}):
            head = client.head(COUNTING, **headers)
            assert head.body == b''
        zipped = client.get(COUNTING, Accept_Encoding='gzip')
        assert zipped.status == 200


@pytest.mark.parametrize('position', ['before', 'after'])
def test_transform_that_adds_to_any_body(client, position):
    def transform(event):
        response = event.request.response
        if position == 'after':
            response.setBody(response.body + b'<!-- served -->')
        else:
            response.setBody(b'<!-- served -->' + response.body)

    with handler(transform, IPubBeforeCommit):
        miss, hit = twice(client, COUNTING)
        head = client.head(COUNTING)
        held = client.get(COUNTING, If_None_Match=hit['ETag'])
    assert hit.body == miss.body
    assert (head.body, head['Content-Length']) == (b'', str(len(hit.body)))
    assert (held.status, held.body) == (304, b'')


def test_transforms_of_plone_are_told_of_a_hit_alone(client):
    seen = []

    def note(event):
        seen.append('plone.transformchain.disable' in event.request.environ)

    with handler(note, IPubBeforeCommit):
        tag = twice(client, COUNTING)[1]['ETag']
        client.get(COUNTING, If_None_Match=tag)
        client.post(COUNTING, user=None)
    assert seen == [False, True, True, False]


def test_other_code_that_needs_a_body_has_one_on_a_hit(client):
    def parse(event):
        if not event.request.response.body:
            raise ValueError('there is nothing to parse')

    with handler(parse, IPubBeforeCommit):
        assert outcomes(client, COUNTING) == ['MISS', 'HIT']


def test_ignored_parameters_are_set_aside_while_transforming(client):
    seen = []

    def transform(event):
        seen.append((dict(event.request.form), event.request['QUERY_STRING']))

    with handler(transform, IPubBeforeCommit):
        client.get('/site/doc/v-arguments?word=x&utm_source=a')
        miss = client.get('/site/doc/v-arguments?word=x&utm_source=a')
        hit = client.get('/site/doc/v-arguments?utm_source=b&word=x')
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert hit.body == miss.body and b'<p>x none ' in miss.body
    # unchanged if the page is not kept
    assert seen[0] == (
        {'word': 'x', 'utm_source': 'a'}, 'word=x&utm_source=a')
    assert seen[1] == ({'word': 'x'}, 'word=x')


def test_ignored_parameters_come_back(client, item):
    seen = []

    def note(event):
        seen.append(dict(event.request.form))

    item('act', raising(ValueError('on purpose')))
    with handler(note, pubevents.PubSuccess), handler(
            note, pubevents.PubFailure):
        client.get(f'{COUNTING}?utm_x=1')
        with pytest.raises(ValueError):
            client.get(f'{ACTING}?utm_x=2')
    assert seen == [{'utm_x': '1'}, {'utm_x': '2'}]


def test_name_of_an_interface_imports_nothing(site, client):
    assert 'this' not in sys.modules  # which prints when it is imported
    site.page_cache.manage_editViews([('v-counting', 'this.s')])
    assert client.get('/site/doc/v-counting').outcome is None
    assert 'this' not in sys.modules
