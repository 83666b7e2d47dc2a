"""On the wire: conditional requests, methods and headers of views."""
import time

import pytest
import transaction
from zExceptions import NotFound
from zExceptions import Unauthorized
from zope.event import notify
from zope.lifecycleevent import ObjectModifiedEvent
from ZPublisher import pubevents
from ZPublisher.interfaces import IPubBeforeCommit

from ...core.http.conditional import format_date
from ...manager import caches
from ..events import handler
from ..site import Item
from ..site import set_policy
from ..view_cases import ACTING
from ..view_cases import COUNTING
from ..view_cases import ETAG
from ..view_cases import outcomes
from ..view_cases import reason
from ..view_cases import twice
from ..wire.test_faults import error_view  # noqa: F401


pytestmark = pytest.mark.usefixtures('viewed')

LISTING = '/site/folder/v-listing'


# preconditions

@pytest.mark.parametrize('is_stored', [True, False])
@pytest.mark.parametrize('form', [
    '{}', 'W/{}', '"x", {}', '{}, "x"', ' {} ', '"a,b", W/{}'])
def test_if_none_match_holds_the_tag_304(client, form, is_stored):
    tag = client.get(COUNTING)['ETag']
    if not is_stored:
        caches.forget_all()
        Item.renders -= 1  # the page shows it
    before = Item.renders
    answer = client.get(COUNTING, If_None_Match=form.format(tag))
    assert (answer.status, answer.body) == (304, b'')
    assert answer['ETag'] == tag
    assert answer.outcome == ('HIT' if is_stored else 'MISS')
    assert answer.all('Content-Type') == []
    assert answer.all('X-View') == ([] if is_stored else ['as it is'])
    assert Item.renders == before + (not is_stored)


@pytest.mark.parametrize('value', ['', ',,,', '"', '"*"', '"other"', 'abc'])
def test_if_none_match_without_the_tag_gives_the_page(client, value):
    page = client.get(COUNTING)
    answer = client.get(COUNTING, If_None_Match=value)
    assert (answer.status, answer.body) == (200, page.body)


def test_any_tag_holds_what_there_is(client):
    cold = client.get(COUNTING, If_None_Match='*')
    assert (cold.status, cold.body) == (304, b'')
    before = Item.renders
    warm = client.get(COUNTING, If_None_Match='*')
    assert (warm.status, Item.renders) == (304, before)


@pytest.fixture
def clock(monkeypatch):
    """Let time pass."""
    real, passed = time.time, [0]
    monkeypatch.setattr(time, 'time', lambda: real() + passed[0])

    def wait(secs):
        passed[0] += secs
    return wait


def test_a_date_alone_tells_nothing_of_what_a_view_shows(
        site, client, clock):
    set_policy(site, etag=ETAG, mtime_func='object/doc/modified')
    clock(100)
    date = client.get(LISTING)['Last-Modified']
    clock(100)
    site.folder.inner.text = 'new text'
    notify(ObjectModifiedEvent(site.folder.inner))
    answer = client.get(LISTING, If_Modified_Since=date)
    assert answer.status == 200 and 'new text' in answer.text


@pytest.mark.parametrize('is_stored', [True, False])
def test_no_304_for_a_date_alone(site, client, clock, is_stored):
    set_policy(site, etag=ETAG)
    if is_stored:
        client.get(COUNTING)
    later = format_date(time.time() + 60)
    answer = client.get(COUNTING, If_Modified_Since=later)
    assert answer.status == 200 and 'first text' in answer.text


def test_a_date_beside_the_tag_does_not_matter(site, client):
    set_policy(site, etag=ETAG)
    tag = client.get(COUNTING)['ETag']
    later = format_date(time.time() + 60)
    assert client.get(COUNTING, If_None_Match='"other"',
                      If_Modified_Since=later).status == 200
    assert client.get(COUNTING, If_None_Match=tag,
                      If_Modified_Since=format_date(0)).status == 304


@pytest.mark.parametrize('value', ['{}', '*'])
def test_policy_without_304s_gives_the_page(site, client, value):
    set_policy(site, etag=ETAG, enable_304s=0)
    page = client.get(COUNTING)
    answer = client.get(COUNTING, If_None_Match=value.format(page['ETag']))
    assert (answer.status, answer.body) == (200, page.body)


def test_access_is_checked_before_the_tag(client, error_view):  # noqa: F811
    path = '/site/doc/v-managers-only'
    tag = client.get(path, 'root')['ETag']
    for value in (tag, '*'):
        for ask in (client.get, client.head):
            answer = ask(path, If_None_Match=value)
            assert answer.status == 401
            assert answer.all('ETag') == answer.all('X-PageCache') == []


def test_a_range_gives_the_whole_page(client):
    page = client.get(COUNTING)
    answer = client.get(COUNTING, Range='bytes=0-3', If_Range=page['ETag'])
    assert (answer.status, answer.body) == (200, page.body)
    assert answer.outcome == 'HIT'


def test_tag_of_a_view_that_writes_holds_nothing(client, item):
    """The view must write at each request."""
    visits = []

    def act(self, request):
        visits.append(1)
        self.aq_parent.folder.visits = len(visits)
        return f'visit {len(visits)}'

    item('act', act)
    answer = client.get(ACTING)
    assert reason(answer) == 'wrote-to-database'
    for value in (answer.get('ETag', '"none"'), '*'):
        assert client.get(ACTING, If_None_Match=value).status == 200
    assert len(visits) == 3


# methods

@pytest.mark.parametrize('tag', ['', '*'])
def test_post_runs_the_view(client, tag):
    client.get(COUNTING)
    before = Item.renders
    headers = {'If_None_Match': tag} if tag else {}
    for number in (1, 2):
        answer = client.post(COUNTING, {'a': '1'}, user=None, **headers)
        assert (answer.status, reason(answer)) == (200, '')
        assert 'fwd=method' in answer['Cache-Status']
        assert answer.all('ETag') == [] and Item.renders == before + number
    assert client.get(COUNTING).outcome == 'HIT'


def test_post_is_not_kept_for_get(client):
    client.post('/site/doc/v-arguments', {'word': 'posted'}, user=None)
    answer = client.get('/site/doc/v-arguments')
    assert (answer.outcome, 'posted' in answer.text) == ('MISS', False)


def test_conditions_of_other_methods_are_left_to_the_view(
        client, item, viewed):
    """They may concern the data that the view writes, not a page."""
    item('act', lambda self, request: str(
        request.get_header('If-None-Match')))
    for _ in range(2):
        answer = client.post(ACTING, user=None, If_None_Match='"x"')
        assert answer.text == '"x"'
        viewed.page_cache.disable()


@pytest.mark.parametrize('method', ['PUT', 'DELETE', 'PROPFIND', 'OPTIONS'])
def test_other_methods_are_as_without_a_cache(
        site, client, error_view, method):  # noqa: F811
    client.get(COUNTING)
    cached = client.request(method, COUNTING, 'root', 'x')
    site.page_cache.manage_editViews([])
    plain = client.request(method, COUNTING, 'root', 'x')
    assert cached.status == plain.status
    assert 'HIT' not in cached.all('X-PageCache')


@pytest.mark.parametrize('is_stored', [True, False])
@pytest.mark.parametrize('path', [COUNTING, LISTING])
def test_head_is_answered_like_get(client, path, is_stored):
    if not is_stored:
        head = client.head(path)
    page = client.get(path)
    before = Item.renders
    if is_stored:
        head = client.head(path)
        assert head['Content-Length'] == str(len(page.body))
        assert head['Content-Type'] == page['Content-Type']
    assert (head.status, head.body) == (200, b'')
    # headers that only a render can give are left out
    assert head.all('ETag') == (page.all('ETag') if is_stored else [])
    assert Item.renders == before
    assert client.head(path, If_None_Match=page['ETag']).status == 304


@pytest.mark.parametrize(('act', 'status'), [
    (lambda self, request: request.response.redirect('/x') and '', 302),
    (lambda self, request: request.response.setStatus(410) or 'gone', 410)])
def test_head_has_the_status_that_get_has(client, item, act, status):
    item('act', act)
    assert client.get(ACTING).status == status
    head = client.head(ACTING)
    assert head.status == status and head.all('ETag') == []


@pytest.mark.parametrize(('error', 'status'), [
    (NotFound, 404), (Unauthorized, 401), (ValueError, 500)])
def test_head_fails_as_get_does(
        client, item, error_view, error, status):  # noqa: F811
    def act(self, request):
        raise error('on purpose')

    item('act', act)
    assert client.get(ACTING).status == client.head(ACTING).status == status


def test_head_on_a_view_that_is_not_associated(site, client):
    site.page_cache.manage_editViews([])
    before = Item.renders
    answer = client.head(COUNTING)
    assert (answer.status, answer.outcome) == (200, None)
    assert Item.renders == before + 1


# headers

def test_every_200_has_the_policys_headers(site, client):
    set_policy(site, etag=ETAG, max_age_secs=60, vary='X-Flavour')
    for answer in twice(client, COUNTING):
        assert 'max-age=60' in answer['Cache-Control']
        assert 'X-Flavour' in answer['Vary']
        assert answer['Expires'] and answer['Last-Modified']
        assert answer['X-View'] == 'as it is'


def test_policy_without_a_tag_gives_its_headers(site, client):
    set_policy(site, etag='', max_age_secs=60)
    for answer in twice(client, COUNTING):
        assert answer.outcome == 'NO-ETAG' and answer.all('ETag') == []
        assert 'max-age=60' in answer['Cache-Control']
        assert answer['X-View'] == 'as it is'


def test_view_keeps_its_own_tag_where_the_policy_has_none(
        site, client, item):
    def act(self, request):
        request.response.setHeader('ETag', '"own"')
        return 'text'

    item('act', act)
    set_policy(site, etag='')
    assert client.get(ACTING)['ETag'] == '"own"'
    set_policy(site, etag=ETAG)
    for answer in twice(client, ACTING):
        assert answer['ETag'].startswith('"doc|v-acting-')


@pytest.mark.parametrize('method', ['setHeader', 'addHeader'])
@pytest.mark.parametrize('name', [
    'Access-Control-Allow-Origin', 'X-Request-ID', 'X-Correlation-Id',
    'traceparent', 'Server-Timing', 'Date', 'Server'])
def test_header_of_one_response_is_not_kept(client, item, name, method):
    numbers = iter('123456')

    def act(self, request):
        getattr(request.response, method)(name, next(numbers))
        return 'text'

    item('act', act)
    miss, second = twice(client, ACTING)
    assert '1' in miss.all(name) or name in ('Date', 'Server')
    assert '1' not in second.all(name)


def test_names_of_headers_that_are_not_kept_are_a_setting(
        site, client, item):
    def act(self, request):
        for name in ('X-One', 'X-Two', 'Other', 'Access-Control-Max-Age'):
            request.response.setHeader(name, '1')
        return 'text'

    item('act', act)
    site.page_cache.manage_editProps('', {'dropped_headers': ['x-t*']})
    miss, hit = twice(client, ACTING)
    assert miss.all('X-Two') == ['1'] and hit.all('X-Two') == []
    for name in ('X-One', 'Other', 'Access-Control-Max-Age'):
        assert hit.all(name) == ['1'], name


def test_headers_that_differ_are_of_each_request(client):
    """Code that sets them before the view is called does so for a hit too."""
    numbers = iter('12345')

    def number(event):
        event.request.response.setHeader('X-Number', next(numbers))

    with handler(number, pubevents.PubAfterTraversal):
        answers = twice(client, COUNTING)
    assert [answer['X-Number'] for answer in answers] == ['1', '2']


def test_view_has_the_last_word_on_a_header(client, item):
    def act(self, request):
        request.response.setHeader('X-Frame-Options', 'SAMEORIGIN')
        return 'text'

    def deny(event):
        event.request.response.setHeader('X-Frame-Options', 'DENY')

    item('act', act)
    with handler(deny, pubevents.PubAfterTraversal):
        for answer in twice(client, ACTING):
            assert answer['X-Frame-Options'] == 'SAMEORIGIN'


@pytest.mark.parametrize('for_', [IPubBeforeCommit, pubevents.PubBeforeCommit])
def test_headers_of_later_code_are_sent_once(client, for_):
    def link(event):
        event.request.response.appendHeader('Link', '</style.css>')

    with handler(link, for_):
        for answer in twice(client, COUNTING):
            assert answer['Link'] == '</style.css>'


@pytest.mark.parametrize('control', ['private', 'private, max-age=5'])
def test_privacy_of_a_view_stands(site, client, item, control):
    def act(self, request):
        request.response.setHeader('Cache-Control', control)
        return 'text'

    item('act', act)
    set_policy(site, etag=ETAG, max_age_secs=60)
    for answer in twice(client, ACTING):
        assert 'private' in answer['Cache-Control']


def test_page_that_varies_is_kept_for_each_value(client, item):
    def act(self, request):
        request.response.setHeader('Vary', 'X-Flavour')
        return f'{request.get_header("X-Flavour")} {self.count_render()}'

    item('act', act)
    pages = {}
    for flavour in ('sweet', 'sour', 'sweet', 'sour'):
        answer = client.get(ACTING, X_Flavour=flavour)
        assert answer.text.startswith(flavour)
        assert pages.setdefault(flavour, answer.body) == answer.body
        assert 'X-Flavour' in answer['Vary']
    assert answer.outcome == 'HIT'
    tag = answer['ETag']
    for flavour, status in (('sour', 304), ('sweet', 200), ('bitter', 200)):
        answer = client.get(ACTING, X_Flavour=flavour, If_None_Match=tag)
        assert answer.status == status


# bodies

@pytest.mark.parametrize(('kind', 'body', 'sent'), [
    ('application/json', '{"a": "\xe4"}', '{"a": "\xe4"}'.encode()),
    ('text/html; charset=iso-8859-1', '<p>\xe4</p>', b'<p>\xe4</p>'),
    ('image/png', b'\x89PNG\r\n\x00', b'\x89PNG\r\n\x00'),
    ('text/plain', 'x' * 100_000, b'x' * 100_000)])
def test_body_of_any_kind(client, item, kind, body, sent):
    def act(self, request):
        request.response.setHeader('Content-Type', kind)
        return body

    item('act', act)
    miss, hit = twice(client, ACTING)
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert hit.body == miss.body == sent
    assert hit['Content-Type'] == miss['Content-Type']


def test_view_that_returns_the_response(client, item):
    def act(self, request):
        request.response.setBody('<p>body</p>')
        return request.response

    item('act', act)
    miss, hit = twice(client, ACTING)
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert hit.body == miss.body == b'<p>body</p>'


def test_both_codings_of_a_view(client, item):
    item('act', lambda self, request: '<p>%s</p>' % ('text ' * 1000))
    plain = client.get(ACTING)
    zipped = twice(client, ACTING, Accept_Encoding='gzip')[1]
    assert zipped['Content-Encoding'] == 'gzip'
    assert len(zipped.body) < len(plain.body) / 10
    assert zipped['ETag'] != plain['ETag']
    again = client.get(ACTING)
    assert again.body == plain.body and again.all('Content-Encoding') == []
    assert outcomes(client, ACTING) == ['HIT', 'HIT']


def test_base_of_a_default_view_is_kept(site, client, item):
    def act(self, request):
        request.response.setHeader('Content-Type', 'text/html')
        return '<html><head></head></html>'

    item('act', act)
    site.portal_types.Item.setMethodAliases({'(Default)': '@@v-acting'})
    transaction.commit()
    miss, hit = twice(client, '/site/doc')
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert miss.body.count(b'<base') == 1 and hit.body == miss.body
