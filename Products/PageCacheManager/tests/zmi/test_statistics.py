"""The Statistics screen: verdict, pictures, exports and reset."""
import csv
import io
import json
import re

import pytest
import transaction

from ...core.key import KeyParts
from ...core.page import Page
from ...manager import caches
from ...zmi.page import MAX_URL
from ..screens import follow
from ..screens import get
from ..screens import own
from ..screens import text_of
from ..site import TEMPLATE
from ..site import add_template


pytestmark = pytest.mark.usefixtures(
    'template_engine', 'errors_are_responses')

MANAGER = '/site/page_cache'
PAGE = '/site/doc/page'
VIEW = '/site/doc/v-counting'


def shown(client, query='', user='root'):
    html = own(get(client, f'{MANAGER}/manage_stats?{query}', user))
    assert html.problems == []
    return html


def numbers(client, query='', user='root'):
    answer = client.get(f'{MANAGER}/manage_statsJSON?{query}', user)
    assert answer['Content-Type'] == 'application/json'
    return json.loads(answer.text)


def table(client, query=''):
    answer = client.get(f'{MANAGER}/manage_statsCSV?{query}', 'root')
    assert answer['Content-Type'] == 'text/csv; charset=utf-8'
    assert answer['Content-Disposition'] == (
        'attachment; filename="page-cache-statistics.csv"')
    return list(csv.DictReader(io.StringIO(answer.text)))


def cache(site):
    return caches.cache_of(site.page_cache)


def store(site, url, template='/site/page'):
    key = KeyParts(template, '/site/doc', url, (), ('v',), 'e').key()
    cache(site).pages.set(key, Page(
        body=b'x', codings=(), headers=(), modified=0, created=1e9,
        varies=()))


# the meaning of the ratio

@pytest.mark.parametrize('hits, misses, color, word', [
    (0, 0, 'secondary', 'too early'), (19, 0, 'secondary', 'too early'),
    (20, 0, 'success', 'good'), (80, 20, 'success', 'good'),
    (79, 21, 'warning', 'fair'), (50, 50, 'warning', 'fair'),
    (49, 51, 'danger', 'low'), (0, 20, 'danger', 'low')])
def test_the_ratio_has_a_colour_and_a_word(
        site, client, hits, misses, color, word):
    for outcome, count in ('HIT', hits), ('MISS', misses):
        for _ in range(count):
            cache(site).tally.add(outcome)
    html = shown(client)
    assert html.one('span', **{'class': f'badge badge-{color}'}) is not None
    assert f' {word} of hits and misses' in text_of(html)


# pictures

def test_requests_by_minute_and_hour(site, client):
    for _ in range(3):
        client.get(PAGE)
    client.post(PAGE)
    html = shown(client)
    for title in 'Last hour, by minute', 'Last 24 hours, by hour':
        label = f'{title}: hits 2, misses 1, others 1.'
        assert html.one('svg', **{'role': 'img', 'aria-label': label})
        assert label in html.texts  # the picture's title
    assert text_of(html).count('Most in one') == 2
    # the hits are at the bottom, the other requests on top
    heights = {
        name: {rect['y'] for rect in html.all('rect', **{'class': name})
               if 'x' in rect}
        for name in ('pcm-hits', 'pcm-misses', 'pcm-others')}
    assert heights == {
        'pcm-hits': {'50.00'}, 'pcm-misses': {'25.00'},
        'pcm-others': {'0.00'}}
    assert re.search(
        r'Begin Hits Misses Others \d\d:\d\d 2 1 1 ', text_of(html))


def test_pictures_of_nothing(site, client):
    html = shown(client)
    assert 'No requests were counted.' in text_of(html)
    assert not [rect for rect in html.all('rect') if 'x' in rect]


def test_memory_against_its_bound(site, client):
    site.page_cache.manage_editProps('', {'threshold': 8})
    client.get(PAGE)
    client.get(f'{PAGE}?a=1')
    html = shown(client)
    assert '2 of 8' in text_of(html) and '25.0 % of the limit' in (
        text_of(html))
    assert html.all('rect', **{'class': 'pcm-hits', 'width': '25.0'})


def test_render_time_and_hit_time_of_a_template(site, client):
    for _ in range(3):
        client.get(PAGE)
    found, = numbers(client)['templates']
    assert (found['renders'], found['hits']) == (1, 2)
    assert found['render_secs'] > 0 and found['hit_secs'] > 0
    path = found['path']
    assert path.endswith('/page')
    tally = cache(site).tally
    tally.reset()
    for word, secs in ('MISS', .5), ('MISS', 1.5), ('HIT', .01):
        tally.add(word, '', '', path, secs)
    text = text_of(shown(client))
    assert f'{path} 2 1.0 s 1 10 ms' in text
    assert '100 times' in text


def test_a_304_is_a_hit_that_is_measured(site, client):
    tag = client.get(PAGE)['ETag']
    assert client.get(PAGE, If_None_Match=tag).status == 304
    assert numbers(client)['templates'][0]['hits'] == 1


# templates and views that are not associated

def uncached(client, user='root'):
    return [
        (row['kind'], row['name'], row['renders'])
        for row in numbers(client, user=user)['not_cached']]


def test_views_and_templates_that_are_not_associated(site, client):
    template = add_template(site, 'slow', TEMPLATE, associate=False)
    for path, times in ('/site/doc/slow', 3), (VIEW, 2), (PAGE, 1):
        for _ in range(times):
            client.get(path)
    assert sorted(uncached(client)) == [
        ('template', '/site/slow', 3), ('view', 'v-counting', 2)]
    assert all(row['secs'] > 0 for row in numbers(client)['not_cached'])
    html = shown(client)
    assert 'template /site/slow \u2013 3' in text_of(html)
    links = {link['href'].rpartition('/')[2] for link in html.all('a')}
    assert {'manage_views#recent', 'ZCacheManager_associate'} <= links
    views = own(get(client, f'{MANAGER}/manage_views'))
    assert views.one('h2', id='recent')

    # with a manager they need no advice
    template.ZCacheable_setManagerId('page_cache')
    site.page_cache.manage_editViews([{'name': 'v-counting', 'kind': ''}])
    transaction.commit()
    assert uncached(client) == []
    assert 'that are not associated' not in text_of(shown(client))


def test_the_time_of_all_renders_decides(site, client):
    lately = cache(site).lately
    for name, secs in ('often', 1), ('often', 1), ('slow', 1.5):
        lately.saw(name, 'Item', secs)
    assert [name for _, name, _ in uncached(client)] == ['often', 'slow']
    assert 'view often Item 2 2.0 s 1.0 s' in text_of(shown(client))


def test_a_template_that_went_away_is_not_listed(site, client):
    add_template(site, 'slow', TEMPLATE, associate=False)
    client.get('/site/doc/slow')
    assert uncached(client)
    site._delObject('slow')
    transaction.commit()
    assert uncached(client) == []


# reset

def test_reset_begins_to_count_anew(site, client):
    client.get(PAGE)
    client.get(PAGE)
    client.get(VIEW)
    counts = cache(site).pages.counts()
    cache(site).since -= 86_400
    answer = client.post(
        f'{MANAGER}/manage_resetStats', {'find': 'page', 'sort': 'url'})
    assert 'find=page' in answer['Location']
    assert 'sort=url' in answer['Location']
    html = follow(client, answer)
    assert 'The counters of this process are reset.' in html.text
    found = numbers(client)
    assert found['requests']['hits'] == found['requests']['misses'] == 0
    assert found['templates'] == found['not_cached'] == []
    assert not any(span['hits'] for span in found['minutes'])
    assert found['process']['counting_since'] == cache(site).since
    assert '(0 s)' in text_of(shown(client))
    # pages stay, and set-up is not asked for again
    assert cache(site).pages.counts() == counts
    assert client.get(PAGE).outcome == 'HIT'
    assert 'Open a page' not in get(client, f'{MANAGER}/manage_main').text


def test_reset_counts_evictions_anew(site, client):
    site.page_cache.manage_editProps('', {'threshold': 1})
    for number in range(3):
        client.get(f'{PAGE}?{number}')
    for evictions in 2, 0:
        assert f'Evictions {evictions}' in text_of(shown(client))
        stored = numbers(client)['store']
        assert (stored['evictions'], stored['entries']) == (evictions, 1)
        client.post(f'{MANAGER}/manage_resetStats')


@pytest.mark.parametrize('method, user, status', [
    ('GET', 'root', (403, 404, 405)), ('POST', None, (401,)),
    ('POST', 'alice', (401,))])
def test_who_may_not_reset(site, client, method, user, status):
    site.manage_role('Member', ['View management screens'])
    client.get(PAGE)
    path = f'{MANAGER}/manage_resetStats'
    assert client.request(method, path, user).status in status
    assert numbers(client)['requests']['misses'] == 1
    assert 'Reset counters' not in get(
        client, f'{MANAGER}/manage_stats', 'alice').text


# exports

@pytest.mark.parametrize('name', ['manage_statsCSV', 'manage_statsJSON'])
def test_who_may_read_the_exports(site, client, name):
    path = f'{MANAGER}/{name}'
    assert client.get(path).status == client.get(path, 'alice').status == 401
    assert client.post(path).status in (403, 404, 405)
    site.manage_role('Member', ['View management screens'])
    assert client.get(path, 'alice').status == 200


def test_csv_has_all_pages_that_are_found(site, client):
    for number in range(60):
        store(site, f'http://h/doc?n={number}')
    store(site, 'http://h/other')
    rows = table(client, 'find=n%3D&sort=url&order=asc&page=2&size=50')
    assert len(rows) == 60
    assert rows[0]['url'] == 'http://h/doc?n=0'
    assert rows[0]['template'] == '/site/page'
    assert list(rows[0]) == [
        'template', 'context', 'url', 'hits', 'misses', 'entries', 'bytes',
        'created']


@pytest.mark.parametrize('hostile', [
    '=1+1', '+1', '-1', '@sum', '\tx', '\r=1'])
def test_csv_has_no_formulas(site, client, hostile):
    store(site, hostile, hostile)
    row, = table(client)
    assert row['template'] == row['url'] == f"'{hostile}"


def test_csv_has_no_formulas_where_semicolons_part_cells(site, client):
    store(site, 'http://h/page?a;=1+1;b')
    row, = table(client)
    assert row['url'] == 'http://h/page?a%3B=1+1%3Bb'


def test_no_link_leads_to_the_host_that_a_client_named(site, client):
    for _ in range(2):
        client.get(PAGE)
        client.get(PAGE, Host='evil.example')
    html = shown(client)
    links = [link['href'] for link in html.all('a') if 'href' in link]
    assert any(link.endswith(PAGE) for link in links)
    assert not any(link.startswith('http://evil') for link in links)
    assert 'evil.example' in text_of(html)


def test_csv_of_a_text_that_is_no_unicode(site, client):
    store(site, 'http://h/\ud800,"a\nb"')
    row, = table(client)
    assert row['url'] == 'http://h/?,"a\nb"'


def test_json_has_what_the_screen_shows(site, client):
    client.get(PAGE, 'alice')
    client.get(PAGE, 'alice')
    client.get(PAGE, Cookie='statusmessages=x')
    found = numbers(client)
    assert found['requests']['hits'] == found['requests']['misses'] == 1
    assert found['requests']['hit_ratio'] == .5
    assert {'outcome': 'BYPASS', 'reason': 'request-cookie',
            'requests': 1} in found['reasons']
    assert found['store']['entries'] == 1
    assert len(found['minutes']) == 60 and len(found['hours']) == 24
    last = found['hours'][-1]
    assert (last['hits'], last['misses'], last['others']) == (1, 1, 1)
    assert found['minutes'][0]['began'] % 60 == 0
    assert [row['url'] for row in found['pages']] == [
        'http://localhost:8080/site/doc/page']
    assert 'alice' not in json.dumps(found)
    assert numbers(client, 'find=nothing')['pages'] == []


def test_links_to_the_exports_keep_search_and_order(site, client):
    client.get(PAGE)
    links = [link['href'] for link in shown(
        client, 'find=page&sort=url&order=asc').all('a')]
    for name in 'manage_statsCSV', 'manage_statsJSON':
        assert (f'http://localhost:8080{MANAGER}/{name}'
                '?sort=url&order=asc&find=page') in links


# rows of the report

def test_rows_are_found_by_the_text_that_people_see(site, client):
    client.get(f'{PAGE}?q=%E6%97%A5%E6%9C%AC')
    client.get(f'{PAGE}?q=other')
    html = shown(client, 'find=%E6%97%A5%E6%9C%AC')
    assert '1 of 2 pages' in text_of(html)
    assert 'http://localhost:8080/site/doc/page?q=\u65e5\u672c' in html.texts
    assert html.one('a', title='Open this page')['href'] == (
        'http://localhost:8080/site/doc/page?q=%E6%97%A5%E6%9C%AC')


def test_a_long_url_is_cut_in_the_middle(site, client):
    client.get(f'{PAGE}?{"x" * 300}&last=page')
    text, = (text for text in shown(client).texts if '&last=page' in text)
    assert text.startswith('http://localhost:8080/site/doc/page?x')
    assert '\u2026' in text and len(text) <= MAX_URL + 3


@pytest.mark.parametrize('url', [
    'javascript:alert(1)', 'data:text/html,x', '/site',
    f'http://{"x" * 9999}'])
def test_what_is_no_address_of_a_page_is_not_linked(site, client, url):
    store(site, url)
    assert shown(client).all('a', title='Open this page') == []


def test_sorting_keeps_search_and_place(site, client):
    client.get(PAGE)
    html = shown(client, 'find=page')
    links = [link['href'] for link in html.all('a')
             if link.get('title', '').startswith('Sort')]
    assert len(links) == 8
    assert all('find=page' in link and link.endswith('#pages')
               for link in links)
    form, = (form for form in html.all('form')
             if form.get('method') == 'get')
    assert form['action'].endswith('/manage_stats#pages')


@pytest.mark.parametrize('tab', ['manage_stats', 'manage_explain'])
def test_the_address_keeps_the_query(site, client, tab):
    """Zope's footer removes the query, but a reload needs it."""
    text = get(client, f'{MANAGER}/{tab}?find=x').text
    assert r''''Main',location.href.replace(/[?]done=\w+&?/,'?'))''' in text
    assert text.count('replaceState(') == 1
