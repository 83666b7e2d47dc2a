"""Test layers: a real Plone site with the theme on.

Plone, plone.restapi and the product are loaded into one registry, as in a
running Zope.  If one registry were stacked on another, all handlers of the
lower one would run first, regardless of their interfaces.
"""
from importlib.util import find_spec

from plone.app.testing import TEST_USER_ID
from plone.app.testing import FunctionalTesting
from plone.app.testing import PloneSandboxLayer
from plone.app.testing import setRoles
from plone.app.testing.layers import PloneFixture


#: Optional parts of Plone; each test installs the parts that it needs.
OPTIONAL = (
    'Products.CMFPlacefulWorkflow', 'plone.app.discussion',
    'plone.app.iterate', 'plone.app.multilingual')


class Fixture(PloneFixture):
    """Plone's own fixture, with the product in the same registry."""

    products = (
        *PloneFixture.products,
        # the error log: a hit must leave no entry there
        ('Products.SiteErrorLog', {'loadZCML': True, 'install': False}),
        ('plone.app.caching', {'loadZCML': True, 'install': False}),
        ('plone.restapi', {'loadZCML': True, 'install': False}),
        *((name, {'loadZCML': True, 'install': False})
          for name in OPTIONAL
          if find_spec(name) is not None),
        ('Products.PageCacheManager', {'loadZCML': True}),
    )


class Site(PloneSandboxLayer):
    """The fixture's site, with the content of the demo."""

    def setUpPloneSite(self, portal):
        from Products.PageCacheManager.demo.plone_site import fill

        for profile in ('plone.app.caching:default', 'plone.restapi:default'):
            self.applyProfile(portal, profile)
        setRoles(portal, TEST_USER_ID, ['Manager'])
        fill(portal)
        portal.acl_users.userFolderAddUser('root', 'root', ('Manager',), ())
        setRoles(portal, TEST_USER_ID, ['Member'])


FIXTURE = Fixture(name='PageCacheManager:PloneFixture')
SITE = Site(bases=(FIXTURE,), name='PageCacheManager:PloneSite')
FUNCTIONAL = FunctionalTesting(bases=(SITE,), name='PageCacheManager:Plone')
