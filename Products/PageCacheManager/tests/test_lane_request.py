"""What of a request counts in the fast lane, without a Zope."""
import pytest

from .. import lane_options
from ..fastlane import filter_app
from ..lane_request import Rules
from ..lane_request import address
from ..lane_request import key
from ..lane_request import length
from ..lane_request import names_of_cookies
from ..lane_request import parts_of_address
from ..lane_request import signs_of_identity


OPTIONS = lane_options.read({'identity_headers': 'X-Who'})


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
    # a server may name what it does not know
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
