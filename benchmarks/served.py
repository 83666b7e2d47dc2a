"""A Zope for all measurements over HTTP, in a process of its own.

If this module runs as a program, it is that process.  It serves with waitress,
each kind of application on a port of its own, and ends when its standard input
closes.
"""
import json
import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path


ROOT = Path(__file__).resolve().parent.parent

# A program in this folder does not have the product in its path.
sys.path.append(str(ROOT))

#: The Host of all requests, which stands in the links of the page.
HOST = 'localhost:8080'

#: The longest wait of any kind, in seconds.
PATIENCE_SECS = 60

#: The seconds of the query that a slow page waits for.
QUERY_SECS = 0.5

#: Templates, each with the cache manager for its pages.
CACHES = {'uncached': '', 'ours': 'page_cache', 'ram': 'ram_cache'}

#: Waits for a slow query, and shows its result: the time, and 60 KB.
SLOW = '''<html><body tal:define="rows context/slow_query">
<p id="render" tal:content="python: rows[0]">when</p>
<table><tr tal:repeat="row rows"><td tal:content="row">row</td></tr></table>
</body></html>'''

_CONF = '''
instancehome {home}
security-policy-implementation C
debug-mode off
<zodb_db main>
  mount-point /
  # a connection that its thread finds again has its objects in memory
  pool-size {threads}
  <filestorage>
    path {home}/Data.fs
  </filestorage>
</zodb_db>
'''

_TICKS = os.sysconf('SC_CLK_TCK')


class Server:
    """Starts and stops the process that serves."""

    def __init__(self, home, threads, program=__file__):
        self._process = subprocess.Popen(
            [sys.executable, program, str(home), str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self._process.pid
        try:
            #: The port of each kind of application: zope, lane, bare.
            self.ports = json.loads(self._process.stdout.readline())
        except ValueError:
            self.stop()
            raise

    def stop(self):
        self._process.kill()
        self._process.wait(PATIENCE_SECS)


def cpu_secs(pids):
    """Return the CPU time that processes have used."""
    used = 0
    for pid in pids:
        stat = Path(f'/proc/{pid}/stat').read_text()
        # the name, in brackets, may have blanks
        used += sum(map(int, stat.rpartition(')')[2].split()[11:13]))
    return used / _TICKS


# the process that serves

def serve(home, threads, apps):
    """Serve all contenders until standard input closes.

    `apps` gives the WSGI applications by name.
    """
    # it logs a line for each request that has to wait
    logging.getLogger('waitress.queue').setLevel(logging.ERROR)
    threading.Thread(
        target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    ports = {
        name: start(app, threads) for name, app in apps(home, threads).items()}
    print(json.dumps(ports), flush=True)
    threading.Event().wait()


def start(app, threads):
    """Start a server; return its port."""
    from waitress import create_server

    server = create_server(app, host='127.0.0.1', port=0, threads=threads)
    threading.Thread(target=server.run, daemon=True).start()
    return server.effective_port


def apps(home, threads):
    """Return the WSGI applications by name."""
    import Zope2
    from AccessControl.Implementation import getImplementationName
    from Zope2.Startup.run import make_wsgi_app
    from ZPublisher.httpexceptions import HTTPExceptionHandler

    from Products.PageCacheManager.fastlane.filter import FastLane
    from Products.PageCacheManager.tests import zeo

    (home / 'etc').mkdir()
    (home / 'etc' / 'site.zcml').write_text(zeo.SITE_ZCML)
    conf = home / 'zope.conf'
    conf.write_text(_CONF.format(home=home, threads=threads))
    app = make_wsgi_app({}, str(conf))
    assert getImplementationName() == 'C'
    root = Zope2.app()
    build(root)
    root._p_jar.close()
    page = add_floors()
    return {
        'zope': HTTPExceptionHandler(app),
        'lane': HTTPExceptionHandler(FastLane(app)),
        'bare': bare(page),
    }


def build(root):
    """Add the site, and commit."""
    import cmfsite
    import transaction
    from OFS.Folder import Folder
    from Products.StandardCacheManagers.RAMCacheManager import RAMCacheManager

    from Products.PageCacheManager.tests.site import Item
    from Products.PageCacheManager.tests.site import add_site
    from Products.PageCacheManager.tests.site import add_template

    site = add_site(root, 'site')
    site._setObject('ram_cache', RAMCacheManager('ram_cache'))
    # its key has the query, which differs in each round of a stampede
    site.ram_cache.manage_editProps('', {
        'threshold': 1000, 'cleanup_interval': 300, 'max_age': 3600,
        'request_vars': ('AUTHENTICATED_USER', 'QUERY_STRING')})
    cmfsite.fill(site, CACHES)
    for name, manager in CACHES.items():
        template = add_template(
            site.portal_skins.custom, f'slow_{name}', SLOW, False)
        template.ZCacheable_setManagerId(manager or None)
    root._setObject('aside', Folder('aside'))
    root.aside._setObject('inner', Folder('inner'))
    for function in slow_query, commit:
        setattr(Item, function.__name__, function)
        setattr(Item, f'{function.__name__}__roles__', None)
    transaction.commit()


def slow_query(self):
    """Wait as for a slow database; give rows that no other query gave.

    The first row is the time in nanoseconds since 1970.
    """
    time.sleep(QUERY_SECS)
    return [time.time_ns(), *(
        f'Item number {number} of a listing, with a description that is as '
        'long as descriptions are: two lines of a narrow column, in most '
        'cases; or three.' for number in range(380))]


def commit(self):
    """Make a change that no page shows; Zope commits it."""
    self.getPhysicalRoot().aside.inner.title = str(time.time())
    return 'done'


def add_floors():
    """Add the methods that give the responses of hits; return the page."""
    import cmfsite
    from Products.StandardCacheManagers.RAMCacheManager import caches

    from Products.PageCacheManager.tests.client import Client

    client = Client(HOST)
    path = '/site/doc/'
    for user, name in (None, 'floor'), ('alice', 'floor_of_member'):
        for _ in range(3):
            page = client.get(f'{path}zodb_ours', user)
            plain = client.get(f'{path}zodb_ram', user)
        assert page.outcome == 'HIT' and plain.body == page.body
        assert all(map(ram_hits, caches.values()))
        cmfsite.add_floor(name, without_date(page), page.body)
    page = client.get(f'{path}zodb_ours')
    held = client.get(f'{path}zodb_ours', If_None_Match=page['ETag'])
    assert held.status == 304
    cmfsite.add_floor('floor_304', without_date(held), '')
    return without_date(page)


def ram_hits(cache):
    """Return the number of hits of a RAMCacheManager."""
    return sum(row['hits'] for row in cache.getCacheReport())


def without_date(response):
    """Return a response without its Date, which the server adds."""
    response.lines = [
        line for line in response.lines if line[0].lower() != 'date']
    return response


def bare(page):
    """Return an application that always sends `page`."""
    def app(environ, start_response):
        start_response('200 OK', list(page.lines))
        return [page.body]

    return app


if __name__ == '__main__':
    serve(Path(sys.argv[1]), int(sys.argv[2]), apps)
