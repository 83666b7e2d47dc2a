"""Facts about Plone that the cache relies on; no page is cached here."""
import re

import pytest
from zope.component import adapter
from zope.component import getGlobalSiteManager
from ZPublisher import pubevents
from ZPublisher.interfaces import IPubEvent


PAGES = ['', '/a-document', '/a-news-item', '/a-folder', '/a-shown-folder',
         '/a-collection', '/@@search?SearchableText=library']

TOKEN = re.compile('[0-9a-f]{40}')
THEMED = 'id="mainnavigation-wrapper"'


@pytest.fixture
def notes(portal):
    """The bodies that handlers see before the commit, in their order."""
    found = []

    @adapter(IPubEvent)
    def of_all_stages(event):
        note('all', event)

    def of_one_stage(event):
        note('class', event)

    def note(label, event):
        if type(event) is pubevents.PubBeforeCommit:
            found.append((label, event.request.response.body))

    # the registry of the layer, which has the handlers of the product
    registry = getGlobalSiteManager().__bases__[0]
    registry.registerHandler(of_all_stages)
    registry.registerHandler(of_one_stage, (pubevents.PubBeforeCommit,))
    yield found
    registry.unregisterHandler(of_all_stages)
    registry.unregisterHandler(of_one_stage, (pubevents.PubBeforeCommit,))


@pytest.mark.parametrize('user', [None, 'bob', 'alice'])
@pytest.mark.parametrize('path', PAGES)
def test_page_is_themed(portal, client, path, user):
    response = client.get(path, user)
    assert response.status == 200
    assert response['Content-Type'] == 'text/html;charset=utf-8'
    assert THEMED in response.text
    assert ('data-token=' in response.text) == (user is not None)


def test_theme_is_off_for_the_address_of_this_machine(portal, client):
    client.host = '127.0.0.1:8080'
    assert THEMED not in client.get('/a-document').text


def test_member_logs_in_by_the_form(portal, client):
    page = client.get('/a-document', COOKIE=client.log_in('bob'))
    assert 'Bob Birch' in page.text


@pytest.mark.parametrize('path', PAGES)
def test_page_is_the_same_twice_but_for_its_tokens(portal, client, path):
    first, second = (
        TOKEN.sub('', client.get(path, 'alice').text) for _ in range(2))
    assert first == second


def test_order_of_the_handlers_before_the_commit(portal, client, notes):
    """Handlers for all stages see the page without its theme."""
    client.get('/a-document', 'alice')
    assert [label for label, _ in notes] == ['all', 'class']
    (_, before), (_, after) = notes
    assert THEMED.encode() not in before and THEMED.encode() in after
    assert b'protect-script' not in before and b'protect-script' in after


def test_json_comes_from_the_same_url(portal, client):
    response = client.get('/a-document', ACCEPT='application/json')
    assert response['Content-Type'] == 'application/json'
    assert response.get('Vary') is None


@pytest.mark.parametrize('whose', [None, 'bob', 'root'])
def test_change_needs_a_token_of_its_user(portal, client, whose):
    """A token from a page of another user is not valid."""
    add = portal.manage_addProduct['PageCacheManager']
    add.manage_addPageCacheManager('page_cache', 'before')
    form = {'title': 'after'}
    if whose is not None:
        form['_authenticator'] = client.token(whose)
    client.post('/page_cache/manage_editProps', form, user='root')
    portal._p_jar.sync()
    expected = 'after' if whose == 'root' else 'before'
    assert portal.page_cache.title == expected
