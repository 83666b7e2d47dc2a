"""The Statistics screen's sums, order and pages."""
import re
import time
from urllib.parse import parse_qs

import pytest

from ....core.reasons import Reason
from ....core.reasons import explained
from ....core.report import statistics
from ....core.report.statistics import View
from ....core.report.statistics import read_view
from ....core.report.statistics import select


def row(number, **values):
    return {
        'template_path': f'/site/template{number % 3}',
        'context_path': f'/site/doc{number}',
        'url': f'http://host/doc{number:04}',
        'hits': number, 'misses': 1, 'entries': 1, 'size': 1000,
        'created': 1_000_000 + number, **values}


ROWS = [row(number) for number in range(120)]


def contexts(selection):
    return [row['context_path'] for row in selection.rows]


def test_view_by_default():
    assert read_view({}) == View('hits', 'desc', '', 1, 50)


def test_view_as_asked():
    form = {'sort': 'url', 'order': 'asc', 'find': ' doc ', 'page': '3',
            'size': '200'}
    assert read_view(form) == View('url', 'asc', 'doc', 3, 200)


@pytest.mark.parametrize('value', [
    '', '-1', '0', '1e9', 'nonsense', '\u0665', '9' * 5000, '51', '\0',
    ['1', '2'], {'a': 1}, None, 7, b'2', object()], ids=lambda v: repr(v)[:20])
def test_view_where_all_is_nonsense(value):
    names = ('sort', 'order', 'page', 'size')
    view = read_view(dict.fromkeys(names, value))
    assert view == View(page=51 if value == '51' else 1)


def test_view_cuts_off_what_is_looked_for():
    assert len(read_view({'find': 'x' * 10_000}).find) == 200
    assert read_view({'find': ['x']}).find == ''
    assert View(find=read_view({'find': 'a\udcff'}).find).query() == (
        'find=a%3F')


def test_query_names_what_differs():
    assert View().query() == ''
    query = View(find='a&b=c').query(sort='url', page=2)
    assert parse_qs(query) == {
        'find': ['a&b=c'], 'sort': ['url'], 'page': ['2']}
    assert read_view({n: v for n, [v] in parse_qs(query).items()}) == View(
        'url', 'desc', 'a&b=c', 2)


@pytest.mark.parametrize('column, first', [
    ('url', 'asc'), ('template_path', 'asc'), ('size', 'desc'),
    ('age', 'desc')])
def test_order_after_clicks(column, first):
    view = View()
    assert view.order_after_click(column) == first
    second = View(column, first).order_after_click(column)
    assert {first, second} == {'asc', 'desc'}


def test_most_hits_first():
    assert contexts(select(ROWS, View()))[:2] == ['/site/doc119',
                                                  '/site/doc118']


@pytest.mark.parametrize('column', statistics.TEXTS + statistics.NUMBERS)
def test_orders_are_each_other_reversed(column):
    up = select(ROWS, View(column, 'asc', size=500))
    down = select(ROWS, View(column, 'desc', size=500))
    assert contexts(up) == contexts(down)[::-1]


def test_oldest_first():
    assert contexts(select(ROWS, View('age', 'desc')))[0] == '/site/doc0'


def test_rows_that_are_equal_stand_by_url():
    found = select(ROWS, View('size', 'asc'))
    assert contexts(found)[:2] == ['/site/doc0', '/site/doc1']


def test_pages_hold_each_row_once():
    pages = [select(ROWS, View(page=number)) for number in (1, 2, 3)]
    assert [len(page.rows) for page in pages] == [50, 50, 20]
    assert {page.pages for page in pages} == {3}
    assert len({path for page in pages for path in contexts(page)}) == 120


def test_a_page_beyond_the_last_is_the_last():
    assert select(ROWS, View(page=99)).page == 3
    assert select([], View(page=99)) == ([], 0, 0, 1, 1)


@pytest.mark.parametrize('find, count', [
    ('DOC7', 11), ('template1', 40), ('doc7 template1', 5), ('.*', 0),
    ('xx', 0)])
def test_find(find, count):
    found = select(ROWS, View(find=find))
    assert (found.matching, found.total) == (count, 120)


@pytest.mark.parametrize('page, expected', [
    (1, [1, 2, 3, 20]), (10, [1, 8, 9, 10, 11, 12, 20]),
    (20, [1, 18, 19, 20])])
def test_neighbours(page, expected):
    rows = [row(number) for number in range(1000)]
    assert select(rows, View(page=page)).neighbours() == expected


def test_a_hundred_thousand_rows_take_no_time():
    rows = [row(number) for number in range(100_000)]
    start = time.perf_counter()
    found = select(rows, View('url', 'asc', 'doc', 1000))
    assert (found.page, len(found.rows)) == (1000, 50)
    assert time.perf_counter() - start < 5


COUNTS = {
    ('HIT', ''): 5, ('HIT', 'not-modified'): 3, ('MISS', ''): 2,
    ('NO-ETAG', 'no-etag'): 4, ('BYPASS', 'set-cookie'): 6,
    ('BYPASS', 'error'): 1, ('OFF', 'off'): 7, ('FAILED', 'error'): 8,
    ('FAILED', 'retry'): 9, ('ERROR', 'store'): 10,
    ('AHEAD', 'content-changed'): 11}


def test_totals():
    totals = statistics.totals(COUNTS)
    assert totals == (8, 3, 2, 4, 7, 7, 8, 9, 10, 11)
    assert totals.requests == 28
    assert totals.ratio == 0.8


def test_totals_of_nothing():
    assert statistics.totals({}) == (0,) * 10
    assert statistics.totals({}).requests == 0


def test_ratio_before_the_first_request():
    assert statistics.totals({}).ratio is None
    assert statistics.percent_text(None) == '\u2013'


@pytest.mark.parametrize('part, text', [
    (0, '0.0 %'), (0.5, '50.0 %'), (0.99949, '99.9 %'), (1.0, '100.0 %')])
def test_percent_text(part, text):
    assert statistics.percent_text(part).replace('\u00a0', ' ') == text


def test_reasons_by_frequency():
    assert statistics.reasons(COUNTS) == [
        ('off', 7), ('set-cookie', 6), ('no-etag', 4), ('error', 1)]


def test_reasons_of_one_name_are_one():
    counts = {
        ('BYPASS', 'no-etag'): 2, ('NO-ETAG', 'no-etag'): 3,
        ('OFF', 'b'): 4, ('BYPASS', 'a'): 4, ('OFF', 'c'): 4,
        ('MISS', 'no-etag'): 50}
    assert statistics.reasons(counts) == [
        ('no-etag', 5), ('a', 4), ('b', 4), ('c', 4)]
    backwards = dict(reversed(counts.items()))
    assert statistics.reasons(backwards) == statistics.reasons(counts)


@pytest.mark.parametrize('word', Reason)
def test_each_reason_is_explained(word):
    texts = explained(word)
    assert texts == (word.meaning, word.cure)
    assert all(re.fullmatch(r'[A-Z].*\.', text) for text in texts)


def test_a_name_after_a_reason_does_not_matter():
    assert explained('cookie theme') == explained('cookie')


def test_an_unknown_reason_says_so():
    assert explained('sunspots')[0] == 'This reason has no explanation yet.'


@pytest.mark.parametrize('size, text', [
    (0, '0 B'), (1023, '1023 B'), (1024, '1.0 KiB'), (1536, '1.5 KiB'),
    (1024 ** 2 - 1, '1.0 MiB'), (128 << 20, '128.0 MiB'),
    # sizes that would be rounded up to 1024.0
    (1024 * 1023.94, '1023.9 KiB'), (1024 * 1023.95, '1.0 MiB'),
    (5 << 30, '5.0 GiB'),
    (1 << 40, '1.0 TiB'), (1 << 52, '4096.0 TiB')])
def test_size_text(size, text):
    assert statistics.size_text(size).replace('\u00a0', ' ') == text


@pytest.mark.parametrize('secs, text', [
    (-5, '0 s'), (0.9, '0 s'), (59, '59 s'), (60, '1 min'),
    (61, '1 min 1 s'), (3600, '1 h'), (3725, '1 h 2 min'),
    (90_000, '1 d 1 h'), (7200, '2 h'), (3659, '1 h'),
    # the last of the two units is rounded down
    (3600 + 58 * 60, '1 h 58 min'), (3600 + 59 * 60 + 59, '1 h 59 min'),
    (86_399, '23 h 59 min'),
    (86_400, '1 d'), (2 * 86_400 - 1, '1 d 23 h')])
def test_age_text(secs, text):
    assert statistics.age_text(secs).replace('\u00a0', ' ') == text


def test_number_text():
    assert statistics.number_text(1234567) == '1\u202f234\u202f567'


@pytest.mark.parametrize(('url', 'text'), [
    ('http://h/news?q=a%20b', 'http://h/news?q=a%20b'),
    ('http://h/%E6%97%A5%E6%9C%AC', 'http://h/\u65e5\u672c'),
    ('http://h/caf%C3%A9%2Fx', 'http://h/caf\u00e9%2Fx'),
    ('http://h/%f0%a0%ae%b7', 'http://h/\U00020bb7'),
    ('http://h/e%CC%81', 'http://h/e\u0301'),
    # no UTF-8, half a character, a spelling that is too long
    ('http://h/%E9', 'http://h/%E9'),
    ('http://h/%E6%97', 'http://h/%E6%97'),
    ('http://h/%C0%AF', 'http://h/%C0%AF'),
    # a character that reverses the direction of text, a space, a line break, a
    # quote
    ('http://h/%E2%80%AE', 'http://h/%E2%80%AE'),
    ('http://h/%C2%A0', 'http://h/%C2%A0'),
    ('http://h/%E2%80%A8', 'http://h/%E2%80%A8'),
    ('http://h/%E2%80%9C', 'http://h/%E2%80%9C'),
    ('http://h/%3Cb%3E%22%25', 'http://h/%3Cb%3E%22%25')])
def test_readable_url(url, text):
    assert statistics.readable_url(url) == text


def test_a_page_is_found_by_what_people_read():
    rows = [row(1, url=f'http://h/{name}') for name in (
        '%E6%97%A5%E6%9C%AC', 'news')]
    for find in '\u65e5\u672c', '%E6%97%A5':
        found = statistics.select(rows, statistics.View(find=find)).rows
        assert [one['url'] for one in found] == [rows[0]['url']]


@pytest.mark.parametrize(('secs', 'text'), [
    (0.0004, '0.4 ms'), (0.0346, '35 ms'), (0.99, '990 ms'), (1.04, '1.0 s'),
    (9.96, '10.0 s'), (10, '10 s'), (245, '4 min 5 s')])
def test_span_text(secs, text):
    assert statistics.span_text(secs).replace('\u00a0', ' ') == text


def test_renders_by_frequency():
    counts = {
        ('MISS', ''): 3, ('MISS', 'etag-changed'): 5, ('HIT', ''): 9,
        ('MISS', 'render-error'): 7, ('BYPASS', 'cookie a'): 8}
    assert statistics.renders(counts) == [('etag-changed', 5), ('', 3)]
