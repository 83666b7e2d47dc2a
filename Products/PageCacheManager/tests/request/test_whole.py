"""Whole pages only: a fragment, a failure or a stream is no page."""
from email.utils import parsedate

import pytest
import transaction
from Products.PythonScripts.PythonScript import PythonScript
from zope.component.hooks import setSite
from ZPublisher.interfaces import IPubBeforeCommit

from ...manager import caches
from ..site import Item
from ..site import add_template
from ..site import set_policy
from ..view_cases import is_idle


def add_script(container, name, body, params=''):
    script = PythonScript(name)
    container._setObject(name, script)
    container[name].ZPythonScript_edit(params, body)


@pytest.fixture
def custom(site):
    return site.portal_skins.custom


def twice(client, path, **headers):
    transaction.commit()
    return client.get(path, **headers), client.get(path, **headers)


def test_a_fragment_in_an_associated_page(custom, client):
    add_template(custom, 'outer', '''<div>outer
      <tal:x content="structure context/page" /></div>''')
    client.get('/site/doc/page')
    miss, hit = twice(client, '/site/doc/outer')
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert b'outer' in hit.body and hit.body == miss.body
    inner = client.get('/site/doc/page')
    assert inner['ETag'] != miss['ETag'] and b'outer' not in inner.body


@pytest.mark.parametrize('inner', ['page', 'fspage'])
def test_a_fragment_touches_nothing_of_the_page_around_it(
        site, custom, client, inner):
    add_template(custom, 'plain', f'''<div>outer
      <tal:x content="structure context/{inner}" /></div>''', False)
    transaction.commit()
    own = client.get(f'/site/doc/{inner}')
    before = Item.renders
    for tag in (own['ETag'], '*'):
        for _ in range(2):
            answer = client.get('/site/doc/plain', If_None_Match=tag)
            assert answer.status == 200
            assert b'outer' in answer.body and b'first text' in answer.body
            for name in ('ETag', 'Last-Modified', 'Cache-Control', 'Expires'):
                assert answer.all(name) == [], name
            assert answer.outcome == 'BYPASS'
            assert 'detail=fragment' in answer['Cache-Status']
    assert Item.renders == before + 4


def test_a_script_that_passes_the_page_on(custom, client):
    add_script(custom, 'passer', 'return context.page()')
    miss, hit = twice(client, '/site/doc/passer')
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert hit.body == miss.body
    assert hit.stable_headers() == miss.stable_headers()
    answer = client.get('/site/doc/passer', If_None_Match=hit['ETag'])
    assert (answer.status, answer.body) == (304, b'')


def test_a_template_that_fails_in_a_script_lets_nobody_wait(
        site, custom, client, item):
    def boom(self):
        raise ValueError('on purpose')
    item('boom', boom)
    add_template(custom, 'bad', '<p tal:content="context/boom">x</p>')
    add_script(custom, 'careful', '''
try:
    return context.bad()
except ValueError:
    return 'left out'
''')
    flights = caches.cache_of(site.page_cache).flights
    for answer in twice(client, '/site/doc/careful'):
        assert answer.text == 'left out'
        assert 'detail=fragment' in answer['Cache-Status']
        assert not flights._flights
    assert len(flights._refused) == 1


def test_304_for_a_script_where_nothing_is_stored(site, custom, client):
    add_script(custom, 'passer', 'return context.page()')
    transaction.commit()
    tag = client.get('/site/doc/passer')['ETag']
    caches.forget_all()
    Item.renders -= 1  # the page shows it
    answer = client.get('/site/doc/passer', If_None_Match=tag)
    assert (answer.status, answer.body) == (304, b'')
    assert client.get('/site/doc/passer').outcome == 'HIT'


def test_a_caller_gets_str_and_may_change_it(custom, client):
    add_script(custom, 'upper', '''
text = context.page()
assert same_type(text, '')
return text.replace('first', 'second')''')
    client.get('/site/doc/page')
    for answer in twice(client, '/site/doc/upper'):
        assert answer.status == 200
        assert b'second text' in answer.body
        assert answer.all('ETag') == []
        assert answer.outcome == 'BYPASS'


def test_what_a_caller_sets_after_the_call_stands(custom, client):
    add_template(custom, 'own', '''<p tal:define="
        x python: request.RESPONSE.setHeader('X-Own', 'template')">x</p>''')
    add_script(custom, 'later', '''
text = context.own()
response = context.REQUEST.RESPONSE
response.setHeader('Content-Type', 'text/plain')
response.setHeader('Cache-Control', 'max-age=7')
response.setHeader('X-Own', 'script')
return text''')
    miss, hit = twice(client, '/site/doc/later')
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    for answer in (miss, hit):
        assert answer['Content-Type'].startswith('text/plain')
        assert answer['Cache-Control'] == 'max-age=7'
        assert answer['X-Own'] == 'script'
        assert answer.all('ETag')
    assert hit.stable_headers() == miss.stable_headers()


def test_a_script_gets_arguments_through(custom, client):
    add_template(custom, 'args', '<p tal:content="options/x">x</p>')
    add_script(
        custom, 'caller',
        'return context.args(x=int(context.REQUEST.get("x", 1)))')
    for x in (1, 2, 1, 2):
        answer = twice(client, f'/site/doc/caller?x={x}')[1]
        assert f'<p>{x}</p>' in answer.text
        assert answer.outcome == 'HIT'


def test_arguments_without_a_spelling_bypass(custom, client):
    add_template(custom, 'args', '<p tal:content="options/x/getId">x</p>')
    add_script(custom, 'caller', 'return context.args(x=context)')
    for answer in twice(client, '/site/doc/caller'):
        assert (answer.status, answer.outcome) == (200, 'BYPASS')
        assert 'unkeyed-arguments' in answer['Cache-Status']
        assert answer.all('Cache-Control')
        assert answer.all('ETag') == []


@pytest.mark.parametrize('code,status', [
    ('request.RESPONSE.setStatus(404)', 404),
    ("request.RESPONSE.redirect('http://x/')", 302),
    ('request.RESPONSE.setStatus(503)', 503)])
def test_other_statuses_stay_what_they_are(custom, client, code, status):
    add_template(custom, 'other', f'<p tal:define="x python: {code}">x</p>')
    for answer in twice(client, '/site/doc/other'):
        assert answer.status == status
        assert answer.all('ETag') == []
        assert answer.outcome == 'BYPASS'
        assert 'detail=status' in answer['Cache-Status']


@pytest.mark.parametrize('code,reason', [
    ("r.setCookie('a', 'b')", 'set-cookie'),
    ("r.setHeader('Set-Cookie', 'a=b')", 'set-cookie'),
    ("r.addHeader('Set-Cookie', 'a=b')", 'set-cookie'),
    ("r.setHeader('Cache-Control', 'no-store')", 'no-store'),
    ("r.setHeader('Vary', '*')", 'vary-any'),
    ("r.setHeader('Content-Security-Policy', "
     "'script-src \\'nonce-abc\\'')", 'nonce')])
def test_what_is_never_stored(custom, client, code, reason):
    add_template(custom, 'never', f'''<p tal:define="
        r request/RESPONSE; x python: {code}"
        tal:content="context/count_render">x</p>''')
    first, second = twice(client, '/site/doc/never')
    assert first.body != second.body
    for answer in (first, second):
        assert (answer.status, answer.outcome) == (200, 'BYPASS')
        assert f'detail={reason}' in answer['Cache-Status']
        assert 'stored' not in answer['Cache-Status']
    if reason == 'set-cookie':
        assert second.all('Set-Cookie')


def test_no_store_of_the_template_stands(custom, client):
    add_template(custom, 'secret', '''<p tal:define="
        x python: request.RESPONSE.setHeader(
            'Cache-Control', 'no-store')">x</p>''')
    for answer in twice(client, '/site/doc/secret'):
        assert answer['Cache-Control'] == 'no-store'


def test_no_store_of_the_policy(site, client):
    set_policy(site, no_store=1)
    for answer in twice(client, '/site/doc/page'):
        assert 'detail=no-store' in answer['Cache-Status']


def test_arguments_without_a_spelling_leave_the_date(custom, client):
    add_template(custom, 'asked', '<p tal:content="context/text">x</p>')
    add_script(custom, 'asking', 'return context.asked(x=context)')
    answer = client.get('/site/doc/asking')
    assert 'detail=unkeyed-arguments' in answer['Cache-Status']
    assert parsedate(answer['Last-Modified'])


def test_vary_any_of_the_policy(site, client):
    set_policy(site, vary='*')
    for answer in twice(client, '/site/doc/page'):
        assert 'detail=vary-any' in answer['Cache-Status']
        assert answer['Vary'] == '*'
        assert answer.all('Last-Modified') == []


def test_a_streamed_body_is_no_page(custom, client):
    add_template(custom, 'streamed', '''<p tal:define="
        x python: request.RESPONSE.write(b'streamed')">x</p>''')
    for answer in twice(client, '/site/doc/streamed'):
        assert b'streamed' in answer.body
        assert 'detail=streamed' in answer['Cache-Status']
        assert answer.all('ETag') == []


def test_an_empty_body_is_no_page(custom, client):
    add_template(custom, 'empty', '<tal:x />')
    for answer in twice(client, '/site/doc/empty'):
        assert answer.outcome == 'BYPASS'


def test_a_doomed_transaction_stores_nothing(custom, client):
    Item.doom = lambda self: transaction.doom() or ''
    add_template(custom, 'doomed', '<p tal:content="context/doom">x</p>')
    try:
        for answer in twice(client, '/site/doc/doomed'):
            assert 'detail=doomed' in answer['Cache-Status']
    finally:
        del Item.doom


def test_nobody_waits_for_a_page_that_was_doomed_later(
        site, client, subscribe):
    begun = []

    def doom(event):
        begun.append(event)
        if len(begun) == 1:
            transaction.doom()
    subscribe(doom, IPubBeforeCommit)
    client.get('/site/doc/page')
    assert is_idle(caches.cache_of(site.page_cache))
    assert [answer.outcome for answer in twice(
        client, '/site/doc/page')] == ['MISS', 'HIT']


@pytest.mark.parametrize('max_page_kib', [1, 4096])
def test_no_browser_keeps_a_page_of_a_doomed_transaction(
        site, custom, client, max_page_kib):
    def doom(self):
        if self.REQUEST.get_header('X-Doom'):
            self.text = 'never committed'
            transaction.doom()
        return '.' * 2000

    Item.doom = doom
    add_template(
        custom, 'doomed', '<i tal:content="context/doom">x</i>'
        '<p tal:content="context/text">x</p>')
    site.page_cache.manage_editProps('', {'max_page_kib': max_page_kib})
    try:
        doomed = client.get('/site/doc/doomed', X_Doom='yes')
        assert 'never committed' in doomed.text
        assert doomed.all('ETag') == doomed.all('Last-Modified') == []
        answer = client.get('/site/doc/doomed')
        assert 'first text' in answer.text
        answer = client.get('/site/doc/doomed', If_None_Match=answer['ETag'])
        assert answer.status == 304
    finally:
        del Item.doom


def test_a_touched_session_is_not_stored(custom, client):
    Item.touch = lambda self: self.REQUEST.set('SESSION', {}) or ''
    add_template(custom, 'session', '<p tal:content="context/touch">x</p>')
    try:
        for answer in twice(client, '/site/doc/session'):
            assert 'detail=session' in answer['Cache-Status']
    finally:
        del Item.touch


def test_a_page_with_a_status_message_is_neither_kept_nor_answered(
        site, client):
    client.get('/site/doc/page')
    for _ in range(2):
        answer = client.get('/site/doc/page', Cookie='statusmessages="x"')
        assert answer.outcome == 'BYPASS'
        assert 'fwd=request' in answer['Cache-Status']
        for name in ('ETag', 'Last-Modified', 'Expires'):
            assert answer.all(name) == []


def test_a_base_element_is_kept_as_it_was(site, custom, client):
    add_template(
        custom, 'page2', '<html><head><title>t</title></head></html>')
    site.portal_types.Item.setMethodAliases({'(Default)': 'page2'})
    miss, hit = twice(client, '/site/doc')
    assert b'<base href="http://localhost:8080/site/doc/' in miss.body
    assert hit.outcome == 'HIT' and hit.body == miss.body
    direct = client.get('/site/doc/page2')
    assert b'<base' not in direct.body


def test_an_xml_preamble_is_mended_once(custom, client):
    add_template(custom, 'feed', '<feed>x</feed>').pt_edit(
        '<?xml version="1.0" encoding="iso-8859-1"?>\n<feed>\xe9</feed>',
        'text/xml')
    miss, hit = twice(client, '/site/doc/feed')
    assert miss.outcome == 'MISS' and hit.outcome == 'HIT', miss.lines
    assert hit.body == miss.body


def test_scripts_pass_through_untouched(custom, client):
    add_script(custom, 'data', 'return [1, 2, 3]')
    custom.data.ZCacheable_setManagerId('page_cache')
    for answer in twice(client, '/site/doc/data'):
        assert answer.body == b'[1, 2, 3]'
        assert answer.all('X-PageCache') == []


def test_outside_a_publication_nothing_is_stored(site):
    setSite(site)
    site.changeSkin('Basic')
    assert 'first text' in site.doc.page()
    assert 'first text' in site.doc.page()
    assert caches.cache_of(site.page_cache).pages.counts().entries == 0
