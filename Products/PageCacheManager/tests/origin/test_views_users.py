"""The visitors who get a page of a view, and the requests that render it."""
import threading

import pytest
import transaction

from ...manager import caches
from ..client import Client
from ..site import set_policy
from ..view_cases import ACTING
from ..view_cases import COUNTING
from ..view_cases import ETAG
from ..view_cases import is_idle
from ..view_cases import outcomes
from ..view_cases import reason
from ..wire.test_faults import error_view  # noqa: F401
from ..wire.test_fresh import in_threads
from ..wire.test_fresh import until


pytestmark = pytest.mark.usefixtures('viewed')


@pytest.fixture
def cache(site):
    return caches.cache_of(site.page_cache)


# users

@pytest.mark.parametrize('partition', ['user', 'roles', 'etag'])
def test_users_share_what_the_setting_says(site, client, item, partition):
    site.page_cache.manage_editProps('', {'partition': partition})
    set_policy(site, etag=ETAG, last_modified=0, s_max_age_secs=5)
    item('act', lambda self, request: f'<p>{self.count_render()}</p>')
    alice, bob, nobody = (
        client.get(ACTING, user) for user in ('alice', 'bob', None))
    assert (alice.body == bob.body) is (partition != 'user')
    assert (alice.body == nobody.body) is (partition == 'etag')
    assert client.get(ACTING, 'alice').outcome == 'HIT'


def test_users_are_apart_with_no_word_in_the_tag(client, item):
    item('act', lambda self, request: (
        f'<p>{request["AUTHENTICATED_USER"].getId()}</p>'))
    tags = set()
    for user in ('alice', 'bob', None, 'alice', 'bob', None):
        answer = client.get(ACTING, user)
        assert answer.text == f'<p>{user}</p>'
        tags.add(answer['ETag'])
    assert len(tags) == 3 and answer.outcome == 'HIT'


def test_access_to_a_view_is_checked_for_each(
        client, error_view):  # noqa: F811
    path = '/site/doc/v-managers-only'
    assert outcomes(client, path, 'root') == ['MISS', 'HIT']
    for user in ('alice', None):
        for ask in (client.get, client.head):
            assert ask(path, user).status == 401
    assert client.get(path, 'root').outcome == 'HIT'


def test_access_to_the_content_is_checked_for_each(
        site, client, error_view):  # noqa: F811
    client.get(COUNTING)
    site.doc.manage_permission('View', ['Manager'], 0)
    assert client.get(COUNTING).status == 401
    assert client.get(COUNTING, 'root').status == 200


# flights

@pytest.fixture
def slow(item):
    """An acting view that renders until `go` is set."""
    class Slow:
        renders = 0
        fails = 0
        go = threading.Event()
        text = 'slow'

    def act(self, request):
        Slow.renders += 1
        assert Slow.go.wait(20)
        if Slow.fails:
            Slow.fails -= 1
            raise ValueError('on purpose')
        if Slow.text == 'cookie':
            request.response.setCookie('a', 'b')
        return f'<p>{Slow.text}</p>'

    item('act', act)
    return Slow


def ask_at_once(cache, slow, count):
    def release():
        until(lambda: cache.flights.waiting == count - 1)
        slow.go.set()

    def fetch():
        try:
            return Client().get(ACTING)
        except ValueError:
            return None

    transaction.abort()
    thread = threading.Thread(target=release)
    thread.start()
    answers = in_threads(count, fetch)
    thread.join(20)
    return answers


def test_many_requests_render_a_view_once(cache, slow):
    answers = ask_at_once(cache, slow, 8)
    assert slow.renders == 1 and is_idle(cache)
    assert {answer.body for answer in answers} == {b'<p>slow</p>'}
    assert sorted(a.outcome for a in answers) == ['HIT'] * 7 + ['MISS']
    assert sum('collapsed' in a['Cache-Status'] for a in answers) == 7
    assert len({answer['ETag'] for answer in answers}) == 1


def test_one_that_waits_renders_if_the_first_fails(cache, slow):
    slow.fails = 1
    answers = ask_at_once(cache, slow, 4)
    assert slow.renders == 2 and answers.count(None) == 1
    assert sum(a.outcome == 'HIT' for a in answers if a) == 2
    assert is_idle(cache)


def test_view_that_can_not_be_stored_is_not_waited_for(cache, slow):
    slow.text = 'cookie'
    answers = ask_at_once(cache, slow, 4)
    assert slow.renders == 4 and is_idle(cache)
    assert {reason(answer) for answer in answers} <= {'set-cookie', ''}
    assert all(a.all('Set-Cookie') for a in answers)


def test_hit_takes_no_flight(client, cache, monkeypatch):
    client.get(COUNTING)
    monkeypatch.setattr(
        type(cache.flights), 'board', lambda *args: pytest.fail('boards'))
    assert client.get(COUNTING).outcome == 'HIT'
