"""Answers to a client, row by row, with the clause of the RFC."""
import gzip
import sys
import time
from email.utils import parsedate_to_datetime

import pytest
import transaction

from ...core.http.conditional import format_date
from ..site import Item
from ..site import add_template
from ..site import set_policy


PATHS = ('/site/doc/page', '/site/doc/fspage', '/site/doc')
PAGE = PATHS[0]

#: A policy's tag that is no valid entity-tag.
ODD_ETAG = 'string:a b"c,d'


def renders(site):
    return Item.renders


def later(seconds=60):
    return format_date(time.time() + seconds)


# Preconditions (RFC 9110 section 13)

@pytest.mark.parametrize('path', PATHS)
@pytest.mark.parametrize('form', [
    '{tag}', 'W/{tag}', '"x", {tag}', '"x",W/{tag} , "y"', '"a,b", {tag}',
    '"\xe9", {tag}', '*',
])
def test_if_none_match_holds_the_tag_304(site, client, path, form):
    tag = client.get(path)['ETag']
    answer = client.get(path, If_None_Match=form.format(tag=tag))
    assert (answer.status, answer.body) == (304, b'')


@pytest.mark.parametrize('value', [
    '', ',,,', '"unbalanced', 'unquoted', '"*"', '"other"', 'W/"other"'])
def test_if_none_match_without_the_tag_gives_the_page(site, client, value):
    page = client.get(PAGE)
    answer = client.get(PAGE, If_None_Match=value)
    assert (answer.status, answer.body) == (200, page.body)


def test_a_thousand_tags_are_read(site, client):
    tag = client.get(PAGE)['ETag']
    many = ', '.join(f'"tag,{n}"' for n in range(1000))
    assert client.get(PAGE, If_None_Match=many).status == 200
    assert client.get(PAGE, If_None_Match=f'{many}, {tag}').status == 304


@pytest.mark.parametrize('tags', ['"other"', '', ',,,', '"abc'])
def test_if_none_match_defeats_if_modified_since(site, client, tags):
    client.get(PAGE)
    assert client.get(PAGE, If_Modified_Since=later()).status == 304
    answer = client.get(
        PAGE, If_None_Match=tags, If_Modified_Since=later())
    assert answer.status == 200


def test_a_matching_tag_beats_an_old_date(site, client):
    tag = client.get(PAGE)['ETag']
    answer = client.get(
        PAGE, If_None_Match=tag,
        If_Modified_Since='Sat, 01 Jan 2000 00:00:00 GMT')
    assert answer.status == 304


@pytest.mark.parametrize('path', PATHS)
def test_if_modified_since_alone_304_for_anonymous(site, client, path):
    assert client.get(path, If_Modified_Since=later()).status == 304
    assert client.get(path).status == 200
    assert client.get(path, If_Modified_Since=later()).status == 304


def test_if_modified_since_alone_needs_no_etag(site, client):
    set_policy(site, etag='')
    assert client.get(PAGE, If_Modified_Since=later()).status == 304


def test_if_modified_since_alone_is_ignored_for_members(site, client):
    client.get(PAGE, user='alice')
    answer = client.get(PAGE, user='alice', If_Modified_Since=later())
    assert answer.status == 200


@pytest.mark.parametrize('date', [
    'yesterday', '', '2020-01-01', 'Sun, 22 Nov 2126 15:00:00 GMT',
    'Sat, 01 Jan 2000 00:00:00 GMT'])
def test_if_modified_since_that_does_not_count(site, client, date):
    client.get(PAGE)
    assert client.get(PAGE, If_Modified_Since=date).status == 200


def test_template_newer_than_the_date_gives_the_page(site, client):
    set_policy(site)
    client.get(PAGE)
    date = '{:%a, %d %b %Y %H:%M:%S} GMT'.format(
        parsedate_to_datetime('Thu, 02 Jan 2020 00:00:00 GMT'))
    # later than the content, earlier than the template
    assert client.get(PAGE, If_Modified_Since=date).status == 200


@pytest.mark.parametrize('header', ['If_None_Match', 'If_Modified_Since'])
def test_policy_without_304s_gives_the_page(site, client, header):
    set_policy(site, enable_304s=0)
    tag = client.get(PAGE)['ETag']
    value = tag if header == 'If_None_Match' else later()
    assert client.get(PAGE, **{header: value}).status == 200


def test_post_gets_the_page_as_without_a_cache(site, client):
    tag = client.get(PAGE)['ETag']
    before = renders(site)
    answer = client.post(PAGE, user=None, If_None_Match=tag)
    assert answer.status == 200
    assert renders(site) == before + 1
    assert answer.outcome == 'BYPASS'
    assert 'fwd=method' in answer['Cache-Status']


def test_access_is_checked_first(site, client):
    tag = client.get(PAGE)['ETag']
    site.doc.manage_permission('View', ['Manager'])
    transaction.commit()
    answer = client.get(PAGE, If_None_Match=tag)
    assert answer.status == 401
    assert client.get(PAGE).status == 401
    assert client.head(PAGE).status == 401
    assert client.get(PAGE, user='root').status == 200


def test_access_to_the_template_is_checked_for_head_too(site, client):
    client.get(PAGE)
    site.portal_skins.custom.page.manage_permission('View', ['Manager'])
    assert client.get(PAGE).status == 401
    assert client.head(PAGE).status == 401
    assert client.head(PAGE, user='root').status == 200


# Responses

@pytest.mark.parametrize('path', PATHS)
def test_every_200_has_the_policys_headers(site, client, path):
    set_policy(site, max_age_secs=60, vary='X-Site', public=1)
    for answer in (client.get(path), client.get(path)):
        assert answer.status == 200
        assert answer['ETag'].startswith('"')
        assert answer['Cache-Control'] == (
            'max-age=60, public, must-revalidate')
        assert 'X-Site' in answer['Vary']
        for name in ('Last-Modified', 'Expires'):
            assert parsedate_to_datetime(answer[name])


@pytest.mark.parametrize('path', PATHS)
@pytest.mark.parametrize('etag', [
    ODD_ETAG, 'string:abc', r"python: u'\xe9\u20ac'", r"python: 'a\x00b'",
    r"python: 'a\r\nSet-Cookie: x=1'", "python: 'x' * 10000"])
def test_etag_is_a_valid_entity_tag(site, client, path, etag):
    set_policy(site, etag=etag)
    tag = client.get(path)['ETag']
    inner = tag[1:-1]
    assert tag == f'"{inner}"' and '"' not in inner
    assert all(0x21 <= ord(c) < 0x7f for c in inner)
    assert len(tag) < 300
    assert client.get(path, If_None_Match=tag).status == 304


def test_one_spelling_of_the_etag_header(site, client):
    site.doc.changed = site.doc.changed  # noqa: PLW0127
    for path in PATHS:
        for answer in (client.get(path), client.get(path)):
            assert len(answer.all('ETag')) == 1


@pytest.mark.parametrize('late_ms', [0, 1000, 60_000])
def test_expires_is_of_this_request(site, client, monkeypatch, late_ms):
    site.page_cache.manage_editProps('', {'late_ms': late_ms})
    # a page without the hour, which may end meanwhile
    set_policy(site, etag='string:same', max_age_secs=100)
    first = client.get(PAGE)
    client.get(PAGE)
    now = time.time()
    for module, name in (
            (sys.modules['DateTime.DateTime'], '_system_time'),
            (time, 'time')):
        monkeypatch.setattr(module, name, lambda: now + 50)
    second = client.get(PAGE)
    assert second.outcome == 'HIT'
    late = (parsedate_to_datetime(second['Expires'])
            - parsedate_to_datetime(first['Expires'])).total_seconds()
    assert 49 <= late <= 51


@pytest.mark.parametrize('path', PATHS)
def test_304_has_the_headers_of_the_200_and_no_others(site, client, path):
    set_policy(site, max_age_secs=60, vary='X-Site')
    page = client.get(path)
    answer = client.get(path, If_None_Match=page['ETag'])
    assert answer.status == 304
    for name in ('Cache-Control', 'ETag', 'Vary'):
        assert answer[name] == page[name]
    assert answer.all('Expires') and answer.all('Date')
    for name in ('Content-Type', 'Content-Encoding', 'Content-Length'):
        assert answer.all(name) == []


@pytest.mark.parametrize('user', [None, 'alice'])
@pytest.mark.parametrize('path', PATHS)
def test_a_hit_is_the_miss_byte_for_byte(site, client, path, user):
    miss = client.get(path, user)
    hit = client.get(path, user)
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert hit.body == miss.body
    assert hit.stable_headers() == miss.stable_headers()


def test_headers_set_by_rendering_are_kept(site, client):
    add_template(site.portal_skins.custom, 'special', '''<p
      tal:define="r request/RESPONSE;
                  a python: r.setHeader('X-Own', 'own');
                  b python: r.setHeader('Content-Type', 'text/xml')"
      >special</p>''')
    transaction.commit()
    miss = client.get('/site/doc/special')
    hit = client.get('/site/doc/special')
    assert hit.outcome == 'HIT'
    assert hit['X-Own'] == 'own'
    assert hit['Content-Type'].startswith('text/xml')
    assert hit.stable_headers() == miss.stable_headers()


# HEAD (9.3.2)

@pytest.mark.parametrize('user', [None, 'alice'])
@pytest.mark.parametrize('path', PATHS)
def test_head_says_what_get_would_without_rendering(
        site, client, path, user):
    before = renders(site)
    last = site._p_jar.db().lastTransaction()
    unstored = client.head(path, user)
    assert renders(site) == before
    page = client.get(path, user)
    stored = client.head(path, user)
    assert renders(site) == before + 1
    assert (unstored.status, unstored.body) == (200, b'')
    # headers that only a render can give are left out
    assert unstored.all('ETag') == unstored.all('Last-Modified') == []
    assert unstored['Cache-Control'] == page['Cache-Control']
    assert site._p_jar.db().lastTransaction() == last
    assert unstored.all('Content-Length') == []
    assert stored['Content-Length'] == str(len(page.body))
    assert stored['Content-Type'] == page['Content-Type']
    assert stored.stable_headers() == page.stable_headers()
    assert stored.body == b''


@pytest.mark.parametrize('path', PATHS)
def test_head_with_the_tag_304(site, client, path):
    tag = client.get(path)['ETag']
    assert client.head(path, If_None_Match=tag).status == 304


def test_head_elsewhere_is_zopes(site, client):
    add_template(site.portal_skins.custom, 'plain', '<p>x</p>', False)
    transaction.commit()
    answer = client.head('/site/doc/plain')
    assert answer.status == 200
    assert answer.all('X-PageCache') == []


# Content coding (12.5)

def zipped_site(site):
    add_template(site.portal_skins.custom, 'zipped', '''<p tal:define="
      x python: request.RESPONSE.enableHTTPCompression(request)"
      tal:content="python: 'text ' * 500"></p>''')
    transaction.commit()


def test_gzip_and_identity_are_never_mixed(site, client):
    zipped_site(site)
    path = '/site/doc/zipped'
    coded = client.get(path, Accept_Encoding='gzip')
    assert (coded.outcome, coded['Content-Encoding']) == ('MISS', 'gzip')
    plain = client.get(path)
    assert plain.outcome == 'HIT' and plain.all('Content-Encoding') == []
    assert gzip.decompress(coded.body) == plain.body
    again = client.get(path, Accept_Encoding='gzip')
    assert again.outcome == 'HIT' and again.body == coded.body
    assert again.stable_headers() == coded.stable_headers()
    for answer in (coded, plain, again):
        assert 'Accept-Encoding' in answer['Vary']
    # 8.8.3.3: one strong tag, one sequence of bytes
    assert coded['ETag'] != plain['ETag']
    for tag, coding in (
            (coded['ETag'], 'gzip'), (plain['ETag'], 'gzip'),
            (plain['ETag'], 'identity')):
        answer = client.get(path, If_None_Match=tag, Accept_Encoding=coding)
        # a cache finds the copy that it may use again by this tag (9111 4.3.4)
        assert (answer.status, answer['ETag']) == (304, tag)


@pytest.mark.parametrize('method', ['GET', 'HEAD'])
@pytest.mark.parametrize('accepts', [None, 'gzip;q=0', 'br', 'identity'])
def test_tag_of_gzip_is_no_tag_of_who_did_not_ask_for_gzip(
        site, client, method, accepts):
    """A cache asks with the tags of all variants that it has (9111 4.1).

    A 304 with the tag of the page in gzip would have it send that.
    """
    zipped_site(site)
    path = '/site/doc/zipped'
    coded = client.get(path, Accept_Encoding='gzip')
    plain = client.get(path)
    headers = {'Accept_Encoding': accepts} if accepts else {}
    answer = client.request(
        method, path, If_None_Match=coded['ETag'], **headers)
    assert (answer.status, answer['ETag']) == (200, plain['ETag'])
    assert answer.all('Content-Encoding') == []
    both = f'{coded["ETag"]}, {plain["ETag"]}'
    answer = client.request(method, path, If_None_Match=both, **headers)
    assert (answer.status, answer['ETag']) == (304, plain['ETag'])


@pytest.mark.parametrize('accepts', [None, 'gzip;q=0', 'br', 'identity'])
def test_who_did_not_ask_for_gzip_never_gets_it(site, client, accepts):
    zipped_site(site)
    headers = {'Accept_Encoding': accepts} if accepts else {}
    assert client.get(
        '/site/doc/zipped', **headers).all('Content-Encoding') == []
    client.get('/site/doc/zipped', Accept_Encoding='gzip')
    answer = client.get('/site/doc/zipped', **headers)
    assert answer.all('Content-Encoding') == []
    assert answer.body.startswith(b'<p>text')


# Cache-Status (RFC 9211)

def test_cache_status_says_why(site, client):
    assert 'fwd=uri-miss;stored' in client.get(PAGE)['Cache-Status']
    assert ';hit;ttl=' in client.get(PAGE)['Cache-Status']
    member = client.get(PAGE, user='alice')
    assert 'alice' not in member['Cache-Status']


def test_both_headers_can_be_switched_off(site, client):
    site.page_cache.manage_editProps(
        '', {'show_outcome': False, 'show_cache_status': False})
    transaction.commit()
    for _ in range(2):
        answer = client.get(PAGE)
        assert answer.all('X-PageCache') == []
        assert answer.all('Cache-Status') == []


def test_off_says_so(site, client):
    site.page_cache.disable()
    transaction.commit()
    for _ in range(2):
        answer = client.get(PAGE)
        assert (answer.status, answer.outcome) == (200, 'OFF')
    site.page_cache.enable()
    transaction.commit()
    assert client.get(PAGE).outcome == 'MISS'


def test_no_etag_no_caching(site, client):
    set_policy(site, etag='')
    before = renders(site)
    for _ in range(2):
        answer = client.get(PAGE)
        assert answer.outcome == 'NO-ETAG'
        assert answer.all('ETag') == []
        assert answer.all('Last-Modified')
    assert renders(site) == before + 2
