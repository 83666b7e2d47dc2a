"""Faults of the cache itself, and other machinery of a site."""
from xmlrpc.client import dumps
from xmlrpc.client import loads

import pytest
import transaction
from App.config import getConfiguration
from Products.SiteAccess.VirtualHostMonster import manage_addVirtualHostMonster
from zope.component import getGlobalSiteManager
from zope.interface import Interface
from zope.interface import implementer
from ZPublisher import pubevents
from ZPublisher.interfaces import IPubEvent
from ZPublisher.WSGIPublisher import publish_module

from ...cmf import policy
from ...interfaces import Claim
from ...interfaces import ISurroundings
from ...key import key
from ...key import visitor
from ...manager import caches
from ...origin import published
from ...origin import surroundings as kinds
from ...origin import view
from ...publisher import sending
from ...request import events
from ...request import exchange
from ...request import miss
from ...request import page_headers
from ...request import rendering
from ..events import handler
from ..site import set_policy
from ..view_cases import ACTING
from ..view_cases import COUNTING
from ..view_cases import ETAG
from ..view_cases import associate
from ..view_cases import is_idle
from ..view_cases import outcomes
from ..view_cases import reason
from ..view_cases import twice
from ..wire.test_faults import failures


pytestmark = pytest.mark.usefixtures('viewed')


@pytest.fixture
def cache(site):
    return caches.cache_of(site.page_cache)


# faults of our own

def broken(*args, **keywords):
    raise RuntimeError('a fault')


@pytest.mark.parametrize(('place', 'name', 'word'), [
    (kinds.Plain, 'claim', None),
    (view.View, 'find_manager', None),
    (view, 'managers', None),
    (published, 'published_view', None),
    (view, 'code_version', 'error'),
    (policy, 'ask', 'policy-error'),
    (key, 'key_parts', 'error'),
    (exchange, 'cache_and_settings', None),
    (kinds.Plain, 'variant', 'error')])
def test_fault_before_rendering(
        client, cache, caplog, monkeypatch, place, name, word):
    plain = client.get(COUNTING)
    monkeypatch.setattr(place, name, broken)
    answer = client.get(COUNTING)
    assert answer.status == 200 and 'first text' in answer.text
    assert answer['Content-Type'] == plain['Content-Type']
    assert answer['X-View'] == 'as it is'
    assert answer.outcome == ('BYPASS' if word else None)
    assert word is None or reason(answer) == word
    assert len(failures(caplog)) == 1 and is_idle(cache)
    monkeypatch.undo()
    assert client.get(COUNTING).outcome == 'HIT'


def test_fault_in_looking_at_a_template(client, caplog, monkeypatch):
    path = '/site/doc/v-template-alone'
    client.get(path)
    monkeypatch.setattr(view, 'template_version', broken)
    answer = client.get(path)
    assert reason(answer) == 'error' and 'first text' in answer.text
    assert len(failures(caplog)) == 1


@pytest.mark.parametrize(('place', 'name'), [
    (sending, 'send_page'), (miss.Miss, '_capture'),
    (miss.Miss, '_why_not_stored'),
    (page_headers, 'of_render')])
def test_fault_after_rendering(
        client, cache, caplog, monkeypatch, place, name):
    monkeypatch.setattr(place, name, broken)
    answer = client.get(COUNTING)
    assert (answer.status, answer.outcome) == (200, 'BYPASS')
    assert 'first text' in answer.text and reason(answer) == 'error'
    assert len(failures(caplog)) == 1 and is_idle(cache)
    assert cache.pages.counts().entries == 0
    assert answer.all('ETag') == []


@pytest.mark.parametrize(('place', 'name', 'path', 'word'), [
    (rendering, 'holds_changes', ACTING, 'wrote-to-database'),
    (visitor, 'is_of_request', ACTING, 'error'),
    (visitor, 'is_of_request', '/site/doc/acting_page', 'error')])
def test_fault_in_looking_at_what_was_rendered(
        client, cache, caplog, monkeypatch, acting, place, name, path, word):
    """A page is not kept if the cache does not know all its properties."""
    acting(lambda request: monkeypatch.setattr(place, name, broken))
    answer = client.get(path)
    assert answer.status == 200 and 'text' in answer.text
    assert reason(answer) == word and answer.all('ETag') == []
    assert failures(caplog) and is_idle(cache)
    assert cache.pages.counts().entries == 0


@pytest.mark.parametrize('name', ['send_page', 'send_not_modified'])
def test_fault_after_a_hit(client, caplog, monkeypatch, name):
    client.get(COUNTING)
    hit = client.get(COUNTING)
    monkeypatch.setattr(sending, name, broken)
    tag = hit['ETag'] if name == 'send_not_modified' else '"none"'
    answer = client.get(COUNTING, If_None_Match=tag)
    assert (answer.status, answer.body) in ((200, hit.body), (304, b''))
    assert len(failures(caplog)) == 1


def test_store_that_fails(client, cache, caplog, monkeypatch):
    monkeypatch.setattr(type(cache.pages), 'set', broken)
    first, second = twice(client, COUNTING)
    assert first.status == second.status == 200
    assert cache.tally.counts()['ERROR', 'store'] == 2
    # the same failure is logged once a minute
    assert len(failures(caplog)) == 1 and is_idle(cache)


def test_nothing_is_logged(client, caplog):
    twice(client, COUNTING)
    client.get(COUNTING, If_None_Match='*')
    client.head(COUNTING)
    assert failures(caplog) == []


# answers of other parts of a site

@implementer(ISurroundings)
class Says:
    answer = None
    more = ()
    has_no_templates = False
    headers_of_all = frozenset()
    silenced = 0

    def __init__(self, site):
        pass

    def silence(self, request):
        Says.silenced += 1

    def claim(self, request):
        return self.answer

    def vary_by(self, request, language):
        return ()

    def language(self, request):
        return ''

    def variant(self, context, request):
        return self.more

    def cookies(self, request):
        return ()


@pytest.fixture
def says(monkeypatch):
    registry = getGlobalSiteManager()
    registry.registerAdapter(Says, (Interface,))
    yield lambda name, value: monkeypatch.setattr(Says, name, value)
    registry.unregisterAdapter(Says, (Interface,))


@pytest.mark.parametrize(('claim', 'expected'), [
    (None, [None, None]), (Claim(True), ['MISS', 'HIT']),
    (Claim(True, 'page_cache'), ['MISS', 'HIT']),
    (Claim(True, 'nobody'), [None, None]), (Claim(False), [None, None])])
def test_claim_on_a_view_that_is_not_associated(
        site, client, says, claim, expected):
    associate(site)
    says('answer', claim)
    assert outcomes(client, COUNTING) == expected


def test_view_that_another_cache_keeps_is_not_kept(client, says):
    says('answer', Claim(False))
    for answer in twice(client, COUNTING):
        assert reason(answer) == 'other-cache' and answer.all('ETag') == []


@pytest.mark.parametrize('why', ['other-cache', 'no-caching'])
@pytest.mark.parametrize('path', [COUNTING, '/site/doc/page'])
def test_page_of_other_machinery_says_why_it_is_not_kept(
        client, says, path, why):
    says('answer', Claim(False, why_not=why))
    for answer in twice(client, path):
        assert answer.outcome == 'BYPASS' and reason(answer) == why


def test_template_in_a_view_that_another_cache_keeps_is_not_kept(
        site, client, says, item):
    item('act', lambda self, request: self.page())
    associate(site)
    assert outcomes(client, ACTING) == ['MISS', 'HIT']
    says('answer', Claim(False))
    for answer in twice(client, ACTING):
        assert reason(answer) == 'other-cache'


@pytest.mark.parametrize('path', [COUNTING, '/site/doc/page'])
def test_page_that_other_machinery_leaves_alone_is_kept(
        site, client, says, path):
    says('answer', Claim(False, why_not=''))
    says('silenced', 0)
    set_policy(site, etag=ETAG)
    miss, hit = twice(client, path)
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    # other code may take a date alone for the newest date
    assert miss.all('Last-Modified') == hit.all('Last-Modified') == []
    assert len(hit.all('ETag')) == 1
    assert Says.silenced == (0 if path == COUNTING else 2)


def test_claim_on_a_view_is_none_on_its_methods(site, client, says):
    associate(site)
    says('answer', Claim(True))
    assert outcomes(client, '/site/doc/v-own') == ['MISS', 'HIT']
    assert outcomes(client, '/site/doc/v-own/other') == [None, None]


def test_what_a_page_depends_on_besides(site, client, says):
    # no commit tells of it
    site.page_cache.manage_editProps('', {'late_ms': 0})
    client.get(COUNTING)
    for more in (('a',), ('b',)):
        says('more', more)
        assert outcomes(client, COUNTING) == ['MISS', 'HIT']


def test_another_claim_is_asked_about(site, client, says, item):
    asked = []
    item('stamp', lambda self: asked.append(1) or 'same')
    site.page_cache.manage_editProps('', {'late_ms': 60_000})
    set_policy(site, etag='python: object.stamp()')
    for claim in (None, Claim(False, why_not='')):
        says('answer', claim)
        twice(client, COUNTING)
        del asked[:]
        client.get(COUNTING)
        assert asked == []
    says('answer', Claim(True))
    client.get(COUNTING)
    assert asked == [1]


# the stand-in

@pytest.mark.parametrize('arguments', [(), ('from the caller',)])
def test_call_from_a_program_is_answered_by_the_view(
        client, monkeypatch, arguments):
    monkeypatch.setattr(
        getConfiguration(), 'enable_xmlrpc', True, raising=False)
    client.get('/site/doc/v-arguments')
    call = dumps(arguments, 'v-arguments').encode()
    environ = client.environ('POST', '/site/doc', call, None, {})
    environ['CONTENT_TYPE'] = 'text/xml'
    transaction.commit()
    body = b''.join(publish_module(environ, lambda *args: None))
    (text,), _ = loads(body)
    assert text.startswith(f'<p>{arguments[0] if arguments else "none"} ')


def as_without_a_cache(request, touches, *args, **keywords):
    del request.__dict__['traverse']
    return request.traverse(*args, **keywords)


@pytest.mark.parametrize('path', ['doc/v-writing', 'doc/v-by-method'])
@pytest.mark.parametrize('host', [
    '', '/VirtualHostBase/http/h.example:80/site/VirtualHostRoot'])
def test_transaction_is_described_as_ever(
        app, client, monkeypatch, path, host):
    """People undo by that."""
    described = []

    def note(event):
        if type(event) is pubevents.PubBeforeCommit:
            described.append(transaction.get().description)

    manage_addVirtualHostMonster(app)
    with handler(note, IPubEvent):
        client.get(f'{host}/{path}' if host else f'/site/{path}')
        monkeypatch.setattr(events.traversal, 'traverse', as_without_a_cache)
        client.get(f'{host}/{path}' if host else f'/site/{path}')
    assert described[0] == described[1]
    assert described[0].startswith(f'/site/{path}')
