"""Pages in gzip and zstd: made at a hit, kept, sent if accepted."""
import gzip
import itertools
import threading
import time

import pytest
import transaction
from plone.memoize.interfaces import ICacheChooser
from zExceptions import Unauthorized
from zope.component import getGlobalSiteManager
from zope.event import subscribers
from zope.interface import Interface
from ZPublisher import pubevents
from ZPublisher.interfaces import IPubBeforeCommit

from ...core.http import codecs
from ...core.http.codecs import Codec
from ...core.http.conditional import coded_tag
from ...core.http.conditional import format_date
from ...manager import caches
from ..client import Client
from ..events import handler
from ..lane_client import LaneClient
from ..lane_client import warm
from ..site import add_template
from ..wire.test_fresh import in_threads
from ..wire.test_fresh import until
from .test_whole import add_script


LISTING = '''<html><head><title tal:content="context/getId">t</title></head>
<body><table><tr tal:repeat="n python: range(400)"
  tal:attributes="class python: n % 2 and 'odd' or 'even'">
  <td tal:content="n">n</td>
  <td><a tal:attributes="href string:${context/absolute_url}/$n"
    tal:content="python: 'Item %x of the listing' % (n * 7919 ** 3)">a</a></td>
  <td tal:content="context/modified">date</td>
</tr></table></body></html>'''

PATH = '/site/doc/listing'

#: Accept-Encoding of a browser.
BROWSER = 'gzip, deflate, br, zstd'


class Counting:
    """A codec that counts its calls."""

    def __init__(self, codec):
        self._codec = codec
        self.encoded = self.decoded = 0

    def encode(self, body):
        self.encoded += 1
        return self._codec.encode(body)

    def decode(self, data):
        self.decoded += 1
        return self._codec.decode(data)


@pytest.fixture
def made(monkeypatch):
    """Provide zstd or a substitute, and count calls; return the codecs."""
    found = {
        'zstd': Counting(codecs.CODECS.get('zstd', Codec(
            lambda body: b'zs' + gzip.compress(body, mtime=0),
            lambda data: gzip.decompress(data[2:])))),
        'gzip': Counting(codecs.CODECS['gzip'])}
    monkeypatch.setattr(codecs, 'CODECS', found)
    monkeypatch.setattr(codecs, 'MADE', frozenset(found))
    return found


@pytest.fixture
def listing(site, made):
    add_template(site.portal_skins.custom, 'listing', LISTING)
    transaction.commit()
    return site


@pytest.fixture
def pages(site):
    return caches.cache_of(site.page_cache).pages


def plain(answer):
    """Return the body of an answer without its coding."""
    coding = answer.get('Content-Encoding')
    if coding is None:
        return answer.body
    return codecs.CODECS[coding]._codec.decode(answer.body)


def accepting(value):
    return {} if value is None else {'Accept_Encoding': value}


def template(site, name, text):
    add_template(site.portal_skins.custom, name, text)
    transaction.commit()
    return f'/site/doc/{name}'


def let_bodies_go(pages):
    """Drop the bodies, as the store does if other pages need the room."""
    bodies = pages._contents.bodies
    while bodies.bytes:
        bodies.discard(bodies.oldest())


def look_on(event):
    """A substitute for other code that sees each response before the commit.
    """


@pytest.fixture(params=[False, True], ids=['alone', 'others look on'])
def on_looker(request):
    """Whether other code gets to see the response."""
    if not request.param:
        yield False
        return
    with handler(look_on, IPubBeforeCommit):
        yield True


# answers to clients

@pytest.mark.parametrize('user', [None, 'alice'])
@pytest.mark.parametrize(('accepts', 'coding'), [
    ('gzip', 'gzip'), ('zstd', 'zstd'), (BROWSER, 'zstd'),
    ('gzip, deflate, br', 'gzip')])
def test_first_hit_is_coded_and_no_miss(
        listing, client, made, on_looker, user, accepts, coding):
    miss = client.get(PATH, user, Accept_Encoding=accepts)
    assert (miss.outcome, miss.all('Content-Encoding')) == ('MISS', [])
    assert sum(codec.encoded for codec in made.values()) == 0
    first, second = (
        client.get(PATH, user, Accept_Encoding=accepts) for _ in range(2))
    assert (first.outcome, first['Content-Encoding']) == ('HIT', coding)
    assert plain(first) == miss.body
    assert first['Content-Length'] == str(len(first.body))
    assert first['ETag'] == coded_tag(miss['ETag'], coding)
    assert 'Accept-Encoding' in miss['Vary'] and 'Accept-Encoding' in (
        first['Vary'])
    assert second.body == first.body
    assert second.stable_headers() == first.stable_headers()
    assert {n: c.encoded for n, c in made.items() if c.encoded} == {coding: 1}
    # all headers are those of the MISS, except those of the coding
    of_the_coding = ('content-length', 'content-encoding', 'etag')
    assert [
        line for line in first.stable_headers()
        if line[0].lower() not in of_the_coding] == [
        line for line in miss.stable_headers()
        if line[0].lower() not in of_the_coding]


@pytest.mark.parametrize('order', list(itertools.permutations(
    [None, 'gzip', 'zstd', 'identity;q=1, *;q=0.1'])))
def test_every_client_gets_what_it_takes_in_any_order(
        listing, client, pages, order):
    body = client.get(PATH).body
    tags = {}
    for accepts in order * 2:
        answer = client.get(PATH, **accepting(accepts))
        coding = accepts if accepts in ('gzip', 'zstd') else None
        assert answer.outcome == 'HIT'
        assert answer.get('Content-Encoding') == coding
        assert plain(answer) == body
        assert 'Accept-Encoding' in answer['Vary']
        # 8.8.3.3: one strong tag, one sequence of bytes
        assert tags.setdefault(answer['ETag'], answer.body) == answer.body
        let_bodies_go(pages)
    assert len(tags) == 3


@pytest.mark.parametrize(('accepts', 'coding'), [
    ('gzip;q=0.5, zstd;q=0.4', 'gzip'),
    ('gzip;q=0.4, zstd;q=0.5', 'zstd'),
    ('gzip;q=0, zstd', 'zstd'),
    ('zstd;q=0, gzip', 'gzip'),
    ('identity, gzip;q=0.5', None),
    ('gzip;q=0', None),
    ('br', None),
    ('*', 'gzip'),
    ('*;q=0', None),
    ('identity;q=0', None),
    ('', None),
    ('nonsense;;q=,', None),
])
def test_weights_count(listing, client, accepts, coding):
    """RFC 9110 section 12.5.3."""
    for known in ('gzip', 'zstd', 'gzip', 'zstd'):
        client.get(PATH, Accept_Encoding=known)
    answer = client.get(PATH, Accept_Encoding=accepts)
    assert answer.get('Content-Encoding') == coding


@pytest.mark.parametrize('accepts', [None, 'gzip', 'zstd'])
@pytest.mark.parametrize('is_gone', [False, True])
def test_head_is_that_of_get(
        listing, client, pages, on_looker, accepts, is_gone):
    for _ in range(2):
        client.get(PATH, **accepting(accepts))
    if is_gone:
        let_bodies_go(pages)
    head = client.head(PATH, **accepting(accepts))
    page = client.get(PATH, **accepting(accepts))
    assert head.stable_headers() == page.stable_headers()
    assert head.body == b''


def test_head_may_be_the_first_to_want_a_coding(listing, client, made):
    client.get(PATH)
    head = client.head(PATH, Accept_Encoding='gzip')
    page = client.get(PATH, Accept_Encoding='gzip')
    assert head.stable_headers() == page.stable_headers()
    assert made['gzip'].encoded == 1


def test_users_have_a_coding_each(listing, client):
    """The content of a user's page goes to nobody else, coded or not."""
    for user in (None, 'alice', 'bob'):
        client.get('/site/doc/page', user)
    path = template(listing, 'mine', '''<p
        tal:content="python: user.getId() or 'nobody'">u</p>
        <p tal:content="python: 'text ' * 500">t</p>''')
    for user in ('alice', 'bob', None) * 3:
        answer = client.get(path, user, Accept_Encoding='gzip')
        assert (user or 'nobody').encode() in plain(answer)
    for user in ('alice', 'bob', None):
        answer = client.get(path, user, Accept_Encoding='gzip')
        assert answer['Content-Encoding'] == 'gzip'


# 304

@pytest.mark.parametrize(('accepts', 'known'), [
    (None, {'plain'}), ('identity', {'plain'}), ('gzip;q=0', {'plain'}),
    ('gzip', {'plain', 'gzip'}), ('zstd', {'plain', 'zstd'}),
    (BROWSER, {'plain', 'gzip', 'zstd', 'br'}),
    ('gzip, zstd;q=0', {'plain', 'gzip'}),
])
@pytest.mark.parametrize('method', ['GET', 'HEAD'])
def test_tag_of_a_coding_counts_for_who_takes_it(
        listing, client, on_looker, method, accepts, known):
    """A cache asks with the tags of all its copies (9111 4.1)."""
    tag = client.get(PATH)['ETag']
    tags = {'plain': tag, **{
        name: coded_tag(tag, name) for name in ('gzip', 'zstd', 'br')}}
    for accept in ('gzip', 'zstd'):
        client.get(PATH, Accept_Encoding=accept)
    for name, value in tags.items():
        answer = client.request(
            method, PATH, If_None_Match=value, **accepting(accepts))
        if name in known:
            assert (answer.status, answer['ETag']) == (304, value)
        else:
            assert answer.status == 200
            assert answer['ETag'] in {tags[name] for name in known}
        assert 'Accept-Encoding' in answer['Vary']


def test_of_all_tags_the_one_that_would_be_sent_is_told(listing, client):
    """RFC 9110 section 15.4.5."""
    tag = client.get(PATH)['ETag']
    both = f'{tag}, {coded_tag(tag, "gzip")}'
    for accepts, expected in (
            ('gzip', coded_tag(tag, 'gzip')), (None, tag),
            ('identity, gzip;q=0.1', tag)):
        answer = client.get(PATH, If_None_Match=both, **accepting(accepts))
        assert (answer.status, answer['ETag']) == (304, expected)


@pytest.mark.parametrize('method', ['GET', 'HEAD'])
@pytest.mark.parametrize('condition', ['star', 'date'])
def test_304_without_a_tag_has_that_of_the_200(
        listing, client, method, condition):
    headers = (
        {'If_None_Match': '*'} if condition == 'star'
        else {'If_Modified_Since': format_date(time.time() + 60)})
    for _ in range(2):
        page = client.get(PATH, Accept_Encoding='gzip')
    answer = client.request(method, PATH, Accept_Encoding='gzip', **headers)
    assert (answer.status, answer['ETag']) == (304, page['ETag'])
    answer = client.request(method, PATH, **headers)
    assert (answer.status, answer['ETag']) == (304, client.get(PATH)['ETag'])


# bodies worth a coding

@pytest.mark.parametrize(('content_type', 'is_coded'), [
    ('text/html', True), ('text/plain;; charset=utf-8', True),
    ('application/json', True), ('application/rss+xml', True),
    ('image/svg+xml', False), ('application/pdf', False)])
def test_only_what_gets_shorter_is_coded(
        listing, client, made, content_type, is_coded):
    path = template(listing, 'typed', f'''<p tal:define="x python:
        request.RESPONSE.setHeader('Content-Type', '{content_type}')"
        tal:content="python: 'text ' * 500">x</p>''')
    for _ in range(3):
        answer = client.get(path, Accept_Encoding='gzip')
    assert answer.outcome == 'HIT'
    assert answer.all('Content-Encoding') == ['gzip'] * is_coded
    assert made['gzip'].encoded == is_coded


def test_small_pages_are_not_coded(listing, client, made):
    path = template(
        listing, 'small', '''<p tal:content="python: 'x' * 900">x</p>''')
    for _ in range(3):
        answer = client.get(path, Accept_Encoding='gzip')
    assert answer.outcome == 'HIT' and answer.all('Content-Encoding') == []
    assert made['gzip'].encoded == 0


def test_what_gets_no_shorter_is_tried_once(
        listing, client, made, monkeypatch, on_looker):
    monkeypatch.setattr(
        made['gzip'], '_codec', Codec(lambda body: body + b'!', bytes))
    for _ in range(4):
        answer = client.get(PATH, Accept_Encoding='gzip')
        assert answer.all('Content-Encoding') == []
    assert answer.outcome == 'HIT' and made['gzip'].encoded == 1


# the setting, and Zope's own compression

def test_setting_leaves_it_to_zope(listing, client, made):
    listing.page_cache.manage_editProps('', {'compression': 'zope'})
    for _ in range(3):
        answer = client.get(PATH, Accept_Encoding=BROWSER)
        assert answer.all('Content-Encoding') == []
    with handler(compress, pubevents.PubAfterTraversal):
        answer = client.get(PATH, Accept_Encoding=BROWSER)
    assert (answer.outcome, answer['Content-Encoding']) == ('HIT', 'gzip')
    assert made['gzip'].encoded == 1
    # it is there from then on
    answer = client.get(PATH, Accept_Encoding=BROWSER)
    assert answer['Content-Encoding'] == 'gzip'
    assert (made['gzip'].encoded, made['zstd'].encoded) == (1, 0)


def test_setting_is_in_force_for_what_is_kept_already(
        listing, client, made, on_looker):
    for accepts in ('gzip', 'zstd') * 2:
        client.get(PATH, Accept_Encoding=accepts)
    listing.page_cache.manage_editProps('', {'compression': 'zope'})
    for accepts in ('gzip', 'zstd') * 2:
        answer = client.get(PATH, Accept_Encoding=accepts)
        assert answer.all('Content-Encoding') == []


def compress(event):
    event.request.response.enableHTTPCompression(event.request)


def test_what_zope_compressed_is_kept(listing, client, made):
    with handler(compress, pubevents.PubAfterTraversal):
        miss = client.get(PATH, Accept_Encoding='gzip')
        hit = client.get(PATH, Accept_Encoding='gzip')
    assert (miss.outcome, miss['Content-Encoding']) == ('MISS', 'gzip')
    assert hit.outcome == 'HIT' and hit.body == miss.body
    assert hit.stable_headers() == miss.stable_headers()
    assert made['gzip'].encoded == 0


def test_our_gzip_is_that_of_zope(listing, client):
    """One strong tag names both."""
    client.get(PATH)
    hit = client.get(PATH, Accept_Encoding='gzip')
    caches.forget_all()
    with handler(compress, pubevents.PubAfterTraversal):
        miss = client.get(PATH, Accept_Encoding='gzip')
    assert (hit.outcome, miss.outcome) == ('HIT', 'MISS')
    assert (hit['ETag'], hit.body) == (miss['ETag'], miss.body)


# memory

def test_a_page_of_60_kilobytes_counts_at_most_16(listing, client, pages):
    size = len(client.get(PATH).body)
    assert size > 60_000
    assert pages.report()[0]['size'] > size
    for accepts in ('zstd', 'gzip'):
        client.get(PATH, Accept_Encoding=accepts)
        counts = pages.counts()
        assert counts.bytes - counts.spare == pages.report()[0]['size']
        assert counts.bytes - counts.spare <= 16 << 10
        assert size <= counts.spare <= size + (16 << 10)


def test_who_takes_a_coding_that_went_gets_gzip(
        listing, client, pages, made):
    """It would take as long to make it again as to make it once."""
    body = client.get(PATH).body
    for accepts in ('zstd', 'gzip'):
        client.get(PATH, Accept_Encoding=accepts)
    while pages.counts().spare:
        pages._contents.shed()
    for _ in range(2):
        answer = client.get(PATH, Accept_Encoding=BROWSER)
        assert answer['Content-Encoding'] == 'gzip' and plain(answer) == body
        answer = client.get(PATH, Accept_Encoding='zstd')
        assert answer.all('Content-Encoding') == [] and answer.body == body
    assert (made['zstd'].encoded, made['gzip'].encoded) == (1, 1)


@pytest.mark.parametrize('user', [None, 'alice'])
def test_a_body_that_went_is_had_from_its_coding(
        listing, client, pages, made, on_looker, user):
    miss = client.get(PATH, user)
    hit = client.get(PATH, user)
    coded = client.get(PATH, user, Accept_Encoding='gzip')
    let_bodies_go(pages)
    before = pages.counts()
    for _ in range(2):
        answer = client.get(PATH, user)
        assert (answer.outcome, answer.body) == ('HIT', miss.body)
        assert answer.stable_headers() == hit.stable_headers()
        again = client.get(PATH, user, Accept_Encoding='gzip')
        assert again.body == coded.body
        assert again.stable_headers() == coded.stable_headers()
    # nor is it kept again
    assert pages.counts()._replace(hits=0) == before._replace(hits=0)


def test_who_takes_the_coding_needs_no_body(listing, client, pages, made):
    for _ in range(2):
        client.get(PATH, Accept_Encoding='gzip')
    let_bodies_go(pages)
    client.get(PATH, Accept_Encoding='gzip')
    client.head(PATH, Accept_Encoding='gzip')
    assert made['gzip'].decoded == 0
    client.get(PATH)
    assert made['gzip'].decoded == 1


def test_a_second_coding_is_made_from_the_first(
        listing, client, pages, made):
    body = client.get(PATH).body
    client.get(PATH, Accept_Encoding='gzip')
    let_bodies_go(pages)
    for _ in range(2):
        answer = client.get(PATH, Accept_Encoding='zstd')
        assert answer['Content-Encoding'] == 'zstd' and plain(answer) == body
    assert (made['gzip'].decoded, made['zstd'].encoded) == (1, 1)
    assert pages._contents.bodies.bytes == 0


# other code

def test_a_body_that_other_code_changes_is_not_coded(
        listing, client, pages, made):
    """A transform reads text, and its result is no longer the page."""
    def shout(event):
        seen.append(event.request.response.headers.get('content-encoding'))
        response = event.request.response
        response.setBody(response.body.replace(b'Item', b'ITEM'))

    seen = []
    for accepts in (None, 'gzip', 'gzip', None, 'gzip'):
        with handler(shout, IPubBeforeCommit):
            answer = client.get(PATH, **accepting(accepts))
            head = client.head(PATH, **accepting(accepts))
        assert b'ITEM' in answer.body
        assert answer.all('Content-Encoding') == []
        assert head['ETag'] == answer['ETag']
    assert made['gzip'].encoded == 0 and set(seen) == {None}
    # the handler gets the plain body, also if a coding is stored
    client.get(PATH, Accept_Encoding='gzip')
    let_bodies_go(pages)
    with handler(shout, IPubBeforeCommit):
        answer = client.get(PATH, Accept_Encoding='gzip')
    assert b'ITEM' in answer.body and set(seen) == {None}


def test_who_listens_to_all_events_is_given_the_body_plain(
        listing, client, made):
    def look(event):
        if IPubBeforeCommit.providedBy(event):
            response = event.request.response
            seen.append((
                response.headers.get('content-encoding'), response.body))

    seen = []
    subscribers.append(look)
    try:
        answers = [
            client.get(PATH, Accept_Encoding='gzip') for _ in range(3)]
    finally:
        subscribers.remove(look)
    assert seen == [(None, answers[0].body)] * 3
    assert answers[2]['Content-Encoding'] == 'gzip'


@pytest.mark.parametrize('name', [
    'ETag', 'Content-MD5', 'Content-Digest', 'Repr-Digest', 'Digest'])
def test_what_other_code_says_of_the_bytes_holds(
        listing, client, made, name):
    def say(event):
        event.request.response.setHeader(name, '"of these bytes"')

    miss = client.get(PATH)
    with handler(say, IPubBeforeCommit):
        answer = client.get(PATH, Accept_Encoding='gzip')
    assert (answer.outcome, answer.body) == ('HIT', miss.body)
    assert answer.all('Content-Encoding') == []
    assert answer.all(name) == ['"of these bytes"']


def test_a_script_that_digests_what_it_passes_on_sends_that(
        listing, client, made):
    add_script(
        listing.portal_skins.custom, 's',
        "text = context.listing()\n"
        "context.REQUEST.RESPONSE.setHeader('Digest', 'x=%s' % len(text))\n"
        "return text")
    transaction.commit()
    client.get('/site/doc/s')
    answer = client.get('/site/doc/s', Accept_Encoding='gzip')
    assert answer.outcome == 'HIT'
    assert answer['Digest'] == f'x={len(answer.body)}'


def test_a_coding_that_other_code_set_stays(listing, client, made):
    def encode(event):
        event.request.response.setHeader('Content-Encoding', 'x-own')

    client.get(PATH)
    with handler(encode, IPubBeforeCommit):
        answer = client.get(PATH, Accept_Encoding='gzip')
    assert answer['Content-Encoding'] == 'x-own'
    assert made['gzip'].encoded == 0


def test_a_page_that_is_passed_on(listing, client, pages, made, on_looker):
    """A script that returns the result of the template."""
    add_script(
        listing.portal_skins.custom, 's', 'return context.listing()')
    transaction.commit()
    path = '/site/doc/s'
    miss = client.get(path)
    for _ in range(2):
        answer = client.get(path, Accept_Encoding='gzip')
        assert (answer.outcome, answer['Content-Encoding']) == ('HIT', 'gzip')
        assert plain(answer) == miss.body
        assert answer['ETag'] == coded_tag(miss['ETag'], 'gzip')
    assert made['gzip'].encoded == 1
    let_bodies_go(pages)
    assert client.get(path).body == miss.body
    answer = client.get(path, Accept_Encoding='gzip')
    assert answer['Content-Encoding'] == 'gzip'


def test_a_page_that_is_passed_on_with_more_is_not_coded(
        listing, client, pages, made):
    add_script(
        listing.portal_skins.custom, 's',
        "return context.listing() + context.REQUEST.get('more', '')")
    transaction.commit()
    client.get('/site/doc/s')
    client.get('/site/doc/s', Accept_Encoding='gzip')
    let_bodies_go(pages)
    listing.page_cache.manage_editProps('', {'ignored_parameters': ['more']})
    for _ in range(2):
        answer = client.get('/site/doc/s?more=foot', Accept_Encoding='gzip')
    assert answer.body.endswith(b'</html>foot')
    assert answer.all('Content-Encoding') == []


# faults (I9)

def test_a_codec_that_fails_leaves_the_page_plain(
        listing, client, made, monkeypatch, caplog, on_looker):
    def broken(body):
        raise MemoryError('on purpose')
    monkeypatch.setattr(made['gzip'], 'encode', broken)
    miss = client.get(PATH, Accept_Encoding='gzip')
    hit = client.get(PATH, Accept_Encoding='gzip')
    assert (hit.outcome, hit.body) == ('HIT', miss.body)
    assert hit.stable_headers() == miss.stable_headers()
    assert 'The cache failed (finish)' in caplog.text
    tally = caches.cache_of(listing.page_cache).tally
    assert tally.counts()['ERROR', 'finish'] == 1


@pytest.mark.parametrize('accepts', [None, 'zstd'])
def test_a_body_that_cannot_be_unpacked_is_rendered(
        listing, client, pages, made, monkeypatch, caplog, on_looker,
        accepts):
    def broken(data):
        raise MemoryError('on purpose')
    miss = client.get(PATH)
    coded = client.get(PATH, Accept_Encoding='gzip')
    let_bodies_go(pages)
    monkeypatch.setattr(made['gzip'], 'decode', broken)
    answer = client.get(PATH, **accepting(accepts))
    assert (answer.status, answer.body) == (200, miss.body)
    assert answer.outcome == 'BYPASS'
    assert answer.all('Content-Encoding') == []
    assert 'on purpose' in caplog.text
    # if no plain body is needed, nothing fails
    if not on_looker:
        for accepts in ('gzip', BROWSER):
            answer = client.get(PATH, Accept_Encoding=accepts)
            assert (answer.outcome, answer.body) == ('HIT', coded.body)
    answer = client.get(
        PATH, If_None_Match=coded['ETag'], Accept_Encoding='gzip')
    assert answer.status == 304
    assert client.head(PATH).status == 200


def test_a_store_that_fails_costs_the_coding_alone(
        listing, client, pages, monkeypatch, caplog):
    def broken(*args):
        raise OSError('on purpose')
    monkeypatch.setattr(pages, 'add_coding', broken)
    miss = client.get(PATH)
    for _ in range(2):
        hit = client.get(PATH, Accept_Encoding='gzip')
        assert hit['Content-Encoding'] == 'gzip' and plain(hit) == miss.body
    assert 'The cache failed (store)' in caplog.text


@pytest.mark.parametrize('accepts', ['gzip', 'zstd'])
def test_an_error_after_a_coded_hit_is_not_said_to_be_coded(
        listing, client, accepts):
    class View:
        def __init__(self, context, request):
            self.request = request

        def __call__(self):
            return 'sorry ' * 500

    def fail():
        raise ValueError('late')

    def doom(event):
        transaction.get().addBeforeCommitHook(fail)

    for _ in range(2):
        client.get(PATH, Accept_Encoding=accepts)
    components = getGlobalSiteManager()
    adapter = View, (ValueError, Interface), Interface, 'index.html'
    components.registerAdapter(*adapter)
    try:
        with handler(doom, pubevents.PubAfterTraversal):
            answer = client.get(PATH, Accept_Encoding=accepts)
    finally:
        components.unregisterAdapter(*adapter)
    assert (answer.status, answer.body) == (500, b'sorry ' * 500)
    assert answer['Content-Length'] == '3000'
    for name in ('Content-Encoding', 'ETag'):
        assert answer.all(name) == []
    assert client.get(PATH, Accept_Encoding=accepts)[
        'Content-Encoding'] == accepts


def test_unauthorized_after_a_coded_hit_says_how_its_body_is_coded(
        listing, client):
    """Without a view for it Zope leaves the body that is there."""
    def fail():
        raise Unauthorized('late')

    def doom(event):
        transaction.get().addBeforeCommitHook(fail)

    for _ in range(2):
        client.get(PATH, Accept_Encoding='zstd')
    with handler(doom, pubevents.PubAfterTraversal):
        answer = client.get(PATH, Accept_Encoding='zstd')
    assert answer.status == 401
    assert (answer.get('Content-Encoding') == 'zstd') is (
        b'Item' not in answer.body)
    assert answer['Content-Length'] == str(len(answer.body))
    assert answer.all('ETag') == []


# many at once

def test_who_waited_for_the_render_waits_for_no_coding(
        listing, made, item):
    begun, go = threading.Event(), threading.Event()

    def wait(self):
        begun.set()
        assert go.wait(20)
        return 'text ' * 500

    item('wait', wait)
    path = template(listing, 'slow', '<p tal:content="context/wait">x</p>')
    cache = caches.cache_of(listing.page_cache)
    transaction.abort()

    def release():
        until(lambda: cache.flights.waiting == 5)
        go.set()
    threading.Thread(target=release).start()
    answers = in_threads(
        6, lambda: Client().get(path, Accept_Encoding='gzip'))
    assert sorted(a.outcome for a in answers) == ['HIT'] * 5 + ['MISS']
    assert {a.get('Content-Encoding') for a in answers} == {None}
    assert made['gzip'].encoded == 0
    answer = Client().get(path, Accept_Encoding='gzip')
    assert answer['Content-Encoding'] == 'gzip'


def test_many_first_hits_at_once_are_all_right(listing, client, pages, made):
    body = client.get(PATH).body
    transaction.abort()
    start = threading.Barrier(16)

    def ask():
        start.wait(20)
        return Client().get(PATH, Accept_Encoding='gzip')
    answers = in_threads(16, ask)
    assert {a['Content-Encoding'] for a in answers} == {'gzip'}
    assert len({a.body for a in answers}) == 1
    assert plain(answers[0]) == body
    assert 1 <= made['gzip'].encoded <= 16
    assert pages.counts().bytes - pages.counts().spare <= 16 << 10


# the plone.memoize store

def test_pages_of_the_sites_cache_are_coded_by_each_process(
        listing, client, made):
    listing.page_cache.manage_editProps('', {'store': 'memoize'})
    kept = {}
    components = getGlobalSiteManager()
    chooser = (lambda name: kept), ICacheChooser
    components.registerUtility(*chooser)
    try:
        miss = client.get(PATH, Accept_Encoding='gzip')
        answers = []
        for _ in range(3):
            caches.forget_all()  # as if another client of it were asked
            answers.append(client.get(PATH, Accept_Encoding='gzip'))
        identity = client.get(PATH)
    finally:
        components.unregisterUtility(*chooser)
    assert {a.outcome for a in answers} == {'HIT'}
    assert {a['Content-Encoding'] for a in answers} == {'gzip'}
    assert plain(answers[0]) == identity.body == miss.body
    assert made['gzip'].encoded == 3


# the fast lane

@pytest.fixture
def lane(listing):
    return LaneClient()


@pytest.mark.parametrize('is_gone', [False, True])
@pytest.mark.parametrize('accepts', [None, 'gzip', 'zstd', BROWSER])
def test_lane_gives_each_its_coding(
        lane, pages, made, on_looker, accepts, is_gone):
    for other in (None, 'gzip', 'zstd'):
        lane.get(PATH, **accepting(other))
    if is_gone:
        let_bodies_go(pages)
    slow, fast = warm(lane, PATH, **accepting(accepts))
    assert fast.body == slow.body
    assert fast.stable_headers() == slow.stable_headers()
    assert fast.get('Content-Encoding') == (
        'zstd' if accepts == BROWSER else accepts)
    before = lane.asked
    head = lane.head(PATH, **accepting(accepts))
    assert head.stable_headers() == fast.stable_headers()
    answer = lane.get(
        PATH, If_None_Match=fast['ETag'], **accepting(accepts))
    assert (answer.status, answer['ETag']) == (304, fast['ETag'])
    assert lane.asked == before
    # a client that accepts a coding gets the stored bytes
    assert made['gzip'].decoded + made['zstd'].decoded == 0 or (
        is_gone and (accepts is None or on_looker))


def test_lane_gives_the_body_once_it_went(lane, pages):
    slow, fast = warm(lane, PATH)
    lane.get(PATH, Accept_Encoding='gzip')
    let_bodies_go(pages)
    before = lane.asked
    answer = lane.get(PATH)
    assert lane.asked == before and answer.body == slow.body


def test_lane_leaves_a_lost_coding_to_zope(lane, pages):
    slow, fast = warm(lane, PATH, Accept_Encoding='gzip')
    entry, = [
        entry for entry in lane.lane._entries.values()
        if entry.permit.coding]
    page = pages.get(entry.permit.key)
    pages.set(entry.permit.key, page._replace(codings=()))
    assert not lane.is_fast(PATH, Accept_Encoding='gzip')
    again = lane.get(PATH, Accept_Encoding='gzip')
    assert again.body == fast.body


def test_lane_keeps_no_body(lane, pages):
    """The body would stay in memory after the store dropped it."""
    for accepts in (None, 'gzip', 'zstd'):
        warm(lane, PATH, **accepting(accepts))
    entries = lane.lane._entries.values()
    assert len(entries) == 3
    for entry in entries:
        assert not any(isinstance(part, bytes) and part for part in (
            *entry, *entry.permit))
    assert {e.permit.coding for e in entries} == {'', 'gzip', 'zstd'}


def test_lane_has_no_coding_where_the_setting_has_none(lane, listing):
    warm(lane, PATH, Accept_Encoding='gzip')
    listing.page_cache.manage_editProps('', {'compression': 'zope'})
    transaction.commit()
    slow, fast = warm(lane, PATH, Accept_Encoding='gzip')
    assert fast.all('Content-Encoding') == []
