"""Content codings, clause by clause of RFC 9110, and gzip (RFC 1952)."""
import gzip as stdlib_gzip

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from Products.PageCacheManager.core.http import content_coding
from Products.PageCacheManager.core.http.content_coding import MAX_LENGTH
from Products.PageCacheManager.core.http.content_coding import _preferences
from Products.PageCacheManager.core.http.content_coding import gunzip
from Products.PageCacheManager.core.http.content_coding import gzip
from Products.PageCacheManager.core.http.content_coding import is_worthwhile
from Products.PageCacheManager.core.http.content_coding import preferences


@pytest.mark.parametrize(('header', 'expected', 'clause'), [
    (None, False, 'who did not ask never gets it'),
    ('', False, '12.5.3: empty, so no coding'),
    ('gzip', True, '12.5.3'),
    (' gzip ', True, '5.5'),
    ('GZip', True, '8.4.1: names have no case'),
    ('x-gzip', True, '8.4.1.3: an alias'),
    ('X-GZIP;q=0', False, '8.4.1.3: an alias'),
    ('gzip, deflate, br', True, '12.5.3'),
    ('deflate,br,gzip', True, '12.5.3'),
    ('deflate, br', False, '12.5.3'),
    ('identity', False, '12.5.3'),
    ('gzipped', False, '12.5.3: another name'),
    ('gzipX', False, '12.5.3: another name'),
    ('gzip\x0b', False, '5.6.3: blanks and tabs alone are blank'),
    ('gzip;q=1\x0b', False, '5.6.3: blanks and tabs alone are blank'),
    ('gzip;q=1X', False, '12.4.2'),
    ('gzip\t;q=1\t', True, '5.6.3: blanks and tabs'),
    ('x-x-gzip', False, '12.5.3: another name'),
    ('*', True, '12.5.3: any coding'),
    ('*;q=0', False, '12.5.3: none'),
    ('br, *;q=0.1', True, '12.5.3: any other'),
    ('gzip;q=0, *', False, '12.5.3: "*" is what is not listed'),
    ('*, gzip;q=0', False, '12.5.3: "*" is what is not listed'),
    ('gzip, *;q=0', True, '12.5.3: "*" is what is not listed'),
    ('x-gzip, *;q=0', True, '12.5.3, 8.4.1.3'),
    ('gzip;q=1', True, '12.4.2'),
    ('gzip;q=1.000', True, '12.4.2'),
    ('gzip;q=1.', True, '12.4.2'),
    ('gzip;q=0.5', True, '12.4.2'),
    ('gzip;q=0.001', True, '12.4.2'),
    ('gzip;Q=0.5', True, '12.4.2: q has no case'),
    ('gzip ; \tq=0.5 ', True, '12.4.2: blanks around the semicolon'),
    ('gzip;q=0', False, '12.4.2: not acceptable'),
    ('gzip;Q=0', False, '12.4.2: not acceptable'),
    ('gzip ; q=0 ', False, '12.4.2: not acceptable'),
    ('gzip;q=0.', False, '12.4.2: not acceptable'),
    ('gzip;q=0.000', False, '12.4.2: not acceptable'),
    ('gzip;q=0.0001', False, '12.4.2: no more than three digits'),
    ('gzip;q=1.001', False, '12.4.2: no more than 1'),
    ('gzip;q=2', False, '12.4.2: no more than 1'),
    ('gzip;q=-1', False, '12.4.2: no sign'),
    ('gzip;q=.5', False, '12.4.2: a digit first'),
    ('gzip;q=0.\u0665', False, '12.4.2: ASCII digits'),
    ('gzip;q=', False, '12.4.2: no value'),
    ('gzip;q', False, '12.4.2: no value'),
    ('gzip;', False, '12.4.2: no weight'),
    ('gzip;q = 1', False, '12.4.2: no blanks around ='),
    ('gzip;q="1"', False, '12.4.2: no quotes'),
    ('gzip;level=9', False, '12.5.3: no other parameter'),
    ('gzip;q=1;q=1', False, '12.5.3: one weight'),
    ('gzip;q=nan', False, '12.4.2'),
    ('gzip;q=inf', False, '12.4.2'),
    ('gzip br', False, '12.5.3: a comma is missing'),
    ('"gzip"', False, '12.5.3: no quotes'),
    (',, gzip,', True, '5.6.1.2: empty elements'),
    (',,,', False, '5.6.1.2: empty elements'),
    ('br;q=x, gzip', True, 'an element that does not parse is not the next'),
    ('gzip, gzip;q=0', False, 'a refusal wins'),
    ('gzip;q=0, gzip', False, 'a refusal wins'),
    ('gzip;q=0, x-gzip', False, 'a refusal wins'),
])
def test_who_takes_gzip(header, expected, clause):
    assert ('gzip' in preferences(header)) is expected, clause


@given(st.one_of(
    st.text(st.characters(exclude_categories=())),
    st.text('gzip*q=01.;, \t', max_size=30)))
def test_preferences_always_hold_identity(header):
    assert 'identity' in preferences(header)


@given(st.lists(st.sampled_from(['br', 'deflate;q=0.5', '', 'a;b;c', '"'])))
def test_what_is_not_named_is_not_taken(elements):
    assert 'gzip' not in preferences(', '.join(elements))
    assert 'gzip' in preferences(', '.join([*elements, 'gzip']))


@pytest.mark.parametrize(('header', 'expected'), [
    ('br,' * 2_000 + 'gzip', True),
    ('gzip' + ' ' * 8_000 + ';q=1', True),
    ('gzip;' + ' \t' * 4_000 + 'x', False),
    ('gzip;' + 'q=0' * 2_700, False),
    ('gzip;q=0.' + '0' * 8_000, False),
    ('gzip' + ';' * 8_000, False),
    ('br,' * 33_000 + 'gzip', False),
    ('gzip' + ' ' * 100_000 + ';q=1', False),
])
def test_reading_ends_where_header_is_long(header, expected):
    assert ('gzip' in preferences(header)) is expected


# The coding that a client prefers (12.5.3)

@pytest.mark.parametrize(('header', 'expected', 'clause'), [
    (None, 'identity', 'who did not ask never gets one'),
    ('', 'identity', '12.5.3: no coding is wanted'),
    ('identity', 'identity', '12.5.3'),
    ('gzip', 'gzip identity', '12.5.3'),
    ('x-gzip', 'gzip identity', '8.4.1.3'),
    ('deflate, compress', 'identity', 'what we do not make'),
    ('gzip, deflate, br, zstd', 'zstd br gzip identity', 'ours among equals'),
    ('br, gzip', 'br gzip identity', 'ours among equals'),
    ('gzip;q=1, br;q=0.9, zstd;q=0.8', 'gzip br zstd identity', '12.4.2'),
    ('zstd;q=0.1, gzip;q=0.2', 'gzip zstd identity', '12.4.2'),
    ('gzip;q=0, br', 'br identity', '12.4.2: not acceptable'),
    ('gzip;q=0', 'identity', '12.4.2: not acceptable'),
    ('identity, gzip', 'gzip identity', 'ours among equals'),
    ('identity, gzip;q=0.5', 'identity gzip', '12.4.2'),
    ('identity;q=0.5, gzip;q=0.4, br;q=0.6', 'br identity gzip', '12.4.2'),
    ('identity;q=0', 'identity', '12.5.3: something is to be sent'),
    ('identity;q=0, gzip', 'gzip identity', '12.5.3'),
    ('*;q=0', 'identity', '12.5.3: something is to be sent'),
    ('*', 'gzip identity', 'the one that all know'),
    ('*;q=0.5, br', 'br gzip identity', '12.5.3'),
    ('gzip;q=0, *', 'identity', '12.5.3'),
    ('gzip;q=x, br', 'br identity', '12.4.2: no weight'),
    ('br, br;q=0.1, gzip;q=0.5', 'gzip br identity', 'the least counts'),
    ('ZSTD, GZip', 'zstd gzip identity', '8.4.1: names have no case'),
])
def test_preferences(header, expected, clause):
    assert ' '.join(preferences(header)) == expected, clause


@given(st.one_of(
    st.text(max_size=30),
    st.lists(st.sampled_from([
        'gzip', 'br', 'zstd', '*', 'identity', 'gzip;q=0', 'br;q=0.5',
        'zstd;q=0', '*;q=0', 'identity;q=0'])).map(','.join)))
def test_preferences_hold_what_is_accepted_by_name(header):
    found = preferences(header)
    assert found.count('identity') == 1
    assert len(set(found)) == len(found)
    elements = [element.strip(' \t').lower() for element in header.split(',')]
    for name in ('gzip', 'br', 'zstd'):
        if name in found and not (name == 'gzip' and '*' in header):
            assert any(
                element.removeprefix('x-').startswith(name)
                for element in elements)
        if f'{name};q=0' in elements:
            assert name not in found


def test_header_beyond_all_measure_asks_for_nothing():
    assert preferences('gzip,' * (MAX_LENGTH // 5)) == ('gzip', 'identity')
    assert preferences('gzip,' * (MAX_LENGTH // 5 + 1)) == ('identity',)


def test_preferences_of_a_very_long_header_are_not_remembered():
    before = _preferences.cache_info().currsize
    header = 'gzip,' + 'x' * (MAX_LENGTH - 5)
    assert preferences(header) == ('gzip', 'identity')
    assert _preferences.cache_info().currsize == before


@pytest.mark.parametrize(('content_type', 'expected'), [
    ('text/html; charset=utf-8', True),
    ('text/plain', True),
    ('TEXT/CSS', True),
    ('application/json', True),
    ('application/ld+json;profile="x"', True),
    ('application/atom+xml; charset=utf-8', True),
    ('application/xml', True),
    ('application/javascript', True),
    ('application/x-javascript ; a=b', True),
    ('', False),
    ('image/png', False),
    ('image/svg+xml', False),
    ('application/octet-stream', False),
    ('application/zip; x=text/html', False),
    ('application/jsonx', False),
    ('video/text/html', False),
])
def test_what_is_worth_a_coding(content_type, expected):
    """Vary names no coding for images, so these have none."""
    assert is_worthwhile(content_type) is expected


# gzip

@given(st.binary())
@example(b'<p>page</p>' * 10_000)
def test_gzip_is_read_by_us_and_by_others(body):
    data = gzip(body)
    assert gunzip(data, len(body)) == body
    assert stdlib_gzip.decompress(data) == body


def test_gzip_header_holds_no_time_and_no_name():
    # RFC 1952 2.3.1: magic, deflate, no flags, MTIME 0
    assert gzip(b'page')[:8] == b'\x1f\x8b\x08' + b'\0' * 5


def test_gzip_makes_pages_small():
    body = b'<p>page</p>' * 1000
    assert len(gzip(body)) < len(body) / 10


@pytest.mark.parametrize(('limit', 'expected'), [
    (5, b'12345'),
    (6, b'12345'),
    (10**9, b'12345'),
    (4, None),
    (0, None),
    (-1, None),
    (-10, None),
])
def test_gunzip_keeps_limit(limit, expected):
    assert gunzip(gzip(b'12345'), limit) == expected


def test_gunzip_of_nothing_within_no_bytes():
    assert gunzip(gzip(b''), 0) == b''
    assert gunzip(gzip(b''), -1) is None


def test_gunzip_unpacks_no_more_than_limit(monkeypatch):
    # A bomb of 10 MB in 10 kB is left packed.
    unpacked = []

    class Inflate:
        def __init__(self, window):
            self._real = decompressobj(window)

        def decompress(self, data, length):
            unpacked.append(self._real.decompress(data, length))
            return unpacked[-1]

        def __getattr__(self, name):
            return getattr(self._real, name)

    decompressobj = content_coding.zlib.decompressobj
    monkeypatch.setattr(content_coding.zlib, 'decompressobj', Inflate)
    assert gunzip(gzip(b'\0' * 10_000_000), 1000) is None
    assert [len(body) for body in unpacked] == [1001]


PACKED = gzip(b'The body of a page, <b>whole</b>.' * 20)


@pytest.mark.parametrize(('data', 'what'), [
    (b'', 'nothing'),
    (b'<html>', 'no gzip'),
    (PACKED + b'\0', 'trailing garbage'),
    (PACKED + PACKED, 'two members'),
    (PACKED[1:], 'no magic'),
    (PACKED[2:], 'no magic'),
    (PACKED[10:-8], 'raw deflate'),
])
def test_gunzip_refuses(data, what):
    assert gunzip(data, 10**6) is None, what


def test_gunzip_refuses_what_is_cut_short():
    for length in range(len(PACKED)):
        assert gunzip(PACKED[:length], 10**6) is None


@pytest.mark.parametrize('position', range(10, len(PACKED)))
def test_gunzip_refuses_what_is_damaged(position):
    # RFC 1952 2.3.1: behind the header, CRC32 and ISIZE tell.
    damaged = bytearray(PACKED)
    for bit in range(8):
        damaged[position] ^= 1 << bit
        assert gunzip(bytes(damaged), 10**6) is None
        damaged[position] ^= 1 << bit


@given(st.binary())
def test_gunzip_never_raises(data):
    for candidate in (data, b'\x1f\x8b\x08\0\0\0\0\0\0\x03' + data):
        body = gunzip(candidate, 10**6)
        assert body is None or stdlib_gzip.decompress(candidate) == body
