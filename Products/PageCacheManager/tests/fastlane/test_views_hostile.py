"""Requests that might get an answer from the lane that Zope would not give."""
import pytest
from OFS.Folder import manage_addFolder
from OFS.userfolder import manage_addUserFolder
from Products.Five.browser import BrowserView
from ZODB.POSException import ConflictError
from zope.component import getGlobalSiteManager
from zope.interface import Interface
from zope.publisher.interfaces.browser import IBrowserRequest
from ZPublisher import pubevents
from ZPublisher.HTTPRequest import HTTPRequest
from ZPublisher.interfaces import IPubBeforeCommit

from ..client import Client
from ..lane_client import LaneClient
from ..lane_client import warm
from ..site import Item
from ..site import set_policy
from ..view_cases import ACTING
from ..view_cases import COUNTING


pytestmark = pytest.mark.usefixtures('viewed')


@pytest.fixture
def lane():
    return LaneClient()


def test_page_may_vary_by_a_header_that_has_no_prefix(lane, item):
    """A WSGI environment names Content-Type without a prefix."""
    def act(self, request):
        request.response.setHeader('Vary', 'Content-Type')
        return f'<p>{request.getHeader("Content-Type")}</p>'
    item('act', act)
    warm(lane, ACTING)
    json = {'CONTENT_TYPE': 'application/json'}
    assert lane.get(ACTING, environ=json).text == '<p>application/json</p>'


@pytest.mark.parametrize('path', [
    'inner/page', 'folder/inner/page', 'inner/v-acting',
    'folder/inner/v-acting'])
def test_user_folder_on_the_way_may_know_visitors_by_address(
        lane, site, item, path):
    """Zope asks user folders on the path, even if the template is elsewhere.
    """
    item('act', lambda self, request: (
        f'<p>{request["AUTHENTICATED_USER"].getUserName()}</p>'))
    manage_addFolder(site, 'club')
    site.club._setObject('inner', Item('inner', 'inner text'))
    manage_addUserFolder(site.club)
    users = site.club.acl_users
    users.userFolderAddUser('inside', '', ['Member'], ['10.0.0.1'])
    users.setDomainAuthenticationMode(1)
    path = f'/site/club/{path}'
    inside = {'REMOTE_ADDR': '10.0.0.1'}
    assert '>inside<' in LaneClient().get(path, environ=inside).text
    for _ in range(4):
        page = lane.get(path)
    assert page.outcome == 'HIT'
    assert '>inside<' in lane.get(path, environ=inside).text


@pytest.mark.parametrize('expression', [
    'string:x${object/@@v-kind}', 'string:x${object/++view++v-kind}',
    "python: 'x' + object.restrictedTraverse('v-kind')()"])
def test_policy_that_asks_a_view_goes_the_whole_way(lane, site, expression):
    """A view has the request, and may read any of its headers."""
    class Kind(BrowserView):
        def __call__(self):
            return self.request.get_header('X-Kind', 'none')
    components = getGlobalSiteManager()
    kind = Kind, (Interface, IBrowserRequest), Interface, 'v-kind'
    components.registerAdapter(*kind)
    try:
        set_policy(site, etag=expression, last_modified=0)
        for _ in range(3):
            page = lane.get(COUNTING, X_Kind='a')
        assert page.outcome == 'HIT'
        assert not lane.is_fast(COUNTING, X_Kind='b')
    finally:
        components.unregisterAdapter(*kind)


# changes of a response by other code

@pytest.mark.parametrize('event', [
    pubevents.PubStart, pubevents.PubAfterTraversal, IPubBeforeCommit,
    pubevents.PubBeforeCommit, pubevents.PubSuccess])
@pytest.mark.parametrize('name', [
    'Content-Type', 'X-Notice', 'Vary', 'Cache-Control', 'ETag', 'Expires',
    'Content-Language'])
@pytest.mark.parametrize('path', [COUNTING, ACTING])
def test_header_that_other_code_sets_for_one_visitor_is_theirs(
        lane, item, subscribe, event, name, path):
    item('act', lambda self, request: '<html>acting</html>')

    def handler(event):
        if event.request.get_header('X-Kind') == 'a':
            event.request.response.setHeader(name, 'text/x-of-one')
    subscribe(handler, event)
    for _ in range(4):
        lane.get(path, X_Kind='a')
    expected = Client().get(path)
    assert lane.get(path).stable_headers() == expected.stable_headers()


def test_error_after_the_permit_leaves_nothing(lane, subscribe):
    """Zope tells other handlers of its success after ours, and one may fail.
    """
    warm(lane, COUNTING)
    lane.lane._entries.clear()

    def handler(event):
        raise ValueError('broken')
    subscribe(handler, pubevents.PubSuccess)
    with pytest.raises(ValueError, match='broken'):
        lane.get(COUNTING)
    assert not lane.lane._entries


@pytest.mark.parametrize('event', [
    pubevents.PubAfterTraversal, IPubBeforeCommit, pubevents.PubBeforeCommit,
    pubevents.PubSuccess])
def test_request_that_is_tried_again_is_answered_as_any(
        lane, subscribe, monkeypatch, event):
    """The ticket stays in the environment, for the try that comes through.
    """
    monkeypatch.setattr(HTTPRequest, 'retry_max_count', 3)
    warm(lane, COUNTING)
    lane.clock.now += 5
    conflicts = [ConflictError('again')]

    def handler(event):
        if conflicts:
            raise conflicts.pop()
    subscribe(handler, event)
    answer = lane.get(COUNTING)
    assert answer.outcome == 'HIT' and not conflicts
    expected = Client().get(COUNTING)
    assert lane.is_fast(COUNTING)
    answer = lane.get(COUNTING)
    assert answer.body == expected.body
    assert answer.stable_headers() == expected.stable_headers()


# the lane against Zope

PATHS = [
    '/site/doc/v-counting', '/site/doc/@@v-counting', '/site/doc/v-counting/',
    '/site/doc/++view++v-counting', '/site/doc/v-counting/page',
    '/site/doc//v-counting', '/site/doc/./v-counting',
    '/site/folder/v-listing', '/site/doc/v-managers-only',
    '/site/doc/v-traversing/a/b', '/site/doc/v-by-template',
    '/site/doc/v-arguments', '/site/doc/v-by-method', '/site/doc/v-note',
    '/site/doc/v-streaming', '/site/doc/v-plain/helper',
    '/site/folder/inner/v-counting', '/site/folder/doc/v-counting']

#: Zope may find more than a value in these queries.
QUERIES = [
    '?a=1', '?utm_source=x', '?utm_source=%ff', '?utm_source:int=x',
    '?utm_source%3Aint=x', '?a=%ff', '?:method=page', '?page:method=x',
    '?text:default_method=1', '?a:int=x', '?utm_source=x;a=1', '?a;b',
    '?utm_source.x:record=1', '?utm_x:default=1', '?utm_x:tokens=a+b',
    '?-C', '?utm_source', '?=x', '?&&', '?utm_source=a&utm_source=b',
    '?utm_source=%00', '?a:utf-16:ustring=x', '?utm_source:action=page',
    '?__ac_name=alice&__ac_password=alice', '?+utm_source=1',
    '?utm_source[]=1', '?gclid=%C3%A4', '?REQUEST=1', '?URL=x', '?BASE1=x',
    '?AUTHENTICATED_USER=x', '?RESPONSE=x']

HEADERS = [
    {}, {'Accept_Encoding': 'gzip'}, {'Accept_Encoding': 'br, gzip;q=0.5'},
    {'Accept': 'application/json'}, {'Accept_Language': 'de'},
    {'Range': 'bytes=0-2'}, {'If_None_Match': '*'}, {'If_None_Match': '"x"'},
    {'If_Match': '"x"'}, {'If': '(<x>)'},
    {'If_Modified_Since': 'Sat, 01 Jan 2028 00:00:00 GMT'},
    {'Cookie': '_ga=1'}, {'Cookie': '_ga=1; text=x'}, {'Host': 'x.org'},
    {'Host': ''}, {'Host': 'localhost:8080/x'}, {'Translate': 'f'},
    {'X_Requested_With': 'XMLHttpRequest'}, {'Depth': '1'},
    {'User_Agent': 'Microsoft Data Access Internet Publishing Provider'},
    {'Accept_Charset': 'latin-1'}, {'X_HTTP_Method_Override': 'POST'}]


def sent(client, method, path, headers):
    """Return the answer, or an error as its name and text."""
    try:
        answer = client.request(method, path, **headers)
    except Exception as error:
        return type(error).__name__, str(error)
    return answer.status, answer.body, answer.stable_headers()


@pytest.mark.parametrize('path', PATHS)
def test_whatever_comes_the_answer_is_that_of_zope(lane, monkeypatch, path):
    # which differs from render to render
    monkeypatch.setattr(Item, 'count_render', lambda self: 0)
    asked = [(path + query, {}) for query in QUERIES] + [
        (path, headers) for headers in HEADERS]
    for _ in range(3):
        for each in asked:
            sent(lane, 'GET', *each)
    client = Client()
    for each in asked:
        for method in ('GET', 'HEAD'):
            assert sent(lane, method, *each) == sent(
                client, method, *each), (method, each)
