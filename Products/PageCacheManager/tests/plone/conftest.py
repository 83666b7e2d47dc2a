"""Fixtures: a Plone site with content, members and the theme on.

These tests run in a process of their own, with PCM_PLONE=1: the layer of the
other tests registers handlers that Plone would call too.
"""
import os

import pytest
import transaction
from DateTime import DateTime
from zope.component.hooks import setSite
from zope.pytestlayer import fixture

from ...cmf import expressions
from ...manager import caches
from ...PageCacheManager import PageCacheManager
from ..site import add_policy
from .freshness import Freshness


IS_WANTED = os.environ.get('PCM_PLONE') == '1'

if IS_WANTED:
    from plone.app.testing import TEST_USER_NAME
    from plone.app.testing import login

    from . import layers
    from .client import PloneClient

    globals().update(fixture.create(
        'Products.PageCacheManager.tests.plone.layers.FUNCTIONAL',
        session_fixture_name='plone_session',
        class_fixture_name='plone_class',
        function_fixture_name='plone_layer'))
else:
    collect_ignore_glob = ['test_*.py']


@pytest.fixture
def portal(plone_session, plone_layer):
    """A fresh Plone site for each test; its manager logs in as root.

    The session's fixture sets the layer up once for all tests.
    """
    caches.forget_all()
    portal = layers.FUNCTIONAL['portal']
    setSite(portal)
    yield portal
    transaction.abort()
    setSite(None)


@pytest.fixture
def addon(portal, client, monkeypatch):
    """The site with the add-on installed.

    The clock of its policies stands still: no period ends in a test.
    """
    now = DateTime()
    monkeypatch.setattr(expressions, 'DateTime', lambda: now)
    portal.portal_setup.runAllImportStepsFromProfile(
        'Products.PageCacheManager:default')
    client.get('')  # the first request makes a site write
    act_in(portal)
    return portal


def act_in(portal):
    """Make the site current and log in again: a request ends both."""
    setSite(portal)
    login(portal, TEST_USER_NAME)


@pytest.fixture
def client():
    return PloneClient()


#: The user, the date of the content, and the hour.
ETAG = (
    "python: '%s|%s|%s' % (member and member.getId() or '',"
    " object.modified().timeTime(), int(time.timeTime()//3600))")

VIEWS = [
    ('document_view',), ('newsitem_view',), ('listing_view',),
    ('summary_view', 'Folder'), ('tabular_view', 'Folder'),
    ('full_view', 'Folder'), ('search',), ('sitemap',)]


@pytest.fixture
def page_cache(portal):
    """A manager with associated views, and a policy for all pages."""
    portal._setObject('page_cache', PageCacheManager('page_cache'))
    portal.page_cache.manage_editViews(VIEWS)
    add_policy(portal.caching_policy_manager, etag=ETAG)
    transaction.commit()
    return portal.page_cache


@pytest.fixture
def fresh(client, page_cache):
    """All pages of all users, each kept and a hit."""
    found = Freshness(client, page_cache)
    found.warm()
    return found
