"""Entity-tags, dates and preconditions, clause by clause of RFC 9110."""
import datetime
import locale
import re
import time

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from Products.PageCacheManager.core.http.conditional import MAX_OPAQUE_LENGTH
from Products.PageCacheManager.core.http.conditional import MAX_SKEW_SECS
from Products.PageCacheManager.core.http.conditional import coded_tag
from Products.PageCacheManager.core.http.conditional import entity_tag
from Products.PageCacheManager.core.http.conditional import filtered_tag
from Products.PageCacheManager.core.http.conditional import format_date
from Products.PageCacheManager.core.http.conditional import held_tag
from Products.PageCacheManager.core.http.conditional import not_modified_since
from Products.PageCacheManager.core.http.conditional import parse_date
from Products.PageCacheManager.core.http.conditional import tag_for_304
from Products.PageCacheManager.core.http.conditional import tag_variants


# 8.8.3, without obs-text
STRONG_TAG = re.compile('"[\x21\x23-\x7e]*"')

TAG = '"abc"'
LATIN_TAG = '"caf\xe9"'

#: Every code point, lone surrogates too.
ANY_TEXT = st.text(st.characters(exclude_categories=()))

#: Texts of few characters, so that collisions are likely.
DENSE_TEXT = st.text('ab-%2D;#,*"\\ ~\xe9\ud800\udc00', max_size=6)

#: 6 November 1994, 08:49:37
MOMENT = 784111777

#: 1 March 2020, noon
NOW = 1583064000

SECS = st.integers(
    int(datetime.datetime(1, 1, 1, tzinfo=datetime.UTC).timestamp()),
    int(datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC).timestamp()))


# Entity-tags

@pytest.mark.parametrize(('value', 'tag'), [
    ('abc', '"abc"'),
    ('', '""'),
    # 8.8.3: characters that a tag must not contain
    ('a b', '"a%20b"'),
    ('a"b', '"a%22b"'),
    ('a\r\nb', '"a%0D%0Ab"'),
    ('\x00\x7f', '"%00%7F"'),
    ('\x80\xe9\u20ac', '"%C2%80%C3%A9%E2%82%AC"'),
    ('\ud800', '"%ED%A0%80"'),
    # 8.8.3: some recipients unescape backslashes
    ('a\\b', '"a%5Cb"'),
    # the escape character is escaped
    ('a%20b', '"a%2520b"'),
    # lazy recipients split at commas
    ('a,b', '"a%2Cb"'),
    # ... or look for the wildcard
    ('*', '"%2A"'),
    # separators of our own
    ('a;gzip', '"a%3Bgzip"'),
    ('#a', '"%23a"'),
    # a value in tag syntax is a value
    ('"abc"', '"%22abc%22"'),
    ('W/"abc"', '"W/%22abc%22"'),
    # all other characters remain
    ("aZ09!$&'()+-./:<=>?@[]^_`{|}~", "\"aZ09!$&'()+-./:<=>?@[]^_`{|}~\""),
])
def test_entity_tag_of_value(value, tag):
    assert entity_tag(value) == tag


@given(ANY_TEXT, ANY_TEXT)
def test_entity_tag_is_strong_tag_of_ascii(value, suffix):
    assert STRONG_TAG.fullmatch(entity_tag(value, suffix))


@given(DENSE_TEXT, DENSE_TEXT)
@example('\U00010000', '\ud800\udc00')
@example('\xe9', '%C3%A9')
@example('abc', '"abc"')
@example('x' * 200, 'x' * 199 + 'y')
@example('x' * MAX_OPAQUE_LENGTH, 'x' * (MAX_OPAQUE_LENGTH + 1))
def test_entity_tag_differs_where_values_differ(one, other):
    assert (entity_tag(one) == entity_tag(other)) == (one == other)


@given(st.tuples(DENSE_TEXT, DENSE_TEXT.filter(len)),
       st.tuples(DENSE_TEXT, DENSE_TEXT.filter(len)))
@example(('a-b', 'c'), ('a', 'b-c'))
@example(('a', 'b-c'), ('a', 'b%2Dc'))
def test_entity_tag_differs_where_value_or_suffix_differs(one, other):
    assert (entity_tag(*one) == entity_tag(*other)) == (one == other)


def test_entity_tag_ends_in_suffix():
    assert entity_tag('abc', '0123') == '"abc-0123"'
    assert entity_tag('', '0123') == '"-0123"'
    # the last hyphen is the one between them
    assert entity_tag('a-b', 'c-d') == '"a-b-c%2Dd"'


def test_entity_tag_keeps_longest_value():
    value = 'x' * MAX_OPAQUE_LENGTH
    assert entity_tag(value) == f'"{value}"'


@pytest.mark.parametrize('value', [
    'x' * (MAX_OPAQUE_LENGTH + 1),
    # counted as it is sent
    ' ' * (MAX_OPAQUE_LENGTH // 3 + 1),
    '\ud800' * 100_000,
])
def test_entity_tag_digests_overlong_value(value):
    tag = entity_tag(value)
    assert re.fullmatch('"#[0-9a-f]{64}"', tag)
    # a short value equal to the text of the digest is not the long value
    assert entity_tag(tag[1:-1]) != tag


def test_entity_tag_digests_overlong_suffix():
    assert re.fullmatch('"a-#[0-9a-f]{64}"', entity_tag('a', '-' * 1000))


# 8.8.3.3: one strong tag for one sequence of bytes

def test_coded_tag_names_coding():
    assert coded_tag(TAG, 'gzip') == '"abc;gzip"'
    assert coded_tag('""', 'gzip') == '";gzip"'


@given(DENSE_TEXT, DENSE_TEXT, DENSE_TEXT)
@example('a', 'a;gzip', '')
@example('x' * 200, 'x' * 200 + ';gzip', '')
def test_coded_tag_is_no_tag_of_a_value(value, other, suffix):
    coded = coded_tag(entity_tag(value), 'gzip')
    assert STRONG_TAG.fullmatch(coded)
    assert coded != entity_tag(other, suffix)


def test_tag_variants_are_plain_and_gzip():
    assert tag_variants(TAG) == (
        TAG, '"abc;gzip"', '"abc-gzip"', '"abc-gzip-gzip"')


def test_tag_variants_are_of_the_codings_that_count():
    assert tag_variants(TAG, ('identity',)) == (TAG,)
    assert tag_variants(TAG, ('br', 'identity', 'zstd')) == (
        '"abc;br"', '"abc-br"', '"abc-br-br"', TAG,
        '"abc;zstd"', '"abc-zstd"', '"abc-zstd-zstd"')


@pytest.mark.parametrize(('held', 'expected'), [
    ('"a"', '"a"'), ('"a;gzip"', '"a;gzip"'), ('"a-gzip"', '"a-gzip"'),
    ('"a-br-br"', '"a-br"'), ('"a-b-b"', '"a-b-b"'), ('"-br"', '"-br"'),
    ('"br-br"', '"br-br"'), ('""', '""')])
def test_tag_for_304_is_what_the_client_will_hold(held, expected):
    assert tag_for_304(held) == expected


@given(DENSE_TEXT, DENSE_TEXT)
@example('a', 'a-gzip')
@example('', '-gzip')
@example('a-br', 'a-br-br')
@example('x' * 200, 'x' * 200 + '-gzip')
def test_filtered_tag_is_no_tag_of_a_value(value, other):
    for coding in ('gzip', 'br', 'zstd'):
        tag = filtered_tag(entity_tag(value), coding)
        assert STRONG_TAG.fullmatch(tag)
        assert tag not in (entity_tag(other), entity_tag(other, '0123ab'))


@given(ANY_TEXT)
def test_each_variant_matches_as_it_was_sent(value):
    tags = tag_variants(entity_tag(value))
    for tag in tags:
        assert held_tag(tag, tags)
        assert held_tag(f'"x", W/{tag},"y"', tags)


# If-None-Match

@pytest.mark.parametrize(('header', 'expected', 'clause'), [
    ('"abc"', True, '13.1.2'),
    ('"abd"', False, '13.1.2'),
    ('"ab"', False, '13.1.2'),
    ('"abcd"', False, '13.1.2'),
    ('"ABC"', False, '8.8.3.2: character by character'),
    ('W/"abc"', True, '8.8.3.2: weak comparison'),
    ('w/"abc"', False, '8.8.3: W is case-sensitive'),
    ('W/ "abc"', False, '8.8.3: no blank in a tag'),
    ('W"abc"', False, '8.8.3'),
    ('W/abc', False, '8.8.3'),
    ('"x", "abc"', True, '13.1.2: list'),
    ('"abc","x"', True, '13.1.2: list'),
    ('"x", W/"abc", "y"', True, '13.1.2: list'),
    ('"x"\t ,\t "abc" \t', True, '5.6.1: blanks and tabs around commas'),
    (' \t"abc"', True, '5.5: blanks around the value'),
    ('X"abc"', False, '5.5: nothing else around it'),
    ('*X', False, '5.5: nothing else around it'),
    (',"abc",, ,', True, '5.6.1.2: empty elements'),
    ('"x", , "abc"', True, '5.6.1.2, 5.3: an empty header line among several'),
    ('', False, '13.1.2: empty'),
    (' ', False, '13.1.2: empty'),
    (',,,', False, '13.1.2: no element'),
    ('*', True, '13.1.2: any'),
    (' * ', True, '13.1.2: any'),
    ('"*"', False, '13.1.2: a tag, not the wildcard'),
    ('W/*', False, '13.1.2'),
    ('*, *', False, '13.1.2: the wildcard stands alone'),
    ('"x", *', False, '13.1.2: the wildcard stands alone'),
    ('*, "x"', False, '13.1.2: the wildcard stands alone'),
    ('abc', False, '8.8.3: quotes are part of a tag'),
    ("'abc'", False, '8.8.3: quotes are part of a tag'),
    ('"abc', False, '8.8.3: unbalanced'),
    ('abc"', False, '8.8.3: unbalanced'),
    ('"', False, '8.8.3: unbalanced'),
    ('"x, "abc"', False, '8.8.3: unbalanced'),
    ('"abc", "x', False, '8.8.3: not a list to its end'),
    ('"abc" x', False, '8.8.3: not a list to its end'),
    ('"abc", x', False, '8.8.3: not a list to its end'),
    ('"abc" "x"', False, '5.6.1: a comma is missing'),
    ('"abc""x"', False, '5.6.1: a comma is missing'),
    ('"abc";q=1', False, '8.8.3: a tag has no parameters'),
    ('"abc", "a b"', False, '8.8.3: a blank in a tag'),
    ('"abc", "a\x7f"', False, '8.8.3: DEL in a tag'),
    ('"abc", "a\x00"', False, '8.8.3: a control in a tag'),
    ('"abc"\n', False, '5.5: no newline in a value'),
    ('"abc", "\xff"', True, '8.8.3: obs-text'),
    ('"abc", "\u20ac"', False, '5.5: octets only'),
    ('"abc", "a\\"', True, '8.8.3: a backslash escapes nothing'),
])
def test_if_none_match_reads_header(header, expected, clause):
    found = held_tag(header, (TAG, '"other"'))
    assert found == (TAG if expected else ''), clause


@pytest.mark.parametrize(('header', 'tag', 'expected', 'clause'), [
    ('"a,b"', '"a,b"', True, '8.8.3: a comma in a tag'),
    ('"a,b"', '"a"', False, '8.8.3: a comma in a tag'),
    ('"x,", ",y"', '", "', False, '8.8.3: quotes open and close'),
    (LATIN_TAG, LATIN_TAG, True, '8.8.3: obs-text'),
    ('"!#~"', '"!#~"', True, '8.8.3: ends of the ranges'),
    ('"\x80\xff"', '"\x80\xff"', True, '8.8.3: ends of the ranges'),
    ('""', '""', True, '8.8.3: an empty tag'),
    (',', '""', False, '5.6.1.2: an empty element is no empty tag'),
    ('"abc"', 'W/"abc"', True, '8.8.3.2: ours may be weak'),
    ('W/"abc"', 'W/"abc"', True, '8.8.3.2: both may be weak'),
    ('"W/abc"', '"abc"', False, '8.8.3.2: W/ within the quotes'),
    ('"*"', '"*"', True, '13.1.2: a tag like any other'),
])
def test_if_none_match_compares_tag(header, tag, expected, clause):
    assert held_tag(header, [tag]) == (tag if expected else ''), clause


def test_if_none_match_of_page_without_tags():
    for header in ('"abc"', ',', '*'):
        assert held_tag(header, ()) == ''


@pytest.mark.parametrize(('header', 'expected'), [
    (', '.join(f'"{number}"' for number in range(1000)) + ', "abc"', True),
    (', '.join(f'"{number}"' for number in range(1000)), False),
    ('"abc"' + ', "x"' * 25_000, True),
    (',' * 100_000 + '"abc"', True),
    (', ' * 50_000 + '"abc"', True),
    ('"abc",' + ' ' * 100_000, True),
    ('"abc"' + ' ' * 100_000 + 'x', False),
    ('"abc",' + ' ' * 100_000 + 'x', False),
    (' \t' * 50_000 + 'x', False),
    ('"' * 100_000, False),
    ('"' + 'x' * 100_000, False),
    ('W/' * 50_000, False),
    ('"' + 'x,' * 50_000 + '", "abc"', True),
])
def test_if_none_match_ends_where_header_is_long(header, expected):
    # A parser with quadratic cost would take too long here, and a recursive
    # one would raise RecursionError.
    assert held_tag(header, (TAG,)) == (TAG if expected else '')


HEADERS = st.text(' \t,"W/*abc\xe9\n', max_size=40)


@given(st.one_of(ANY_TEXT, HEADERS))
@example('"abc')
def test_if_none_match_never_raises(header):
    assert held_tag(header, (TAG,)) in (TAG, '')


@given(st.lists(st.sampled_from(['"a"', 'W/"b"', '"c,d"', '', '"*"'])),
       st.sampled_from([',', ', ', ' ,\t']))
def test_if_none_match_finds_what_is_listed(elements, comma):
    header = comma.join(elements)
    for tag in ('"a"', '"b"', '"c,d"', '"*"', '"c"', '"d"'):
        listed = tag in elements or f'W/{tag}' in elements
        assert held_tag(header, (tag,)) == (tag if listed else '')


# Dates

@pytest.mark.parametrize(('text', 'expected', 'clause'), [
    ('Sun, 06 Nov 1994 08:49:37 GMT', MOMENT, '5.6.7: IMF-fixdate'),
    ('Sunday, 06-Nov-94 08:49:37 GMT', MOMENT, '5.6.7: rfc850-date'),
    ('Sun Nov  6 08:49:37 1994', MOMENT, '5.6.7: asctime-date'),
    ('Wed Nov 16 08:49:37 1994', MOMENT + 10 * 86400, '5.6.7: asctime-date'),
    ('Thu, 01 Jan 1970 00:00:00 GMT', 0, '5.6.7'),
    ('Wed, 31 Dec 1969 23:59:59 GMT', -1, '5.6.7'),
    ('Sat, 29 Feb 2020 00:00:00 GMT', 1582934400, '5.6.7'),
    ('Sat, 31 Dec 2016 23:59:60 GMT', 1483228800, '5.6.7: leap second'),
    (' Sun, 06 Nov 1994 08:49:37 GMT\t', MOMENT, '5.5'),
    ('Sun, 06 Nov 1994 08:49:37 GMT; length=123', MOMENT, 'old browsers'),
    ('Sun, 06 Nov 1994 08:49:37 GMT ;length=1;x', MOMENT, 'old browsers'),
    ('Sunday, 06-Nov-94 08:49:37 GMT; length=1', MOMENT, 'old browsers'),
    ('', None, '5.6.7'),
    ('; length=123', None, '5.6.7'),
    ('0', None, '5.6.7'),
    ('XSun, 06 Nov 1994 08:49:37 GMT', None, '5.6.7'),
    ('Sun, 06 Nov 1994 08:49:37 GMTX', None, '5.6.7'),
    ('784111777', None, '5.6.7'),
    ('yesterday', None, '5.6.7'),
    ('1994-11-06T08:49:37Z', None, '5.6.7'),
    ('06 Nov 1994 08:49:37 GMT', None, '5.6.7: no weekday'),
    ('Mon, 06 Nov 1994 08:49:37 GMT', None, 'RFC 5322 3.3: a Sunday'),
    ('Monday, 06-Nov-94 08:49:37 GMT', None, 'RFC 5322 3.3: a Sunday'),
    ('Mon Nov  6 08:49:37 1994', None, 'RFC 5322 3.3: a Sunday'),
    ('Sun, 06 Nov 1994 08:49:37', None, '5.6.7: no zone'),
    ('Sun, 06 Nov 1994 08:49:37 UTC', None, '5.6.7: GMT only'),
    ('Sun, 06 Nov 1994 08:49:37 +0000', None, '5.6.7: GMT only'),
    ('Sun, 06 Nov 1994 08:49:37 GMT+1', None, '5.6.7: GMT only'),
    ('Sun, 06 Nov 1994 08:49:37 GMTGMT', None, '5.6.7'),
    ('sun, 06 nov 1994 08:49:37 gmt', None, '5.6.7: case-sensitive'),
    ('Sun, 06 NOV 1994 08:49:37 GMT', None, '5.6.7: case-sensitive'),
    ('Sun, 6 Nov 1994 08:49:37 GMT', None, '5.6.7: two digits'),
    ('Sun, 06 Nov 94 08:49:37 GMT', None, '5.6.7: four digits'),
    ('Sun, 06 Nov 1994 8:49:37 GMT', None, '5.6.7: two digits'),
    ('Sun,06 Nov 1994 08:49:37 GMT', None, '5.6.7: one blank'),
    ('Sun,  06 Nov 1994 08:49:37 GMT', None, '5.6.7: one blank'),
    ('Sun Nov 6 08:49:37 1994', None, '5.6.7: day of two places'),
    ('Sun Nov  6 08:49:37 1994 GMT', None, '5.6.7: no zone here'),
    ('Sun, 06-Nov-94 08:49:37 GMT', None, '5.6.7: long weekday'),
    ('Sunday, 06-Nov-1994 08:49:37 GMT', None, '5.6.7: two digits'),
    ('Wed, 30 Feb 1994 08:49:37 GMT', None, '5.6.7: no such day'),
    ('Sun, 00 Nov 1994 08:49:37 GMT', None, '5.6.7: no such day'),
    ('Mon, 29 Feb 2100 00:00:00 GMT', None, '5.6.7: no such day'),
    ('Sun, 06 Nov 0000 08:49:37 GMT', None, '5.6.7: no such year'),
    ('Sun, 06 Nov 1994 24:00:00 GMT', None, '5.6.7: no such hour'),
    ('Sun, 06 Nov 1994 08:60:37 GMT', None, '5.6.7: no such minute'),
    ('Sun, 06 Nov 1994 08:49:60 GMT', None, '5.6.7: no leap second'),
    ('Sun, 06 Nov 1994 23:59:61 GMT', None, '5.6.7: no such second'),
    ('Sun, \u0660\u0666 Nov 1994 08:49:37 GMT', None, '5.6.7: ASCII digits'),
    ('Sun, 06 Nov 1994 08:49:37 GMT\n', None, '5.5'),
    ('Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT', None,
     '5.6.7: one date'),
])
def test_parse_date_reads(text, expected, clause):
    assert parse_date(text, NOW) == expected, clause


@pytest.mark.parametrize(('text', 'year', 'clause'), [
    ('Sunday, 01-Mar-70 12:00:00 GMT', None, '5.6.7: 50 years, a Saturday'),
    ('Saturday, 01-Mar-70 12:00:00 GMT', 2070, '5.6.7: 50 years sharp'),
    ('Sunday, 01-Mar-70 12:00:01 GMT', 1970, '5.6.7: more than 50 years'),
    ('Monday, 02-Mar-70 00:00:00 GMT', 1970, '5.6.7: more than 50 years'),
    ('Friday, 28-Feb-70 23:59:59 GMT', 2070, '5.6.7: less than 50 years'),
    ('Tuesday, 31-Dec-69 23:59:59 GMT', 2069, '5.6.7: less than 50 years'),
    ('Friday, 31-Dec-99 23:59:59 GMT', 1999, '5.6.7: past'),
    ('Saturday, 01-Jan-00 00:00:00 GMT', 2000, '5.6.7: past'),
    ('Tuesday, 29-Feb-00 00:00:00 GMT', 2000, '5.6.7: past'),
    ('Friday, 29-Feb-80 00:00:00 GMT', 1980, '5.6.7: past'),
])
def test_parse_date_finds_century_of_two_digits(text, year, clause):
    secs = parse_date(text, NOW)
    found = None if secs is None else int(format_date(secs)[12:16])
    assert found == year, clause


@pytest.mark.parametrize(('clock', 'text', 'year'), [
    (NOW, 'Sunday, 06-Nov-94 08:49:37 GMT', '1994'),
    (NOW + 50 * 365 * 86400, 'Saturday, 06-Nov-94 08:49:37 GMT', '2094'),
])
def test_parse_date_takes_century_from_clock_where_none_is_given(
        monkeypatch, clock, text, year):
    monkeypatch.setattr(time, 'time', lambda: clock)
    assert format_date(parse_date(text))[12:16] == year


@given(SECS)
@example(MOMENT)
def test_parse_date_reads_what_format_date_writes(secs):
    assert parse_date(format_date(secs), NOW) == secs


@given(st.integers(NOW - 49 * 365 * 86400, NOW + 50 * 365 * 86400))
def test_parse_date_reads_one_moment_in_three_formats(secs):
    moment = datetime.datetime.fromtimestamp(secs, datetime.UTC)
    assert parse_date(f'{moment:%A, %d-%b-%y %H:%M:%S} GMT', NOW) == secs
    assert parse_date(f'{moment:%a %b} {moment.day:2} {moment:%H:%M:%S %Y}',
                      NOW) == secs
    assert parse_date(f'{moment:%a, %d %b %Y %H:%M:%S} GMT', NOW) == secs


@given(st.one_of(
    ANY_TEXT,
    st.text('SunMovGT0123456789 :,-;', max_size=40),
    st.from_regex(
        '[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT')))
def test_parse_date_never_raises(text):
    assert isinstance(parse_date(text, NOW), int | None)


@pytest.mark.parametrize('text', [
    ' ' * 100_000 + 'x',
    'Sun, 06 Nov 1994 08:49:37 GMT' + ' ' * 100_000 + 'x',
    'Sun, ' * 20_000,
    '9' * 100_000,
])
def test_parse_date_ends_where_text_is_long(text):
    assert parse_date(text, NOW) is None


def test_parse_date_reads_past_long_parameters():
    text = 'Sun, 06 Nov 1994 08:49:37 GMT' + '; length=1' * 10_000
    assert parse_date(text, NOW) == MOMENT


@pytest.mark.parametrize(('secs', 'expected'), [
    (0, 'Thu, 01 Jan 1970 00:00:00 GMT'),
    (MOMENT, 'Sun, 06 Nov 1994 08:49:37 GMT'),
    (MOMENT + 0.9999999, 'Sun, 06 Nov 1994 08:49:37 GMT'),
    (-0.5, 'Wed, 31 Dec 1969 23:59:59 GMT'),
])
def test_format_date_writes_imf_fixdate(secs, expected):
    assert format_date(secs) == expected


@pytest.fixture
def foreign_locale():
    before = locale.setlocale(locale.LC_TIME)
    for name in ('de_DE.UTF-8', 'fr_FR.UTF-8', 'nl_NL.UTF-8', 'ja_JP.UTF-8'):
        try:
            yield locale.setlocale(locale.LC_TIME, name)
        except locale.Error:
            continue
        break
    else:
        pytest.skip('no other locale is installed')
    locale.setlocale(locale.LC_TIME, before)


def test_dates_know_no_locale(foreign_locale):
    text = 'Sun, 06 Nov 1994 08:49:37 GMT'
    assert format_date(MOMENT) == text
    assert parse_date(text, NOW) == MOMENT


# Preconditions

SAME = format_date(MOMENT)
BEFORE = format_date(MOMENT - 1)
AFTER = format_date(MOMENT + 1)


@pytest.mark.parametrize(('since', 'expected', 'clause'), [
    (SAME, True, '13.1.3: equal'),
    (AFTER, True, '13.1.3: later'),
    (BEFORE, False, '13.1.3: earlier'),
    ('', False, '13.1.3: no date'),
    ('0', False, '13.1.3: no date'),
    ('"abc"', False, '13.1.3: no date'),
    (f'{SAME}; length=5', True, 'old browsers'),
    (format_date(NOW), True, '13.1.3'),
    (format_date(NOW + MAX_SKEW_SECS), True, 'a clock that is fast'),
    (format_date(NOW + MAX_SKEW_SECS + 1), False, 'beyond reason'),
    ('Sunday, 06-Nov-94 08:49:37 GMT', True, '5.6.7'),
    # 2069 by the clock given, so beyond reason
    ('Friday, 01-Nov-69 08:49:37 GMT', False, '5.6.7'),
])
def test_not_modified_since(since, expected, clause):
    assert not_modified_since(since, MOMENT, NOW) is expected, clause


def test_not_modified_since_takes_the_century_from_the_clock_given():
    # 94 is 2094 in the year 2080, and a Saturday
    now = 4_000_000_000 - 519_000_000
    assert time.gmtime(now).tm_year == 2080
    since = 'Saturday, 06-Nov-94 08:49:37 GMT'
    moment = parse_date('Sat, 06 Nov 2094 08:49:37 GMT')
    assert not_modified_since(since, moment, moment) is True
    assert not_modified_since(since, moment, now) is False


@given(ANY_TEXT)
def test_not_modified_since_never_raises(since):
    assert not_modified_since(since, MOMENT, NOW) in (True, False)
