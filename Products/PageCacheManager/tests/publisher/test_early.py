"""Reads, references and effects of a page before it is rendered.

Each test compares the answer with the one without a cache.
"""
import logging
import sys
import threading
import uuid
from contextlib import suppress
from types import SimpleNamespace

import pytest
import transaction
from Products.PythonScripts.PythonScript import PythonScript
from zope.interface import implementer
from zope.publisher.interfaces import IPublishTraverse
from zope.publisher.interfaces.browser import IBrowserPublisher
from ZPublisher.interfaces import IPubAfterTraversal

from ...publisher import noting
from ..lane_client import LaneClient
from ..site import Item
from ..site import add_template
from ..site import set_policy
from ..view_cases import ACTING
from .early import Base
from .early import V
from .early import off


KEPT = {
    'cookies': (lambda r: r.cookies, lambda m: m.get('theme', 'none')),
    'tainted': (lambda r: r.taintedcookies,
                lambda m: m.get('theme', 'none')),
    'environ': (lambda r: r.environ, lambda m: m.get('HTTP_COOKIE', 'none')),
    'bound': (lambda r: r.cookies.get, lambda get: get('theme', 'none')),
    'request': (lambda r: r.get, lambda get: get('theme', 'none')),
}


@pytest.mark.parametrize('what', KEPT)
def test_mapping_kept_by_the_constructor(register, site, client, what):
    keep, read = KEPT[what]

    class View(Base):
        def __init__(self, context, request):
            super().__init__(context, request)
            self.kept = keep(request)

        def __call__(self):
            return f'<p>{read(self.kept)}</p>'
    register(View)

    def ask():
        return [client.get(V, Cookie='theme=<dark>').text,
                client.get(V).text,
                client.get(V, Cookie='theme=<dark>').text]
    expected = off(site, ask)
    assert ask() == expected


@pytest.mark.parametrize('what', KEPT)
def test_mapping_kept_by_publish_traverse(register, site, client, what):
    keep, read = KEPT[what]

    @implementer(IPublishTraverse)
    class View(Base):
        def publishTraverse(self, request, name):
            self.kept = keep(request)
            return self

        def __call__(self):
            return f'<p>{read(self.kept)}</p>'
    register(View)

    def ask():
        return [client.get(V + '/x', Cookie='theme=<dark>').text,
                client.get(V + '/x').text]
    expected = off(site, ask)
    assert ask() == expected


def test_called_template_after_script_that_read_a_cookie(site, client):
    set_policy(site, etag='string:same')
    custom = site.portal_skins.custom
    add_template(custom, 'inner', '<p tal:content="request/theme_of">x</p>')
    custom._setObject('outer', PythonScript('outer'))
    custom.outer.write(
        'r = context.REQUEST\n'
        'r.set("theme_of", r.cookies.get("theme", "none"))\n'
        'return context.inner()')

    def ask():
        return [client.get('/site/doc/outer', Cookie='theme=dark').text,
                client.get('/site/doc/outer').text]
    expected = off(site, ask)
    assert ask() == expected


@pytest.mark.parametrize('path', [ACTING, '/site/doc/acting_page'])
def test_environ_is_a_dict_for_wsgi(acting, site, client, path):
    webob = pytest.importorskip('webob')
    acting(lambda request: webob.Request(request.environ).path)
    assert off(site, lambda: client.get(path).status) == 200
    assert client.get(path).status == 200


def test_environ_passes_to_a_wsgi_application(acting, client, site):
    from wsgiref.validate import validator

    def application(environ, start_response):
        start_response('200 OK', [('Content-Type', 'text/plain')])
        return [b'x']

    def act(request):
        result = validator(application)(
            request.environ, lambda s, h, e=None: lambda data: None)
        list(result), result.close()
    client.environ, plain = (
        lambda *a: {**plain(*a), 'wsgi.version': (1, 0),
                    'wsgi.errors': sys.stderr, 'wsgi.multithread': False,
                    'wsgi.multiprocess': False, 'wsgi.run_once': False},
        client.environ)
    acting(act)
    assert off(site, lambda: client.get(ACTING).status) == 200
    assert client.get(ACTING).status == 200


def test_cookie_called_plain(site, client):
    set_policy(site, etag='string:same')
    add_template(
        site.portal_skins.custom, 'read',
        '<p tal:content="request/cookies/plain | string:none">x</p>')

    def ask():
        return [client.get('/site/doc/read', Cookie='plain=<dark>; b=c').text,
                client.get('/site/doc/read').text]
    expected = off(site, ask)
    assert ask() == expected


@pytest.mark.parametrize('act', [
    lambda self: self.request.response.addHeader('X-Seen', 'a'),
    lambda self: self.request.response.appendHeader('X-Seen', 'a'),
    lambda self: self.request.response.setCookie('a', 'b'),
    lambda self: self.request.response.appendCookie('a', 'b'),
    lambda self: self.request.set('n', self.request.get('n', 0) + 1),
    lambda self: self.request.form.pop('word'),
    lambda self: setattr(
        self.context, 'visits', getattr(self.context, 'visits', 0) + 1),
    lambda self: self.request.response.redirect('/elsewhere'),
    lambda self: self.request.response.setStatus(203),
    lambda self: self.request.response.write(b'early'),
], ids=['addHeader', 'appendHeader', 'setCookie', 'appendCookie', 'set',
        'pop', 'write', 'redirect', 'status', 'stream'])
def test_constructor_with_effects(register, site, client, act):
    class View(Base):
        def __init__(self, context, request):
            super().__init__(context, request)
            act(self)

        def __call__(self):
            return (f'<p>{self.request.get("n")} {getattr(Item, "made", 0)}'
                    f' {getattr(self.context, "visits", 0)}</p>')
    register(View)
    ours = ('x-pagecache', 'cache-status', 'date', 'etag', 'cache-control',
            'vary', 'last-modified', 'expires', 'content-length')

    def ask():
        Item.made = 0
        site.doc.visits = 0
        transaction.commit()
        found = []
        for _ in range(2):
            answer = client.get(V + '?word=a')
            transaction.begin()
            found.append((answer.status, answer.text, sorted(
                (n, v) for n, v in answer.lines if n.lower() not in ours)))
        return found
    try:
        expected = off(site, ask)
        assert ask() == expected
    finally:
        del Item.made


def test_constructor_with_more_arguments(register, site, client, caplog):
    class View(Base):
        def __init__(self, context, request, more):
            super().__init__(context, request)
            self.more = more

        def __call__(self):
            return f'<p>{self.more}</p>'

    def make(context, request):
        view = View(context, request, 'more')
        view.__name__ = 'v-mine'
        return view
    register(View, make)
    with caplog.at_level(logging.ERROR):
        for _ in range(2):
            assert 'more' in client.get(V).text
        assert caplog.text == ''


def test_cookies_read_in_a_thread(acting, site, item, client):
    def run(self, request):
        found = []
        thread = threading.Thread(
            target=lambda: found.append(request.cookies.get('theme', 'none')))
        thread.start(), thread.join()
        return f'<p>{found[0]}</p>'
    item('act', run)

    def ask():
        return [client.get(ACTING, Cookie='theme=dark').text,
                client.get(ACTING).text]
    expected = off(site, ask)
    assert ask() == expected


def test_cookies_kept_beyond_the_request(acting, site, item, client):
    kept = []

    def run(self, request):
        kept.append((request.cookies, request.environ))
        return '<p>x</p>'
    item('act', run)
    client.get(ACTING, Cookie='theme=dark')
    cookies, environ = kept[0]
    assert dict(cookies) == {'theme': 'dark'}
    assert environ.get('HTTP_COOKIE') == 'theme=dark'


def test_nonce_of_the_constructor(register, site, client):
    class View(Base):
        def __init__(self, context, request):
            super().__init__(context, request)
            self.nonce = uuid.uuid4().hex
            request.response.setHeader(
                'Content-Security-Policy',
                f"script-src 'nonce-{self.nonce}'")

        def __call__(self):
            return f'<html><script nonce="{self.nonce}">1</script></html>'
    register(View)

    def ask():
        answers = [client.get(V) for _ in range(4)]
        return [a.text.split('"')[1] in a['Content-Security-Policy']
                for a in answers]
    assert off(site, ask) == [True] * 4
    assert ask() == [True] * 4


def test_token_of_the_constructor(register, site, client):
    """A cookie and a field of a form have the same token."""
    class View(Base):
        def __init__(self, context, request):
            super().__init__(context, request)
            self.token = uuid.uuid4().hex
            request.response.setCookie('csrf', self.token)

        def __call__(self):
            return f'<html><input value="{self.token}"></html>'
    register(View)

    def ask():
        answers = [client.get(V) for _ in range(4)]
        return [a.text.split('"')[1] in a['Set-Cookie'] for a in answers]
    assert off(site, ask) == [True] * 4
    assert ask() == [True] * 4


def test_one_time_token_in_traversal(register, site, client):
    """A link that holds once: the second look finds it used up."""
    tokens = {'a1': 'welcome', 'a2': 'welcome'}

    @implementer(IPublishTraverse)
    class View(Base):
        def publishTraverse(self, request, name):
            self.found = request.form.setdefault(
                'greeting', tokens.pop(name, 'used up'))
            return self

        def __call__(self):
            return f'<p>{self.request.form["greeting"]}</p>'
    register(View)
    expected = off(site, lambda: client.get(V + '/a1').text)
    assert client.get(V + '/a2').text == expected


def test_publish_traverse_that_counts_names(register, site, client):
    """Names are gathered in the request, as a template likes them."""
    @implementer(IPublishTraverse)
    class View(Base):
        def publishTraverse(self, request, name):
            request.set('names', request.get('names', ()) + (name,))
            return self

        def __call__(self):
            return f'<p>{"/".join(self.request["names"])}</p>'
    register(View)
    expected = off(site, lambda: client.get(V + '/a/b').text)
    assert client.get(V + '/a/b').text == expected


@pytest.mark.parametrize('way', ['bobo', 'getitem', 'default'])
def test_other_ways_of_traversal_that_read(register, site, client, way):
    class View(Base):
        theme = 'none'

        def read(self, request):
            self.theme = request.cookies.get('theme', 'none')
            return self

        def __call__(self):
            return f'<p>{self.theme}</p>'
    if way == 'bobo':
        View.__bobo_traverse__ = lambda self, request, name: self.read(request)
    elif way == 'getitem':
        View.__getitem__ = lambda self, name: self.read(self.request)
    else:
        def default(self, request):
            self.read(request)
            return self, ()
        View.browserDefault = default
        View = implementer(IBrowserPublisher)(View)
        View.publishTraverse = lambda self, request, name: self
    register(View)
    path = V if way == 'default' else V + '/x'

    def ask():
        return [client.get(path, Cookie='theme=dark').text,
                client.get(path).text]
    expected = off(site, ask)
    assert expected[0] != expected[1]
    assert ask() == expected


def test_session_object_made_before(register, site, client, subscribe):
    """As collective.beaker does: made at the start, read when needed."""
    class Session:
        def __init__(self, environ):
            self._environ = environ

        def user(self):
            return self._environ.get('HTTP_COOKIE', 'none')

    class View(Base):
        def __call__(self):
            return f'<p>{self.request["sess"].user()}</p>'
    register(View)
    subscribe(
        lambda event: event.request.set(
            'sess', Session(event.request.environ)),
        IPubAfterTraversal)

    def ask():
        return [client.get(V, Cookie='beaker.session.id=secret').text,
                client.get(V).text]
    expected = off(site, ask)
    assert ask() == expected


def test_lasting_cookie_of_the_constructor_is_told_apart(
        register, site, client):
    """Line 22: a view that sets a cookie on each GET."""
    made = []

    class View(Base):
        def __init__(self, context, request):
            super().__init__(context, request)
            made.append(1)
            request.response.setCookie('seen', 'yes')

        def __call__(self):
            return '<p>x</p>'
    register(View)
    for _ in range(5):
        client.get(V)
    del made[:]
    client.get(V)
    assert made == [1]


def test_head_makes_no_more_views_than_without(register, site, client):
    class View(Base):
        def __init__(self, context, request):
            super().__init__(context, request)
            Item.made = getattr(Item, 'made', 0) + 1

        def __call__(self):
            return '<p>x</p>'
    register(View)

    def ask():
        Item.made = 0
        with suppress(AttributeError):
            client.head(V)
        return Item.made
    try:
        expected = off(site, ask)
        client.get(V)
        assert ask() <= expected
    finally:
        del Item.made


def test_lane_gives_a_kept_cookie(register, site):
    class View(Base):
        def __init__(self, context, request):
            super().__init__(context, request)
            self.cookies = request.cookies

        def __call__(self):
            return f'<p>{self.cookies.get("theme", "none")}</p>'
    register(View)
    client = LaneClient()
    assert 'dark' in client.get(V, Cookie='theme=dark').text
    answers = [client.get(V) for _ in range(3)]
    assert all('none' in a.text for a in answers)


def test_constructor_that_refuses_the_second_time(
        register, site, client, caplog):
    from zExceptions import NotFound
    used = set()

    class View(Base):
        def __init__(self, context, request):
            super().__init__(context, request)
            word = request.form['word']
            if word in used:
                raise NotFound(word)
            used.add(word)

        def __call__(self):
            return '<p>x</p>'
    register(View)
    with caplog.at_level(logging.ERROR):
        assert client.get(V + '?word=a').status == 200
        assert 'cache failed' not in caplog.text


def test_mail_that_the_constructor_sends(register, site, client):
    sent = []

    class View(Base):
        def __init__(self, context, request):
            super().__init__(context, request)
            transaction.get().addAfterCommitHook(
                lambda ok: sent.append('mail'))

        def __call__(self):
            return '<p>x</p>'
    register(View)
    off(site, lambda: client.get(V))
    assert sent == ['mail']
    client.get(V)
    assert sent == ['mail'] * 2


def test_rights_that_the_constructor_lends(register, site, client):
    """A second constructor must not find the rights of the first."""
    from AccessControl import getSecurityManager
    names = []

    class View(Base):
        def __init__(self, context, request):
            super().__init__(context, request)
            names.append(getSecurityManager().getUser().getUserName())

        def __call__(self):
            return f'<p>{names}</p>'
    register(View)
    expected = off(site, lambda: client.get(V, 'alice').text)
    del names[:]
    assert client.get(V, 'alice').text == expected


@pytest.mark.parametrize('read', [
    lambda r: r._orig_env.get('HTTP_COOKIE', 'none'),
    lambda r: r.__class__(
        r.stdin, r._orig_env, r.response.__class__()).cookies.get(
            'theme', 'none'),
], ids=['_orig_env', 'made of it'])
def test_environ_as_it_came(acting, site, client, item, read):
    item('act', lambda self, request: f'<p>{read(request)}</p>')

    def ask():
        return [client.get(ACTING, Cookie='theme=dark').text,
                client.get(ACTING).text]
    expected = off(site, ask)
    assert ask() == expected


def test_copy_made_by_the_constructor(register, site, client):
    class View(Base):
        def __init__(self, context, request):
            super().__init__(context, request)
            self.copy = request.clone()

        def __call__(self):
            return f'<p>{self.copy.cookies.get("theme", "none")}</p>'
    register(View)

    def ask():
        return [client.get(V, Cookie='theme=dark').text, client.get(V).text]
    expected = off(site, ask)
    assert ask() == expected


def test_environ_kept_for_the_session_of_a_filter(register, site, client):
    class View(Base):
        def __init__(self, context, request):
            super().__init__(context, request)
            self.environ = request.environ

        def __call__(self):
            return f'<p>{self.environ["beaker.session"]}</p>'
    register(View)
    plain = client.environ

    def ask():
        found = []
        for name in 'ab':
            client.environ = lambda *a, name=name: {
                **plain(*a), 'beaker.session': name}
            found.append(client.get(V).text)
        return found
    expected = off(site, ask)
    assert ask() == expected


def test_origin_kept_by_the_constructor(register, site, client):
    class View(Base):
        def __init__(self, context, request):
            super().__init__(context, request)
            self.environ = request.environ

        def __call__(self):
            return f'<p>{self.environ.get("HTTP_ORIGIN")}</p>'
    register(View)

    def ask():
        return [client.get(V, Origin=f'https://{name}.org').text
                for name in 'ab']
    expected = off(site, ask)
    assert ask() == expected


def test_session_kept_by_the_constructor(register, site, client):
    """Right today: to look for it by then counts."""
    class View(Base):
        def __init__(self, context, request):
            super().__init__(context, request)
            self.session = request.environ.get('beaker.session')

        def __call__(self):
            return f'<p>{self.session}</p>'
    register(View)
    plain = client.environ

    def ask():
        found = []
        for name in 'ab':
            client.environ = lambda *a, name=name: {
                **plain(*a), 'beaker.session': name}
            found.append(client.get(V).text)
        return found
    expected = off(site, ask)
    assert ask() == expected


def test_user_that_the_constructor_saw(register, site, client):
    """Traversal has no user yet, but the second constructor has one."""
    from AccessControl import getSecurityManager

    class View(Base):
        def __init__(self, context, request):
            super().__init__(context, request)
            request.set('is_anonymous', getSecurityManager().getUser(
                ).getUserName() == 'Anonymous User')

        def __call__(self):
            return f'<p>{self.request["is_anonymous"]}</p>'
    register(View)
    expected = off(site, lambda: client.get(V, 'alice').text)
    assert client.get(V, 'alice').text == expected


def test_page_that_is_never_kept_is_made_as_ever(register, site, client):
    """Without an ETag nothing can be kept, so nothing need be watched."""
    made = []

    class View(Base):
        def __init__(self, context, request):
            super().__init__(context, request)
            made.append(type(request.environ))

        def __call__(self):
            made.append(type(self.request.environ))
            return '<p>x</p>'
    register(View)
    set_policy(site, etag='', last_modified=0)
    assert client.get(V).outcome == 'NO-ETAG'
    assert made == [dict, dict]


def test_page_that_nobody_keeps_costs_no_looks_at_the_stack(
        site, client, item, monkeypatch):
    """A page of Plone reads a thousand names, many calls deep."""
    looks = []

    def getframe(depth):
        looks.append(depth)
        return sys._getframe(depth + 1)

    def method(self, REQUEST):
        """Give the page."""
        for _ in range(100):
            REQUEST.get('theme')
            REQUEST.cookies.get('theme')
        return 'x'

    item('reading', method)
    monkeypatch.setattr(noting, 'sys', SimpleNamespace(_getframe=getframe))
    assert client.get('/site/doc/reading').text == 'x'
    assert 0 < len(looks) < 10
