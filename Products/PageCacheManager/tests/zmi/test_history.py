"""Explain and Statistics tell why the last requests were rendered."""
import re

import pytest
import transaction
from Products.ZCatalog.ZCatalog import ZCatalog
from ZODB.DB import DB

from ...core.reads.unknown import Unknown
from ...core.reads.unknown import Why
from ...manager import caches
from ...reads import freshness
from ...reads.recording import Recording
from ..screens import get
from ..screens import own
from ..screens import text_of
from ..site import add_template
from ..site import set_policy


PAGE = '/site/doc/page'
LISTING = '/site/doc/listing'
MANAGER = '/site/page_cache'

SEARCH = '''<p tal:repeat="brain python: here.catalog(
                       text={'query': 'a', 'range': 'min'})"
                tal:content="brain/text">text</p>'''


@pytest.fixture(autouse=True)
def shared(site):
    """All visitors share the pages, and alice may look at the screens."""
    set_policy(site, etag="python: 'x'")
    site.manage_role('Member', ['View management screens'])
    transaction.commit()


def detail(answer):
    """Return Cache-Status of a render."""
    assert answer.outcome == 'MISS'
    return answer['Cache-Status']


def explained(client, user='root', path=PAGE):
    html = own(get(client, f'{MANAGER}/manage_explain?path={path}', user))
    assert html.problems == []
    return text_of(html)


def statistics(client, user='root'):
    html = own(get(client, f'{MANAGER}/manage_stats', user))
    assert html.problems == []
    return html


def edit(site, user, path):
    site.doc.text = 'edited text'
    transaction.get().setUser(user, '/site/acl_users')
    transaction.get().note(path)
    transaction.commit()


def test_an_object_that_changed_is_named(site, client):
    client.get(PAGE)
    edit(site, 'bob', '/site/doc/edit')
    assert 'fwd=stale;stored;ttl=3600;detail=content-changed' in (
        detail(client.get(PAGE)))
    text = explained(client)
    assert 'Item doc, changed at 20' in text
    assert 'by bob, through /site/doc/edit' in text


def test_it_is_the_change_of_then_that_is_named(site, client):
    client.get(PAGE)
    edit(site, 'bob', '/site/doc/edit')
    client.get(PAGE)
    edit(site, 'carol', '/site/doc/later')
    text = explained(client)
    assert 'by bob, through /site/doc/edit' in text
    assert 'carol' not in text


def test_a_storage_without_a_history(site, client, monkeypatch):
    def history(*given, **named):
        raise NotImplementedError
    client.get(PAGE)
    edit(site, 'bob', '/site/doc/edit')
    client.get(PAGE)
    monkeypatch.setattr(DB, 'history', history)
    text = explained(client)
    assert 'Item doc, changed since' in text and 'bob' not in text


def test_an_object_that_is_gone(site, client):
    client.get(PAGE)
    edit(site, 'bob', '/site/doc/edit')
    client.get(PAGE)
    journal = caches.cache_of(site.page_cache).journal
    entry = journal.entries()[0]
    journal.note(entry._replace(
        dropped=entry.dropped._replace(oid=b'\x7f' * 8)))
    journal.note(entry._replace(
        dropped=entry.dropped._replace(database='none')))
    text = explained(client)
    assert 'an object that is gone' in text
    assert 'an object that is not known any more' in text


def test_a_search_that_has_another_answer(site, client):
    site._setObject('catalog', ZCatalog('catalog'))
    site.catalog.addIndex('text', 'FieldIndex')
    site.catalog.addColumn('text')
    add_template(site.portal_skins.custom, 'listing', SEARCH)
    site.catalog.catalog_object(site.folder.inner, '/site/folder/inner')
    transaction.commit()
    client.get(LISTING)
    site.folder.inner.text = 'new'
    site.catalog.catalog_object(site.folder.inner, '/site/folder/inner')
    transaction.commit()
    assert 'detail=answer-changed' in detail(client.get(LISTING))
    assert 'search in /site/catalog for' in explained(client, path=LISTING)


def test_a_page_of_which_the_reads_were_not_known(
        site, client, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(
            Recording, 'read_set', lambda *given: Unknown(Why.TOO_MANY))
        client.get(PAGE)
    site.folder.title = 'other'
    transaction.commit()
    assert 'detail=committed' in detail(client.get(PAGE))
    assert str(Why.TOO_MANY) in explained(client)


def test_a_look_that_fails_has_a_reason(site, client, monkeypatch):
    def fail(*given):
        raise RuntimeError('on purpose')
    client.get(PAGE)
    with monkeypatch.context() as patch:
        patch.setattr(freshness, 'what_changed', fail)
        assert 'detail=committed' in detail(client.get(PAGE))
    counts = caches.cache_of(site.page_cache).tally.counts()
    assert counts['ERROR', 'reads'] == 1 and ('ERROR', 'finish') not in counts
    assert str(Why.LOST) in explained(client)


def test_another_etag(site, client):
    set_policy(site, etag='python: object.text')
    client.get(PAGE)
    site.doc.text = 'edited text'
    transaction.commit()
    assert 'fwd=uri-miss;stored;ttl=3600;detail=etag-changed' in (
        detail(client.get(PAGE)))


def test_another_template(site, client):
    client.get(PAGE)
    site.portal_skins.custom.page.write('<p>other</p>')
    transaction.commit()
    assert 'detail=version-changed' in detail(client.get(PAGE))


def test_a_new_page_has_no_reason(site, client):
    assert 'detail' not in detail(client.get(PAGE))
    assert 'detail' not in detail(client.get(f'{PAGE}?a=1'))


def test_the_part_of_the_key_that_differs(site, client):
    site.page_cache.manage_editProps('', {'key_headers': ['X-Theme']})
    client.get(PAGE, X_Theme='dark')
    client.get(PAGE, X_Theme='light')
    rows = explained(client).split('before in ')[1]
    assert re.search('MISS [0-9.]+ ms \u2013 headers', rows)


def test_the_reason_why_a_page_is_not_kept(site, client):
    client.get(PAGE, 'bob', Cookie='statusmessages=x')
    assert 'bob http://localhost:8080/site/doc/page BYPASS request-cookie' in (
        explained(client))


def test_who_may_not_change_the_manager_does_not_see_who_did(site, client):
    client.get(PAGE)
    edit(site, 'bob', '/site/doc/edit')
    client.get(PAGE, 'bob', Cookie='statusmessages=x')
    client.get(PAGE)
    assert 'content-changed' in explained(client, 'alice')
    assert 'not shown' in explained(client, 'alice')
    assert 'Item doc, changed' not in explained(client, 'alice')
    for text in (
            explained(client, 'alice'),
            get(client, f'{MANAGER}/manage_explainJSON?path={PAGE}',
                'alice').text,
            text_of(statistics(client, 'alice'))):
        assert 'bob' not in text and 'a user' in text


def test_hits_are_not_noted(site, client):
    for _ in range(3):
        client.get(PAGE)
    assert len(caches.cache_of(site.page_cache).journal.entries()) == 1


def test_a_failure_to_note_is_none_of_the_page(site, client, monkeypatch):
    def fail(*given):
        raise RuntimeError
    monkeypatch.setattr(
        caches.cache_of(site.page_cache).journal, 'note', fail)
    assert client.get(PAGE).status == 200
    assert client.get(PAGE).outcome == 'HIT'


def test_statistics_say_why_pages_were_rendered(site, client):
    client.get(PAGE)
    edit(site, 'bob', '/site/doc/edit')
    client.get(PAGE)
    html = statistics(client)
    text = text_of(html)
    assert 'Why pages were rendered' in text
    assert 'content-changed 1 An object that the stored page' in text
    assert 'new 1 No version of the page' in text
    links = [link['href'] for link in html.all('a') if (
        'manage_explain?path=' in link.get('href', '')
        and 'title' not in link)]
    assert len(links) == 2
    answer = get(client, links[0].replace('http://localhost:8080', ''))
    assert 'Last requests that Zope rendered' in answer.text


def test_a_url_with_a_script_is_text(site, client):
    client.get(f'{PAGE}?a="><script>alert(1)</script>')
    for screen in 'manage_stats', f'manage_explain?path={PAGE}':
        answer = get(client, f'{MANAGER}/{screen}')
        assert '<script>alert' not in answer.text
        assert 'alert(1)' in answer.text
        own(answer)


def test_statistics_begin_with_what_the_cache_gives(site, client):
    assert 'answered from memory' not in text_of(statistics(client))
    client.get(PAGE)
    text = text_of(statistics(client))
    assert '0.0 % of the requests were answered from memory.' in text
    assert 'saved' not in text
    for _ in range(3):
        client.get(PAGE)
    text = text_of(statistics(client))
    assert '75.0 % of the requests were answered from memory. ' in text
    assert re.search(r'That saved about [0-9.]+ m?s of rendering', text)


def test_explain_tells_how_long_a_render_took(site, client):
    client.get(PAGE)
    assert re.search(r'MISS [0-9.]+ m?s', explained(client))


def test_a_row_leads_to_explain_under_its_readable_url(site, client):
    path = '/site/doc/page?q=%E6%97%A5%E6%9C%AC'
    client.get(path)
    html = statistics(client)
    assert 'http://localhost:8080/site/doc/page?q=\u65e5\u672c' in (
        html.texts)
    link, = html.all('a', title='Explain this page')
    answer = get(client, link['href'].replace('http://localhost:8080', ''))
    assert 'The cache would send' in answer.text or (
        'No page is stored for this request' in answer.text)
    assert path in own(answer).one('input', id='path')['value']
