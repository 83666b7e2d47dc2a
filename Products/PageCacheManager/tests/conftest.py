"""Fixtures: the layer, a client for the real publisher, the site."""
import pytest
import transaction
from Products.CMFCore.Skinnable import SKINDATA
from zope.component.hooks import setSite
from zope.pytestlayer import fixture

from .. import caches
from . import layers
from .client import Client


globals().update(fixture.create(
    'Products.PageCacheManager.tests.layers.FUNCTIONAL',
    session_fixture_name='zope_session',
    class_fixture_name='zope_class',
    function_fixture_name='zope_layer'))


@pytest.fixture
def app(zope_layer):
    """The root of a Zope with a CMF site, anew for each test."""
    caches.forget_all()
    yield layers.FUNCTIONAL['app']
    transaction.abort()
    SKINDATA.clear()
    setSite(None)


@pytest.fixture
def site(app):
    setSite(app.site)
    return app.site


@pytest.fixture
def client():
    return Client()
