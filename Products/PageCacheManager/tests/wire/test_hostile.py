"""Hostile requests: they never get another's page, and never poison one."""
import logging
import re
import socket
import time
from io import BytesIO
from urllib.parse import quote
from urllib.parse import urlsplit

import pytest
import transaction
from Products.SiteAccess.VirtualHostMonster import VirtualHostMonster
from zope.component import getGlobalSiteManager
from ZPublisher import pubevents

from ...cmf.policy import header_text
from ...core.key import MAX_FIELDS
from ...manager import caches
from ..browser import zope_server
from ..client import Client
from ..request.test_whole import add_script
from ..site import Item
from ..site import add_template
from ..site import set_policy


pytestmark = pytest.mark.usefixtures('errors_are_responses')

#: A page that shows the address of the request in all its forms.
ECHO = '/site/doc/echo'

HOST = 'localhost:8080'

#: The path of requests that a proxy sends for the root of a host.
MOUNTED = '/VirtualHostBase/http/h.example:80/site/VirtualHostRoot'


class Attacker(Client):
    """A client that also chooses values of the environment; None removes one.
    """

    def __init__(self, host=HOST, **environ):
        super().__init__(host)
        self.extra = environ

    def environ(self, *args):
        result = {**super().environ(*args), **self.extra}
        return {n: value for n, value in result.items() if value is not None}

    def strike(self, path, **headers):
        """Send a request that Zope may fail to read; return a 200 or None."""
        try:
            answer = self.get(path, **headers)
        except Exception:
            transaction.abort()
            return None
        return answer if answer.status == 200 else None


@pytest.fixture
def custom(site):
    return site.portal_skins.custom


#: Parts of the address that a template can read, all in the key.
ADDRESS = (
    'URL', 'ACTUAL_URL', 'SERVER_URL', 'VIRTUAL_URL', 'VIRTUAL_URL_PARTS',
    'VirtualRootPhysicalPath', 'PATH_INFO', 'SCRIPT_NAME', 'QUERY_STRING',
    'REQUEST_METHOD', 'method', 'AUTHENTICATED_USER',
    *(f'{name}{number}' for number in range(5)
      for name in ('URL', 'URLPATH', 'BASE', 'BASEPATH')))


def echo(self):
    request = self.REQUEST
    shown = [self.absolute_url(), self.virtual_url_path(), request.form,
             request.steps, request.physicalPathToURL('/site/folder'),
             request.response.base]
    for name in ADDRESS:
        try:
            shown.append((name, request.get(name)))
        except KeyError:
            shown.append((name, 'none'))
    return repr(shown)


@pytest.fixture
def page(site, item):
    """A page that shows ADDRESS and is the same for every content."""
    VirtualHostMonster().addToContainer(site.aq_parent)
    item('echo_address', echo)
    add_template(
        site.portal_skins.custom, 'echo',
        '<p tal:content="context/echo_address">x</p>')
    set_policy(site, etag='string:same')
    return site


PATHS = (
    ECHO, '/site/doc/echo/', '//site/doc/echo', '/site//doc/echo',
    '/site/doc//echo', '/site/./doc/echo', '/site/x/../doc/echo',
    '/site/<script>/../doc/echo', '/site/doc/echo/.', '/site/doc/echo//',
    '/site%2Fdoc%2Fecho', '/site/doc%2Fecho', '/site/doc/%65cho',
    '/site/doc/echo%20', '/site/doc/echo;x.css', '/site/doc/echo/x.css',
    '/site/doc/echo%00', '/site/doc/echo%3Fa=1', '/site/doc/echo%3fa=1',
    '/site/doc/echo%23a', '/site/site/doc/echo', '/site/folder/doc/echo',
    '/site/doc/doc/echo', '/site/doc/echo/doc/echo', '/site/doc/@@echo',
    '/site/doc/echo/index_html', '/site/doc/%C3%A9/../echo',
    '/site/doc/echo/__call__', '/site/doc?echo:method=',
    '/site/doc?:method=echo', '/site/doc/?echo:method=1',
    '/site/doc?echo:action=', '/site/doc?echo:default_method=x',
    '/site?doc/echo:method=x')

QUERIES = (
    'a=1', 'a=1&a=2', 'a=2&a=1', 'a=1;a=2', 'a=1&', '&a=1', 'a=1&&a=2',
    'a', 'a=', '=a', '&', '?', '%61=1', 'a=%31', 'a=1%26a=2', 'a=1+', 'a=1%20',
    'a:int=1', 'a:list=1', 'a:tuple=1', 'a:boolean=', 'a.b:record=1',
    'a.b:records=1', 'a:default=1', 'a:ignore_empty=', 'a:utf-16=1',
    'a:json=1', 'A=1', 'a%00=1', 'a=%00', 'a=%FF', 'a=%C0%AF', 'a=1#b',
    'URL=http://evil/', 'URL0=x', 'URL1=x', 'BASE0=x', 'BASE1=x',
    'BASEPATH1=x', 'ACTUAL_URL=x', 'SERVER_URL=x', 'VIRTUAL_URL=x',
    'VIRTUAL_URL_PARTS:list=x', 'VirtualRootPhysicalPath:tuple=x',
    'PATH_INFO=/x', 'QUERY_STRING=x', 'REQUEST_METHOD=POST', 'method=POST',
    'SCRIPT_NAME=x', 'AUTHENTICATED_USER=root', 'REMOTE_USER=root',
    'other=x', 'environ=x', 'cookies=x', 'form=x', 'SESSION=x',
    'RESPONSE=x', 'response=x', 'REQUEST=x', 'PARENTS=x', 'PUBLISHED=x',
    'TraversalRequestNameStack=x', 'steps=x', '_steps=x', '_script=x',
    '_auth=x', 'base=x', 'script=x', 'debug=1', 'locale=de', 'common=x',
    '_charset_=utf-16', '-C', '-C=1', 'HTTP_HOST=evil', 'HTTP_X_A=1',
    '__SUBTEMPLATE__=1', '_page_cache_visit=1', '__class__=x',
    '__dict__=x', 'traverse_subpath=x', 'options=x', 'keywords=x',
    'bound_names=x', 'template=x', 'here=x', '_method=POST',
    'X-HTTP-Method-Override=POST', 'clone=x', 'processInputs=x',
    'traverse=x', 'close=x', 'retry=x', 'supports_retry=x', 'set=x', 'get=x')

HOSTS = (
    HOST, 'localhost', 'localhost:80', 'localhost:', 'LOCALHOST:8080',
    'localhost:08080', ' localhost:8080 ', 'localhost.:8080', 'evil.example',
    'user@localhost:8080', 'user:pw@localhost:8080', 'localhost:8080@evil',
    'localhost:8080:8080', 'localhost:evil', '"localhost:8080"',
    "localhost:8080'", 'localhost:8080/site', 'localhost:8080/site/x/..',
    'localhost:8080?a=1', 'localhost:8080#', 'localhost:8080,evil',
    'localhost:8080\tevil', 'local\xa0host', '', None, '[::1]:8080',
    'localhost:8080/site/doc/echo?a=',
    'localhost:8080/site/doc/echo?a=http://localhost:8080')

#: Addresses that a proxy can name, or an attacker who bypasses it.
VIRTUAL = (
    f'{MOUNTED}/doc/echo', f'{MOUNTED}//doc/echo', f'{MOUNTED}/x/../doc/echo',
    f'{MOUNTED}/%3Cscript%3E/../doc/echo', f'{MOUNTED}/_vh_a/doc/echo',
    f'{MOUNTED}/_vh_folder/doc/echo', f'{MOUNTED}/folder/doc/echo',
    f'{MOUNTED}/_vh_folder/_vh_b/doc/echo',
    f'{MOUNTED}/_vh_folder%2Fb/doc/echo',
    f'{MOUNTED}/_vh_doc%2Fecho%3Fa=/doc/echo',
    f'{MOUNTED}/_vh_/doc/echo', f'{MOUNTED}/_vh_site/doc/echo',
    '/VirtualHostBase/http/h.example/site/VirtualHostRoot/doc/echo',
    '/VirtualHostBase/http/h.example:/site/VirtualHostRoot/doc/echo',
    '/VirtualHostBase/https/h.example:443/site/VirtualHostRoot/doc/echo',
    '/VirtualHostBase/https/h.example:80/site/VirtualHostRoot/doc/echo',
    '/VirtualHostBase/http/h.example:81/site/VirtualHostRoot/doc/echo',
    '/VirtualHostBase/http/H.EXAMPLE:80/site/VirtualHostRoot/doc/echo',
    '/VirtualHostBase/http/evil:80/site/VirtualHostRoot/doc/echo',
    '/VirtualHostBase/http/h.example:80/VirtualHostRoot/site/doc/echo',
    '/VirtualHostBase/http/localhost:8080/VirtualHostRoot/site/doc/echo',
    '/VirtualHostBase/http/localhost:8080/site/doc/echo',
    '/VirtualHostBase/http/h.example:80/VirtualHostRoot/VirtualHostBase'
    '/http/evil:80/site/VirtualHostRoot/doc/echo',
    '/VirtualHostBase/http/localhost:8080/site/VirtualHostRoot/_vh_site'
    '/doc/echo',
    '/VirtualHostBase/http/h.example:80/site/doc/VirtualHostRoot/echo',
    '/VirtualHostBase/http/h.example:80/site/doc/VirtualHostRoot/_vh_doc'
    '/echo',
    '/VirtualHostBase/http/h.example%3Fa=:80/site/VirtualHostRoot/doc/echo',
    '/site/VirtualHostRoot/doc/echo', '/VirtualHostRoot/site/doc/echo')


def everything():
    """Yield hostile requests: a client and a path each."""
    for host in HOSTS:
        for path in (ECHO, f'{ECHO}?a=http://localhost:8080{ECHO}',
                     f'{ECHO}?a={ECHO}', f'{MOUNTED}/doc/echo'):
            yield Attacker(host), path
    yield Attacker(SCRIPT_NAME='/site'), '/doc/echo'
    yield Attacker(SCRIPT_NAME='/x'), ECHO
    yield Attacker(**{'wsgi.url_scheme': 'https'}), ECHO
    for path in PATHS + VIRTUAL:
        yield Attacker(), path
        yield Attacker('h.example'), path
    for query in QUERIES:
        yield Attacker(), f'{ECHO}?{query}'
    yield Attacker(), f'{MOUNTED}/doc/echo?a=/doc/echo'
    yield Attacker('h.example/folder'), ECHO
    yield Attacker('h.example'), '/folder/site/doc/echo'


ATTACKS = list(everything())


def switch(site, option):
    site.page_cache.manage_editProps('', {'active': option})
    transaction.commit()


def test_no_address_gets_the_page_of_another(page):
    """If two shared a key, the second answer would show it."""
    switch(page, 'off')
    clean = [client.strike(path) for client, path in ATTACKS]
    switch(page, 'on_always')
    for _ in range(2):
        for (client, path), expected in zip(ATTACKS, clean, strict=True):
            answer = client.strike(path)
            assert (answer and answer.body) == (expected and expected.body), (
                client.host, client.extra, path)


def test_most_of_these_attacks_come_to_the_cache(page):
    answers = [client.strike(path) for client, path in ATTACKS]
    outcomes = [answer.outcome for answer in answers if answer]
    assert len(outcomes) > len(ATTACKS) * 0.7
    assert set(outcomes) == {'MISS', 'HIT'}


# Parts of a request in a page (the lists in docs/security.rst)

MARK = 'planted'
READ = '/site/doc/read'


def header(name):
    """Return ways to read, plant and distinguish a request header."""
    return (
        lambda request: request.get_header(name),
        {f'HTTP_{name.upper().replace("-", "_")}': MARK}, '',
        {'key_headers': [name]})


def environ(name):
    """Return the same for a variable of the server about the connection."""
    return (
        lambda request: request.environ.get(name), {name: MARK}, '',
        f'python: request.environ.get({name!r})')


def get(name):
    return lambda request: request.get(name)


#: In the key: a function that reads the value, the environment that plants it,
#: and the path's addition.
KEYED = {
    'request/form': (lambda r: r.form, {}, f'?a={MARK}'),
    'request/a': (get('a'), {}, f'?a={MARK}'),
    'request/QUERY_STRING': (get('QUERY_STRING'), {}, f'?a={MARK}'),
    'context/absolute_url': (
        lambda r: r['PARENTS'][0].absolute_url(),
        {'HTTP_HOST': MARK}, ''),
    'request/URL': (get('URL'), {'HTTP_HOST': MARK}, ''),
    'request/URL1': (get('URL1'), {'HTTP_HOST': MARK}, ''),
    'request/BASE0': (get('BASE0'), {'HTTP_HOST': MARK}, ''),
    'request/SERVER_URL': (get('SERVER_URL'), {'HTTP_HOST': MARK}, ''),
    'request/ACTUAL_URL': (get('ACTUAL_URL'), {'HTTP_HOST': MARK}, ''),
    'request/PATH_INFO': (
        get('PATH_INFO'),
        {'PATH_INFO': f'{MOUNTED}/{MARK}/../doc/read'}, ''),
    'request/SCRIPT_NAME': (get('SCRIPT_NAME'), {'SCRIPT_NAME': MARK}, ''),
    'request/AUTHENTICATED_USER': (
        lambda r: str(r['AUTHENTICATED_USER']).replace('alice', MARK),
        {'HTTP_AUTHORIZATION': 'Basic YWxpY2U6YWxpY2U='}, ''),
    'request/HTTP_AUTHORIZATION': (
        lambda r: r._auth or r.get('HTTP_AUTHORIZATION'),
        {'HTTP_AUTHORIZATION': MARK}, ''),
    'request/HTTP_CGI_AUTHORIZATION': (
        lambda r: r._auth or r.environ.get('HTTP_CGI_AUTHORIZATION'),
        {'HTTP_CGI_AUTHORIZATION': MARK}, ''),
    'request/REMOTE_USER': (
        get('REMOTE_USER'), {'REMOTE_USER': MARK}, ''),
}

#: In the key only if the settings or the ETag name it; the last item is that
#: setting or ETag expression.
YOURS = {
    'request/cookies': (
        lambda r: r.cookies.get('theme'), {'HTTP_COOKIE': f'theme={MARK}'},
        '', {'key_cookies': ['theme']}),
    'request/theme': (
        get('theme'), {'HTTP_COOKIE': f'theme={MARK}'}, '',
        {'key_cookies': ['theme']}),
    'request/HTTP_COOKIE': header('Cookie'),
    'request/HTTP_REFERER': header('Referer'),
    'request/HTTP_USER_AGENT': header('User-Agent'),
    'request/HTTP_ACCEPT': header('Accept'),
    'request/HTTP_ACCEPT_CHARSET': header('Accept-Charset'),
    'request/HTTP_ACCEPT_ENCODING': header('Accept-Encoding'),
    'request/HTTP_ACCEPT_LANGUAGE': header('Accept-Language'),
    'request/HTTP_X_FORWARDED_FOR': header('X-Forwarded-For'),
    'request/HTTP_X_FORWARDED_HOST': header('X-Forwarded-Host'),
    'request/HTTP_IF_NONE_MATCH': header('If-None-Match'),
    'request/CONTENT_TYPE': (
        get('CONTENT_TYPE'), {'CONTENT_TYPE': MARK}, '',
        {'key_headers': ['Content-Type']}),
    'request/CONTENT_LENGTH': (
        lambda r: r.environ.get('CONTENT_LENGTH'), {'CONTENT_LENGTH': MARK},
        '', {'key_headers': ['Content-Length']}),
    'request/locale': (
        lambda r: MARK if r.locale.id.language == 'de' else '',
        {'HTTP_ACCEPT_LANGUAGE': 'de'}, '',
        {'key_headers': ['Accept-Language']}),
    'request/HTTP_HOST': (
        get('HTTP_HOST'),
        {'HTTP_HOST': MARK, 'PATH_INFO': f'{MOUNTED}/doc/read'}, '',
        {'key_headers': ['Host']}),
    'request/base': (
        lambda r: r.base,
        {'HTTP_HOST': MARK, 'PATH_INFO': f'{MOUNTED}/doc/read'}, '',
        {'key_headers': ['Host']}),
    'request/REMOTE_ADDR': environ('REMOTE_ADDR'),
    'request/REMOTE_HOST': environ('REMOTE_HOST'),
    'request/getClientAddr': (
        lambda r: r.getClientAddr(), {'REMOTE_ADDR': MARK}, '',
        'python: request.getClientAddr()'),
    'request/SERVER_PROTOCOL': (
        get('SERVER_PROTOCOL'), {'SERVER_PROTOCOL': f'HTTP/{MARK}'}, '',
        'request/SERVER_PROTOCOL'),
    'request/environ': environ('REQUEST_URI'),
}

#: Never in a page that is kept: read while nothing is kept, or not at all.
RULED_OUT = {
    'request/form/utm_source': (
        lambda r: r.form.get('utm_source'), {}, f'?utm_source={MARK}'),
    'request/utm_source': (get('utm_source'), {}, f'?utm_source={MARK}'),
    'request/QUERY_STRING/utm_source': (
        get('QUERY_STRING'), {}, f'?utm_source={MARK}'),
    'request/SESSION': (
        lambda r: r.get_header('X-Login') and (
            r.set('SESSION', MARK) or r['SESSION']),
        {'HTTP_X_LOGIN': '1'}, ''),
    'request/BODY': (
        get('BODY'),
        {'REQUEST_METHOD': 'POST', 'wsgi.input': BytesIO(MARK.encode())}, ''),
    'request/BODY of get': (
        lambda r: r._fs.value if r._fs.file else '',
        {'REQUEST_METHOD': 'get', 'wsgi.input': BytesIO(MARK.encode())}, ''),
    'request/statusmessages': (
        get('statusmessages'), {'HTTP_COOKIE': f'statusmessages={MARK}'}, ''),
}


def visit_twice(site, item, read, planted, addition=''):
    """Send an attacker's request, then a visitor's; return the latter's page.
    """
    VirtualHostMonster().addToContainer(site.aq_parent)
    seen = []

    def shown(self):
        seen.append(str(read(self.REQUEST)))
        return seen[-1]

    item('shown', shown)
    add_template(
        site.portal_skins.custom, 'read',
        '<p tal:content="context/shown">x</p>')
    Attacker(**planted).get(READ + addition)
    path = READ
    if planted.get('PATH_INFO', '').startswith(MOUNTED):
        path = f'{MOUNTED}/doc/read'
    if planted.get('PATH_INFO'):
        planted = {'PATH_INFO': planted['PATH_INFO']}
    del seen[1:]
    return Client().get(path), seen


@pytest.mark.parametrize('name', KEYED)
def test_what_is_in_the_key_stays_with_who_sent_it(site, item, name):
    set_policy(site, etag='string:same')
    answer, seen = visit_twice(site, item, *KEYED[name])
    assert MARK in seen[0]
    assert answer.status == 200 and MARK not in answer.text


@pytest.mark.parametrize('name', RULED_OUT)
def test_what_is_ruled_out_is_in_no_page_that_is_kept(site, item, name):
    set_policy(site, etag='string:same')
    answer, _ = visit_twice(site, item, *RULED_OUT[name])
    assert answer.status == 200 and MARK not in answer.text


COOKIES = [name for name in YOURS if 'HTTP_COOKIE' in YOURS[name][1]]


@pytest.mark.parametrize('name', COOKIES)
def test_page_made_from_a_cookie_that_is_not_in_the_key_is_not_kept(
        site, item, name):
    set_policy(site, etag='string:same')
    read, planted, addition, _ = YOURS[name]
    answer, seen = visit_twice(site, item, read, planted, addition)
    assert MARK in seen[0]
    assert (answer.status, answer.outcome) == (200, 'MISS')
    assert MARK not in answer.text


@pytest.mark.parametrize('name', [n for n in YOURS if n not in COOKIES])
def test_what_is_not_in_the_key_is_shown_to_others(site, item, name):
    """It is the site's to name; the list in the documentation says so."""
    set_policy(site, etag='string:same')
    read, planted, addition, _ = YOURS[name]
    answer, seen = visit_twice(site, item, read, planted, addition)
    assert MARK in seen[0]
    assert MARK in answer.text


@pytest.mark.parametrize('name', YOURS)
def test_what_settings_or_etag_name_stays_with_who_sent_it(site, item, name):
    read, planted, addition, remedy = YOURS[name]
    if isinstance(remedy, str):
        set_policy(site, etag=remedy.replace('python: ', 'python: "x%s" % '))
    else:
        set_policy(site, etag='string:same')
        site.page_cache.manage_editProps('', remedy)
    answer, seen = visit_twice(site, item, read, planted, addition)
    assert MARK in seen[0]
    assert answer.status == 200 and answer.outcome == 'MISS'
    assert MARK not in answer.text


def answers_as_without_a_cache(site, requests):
    """Check some requests, each a client, a path and headers.

    If two shared a key, the second answer would show it.
    """
    switch(site, 'off')
    clean = [c.strike(path, **headers) for c, path, headers in requests]
    switch(site, 'on_always')
    outcomes = []
    for _ in range(2):
        for (client, path, headers), expected in zip(
                requests, clean, strict=True):
            answer = client.strike(path, **headers)
            assert (answer and answer.body) == (expected and expected.body), (
                path, headers)
            outcomes.append(answer and answer.outcome)
    return outcomes


# cookies

COOKIES = (
    None, '', 'theme', 'theme=', 'theme=a', 'theme=b', 'Theme=a', 'THEME=a',
    'theme="a"', "theme='a'", 'theme=a; theme=b', 'theme=b; theme=a',
    'theme=a;theme=b', 'theme=a, theme=b', 'theme=a b', 'theme=None',
    'theme="None"', 'theme=""', 'theme=%61', 'theme=a%3Bb', 'theme="a;b"',
    'theme="a; theme=b"', '$Version=1; theme=a; $Path=/', ' theme = a ',
    'x=1; theme=a', 'x="; theme=a', 'theme=a=b', 'theme=\xe9', 'theme=a\x00',
    'theme=' + 'a' * 60_000, ';;;', '=', '=a', '"theme"=a', 'theme:a',
    "theme=a', 'x=b", "other=b'; theme=a", 'other=b', 'theme=a; other=b')


def test_cookies_in_the_key_are_told_apart(site, item):
    item('shown', lambda self: repr((
        self.REQUEST.cookies.get('theme'), self.REQUEST.cookies.get('other'),
        self.REQUEST.get('theme'), self.REQUEST.get('other'))))
    add_template(
        site.portal_skins.custom, 'read',
        '<p tal:content="context/shown">x</p>')
    set_policy(site, etag='string:same')
    site.page_cache.manage_editProps(
        '', {'key_cookies': ['theme', 'other']})
    outcomes = answers_as_without_a_cache(site, [
        (Attacker(), READ + query, {} if cookie is None else {
            'Cookie': cookie})
        for cookie in COOKIES
        for query in ('', '?theme=a', '?theme=b', '?other=b')])
    assert {'HIT', 'MISS'} == set(outcomes)


@pytest.mark.parametrize('cookie', [
    'statusmessages=x', 'a=1; statusmessages=x', 'statusmessages="x"',
    'statusmessages=', 'statusmessages=x; statusmessages=y',
    'a="b"; statusmessages=x'])
def test_a_cookie_that_rules_out_counts_however_it_is_spelled(
        site, custom, client, cookie):
    add_template(custom, 'read', '''<p
        tal:content="request/cookies/statusmessages | nothing">x</p>''')
    for _ in range(2):
        assert client.get(READ, Cookie=cookie).outcome == 'BYPASS'
    assert client.get(READ).outcome == 'MISS'


@pytest.mark.parametrize('cookie', [
    'StatusMessages=x', 'STATUSMESSAGES=x', 'statusmessages2=x',
    # of these Zope reads no cookie of that name
    'statusmessages', '; statusmessages=x'])
def test_a_cookie_of_another_name_is_another_cookie(
        site, custom, client, cookie):
    """Names have case (RFC 6265 section 5.3), and so they have for pages."""
    add_template(custom, 'read', '''<p
        tal:content="request/cookies/statusmessages | nothing">x</p>''')
    client.get(READ, Cookie=cookie)
    answer = client.get(READ)
    assert answer.outcome == 'HIT' and '>x<' not in answer.text


def test_a_form_field_named_as_a_session_cookie_is_in_the_url(
        site, client):
    set_policy(site, etag='string:same')
    paths = ['/site/doc/page', '/site/doc/page?_ZopeId=a',
             '/site/doc/page?_ZopeId=b']
    assert [client.get(path).outcome for path in paths] == ['MISS'] * 3


#: Names under which the cache, Zope or CMF keep data of a request.
OWN_NAMES = (
    'URL', 'URL0', 'BASE0', 'ACTUAL_URL', 'SERVER_URL', 'PUBLISHED',
    'PARENTS', 'RESPONSE', 'response', 'REQUEST', 'AUTHENTICATED_USER',
    'AUTHENTICATION_PATH', 'TraversalRequestNameStack', 'PATH_INFO',
    'QUERY_STRING', 'REQUEST_METHOD', 'method', 'HTTP_HOST', 'SESSION',
    'other', 'environ', 'form', 'cookies', 'steps', '_steps', '_script',
    '_auth', '_page_cache_visit', 'traverse_subpath', '_charset_', '-C',
    'debug', 'locale', 'clone', 'get', '__dict__', 'SESSIONID', 'BODY')


@pytest.mark.parametrize('path', [ECHO, '/site/doc/fspage', '/site/doc'])
def test_cookies_named_as_marks_of_the_request_change_nothing(page, path):
    client = Client()
    clean = client.get(path)
    shown = Item.renders
    for name in OWN_NAMES:
        caches.forget_all()
        Item.renders = shown - 1  # some pages show it
        first = client.get(path, Cookie=f'{name}={MARK}')
        again = client.get(path)
        # if a render reads the name and finds the cookie, the page is not kept
        assert (first.outcome, again.outcome) in (
            ('MISS', 'HIT'), ('BYPASS', 'MISS')), name
        assert first.status == again.status == 200
        assert MARK not in again.text
        assert first.get('ETag', clean['ETag']) == clean['ETag']
        assert (again['ETag'] == clean['ETag']) == (again.text == clean.text)
        assert again.text == clean.text or first.outcome == 'BYPASS'


@pytest.mark.parametrize('path', [ECHO, '/site/doc/fspage'])
def test_forms_named_as_marks_of_the_request_stay_pages_of_their_own(
        page, path):
    client = Client()
    for name in OWN_NAMES:
        with_name = client.get(f'{path}?{name}={MARK}')
        plain = client.get(path)
        assert with_name.status == plain.status == 200
        assert MARK not in plain.text
        assert client.get(f'{path}?{name}={MARK}').outcome == 'HIT', name


# headers

VALUES = (
    None, '', ' ', 'a', 'A', ' a', 'a ', 'a,b', 'a, b', 'a,a', "'a'", '"a"',
    'None', 'a;b', 'a=b', "a', 'x-b='b", "a'), ('x-b', 'b", '\\x61', 'a\tb',
    '\xe9', 'a' * 8000)


@pytest.mark.parametrize('where', ['settings', 'policy', 'template'])
def test_headers_in_the_key_are_told_apart(site, item, where):
    def shown(self):
        request = self.REQUEST
        if where == 'template':
            request.RESPONSE.setHeader('Vary', 'X-A, X-B')
        return repr([request.get_header(n) for n in ('X-A', 'X-B')])

    item('shown', shown)
    add_template(
        site.portal_skins.custom, 'read',
        '<p tal:content="context/shown">x</p>')
    set_policy(
        site, etag='string:same', vary='x-a, X-B' * (where == 'policy'))
    if where == 'settings':
        site.page_cache.manage_editProps('', {'key_headers': ['X-A', 'x-b']})
    requests = []
    for value in VALUES:
        for names in (['X_A'], ['X_B'], ['X_A', 'X_B']):
            given = {} if value is None else dict.fromkeys(names, value)
            requests.append((Attacker(), READ, given))
    outcomes = answers_as_without_a_cache(site, requests)
    assert {'HIT', 'MISS'} == set(outcomes)


def test_a_login_in_another_header_is_a_login(site):
    """Zope takes CGI-Authorization for Authorization."""
    set_policy(site, etag='string:same')
    login = 'Basic YWxpY2U6YWxpY2U='
    first = Client().get('/site/doc/page', CGI_Authorization=login)
    assert '<p id="user">alice</p>' in first.text
    answer = Client().get('/site/doc/page')
    assert answer.outcome == 'MISS' and 'alice' not in answer.text
    assert Client().get('/site/doc/page', 'alice').outcome == 'HIT'


@pytest.mark.parametrize('login', [
    'Basic YWxpY2U6d3Jvbmc=', 'Basic', 'Basic !', 'Basic Og==', 'Bearer x',
    'basic YWxpY2U6d3Jvbmc=', 'Negotiate', 'x' * 9000])
def test_a_login_that_fails_gets_no_users_page(site, login):
    set_policy(site, etag='string:same')
    Client().get('/site/doc/page', 'alice')
    answer = Attacker(HTTP_AUTHORIZATION=login).strike('/site/doc/page')
    assert answer is None or 'alice' not in answer.text


# parameters that are not in the key

@pytest.fixture
def whole_form(site, item):
    """A page that shows the parameters in all forms that it can read."""
    def shown(self):
        request = self.REQUEST
        return repr((
            sorted(request.form.items()), request.get('QUERY_STRING'),
            request.environ['QUERY_STRING'], request.get('utm_x'),
            sorted(request.taintedform.items())))
    item('shown', shown)
    add_template(
        site.portal_skins.custom, 'read',
        '<p tal:content="context/shown">x</p>')
    set_policy(site, etag='string:same')
    return site


@pytest.mark.parametrize('query', [
    'utm_x=1', 'utm_x=1&utm_x=2', 'utm_x=1&utm_y=<script>', 'fbclid=1',
    'utm%5Fx=1', 'utm_x', '&utm_x=1', 'utm_x=%00', 'utm_x=%FF', 'utm_%00=1',
    'utm_.y=1'])
def test_ignored_parameters_are_in_no_page(whole_form, client, query):
    # a page that reads them shows them, and is not kept
    assert client.get(f'{READ}?{query}').outcome == 'BYPASS'
    first, second = client.get(f'{READ}?{query}'), client.get(READ)
    assert (first.outcome, second.outcome) == ('MISS', 'HIT')
    assert 'utm_' not in second.text and 'fbclid' not in second.text


@pytest.mark.parametrize('keep,drop', [
    ('a=1', 'utm_x=2'), ('a=1&a=2', 'utm_x=2&utm_y=3'),
    ('utm_x:int=1', 'utm_x=2'), ('utm_x:list=1', 'utm_x=2'),
    ('utm_x.a:record=1', 'fbclid=2'), ('a:int=1', '_ga=2')])
@pytest.mark.parametrize('form', ['{keep}&{drop}', '{drop}&{keep}'])
def test_what_is_not_ignored_is_in_the_page(
        whole_form, client, keep, drop, form):
    path = f'{READ}?{form.format(keep=keep, drop=drop)}'
    assert client.get(path).outcome == 'BYPASS'
    first = client.get(path)
    caches.forget_all()
    clean = client.get(f'{READ}?{keep}')
    assert first.outcome == clean.outcome == 'MISS'
    assert first.body == clean.body


def test_ignored_parameters_are_there_for_all_but_the_page(
        site, custom, item, client):
    seen = []
    item('shown', lambda self: seen.append(
        dict(self.REQUEST.form)) or str(self.REQUEST.form))
    add_template(custom, 'read', '<p tal:content="context/shown">x</p>')
    add_template(
        custom, 'plain', '<p tal:content="context/shown">x</p>', False)
    add_script(custom, 'around', '''
context.shown()
page = context.read()
context.shown()
return page''')
    client.get('/site/doc/around?utm_x=1&a=2')
    assert seen == [{'utm_x': '1', 'a': '2'}] * 3
    del seen[:]
    client.get('/site/doc/around?utm_x=1&a=2')
    assert seen == [
        {'utm_x': '1', 'a': '2'}, {'a': '2'}, {'utm_x': '1', 'a': '2'}]
    assert 'utm_x' in client.get('/site/doc/plain?utm_x=1').text
    set_policy(site, etag='')
    assert 'utm_x' in client.get(f'{READ}?utm_x=1').text


def test_ignored_parameters_come_back_after_a_failure(site, item, client):
    def fail(self):
        raise ValueError('on purpose')
    seen = []
    item('fail', fail)
    add_template(
        site.portal_skins.custom, 'read',
        '<p tal:content="context/fail">x</p>')
    transaction.commit()

    def before_abort(event):
        seen.append(dict(event.request.form))

    components = getGlobalSiteManager()
    components.registerHandler(before_abort, (pubevents.PubFailure,))
    try:
        assert Attacker().strike(f'{READ}?utm_x=1') is None
    finally:
        components.unregisterHandler(before_abort, (pubevents.PubFailure,))
    assert seen == [{'utm_x': '1'}]


# methods

METHODS = (
    'POST', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'OPTIONS', 'PROPFIND',
    'PURGE', 'CONNECT', 'LOCK', 'BREW', 'get', 'Get', 'head', 'X' * 300)


@pytest.mark.parametrize('path', ['/site/doc/page', '/site/doc/fspage'])
def test_other_methods_neither_get_nor_leave_a_page(site, path):
    def ask(method):
        try:
            return Client().request(method, path)
        except Exception:
            transaction.abort()

    for method in METHODS:
        caches.forget_all()
        for expected in ('MISS', 'HIT'):
            answer = ask(method)
            if answer is not None:
                assert answer.outcome in (None, 'BYPASS'), method
                assert answer.status != 304
            page = Client().get(path)
            assert page.outcome == expected, method
            assert 'first text' in page.text


@pytest.mark.parametrize('headers', [
    {'X_HTTP_Method_Override': 'GET'}, {'X_Method_Override': 'GET'},
    {'X_HTTP_Method': 'GET'}])
def test_no_header_makes_a_post_a_get(site, client, headers):
    client.get('/site/doc/page')
    for form in ({}, {'_method': 'GET'}, {'REQUEST_METHOD': 'GET'}):
        answer = client.post('/site/doc/page', form, None, **headers)
        assert answer.outcome == 'BYPASS'


def test_the_body_of_a_get_is_not_read(page):
    body = f'a={MARK}&URL={MARK}'.encode()
    for kind in ('application/x-www-form-urlencoded', 'text/xml',
                 'multipart/form-data; boundary=x',
                 'application/x-www-form-urlencoded; charset=utf-16'):
        caches.forget_all()
        first = Attacker(**{
            'CONTENT_TYPE': kind, 'CONTENT_LENGTH': str(len(body)),
            'wsgi.input': BytesIO(body)}).strike(ECHO)
        answer = Client().get(ECHO)
        assert first.body == answer.body
        assert MARK not in answer.text


def test_a_soap_action_leaves_no_page(site):
    Attacker(HTTP_SOAPACTION='x').strike('/site/doc/page')
    assert 'first text' in Client().get('/site/doc/page').text


# conditions

def test_no_tag_of_others_is_an_oracle(site, client):
    """A 304 tells a visitor only that it holds its own page."""
    set_policy(site, etag='string:same')
    tags = [client.get('/site/doc/page', user)['ETag']
            for user in ('alice', 'root')]
    tags.append(client.get('/site/doc/page', Cookie='_ZopeId=a')['ETag'])
    value = tags[0].rpartition('-')[0].strip('"')
    guesses = ['"same"', f'"{value}"', f'"{value}-"', f'"{value}-*"',
               'W/"same"', f'W/{tags[0]}', *tags]
    for guess in (*guesses, ', '.join(guesses), '"*"', '*, *', '**'):
        answer = client.get('/site/doc/page', If_None_Match=guess)
        assert answer.status == 200, guess
    site.doc.manage_permission('View', ['Manager'])
    transaction.commit()
    for guess in (*tags, '*'):
        assert client.get(
            '/site/doc/page', If_None_Match=guess).status == 401


@pytest.mark.parametrize('headers', [
    {'If_Match': '"x"'}, {'If_Match': '*'}, {'Range': 'bytes=0-1'},
    {'If_Range': '"x"', 'Range': 'bytes=0-1'},
    {'If_Unmodified_Since': 'Sat, 01 Jan 2000 00:00:00 GMT'},
    {'Cache_Control': 'no-cache'}, {'Pragma': 'no-cache'},
    {'Cache_Control': 'only-if-cached'}, {'Expect': '100-continue'},
    {'If_None_Match': '"' + 'a' * 60_000}, {'If_None_Match': ',' * 60_000},
    {'If_None_Match': '"' * 60_000}, {'If_None_Match': '"a" ' * 15_000},
    {'If_None_Match': 'W/' * 30_000}, {'If_Modified_Since': '9' * 60_000},
    {'Accept_Encoding': 'gzip;q=' * 8000}, {'Accept_Encoding': ',' * 60_000},
    {'Accept_Language': 'de;q=0.1,' * 500}],
    ids=lambda headers: '-'.join(headers))
def test_odd_conditions_give_the_page_and_soon(site, client, headers):
    page = client.get('/site/doc/page')
    began = time.perf_counter()
    answer = client.get('/site/doc/page', **headers)
    assert time.perf_counter() - began < 2
    assert (answer.status, answer.body) == (200, page.body)
    assert client.get('/site/doc/page').body == page.body


# headers made from a request

def test_no_value_of_a_policy_ends_a_header(site, client):
    set_policy(site, etag="python: request.form.get('a', 'x')")
    for value in ('%0D%0ASet-Cookie:+a=b', '%0ASet-Cookie:+a=b', '%00', '"',
                  '%0D', '%E2%80%A8Set-Cookie:+a=b', '%FF', '%C4%8D%0A'):
        for _ in range(2):
            answer = client.get(f'/site/doc/page?a=v{value}')
            assert answer['ETag'].startswith('"v')
            assert answer['ETag'].isascii() and answer['ETag'].isprintable()
            assert answer.all('Set-Cookie') == []
    for text in ('a\r\nb', 'a\nb', 'a\x00b', 'a\x7fb', b'a\r\nb', 'a\u2028b'):
        assert not re.search('[\\x00-\\x1f\\x7f]', header_text(text))
        header_text(text).encode('latin-1')


# large values

def test_a_thousand_cookies_leave_no_page(site, client):
    """Zope fails to read so many."""
    cookies = '; '.join(f'c{n}={MARK}' for n in range(2000))
    assert Attacker(HTTP_COOKIE=cookies).strike('/site/doc/page') is None
    assert client.get('/site/doc/page').outcome == 'MISS'


def test_a_query_of_a_hundred_kilobytes_is_one_page(site, client):
    long = 'x' * 100_000
    for path in (f'/site/doc/page?{long}', f'/site/doc/page?a={long}'):
        assert client.get(path).outcome == 'MISS'
        assert client.get(path).outcome == 'HIT'
        assert client.get(f'{path}y').outcome == 'MISS'


def test_ten_thousand_parameters_are_taken_as_they_are(site, client):
    query = '&'.join(f'utm_{n}=1' for n in range(10_000))
    began = time.perf_counter()
    assert client.get(f'/site/doc/page?{query}').outcome == 'MISS'
    assert client.get(f'/site/doc/page?{query}').outcome == 'HIT'
    assert client.get('/site/doc/page').outcome == 'MISS'
    assert time.perf_counter() - began < 10


def test_parameters_that_are_too_many_to_ignore_are_no_way_around(
        whole_form, client):
    many = '&'.join(f'utm_x={n}' for n in range(MAX_FIELDS + 1))
    assert "'utm_x'" in client.get(f'{READ}?{many}').text
    assert "'utm_x'" not in client.get(READ).text


def test_a_large_cookie_is_not_kept(site, client):
    site.page_cache.manage_editProps('', {'session_cookies': ['id']})
    pages = caches.cache_of(site.page_cache).pages
    client.get('/site/doc/page', Cookie='id=a')
    one = pages.counts().bytes
    client.get('/site/doc/page', Cookie='id=' + 'a' * 60_000)
    assert one < pages.counts().bytes < 2 * one + 1000


def test_a_flood_of_urls_stays_within_the_bounds(site, client):
    site.page_cache.manage_editProps('', {'threshold': 20})
    for number in range(60):
        client.get(f'/site/doc/page?{number}={"x" * 1000}')
    cache = caches.cache_of(site.page_cache)
    assert cache.pages.counts().entries <= 20


# cache deception

DECEPTIONS = (
    '/x.css', '/x.js', ';x.css', '%3Bx.css', '%2Fx.css', '%00.css', '.css',
    '?x.css', '#x.css', '%23x.css', '/index.html', '//x.css', '/../x.css',
    '/./logo.png', '%0A.css', '/fspage', '/doc/x.css', '/page', '/@@x.css',
    '/../fspage', '/doc/page', '/favicon.ico', '/robots.txt', '')


def test_no_path_shows_a_members_page_to_others(site):
    set_policy(site, etag='string:same', vary='', no_cache=0, private=1)
    shown = 0
    for tail in DECEPTIONS:
        path = f'/site/doc/page{tail}'
        lured = Attacker().strike(path, user='alice')
        stolen = Attacker().strike(path)
        assert stolen is None or 'alice' not in stolen.text, path
        if lured is not None and 'alice' in lured.text:
            shown += 1
            assert 'private' in lured['Cache-Control'], path
    assert shown > 5


# log records

def test_what_is_logged_is_one_line_whatever_the_url(site, client, caplog):
    set_policy(site, etag='python: 1/0')
    with caplog.at_level(logging.INFO):
        for path in ('/site/doc/page?a=%0AERROR+forged',
                     '/site/x%0AERROR+forged/../doc/page'):
            answer = client.get(
                path, Cookie='a=\nERROR', User_Agent='x\nERROR')
            assert 'detail=policy-error' in answer['Cache-Status']
    ours = [record for record in caplog.records
            if record.name.startswith('Products.PageCacheManager')]
    assert ours
    for record in ours:
        assert '\n' not in record.getMessage()
        assert 'forged' not in record.getMessage()


# the screens

MANAGER = '/site/page_cache'
ADD = '/site/manage_addProduct/PageCacheManager'
SCRIPT = '"><script>stolen=1</script>\'><img src=x onerror=stolen=1>'


def is_clean(answer):
    """Return whether our part of a page shows SCRIPT as text alone."""
    assert answer.status == 200, answer.status
    text = answer.text
    own = text[text.index('<main'):text.index('</main>')]
    return '<script>stolen' not in own and '<img src=x' not in own


@pytest.fixture
def hostile_pages(site, custom, client):
    """Pages with SCRIPT in URL and context, and reasons."""
    name = '<script>stolen=1<script>'
    site._setOb(name, Item(name, 'text'))
    add_template(custom, 'page2', '<p>x</p>')
    for path in ('/site/doc/page?', f'/site/{quote(name)}/page2?'):
        for query in (SCRIPT, quote(SCRIPT), f'{quote(SCRIPT)}=1&utm_x=1'):
            assert client.get(path + query).status == 200
    client.post('/site/doc/page', {SCRIPT: SCRIPT}, None)


NAMED = (
    '', 'find={}', 'sort={}', 'order={}', 'page={}', 'size={}', 'done={}',
    'title={}', 'message={}', 'manage_tabs_message={}', 'id={}', '{}=1',
    'find:list={}', 'find.a:record={}', 'management_view={}', 'error={}',
    'max_age={}', 'key_headers={}', 'results={}', 'URL={}', 'state={}')


@pytest.mark.parametrize('screen', [
    f'{MANAGER}/manage_main', f'{MANAGER}/manage_stats',
    f'{MANAGER}/ZCacheManager_associate',
    f'{ADD}/manage_addPageCacheManagerForm'])
def test_screens_show_scripts_as_text(hostile_pages, client, screen):
    for query in NAMED:
        path = f'{screen}?{query.format(quote(SCRIPT))}'
        answer = client.get(path, 'root')
        assert is_clean(answer), query
        if screen.endswith('manage_stats') and not query:
            assert '&lt;script&gt;stolen=1' in answer.text


@pytest.mark.parametrize('path,form', [
    (f'{MANAGER}/manage_editProps', {'title': SCRIPT, 'max_mib': SCRIPT}),
    (f'{MANAGER}/manage_editProps', {
        'title': SCRIPT, 'max_mib': '1', 'key_headers': SCRIPT,
        'ignored_parameters': SCRIPT, 'active': SCRIPT}),
    (f'{MANAGER}/manage_editProps', {
        'title': SCRIPT, SCRIPT: SCRIPT, 'wait_secs': SCRIPT}),
    (f'{MANAGER}/manage_invalidate', {'paths:list': SCRIPT}),
    (f'{MANAGER}/manage_invalidate', {'paths': SCRIPT, 'find': SCRIPT}),
    (f'{ADD}/manage_addPageCacheManager', {'id': SCRIPT, 'title': SCRIPT})])
def test_forms_with_bad_input_show_scripts_as_text(
        hostile_pages, client, path, form):
    assert is_clean(client.post(path, form))


@pytest.mark.parametrize('name', [
    'manage_main', 'manage_stats', 'ZCacheManager_associate'])
def test_a_hostile_host_is_text_on_the_screens(site, name):
    assert is_clean(Attacker(f'x{SCRIPT}').get(f'{MANAGER}/{name}', 'root'))


@pytest.mark.parametrize('name', [
    'manage_main', 'manage_stats', 'ZCacheManager_associate'])
def test_a_hostile_title_is_text_on_the_screens(site, client, name):
    client.post(f'{MANAGER}/manage_editProps', {'title': SCRIPT})
    answer = client.get(f'{MANAGER}/{name}', 'root')
    assert is_clean(answer)
    assert '<title>"><script>' not in answer.text


REDIRECTS = {
    f'{MANAGER}/manage_purge': {},
    f'{MANAGER}/manage_invalidate': {'paths:list': '/site/doc'},
    f'{MANAGER}/manage_editProps': {'title': 'x'},
    f'{ADD}/manage_addPageCacheManager': {'id': 'new'}}


@pytest.mark.parametrize('path', REDIRECTS)
def test_no_form_field_says_where_a_redirect_leads(site, client, path):
    evil = '//evil.example/\r\nSet-Cookie: a=b'
    form = {**dict.fromkeys((
        'came_from', 'URL', 'URL1', 'url', 'next', 'redirect', 'tab', 'done',
        'RESPONSE', 'find', 'sort', 'order', 'page', 'size', 'Location',
        'HTTP_REFERER', 'BASE1', 'ACTUAL_URL', 'absolute_url'), evil),
        **REDIRECTS[path]}
    answer = client.post(path, form, Referer='http://evil.example/')
    assert answer.status == 302
    parts = urlsplit(answer['Location'])
    assert parts.netloc == HOST and parts.path.startswith('/site/')
    assert not re.search(r'[\r\n ]', answer['Location'])
    assert answer.all('Set-Cookie') == []


@pytest.mark.parametrize('path', REDIRECTS)
def test_what_changes_anything_answers_post_only(site, path):
    def state():
        transaction.begin()
        manager = site.page_cache
        return (
            manager.getSettings(), manager.title, sorted(site.objectIds()),
            manager._purged.value, manager._invalidated.anything.value)

    before = state()
    query = '&'.join(f'{n}={v}' for n, v in REDIRECTS[path].items())
    for method in ('GET', 'HEAD', 'PUT', 'OPTIONS', 'PROPFIND', 'get'):
        try:
            Client().request(
                method, f'{path}?{query}', 'root',
                X_HTTP_Method_Override='POST')
        except Exception:
            transaction.abort()
        assert state() == before, method
    assert Client().request('POST', path, 'root', query).status == 302
    assert state() != before


# bytes through a socket, that no well-behaved client sends

@pytest.fixture
def server(page):
    """The address of a server with the page of ADDRESS."""
    transaction.commit()
    with zope_server() as url:
        yield urlsplit(url).hostname, urlsplit(url).port


def send(server, data):
    """Send bytes; return all bytes of the answer until the server closes."""
    with socket.create_connection(server, 10) as connection:
        connection.settimeout(10)
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        received = []
        while part := connection.recv(65536):
            received.append(part)
        return b''.join(received)


def ask(server, target=ECHO, more='', host='localhost', method='GET',
        body=''):
    lines = [f'{method} {target} HTTP/1.1', f'Host: {host}',
             'Connection: close', *([more] if more else []), '', body]
    return send(server, '\r\n'.join(lines).encode('latin-1'))


def body_of(answer):
    return answer.partition(b'\r\n\r\n')[2]


SMUGGLED = f'GET {ECHO}?smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n'

RAW = (
    {'more': 'Content-Length: 5\r\nContent-Length: 6', 'body': 'abcdef'},
    {'more': 'Content-Length: 3\r\nTransfer-Encoding: chunked',
     'body': f'0\r\n\r\n{SMUGGLED}'},
    {'more': 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
     'body': f'0\r\n\r\n{SMUGGLED}'},
    {'more': 'Transfer-Encoding : chunked', 'body': f'0\r\n\r\n{SMUGGLED}'},
    {'more': 'Content-Length: +5', 'body': f'abcde{SMUGGLED}'},
    {'more': f'Content-Length: {len(SMUGGLED)}', 'body': SMUGGLED},
    {'more': 'Content-Length: 0', 'body': SMUGGLED},
    {'more': f'Content-Type: application/x-www-form-urlencoded\r\n'
             f'Content-Length: {len(MARK) + 2}', 'body': f'a={MARK}'},
    {'target': f'http://{MARK}{ECHO}'}, {'target': f'//{MARK}{ECHO}'},
    {'target': f'https://{MARK}:443{ECHO}'}, {'target': f'{MARK}:80'},
    {'target': f'{ECHO}#{MARK}'}, {'target': '*'},
    {'target': f'{ECHO}%00{MARK}'}, {'target': f'{ECHO}%c0%ae%c0%ae/{MARK}'},
    {'target': f'{ECHO}%0d%0aX-{MARK}:1'}, {'target': f'{ECHO}\x00'},
    {'target': f'{ECHO} {MARK}'}, {'target': f'{ECHO}\t'},
    {'target': f'/{MARK}/..{ECHO}'}, {'target': f'/%2e/{MARK}/%2e%2e{ECHO}'},
    {'target': f'/{MARK}/%252e%252e{ECHO}'},
    {'host': MARK}, {'host': f'{MARK}\r\nHost: localhost'},
    {'host': f'localhost\r\nHost: {MARK}'}, {'host': f'localhost {MARK}'},
    {'host': f'localhost\r\n\t{MARK}'}, {'host': f'{MARK}@localhost'},
    {'host': f'localhost{ECHO}?a={MARK}'},
    *({'more': f'{name}: {MARK}'} for name in (
        'X-Forwarded-Host', 'X-Forwarded-Proto', 'X-Forwarded-Port',
        'X-Forwarded-Prefix', 'X-Forwarded-Server', 'X-Forwarded-By',
        'X-Host', 'X-Original-URL', 'X-Rewrite-URL', 'Forwarded', 'Via',
        'X-Script-Name', 'Script-Name', 'Path-Info', 'Query-String',
        'Request-Method', 'Remote-User', 'HTTP_HOST', 'Server-Url', 'HTTPS',
        'Proxy', 'Redirect-URL', 'Destination', 'Translate', 'Depth',
        'X-HTTP-Method-Override', 'x_tenant', 'Content-Type', 'Upgrade',
        'Front-End-Https', 'X-Url-Scheme', 'VirtualHostBase')),
    {'more': f'Forwarded: host={MARK};proto=https'},
    {'more': f'HOST: {MARK}'}, {'more': f'hOsT : {MARK}'},
    {'more': f'X-A: a\rHost: {MARK}'}, {'more': f'X-A: a\nHost: {MARK}'},
    {'more': f'X-A: a\x00{MARK}'}, {'more': f': {MARK}'}, {'more': MARK},
    {'method': 'TRACE'}, {'method': 'get'}, {'method': 'OPTIONS'},
    {'method': f'GET {MARK}'}, {'method': 'CONNECT'},
    {'target': f'{ECHO}?' + 'a=1&' * 10_000},
    {'target': f'{ECHO}?' + 'x' * 100_000},
    {'more': 'Cookie: ' + 'a' * 200_000}, {'more': 'X: y\r\n' * 300 + 'X: y'})


def test_no_raw_request_leaves_its_mark_on_a_page(page, server):
    clean = body_of(ask(server))
    assert clean.startswith(b'<p>[')
    for request in RAW:
        caches.forget_all()
        assert ask(server, **request)[:6] in (b'HTTP/1', b''), request
        for _ in range(2):
            assert body_of(ask(server)) == clean, request


def test_a_smuggled_request_is_a_body_that_nobody_reads(page, server):
    plain = body_of(ask(server))
    answer = ask(server, more=f'Content-Length: {len(SMUGGLED)}',
                 body=SMUGGLED)
    assert b'smuggled' not in answer
    assert body_of(answer) == plain
    assert body_of(ask(server)) == plain


def test_repeated_headers_are_one_value(page, server):
    page.page_cache.manage_editProps('', {'key_headers': ['X-Tenant']})
    transaction.commit()
    found = [
        re.search(rb'(?i)X-PageCache: (\S+)', ask(server, more=more))[1]
        for more in ('X-Tenant: a', 'X-Tenant: a\r\nX-Tenant: b',
                     'X-Tenant: b\r\nX-Tenant: a', 'x-tenant: a',
                     'X-TENANT: a\r\nx-tenant: b', 'X_Tenant: a')]
    assert found == [b'MISS', b'MISS', b'MISS', b'HIT', b'HIT', b'MISS']


def test_trace_is_not_answered_with_what_was_sent(page, server):
    ask(server)
    answer = ask(server, method='TRACE', more=f'Cookie: a={MARK}')
    assert MARK.encode() not in answer
    assert b'x-pagecache: hit' not in answer.lower()
