"""Proofs of a review: the right answer of a hit if other code takes part."""
import gzip

import pytest
import transaction
from AccessControl.users import SpecialUser
from OFS.userfolder import UserFolder
from Products.CMFCore.CachingPolicyManager import CachingPolicy
from Products.CMFCore.interfaces import ICachingPolicy
from Products.PageTemplates.ZopePageTemplate import ZopePageTemplate
from zope.interface import implementer
from ZPublisher import pubevents
from ZPublisher.BeforeTraverse import registerBeforeTraverse
from ZPublisher.interfaces import IPubBeforeCommit

from ...manager import caches
from ..events import handler
from ..request.test_whole import add_script
from ..site import Item
from ..site import add_template
from ..site import set_policy


PAGE = '/site/doc/page'


@pytest.fixture
def custom(site):
    return site.portal_skins.custom


class Wrapping(ZopePageTemplate):
    """A template whose class changes its result."""

    def __call__(self, *args, **kwargs):
        text = super().__call__(*args, **kwargs)
        request = self.REQUEST
        if 'tea' in request.cookies:
            request.RESPONSE.setStatus(418)
        if 'foot' in request.cookies:
            text += '<!-- foot -->'
        if 'check' in request.cookies:
            assert isinstance(text, str) and 'first text' in text, text
        return text


def add_wrapping(custom):
    text = custom.page.read()
    custom._setObject('wrapping', Wrapping('wrapping', text))
    custom.wrapping.ZCacheable_setManagerId('page_cache')
    transaction.commit()


def test_class_that_sets_a_status_after_a_hit_keeps_the_body(custom, client):
    add_wrapping(custom)
    cold = client.get('/site/doc/wrapping', Cookie='tea=1')
    assert (cold.status, b'first text' in cold.body) == (418, True)
    assert client.get('/site/doc/wrapping').outcome == 'MISS'
    assert client.get('/site/doc/wrapping').outcome == 'HIT'
    warm = client.get('/site/doc/wrapping', Cookie='tea=1')
    assert (warm.status, b'first text' in warm.body) == (418, True)


def test_class_that_appends_after_a_hit_keeps_the_body(custom, client):
    add_wrapping(custom)
    cold = client.get('/site/doc/wrapping', Cookie='foot=1')
    assert b'first text' in cold.body
    client.get('/site/doc/wrapping')
    warm = client.get('/site/doc/wrapping', Cookie='foot=1')
    assert b'<!-- foot -->' in warm.body
    assert b'first text' in warm.body


def test_class_that_looks_at_its_text_finds_it_on_a_hit(custom, client):
    add_wrapping(custom)
    for _ in range(2):
        assert client.get(
            '/site/doc/wrapping', Cookie='check=1').status == 200


def test_class_that_appends_gets_the_page_where_the_client_has_it(
        custom, client):
    """304 by tag, nothing stored."""
    add_wrapping(custom)
    tag = client.get('/site/doc/wrapping')['ETag']
    caches.forget_all()
    warm = client.get(
        '/site/doc/wrapping', Cookie='foot=1', If_None_Match=tag)
    assert warm.status == 304 or b'first text' in warm.body


def before_traverse_body(container, request):
    if 'body' in request.cookies:
        request.response.setBody('early')
    if 'locked' in request.cookies:
        request.response.setBody('', lock=True)
    if 'write' in request.cookies:
        request.response.write(b'early')


class Hook:
    def __call__(self, container, request):
        before_traverse_body(container, request)


@pytest.mark.parametrize('cookie', ['body', 'locked', 'write'])
def test_body_that_was_there_before_a_hit(site, client, cookie):
    registerBeforeTraverse(site, Hook(), 'early')
    transaction.commit()
    path = PAGE
    cold = client.get(path, Cookie=f'{cookie}=1')
    client.get(path)
    assert client.get(path).outcome == 'HIT'
    warm = client.get(path, Cookie=f'{cookie}=1')
    assert warm.status == cold.status
    import re
    strip = lambda body: re.sub(rb'render">\d+', b'', body)  # noqa
    assert strip(warm.body) == strip(cold.body)


def test_transform_finds_the_charset_of_a_hit(custom, client):
    add_template(custom, 'latin', '''<p tal:define="x python:
        request.RESPONSE.setHeader(
            'Content-Type', 'text/html;; charset=iso-8859-1')"
        tal:content="python: 'caf' + chr(233)">x</p>''')
    transaction.commit()

    def shout(event):
        response = event.request.response
        if response.body:
            text = response.body.decode(response.charset)
            response.setBody(text.replace('caf', 'CAF'))

    with handler(shout, IPubBeforeCommit):
        miss = client.get('/site/doc/latin')
        hit = client.get('/site/doc/latin')
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert b'CAF\xe9' in miss.body
    assert (hit.status, hit.body) == (miss.status, miss.body)
    assert hit['Content-Type'] == miss['Content-Type']


@pytest.mark.parametrize('how', ['called'])
def test_called_hit_in_latin_and_gzip(custom, client, how):
    add_template(custom, 'latin', '''<p tal:define="x python:
        request.RESPONSE.setHeader(
            'Content-Type', 'text/html;; charset=iso-8859-1')"
        tal:content="python: ('caf' + chr(233)) * 300">x</p>''')
    add_script(custom, 'zip', '''
request = context.REQUEST
request.RESPONSE.enableHTTPCompression(request)
return context.latin()''')
    transaction.commit()
    answers = [client.get('/site/doc/zip', Accept_Encoding='gzip')
               for _ in range(2)]
    miss, hit = answers
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert gzip.decompress(hit.body) == gzip.decompress(miss.body)
    assert hit.stable_headers() == miss.stable_headers()


def test_subscriber_that_calls_the_template_takes_no_page_away(site, client):
    def peek(event):
        event.request.other['PUBLISHED']()

    client.get(PAGE)
    with handler(peek, pubevents.PubAfterTraversal):
        first = client.get(PAGE)
        second = client.get(PAGE)
    assert b'first text' in first.body and b'first text' in second.body


@implementer(ICachingPolicy)
class OwnPolicy:
    """A policy with only the methods that the cache called until now."""

    def __init__(self, name):
        self.name = name

    def getHeaders(self, expr_context):
        return [('ETag', 'own')]

    def getEnable304s(self):
        return 1


def test_policy_of_its_own_class(site, client):
    manager = site.caching_policy_manager
    manager._policies['all'] = OwnPolicy('all')
    manager._p_changed = True
    transaction.commit()
    assert [client.get(PAGE).outcome for _ in 'ab'] == ['MISS', 'HIT']


class LatePolicy(CachingPolicy):
    """A policy whose date is not that of its rule."""

    def getHeaders(self, expr_context):
        headers = dict(super().getHeaders(expr_context))
        if headers:
            headers['Last-modified'] = expr_context.vars['object'].date()
        return list(headers.items())


class Asked:
    counts = {}

    def __call__(self, name, value):
        self.counts[name] = self.counts.get(name, 0) + 1
        return value


@pytest.fixture
def asked():
    counts = {}

    def ask(self, name, value=''):
        counts[name] = counts.get(name, 0) + 1
        return value
    Item.ask = ask
    Item.ask__roles__ = None
    yield counts
    del Item.ask, Item.ask__roles__


@pytest.mark.parametrize('etag', ["python: object.ask('etag', 'x')", ''])
@pytest.mark.parametrize('path', [PAGE, '/site/doc/fspage', '/site/doc'])
def test_each_expression_is_asked_once(
        site, client, asked, etag, path, clock):
    set_policy(
        site, etag=etag, max_age_secs=60,
        predicate="python: object.ask('predicate', True)",
        mtime_func="python: object.ask('date', object.modified())")
    clock()
    answer = client.get(path)
    date, tag = answer['Last-Modified'], answer.get('ETag', '')
    for method in ('GET', 'HEAD'):
        for headers in (
                {}, {'If_Modified_Since': date}, {'If_None_Match': '*'},
                {'If_None_Match': tag or '"x"'},
                {'If_None_Match': '"x"', 'If_Modified_Since': date}):
            for forget in (False, True):
                if forget:
                    caches.forget_all()
                asked.clear()
                answer = client.request(method, path, **headers)
                assert max(asked.values()) == 1, (asked, headers)
                assert asked['predicate'] == 1
                if answer.status == 200 and answer.all('Last-Modified'):
                    assert answer['Last-Modified'] == date
                assert answer['Expires']


def test_policy_with_only_a_date(site, client, asked, clock):
    clock()
    set_policy(
        site, etag='', max_age_secs=None, must_revalidate=0,
        mtime_func="python: object.ask('date', object.modified())")
    for path in (PAGE, '/site/doc/fspage', '/site/doc'):
        asked.clear()
        answer = client.get(path)
        assert asked == {'date': 1}
        head = client.head(path)
        assert head['Last-Modified'] == answer['Last-Modified']
        date = answer['Last-Modified']
        asked.clear()
        assert client.get(path, If_Modified_Since=date).status == 304
        assert asked == {'date': 1}


class Gate(UserFolder):
    """Gives one more role to visitors from inside."""

    def validate(self, request, auth='', roles=None):
        user = super().validate(request, auth, roles)
        if user is None and request.environ.get('HTTP_X_INSIDE'):
            return SpecialUser(
                'Anonymous User', '', ('Anonymous', 'Inside'), ()).__of__(
                    self)
        return user


@pytest.fixture
def clock(monkeypatch):
    """A clock some seconds after the last change."""
    import time
    real = time.time

    def pass_by():
        monkeypatch.setattr(time, 'time', lambda: real() + 10)
    return pass_by


def test_a_date_is_no_proof_for_visitors_with_roles(
        site, custom, client, clock):
    add_template(custom, 'parted', '''<p tal:content="python:
        'Inside' in user.getRoles() and 'inner' or 'outer'">x</p>''')
    site._delObject('acl_users')
    site._setObject('acl_users', Gate())
    transaction.commit()
    clock()
    outside = client.get('/site/doc/parted')
    inside = client.get('/site/doc/parted', X_Inside='1')
    assert b'outer' in outside.body and b'inner' in inside.body
    date = outside['Last-Modified']
    for forget in (False, True):
        if forget:
            caches.forget_all()
        answer = client.get(
            '/site/doc/parted', X_Inside='1', If_Modified_Since=date)
        assert (answer.status, b'inner' in answer.body) == (200, True)


def test_a_date_is_no_proof_for_a_session(site, custom, client, clock):
    add_template(custom, 'parted', '''<p tal:content="python:
        request.cookies.get('_ZopeId', 'none')">x</p>''')
    transaction.commit()
    clock()
    outside = client.get('/site/doc/parted')
    inside = client.get('/site/doc/parted', Cookie='_ZopeId=inner')
    assert b'none' in outside.body and b'inner' in inside.body
    answer = client.get(
        '/site/doc/parted', Cookie='_ZopeId=inner',
        If_Modified_Since=outside['Last-Modified'])
    assert (answer.status, b'inner' in answer.body) == (200, True)


def test_svg_in_gzip_says_vary(site, custom, client):
    add_template(custom, 'svg', '''<svg tal:define="x python:
        request.RESPONSE.setHeader('Content-Type', 'image/svg+xml')"
        ><text tal:content="python: 'x' * 2000">x</text></svg>''')

    def compress(event):
        event.request.response.enableHTTPCompression(event.request)
    with handler(compress, pubevents.PubAfterTraversal):
        miss = client.get('/site/doc/svg', Accept_Encoding='gzip')
        hit = client.get('/site/doc/svg', Accept_Encoding='gzip')
    assert hit.stable_headers() == miss.stable_headers()
    assert hit.body == miss.body


def test_one_tag_names_one_gzip(site, custom, client):
    """A page that was stored plain, and the same page rendered for gzip."""
    add_template(
        custom, 'long', '''<p tal:content="python: 'text ' * 500">x</p>''')

    def compress(event):
        event.request.response.enableHTTPCompression(event.request)
    with handler(compress, pubevents.PubAfterTraversal):
        plain = client.get('/site/doc/long')
        hit = client.get('/site/doc/long', Accept_Encoding='gzip')
        caches.forget_all()
        miss = client.get('/site/doc/long', Accept_Encoding='gzip')
    assert (plain.outcome, hit.outcome, miss.outcome) == (
        'MISS', 'HIT', 'MISS')
    assert hit['ETag'] == miss['ETag'] != plain['ETag']
    assert gzip.decompress(hit.body) == gzip.decompress(miss.body)
    assert hit.body == miss.body


def test_a_date_is_no_proof_for_another_cookie_in_the_key(
        site, custom, client, clock):
    site.page_cache.manage_editProps('', {'key_cookies': ['theme']})
    add_template(custom, 'parted', '''<p tal:content="python:
        request.cookies.get('theme', 'none')">x</p>''')
    transaction.commit()
    clock()
    blue = client.get('/site/doc/parted', Cookie='theme=blue')
    answer = client.get(
        '/site/doc/parted', Cookie='theme=red',
        If_Modified_Since=blue['Last-Modified'])
    assert (answer.status, b'red' in answer.body) == (200, True)
