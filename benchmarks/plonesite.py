"""A Zope with Plone sites of the same content, one for each cache.

It is the instance that ``make plone-start`` makes, with its own three sites.
Their names have the same length, so all pages have too.
"""
import itertools
import logging
import re
from unittest import mock

import Zope2
from AccessControl.Implementation import getImplementationName
from cmfsite import SET_BY_ZOPE
from plone.dexterity.content import DexterityContent
from plone.registry.interfaces import IRegistry
from Testing.makerequest import makerequest
from transaction import commit
from zope.component import getUtility
from zope.component.hooks import setSite
from zope.pagetemplate.pagetemplate import PageTemplate
from Zope2.Startup.run import make_wsgi_app

from Products.PageCacheManager.demo.instance import make
from Products.PageCacheManager.demo.plone_site import add_site
from Products.PageCacheManager.tests.plone.client import PloneClient


#: The site without a cache, that of plone.app.caching, and ours.
SITES = BARE, PACS, OURS = 'bare', 'pacs', 'ours'

THEMED = b'id="mainnavigation-wrapper"'

#: Stops the transforms of plone.transformchain.
_NO_TRANSFORMS = 'plone.transformchain.disable'

#: Tokens against forged requests, ids of content and portlets, and dates of
#: the content.
_RANDOM = re.compile(
    rb'\b[0-9a-f]{32,}\b|\b[A-Z][a-z]{2} \d\d, \d{4} \d\d:\d\d [AP]M\b')
#: Zope adds it to pages of plone.app.caching, since no view is called.
_BASE = re.compile(rb'\n<base href="[^"]*" />\n')
_NAME = re.compile(rf'\b(?:{"|".join(SITES)})\b'.encode())


def start(home, threads=1):
    """Start Zope in the directory `home`; return the WSGI application.

    The pool has a connection for each thread: they keep objects in memory.
    """
    make(home, 'admin', 'admin', is_plone=True)
    conf = home / 'etc' / 'zope.conf'
    conf.write_text(conf.read_text().replace(
        '  cache-size ', f'  pool-size {threads}\n   cache-size ', 1))
    # this program adds its own sites
    (home / 'etc' / 'package-includes' / 'demo-configure.zcml').unlink()
    app = make_wsgi_app({}, str(conf))
    logging.getLogger().setLevel(logging.ERROR)
    assert getImplementationName() == 'C'
    root = makerequest(Zope2.app())
    for name, set_up in (
            (BARE, remove_ours), (PACS, use_theirs),
            # our add-on is installed already
            (OURS, lambda site: None)):
        site = add_site(root, name)
        setSite(site)
        set_up(site)
        setSite(None)
        commit()
    assert [name for name in SITES if 'page_cache' in root[name]] == [OURS]
    root._p_jar.close()
    for name in SITES:
        warm(name)
    return app


def warm(name):
    """Ask for some pages: the first requests make a site write."""
    for path in '', '/a-document', '/a-folder':
        for user in None, 'bob', 'alice':
            assert PloneClient(f'/{name}').get(path, user).status == 200


def remove_ours(site):
    """Remove the add-on."""
    site.portal_setup.runAllImportStepsFromProfile(
        'profile-Products.PageCacheManager:uninstall')


def use_theirs(site):
    """Switch plone.app.caching on, with its RAM cache, in place of ours."""
    remove_ours(site)
    site.portal_setup.runAllImportStepsFromProfile(
        'profile-plone.app.caching:with-caching-proxy')
    registry = getUtility(IRegistry)
    registry['plone.caching.interfaces.ICacheSettings.enabled'] = True
    for rules in 'itemView', 'folderView':
        assert registry[
            f'plone.app.caching.weakCaching.plone.content.{rules}.ramCache']


# comparison of pages

def difference(one, other):
    """Return the first two lines that differ, '' if the pages are equal."""
    for pair in itertools.zip_longest(*(
            _comparable(body).splitlines() for body in (one, other))):
        if len({*pair}) > 1:
            return pair
    return ''


def _comparable(body):
    """Return a page without the parts that differ from site to site."""
    return _RANDOM.sub(b'', _NAME.sub(b'site', _BASE.sub(b'', body)))


def counted_renders():
    """Return a context that gives a mock, which counts renders."""
    return mock.patch.object(
        PageTemplate, 'pt_render', autospec=True,
        side_effect=PageTemplate.pt_render)


# the floor

def add_floor(name, response):
    """Add a method to all content that gives this response.

    It measures the cost of Zope and Plone by themselves.
    """
    headers = [
        line for line in response.lines if line[0].lower() not in SET_BY_ZOPE]
    status, body = response.status, response.body

    def floor(self):
        """Give the response of the cache."""
        request = self.REQUEST
        request.environ[_NO_TRANSFORMS] = True
        response = request.RESPONSE
        for header, value in headers:
            response.setHeader(header, value)
        if status != 200:
            response.setStatus(status)
        return body

    setattr(DexterityContent, name, floor)
    setattr(DexterityContent, f'{name}__roles__', None)
