"""Faults that were found once, each kept from coming back."""
import threading
import time

import pytest
import transaction
from OFS.DTMLMethod import DTMLMethod
from Products.CMFCore.TypesTool import FactoryTypeInformation
from zExceptions import Redirect
from zExceptions import Unauthorized
from zope.component import getGlobalSiteManager
from zope.interface import Interface
from ZPublisher import interfaces
from ZPublisher import pubevents

from ...manager import caches
from ..client import Client
from ..request.test_whole import add_script
from ..site import Item
from ..site import add_template
from ..site import set_policy
from ..view_cases import ACTING
from ..view_cases import reason
from .test_wire import later


PAGE = '/site/doc/page'
T = '/site/doc/t'


@pytest.fixture
def custom(site):
    return site.portal_skins.custom


def setting(name, value):
    return f'''<p tal:define="r request/RESPONSE;
        x python: r.setHeader('{name}', '{value}')"
        tal:content="context/count_render">x</p>'''


# CMF is kept from asking for every associated template (I1, I2)

def test_a_second_fragment_is_no_304(custom, client):
    add_template(custom, 'plain', '''<div>outer
        <tal:x content="structure context/page" />
        <tal:x content="structure context/fspage" /></div>''', False)
    answer = client.get('/site/doc/plain', If_None_Match='*')
    assert answer.status == 200
    assert answer.body.count(b'first text') == 2


def test_a_second_fragment_sets_no_headers(custom, client):
    add_script(
        custom, 'two', "return '<p>' + context.page() + context.fspage()")
    answer = client.get('/site/doc/two')
    for name in ('ETag', 'Last-Modified', 'Cache-Control'):
        assert answer.all(name) == []


def test_a_second_fragment_after_a_hit_sets_no_headers(custom, client):
    add_script(custom, 'two', '''
if 'more' in context.REQUEST.cookies:
    return '<p>' + context.page() + context.fspage()
return context.page()''')
    outcomes = [client.get('/site/doc/two').outcome for _ in range(2)]
    assert outcomes == ['MISS', 'HIT']
    answer = client.get('/site/doc/two', Cookie='more=1', If_None_Match='*')
    assert (answer.status, answer.text.count('first text')) == (200, 2)
    for name in ('ETag', 'Last-Modified', 'Cache-Control'):
        assert answer.all(name) == []


@pytest.fixture
def asked(site, item):
    """A list of the views for which an ETag was asked."""
    views = []

    def etag(self, view):
        views.append(view)
        return 'x'
    item('etag', etag)
    set_policy(site, etag='python: object.etag(view)')
    return views


def test_a_part_in_dtml_does_not_let_cmf_ask(custom, client, asked):
    custom._setObject('part', DTMLMethod('part'))
    custom.part.munge('a part')
    custom.part.ZCacheable_setManagerId('page_cache')
    add_template(custom, 'bad', '<p tal:content="context/text">x</p>', False)
    add_template(custom, 'outer', '''<div>
        <tal:x content="structure python: context.part(context, request)" />
        <tal:x content="structure context/fsouter" /></div>''')
    answer = client.get('/site/doc/outer')
    assert 'a part' in answer.text and 'first text' in answer.text
    assert asked == ['outer']


@pytest.mark.parametrize('part', ['predicate', 'etag', 'mtime_func'])
def test_a_policy_may_call_a_template(
        site, custom, client, item, caplog, part):
    """CMF asks no policies for it, and the cache takes no note of it."""
    item('feed', lambda self: 'x')
    item('dated', lambda self: self.fsfailing() and self.modified())
    set_policy(site, **{'etag': 'string:x', part: 'object/dated'})
    add_script(custom, 'passer', 'return context.page()')
    for path in (PAGE, '/site/doc/fspage', '/site/doc/passer'):
        outcomes = [client.get(path).outcome for _ in range(2)]
        assert outcomes == ['MISS', 'HIT']
        answer = client.get(path, If_Modified_Since=later())
        assert answer.status == 304
    assert caplog.text == ''


def test_the_page_around_a_fragment_that_fails_keeps_its_headers(
        site, custom, client, item):
    def boom(self):
        raise ValueError('on purpose')
    item('boom', boom)
    add_template(custom, 'bad', '<p tal:content="context/boom">x</p>')
    answer = client.get('/site/doc/fsouter')
    assert 'oops' in answer.text
    assert answer.all('Cache-Control')
    assert 'detail=fragment' in answer['Cache-Status']


def test_no_304_of_cmf_for_post_nor_for_a_404(site, custom, client):
    set_policy(site, etag='')
    answer = client.request(
        'POST', '/site/doc/fspage', If_Modified_Since=later())
    assert answer.status == 200
    add_script(custom, 'gone', '''
context.REQUEST.RESPONSE.setStatus(404)
return context.fspage()''')
    answer = client.get('/site/doc/gone', If_Modified_Since=later())
    assert answer.status == 404


# no-store, from any source

def test_private_does_not_replace_no_store(site, custom, client):
    set_policy(site, no_store=1)
    add_template(custom, 't', setting('Cache-Control', 'private'))
    add_script(custom, 's', '''
context.REQUEST.RESPONSE.setHeader('Cache-Control', 'private')
return context.page()''')
    for path in (T, '/site/doc/s'):
        for answer in (client.get(path), client.get(path)):
            assert answer.outcome == 'BYPASS'
            assert 'no-store' in answer['Cache-Control']


def test_no_store_of_the_template_counts_though_replaced(custom, client):
    add_template(custom, 't', setting('Cache-Control', 'no-store'))
    add_script(custom, 's', '''
text = context.t()
context.REQUEST.RESPONSE.setHeader('Cache-Control', 'max-age=7')
return text''')
    for answer in (client.get('/site/doc/s'), client.get('/site/doc/s')):
        assert 'detail=no-store' in answer['Cache-Status']


@pytest.mark.parametrize('name,value', [
    ('Cache-Control', 'no-store'), ('Vary', '*'), ('Vary', 'X-Mode'),
    ('X-Multi', 'a'),
    ('Content-Security-Policy', "script-src \\'nonce-abc\\'")])
def test_added_headers_keep_a_page_out(custom, client, name, value):
    add_template(custom, 't', setting(name, value).replace(
        'setHeader', 'addHeader'))
    for mode in 'ab':
        answer = client.get(T, X_Mode=mode)
        assert (answer.status, answer.outcome) == (200, 'BYPASS')
        assert answer.all(name)


def test_a_page_with_a_message_forbids_storing(site, client):
    answer = client.get(PAGE, Cookie='statusmessages="x"')
    assert 'no-store' in answer['Cache-Control']


# 304 for nothing but the page that the client holds

def test_one_url_with_two_contexts_has_two_tags(site, client):
    site._setObject('doc2', Item('doc2', 'second text'))
    add_script(site, 'chooser', '''
return context[context.REQUEST.get_header('X-Which')].page()''')
    first = client.get('/site/chooser', X_Which='doc')
    answer = client.get(
        '/site/chooser', X_Which='doc2', If_None_Match=first['ETag'])
    assert answer.status == 200 and 'second text' in answer.text


@pytest.mark.parametrize('code', [
    'request.RESPONSE.setStatus(404)',
    "request.RESPONSE.redirect('http://x/')"])
def test_no_304_by_date_without_an_etag_for_no_200(
        site, custom, client, code):
    set_policy(site, etag='')
    add_template(custom, 't', f'<p tal:define="x python: {code}">x</p>')
    status = client.get(T).status
    assert client.get(T, If_Modified_Since=later()).status == status


@pytest.mark.parametrize('etag', ['', 'string:x'])
def test_no_304_by_date_where_the_template_varies(
        site, custom, client, etag):
    set_policy(site, etag=etag)
    add_template(custom, 't', setting('Vary', 'X-Mode'))
    client.get(T, X_Mode='a')
    caches.forget_all()
    answer = client.get(T, X_Mode='b', If_Modified_Since=later())
    assert answer.status == 200


@pytest.mark.parametrize('code', [
    "request.set('SESSION', 1)", "request.RESPONSE.setCookie('a', 'b')"])
def test_what_is_one_visitors_has_no_validators(custom, client, code):
    add_template(custom, 't', f'<p tal:define="x python: {code}">x</p>')
    answer = client.get(T)
    assert answer.all('ETag') == answer.all('Last-Modified') == []
    for headers in ({'If_None_Match': '*'}, {'If_Modified_Since': later()}):
        assert client.get(T, **headers).status == 200


def test_a_locked_status_gives_the_page(custom, client):
    add_script(custom, 's', '''
context.REQUEST.RESPONSE.setStatus(200, lock=1)
return context.page()''')
    tag = client.get('/site/doc/s')['ETag']
    answer = client.get('/site/doc/s', If_None_Match=tag)
    assert answer.status == 200 and b'first text' in answer.body


# a hit is the miss

def test_a_last_modified_of_the_template_is_kept(site, custom, client):
    set_policy(site, last_modified=0)
    add_template(custom, 't', setting(
        'Last-Modified', 'Sat, 01 Jan 2000 00:00:00 GMT'))
    miss, hit = client.get(T), client.get(T)
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert hit.stable_headers() == miss.stable_headers()


def test_a_content_type_from_outside_is_not_another_visitors(
        custom, client):
    add_script(custom, 's', '''
if context.REQUEST.cookies.get('plain'):
    context.REQUEST.RESPONSE.setHeader('Content-Type', 'text/plain')
return context.page()''')
    client.get('/site/doc/s', Cookie='plain=1')
    answer = client.get('/site/doc/s')
    assert answer['Content-Type'].startswith('text/html')


def test_a_page_without_a_content_type_of_its_own(custom, client, item):
    def untype(self):
        self.REQUEST.RESPONSE.headers.pop('content-type', None)
        return ''
    item('untype', untype)
    add_template(custom, 't', '<p tal:content="context/untype">x</p>')
    miss, hit = client.get(T), client.get(T)
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert hit.stable_headers() == miss.stable_headers()


def test_a_filesystem_templates_title_counts(site, client):
    path = '/site/doc/fspage'
    tag = client.get(path)['ETag']
    template = site.portal_skins.fs.fspage.aq_base
    before, template.title = template.title, 'another'
    try:
        assert client.get(path, If_None_Match=tag).status == 200
    finally:
        template.title = before


def test_settings_that_shape_the_key_make_new_pages(site, client):
    client.get(PAGE)
    site.page_cache.manage_editProps('', {'bypass_cookies': ['message']})
    assert client.get(PAGE).outcome == 'MISS'


# flights (I8)

@pytest.mark.parametrize('error', [
    ValueError('x'), Unauthorized('x'), Redirect('http://x/')])
def test_failing_renders_do_not_queue(site, custom, item, error):
    renders = threading.Semaphore(0)
    go = threading.Event()

    def fail(self):
        renders.release()
        go.wait(20)
        raise error
    item('fail', fail)
    add_template(custom, 't', '<p tal:content="context/fail">x</p>')
    transaction.commit()

    def run():
        try:
            Client().get(T)
        except (ValueError, Redirect):
            pass
    threads = [threading.Thread(target=run) for _ in range(5)]
    for thread in threads:
        thread.start()
    # the first two lead, one after the other; all others go side by side
    cache = caches.cache_of(site.page_cache)
    assert renders.acquire(timeout=20)
    for _ in range(2000):
        if cache.flights.waiting == 4:
            break
        time.sleep(0.005)
    go.set()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    assert not cache.flights._flights
    assert cache.flights._refused


def test_landings_hold_no_pages(site, custom, client):
    for number in range(3):
        client.get(f'{PAGE}?{number}')
    flights = caches.cache_of(site.page_cache).flights
    assert len(flights._landed) == 3
    assert all(isinstance(v, float) for v in flights._landed.values())


# HEAD

def test_head_of_a_folder_with_an_alias(site, custom, client):
    site.portal_types._setObject('Folder', FactoryTypeInformation(
        'Folder', title='F', factory='', aliases={'(Default)': 'p2'},
        actions=()))
    site.folder.portal_type = 'Folder'
    add_template(custom, 'p2', '<p>p2</p>')
    set_policy(site, etag='string:x', mtime_func='nothing')
    page = client.get('/site/folder')
    for _ in range(2):
        answer = client.head('/site/folder')
        assert (answer.status, answer['ETag']) == (200, page['ETag'])
    assert 'index_html' not in vars(site.folder.aq_base)


def test_head_with_a_method_in_the_form(custom, client):
    add_template(custom, 't', '<p>one</p>')
    page = client.get('/site/doc?t:method=x')
    assert client.head('/site/doc?t:method=x')['ETag'] == page['ETag']


# an error after the answer was ready

@pytest.fixture
def failing():
    """Make requests fail before the commit; the error has a long page."""
    class View:
        def __init__(self, context, request):
            self.request = request

        def __call__(self):
            return 'sorry ' * 500

    fails = []

    def boom(event):
        if fails:
            raise fails[0]

    def compress(event):
        event.request.response.enableHTTPCompression(event.request)

    components = getGlobalSiteManager()
    adapter = View, (ValueError, Interface), Interface, 'index.html'
    components.registerAdapter(*adapter)
    components.registerHandler(boom, (pubevents.PubBeforeCommit,))
    components.registerHandler(compress, (pubevents.PubAfterTraversal,))
    yield fails
    components.unregisterHandler(compress, (pubevents.PubAfterTraversal,))
    components.unregisterHandler(boom, (pubevents.PubBeforeCommit,))
    components.unregisterAdapter(*adapter)


def test_an_error_page_says_right_how_it_is_coded(
        custom, client, failing):
    add_template(
        custom, 't', '''<p tal:content="python: 'text ' * 500">x</p>''')
    for _ in range(2):
        answer = client.get(T, Accept_Encoding='gzip')
        assert answer['Content-Encoding'] == 'gzip'
    failing.append(ValueError('late'))
    answer = client.get(T, Accept_Encoding='gzip')
    assert answer.status == 500
    is_coded = answer.body[:2] == b'\x1f\x8b'
    assert answer.all('Content-Encoding') == ['gzip'] * is_coded
    assert answer['Content-Length'] == str(len(answer.body))


def test_unauthorized_after_a_304_has_its_own_length(
        custom, client, failing):
    add_script(custom, 's', 'return context.page()')
    tag = client.get('/site/doc/s')['ETag']
    failing.append(Unauthorized('late'))
    answer = client.get('/site/doc/s', If_None_Match=tag)
    assert answer.status == 401
    assert answer['Content-Length'] == str(len(answer.body))


# expensive requests

def test_long_urls_are_cut_on_the_statistics_screen(site, client):
    client.get(f'{PAGE}?{"x" * 100_000}')
    screen = client.get('/site/page_cache/manage_stats', 'root')
    assert screen.status == 200 and len(screen.body) < 50_000


def test_refusals_hold_no_urls(site, custom, client):
    add_template(custom, 't', setting('Cache-Control', 'no-store'))
    client.get(f'{T}?{"x" * 1000}')
    flights = caches.cache_of(site.page_cache).flights
    assert flights._refused
    assert all(isinstance(key, int) for key in flights._refused)


def test_head_of_what_is_not_stored_gives_no_304(site, client):
    conditions = {'If_None_Match': '*'}, {'If_Modified_Since': later()}
    for headers in conditions:
        assert client.head(PAGE, **headers).status == 200
    client.get(PAGE)
    for headers in conditions:
        assert client.head(PAGE, **headers).status == 304


def test_invalidating_what_is_no_object(site, client):
    answer = client.post('/site/page_cache/manage_invalidate', {
        'paths:list': '/site/REQUEST', '_p_oid': 'x', '_p_jar': 'y'})
    assert answer.status in (200, 302)


# headers of other code that the page removes

SET = {
    'header': lambda r: r.setHeader('X-Frame-Options', 'DENY'),
    'mixed case': lambda r: r.headers.__setitem__('X-Frame-Options', 'DENY'),
    'caching': lambda r: r.setHeader('Cache-Control', 'private'),
    'added': lambda r: r.addHeader('Link', '</feed>'),
    'cookie': lambda r: r.setCookie('seen', 'yes'),
}

TAKEN = {
    'header': lambda r: r.headers.pop('x-frame-options'),
    'mixed case': lambda r: r.headers.pop('X-Frame-Options'),
    'caching': lambda r: r.headers.pop('cache-control'),
    'added': lambda r: r.accumulated_headers.clear(),
    'cookie': lambda r: r.cookies.clear(),
}

NAMES = ('X-Frame-Options', 'Link', 'Set-Cookie', 'Cache-Control')


@pytest.fixture(params=[ACTING, '/site/doc/acting_page'])
def acting_path(request):
    return request.param


def before_the_page(subscribe, act):
    """Let other code change each response before the page is looked up."""
    subscribe(
        lambda event: act(event.request.response),
        interfaces.IPubAfterTraversal)


@pytest.mark.parametrize('what', SET)
def test_header_that_the_page_takes_away(
        acting, client, acting_path, subscribe, what):
    before_the_page(subscribe, SET[what])
    acting(lambda request: TAKEN[what](request.response))
    answers = [client.get(acting_path) for _ in range(3)]
    assert {reason(answer) for answer in answers} == {'removed-header'}
    assert not any(answer.all('ETag') for answer in answers)
    for name in NAMES:
        first, *others = [answer.all(name) for answer in answers]
        assert others == [first, first]


@pytest.mark.parametrize('value', ['', 'SAMEORIGIN', 'DENY'])
def test_header_that_the_page_sets_anew(
        acting, client, acting_path, subscribe, value):
    before_the_page(subscribe, SET['header'])
    acting(lambda request: request.response.setHeader(
        'X-Frame-Options', value))
    answers = [client.get(acting_path) for _ in range(2)]
    assert [answer.outcome for answer in answers] == ['MISS', 'HIT']
    assert [answer.all('X-Frame-Options') for answer in answers] == [
        [value], [value]]


def test_header_that_a_transform_takes_away(acting, client, subscribe):
    """The page of a view is the result of the transforms."""
    before_the_page(subscribe, SET['header'])
    acting(lambda request: None)

    def transform(event):
        # as plone.transformchain: not if it is told to stop
        if not event.request.environ.get('plone.transformchain.disable'):
            TAKEN['header'](event.request.response)
    subscribe(transform, interfaces.IPubBeforeCommit)
    answers = [client.get(ACTING) for _ in range(2)]
    assert [a.all('X-Frame-Options') for a in answers] == [[], []]
