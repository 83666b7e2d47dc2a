"""The compared caches, with checks that each works as its name says."""
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from cmfsite import FREE
from cmfsite import SET_BY_ZOPE
from cmfsite import SITE
from plone.memoize import ram
from plone.memoize.interfaces import ICacheChooser
from Products.PageTemplates.PageTemplate import PageTemplate
from zope.component import provideUtility
from zope.ramcache.interfaces.ram import IRAMCache

from Products.PageCacheManager.PageCacheManager import PageCacheManager


#: The time that memcached may take before it listens.
PATIENCE_SECS = 10


class Contender(NamedTuple):
    """One cache, or no cache, behind a template of its own."""

    #: Its usual name.
    name: str
    #: The last part of the names of its templates.
    template: str
    site: str = SITE
    #: The outcome in X-PageCache, None if the cache is not ours.
    outcome: str | None = None
    renders: int = 0
    #: Whether each request is of another client.
    is_of_many: bool = False
    at_most: tuple = (None, None, None)


#: With targets for anonymous visitors, members and the default view.
HIT = Contender(
    'HIT', 'cached', outcome='HIT', at_most=(1.10, 1.12, 1.00))
FREE_HIT = Contender(
    'HIT, policy free of cost', 'cached', FREE, 'HIT',
    at_most=(1.12, None, None))
#: Nothing is known of the client from its last request.
NEW_HIT = Contender(
    'HIT of a new client', 'cached', outcome='HIT', is_of_many=True,
    at_most=(1.55, 1.60, 1.20))
UNCACHED = Contender('uncached', 'uncached', renders=1)


# the cache managers

def found(memcached):
    """Return more contenders, and functions that add their managers.

    The functions come in pairs with the names of templates.  Contenders that
    are not installed are left out, and their names are printed.  `memcached`
    is the port of memcached, None if it is not installed.
    """
    contenders, managers = [], []
    for name, template, outcome, add in (
            ('HIT, plone.memoize as store', 'memoize', 'HIT', _memoize),
            ('RAMCacheManager', 'ram', None, _ram),
            ('mcdutils', 'mcdutils', None, _mcdutils),
            ('MemcachedManager', 'memcached', None, _memcached_manager)):
        try:
            manager = add(memcached)
        except (ImportError, NoServer) as error:
            print(f'left out: {name} ({error})', flush=True)
            continue
        contenders.append(Contender(name, template, outcome=outcome))
        managers.append((template, manager))
    return contenders, managers


class NoServer(Exception):
    """There is no server for this cache."""


def _address(memcached):
    if memcached is None:
        raise NoServer('memcached is not installed')
    return f'127.0.0.1:{memcached}'


def _memoize(memcached):
    # as in Plone
    provideUtility(ram.global_cache, IRAMCache)
    provideUtility(ram.choose_cache, ICacheChooser)

    def add(site):
        manager = PageCacheManager('memoize_cache')
        site._setObject('memoize_cache', manager)
        site.memoize_cache.manage_editProps(
            '', {**manager.getSettings(), 'store': 'memoize'})
        return 'memoize_cache'
    return add


def _ram(memcached):
    from Products.StandardCacheManagers.RAMCacheManager import RAMCacheManager

    def add(site):
        site._setObject('ram_cache', RAMCacheManager('ram_cache'))
        return 'ram_cache'
    return add


def _mcdutils(memcached):
    from Products.mcdutils.proxy import MemCacheProxy
    from Products.mcdutils.zcache import MemCacheZCacheManager

    address = _address(memcached)

    def add(site):
        site._setObject('mcd_proxy', MemCacheProxy('mcd_proxy'))
        site.mcd_proxy.servers = (address,)
        manager = MemCacheZCacheManager('mcd_cache')
        manager.proxy_path = '/'.join(site.mcd_proxy.getPhysicalPath())
        manager.request_names = ('AUTHENTICATED_USER',)
        site._setObject('mcd_cache', manager)
        return 'mcd_cache'
    return add


def _memcached_manager(memcached):
    from Products.MemcachedManager.MemcachedManager import MemcachedManager

    address = _address(memcached)

    def add(site):
        site._setObject('memcached', MemcachedManager('memcached'))
        site.memcached.manage_editProps(
            '', {**site.memcached.getSettings(), 'servers': (address,)})
        return 'memcached'
    return add


@contextmanager
def memcached():
    """Start memcached on a free port of this machine; give the port.

    It gives None if memcached is not installed.
    """
    program = shutil.which('memcached')
    if program is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / 'port'
        # -1: a free port
        process = subprocess.Popen(
            [program, '-l', '127.0.0.1', '-p', '-1', '-U', '0', '-m', '64',
             '-u', pwd.getpwuid(os.getuid()).pw_name],
            env={**os.environ, 'MEMCACHED_PORT_FILENAME': str(told)})
        try:
            yield _port(told)
        finally:
            process.terminate()
            process.wait(PATIENCE_SECS)


def _port(told):
    """Wait for the line ``TCP INET: 12345``; return the number in it."""
    patience = time.monotonic() + PATIENCE_SECS
    while time.monotonic() < patience:
        if told.exists() and told.read_text().endswith('\n'):
            return int(told.read_text().split()[-1])
        time.sleep(0.01)
    raise TimeoutError('memcached does not listen')


# checks

@contextmanager
def counted_renders():
    """Give a list that gets the id of each template rendered meanwhile."""
    rendered = []
    render = PageTemplate.pt_render

    def count(self, *args, **kw):
        rendered.append(self.getId())
        return render(self, *args, **kw)

    PageTemplate.pt_render = count
    try:
        yield rendered
    finally:
        PageTemplate.pt_render = render


def check(contender, ask, page):
    """Check that `contender` gives `page` with its number of renders.

    `ask` makes one request; the first ones fill the cache.
    """
    for _ in range(3):
        ask()
    with counted_renders() as rendered:
        answer = ask()
    assert answer.status == 200, (contender.name, answer.status)
    assert len(rendered) == contender.renders, (contender.name, rendered)
    assert answer.outcome == contender.outcome, (contender.name, answer.lines)
    assert same(answer.body) == same(page), contender.name
    return answer


def same(body):
    """Return a page without its site and <base>, which differ."""
    body = body.replace(b'/free/', b'/site/')
    head, base, rest = body.partition(b'<base href="')
    return head + rest.partition(b'"')[2] if base else body


def check_floor(answer, hit):
    """Check that the floor gives the response of the hit, with its headers."""
    assert answer.status == hit.status
    assert same(answer.body) == same(hit.body)
    assert lines(answer) == lines(hit), (answer.lines, hit.lines)


def lines(answer):
    return sorted(
        (name.lower(), value) for name, value in answer.lines
        if name.lower() not in SET_BY_ZOPE | {'expires', 'cache-status'})
