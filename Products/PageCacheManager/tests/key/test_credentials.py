"""Credentials that Zope does not know, but code of the site may."""
import pytest

from ..lane_client import LaneClient
from ..lane_client import warm
from ..view_cases import ACTING
from ..view_cases import outcomes


TEMPLATE = '/site/doc/acting_page'
#: The login of a user that no user folder has.
STRANGER = 'Basic c3RyYW5nZXI6c2VjcmV0'
GIVEN = [
    {'HTTP_AUTHORIZATION': 'Bearer alice'},
    {'HTTP_AUTHORIZATION': STRANGER},
    {'HTTP_CGI_AUTHORIZATION': 'Bearer alice'},
    {'REDIRECT_HTTP_AUTHORIZATION': 'Bearer alice'},
    {'REMOTE_USER': 'alice'}]

each_page = pytest.mark.parametrize('path', [ACTING, TEMPLATE])


def of_request(request):
    """Return the name of the user that code finds in a request, or ''."""
    basic = request._authUserPW()
    return basic[0] if basic else (
        request._auth or request.get('REMOTE_USER', ''))


@pytest.fixture
def shown(acting, item):
    """Let pages show the credentials that code finds."""
    acting(None)
    item('act', lambda self, request: (
        f'<html><p>for {of_request(request) or "all"}</p></html>'))


@pytest.fixture
def ask(client, shown):
    """Ask with variables of a WSGI environment."""
    plain = client.environ

    def ask(path, given, **headers):
        client.environ = lambda *args: {**plain(*args), **given}
        answer = client.get(path, **headers)
        client.environ = plain
        return answer
    return ask


@each_page
@pytest.mark.parametrize('given', GIVEN)
def test_page_of_unknown_credentials_is_theirs_alone(
        client, ask, path, given):
    for outcome in ('MISS', 'HIT', 'HIT'):
        answer = ask(path, given)
        assert answer.outcome == outcome and 'for all' not in answer.text
    assert 'for all' in client.get(path).text
    assert 'for Bearer other' in ask(
        path, {'HTTP_AUTHORIZATION': 'Bearer other'}).text


@each_page
@pytest.mark.parametrize('given', GIVEN)
def test_page_for_all_is_no_answer_to_unknown_credentials(
        client, ask, path, given):
    page = client.get(path)
    assert client.get(path).outcome == 'HIT'
    for headers in ({}, {'If_None_Match': page['ETag']}):
        answer = ask(path, given, **headers)
        assert answer.status == 200 and 'for all' not in answer.text
        assert answer['ETag'] != page['ETag']
    assert client.get(path).outcome == 'HIT'


@each_page
def test_page_that_refuses_all_others_is_asked_each_time(
        acting, client, item, path):
    def act(self, request):
        if request._auth != 'Bearer alice':
            request.response.setStatus(403)
        return '<p>balance</p>'
    acting(None)
    item('act', act)
    statuses = [client.get(path, **given).status for given in (
        {'Authorization': 'Bearer alice'}, {}, {'Authorization': 'Bearer x'})]
    assert statuses == [200, 403, 403]


@pytest.mark.usefixtures('shown')
@pytest.mark.parametrize('given', GIVEN)
def test_lane_gives_no_page_of_unknown_credentials(given):
    lane = LaneClient()
    for _ in range(3):
        lane.request('GET', ACTING, environ=given)
    for answer in warm(lane, ACTING):
        assert 'for all' in answer.text
    assert 'for all' not in lane.request('GET', ACTING, environ=given).text


@pytest.mark.usefixtures('shown')
def test_template_that_other_code_calls(client, item):
    def calling(self):
        """Return the text of a template."""
        return self.acting_page()
    item('calling', calling)
    path = '/site/doc/calling'
    assert outcomes(client, path) == ['MISS', 'HIT']
    for outcome in ('MISS', 'HIT'):
        answer = client.get(path, Authorization='Bearer alice')
        assert answer.outcome == outcome and 'for Bearer alice' in answer.text


@pytest.mark.parametrize('given', [
    {'HTTP_AUTHORIZATION': ''}, {'REMOTE_USER': ''}])
def test_what_is_empty_names_nobody(client, ask, given):
    client.get(ACTING)
    assert ask(ACTING, given).outcome == 'HIT'


def test_user_of_zope_has_pages_kept_whatever_the_server_says(ask):
    given = {'REMOTE_USER': 'alice', 'HTTP_AUTHORIZATION': (
        'Basic YWxpY2U6YWxpY2U=')}
    assert [ask(ACTING, given).outcome for _ in range(2)] == ['MISS', 'HIT']


@pytest.mark.usefixtures('shown')
def test_explain_of_an_anonymous_visitor_has_no_credentials(client):
    client.get(ACTING)
    text = client.get(
        f'/site/page_cache/manage_explain?visitor=anonymous&path={ACTING}',
        'root').text
    assert 'HIT' in text


@pytest.mark.usefixtures('shown')
@each_page
def test_head_of_unknown_credentials_tells_of_their_page(client, path):
    tag = client.get(path)['ETag']
    assert client.head(path).all('ETag') == [tag]
    own = client.get(path, Authorization='Bearer alice')['ETag']
    answer = client.head(path, Authorization='Bearer alice')
    assert own != tag and answer.all('ETag') == [own]
