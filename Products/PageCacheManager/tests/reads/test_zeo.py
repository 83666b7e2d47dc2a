"""Commits that other processes make at a ZEO server."""
import subprocess
import sys
import threading
import time

import pytest
from ZEO.ClientStorage import ClientStorage
from ZODB.DB import DB

from Products.PageCacheManager.core.reads.read_set import ReadSet
from Products.PageCacheManager.core.reads.unknown import Changed
from Products.PageCacheManager.core.reads.unknown import Unknown
from Products.PageCacheManager.core.reads.unknown import Why

from ..zeo import PATIENCE_SECS
from ..zeo import Server
from ..zeo import Wire
from ..zeo import until
from .databases import Client
from .databases import edit
from .databases import heard_and_changed
from .databases import make_commits
from .databases import record
from .databases import stopped


#: The server remembers the last ten commits for clients that come back.
MANY = 15

#: A program that reads names from its standard input, one in each line, and
#: commits a change for each.
WRITER = '''
import sys
from ZEO.ClientStorage import ClientStorage
from ZODB.DB import DB
from Products.PageCacheManager.tests.reads.databases import edit
database = DB(ClientStorage(('127.0.0.1', int(sys.argv[1])), wait_timeout=20))
print('ready', flush=True)
for number, line in enumerate(sys.stdin):
    edit(database, **{line.strip(): 'from the other process %d' % number})
    print(database.lastTransaction().hex(), flush=True)
'''


class Writer:
    """Another process that commits."""

    def __init__(self, port):
        self._process = subprocess.Popen(
            [sys.executable, '-c', WRITER, str(port)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout.readline() == 'ready\n'

    def edit(self, name):
        """Commit a new text; return the transaction id."""
        self._process.stdin.write(f'{name}\n')
        self._process.stdin.flush()
        return bytes.fromhex(self._process.stdout.readline())

    def stop(self):
        self._process.stdin.close()
        self._process.wait(PATIENCE_SECS)
        self._process.stdout.close()


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp('server'))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def wire(server):
    wire = Wire(server.port)
    yield wire
    wire.close()


@pytest.fixture
def database(wire):
    database = DB(ClientStorage(
        ('127.0.0.1', wire.port), wait_timeout=PATIENCE_SECS))
    edit(database, a='a', b='b')
    yield database
    database.close()


@pytest.fixture
def writer(server, database):
    writer = Writer(server.port)
    yield writer
    writer.stop()


@pytest.fixture
def commits():
    return make_commits()


@pytest.fixture
def client(database):
    client = Client(database)
    client.begin()
    yield client
    client.close()


def page_of(commits, client, name):
    client.begin()
    recording = record(commits, client)
    client.root[name].read()
    return stopped(recording)


def changed(commits, page, client):
    client.begin()
    return heard_and_changed(commits, page, client)


def hear(database, tid):
    """Wait until the client of the server has been told of a commit.

    After a break it is told first which objects changed, and then to forget
    all.
    """
    until(lambda: database.lastTransaction() >= tid, 'the commit')
    until(database.storage.is_connected, 'the line to be whole')


def test_a_commit_of_another_process_changes_the_page(
        database, writer, commits, client):
    page = page_of(commits, client, 'a')
    hear(database, writer.edit('b'))
    assert changed(commits, page, client) is None
    hear(database, writer.edit('a'))
    assert isinstance(changed(commits, page, client), Changed)


def test_the_own_commits_change_it_too(database, commits, client):
    page = page_of(commits, client, 'a')
    edit(database, b='new')
    assert changed(commits, page, client) is None
    edit(database, a='new')
    assert isinstance(changed(commits, page, client), Changed)


def test_a_page_is_as_old_as_what_the_connection_shows(
        database, wire, writer, commits, client):
    """The commit is there, and this process has not been told of it."""
    page = page_of(commits, client, 'a')
    text = client.root['a'].text
    wire.hold()
    tid = writer.edit('a')
    assert changed(commits, page, client) is None
    assert client.root['a'].text == text
    wire.release()
    hear(database, tid)
    assert isinstance(changed(commits, page, client), Changed)
    assert client.root['a'].text != text


def test_while_the_server_is_away_the_page_is_what_a_render_shows(
        database, wire, writer, commits, client):
    page = page_of(commits, client, 'a')
    wire.cut()
    until(lambda: not database.storage.is_connected(), 'the line to break')
    tid = writer.edit('a')
    assert changed(commits, page, client) is None
    wire.mend()
    hear(database, tid)
    assert changed(commits, page, client) == Unknown(Why.LOST)


@pytest.mark.parametrize('commits_missed', [1, MANY])
def test_a_client_that_was_away_knows_nothing(
        database, wire, writer, commits, client, commits_missed):
    """Its connections forget all they have loaded, too."""
    page = page_of(commits, client, 'a')
    wire.cut()
    until(lambda: not database.storage.is_connected(), 'the line to break')
    for _ in range(commits_missed):
        tid = writer.edit('b')
    wire.mend()
    hear(database, tid)
    assert changed(commits, page, client) == Unknown(Why.LOST)
    again = page_of(commits, client, 'a')
    assert isinstance(again, ReadSet)
    assert changed(commits, again, client) is None


def test_a_server_that_was_started_anew(server, database, commits, client):
    page = page_of(commits, client, 'a')
    server.stop()
    until(lambda: not database.storage.is_connected(), 'the server to go')
    server.start()
    until(database.storage.is_connected, 'the server to be back')
    assert changed(commits, page, client) is None  # nothing was committed
    other = Writer(server.port)
    hear(database, other.edit('b'))
    assert changed(commits, page, client) == Unknown(Why.LOST)
    page = page_of(commits, client, 'a')
    assert changed(commits, page, client) is None
    hear(database, other.edit('a'))
    assert isinstance(changed(commits, page, client), Changed)
    other.stop()


def test_no_thread_has_a_page_older_than_what_it_shows(
        database, writer, commits):
    """The observer may be told a moment after the connections are."""
    stop_at = time.monotonic() + 2
    wrong, hits, failures = [], [], []
    pages = {}

    def read():
        client = Client(database)
        try:
            while time.monotonic() < stop_at:
                client.begin()
                page, text = pages.get('a', (None, ''))
                if page is not None:
                    found = heard_and_changed(commits, page, client)
                    shown = client.root['a'].text
                    if found is None:
                        hits.append(1)
                        if number_of(text) < number_of(shown):
                            wrong.append((text, shown))
                        continue
                recording = record(commits, client)
                text = client.root['a'].text
                page = stopped(recording)
                if isinstance(page, ReadSet):
                    pages['a'] = page, text
        except Exception as error:
            failures.append(error)
        finally:
            client.close()

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    while time.monotonic() < stop_at:
        writer.edit('a')
    for thread in threads:
        thread.join()
    assert not failures
    assert hits and not wrong


def number_of(text):
    return int(text.rpartition(' ')[2]) if ' ' in text else -1
