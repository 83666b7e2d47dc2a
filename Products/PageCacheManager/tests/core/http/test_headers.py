"""The headers of a 200 and of a 304, merged from several sources."""
import pytest

from Products.PageCacheManager.core.http.headers import is_private
from Products.PageCacheManager.core.http.headers import last_modified
from Products.PageCacheManager.core.http.headers import merged
from Products.PageCacheManager.core.http.headers import not_modified_headers
from Products.PageCacheManager.core.http.headers import page_headers
from Products.PageCacheManager.core.http.headers import without_later


#: 2023-11-14 22:13:20 UTC
NOW = 1_700_000_000
NOW_DATE = 'Tue, 14 Nov 2023 22:13:20 GMT'
BEFORE_DATE = 'Tue, 14 Nov 2023 22:13:19 GMT'
LATER_DATE = 'Tue, 14 Nov 2023 22:13:30 GMT'

#: An image has no variants by coding, so it has a Vary of its own alone.
IMAGE = {'content-type': 'image/png'}


def headers_of(own=(), policy=(), tag='', modified=None, **more):
    """Return the headers of an image, so that Vary is not everywhere."""
    return page_headers(
        {**IMAGE, **dict(own)}, dict(policy), tag, modified, **more)


# Last-Modified (RFC 9110 section 8.8.2)

@pytest.mark.parametrize('moment,now,date', [
    (NOW, NOW + 1, NOW_DATE),
    (NOW, NOW + 1.9, NOW_DATE),
    (NOW, NOW + 1000, NOW_DATE),
    # it may change once more in this second
    (NOW, NOW, BEFORE_DATE),
    (NOW, NOW + 0.9, BEFORE_DATE),
    # a clock elsewhere goes ahead
    (NOW + 50, NOW, BEFORE_DATE),
])
def test_last_modified_is_never_of_this_second(moment, now, date):
    assert last_modified(moment, now) == date


def test_last_modified_is_sent_where_the_policy_has_one():
    dated = {**IMAGE, 'last-modified': NOW_DATE}
    assert headers_of(modified=NOW_DATE) == dated
    assert headers_of({'last-modified': 'own'}, modified=NOW_DATE) == dated
    assert headers_of() == IMAGE


def test_last_modified_of_rendering_stays_where_the_policy_has_none():
    own = {'last-modified': 'own'}
    assert headers_of(own) == {**IMAGE, **own}


# the headers of a 200

def test_the_policy_wins():
    own = {'x-own': 'own', 'x-both': 'own'}
    policy = {'x-policy': 'policy', 'x-both': 'policy'}
    assert headers_of(own, policy) == {
        **IMAGE, 'x-own': 'own', 'x-policy': 'policy', 'x-both': 'policy'}


def test_what_is_given_stays_as_it_is():
    own, policy = {**IMAGE, 'x': '1'}, {'vary': 'A', 'x': '2'}
    before = dict(own), dict(policy)
    page_headers(own, policy, '"tag"', NOW_DATE)
    assert (own, policy) == before


def test_the_tag_takes_the_place_of_any_other():
    own, policy = {'etag': '"own"'}, {'etag': '"policy"'}
    assert headers_of(own, policy, '"tag"')['etag'] == '"tag"'
    assert 'etag' not in headers_of()


@pytest.mark.parametrize('own,policy,sent', [
    ('', '', None),
    ('A', '', 'A'),
    ('', 'B', 'B'),
    ('A', 'B', 'A, B'),
    ('A, b', 'B, C', 'A, b, C'),
])
def test_vary_has_the_names_of_both(own, policy, sent):
    found = headers_of(
        {'vary': own} if own else {}, {'vary': policy} if policy else {})
    assert found.get('vary') == sent


def test_an_empty_vary_is_not_sent():
    assert headers_of({'vary': ''}, {'vary': ''}) == IMAGE


@pytest.mark.parametrize('kind,sent', [
    ('text/html; charset=utf-8', 'A, Accept-Encoding'),
    ('', 'A, Accept-Encoding'),
    ('application/image/', 'A, Accept-Encoding'),
    ('image/png', 'A'),
    ('image/svg+xml', 'A'),
])
def test_vary_names_the_coding_where_there_may_be_one(kind, sent):
    """RFC 9110 section 12.5.5: so do all variants, the plain one too."""
    own = {'content-type': kind, 'vary': 'A'}
    assert page_headers(own, {}, '', None)['vary'] == sent
    assert page_headers({'vary': 'A'}, {'content-type': kind}, '', None)[
        'vary'] == sent


def test_vary_names_the_coding_where_no_type_is_known():
    assert page_headers({}, {}, '', None) == {'vary': 'Accept-Encoding'}


# Expires (RFC 9110 section 5.6.7, RFC 9111 section 5.3)

def test_expires_of_rendering_moves_on_with_the_age():
    own = {'expires': NOW_DATE}
    assert headers_of(own, age=10)['expires'] == LATER_DATE
    assert headers_of(own, age=0)['expires'] == NOW_DATE
    assert headers_of(own)['expires'] == NOW_DATE


def test_expires_by_one_second():
    assert headers_of({'expires': BEFORE_DATE}, age=1)['expires'] == NOW_DATE


def test_expires_of_the_policy_is_of_this_request():
    own, policy = {'expires': NOW_DATE}, {'expires': BEFORE_DATE}
    assert headers_of(own, policy, age=10)['expires'] == BEFORE_DATE
    assert headers_of({}, policy, age=10)['expires'] == BEFORE_DATE


@pytest.mark.parametrize('value', ['0', '-1', 'never'])
def test_expires_that_is_no_date_stays(value):
    """RFC 9111 section 5.3: it means that the page has expired already."""
    assert headers_of({'expires': value}, age=10)['expires'] == value


def test_no_expires_where_nobody_said_one():
    assert 'expires' not in headers_of(age=10)


# Cache-Control: the stricter one stays (RFC 9111 section 5.2.2)

@pytest.mark.parametrize('control,result', [
    ('private', True),
    ('no-store', True),
    ('max-age=0, PRIVATE', True),
    ('private="set-cookie"', True),
    ('public', False),
    ('no-cache', False),
    ('max-age=60', False),
    ('', False),
])
def test_is_private(control, result):
    assert is_private(control) is result


#: Cache-Control of the render, of the policy, and as it is sent.
CONTROLS = [
    ('', 'max-age=60', 'max-age=60'),
    ('public', 'max-age=60', 'max-age=60'),
    # without a lifetime a client guesses one (RFC 9111 section 4.2.2)
    ('private', 'max-age=60, public', 'private, max-age=60'),
    ('private', 's-maxage=9, no-cache', 'private, no-cache'),
    ('private, max-age=1', 'max-age=60', 'private, max-age=1'),
    ('no-store', 'max-age=60', 'no-store'),
    ('no-store', 'private', 'no-store'),
    ('private', '', 'private'),
    # which is stricter still
    ('private', 'no-store', 'no-store'),
    ('private, max-age=1', 'max-age=60, No-Store', 'max-age=60, No-Store'),
]


@pytest.mark.parametrize('own,policy,sent', CONTROLS)
def test_rendering_keeps_a_page_private(own, policy, sent):
    found = headers_of(
        {'cache-control': own} if own else {},
        {'cache-control': policy} if policy else {})
    assert found['cache-control'] == sent


def test_no_cache_control_where_nobody_said_one():
    assert headers_of({'x': '1'}, {'y': '2'}) == {**IMAGE, 'x': '1', 'y': '2'}


# headers of other code in the same request

@pytest.mark.parametrize('present,values,sent', CONTROLS)
def test_merged_keeps_an_answer_private(present, values, sent):
    found = merged({'cache-control': values}, {'cache-control': present})
    assert found == {'cache-control': sent}


def test_merged_takes_vary_and_nothing_else():
    values = {'x': 'page', 'vary': 'A'}
    present = {'x': 'other', 'y': 'other', 'vary': 'a, B'}
    assert merged(values, present) == {'x': 'page', 'vary': 'A, B'}
    assert merged({}, {'vary': 'B'}) == {'vary': 'B'}
    assert merged({}, {'cache-control': 'private'}) == {
        'cache-control': 'private'}
    assert merged({}, {'cache-control': 'max-age=1'}) == {}
    assert merged(values, {'x': 'other'}) == values


def test_merged_leaves_alone_what_it_is_given():
    values, present = {'vary': 'A'}, {'vary': 'B'}
    merged(values, present)
    assert (values, present) == ({'vary': 'A'}, {'vary': 'B'})


def test_what_was_set_after_the_call_stands():
    values = {'a': 'page', 'b': 'page', 'c': 'page', 'd': 'page'}
    found = without_later(
        values,
        present={'a': 'later', 'b': 'before', 'c': 'own', 'e': 'later'},
        before={'a': 'before', 'b': 'before'},
        own={'a': 'own', 'c': 'own'})
    assert found == {'b': 'page', 'c': 'page', 'd': 'page'}


def test_etag_and_vary_are_the_pages_whatever_was_set_after_the_call():
    values = {'etag': '"page"', 'vary': 'A', 'x-vary': 'page'}
    later = {'etag': '"later"', 'vary': 'later', 'x-vary': 'later'}
    assert without_later(values, later, {}, {}) == {
        'etag': '"page"', 'vary': 'A'}


# 304 (RFC 9110 section 15.4.5)

WHOLE = {
    'cache-control': 'max-age=60', 'content-location': '/page',
    'etag': '"tag"', 'expires': NOW_DATE, 'vary': 'A',
}


def test_304_repeats_what_the_200_says():
    others = {
        'content-type': 'text/html', 'content-language': 'en', 'x-own': '1',
        'last-modified': NOW_DATE}
    assert not_modified_headers({**WHOLE, **others}) == WHOLE


@pytest.mark.parametrize('name', WHOLE)
def test_304_has_no_more_than_the_200(name):
    values = {n: v for n, v in WHOLE.items() if n != name}
    assert not_modified_headers(values) == values


def test_304_has_a_date_where_there_is_no_tag():
    values = {'last-modified': NOW_DATE, 'content-type': 'text/html'}
    assert not_modified_headers(values) == {'last-modified': NOW_DATE}
    assert not_modified_headers({'content-type': 'text/html'}) == {}
