"""A ZEO server and its Zope clients, each a separate process.

All listen on this machine alone, on ports that the system picks.  A process
ends when its standard input closes, so no process outlives the tests.

Run as a program, this module is one of these Zope clients.
"""
import json
import os
import re
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from OFS.Application import Application
from plone.memoize.interfaces import ICacheChooser
from Products.CMFCore.DirectoryView import registerDirectory
from Products.PluginIndexes.FieldIndex.FieldIndex import FieldIndex
from Products.ZCatalog.ZCatalog import ZCatalog
from waitress import create_server
from ZEO.ClientStorage import ClientStorage
from zope.component import provideHandler
from zope.component import provideUtility
from zope.event import notify
from zope.lifecycleevent import ObjectModifiedEvent
from ZPublisher import zpublish
from ZPublisher.httpexceptions import HTTPExceptionHandler
from ZPublisher.interfaces import IPubBeforeCommit
from ZPublisher.interfaces import IPubFailure

from ..fastlane.filter import FastLane
from . import site as sites
from .client import Client
from .client import Response


#: The longest that anything here waits, seconds.
PATIENCE_SECS = 20
#: How long a Zope client waits for the server that is away, seconds.
WAIT_TIMEOUT_SECS = 1

#: All clients have one host name, as behind a balancer.
HOST = 'zope.example'

#: Without the hour of the usual recipe, so no hour ends during a test.
ETAG = ("python: '%s|%s' % (member and member.getId() or '',"
        " object.modified().timeTime())")

HELD = '''<p id="text" tal:content="context/text">text</p>
<p id="hold" tal:content="context/hold">held</p>'''
MAIN = '<html metal:define-macro="m"><b>old frame</b></html>'
FRAMED = '<html metal:use-macro="context/main_template/macros/m" />'

ZOPE_CONF = '''
%import ZEO
instancehome {home}
# each wait for a server that is away is repeated so often
max-conflict-retries 1
<zodb_db main>
  <clientstorage>
    server 127.0.0.1:{port}
    wait-timeout {timeout}
    server-sync {sync}
  </clientstorage>
  mount-point /
</zodb_db>
'''
SITE_ZCML = '''
<configure xmlns="http://namespaces.zope.org/zope"
           xmlns:five="http://namespaces.zope.org/five">
  <include package="Zope2.App" />
  <five:loadProducts file="meta.zcml" />
  <five:loadProducts />
</configure>
'''
ZEO_CONF = '''
<zeo>
  address 127.0.0.1:{port}
  pid-filename {home}/zeo.pid
  invalidation-queue-size 10
</zeo>
<filestorage 1>
  path {home}/Data.fs
</filestorage>
'''
# A blind server has not installed the product, as is usual for a ZEO server:
# it can not resolve conflicts of its objects.
ZEO_SERVER = '''
import os, sys, threading
if sys.argv.pop(1) == 'blind':
    sys.modules['Products.PageCacheManager'] = None
threading.Thread(
    target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
import zope.event
from ZEO.runzeo import main
from ZEO.StorageServer import Serving
zope.event.subscribers.append(lambda event: isinstance(event, Serving)
    and print('serving on', event.address[1], flush=True))
main()
'''

_SERVING = r'serving on (\d+)'


def until(condition, what='it', secs=PATIENCE_SECS):
    """Wait until `condition` gives a true value; return that value."""
    pause = threading.Event()
    for _ in range(int(secs / 0.01)):
        found = condition()
        if found:
            return found
        pause.wait(0.01)
    raise AssertionError(f'waited in vain for {what}')


class Process:
    """A process of Python whose log is a file."""

    def __init__(self, home, name):
        self.home = home
        self.name = name
        self.log = home / f'{name}.log'
        self.process = None

    def spawn(self, *arguments, **environment):
        with self.log.open('wb') as log:
            self.process = subprocess.Popen(
                [sys.executable, *arguments], stdin=subprocess.PIPE,
                stdout=log, stderr=log, cwd=self.home,
                env={**os.environ, **environment})

    def port_told(self):
        """Return the port that the log tells, once it does."""
        def found():
            text = self.log.read_text('utf-8', 'replace')
            assert self.process.poll() is None, text
            return re.search(_SERVING, text)
        return int(until(found, f'{self.name} to serve')[1])

    def stop(self):
        """End the process at once, as a crash does."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait(PATIENCE_SECS)
            process.stdin.close()


class Server(Process):
    """The ZEO server; started again, it has its old port."""

    def __init__(self, home):
        super().__init__(home, 'server')
        self.port = 0

    def start(self, kind='knowing'):
        conf = self.home / 'zeo.conf'
        conf.write_text(ZEO_CONF.format(home=self.home, port=self.port))
        self.spawn('-c', ZEO_SERVER, kind, '-C', str(conf))
        self.port = self.port_told()


class Wire:
    """The line from a client to the server, which a test can cut or hold.
    """

    def __init__(self, port):
        self._far = port
        self._ends = []
        self._is_cut = False
        self._lock = threading.Lock()
        self._flows = threading.Event()
        self._flows.set()
        #: How much the client has sent.
        self.sent_bytes = 0
        self._listener = socket.create_server(('127.0.0.1', 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._is_cut:
                    near.close()
                    continue
                try:
                    far = socket.create_connection(
                        ('127.0.0.1', self._far), PATIENCE_SECS)
                except OSError:
                    near.close()
                    continue
                far.settimeout(None)
                for end in near, far:
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._ends += near, far
            for ends in ((near, far, self._count), (far, near, self._wait)):
                threading.Thread(
                    target=self._pump, args=ends, daemon=True).start()

    def _count(self, data):
        self.sent_bytes += len(data)

    def _wait(self, data):
        self._flows.wait(PATIENCE_SECS)

    def _pump(self, source, sink, before):
        try:
            while data := source.recv(65536):
                before(data)
                sink.sendall(data)
        except OSError:
            pass
        for end in source, sink:
            _hang_up(end)

    def cut(self):
        with self._lock:
            self._is_cut = True
            ends, self._ends = self._ends, []
        for end in ends:
            _hang_up(end)

    def mend(self):
        with self._lock:
            self._is_cut = False

    def hold(self):
        """Keep back the answers of the server; the client does not notice."""
        self._flows.clear()

    def release(self):
        self._flows.set()

    def close(self):
        self.cut()
        self.release()
        _hang_up(self._listener)
        self._listener.close()


def _hang_up(end):
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


class Gate:
    """Holds requests with X-Hold until the test lets them go on."""

    def __init__(self):
        self._listener = socket.create_server(('127.0.0.1', 0))
        self._listener.settimeout(PATIENCE_SECS)
        self.port = self._listener.getsockname()[1]

    def arrival(self):
        """Return the connection of the next request that waits."""
        connection, _ = self._listener.accept()
        return connection

    def let_on_again(self):
        """Let a retried request go on, if one waits."""
        self._listener.settimeout(0)
        try:
            let_on(self.arrival())
        except BlockingIOError:
            pass
        finally:
            self._listener.settimeout(PATIENCE_SECS)

    def close(self):
        self._listener.close()


def let_on(connection):
    """Let the request at the other end of the connection go on."""
    connection.sendall(b'.')
    connection.close()


class HTTPClient(Client):
    """Speaks HTTP to a server on this machine."""

    port = None

    def request(self, method, path, user=None, body='', **headers):
        """Send one request over a new connection."""
        environ = self.environ(method, path, body.encode(), user, headers)
        sent = {
            name[5:].replace('_', '-'): value
            for name, value in environ.items() if name.startswith('HTTP_')}
        if method == 'POST':
            sent['Content-Type'] = environ['CONTENT_TYPE']
        connection = HTTPConnection(
            '127.0.0.1', self.port, timeout=PATIENCE_SECS)
        try:
            connection.request(method, path, body or None, sent)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        return Response(
            f'{answer.status} {answer.reason}', answer.getheaders(), content)


class Zope(Process, HTTPClient):
    """A Zope client of the server, and an HTTP client of it."""

    def __init__(self, home, name, port, gate, is_synchronous, lane):
        self._cache = home / 'cache'
        home = home / name
        Process.__init__(self, home, name)
        HTTPClient.__init__(self, HOST)
        (home / 'etc').mkdir(parents=True)
        (home / 'var').mkdir()
        (home / 'import').mkdir()
        (home / 'etc' / 'site.zcml').write_text(SITE_ZCML)
        (home / 'zope.conf').write_text(ZOPE_CONF.format(
            home=home, port=port, timeout=WAIT_TIMEOUT_SECS,
            sync='true' if is_synchronous else 'false'))
        self._gate = gate
        self._lane = lane
        self.port = None

    def start(self):
        self.spawn(
            '-m', __name__, str(self.home / 'zope.conf'), *self._lane,
            PCM_TEST_GATE=str(self._gate.port),
            PCM_TEST_CACHE=str(self._cache),
            # read before the configuration is
            INSTANCE_HOME=str(self.home), CLIENT_HOME=str(self.home / 'var'))

    def wait(self):
        self.port = self.port_told()

    def state(self):
        """Return the state that the process reports."""
        answer = self.get('/tell_state')
        assert answer.status == 200, answer.text
        return json.loads(answer.body)

    def has_heard_of(self, tid):
        """Return whether the client has heard of the transaction `tid`."""
        answer = self.get('/tell_state')
        return answer.status == 200 and json.loads(answer.body)['tid'] >= tid

    @contextmanager
    def background(self, method, path, *args, **headers):
        """Send a request meanwhile; yield a list that gets the answer."""
        answers = []
        thread = threading.Thread(target=lambda: answers.append(
            getattr(self, method)(path, *args, **headers)), daemon=True)
        thread.start()
        yield answers
        thread.join(PATIENCE_SECS)
        assert answers, f'{self.name} did not answer {path}'


class FolderCache:
    """A cache that several processes share, as they share a memcached."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def get(self, name, default=None):
        self._check()
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return default

    def __setitem__(self, name, value):
        self._check()
        part = self.folder / f'{name}.{os.getpid()}.{threading.get_ident()}'
        part.write_bytes(value)
        part.rename(self.folder / name)

    def _check(self):
        if (self.folder / 'broken').exists():
            raise OSError('the cache is down')

    def break_down(self):
        (self.folder / 'broken').touch()

    def clear(self):
        for path in self.folder.iterdir():
            path.unlink()

    def overwrite(self, change):
        """Write other values in place of all."""
        for path in self.folder.iterdir():
            path.write_bytes(change(path.read_bytes()))


class Cluster:
    """The server, two Zope clients, and all other parts that a test needs.

    With `late_ms` the fast lane is in front of each client; `kind` is the
    server's.
    """

    def __init__(self, home, late_ms=None, kind='knowing'):
        self.home = home
        self.gate = Gate()
        #: The cache that the clients have in common.
        self.cache = FolderCache(home / 'cache')
        self.server = Server(home)
        self.server.start(kind)
        #: The lines of the two clients.
        self.wires = Wire(self.server.port), Wire(self.server.port)
        self.wire = self.wires[1]
        lane = () if late_ms is None else (str(late_ms),)
        # the first waits for the server before each transaction; the second
        # hears of commits some time later, as is usual
        self.zopes = (
            Zope(home, 'first', self.wires[0].port, self.gate, True, lane),
            Zope(home, 'second', self.wires[1].port, self.gate, False, lane))
        self.storage = None
        self._sites = 0

    def start(self):
        # only the first client makes the root objects of the database
        self.zopes[0].start()
        self.zopes[0].wait()
        self.zopes[1].start()
        self.storage = ClientStorage(
            ('127.0.0.1', self.server.port), wait_timeout=PATIENCE_SECS,
            server_sync=True)
        self.zopes[1].wait()

    def stop(self):
        if self.storage is not None:
            self.storage.close()
        for process in (*self.zopes, self.server):
            process.stop()
        for wire in self.wires:
            wire.close()
        self.gate.close()

    def restart_server(self, kind='knowing'):
        self.server.stop()
        self.server.start(kind)
        # The new server does not know the ids that a client got and has not
        # used yet.  It would give them again.
        for _ in range(1000):
            self.storage.new_oid()
        self.settle()

    def last_transaction(self):
        """Return the id of the last transaction that the server has."""
        self.storage.sync()
        return self.storage.lastTransaction().hex()

    def settle(self):
        """Wait until every client has heard of all commits."""
        last = self.last_transaction()
        for zope in self.zopes:
            until(lambda zope=zope: zope.has_heard_of(last),
                  f'{zope.name} to hear of {last}')

    def new_site(self, store='process'):
        """Add a new CMF site for a test; return its path."""
        self._sites += 1
        name = f'site{self._sites}'
        answer = self.zopes[0].post(
            '/make_site', {'name': name, 'store': store})
        assert answer.status == 200, answer.text
        self.settle()
        return f'/{name}'


# code in the process of a client

class Told:
    """The counts of a client."""

    retries = 0


@zpublish
def tell_state(self):
    """Return the last transaction that this client knows, and its retries."""
    return json.dumps({
        'tid': self._p_jar.db().lastTransaction().hex(),
        'retries': Told.retries})


@zpublish(methods='POST')
def make_site(self, name, store='process'):
    """Add a site that each test changes as it likes."""
    site = sites.add_site(self, name)
    site.page_cache.manage_editProps('', {'store': store})
    policies = site.caching_policy_manager
    policies.removePolicy('all')
    sites.add_policy(policies, etag=ETAG)
    site._setObject('third', sites.Item('third', 'third text'))
    custom = site.portal_skins.custom
    sites.add_template(custom, 'held', HELD)
    sites.add_template(custom, 'main_template', MAIN, associate=False)
    sites.add_template(custom, 'framed', FRAMED)
    return 'made'


@zpublish(methods='POST')
def make_documents(self, site, count):
    """Add content to a site, one for each editor."""
    for number in range(count):
        name = f'document{number}'
        self[site]._setObject(name, sites.Item(name, 'text'))
    return 'made'


@zpublish(methods='POST')
def rewrite(self, text):
    """Edit the text as an editor's form does, which notifies an event."""
    self.text = text
    notify(ObjectModifiedEvent(self))
    return 'edited'


@zpublish(methods='POST')
def make_catalog(self, site, template):
    """Add a catalog to a site, and a template that lists search results."""
    site = self[site]
    site._setObject('catalog', ZCatalog('catalog'))
    site.catalog._catalog.addIndex('kind', FieldIndex('kind'))
    site.catalog.addColumn('text')
    sites.add_template(site.portal_skins.custom, 'listing', template)
    return 'made'


@zpublish(methods='POST')
def index_again(self, text, kind):
    """Edit the attributes that a search finds and reads."""
    self.text, self.kind = text, kind
    self.catalog.catalog_object(self, '/'.join(self.getPhysicalPath()))
    return 'edited'


def hold(self):
    """Wait while rendering, if the request says so."""
    _wait_at_gate(self.REQUEST, 'render')
    return 'rendered'


def before_commit(event):
    _wait_at_gate(event.request, 'commit')


def _wait_at_gate(request, stage):
    if request.environ.get('HTTP_X_HOLD') == stage:
        address = '127.0.0.1', int(os.environ['PCM_TEST_GATE'])
        with socket.create_connection(address, PATIENCE_SECS) as gate:
            assert gate.recv(1) == b'.'


def failed(event):
    Told.retries += bool(event.retry)


def serve(conf, late_ms=None):
    """Be a Zope client, as `conf` says, until standard input closes."""
    from Zope2.Startup.run import make_wsgi_app

    threading.Thread(
        target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    app = make_wsgi_app({}, conf)
    registerDirectory('skins', {'__name__': sites.__name__})
    sites.Item.hold = hold
    sites.Item.rewrite = rewrite
    sites.Item.index_again = index_again
    for method in tell_state, make_site, make_documents, make_catalog:
        setattr(Application, method.__name__, method)
        setattr(Application, f'{method.__name__}__roles__', None)
    provideHandler(before_commit, [IPubBeforeCommit])
    provideHandler(failed, [IPubFailure])
    cache = FolderCache(Path(os.environ['PCM_TEST_CACHE']))
    provideUtility(lambda name: cache, ICacheChooser)
    _add_root_user()
    if late_ms is not None:
        app = FastLane(app, late_ms=late_ms)
    server = create_server(
        HTTPExceptionHandler(app), host='127.0.0.1', port=0, threads=8)
    print('serving on', server.effective_port, flush=True)
    server.run()


def _add_root_user():
    import transaction
    import Zope2

    app = Zope2.app()
    try:
        if app.acl_users.getUser('root') is None:
            app.acl_users.userFolderAddUser('root', 'root', ['Manager'], [])
            transaction.commit()
    finally:
        transaction.abort()
        app._p_jar.close()


if __name__ == '__main__':
    serve(*sys.argv[1:])
