"""Requests with other cookies, headers or queries get their own pages."""
import pytest
import transaction
from plone.registry.interfaces import IRegistry
from zope.component import getUtility
from zope.component.hooks import setSite

from ...core.http.lists import names
from ...manager import caches
from .changes import has_frame_for_scripts
from .freshness import shown


SOON = 'Mon, 01 Jan 2035 00:00:00 GMT'
THEMED = 'id="mainnavigation-wrapper"'


def warm(client, path, user=None, **headers):
    for _ in range(3):
        answer = client.get(path, user, **headers)
        if answer.outcome == 'HIT':
            return answer
    raise AssertionError(answer.get('Cache-Status'))


@pytest.mark.parametrize('cookie', [
    'ajax_load=1', 'ajax_include_head=1', 'disable_plone.leftcolumn=1',
    'SearchableText=mischief', 'b_start=20', 'contentFilter=x',
    'sort_on=modified', 'portal_type=Folder', 'LANGUAGE=de',
    'I18N_LANGUAGE=de', 'plone-toolbar=x', '__cp=x', 'form=x',
    'advanced_search=1', 'disable_border=1', 'b_size=1'])
@pytest.mark.parametrize('path', [
    '/a-document', '/a-folder', '/a-collection', '/@@search'])
def test_cookie_of_one_visitor_does_not_show_on_the_page_of_another(
        portal, client, page_cache, cookie, path):
    """A page may read any cookie: Zope's request looks names up there."""
    client.get(path)
    fresh = f'{path}?new=1'
    page_cache.disable()
    honest = shown(client.get(fresh))
    page_cache.enable()
    client.get(fresh, COOKIE=cookie)
    assert shown(client.get(fresh)) == honest
    assert shown(client.get(fresh, COOKIE='_ga=GA1.2.3')) == honest
    assert client.get(fresh, COOKIE='_ga=GA1.2.3').outcome == 'HIT'


@pytest.mark.parametrize('headers', [
    {'X_REQUESTED_WITH': 'XMLHttpRequest'}, {'REFERER': 'http://x.org/y'},
    {'USER_AGENT': 'Mischief'}, {'ACCEPT_LANGUAGE': 'de'},
    {'X_THEME_DISABLED': '1'}, {'X_THEME_ENABLED': '0'},
    {'X_FORWARDED_HOST': 'x.org'}, {'X_FORWARDED_FOR': 'x'},
    {'ACCEPT': '*/*'}, {'RANGE': 'bytes=0-10'}, {'PRAGMA': 'no-cache'},
    {'CACHE_CONTROL': 'no-cache'}, {'RANGE': 'bytes=-5', 'IF_RANGE': '"x"'},
    {'IF_MATCH': '"x"'}, {'IF_MODIFIED_SINCE': SOON}, {'COOKIE': '=;=;;'},
    {'COOKIE': '__ac="YWxpY2U6YWxpY2U="'},
    {'COOKIE': 'AUTHENTICATED_USER=x; PARENTS=y; PUBLISHED=x; URL=z'},
    {'AUTHORIZATION': 'Basic !!!'}, {'AUTHORIZATION': 'Bearer x'},
    {'HOST': 'x.org'}, {'X_HTTP_METHOD_OVERRIDE': 'DELETE'},
    {'TRANSLATE': 'f', 'DEPTH': '1'}])
def test_header_of_one_visitor_does_not_show_on_the_page_of_another(
        portal, client, page_cache, headers):
    has_frame_for_scripts(portal)
    client.get('/a-document')
    page_cache.disable()
    honest = shown(client.get('/a-document?new=1'))
    theirs = shown(client.get('/a-document?new=1', **headers))
    page_cache.enable()
    assert shown(client.get('/a-document?new=1', **headers)) == theirs
    assert shown(client.get('/a-document?new=1')) == honest
    assert shown(client.get('/a-document?new=1', **headers)) == theirs
    assert client.get('/a-document?new=1').outcome == 'HIT'


@pytest.mark.parametrize('user', [None, 'alice'])
@pytest.mark.parametrize('first', ['text/html', 'application/json'])
def test_json_is_never_given_for_html_nor_html_for_json(
        portal, client, page_cache, user, first):
    page_cache.manage_editViews([
        ('document_view',), ('GET_application_json_',)])
    client.get('/a-folder', user)
    order = ['text/html', 'application/json']
    if first != order[0]:
        order.reverse()
    for _ in range(3):
        for kind in order:
            answer = client.get('/a-document', user, ACCEPT=kind)
            assert answer['Content-Type'].startswith(kind)
            assert answer.body.startswith(
                b'{' if kind.endswith('json') else b'<!DOCTYPE html>')
        api = client.get('/++api++/a-document', user, ACCEPT='text/html')
        assert api['Content-Type'] == 'application/json'
        assert b'++api++' in api.body or b'"@id"' in api.body
    assert client.get('/a-document', user).outcome == 'HIT'


@pytest.mark.parametrize('kind', [
    'text/html', '*/*', 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8',
    'image/avif,image/webp,*/*', 'text/plain', 'application/json;q=0.1',
    'application/ld+json', 'application/json, text/html'])
def test_page_is_what_would_be_rendered_for_any_accept(
        portal, client, page_cache, kind):
    client.get('/a-document')
    page_cache.disable()
    honest = client.get('/a-document', ACCEPT=kind)
    page_cache.enable()
    for other in ('text/html', 'application/json', kind, kind):
        answer = client.get('/a-document', ACCEPT=other)
    assert shown(answer) == shown(honest)
    assert answer['Content-Type'] == honest['Content-Type']


@pytest.mark.parametrize('path', [
    '/a-folder?b_start:int=20', '/a-document?ajax_load=1',
    '/a-collection?b_start:int=20', '/@@search?SearchableText=desk&x=1',
    '/@@search?sort_on=Date&SearchableText=a', '/a-document/view',
    '/a-document/document_view', '/a-document/@@document_view',
    '/a-folder/', '/a-document/',
    '/sitemap', '/a-shown-folder/front', '/a-document?diazo.off=1',
    '/a-document?diazo.debug=1', '/a-document?set_language=de',
    '/a-folder/@@summary_view', '/a-folder/tabular_view',
    '/a-folder/full_view', '/?x=%C3%A4', '/a-document?form.x:list=1',
    '//a-document', '/a-document//', '/a-folder/item-0/a-document',
    '/a-document?ACTUAL_URL=http://x.org&BASE1=http://x.org',
    '/a-document?AUTHENTICATED_USER=alice&PUBLISHED=x&RESPONSE=x',
    '/a-document?HTTP_HOST=127.0.0.1&REQUEST_METHOD=HEAD',
    '/a-document?HTTP_X_REQUESTED_WITH=XMLHttpRequest',
    '/a-document?LANGUAGE_TOOL=x&LANGUAGE=de&plone_skin=x',
    '/a-document?__ac_name=alice&__ac_password=alice',
    '/@@search?SearchableText=%3Cscript%3E'])
@pytest.mark.parametrize('user', [None, 'alice'])
def test_kept_page_is_that_of_its_url(portal, client, page_cache, path, user):
    """Other pages of the same content are asked for before."""
    bare = path.partition('?')[0]
    for other in ('/a-document', '/a-folder', '/a-collection', bare,
                  '/@@search?SearchableText=none'):
        client.get(other, user)
    page_cache.disable()
    honest = shown(client.get(path, user))
    page_cache.enable()
    answers = [client.get(path, user) for _ in range(3)]
    assert {shown(answer) for answer in answers} == {honest}
    if honest[0] == 200:
        assert answers[-1].outcome == 'HIT', answers[-1].get('Cache-Status')


@pytest.mark.parametrize('path', [
    '/++theme++barceloneta/index.html', '/++theme++barceloneta/rules.xml',
    '/++resource++plone-logo.svg', '/++plone++static/plone.css',
    '/++api++/@types', '/++api++/a-folder', '/++api++/a-document/@history',
    '/a-document/edit', '/a-document/@@sharing', '/a-document/@@historyview',
    '/a-document/versions_history_form', '/a-document/delete_confirmation',
    '/login', '/login?came_from=http://localhost:8080/plone/a-document',
    '/logout', '/robots.txt', '/favicon.ico', '/@@overview-controlpanel',
    '/a-document/@@plone_lock_info', '/a-document/absolute_url',
    '/no-such-page', '/a-folder/folder_contents', '/@@contact-info',
    '/a-document/@@object_rename', '/@@personal-information',
    '/a-collection/RSS', '/a-document/@@images', '/manage_main',
    '/++view++document_view/a-document'])
@pytest.mark.parametrize('user', [None, 'alice', 'root'])
def test_cache_leaves_other_things_alone(
        portal, client, page_cache, path, user):
    client.get('/a-document', user)
    answers = [client.get(path, user) for _ in range(2)]
    assert [answer.outcome for answer in answers] == [None, None]
    page_cache.disable()
    assert client.get(path, user).status == answers[0].status


@pytest.mark.parametrize('path', [
    '', '/a-document', '/a-folder', '/a-shown-folder', '/a-collection',
    '/a-document/view', '/a-document/document_view'])
@pytest.mark.parametrize('user', [None, 'alice'])
def test_head_says_what_get_would(portal, client, page_cache, path, user):
    get = warm(client, path, user)
    head = client.head(path, user)
    assert (head.status, head.body) == (200, b'')
    assert head.stable_headers() == get.stable_headers()
    assert client.get(path, user).body == get.body


def test_head_is_the_first_to_ask(portal, client, page_cache):
    client.get('/a-folder')
    head = client.head('/a-document')
    assert (head.status, head.body) == (200, b'')
    get = client.get('/a-document')
    assert get.outcome == 'MISS' and THEMED in get.text
    # the tag is known only after a render
    assert head.all('ETag') == []
    assert client.head('/a-document')['ETag'] == get['ETag']


def test_post_is_no_hit_and_fills_nothing(portal, client, page_cache):
    warm(client, '/a-document')
    answer = client.post('/a-document', {'a': 'b'}, user=None)
    assert (answer.status, answer.outcome) == (200, 'BYPASS')
    client.post('/a-news-item', {'ajax_load': '1'}, user=None)
    answer = client.get('/a-news-item')
    assert answer.outcome == 'MISS' and THEMED in answer.text


@pytest.mark.parametrize('user', [None, 'bob'])
@pytest.mark.parametrize('method', [
    'OPTIONS', 'PROPFIND', 'TRACE', 'PUT', 'MKCOL', 'PATCH', 'get', 'FOO'])
def test_other_method_is_answered_as_without_the_cache(
        portal, client, page_cache, method, user):
    before = shown(warm(client, '/a-document', user))
    got = client.request(method, '/a-document', user)
    assert got.outcome != 'HIT'
    for _ in range(2):
        assert shown(client.get('/a-document', user)) == before
    page_cache.disable()
    assert got.status == client.request(method, '/a-document', user).status


def test_ignored_parameters_show_nowhere(portal, client, page_cache):
    for path in ('/a-folder?', '/@@search?SearchableText=desk&'):
        warm(client, path.rstrip('?&'))
        caches.forget_all()
        # links to more items repeat the query
        client.get(f'{path}utm_source=mischief')
        first = client.get(f'{path}utm_source=mischief')
        assert 'mischief' not in first.text
        second = client.get(f'{path}utm_source=other')
        assert second.outcome == 'HIT' and second.body == first.body


def test_hit_has_no_base_that_the_page_had_not(portal, client, page_cache):
    for path in ('', '/a-document', '/a-folder', '/a-shown-folder'):
        hit = warm(client, path)
        page_cache.disable()
        assert hit.text.count('<base') == client.get(path).text.count('<base')
        page_cache.enable()


def test_theme_is_off_for_one_host_alone(portal, client, page_cache):
    assert THEMED in warm(client, '/a-document').text
    client.host = '127.0.0.1:8080'
    assert THEMED not in warm(client, '/a-document').text
    client.host = 'localhost:8080'
    assert THEMED in warm(client, '/a-document').text


def test_virtual_hosts_have_their_own_pages(portal, client, page_cache):
    app = portal.aq_parent
    if 'virtual_hosting' not in app.objectIds():
        from Products.SiteAccess.VirtualHostMonster import VirtualHostMonster
        VirtualHostMonster().addToContainer(app)
    client.site = ''
    inside = '/plone/VirtualHostRoot'
    for host, below in (
            ('one.example', ''), ('two.example', ''),
            ('one.example', '/_vh_x')):
        path = f'/VirtualHostBase/http/{host}:80{inside}{below}/a-document'
        text = warm(client, path).text
        root = f'http://{host}{below.replace("_vh_", "")}/'
        assert f'data-base-url="{root}a-document"' in text
        assert 'localhost' not in text


def test_languages_have_their_own_pages(portal, client, page_cache):
    setSite(portal)
    settings = getUtility(IRegistry)
    settings['plone.available_languages'] = ['en', 'de']
    settings['plone.use_request_negotiation'] = True
    settings['plone.use_cookie_negotiation'] = True
    transaction.commit()
    for user in (None, 'alice'):
        for _ in range(2):
            for language, word in (('de', 'lang="de"'), ('en', 'lang="en"')):
                for headers in (
                        {'ACCEPT_LANGUAGE': language},
                        {'COOKIE': f'I18N_LANGUAGE={language}'},
                        {'ACCEPT_LANGUAGE': f'{language},fr;q=0.5'}):
                    answer = client.get('/a-document', user, **headers)
                    assert word in answer.text, (language, headers)
        assert answer.outcome == 'HIT'


# Vary

def varies(answer):
    return set(names(answer['Vary'])) - {'accept-encoding'}


@pytest.mark.parametrize(('changes', 'expected'), [
    ({}, set()),
    ({'available_languages': ['en', 'de'], 'use_request_negotiation': False,
      'use_cookie_negotiation': False}, set()),
    ({'available_languages': ['en', 'de'], 'use_request_negotiation': True,
      'use_cookie_negotiation': False}, {'accept-language'}),
    ({'available_languages': ['en', 'de'], 'use_request_negotiation': True,
      'use_cookie_negotiation': True}, {'accept-language', 'cookie'})])
def test_vary_names_what_the_site_chooses_languages_by(
        portal, client, page_cache, changes, expected):
    registry = getUtility(IRegistry)
    for name, value in changes.items():
        registry[f'plone.{name}'] = value
    transaction.commit()
    for answer in (client.get('/a-document'), client.get('/a-document'),
                   client.head('/a-document')):
        assert varies(answer) == {'x-requested-with', *expected}
    tag = client.get('/a-document')['ETag']
    held = client.get('/a-document', IF_NONE_MATCH=tag)
    assert held.status == 304
    assert varies(held) == {'x-requested-with', *expected}


def test_vary_names_the_cookies_that_members_pages_show(
        portal, client, page_cache):
    hit = warm(client, '/a-document', 'alice')
    held = client.get('/a-document', 'alice', IF_NONE_MATCH=hit['ETag'])
    assert (hit.outcome, held.status) == ('HIT', 304)
    assert varies(hit) == varies(held) == {'x-requested-with', 'cookie'}
