"""Fixtures: the layer, a client for the real publisher, the site."""
import os

import pytest
import transaction
from AccessControl.SecurityManagement import noSecurityManager
from hypothesis import settings
from OFS.Folder import Folder
from Products.CMFCore.Skinnable import SKINDATA
from zope.component import getGlobalSiteManager
from zope.component.hooks import setSite
from zope.pytestlayer import fixture
from ZPublisher.httpexceptions import HTTPExceptionHandler
from ZPublisher.WSGIPublisher import publish_module

from ..manager import caches
from . import client as clients
from . import engine
from . import layers
from . import view_cases
from .site import Item
from .site import add_template


# On a busy machine the duration of an example means nothing.  If CI is set,
# hypothesis uses such a profile itself, which also repeats its examples.
if 'CI' not in os.environ:
    settings.register_profile('patient', deadline=None)
    settings.load_profile('patient')
# For each save: `make check`.
settings.register_profile('quick', deadline=None, max_examples=10)

globals().update(fixture.create(
    'Products.PageCacheManager.tests.layers.FUNCTIONAL',
    session_fixture_name='zope_session',
    class_fixture_name='zope_class',
    function_fixture_name='zope_layer'))


#: Modules that take long begin first, so that they do not end last.
SLOW = (
    'test_browser', 'test_interleaving_engine', 'test_zeo', 'test_access',
    'test_run', 'test_uninstall', 'test_start', 'test_accessibility')


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: next((
        place for place, name in enumerate(SLOW)
        if item.path.stem.startswith(name)), len(SLOW)))


def pytest_xdist_make_scheduler(config, log):
    if config.getvalue('dist') == 'loadfile':
        from .side_by_side import SomeTogether

        return SomeTogether(config, log)


@pytest.fixture
def app(zope_session, zope_layer):
    """The root of a Zope with a CMF site, anew for each test."""
    caches.forget_all()
    yield layers.FUNCTIONAL['app']
    transaction.abort()
    SKINDATA.clear()
    setSite(None)
    noSecurityManager()  # a request leaves its user to the thread


@pytest.fixture
def site(app):
    setSite(app.site)
    return app.site


@pytest.fixture
def client():
    return clients.Client()


@pytest.fixture
def errors_are_responses(monkeypatch):
    """Put clients in front of Zope as it is set up, which raises nothing."""
    monkeypatch.setattr(
        clients, 'publish_module', HTTPExceptionHandler(publish_module))


@pytest.fixture(params=['chameleon', 'zope.tal'])
def template_engine(request):
    """Both engines that Zope may render its screens with."""
    if request.param == 'zope.tal':
        yield
        return
    with engine.chameleon():
        yield


@pytest.fixture
def subscribe():
    """Subscribe a function to an event while the test lasts."""
    components = getGlobalSiteManager()
    given = []

    def add(handler, event):
        given.append((handler, [event]))
        components.registerHandler(*given[-1])
    yield add
    for one in given:
        components.unregisterHandler(*one)


@pytest.fixture
def aside(site):
    """Commits a change of an object that no page reads."""
    site.folder._setObject('aside', Folder('aside'))
    transaction.commit()
    site.folder.aside._setObject('inner', Folder('inner'))
    transaction.commit()

    def commit():
        site.folder.aside.inner.title += 'x'
        transaction.commit()

    return commit


@pytest.fixture
def item():
    """Put methods on the content class, and take them off afterwards."""
    before = set(vars(Item))

    def add(name, method):
        setattr(Item, name, method)
        setattr(Item, f'{name}__roles__', None)

    yield add
    for name in set(vars(Item)) - before:
        delattr(Item, name)


@pytest.fixture
def viewed(site):
    """The site, with views that are associated and a policy for them."""
    view_cases.set_up(site)
    return site


@pytest.fixture
def acting(viewed, item):
    """Let the pages of a view and of a template act on the request."""
    def let(act):
        def run(self, request):
            act(request)
            return '<p>text</p>'
        item('act', run)

    add_template(
        viewed.portal_skins.custom, 'acting_page',
        '<p tal:content="structure python: context.act(request)">x</p>')
    transaction.commit()
    return let
