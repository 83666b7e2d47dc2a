"""Pages that are made with subrequests, as in plone.app.mosaic.

For each subrequest Zope asks the user folder again, which may return another
user: among several credentials it takes those that give access to the object.
"""
from base64 import b64encode

import pytest
import transaction
from AccessControl import getSecurityManager
from plone.app.layout.viewlets.common import LogoViewlet
from plone.subrequest import subrequest
from plone.subrequest.interfaces import ISubRequest
from Products.PluggableAuthService.PluggableAuthService import (
    PluggableAuthService,
)

from .conftest import act_in


PAGE = '/a-document?x=1'
SECRET = 'Known to bob alone'


def show(monkeypatch, path, look=None):
    """Let each page show another page, which names its user.

    `look` is called with the subrequest.
    """
    def render(self):
        if ISubRequest.providedBy(self.request):
            if look is not None:
                look(self.request)
            return f'<b>for {getSecurityManager().getUser().getId()}</b>'
        part = subrequest(path)
        return f'<i>{part.getBody().decode()}</i>'

    monkeypatch.setattr(LogoViewlet, 'render', render)


@pytest.fixture
def tile(addon, monkeypatch):
    """A viewlet that shows a page that only bob may view."""
    act_in(addon)
    item = addon['a-folder']['item-0']
    item.title = SECRET
    item.manage_permission('View', ['Reviewer'], 0)
    item.manage_setLocalRoles('bob', ['Reviewer'])
    transaction.commit()
    show(monkeypatch, '/plone/a-folder/item-0/document_view')


def basic(name):
    return 'Basic ' + b64encode(f'{name}:{name}'.encode()).decode()


@pytest.mark.parametrize('way', ['basic', 'cookie'])
def test_credentials_of_another_user_are_noticed(client, tile, way):
    if way == 'basic':
        own = {'Authorization': basic('alice')}
        both = {**own, 'Cookie': client.log_in('bob')}
    else:
        own = {'Cookie': client.log_in('alice')}
        both = {**own, 'Authorization': basic('bob')}
    seen = client.get(PAGE, **both)
    assert SECRET in seen.text
    # with the cookie the page itself is bob's
    assert seen.outcome == ('BYPASS' if way == 'basic' else 'MISS')
    assert client.get(PAGE, Authorization=basic('bob')).outcome == (
        'MISS' if way == 'basic' else 'HIT')
    for _ in range(3):
        assert SECRET not in client.get(PAGE, **own).text


ITEM = '/plone/a-folder/item-1/document_view'


@pytest.fixture
def named(addon):
    """Another page, which all may view."""
    act_in(addon)
    addon['a-folder']['item-1'].title = 'Shown on others'
    transaction.commit()


@pytest.mark.parametrize('is_wrapped', [False, True])
@pytest.mark.parametrize('path', [ITEM, ITEM + '?a=1'])
def test_pages_of_members_are_kept(
        client, named, monkeypatch, path, is_wrapped):
    if is_wrapped:  # as agents do that measure time
        plain = PluggableAuthService.validate
        monkeypatch.setattr(
            PluggableAuthService, 'validate', lambda *args: plain(*args))
    show(monkeypatch, path)
    pages = {}
    for name in 'alice', 'bob':
        logged_in = {'Cookie': client.log_in(name)}
        first, second = [client.get(PAGE, **logged_in) for _ in range(2)]
        assert (first.outcome, second.outcome) == ('MISS', 'HIT')
        assert first.body == second.body
        assert 'Shown on others' in first.text
        assert f'<b>for {name}</b>' in first.text
        pages[name] = first.body
    assert pages['alice'] != pages['bob']
    # another login of the same user gets the same page
    again = {'Cookie': client.log_in('alice')}
    assert client.get(PAGE, **again).body == pages['alice']
    for cookie in {}, {'Cookie': '__ac=none'}:
        assert '<b>for None</b>' in client.get(PAGE, **cookie).text


def test_cookie_that_a_part_reads_itself_counts(client, named, monkeypatch):
    show(monkeypatch, ITEM, lambda request: request.cookies.get('__ac'))
    logged_in = {'Cookie': client.log_in('alice')}
    for _ in range(2):
        assert client.get(PAGE, **logged_in).outcome == 'BYPASS'


def test_part_within_a_part(client, tile, monkeypatch):
    """Only the inner subrequest has another user."""
    def look(request):
        if 'item-1' in request['ACTUAL_URL']:
            seen.append(subrequest(
                '/plone/a-folder/item-0/document_view').getBody().decode())

    seen = []
    show(monkeypatch, ITEM, look)
    own = {'Authorization': basic('alice')}
    both = {**own, 'Cookie': client.log_in('bob')}
    assert client.get(PAGE, **both).outcome == 'BYPASS'
    assert SECRET in seen[-1]
    assert client.get(PAGE, **own).outcome == 'MISS'
    assert SECRET not in seen[-1]


def test_part_that_a_member_may_not_view(client, tile):
    logged_in = {'Cookie': client.log_in('alice')}
    for _ in range(2):
        page = client.get(PAGE, **logged_in)
        assert page.outcome == 'BYPASS' and SECRET not in page.text


def test_another_user_who_is_known_by_no_cookie(client, tile, monkeypatch):
    def extract(self, request, plugins):
        if ISubRequest.providedBy(request):
            return [('bob', 'bob')]
        return extract_plainly(self, request, plugins)

    extract_plainly = PluggableAuthService._extractUserIds
    monkeypatch.setattr(PluggableAuthService, '_extractUserIds', extract)
    page = client.get(PAGE, Authorization=basic('alice'))
    assert SECRET in page.text
    assert page['Cache-Status'].endswith(';detail=user')
    monkeypatch.undo()
    for _ in range(2):
        assert SECRET not in client.get(
            PAGE, Authorization=basic('alice')).text
