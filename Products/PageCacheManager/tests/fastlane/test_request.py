"""The parts of a request that count in the fast lane, without a Zope."""
import pytest

from ...fastlane import options
from ...fastlane.filter import filter_app
from ...fastlane.request import Rules
from ...fastlane.request import address
from ...fastlane.request import key
from ...fastlane.request import length
from ...fastlane.request import names_of_cookies
from ...fastlane.request import parts_of_address
from ...fastlane.request import signs_of_identity


OPTIONS = options.read({'identity_headers': 'X-Who'})


def names(**environ):
    return names_of_cookies(
        {'REQUEST_METHOD': 'GET', **environ},
        signs_of_identity(OPTIONS.identity_headers), OPTIONS.ignored_cookies)


@pytest.mark.parametrize(('environ', 'expected'), [
    ({}, []),
    ({'REQUEST_METHOD': 'HEAD'}, []),
    ({'CONTENT_LENGTH': '0'}, []),
    ({'HTTP_COOKIE': ''}, []),
    ({'HTTP_COOKIE': '_ga=1;_gid = 2; _ga_X'}, ['_ga', '_gid', '_ga_X']),
    # a server may set a variable without a value
    ({'REMOTE_USER': '', 'AUTH_TYPE': ''}, []),
])
def test_request_of_nobody_has_ignored_cookies_alone(environ, expected):
    assert list(names(**environ)) == expected


@pytest.mark.parametrize('environ', [
    {'REQUEST_METHOD': 'POST'},
    {'CONTENT_LENGTH': '1'},
    {'HTTP_TRANSFER_ENCODING': 'chunked'},
    {'HTTP_AUTHORIZATION': 'x'},
    {'REMOTE_USER': 'alice'},
    {'HTTP_X_WHO': 'alice'},
    {'REDIRECT_HTTP_X': ''},
    {'HTTP_COOKIE': '__ac=x'},
    {'HTTP_COOKIE': '_ga=1; theme=dark'},
    {'HTTP_COOKIE': '_ga=1,__ac=x'},
    {'HTTP_COOKIE': '_ga="1"'},
    {'HTTP_COOKIE': ';'},
])
def test_request_that_may_be_of_somebody_has_none(environ):
    assert names(**environ) is None


VARIABLES = signs_of_identity((
    'X-Who', 'OIDC_CLAIM_sub', 'MELLON_*', 'Shib-*', 'REMOTE_USER_*'))


@pytest.mark.parametrize('name', [
    'OIDC_CLAIM_sub', 'HTTP_OIDC_CLAIM_SUB', 'MELLON_NAME_ID', 'MELLON_mail',
    'HTTP_MELLON_MAIL', 'Shib-Session-ID', 'HTTP_SHIB_SESSION_ID',
    'REMOTE_USER_ID', 'REMOTE_USER', 'HTTP_X_WHO'])
def test_signs_are_headers_and_variables(name):
    assert VARIABLES.are_in({'PATH_INFO': '/', name: 'alice'})
    assert not VARIABLES.are_in({'PATH_INFO': '/', name: ''})


@pytest.mark.parametrize('name', [
    'PATH_INFO', 'OIDC_CLAIM_SUB', 'OIDC_CLAIM_sub_', 'X_MELLON_mail',
    'REMOTE_ADDR', 'REMOTE_PORT', 'HTTP_HOST', 'wsgi.input',
    'wsgi.url_scheme'])
def test_what_is_no_sign(name):
    assert not VARIABLES.are_in({name: 'x'})


def test_no_pattern_costs_nothing_unless_there_is_one():
    assert signs_of_identity(
        options.read({}).identity_headers).others is None
    assert VARIABLES.others is not None


@pytest.mark.parametrize('name', [
    'OIDC_CLAIM_sub', 'HTTP_OIDC_CLAIM_SUB', 'MELLON_NAME_ID',
    'Shib-Session-ID', 'Shib_Session_ID', 'AUTH_USER',
    'HTTP_X_AMZN_OIDC_IDENTITY'])
def test_usual_signs_are_known(name):
    known = options.read({}).identity_headers
    assert signs_of_identity(known).are_in({name: 'alice'})


def test_lane_says_at_start_what_it_watches_for(caplog):
    caplog.set_level('INFO')
    filter_app(None, {}, identity_headers='X-Who MELLON_*')
    text, = caplog.messages
    for name in ('X-Who', 'MELLON_*', 'REMOTE_USER', 'HTTP_AUTHORIZATION'):
        assert name in text


def test_key_tells_requests_apart_by_all_that_counts():
    parts = parts_of_address(['X-Tenant'])
    rules = Rules(('HTTP_X_KIND',), ('utm_*',))
    first = {'PATH_INFO': '/a', 'QUERY_STRING': 'b=1'}

    def of(**more):
        environ = {**first, **more}
        return key(environ, address(environ, parts), rules)
    assert of() == of(QUERY_STRING='b=1&utm_source=x', HTTP_OTHER='x')
    for other in (
            {'PATH_INFO': '/b'}, {'QUERY_STRING': 'b=2'},
            {'HTTP_X_KIND': 'x'}, {'HTTP_X_TENANT': 'x'},
            {'HTTP_HOST': 'x'}, {'SCRIPT_NAME': '/x'}):
        assert of(**other) != of()
    assert length(of(HTTP_X_KIND='x' * 5000)) > 5000


@pytest.mark.parametrize('name', ['nonsense', 'clock'])
def test_what_is_no_option_is_refused(name):
    with pytest.raises(ValueError, match=name):
        filter_app(None, {}, **{name: '1'})
