"""Pages that are made with subrequests, as those of plone.app.mosaic are.

Zope asks the user folder anew for each of them, and that may give another
user: of several credentials it takes those that are allowed what is asked
for.
"""
from base64 import b64encode

import pytest
import transaction
from plone.app.layout.viewlets.common import LogoViewlet
from plone.subrequest import subrequest
from plone.subrequest.interfaces import ISubRequest

from .conftest import act_in


PAGE = '/a-document?x=1'
SECRET = 'Known to bob alone'


@pytest.fixture
def tile(addon, monkeypatch):
    """A viewlet that shows a page which only bob may view."""
    def render(self):
        if ISubRequest.providedBy(self.request):
            return ''
        part = subrequest('/plone/a-folder/item-0/document_view')
        return f'<i>{part.getBody().decode()}</i>'

    act_in(addon)
    item = addon['a-folder']['item-0']
    item.title = SECRET
    item.manage_permission('View', ['Reviewer'], 0)
    item.manage_setLocalRoles('bob', ['Reviewer'])
    transaction.commit()
    monkeypatch.setattr(LogoViewlet, 'render', render)


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
    assert seen.outcome == 'BYPASS'
    for _ in range(3):
        assert SECRET not in client.get(PAGE, **own).text
