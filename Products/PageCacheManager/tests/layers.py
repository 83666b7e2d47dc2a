"""Test layers: a real Zope with the product, and a real CMF site in it."""
import transaction
from plone.testing import Layer
from plone.testing import zodb
from plone.testing import zope as zope_layers
from zope.configuration import xmlconfig

from .site import add_site


class ProductLayer(Layer):
    """Zope with the product installed and its ZCML loaded."""

    defaultBases = (zope_layers.STARTUP,)

    def setUp(self):
        import Products.CMFCore
        import Products.GenericSetup

        import Products.PageCacheManager

        from . import views

        context = self['configurationContext']
        xmlconfig.file('meta.zcml', Products.GenericSetup, context=context)
        for package in (
                Products.GenericSetup, Products.CMFCore,
                Products.PageCacheManager, views):
            xmlconfig.file('configure.zcml', package, context=context)
        self['zodbDB'] = zodb.stackDemoStorage(
            self.get('zodbDB'), name='PageCacheManager')
        with zope_layers.zopeApp() as app:
            for name in (
                    'Products.PageTemplates', 'Products.PythonScripts',
                    'Products.CMFCore', 'Products.PageCacheManager'):
                zope_layers.installProduct(app, name)
            app.acl_users.userFolderAddUser('root', 'root', ['Manager'], [])
            add_site(app, 'site')
            transaction.commit()

    def tearDown(self):
        self['zodbDB'].close()
        del self['zodbDB']


PRODUCT = ProductLayer()
FUNCTIONAL = zope_layers.FunctionalTesting(
    bases=(PRODUCT,), name='PageCacheManager:Functional')


def set_up(layer, done=None):
    """Set up a layer after its base layers, each of them once.

    For programs that run without a test runner.
    """
    done = set() if done is None else done
    for base in layer.__bases__:
        set_up(base, done)
    if layer not in done:
        done.add(layer)
        layer.setUp()
