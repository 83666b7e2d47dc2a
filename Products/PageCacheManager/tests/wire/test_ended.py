"""References to a request go when it ends."""
import gc
import weakref

import pytest
from AccessControl.SecurityManagement import noSecurityManager
from zope.globalrequest import clearRequest
from ZPublisher.interfaces import IPubStart

from ..site import add_template
from ..view_cases import associate


@pytest.fixture
def counted_alone():
    """Free requests by their references alone, as soon as they end."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize('path', ['v-counting', 'unkept', 'page'])
def test_ended_request_is_gone_at_once(
        viewed, client, subscribe, counted_alone, path):
    associate(viewed)
    add_template(viewed.portal_skins.custom, 'unkept', '<p>x</p>', False)
    client.get('/site/doc/' + path)
    begun = []
    subscribe(
        lambda event: begun.append(weakref.ref(event.request)), IPubStart)
    client.get('/site/doc/' + path)
    clearRequest()
    noSecurityManager()
    assert [request() for request in begun] == [None]
