"""The CMF site that is measured: a listing of 60 KB in many templates.

All templates have the same source.  For each compared cache there is one in
the ZODB and one in a filesystem skin.  Each template is also the default view
of a content object.
"""
import atexit
import itertools
import random
import shutil
import tempfile
from io import BytesIO
from pathlib import Path

import AccessControl.Implementation
import transaction
from AccessControl.Implementation import getImplementationName
from AccessControl.Implementation import setImplementation
from Products.CMFCore.DirectoryView import _dirreg
from Products.CMFCore.DirectoryView import createDirectoryView
from Products.CMFCore.PortalFolder import PortalFolder
from Products.CMFCore.TypesTool import FactoryTypeInformation
from Products.PageTemplates.engine import Program
from zope.component import provideUtility
from ZPublisher.WSGIPublisher import publish_module

from Products.PageCacheManager.tests import layers
from Products.PageCacheManager.tests.client import Client
from Products.PageCacheManager.tests.site import Item
from Products.PageCacheManager.tests.site import add_site
from Products.PageCacheManager.tests.site import add_template
from Products.PageCacheManager.tests.site import set_policy


TEMPLATES = Path(__file__).parent / 'templates'

#: The kinds of templates, with which the names of templates begin.
KINDS = ('zodb', 'fs')

#: Two sites: the policy of the first gives user, modification time and hour;
#: that of the second costs almost nothing.  The names have the same length,
#: so all pages have too.
SITE, FREE = 'site', 'free'

#: Header lines that Zope adds to every response.
SET_BY_ZOPE = {'content-length', 'date', 'x-powered-by'}

#: The number of papers that make a page of 60 KB.
PAPERS = 100

_WORDS = (
    'Antrag Ausschuss Bebauungsplan Begründung Beschluss Brücke Fußgänger'
    ' Gebühren Gemeinde Grünfläche Haushalt Jugend Kläranlage Müllabfuhr'
    ' Öffnungszeiten Prüfung Satzung Schülerverkehr Straße Überblick'
    ' Verkehrsfläche Wärmeversorgung Zuschüsse ändern über für und'
).split()


# Zope

def start():
    """Start Zope as in production, but with its database in memory.

    The test layers use a security policy in Python and another template
    engine; Zope has neither by default.
    """
    setImplementation('C')
    AccessControl.Implementation._implementation_set = 1
    layers.set_up(layers.FUNCTIONAL)
    provideUtility(Program)
    layers.FUNCTIONAL.testSetUp()
    assert getImplementationName() == 'C'
    return layers.FUNCTIONAL['app']


# the site

def build(app, managers=()):
    """Add both sites, with templates for each cache manager, and commit.

    `managers` are pairs: a name for templates, and a function that adds
    their cache manager to a site and returns its id.
    """
    if FREE not in app:
        add_site(app, FREE)
    for name in SITE, FREE:
        caches = {'uncached': '', 'cached': 'page_cache'}
        caches.update((made, add(app[name])) for made, add in managers)
        fill(app[name], caches)
        add_skin(app[name], write_skin(caches))
    # no Python expression, and a hit does not ask for the date
    set_policy(app[FREE], 'string:x', predicate='string:always')
    transaction.commit()


def fill(site, caches):
    """Add the content, the templates in the ZODB and the default views."""
    site._setObject('papers', PortalFolder('papers'))
    words = random.Random(1)
    for number in range(PAPERS):
        paper = Item(f'paper-{number}', text_of(words, 28))
        paper.title = text_of(words, 5)
        site.papers._setObject(paper.getId(), paper)
    publish(site.papers)
    site.doc.title = 'Vorlagen für die Ausschüsse'
    publish(site.doc)
    custom = site.portal_skins.custom
    add_template(custom, 'main_template', source('main_template'), False)
    for name, manager in caches.items():
        template = add_template(
            custom, f'zodb_{name}', source('listing'), False)
        template.ZCacheable_setManagerId(manager or None)
    for kind in KINDS:
        for name in *caches, 'floor':
            add_view(site, f'{kind}_{name}')


def publish(content):
    """Set the permissions that CMF's workflow gives to published content."""
    for permission in 'View', 'Access contents information':
        content.manage_permission(permission, ['Anonymous', 'Manager'], 0)
    for child in content.objectValues():
        publish(child)


def text_of(words, count):
    return ' '.join(words.choice(_WORDS) for _ in range(count))


def source(name):
    return (TEMPLATES / f'{name}.zpt').read_text(encoding='utf-8')


def add_view(site, name):
    """Add a content object whose default view is `name`."""
    site.portal_types._setObject(name, FactoryTypeInformation(
        name, title=name, factory='', actions=(),
        aliases={'(Default)': name}))
    view = Item(f'view_{name}')
    view.portal_type = name
    view.title = site.doc.title
    site._setObject(view.getId(), view)
    publish(site[view.getId()])


def write_skin(caches):
    """Write the templates of a skin; return its key in CMF."""
    folder = Path(tempfile.mkdtemp(prefix='listing-'))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(shutil.rmtree, folder)
    for name, manager in caches.items():
        path = folder / f'fs_{name}.zpt'
        path.write_text(source('listing'), encoding='utf-8')
        cache = f'cache = {manager}\n' if manager else ''
        path.with_name(f'{path.name}.metadata').write_text(
            f'[default]\ntitle = Listing\n{cache}')
    key = f'benchmarks:{folder.name}'
    _dirreg.registerDirectoryByKey(str(folder), key)
    return key


def add_skin(site, key):
    createDirectoryView(site.portal_skins, key, 'listing')
    site.portal_skins.addSkinSelection(
        'Basic', 'custom, listing', make_default=True)


# the floor

def add_floor(name, response, body):
    """Add a method to all content that gives this response and body.

    It measures the cost of Zope itself: Python code that returns the same
    bytes and sets the same headers, on the same content.
    """
    headers = [
        line for line in response.lines if line[0].lower() not in SET_BY_ZOPE]
    status = response.status

    def floor(self):
        """Give the response of the cache."""
        response = self.REQUEST.RESPONSE
        for header, value in headers:
            response.setHeader(header, value)
        if status != 200:
            response.setStatus(status)
        return body

    setattr(Item, name, floor)
    setattr(Item, f'{name}__roles__', None)


# requests

def asker(path, user=None, app=publish_module, **headers):
    """Return a function that asks for `path` and throws the answer away."""
    prepared = Client().environ('GET', path, b'', user, headers)

    def ask(**more):
        result = app(
            {**prepared, 'wsgi.input': BytesIO(), **more}, _ignore)
        for _ in result:
            pass
        close = getattr(result, 'close', None)
        if close is not None:
            close()
    return ask


def as_many(ask):
    """Return `ask` of another client each time."""
    return lambda: ask(HTTP_USER_AGENT=f'client {next(_clients)}')


_clients = itertools.count()


def _ignore(status, headers, exc_info=None):
    pass
