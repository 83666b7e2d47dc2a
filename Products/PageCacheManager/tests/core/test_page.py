"""Stored pages, and the responses that may become pages."""
import zlib

import pytest

from Products.PageCacheManager.core.http import codecs
from Products.PageCacheManager.core.page import Page
from Products.PageCacheManager.core.page import why_not
from Products.PageCacheManager.core.page import why_of_one_visitor


PAGE = Page(
    body=b'<p>Gr\xc3\xbc\xc3\x9fe</p>',
    codings=(('gzip', b'\x1f\x8b'), ('zstd', b'')),
    headers=(('Content-Type', 'text/html; charset=utf-8'),
             ('Title', 'Gr\xfc\xdfe "quoted"')),
    modified=784111777,
    created=784111800.25,
    varies=('accept', 'cookie'))


# Pages

def test_page_without_body_and_codings_is_signpost():
    assert PAGE._replace(body=b'', codings=()).is_signpost
    assert not PAGE._replace(codings=()).is_signpost
    assert not PAGE._replace(body=b'').is_signpost
    assert not PAGE.is_signpost


def test_coded_body_of_a_page():
    assert PAGE.coded('gzip') == b'\x1f\x8b'
    assert PAGE.coded('zstd') == b''
    assert PAGE.coded('br') is None


@pytest.mark.parametrize(('codings', 'expected'), [
    ((), False), ((('gzip', b''),), False), ((('gzip', b'x'),), True),
    ((('zstd', b''), ('gzip', b'x')), True)])
def test_coded_is_what_can_be_had_from_a_coding(codings, expected):
    assert PAGE._replace(codings=codings).is_coded is expected


@pytest.mark.parametrize('more', [-1, 0, 1])
def test_coding_that_is_no_shorter_is_noted_without_its_bytes(more):
    page = PAGE._replace(codings=()).with_coding(
        'gzip', bytes(len(PAGE.body) + more))
    assert (page.coded('gzip') == b'') is (more >= 0)
    assert page.is_coded is (more < 0)


def test_with_coding_keeps_the_others():
    page = PAGE.with_coding('br', b'12')
    assert page.codings == (*PAGE.codings, ('br', b'12'))


def test_whole_page_is_itself():
    assert PAGE.whole() is PAGE
    post = PAGE.signpost()
    assert post.whole() is post


@pytest.mark.parametrize('name', codecs.CODECS)
def test_whole_gets_the_body_from_any_coding(name):
    body = bytes(range(256)) * 9
    page = PAGE._replace(body=b'', codings=(
        ('x-unknown', b'x'), (name, codecs.CODECS[name].encode(body))))
    assert page.whole().body == body
    assert page.whole().codings == page.codings


def test_whole_fails_where_no_coding_is_known():
    with pytest.raises(ValueError, match='x-unknown'):
        PAGE._replace(body=b'', codings=(('x-unknown', b'x'),)).whole()


def test_whole_fails_where_gzip_is_damaged():
    with pytest.raises(zlib.error):
        PAGE._replace(body=b'', codings=(('gzip', b'x'),)).whole()


@pytest.mark.parametrize(('changes', 'more'), [
    ({}, 0),
    ({'body': PAGE.body + b'12345'}, 5),
    ({'codings': (*PAGE.codings, ('br', b'1234'))}, 4),
    ({'headers': (*PAGE.headers, ('Title', 'a'))}, 6),
    ({'headers': ()}, -sum(len(n) + len(v) for n, v in PAGE.headers)),
])
def test_size_counts_body_and_headers(changes, more):
    assert PAGE._replace(**changes).size == PAGE.size + more


def test_size_of_empty_page():
    assert Page(b'', (), (), 0, 0.0).size == 0


def test_signpost_keeps_what_page_varies_by_alone():
    post = PAGE.signpost()
    assert post.is_signpost
    assert (post.varies, post.created) == (PAGE.varies, PAGE.created)
    assert post.size == 0


@pytest.mark.parametrize(('later_secs', 'age_secs'), [
    (0, 0), (0.75, 0), (1, 1), (59.5, 59), (-10, 0)])
def test_age_is_whole_seconds(later_secs, age_secs):
    # RFC 9111 5.1: a non-negative integer
    assert PAGE.age(PAGE.created + later_secs) == age_secs


# Responses that may be stored

@pytest.mark.parametrize(('changes', 'expected', 'clause'), [
    ({}, '', 'RFC 9111 3'),
    ({'body': b''}, 'empty', 'a page has a body'),
    ({'headers': {'cache-control': 'no-store'}}, 'no-store',
     'RFC 9111 5.2.2.5'),
    ({'headers': {'cache-control': 'max-age=0, No-Store'}}, 'no-store',
     'RFC 9111 5.2: no case'),
    ({'headers': {'cache-control': 'private,no-store ,max-age=1'}},
     'no-store', 'RFC 9111 5.2.2.5'),
    ({'headers': {'cache-control': 'no-store=1'}}, 'no-store',
     'RFC 9111 5.2: an argument that none asked for'),
    ({'headers': {'cache-control': 'private="a", no-store'}}, 'no-store',
     'RFC 9111 5.2.2.5'),
    ({'headers': {'cache-control': 'private, max-age=0, no-cache'}}, '',
     'RFC 9111 5.2.2: for caches on the way'),
    ({'headers': {'cache-control': 'no-storeroom, x=no-store'}}, '',
     'RFC 9111 5.2.3: unknown directives'),
    ({'headers': {'cache-control': ''}}, '', 'RFC 9111 5.2'),
    ({'headers': {'vary': '*'}}, 'vary-any', 'RFC 9111 4.1'),
    ({'headers': {'vary': 'Accept, *'}}, 'vary-any', 'RFC 9111 4.1'),
    ({'headers': {'vary': 'Accept, X-*'}}, '', 'RFC 9110 12.5.5'),
    ({'headers': {'content-range': 'bytes 0-1/2'}}, 'status',
     'RFC 9111 3.3'),
    ({'headers': {'content-type': 'text/html', 'vary': 'Cookie'}}, '',
     'RFC 9111 3'),
])
def test_why_not_names_the_reason(changes, expected, clause):
    response = {'headers': {}, 'body': b'page'}
    assert why_not(**{**response, **changes}) == expected, clause


@pytest.mark.parametrize(('changes', 'expected', 'clause'), [
    ({'sets_cookie': True}, 'set-cookie', 'RFC 6265 3: of one visitor'),
    ({'headers': {'content-security-policy': "script-src 'nonce-YQ=='"}},
     'nonce', 'CSP 3: a nonce is for one response'),
    ({'headers': {'content-security-policy': "script-src 'NONCE-YQ=='"}},
     'nonce', 'CSP 3: no case'),
    ({'headers': {'content-security-policy-report-only':
                  "script-src 'nonce-YQ=='"}},
     'nonce', 'CSP 3: a nonce is for one response'),
    ({'headers': {'content-security-policy': "script-src 'self'"}}, '',
     'CSP 3'),
])
def test_why_of_one_visitor_names_the_reason(changes, expected, clause):
    response = {'headers': {}, 'sets_cookie': False}
    assert why_of_one_visitor(**{**response, **changes}) == expected, clause
