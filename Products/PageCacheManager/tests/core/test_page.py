"""Stored pages, their bytes, and which responses may become one."""
import json
import math
import struct
import zlib

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from Products.PageCacheManager.core.http import codecs
from Products.PageCacheManager.core.page import Page
from Products.PageCacheManager.core.page import directives
from Products.PageCacheManager.core.page import from_bytes
from Products.PageCacheManager.core.page import joined
from Products.PageCacheManager.core.page import listed
from Products.PageCacheManager.core.page import names
from Products.PageCacheManager.core.page import to_bytes
from Products.PageCacheManager.core.page import why_not
from Products.PageCacheManager.core.page import why_of_one_visitor
from Products.PageCacheManager.core.reads.portable import Portable
from Products.PageCacheManager.core.reads.portable import Source


PAGE = Page(
    body=b'<p>Gr\xc3\xbc\xc3\x9fe</p>',
    codings=(('gzip', b'\x1f\x8b'), ('zstd', b'')),
    headers=(('Content-Type', 'text/html; charset=utf-8'),
             ('Title', 'Gr\xfc\xdfe "quoted"')),
    modified=784111777,
    created=784111800.25,
    varies=('accept', 'cookie'))

#: As several processes share it.
SHARED = PAGE._replace(codings=(), made_from=Portable(
    (Source('main', 5, 7, (b'12345678', b'87654321')),
     Source('other', 1, 2, ())),
    (('["main", "question"]', b'answer'),)))

ENVELOPE = "('/templates/page', ('en',))"

#: A pair of lone surrogates is the one thing that JSON reads back as another.
TEXT = st.text()

OIDS = st.lists(st.binary(min_size=8, max_size=8), max_size=3).map(tuple)

READS = st.builds(
    Portable,
    sources=st.lists(st.builds(
        Source, name=TEXT, root_tid=st.integers(0, 2**64),
        tid=st.integers(0, 2**64), oids=OIDS), max_size=3).map(tuple),
    asked=st.lists(st.tuples(TEXT, st.binary()), max_size=3).map(tuple))

PAGES = st.builds(
    Page, body=st.binary(), codings=st.just(()),
    made_from=st.none() | READS,
    headers=st.lists(st.tuples(TEXT, TEXT), max_size=4).map(tuple),
    modified=st.integers(-2**62, 2**62),
    created=st.floats(allow_nan=False, allow_infinity=False),
    varies=st.lists(TEXT, max_size=3).map(tuple),
    absent_cookies=st.lists(TEXT, max_size=3).map(tuple),
    max_age_secs=st.integers(0, 2**31))


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


# Bytes

@given(PAGES, TEXT)
@example(SHARED, ENVELOPE)
def test_from_bytes_reads_what_to_bytes_writes(page, envelope):
    found = from_bytes(to_bytes(page, envelope), envelope)
    assert found == page
    assert [type(part) for part in found] == [type(part) for part in page]


@given(TEXT, TEXT)
@example(ENVELOPE, ENVELOPE + ' ')
@example('', '1')
def test_from_bytes_reads_under_its_own_envelope_alone(written, read):
    found = from_bytes(to_bytes(SHARED, written), read)
    assert found == (SHARED if written == read else None)


DATA = to_bytes(SHARED, ENVELOPE)


def test_from_bytes_refuses_what_is_cut_short():
    for length in range(len(DATA)):
        assert from_bytes(DATA[:length], ENVELOPE) is None


def test_from_bytes_refuses_what_is_too_long():
    assert from_bytes(DATA + b'\0', ENVELOPE) is None
    assert from_bytes(DATA + DATA, ENVELOPE) is None


@pytest.mark.parametrize('position', range(16))
def test_from_bytes_refuses_damaged_magic_and_lengths(position):
    damaged = bytearray(DATA)
    for bit in range(8):
        damaged[position] ^= 1 << bit
        assert from_bytes(bytes(damaged), ENVELOPE) is None
        damaged[position] ^= 1 << bit


def test_from_bytes_never_raises_where_bits_are_flipped():
    damaged = bytearray(DATA)
    for position in range(16, len(DATA)):
        for bit in range(8):
            damaged[position] ^= 1 << bit
            found = from_bytes(bytes(damaged), ENVELOPE)
            assert found is None or isinstance(found, Page)
            damaged[position] ^= 1 << bit


@pytest.mark.parametrize('data', [
    None, '', 'PCM3', 1, [], (), PAGE, tuple(PAGE), bytearray(DATA),
    memoryview(DATA), DATA.decode('latin-1'), b'', b'PCM4', b'PCM3' + DATA[4:],
], ids=lambda data: type(data).__name__)
def test_from_bytes_refuses_what_is_foreign(data):
    assert from_bytes(data, ENVELOPE) is None


def test_a_page_is_written_without_its_codings():
    data = to_bytes(PAGE, ENVELOPE)
    assert from_bytes(data, ENVELOPE) == PAGE._replace(codings=())


def framed(head, oids=b''):
    """Return `head` in a frame with a body of 3 bytes."""
    lengths = struct.pack('>III', len(head), 3, len(oids))
    return b'PCM4' + lengths + head + b'bod' + oids


def test_framed_head_is_read():
    head = json.dumps(
        ['e', [['a', 'b']], 1, 2.5, ['c'], ['f'], 9,
         [[['d', 3, 4, 1]], [['q', '61']]]]).encode()
    assert from_bytes(framed(head, b'12345678'), 'e') == Page(
        b'bod', (), (('a', 'b'),), 1, 2.5, ('c',), ('f',), 9,
        Portable((Source('d', 3, 4, (b'12345678',)),), (('q', b'a'),)))


def test_oids_without_reads_are_refused():
    head = b'["e", [], 1, 1, [], [], 0, null]'
    assert from_bytes(framed(head), 'e')
    assert from_bytes(framed(head, b'12345678'), 'e') is None


@pytest.mark.parametrize(('reads', 'size'), [
    ('1', 8), ('[]', 8), ('[[]]', 8), ('[[], []]', 8), ('[[], [], []]', 8),
    ('[[["d", 1, 2, 1]], []]', 0), ('[[["d", 1, 2, 1]], []]', 7),
    ('[[["d", 1, 2, 1]], []]', 16), ('[[["d", 1, 2, -1]], []]', 8),
    ('[[["d", 1, 2, -1], ["e", 1, 2, 2]], []]', 8),
    ('[[["d", 1, 2, 1.0]], []]', 8), ('[[["d", 1, 2, null]], []]', 8),
    ('[[["d", 1, 2]], []]', 8), ('[[["d", 1, 2, 1, 1]], []]', 8),
    ('[[["d", "x", 2, 1]], []]', 8), ('[[["d", 1, null, 1]], []]', 8),
    ('[[["d", 1, 1e999, 1]], []]', 8), ('[[["d", 1, NaN, 1]], []]', 8),
    ('[[["d", 1, 2, 1' + '0' * 30 + ']], []]', 8),
    ('[[["d", 1, 2, 1]], [["q"]]]', 8), ('[[["d", 1, 2, 1]], [["q", 5]]]', 8),
    ('[[["d", 1, 2, 1]], [["q", "x"]]]', 8),
    ('[[["d", 1, 2, 1]], [["q", "61", 1]]]', 8),
    ('[[["d", 1, 2, 1]], [' + ', '.join(['["q", "61"]'] * 501) + ']]', 8)],
    ids=lambda part: str(part)[:40])
def test_foreign_reads_are_refused(reads, size):
    head = f'["e", [], 1, 1, [], [], 0, {reads}]'.encode()
    assert from_bytes(framed(head, bytes(size)), 'e') is None


@pytest.mark.parametrize('head', [
    b'',
    b'{',
    b'\xff\xfe',
    b'null',
    b'1',
    b'"ebcde"',
    b'[]',
    b'["e", [], 1, 1, [], 0, null]',
    b'["e", [], 1, 1, [], 1, [], 0, null]',
    b'{"e": 1, "b": 2, "c": 3, "d": 4, "f": 5}',
    b'["x", [], 1, 1, [], [], 0, null]',
    b'[["e"], [], 1, 1, [], [], 0, null]',
    b'["e", null, 1, 1, [], [], 0, null]',
    b'["e", [1], 1, 1, [], [], 0, null]',
    b'["e", [["a"]], 1, 1, [], [], 0, null]',
    b'["e", [["a", "b", "c"]], 1, 1, [], [], 0, null]',
    b'["e", [], null, 1, [], [], 0, null]',
    b'["e", [], "x", 1, [], [], 0, null]',
    b'["e", [], NaN, 1, [], [], 0, null]',
    b'["e", [], Infinity, 1, [], [], 0, null]',
    b'["e", [], 1e999, 1, [], [], 0, null]',
    b'["e", [], 1, [], [], [], 0, null]',
    b'["e", [], 1, 1, null, [], 0, null]',
    b'["e", [], 1, 1, 1, [], 0, null]',
    b'["e", [], 1, 1' + b'0' * 400 + b', [], [], 0, null]',
    b'["e", [], 1' + b'0' * 10_000 + b', 1, [], [], 0, null]',
    b'["e", [], 1, 1, [], null, 0, null]',
    b'["e", [], 1, 1, [], [], null, null]',
    b'["e", [], 1, 1, [], [], NaN, null]',
    b'[' * 100_000,
    b'["e", ' + b'[' * 100_000 + b']' * 100_000 + b', 1, 1, []]',
    b'{"e":' * 100_000,
], ids=lambda head: head[:32].decode('latin-1'))
def test_from_bytes_refuses_foreign_head(head):
    assert from_bytes(framed(head), 'e') is None


@given(st.one_of(
    st.binary(),
    st.binary().map(lambda data: b'PCM4' + data),
    st.binary().map(framed)))
def test_from_bytes_never_raises_on_random_bytes(data):
    assert from_bytes(data, ENVELOPE) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=2), inner, max_size=3)))


@given(st.lists(JSON, min_size=7, max_size=7))
@example([[], math.inf, 1, [], [], 0, []])
@example([[], 1, 1, [], [], 0, [[['d', 1, 2, 0]], []]])
def test_from_bytes_never_raises_on_foreign_json(parts):
    found = from_bytes(framed(json.dumps(['e', *parts]).encode()), 'e')
    assert found is None or isinstance(found, Page)


# What may be stored

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


@pytest.mark.parametrize(('value', 'expected'), [
    ('max-age=60, public', {'max-age', 'public'}),
    ('Max-Age = 60 ,\tPUBLIC', {'max-age', 'public'}),
    ('no-cache="set-cookie"', {'no-cache'}),
])
def test_directives_are_names_in_lower_case(value, expected):
    assert directives(value) == expected


@pytest.mark.parametrize(('value', 'expected'), [
    ('', ()),
    (' , ,', ()),
    ('Accept', ('accept',)),
    ('Cookie, accept', ('accept', 'cookie')),
    ('Accept,ACCEPT , accept', ('accept',)),
    ('*', ('*',)),
])
def test_names_are_sorted_in_lower_case(value, expected):
    # RFC 9110 5.1: names have no case; 5.6.1.2: empty elements
    assert names(value) == expected


@pytest.mark.parametrize(('value', 'more', 'expected'), [
    ('', [], ''),
    ('', ['Cookie'], 'Cookie'),
    (' ', ['Cookie'], 'Cookie'),
    ('Accept', [], 'Accept'),
    ('Accept', ['Cookie'], 'Accept, Cookie'),
    ('Accept', ['accept'], 'Accept'),
    ('accept,COOKIE', ['Cookie', 'Accept', 'Range'],
     'accept, COOKIE, Range'),
    ('', ['Cookie', 'cookie'], 'Cookie'),
    ('*', ['Cookie'], '*'),
    ('Accept, *', ['Cookie'], 'Accept, *'),
    (',Accept ,, Cookie,', ['Range'], 'Accept, Cookie, Range'),
])
def test_joined_adds_what_is_lacking(value, more, expected):
    # RFC 9110 12.5.5
    assert joined(value, more) == expected


FIELDS = st.sampled_from(['Accept', 'accept', 'Cookie', 'X-A', 'x-a'])


@pytest.mark.parametrize(('value', 'expected'), [
    ('', []),
    (',, ,', []),
    ('Cookie,accept , *', ['Cookie', 'accept', '*']),
])
def test_listed_keeps_order_and_spelling(value, expected):
    # RFC 9110 5.6.1.2: empty elements
    assert listed(value) == expected


@given(st.lists(FIELDS), st.lists(FIELDS))
def test_joined_names_all_and_each_once(present, more):
    value = joined(', '.join(dict.fromkeys(present)), more)
    assert set(names(value)) == {name.lower() for name in present + more}
    added = value.split(', ')[len(set(present)):]
    assert len({name.lower() for name in added}) == len(added)
