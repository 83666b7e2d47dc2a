"""Headers that say whether other sites may read a page."""
import time

import pytest
from ZPublisher import pubevents
from ZPublisher.interfaces import IPubBeforeCommit

from ...core.http.conditional import format_date
from ...core.settings import Settings
from ..events import handler
from ..lane_client import LaneClient
from ..lane_client import warm
from ..site import set_policy
from ..view_cases import ACTING
from ..view_cases import reason
from ..view_cases import twice


TEMPLATE = '/site/doc/acting_page'
ALLOW = 'Access-Control-Allow-Origin'
ONE, TWO = 'https://one.example', 'https://two.example'


@pytest.fixture(params=[ACTING, TEMPLATE])
def path(request):
    return request.param


def setting(*headers):
    def act(request):
        for name, value in headers:
            request.response.setHeader(name, value)
    return act


@pytest.mark.parametrize('headers', [
    {}, {'Origin': ONE}, {'Origin': 'null'}])
def test_a_hit_allows_what_the_page_allowed(
        client, acting, path, headers):
    acting(setting(
        (ALLOW, '*'), ('Access-Control-Expose-Headers', 'X-Total'),
        ('Timing-Allow-Origin', '*')))
    miss, hit = twice(client, path, **headers)
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert hit[ALLOW] == hit['Timing-Allow-Origin'] == '*'
    assert hit['Access-Control-Expose-Headers'] == 'X-Total'
    assert hit.stable_headers() == miss.stable_headers()


def echoing(*names, varying=False):
    def act(request):
        for name in names:
            request.response.setHeader(
                name, request.get_header('Origin') or 'none')
        if varying:
            request.response.setHeader('Vary', 'Origin')
    return act


@pytest.mark.parametrize('names', [
    (ALLOW,), (ALLOW, 'Access-Control-Allow-Credentials'),
    ('Timing-Allow-Origin',), ('X-Allowed',)])
def test_page_for_the_site_that_asks_is_not_kept(
        client, acting, path, names):
    """No tag either: a 304 would leave a browser with another site's."""
    acting(echoing(*names))
    for origin in (ONE, ONE, TWO):
        answer = client.get(path, Origin=origin)
        assert answer[names[0]] == origin
        assert (answer.outcome, reason(answer)) == ('BYPASS', 'origin')
        assert answer.all('ETag') == answer.all('Last-Modified') == []


def allowing_some(request):
    """Let the sites of a list read the page."""
    origin = request.get_header('Origin')
    if origin in (ONE, TWO):
        request.response.setHeader(ALLOW, origin)


def test_page_that_looked_for_the_site_that_asks_is_kept_for_each(
        client, acting, path):
    """The page without an allowed origin must not be sent to all origins."""
    acting(allowing_some)
    for origin in ('', ONE, TWO, 'https://other.example', ''):
        headers = {'Origin': origin} if origin else {}
        answer = client.get(path, **headers)
        assert answer.all(ALLOW) == [origin] * (origin in (ONE, TWO))
        assert answer['Vary'] == 'Origin, Accept-Encoding' or answer.all(ALLOW)
    assert answer.outcome == 'HIT'
    tag = answer['ETag']
    assert client.get(path, If_None_Match=tag).status == 304
    assert client.get(path, Origin=ONE, If_None_Match=tag).status == 200


def test_lane_keeps_such_pages_apart(acting, path):
    acting(allowing_some)
    lane = LaneClient()
    slow, fast = warm(lane, path)
    assert 'Origin' in fast['Vary'] and fast.all(ALLOW) == []
    assert lane.get(path, Origin=ONE)[ALLOW] == ONE


def test_date_of_such_a_page_is_not_sent(site, client, acting, path):
    set_policy(site, etag='')
    acting(echoing(ALLOW))
    for _ in range(2):
        answer = client.get(
            path, Origin=ONE, If_Modified_Since=format_date(time.time()))
        assert (answer.status, answer.outcome) == (200, 'NO-ETAG')
        assert answer.all('Last-Modified') == []


def test_page_that_varies_by_it_is_kept_for_each(client, acting, path):
    acting(echoing(ALLOW, 'Timing-Allow-Origin', varying=True))
    for origin in (ONE, TWO):
        assert client.get(path, Origin=origin).outcome == 'MISS'
    for origin in (ONE, TWO, ONE):
        answer = client.get(path, Origin=origin)
        assert (answer.outcome, answer[ALLOW]) == ('HIT', origin)
        assert 'Origin' in answer['Vary']
    tag = answer['ETag']
    assert client.get(path, Origin=ONE, If_None_Match=tag).status == 304
    assert client.get(path, Origin=TWO, If_None_Match=tag).status == 200


def test_key_header_counts_as_vary(site, client, acting, path):
    site.page_cache.manage_editProps('', {'key_headers': ['Origin']})
    acting(echoing(ALLOW))
    for origin in (ONE, TWO, ONE, TWO):
        answer = client.get(path, Origin=origin)
        assert answer[ALLOW] == origin and 'Origin' in answer['Vary']
    assert answer.outcome == 'HIT'


def test_one_site_for_all_who_ask_needs_vary_too(client, acting, path):
    """It may have been chosen for this request, or for all."""
    acting(setting((ALLOW, ONE)))
    assert reason(twice(client, path)[1]) == 'origin'


def test_list_of_sites_is_no_echo(client, acting, path):
    acting(setting(('Timing-Allow-Origin', f'{ONE}, {TWO}')))
    miss, hit = twice(client, path, Origin=ONE)
    assert hit.outcome == 'HIT'
    assert hit['Timing-Allow-Origin'] == miss['Timing-Allow-Origin']


@pytest.mark.parametrize('for_', [
    pubevents.PubAfterTraversal, IPubBeforeCommit, pubevents.PubBeforeCommit])
def test_what_other_code_allows_is_of_each_request(
        client, acting, path, for_):
    def allow(event):
        for name in (ALLOW, 'Timing-Allow-Origin'):
            event.request.response.setHeader(
                name, event.request.get_header('Origin'))

    acting(setting())
    with handler(allow, for_):
        for origin in (ONE, TWO, TWO):
            answer = client.get(path, Origin=origin)
            assert answer[ALLOW] == origin
            assert answer['Timing-Allow-Origin'] == origin
    assert answer.outcome == 'HIT'
    assert client.get(path).all(ALLOW) == []


def test_names_in_the_setting_are_left_out_all_the_same(
        site, client, acting):
    acting(setting((ALLOW, '*')))
    site.page_cache.manage_editProps(
        '', {'dropped_headers': ['access-control-*']})
    miss, hit = twice(client, ACTING)
    assert miss.all(ALLOW) == ['*'] and hit.all(ALLOW) == []


def test_default_leaves_no_header_out_that_other_sites_need():
    assert not [name for name in Settings().dropped_headers if (
        name.startswith('access-control'))]
