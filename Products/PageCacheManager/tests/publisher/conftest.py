"""Fixtures for events before a page is rendered."""
import pytest
from zope.component import getGlobalSiteManager
from zope.interface import Interface
from zope.publisher.interfaces.browser import IBrowserRequest

from ..site import set_policy
from ..view_cases import associate


@pytest.fixture
def register(viewed):
    """Register a class as the view v-mine, and associate it."""
    components = getGlobalSiteManager()
    given = []

    def add(kind, factory=None):
        kind.__name__ = kind.name = 'v-mine'
        kind.__roles__ = kind.__call____roles__ = None

        def make(context, request):
            view = kind(context, request)
            view.__name__ = 'v-mine'
            return view
        given.append((
            factory or make, (Interface, IBrowserRequest), Interface,
            'v-mine'))
        components.registerAdapter(*given[-1])
        set_policy(viewed, etag='string:same', last_modified=0)
        associate(viewed, 'v-mine', 'v-acting')
    yield add
    for one in given:
        components.unregisterAdapter(*one)
