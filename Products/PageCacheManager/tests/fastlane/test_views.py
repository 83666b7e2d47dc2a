"""Pages of views in the fast lane."""
import pytest
import transaction

from ..client import Client
from ..lane_client import LaneClient
from ..lane_client import warm
from ..site import set_policy
from ..view_cases import ACTING
from ..view_cases import COUNTING
from ..view_cases import ETAG


pytestmark = pytest.mark.usefixtures('viewed')

LISTING = '/site/folder/v-listing'


@pytest.fixture
def lane():
    return LaneClient()


@pytest.mark.parametrize('path', [
    COUNTING, LISTING, '/site/doc/v-by-method', '/site/doc/v-by-template'])
def test_hit_is_that_of_zope(lane, path):
    slow, fast = warm(lane, path)
    assert fast.status == 200 and fast.body == slow.body
    assert fast.stable_headers() == slow.stable_headers()
    assert 'detail=fast' in fast['Cache-Status']


def test_held_page_is_304(lane):
    slow, fast = warm(lane, COUNTING)
    before = lane.asked
    answer = lane.get(COUNTING, If_None_Match=fast['ETag'])
    assert lane.asked == before
    assert (answer.status, answer.body) == (304, b'')


def test_head_has_the_headers_of_get(lane):
    slow, fast = warm(lane, COUNTING)
    before = lane.asked
    head = lane.head(COUNTING)
    assert lane.asked == before and head.body == b''
    assert head.stable_headers() == fast.stable_headers()


CHANGES = {
    'edit': lambda site: site.doc.manage_changeProperties(text='new'),
    'permission': lambda site: site.doc.manage_permission('View', []),
    'association': lambda site: site.page_cache.manage_editViews([]),
    'purge': lambda site: site.page_cache.manage_purge(),
    'policy': lambda site: set_policy(site, etag=ETAG, max_age_secs=5),
    'deletion': lambda site: site._delObject('page_cache'),
}


@pytest.mark.parametrize('change', CHANGES)
def test_the_next_request_after_a_commit_asks_zope(lane, site, change):
    warm(lane, COUNTING)
    CHANGES[change](site)
    transaction.commit()
    expected = Client().get(COUNTING)
    before = lane.asked
    answer = lane.get(COUNTING)
    assert lane.asked == before + 1
    assert answer.status == expected.status
    assert answer.get('ETag') == expected.get('ETag')


@pytest.mark.parametrize('given', [
    {'user': 'alice'}, {'Cookie': '__ac=x'}, {'Cookie': 'text=x'},
    {'X_Remote_User': 'alice'}, {'path': f'{COUNTING}?text=x'}])
def test_who_asks_for_more_goes_the_whole_way(lane, given):
    warm(lane, COUNTING)
    assert not lane.is_fast(**{'path': COUNTING, **given})


def test_nothing_of_a_member_enters_the_lane(lane, item):
    item('act', lambda self, request: (
        f'<p>{request["AUTHENTICATED_USER"].getId()}</p>'))
    for _ in range(4):
        page = lane.get(ACTING, 'alice')
    assert (page.outcome, page.text) == ('HIT', '<p>alice</p>')
    assert not lane.lane._entries
    assert lane.get(ACTING).text == '<p>None</p>'


def test_what_the_client_accepts_counts(lane):
    """Traversal may find another view by it, and no Vary says so."""
    warm(lane, COUNTING, Accept='text/html')
    assert not lane.is_fast(COUNTING, Accept='application/json')
    assert lane.is_fast(COUNTING, Accept='text/html')


def test_page_that_is_not_kept_stays_out(lane, item):
    item('act', lambda self, request: (
        request.response.setCookie('a', 'b') or f'{self.count_render()}'))
    assert lane.get(ACTING).body != lane.get(ACTING).body
    assert not lane.lane._entries


def test_page_with_cookies_of_one_visitor_stays_out(site):
    """Also of a cookie that the lane is told to ignore."""
    lane = LaneClient(ignored_cookies='theme')
    site.page_cache.manage_editProps('', {'key_cookies': ('theme',)})
    warm(lane, COUNTING)
    assert not lane.is_fast(COUNTING, Cookie='theme=dark')
    assert lane.is_fast(COUNTING)


@pytest.mark.parametrize(('etag', 'is_fast'), [
    ("python: '%s' % request['AUTHENTICATED_USER'].getId()", True),
    ('python: \'%s\' % request["AUTHENTICATED_USER"].getId()', True),
    ("python: 'x%s' % request['HTTP_X_KIND']", False),
    ("python: '%s%s' % (request['AUTHENTICATED_USER'].getId(),"
     " request['HTTP_X_KIND'])", False),
    ("python: 'x%s' % request.get('AUTHENTICATED_USERS')", False),
    ("python: '%s' % request.get('AUTHENTICATED_USER')", False)])
def test_policy_may_ask_who_the_user_is(lane, site, etag, is_fast):
    """The lane answers anonymous visitors only, so the user is nobody."""
    set_policy(site, etag=etag, last_modified=0)
    for _ in range(3):
        page = lane.get(COUNTING, X_Kind='a')
    assert page.outcome == 'HIT'
    assert lane.is_fast(COUNTING, X_Kind='b') is is_fast
