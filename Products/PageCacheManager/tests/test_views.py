"""Pages of browser views: kept, found, left alone."""
import time

import pytest
import transaction
from zope.component import getGlobalSiteManager
from zope.event import notify
from zope.lifecycleevent import ObjectModifiedEvent
from ZPublisher.interfaces import IPubBeforeCommit
from ZPublisher.interfaces import IPubEvent
from ZPublisher.pubevents import PubBeforeCommit

from .. import hook
from ..core.conditional import parse_date
from .site import Item
from .site import set_policy


@pytest.fixture(autouse=True)
def pages(site):
    """Associate some of the views, and give all content an ETag."""
    set_policy(
        site, etag='python: "%s|%s" % (object.getId(), view)',
        last_modified=0)
    associate(site, 'v-counting', 'v-by-method', ('v-listing', '', 'folder'),
              ('v-with-index', '', 'folder'), 'v-writing', 'v-streaming',
              'v-managers-only')


def associate(site, *rows):
    site.page_cache.manage_editViews(
        [(row,) if isinstance(row, str) else row for row in rows])
    transaction.commit()


@pytest.mark.parametrize('path', [
    '/site/doc/v-counting', '/site/doc/@@v-counting', '/site/doc/v-by-method',
    '/site/folder/v-listing', '/site/folder/v-with-index'])
@pytest.mark.parametrize('user', [None, 'alice'])
def test_view_is_rendered_once(client, path, user):
    miss = client.get(path, user)
    before = Item.renders
    hit = client.get(path, user)
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert Item.renders == before
    assert hit.body == miss.body
    assert hit.stable_headers() == miss.stable_headers()
    assert hit['ETag'].startswith('"') and 'uri-miss' in miss['Cache-Status']


def test_other_views_are_left_alone(site, client):
    associate(site, 'v-listing')
    for _ in range(2):
        answer = client.get('/site/doc/v-counting')
        assert answer.outcome is None and b'first text' in answer.body


def test_client_that_holds_the_page_gets_304(client):
    tag = client.get('/site/doc/v-counting')['ETag']
    answer = client.get('/site/doc/v-counting', If_None_Match=tag)
    assert (answer.status, answer.body) == (304, b'')
    assert answer['ETag'] == tag
    assert answer.get('Content-Type') is None


def test_head_is_answered_like_get(client):
    page = client.get('/site/doc/v-counting')
    before = Item.renders
    answer = client.head('/site/doc/v-counting')
    assert (answer.status, answer.body) == (200, b'')
    assert answer['ETag'] == page['ETag']
    assert answer['Content-Length'] == str(len(page.body))
    assert Item.renders == before


# what pages of views are made of

CHANGES = {
    'own': lambda site: site.folder.inner.manage_changeProperties(text='new'),
    'sibling': lambda site: site.folder._setObject('more', Item('more', 'x')),
    'elsewhere': lambda site: site.doc.manage_changeProperties(text='new'),
}


@pytest.mark.parametrize(('shows', 'path', 'change', 'outcome'), [
    ('item', 'folder/inner/v-counting', 'own', 'MISS'),
    ('item', 'folder/inner/v-counting', 'elsewhere', 'HIT'),
    ('item', 'folder/v-listing', 'own', 'HIT'),
    ('folder', 'folder/v-listing', 'own', 'MISS'),
    ('folder', 'folder/v-listing', 'sibling', 'MISS'),
    ('folder', 'folder/v-listing', 'elsewhere', 'HIT'),
    ('site', 'folder/v-listing', 'elsewhere', 'MISS'),
    ('site', 'folder/inner/v-counting', 'sibling', 'MISS'),
])
def test_change_reaches_the_pages_that_show_it(
        site, client, shows, path, change, outcome):
    associate(site, ('v-counting', '', shows), ('v-listing', '', shows))
    tag = client.get(f'/site/{path}')['ETag']
    assert client.get(f'/site/{path}').outcome == 'HIT'
    CHANGES[change](site)
    notify(ObjectModifiedEvent(site.folder.inner if change == 'own' else (
        site.doc if change == 'elsewhere' else site.folder.more)))
    answer = client.get(f'/site/{path}', If_None_Match=tag)
    assert answer.outcome == outcome
    assert answer.status == (304 if outcome == 'HIT' else 200)


@pytest.mark.parametrize('path', ['doc/v-writing', 'doc/v-by-method'])
def test_transaction_is_described_as_ever(site, client, monkeypatch, path):
    described = []

    def note(event):
        if type(event) is PubBeforeCommit:
            described.append(transaction.get().description)

    getGlobalSiteManager().registerHandler(note, (IPubEvent,))
    try:
        client.get(f'/site/{path}')
        monkeypatch.setattr(hook, 'watch', lambda request: None)
        client.get(f'/site/{path}')
    finally:
        getGlobalSiteManager().unregisterHandler(note, (IPubEvent,))
    assert described[0] == described[1]
    assert described[0].startswith(f'/site/{path}')


def test_other_code_changes_a_page_once(client):
    def add_footer(event):
        response = event.request.response
        response.setBody(response.body + b'<!-- footer -->')

    sites = getGlobalSiteManager()
    sites.registerHandler(add_footer, (IPubBeforeCommit,))
    try:
        miss = client.get('/site/doc/v-counting')
        hit = client.get('/site/doc/v-counting')
    finally:
        sites.unregisterHandler(add_footer, (IPubBeforeCommit,))
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert miss.body.count(b'footer') == 1
    assert hit.body == miss.body


def test_date_is_that_of_the_last_change_that_shows(
        site, client, monkeypatch):
    """A client that asks by the date alone would keep what was before."""
    set_policy(site, etag='python: "fixed"', last_modified=1)
    associate(site, ('v-listing', '', 'site'))
    client.get('/site/doc/v-listing')
    real, later = time.time, time.time() + 3500
    monkeypatch.setattr(time, 'time', lambda: real() + 3600)
    site.folder.inner.manage_changeProperties(text='new')
    notify(ObjectModifiedEvent(site.folder.inner))
    for _ in range(2):
        answer = client.get('/site/doc/v-listing')
        assert parse_date(answer['Last-Modified']) >= int(later)
