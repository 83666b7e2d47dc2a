"""Pages that are made with subrequests, as those of plone.app.mosaic are.

Zope asks the user folder for each of them who it is.
"""
import pytest
import transaction
from OFS.userfolder import UserFolder
from plone.app.layout.viewlets.common import LogoViewlet
from plone.subrequest import subrequest
from plone.subrequest.interfaces import ISubRequest

from .conftest import act_in


PAGE = '/a-document?x=1'


class Gate(UserFolder):
    """Looks for the login cookie as well, and knows nobody by it."""

    def validate(self, request, auth='', roles=None):
        request.cookies.get('__ac')


@pytest.fixture
def tile(addon, monkeypatch):
    """A viewlet that shows what a subrequest gives, and what a test reads."""
    class Tile:
        path = '/plone/a-folder/item-0/document_view'

        def read(self, request):
            return ''

    found = Tile()

    def render(self):
        if ISubRequest.providedBy(self.request):
            return ''
        part = subrequest(found.path).getBody().decode()
        return f'<i>{part} {found.read(self.request)}</i>'

    monkeypatch.setattr(LogoViewlet, 'render', render)
    return found


@pytest.fixture
def alice(client, addon):
    return {'Cookie': client.log_in('alice')}


def outcomes(client, headers):
    return [client.get(PAGE, **headers).outcome for _ in range(3)][1:]


def test_pages_of_members_are_kept(client, tile, alice):
    assert outcomes(client, alice) == ['HIT', 'HIT']


def test_pages_of_visitors_are_kept_for_them(client, tile, alice):
    assert outcomes(client, {}) == ['HIT', 'HIT']
    assert outcomes(client, alice) == ['HIT', 'HIT']
    assert client.get(PAGE).outcome == 'HIT'


def test_pages_of_members_stay_apart(client, tile, alice):
    tile.path = '/plone/portal_membership/getAuthenticatedMember'
    bob = {'Cookie': client.log_in('bob')}
    for headers, name in ((alice, 'alice'), (bob, 'bob'), (alice, 'alice')):
        for _ in range(2):
            assert f'<i>{name} ' in client.get(PAGE, **headers).text


def test_an_edit_of_the_other_page_is_seen(addon, client, tile, alice):
    assert outcomes(client, alice) == ['HIT', 'HIT']
    act_in(addon)
    addon['a-folder']['item-0'].title = 'Another title'
    transaction.commit()
    page = client.get(PAGE, **alice)
    assert page.outcome == 'MISS' and 'Another title' in page.text


def test_a_page_that_reads_the_login_cookie_is_not_kept(client, tile, alice):
    """It may show it."""
    tile.read = lambda request: request.cookies.get('__ac', '')
    assert outcomes(client, alice) == ['BYPASS', 'BYPASS']


def test_another_user_folder_may_know_another_user(
        addon, client, tile, alice):
    addon['a-folder'].__allow_groups__ = Gate()
    transaction.commit()
    assert outcomes(client, alice) == ['BYPASS', 'BYPASS']
