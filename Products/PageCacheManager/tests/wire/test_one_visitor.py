"""A page for one visitor says so, in spite of the ticks of the policy."""
import pytest
from ZPublisher import pubevents
from ZPublisher.interfaces import IPubBeforeCommit

from ...core.reasons import is_of_one_visitor
from ..events import handler
from ..site import set_policy
from ..view_cases import ACTING
from ..view_cases import ETAG
from ..view_cases import reason
from ..view_cases import twice


TEMPLATE = '/site/doc/acting_page'

#: All options of a policy that let every cache keep pages.
PUBLIC = {
    'max_age_secs': 60, 's_max_age_secs': 600, 'public': 1,
    'must_revalidate': 0, 'mtime_func': 'object/modified'}

#: Actions of a page that make it a page for one visitor.
ACTS = {
    'set-cookie': lambda request: request.response.setCookie('cart', '1'),
    'session': lambda request: request.set('SESSION', {}),
    'nonce': lambda request: request.response.setHeader(
        'Content-Security-Policy', "script-src 'nonce-abc'")}


def is_no_caches(answer):
    assert answer['Cache-Control'] == 'private, no-store'
    for name in ('ETag', 'Last-Modified', 'Expires'):
        assert answer.all(name) == [], name
    return True


@pytest.mark.parametrize('etag', [ETAG, ''], ids=['etag', 'no etag'])
@pytest.mark.parametrize('path', [ACTING, TEMPLATE])
@pytest.mark.parametrize('word', ACTS)
def test_page_goes_to_no_cache(viewed, client, acting, path, word, etag):
    set_policy(viewed, etag=etag, **PUBLIC)
    acting(ACTS[word])
    for answer in twice(client, path):
        assert is_no_caches(answer)
        assert reason(answer) == (word if etag else 'no-etag')


@pytest.mark.parametrize('more', [
    lambda r: r.setHeader('Vary', '*'), lambda r: r.addHeader('Link', '</x>'),
    lambda r: r.setHeader('Content-Range', 'bytes 0-1/2')])
@pytest.mark.parametrize('path', [ACTING, TEMPLATE])
@pytest.mark.parametrize('word', ACTS)
def test_another_reason_does_not_hide_it(
        viewed, client, acting, path, word, more):
    set_policy(viewed, etag=ETAG, **PUBLIC)
    acting(lambda request: (ACTS[word](request), more(request.response)))
    assert is_no_caches(client.get(path))


@pytest.mark.parametrize('path', [ACTING, TEMPLATE])
def test_message_goes_to_no_cache(viewed, client, acting, path):
    set_policy(viewed, etag=ETAG, **PUBLIC)
    acting(lambda request: [
        request.response.setHeader(name, value) for name, value in (
            ('ETag', '"own"'), ('Last-Modified', 'yesterday'),
            ('Expires', 'tomorrow'), ('Cache-Control', 'public'))])
    assert is_no_caches(client.get(path, Cookie='statusmessages=x'))


@pytest.mark.parametrize('path', [ACTING, TEMPLATE])
def test_page_of_no_policy_is_left_alone(viewed, client, acting, path):
    set_policy(viewed, predicate='python: False')
    acting(lambda request: (
        ACTS['set-cookie'](request),
        request.response.setHeader('Cache-Control', 'public')))
    assert client.get(path)['Cache-Control'] == 'public'


@pytest.fixture(params=[IPubBeforeCommit, pubevents.PubAfterTraversal])
def renewed_login(request):
    """Other code renews the cookie of a login, if there is one."""
    def renew(event):
        if 'login' in event.request.cookies:
            event.request.response.setCookie('login', 'new')

    with handler(renew, request.param):
        yield


@pytest.mark.parametrize('path', [ACTING, TEMPLATE])
def test_cookie_of_other_code_keeps_a_hit_private(
        viewed, client, acting, path, renewed_login):
    """It is the visitor's, and the page may be anybody's."""
    # a handler that reads it before the commit may have changed the page
    viewed.page_cache.manage_editProps('', {'ignored_cookies': ['login']})
    set_policy(viewed, etag=ETAG, **PUBLIC)
    acting(lambda request: None)
    tag = client.get(path)['ETag']
    hit = client.get(path, Cookie='login=old')
    held = client.get(path, Cookie='login=old', If_None_Match=tag)
    head = client.head(path, Cookie='login=old')
    assert (hit.outcome, hit['ETag'], hit.status) == ('HIT', tag, 200)
    assert (held.status, held['ETag']) == (304, tag)
    for answer in (hit, held, head):
        assert answer.all('Set-Cookie')
        assert answer['Cache-Control'] == 'private, max-age=60'
        assert answer.all('Expires') == []
    for answer in (client.get(path), client.get(path, If_None_Match=tag)):
        assert 'public' in answer['Cache-Control']
        assert answer['Expires']


def test_later_cookie_keeps_a_stored_template_private(
        viewed, client, acting):
    """The template was taken in before other code set the cookie."""
    set_policy(viewed, etag=ETAG, **PUBLIC)
    acting(lambda request: None)
    with handler(
            lambda event: event.request.response.setCookie('a', 'b'),
            IPubBeforeCommit):
        miss = client.get(TEMPLATE)
    assert miss.outcome == 'MISS' and miss.all('Set-Cookie')
    assert miss['Cache-Control'] == 'private, max-age=60'
    hit = client.get(TEMPLATE)
    assert (hit.outcome, hit.all('Set-Cookie')) == ('HIT', [])
    assert 'public' in hit['Cache-Control']


def test_fragments_of_others_keep_their_headers(viewed, client, acting):
    """The response is not our page, so its cookie does not matter."""
    set_policy(viewed, etag=ETAG, **PUBLIC)
    acting(lambda request: request.response.setHeader(
        'Cache-Control', 'public'))

    def wrap(event):
        event.request.response.setCookie('a', 'b')
        event.request.response.setBody('<p>other</p>')

    with handler(wrap, pubevents.PubAfterTraversal):
        answer = client.get(TEMPLATE)
    assert answer['Cache-Control'] == 'public'


@pytest.mark.parametrize(('detail', 'expected'), [
    ('set-cookie', True), ('session', True), ('nonce', True),
    ('request-cookie', True), ('cookie theme', True), ('user', True),
    ('cookies', False), ('no-store', False), ('wrote-to-database', False),
    ('', False)])
def test_reasons_that_mean_one_visitor(detail, expected):
    assert is_of_one_visitor(detail) is expected
