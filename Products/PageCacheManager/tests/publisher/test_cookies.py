"""Cookies: a render sees them all, and no page for others contains one."""
import copy
import json
import pickle

import pytest
import transaction
from Acquisition import aq_base
from Products.Five import BrowserView
from Products.PythonScripts.PythonScript import PythonScript
from ZPublisher.interfaces import IPubAfterTraversal
from ZPublisher.interfaces import IPubSuccess

from ...manager import caches
from ...publisher.cookies import MAX_CHARACTERS
from ...publisher.cookies import MAX_NAMES
from ..client import Client
from ..lane_client import LaneClient
from ..site import Item
from ..site import add_template
from ..site import set_policy
from ..view_cases import ACTING
from ..views import Acting
from ..views import Traversing


READ = '/site/doc/read'
HEADERS_OF_A_TAG = ('ETag', 'Last-Modified')


@pytest.fixture(params=['template', 'called', 'view'])
def page(request, site, item):
    """A function that makes a page of a function, and returns its path."""
    set_policy(site, etag='string:same')

    def make(function):
        def shown(self, request=None):
            Item.renders += 1
            return str(function(self.REQUEST))

        item('shown', shown)
        if request.param == 'view':
            item('act', shown)
            transaction.commit()
            return ACTING
        add_template(
            site.portal_skins.custom, 'read',
            '<p tal:content="context/shown">x</p>')
        if request.param == 'template':
            return READ
        custom = site.portal_skins.custom
        custom._setObject('outer', PythonScript('outer'))
        custom.outer.write('return context.read()')
        return '/site/doc/outer'

    if request.param == 'view':
        request.getfixturevalue('viewed')
        set_policy(site, etag='string:same')
    return make


def status(answer):
    return answer.get('Cache-Status', '')


#: Ways to look at the cookie `theme`; each returns the value it found.
WAYS = {
    'get': lambda r: r.cookies.get('theme', 'none'),
    '[]': lambda r: r.cookies['theme'] if 'theme' in r.cookies else 'none',
    'in': lambda r: 'theme' in r.cookies,
    'except': lambda r: _or_none(lambda: r.cookies['theme']),
    'request[]': lambda r: _or_none(lambda: r['theme']),
    'request.get': lambda r: r.get('theme', 'none'),
    'request.name': lambda r: getattr(r, 'theme', 'none'),
    'request has_key': lambda r: r.has_key('theme'),  # noqa: W601
    'request in': lambda r: 'theme' in r,
    'request.keys': lambda r: 'theme' in r.keys(),
    'iteration': lambda r: sorted(r.cookies),
    'items': lambda r: sorted(r.cookies.items()),
    'values': lambda r: sorted(r.cookies.values()),
    'keys': lambda r: sorted(r.cookies.keys()),
    'len': lambda r: len(r.cookies),
    'bool': lambda r: bool(r.cookies),
    'repr': lambda r: repr(r.cookies),
    'copy': lambda r: r.cookies.copy().get('theme'),
    'copy.copy': lambda r: copy.copy(r.cookies).get('theme'),
    'deepcopy': lambda r: dict(copy.deepcopy(dict(r.cookies))).get('theme'),
    'copy.deepcopy': lambda r: copy.deepcopy(r.cookies).get('theme'),
    'pickle': lambda r: pickle.loads(pickle.dumps(r.cookies)).get('theme'),
    'dict': lambda r: dict(r.cookies).get('theme'),
    'unpacked': lambda r: {**r.cookies}.get('theme'),
    'or': lambda r: (r.cookies | {}).get('theme'),
    'or, other way': lambda r: ({} | r.cookies).get('theme'),
    'update': lambda r: _updated({}, r.cookies).get('theme'),
    'json': lambda r: json.dumps(r.cookies),
    'equal': lambda r: r.cookies == {},
    'not equal': lambda r: r.cookies != {},
    'reversed': lambda r: list(reversed(r.cookies)),
    'pop': lambda r: r.cookies.pop('theme', 'none'),
    'setdefault': lambda r: r.cookies.setdefault('theme', 'none'),
    'tainted': lambda r: r.taintedcookies.get('theme', 'none'),
    'tainted request': lambda r: r.get('theme', 'none', returnTaints=1),
    'header': lambda r: r.getHeader('Cookie', 'none'),
    'get_header': lambda r: r.get_header('cookie', 'none'),
    'HTTP_COOKIE': lambda r: r['HTTP_COOKIE'] or 'none',
    'environ': lambda r: r.environ.get('HTTP_COOKIE', 'none'),
    'environ[]': lambda r: _or_none(lambda: r.environ['HTTP_COOKIE']),
    'environ in': lambda r: 'HTTP_COOKIE' in r.environ,
    'environ copy': lambda r: r.environ.copy().get('HTTP_COOKIE', 'none'),
    'environ dict': lambda r: dict(r.environ).get('HTTP_COOKIE', 'none'),
    'environ items': lambda r: [
        v for k, v in r.environ.items() if k == 'HTTP_COOKIE'],
    'clone': lambda r: r.clone().cookies.get('theme', 'none'),
    'clone of a clone': lambda r: r.clone().clone().get('theme', 'none'),
    'clone tainted': lambda r: r.clone().taintedcookies.get('theme', 'none'),
    'clone environ': lambda r: r.clone().environ.get('HTTP_COOKIE', 'none'),
    'clone, environ replaced': lambda r: _replaced(
        r, dict(r.environ)).clone().cookies.get('theme', 'none'),
    'text': lambda r: 'theme' in str(r) and str(r.cookies),
}


def _or_none(read):
    try:
        return read()
    except KeyError:
        return 'none'


def _updated(target, source):
    target.update(source)
    return target


def _replaced(request, environ):
    request.environ = environ
    return request


def shown(answer):
    return answer.text.replace('<p>', '').replace('</p>', '').strip()


#: With a `<` the cookie is tainted as well.
DARK = 'theme=<dark>'


@pytest.mark.parametrize('way', WAYS)
def test_page_is_what_it_is_without_a_cache(page, site, way):
    path = page(WAYS[way])
    client = Client()
    site.page_cache.disable()
    expected = [client.get(path).body, client.get(path, Cookie=DARK).body]
    assert expected[0] != expected[1]
    site.page_cache.enable()
    for _ in range(2):
        plain = client.get(path)
        themed = client.get(path, Cookie=DARK)
        assert [plain.body, themed.body] == expected
        assert (themed.outcome, themed.all('ETag')) == ('BYPASS', [])
        assert themed.all('Last-Modified') == []
        assert '"cookie theme"' in status(themed)
    assert plain.outcome == 'HIT'


@pytest.mark.parametrize('way', WAYS)
def test_page_made_from_a_cookie_first_is_not_kept(page, way):
    path = page(WAYS[way])
    client = Client()
    themed = client.get(path, Cookie=DARK)
    assert themed.outcome == 'BYPASS'
    assert client.get(path).outcome == 'MISS'
    assert client.get(path).outcome == 'HIT'


@pytest.mark.parametrize('is_stored', [True, False])
@pytest.mark.parametrize('way', WAYS)
def test_tag_of_the_page_is_no_304_for_who_has_the_cookie(
        page, way, is_stored):
    path = page(WAYS[way])
    client = Client()
    tag = client.get(path)['ETag']
    if not is_stored:
        caches.forget_all()
    answer = client.get(path, If_None_Match=tag, Cookie=DARK)
    assert answer.status == 200 and answer.all('ETag') == []
    assert client.get(path, If_None_Match=tag).status == 304


def test_cookie_that_nobody_looks_for_does_not_matter(page):
    path = page(lambda r: r.get('size'))
    client = Client()
    client.get(path, Cookie='_ga=1')
    answer = client.get(path, Cookie='_ga=2; theme=x')
    assert answer.outcome == 'HIT'
    tag = answer['ETag']
    caches.forget_all()
    # only rendering tells: it is rendered, and said to be the same
    before = Item.renders
    answer = client.get(path, Cookie='_ga=2', If_None_Match=tag)
    assert (answer.status, Item.renders) == (304, before + 1)


def test_ignored_cookies_do_not_matter_to_what_goes_through_all(page, site):
    path = page(lambda r: 'theme' in list(r.cookies))
    site.page_cache.manage_editProps('', {'ignored_cookies': ['_ga*']})
    client = Client()
    client.get(path, Cookie='_ga_x=1')
    assert client.get(path, Cookie='_ga=1').outcome == 'HIT'
    assert client.get(path, Cookie='_ga=1; theme=x').outcome == 'BYPASS'


def test_cookie_in_the_key_is_none_that_is_not(page, site):
    path = page(lambda r: r.get('theme'))
    site.page_cache.manage_editProps('', {'key_cookies': ['theme']})
    client = Client()
    for theme in 'ab':
        client.get(path, Cookie=f'theme={theme}')
        answer = client.get(path, Cookie=f'theme={theme}')
        assert (answer.outcome, shown(answer)) == ('HIT', theme)


def test_cookie_beside_one_in_the_key_is_noted(page, site):
    path = page(lambda r: (r.get('theme'), r.get('other')))
    site.page_cache.manage_editProps('', {'key_cookies': ['theme']})
    client = Client()
    answer = client.get(path, Cookie='theme=a; other=b')
    assert '"cookie other"' in status(answer)
    client.get(path, Cookie='theme=a')
    assert client.get(path, Cookie='theme=a').outcome == 'HIT'


@pytest.mark.parametrize('vary', ['policy', 'page'])
def test_page_that_varies_by_cookie_is_kept_for_each(page, site, vary):
    def render(request):
        if vary == 'page':
            request.response.setHeader('Vary', 'Cookie')
        return request.get('theme', 'none')

    path = page(render)
    if vary == 'policy':
        set_policy(site, etag='string:same', vary='Cookie')
    client = Client()
    for theme in 'ab':
        client.get(path, Cookie=f'theme={theme}')
        answer = client.get(path, Cookie=f'theme={theme}')
        assert (answer.outcome, shown(answer)) == ('HIT', theme)
    assert shown(client.get(path)) == 'none'


@pytest.mark.parametrize('header', ['junk', ';;', 'theme=a; junk'])
def test_header_that_is_read_counts_whatever_is_in_it(page, site, header):
    path = page(lambda r: r.getHeader('Cookie', 'none'))
    site.page_cache.manage_editProps('', {'key_cookies': ['theme']})
    client = Client()
    for _ in range(2):
        answer = client.get(path, Cookie=header)
        assert (answer.outcome, shown(answer)) == ('BYPASS', header)
        assert shown(client.get(path)) == 'none'
    tag = client.get(path)['ETag']
    caches.forget_all()
    answer = client.get(path, Cookie=header, If_None_Match=tag)
    assert answer.status == 200


def test_many_names_count_as_any(page):
    path = page(lambda r: [r.get(f'n{i}') for i in range(MAX_NAMES + 1)])
    client = Client()
    client.get(path)
    assert client.get(path).outcome == 'HIT'
    assert client.get(path, Cookie='other=1').outcome == 'BYPASS'


def test_long_names_count_as_any(page):
    path = page(lambda r: r.get('n' * (MAX_CHARACTERS + 1)))
    client = Client()
    client.get(path)
    assert client.get(path, Cookie='other=1').outcome == 'BYPASS'


def test_names_that_are_no_text_are_never_found(page):
    path = page(lambda r: r.cookies.get(5, r.cookies.get(None)))
    client = Client()
    client.get(path, Cookie=DARK)
    assert client.get(path, Cookie=DARK).outcome == 'HIT'


@pytest.mark.parametrize('name', ['t\xe9', 'x' * 65, '\u20ac'])
def test_odd_names_stand_in_no_header(page, name):
    path = page(lambda r: r.cookies.get(
        name.encode('utf-8').decode('latin-1'), list(r.cookies)))
    answer = Client().get(
        path, Cookie=f'{name}=1'.encode().decode('latin-1'))
    assert answer.status == 200 and answer.outcome == 'BYPASS'
    assert 'detail=cookie' in status(answer)


def test_page_without_an_etag_that_a_cookie_made_has_no_date(page, site):
    path = page(lambda r: r.get('theme'))
    set_policy(site, etag='')
    client = Client()
    date = client.get(path)['Last-Modified']
    for _ in range(2):
        answer = client.get(path, Cookie='theme=x', If_Modified_Since=date)
        assert answer.status == 200 and shown(answer) == 'x'
        assert [answer.all(name) for name in HEADERS_OF_A_TAG] == [[], []]


def test_requests_are_whole_again_afterwards(site, item, subscribe):
    """Code that runs after the page is stored gets plain mappings."""
    kinds = []

    def look(event):
        request = event.request
        kinds.append([
            type(mapping) for mapping in (
                request.cookies, request.taintedcookies, request.environ)])
        kinds.append('clone' in vars(request))

    set_policy(site, etag='string:same')
    subscribe(look, IPubSuccess)
    Client().get('/site/doc/page', Cookie='a=1')
    assert kinds == [[dict, dict, dict], False]


def test_what_rendering_writes_stays(page, subscribe):
    def render(request):
        request.environ['x.seen'] = 'yes'
        request.cookies['x'] = 'yes'
        del request.cookies['gone']
        request.cookies |= {'y': 'yes'}
        return 'page'

    def look(event):
        request = event.request
        seen.append((request.environ.get('x.seen'), dict(request.cookies)))

    path, seen = page(render), []
    subscribe(look, IPubSuccess)
    Client().get(path, Cookie='gone=1; _ga=2')
    assert seen == [('yes', {'x': 'yes', 'y': 'yes', '_ga': '2'})]


def test_copies_are_apart_from_what_they_are_copies_of(page):
    def render(request):
        copy.copy(request.cookies)['x'] = 'yes'
        return sorted(request.cookies)

    path = page(render)
    assert shown(Client().get(path, Cookie='a=1')) == "['a']"


def test_scripts_see_cookies_as_before(site, item, client):
    """Code in restricted Python gets at them as at any dict."""
    set_policy(site, etag='string:same')
    site.portal_skins.custom._setObject('reads', PythonScript('reads'))
    site.portal_skins.custom.reads.write('''
request = context.REQUEST
cookies = request.cookies
cookies['new'] = 'set'
found = [cookies['theme'], cookies.get('theme'), cookies['new']]
found += [name for name in cookies if name == 'theme']
found += [v for k, v in cookies.items() if k == 'theme']
return ' '.join(found)
''')
    add_template(
        site.portal_skins.custom, 'read',
        '<p tal:content="context/reads">x</p>'
        '<b tal:content="request/cookies/theme">x</b>')
    site.page_cache.disable()
    expected = client.get(READ, Cookie='theme=dark').body
    assert expected.count(b'dark') == 4
    site.page_cache.enable()
    answer = client.get(READ, Cookie='theme=dark')
    assert (answer.outcome, answer.body) == ('BYPASS', expected)


# reads of a view before it is called

@pytest.fixture(params=[ACTING, '/site/doc/v-traversing/a'])
def early(request, viewed, monkeypatch):
    """A function that lets a view read cookies early, and returns its path."""
    set_policy(viewed, etag='string:same')
    read = [None]

    def __init__(self, context, request):
        BrowserView.__init__(self, context, request)
        self.found = read[0](request)

    def publishTraverse(self, request, name):
        self.found = read[0](request)
        return self

    def make(function):
        read[0] = function
        return request.param

    monkeypatch.setattr(Acting, '__init__', __init__, raising=False)
    monkeypatch.setattr(Traversing, 'publishTraverse', publishTraverse)
    for kind in (Acting, Traversing):
        monkeypatch.setattr(
            kind, '__call__', lambda self: f'<p>{self.found}</p>')
    return make


# a cookie that a constructor sets counts as sent
@pytest.mark.parametrize('way', [way for way in WAYS if way != 'setdefault'])
def test_what_a_view_looks_at_early_counts(early, site, way):
    path = early(WAYS[way])
    client = Client()
    site.page_cache.disable()
    expected = [client.get(path).body, client.get(path, Cookie=DARK).body]
    site.page_cache.enable()
    for _ in range(2):
        themed = client.get(path, Cookie=DARK)
        plain = client.get(path)
        assert [plain.body, themed.body] == expected
        assert (themed.outcome, themed.all('ETag')) == ('BYPASS', [])
        assert '"cookie theme"' in status(themed)
    assert plain.outcome == 'HIT'


def test_what_others_look_at_on_the_way_does_not_count(
        early, site, monkeypatch):
    """For example hooks between the steps, and user folders."""
    def __before_publishing_traverse__(self, container, request):
        seen.append(type(request.cookies))
        return 'theme' in request.cookies

    def validate(self, request, *args):
        seen.append(type(request.cookies))
        return 'theme' in request.cookies and before(self, request, *args)

    path, seen = early(lambda r: 'page'), []
    folder = type(aq_base(site.acl_users))
    before = folder.validate
    monkeypatch.setattr(folder, 'validate', validate)
    monkeypatch.setattr(
        Item, '__before_publishing_traverse__',
        __before_publishing_traverse__, raising=False)
    client = Client()
    client.get(path, Cookie=DARK)
    assert client.get(path, Cookie=DARK).outcome == 'HIT'
    assert len(seen) > 3


def test_step_within_a_step_leaves_the_request_whole(early, subscribe):
    def read(request):
        request.traverseName(request['PARENTS'][0], 'site')
        return request.get('theme', 'none')

    kinds, path = [], early(read)
    subscribe(
        lambda event: kinds.append(type(event.request.environ)),
        IPubAfterTraversal)
    client = Client()
    assert client.get(path).outcome == 'MISS'
    assert client.get(path, Cookie=DARK).outcome == 'BYPASS'
    assert kinds == [dict, dict]


def test_lane_gives_no_page_to_who_has_a_cookie_of_the_constructor(early):
    path = early(lambda r: r.get('_ga', 'none'))
    lane = LaneClient()
    for _ in range(3):
        lane.get(path)
    assert lane.is_fast(path)
    assert not lane.is_fast(path, Cookie='_ga=1')
    assert shown(lane.get(path, Cookie='_ga=1')) == '1'


# typical uses of cookies

def test_gate_lets_in_who_has_its_cookie(page):
    def render(request):
        if request.cookies.get('consent') != 'yes':
            request.response.redirect('/consent')
            return ''
        return 'inside'

    path = page(render)
    client = Client()
    for _ in range(2):
        assert client.get(path).status == 302
        answer = client.get(path, Cookie='consent=yes')
        assert (answer.status, shown(answer)) == (200, 'inside')


def test_cart_is_not_overwritten(page):
    def render(request):
        if 'cart' not in request.cookies:
            request.response.setCookie('cart', 'new')
        return 'shop'

    path = page(render)
    client = Client()
    for _ in range(2):
        assert client.get(path).all('Set-Cookie')
        assert not client.get(path, Cookie='cart=mine').all('Set-Cookie')


def test_visitor_that_a_subscriber_knows_keeps_the_id(
        site, client, subscribe):
    """It is asked before the page is, so its pages are kept."""
    def know(event):
        request = event.request
        if 'visitor' not in request.cookies:
            request.response.setCookie('visitor', 'new')

    set_policy(site, etag='string:same')
    subscribe(know, IPubAfterTraversal)
    assert client.get('/site/doc/page').all('Set-Cookie')
    for outcome in ('MISS', 'HIT'):
        answer = client.get('/site/doc/page', Cookie='visitor=1')
        assert answer.outcome == outcome
        assert not answer.all('Set-Cookie')


SESSIONS = (
    'beaker.session', 'beaker.get_session', 'werkzeug.session', 'Session',
    'org.example.Session', 'SESSION_OF_FILTER', 'Shib-Session-ID',
    'pyramid.sess', 'repoze.who.identity', 'repoze.what.credentials',
    'authkit.users', 'paste.auth_tkt.user')


@pytest.mark.parametrize('vary', ['', 'Cookie'])
@pytest.mark.parametrize('name', SESSIONS)
def test_session_of_a_wsgi_filter_is_a_session(page, site, name, vary):
    """Like Beaker's session, whose cookie may have any name."""
    path = page(lambda r: r.environ[name]['cart'])
    set_policy(site, etag='string:same', vary=vary)

    class WithSession(Client):
        def environ(self, method, path, body, user, headers):
            found = super().environ(method, path, body, user, headers)
            return {**found, name: {'cart': self.host}}

    one, other = WithSession('one:80'), WithSession('two:80')
    for client in (one, other, one):
        answer = client.get(path)
        assert shown(answer) == client.host
        assert 'detail=session' in status(answer)
        assert answer.all('ETag') == []


@pytest.mark.parametrize('name', [
    'HTTP_X_SESSION', 'SSL_SESSION_ID', 'REQUEST_METHOD', 'repoze.tm.active',
    'repoze.whole', ''])
def test_other_variables_are_no_session(page, name):
    path = page(lambda r: r.environ.get(name))
    assert 'stored' in status(Client().get(path))


def test_cookie_of_the_session_has_pages_of_its_own(page):
    path = page(lambda r: r.cookies.get('_ZopeId', 'none'))
    client = Client()
    for value in ('1', '2', 'none'):
        headers = {} if value == 'none' else {'Cookie': f'_ZopeId={value}'}
        for outcome in ('MISS', 'HIT'):
            answer = client.get(path, **headers)
            assert (answer.outcome, shown(answer)) == (outcome, value)


# the second time

@pytest.mark.parametrize(('act', 'why'), [
    (lambda r: r.response.setCookie('a', 'b'), 'set-cookie'),
    (lambda r: r.response.setHeader('Cache-Control', 'no-store'),
     'no-store'),
    (lambda r: r.response.addHeader('X-More', 'b'), 'added-header')])
def test_page_that_is_never_kept_is_known_once_it_was_refused_twice(
        page, act, why):
    seen = []

    def render(request):
        seen.append((type(request.cookies), request.form.get('utm_source')))
        act(request)
        return 'page'

    path = page(render)
    client = Client()
    first, second, third = [
        client.get(f'{path}?utm_source=x') for _ in range(3)]
    for answer in (first, second, third):
        assert answer.outcome == 'BYPASS' and f'={why}' in status(answer)
        assert answer.all('ETag') == []
    assert first.body == second.body == third.body
    assert seen[2] == (dict, 'x') and seen[0] == seen[1] != seen[2]


@pytest.mark.parametrize('page', ['template', 'view'], indirect=True)
def test_explain_says_why_a_page_was_not_kept(page, site):
    path = page(lambda r: r.get('theme'))
    Client().get(path, Cookie='theme=x')
    answer = Client().get(
        f'/site/page_cache/manage_explain?path={path}&visitor=anonymous',
        'root')
    assert 'cookie theme' in answer.text
    assert 'Cookies in the key' in answer.text
    answer = Client().get('/site/page_cache/manage_stats', 'root')
    assert 'cookie theme' in answer.text


# the fast lane

def warm_lane(site, item, method):
    """Return a lane that answers with a page which `method` is a part of."""
    set_policy(site, etag='string:same')
    item('shown', method)
    add_template(
        site.portal_skins.custom, 'read',
        '<p tal:content="context/shown">x</p>')
    lane = LaneClient()
    for _ in range(3):
        lane.get(READ)
    assert lane.is_fast(READ)
    return lane


def test_lane_gives_no_page_to_who_has_a_cookie_that_it_looked_for(
        site, item):
    lane = warm_lane(
        site, item, lambda self: self.REQUEST.get('_ga', 'none'))
    assert not lane.is_fast(READ, Cookie='_ga=1')
    assert shown(lane.get(READ, Cookie='_ga=1')) == '1'
    assert lane.is_fast(READ, Cookie='_gid=1')


def test_lane_gives_no_page_that_went_through_all_cookies(site, item):
    lane = warm_lane(site, item, lambda self: sorted(self.REQUEST.cookies))
    assert not lane.is_fast(READ, Cookie='_gid=1')
