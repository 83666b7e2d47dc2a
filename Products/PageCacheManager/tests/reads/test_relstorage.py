"""Commits of a storage that must be asked: RelStorage with SQLite.

It is no dependency: these tests run if it is installed.
"""
import subprocess
import sys
import threading
import time

import pytest
import transaction
from ZODB.DB import DB

from Products.PageCacheManager.core.reads.read_set import ReadSet
from Products.PageCacheManager.core.reads.unknown import Changed
from Products.PageCacheManager.core.reads.unknown import Unknown
from Products.PageCacheManager.core.reads.unknown import Why

from .databases import Client
from .databases import edit
from .databases import heard_and_changed
from .databases import make_commits
from .databases import record
from .databases import stopped


adapters = pytest.importorskip('relstorage.adapters.sqlite.adapter')
options = pytest.importorskip('relstorage.options')
storages = pytest.importorskip('relstorage.storage')

WRITER = '''
import sys
from Products.PageCacheManager.tests.reads.databases import edit
from Products.PageCacheManager.tests.reads.test_relstorage import open_db
database = open_db(sys.argv[1])
edit(database, **{sys.argv[2]: 'from another process'})
database.close()
'''


def open_db(path, **settings):
    given = options.Options(
        keep_history=settings.pop('keep_history', True), cache_local_mb=1)
    adapter = adapters.Sqlite3Adapter(str(path), {}, options=given)
    return DB(storages.RelStorage(adapter, options=given), **settings)


def edit_elsewhere(path, name):
    subprocess.run(
        [sys.executable, '-c', WRITER, str(path), name], check=True,
        timeout=60)


@pytest.fixture(params=[True, False], ids=['history', 'no history'])
def database(tmp_path, request):
    database = open_db(tmp_path, keep_history=request.param)
    edit(database, a='a', b='b')
    yield database
    database.close()


@pytest.fixture
def client(database):
    client = Client(database)
    yield client
    client.close()


@pytest.fixture
def commits():
    return make_commits()


def page_of(commits, client, name):
    client.begin()
    recording = record(commits, client)
    client.root[name].read()
    return stopped(recording)


def changed(commits, page, client):
    client.begin()
    return heard_and_changed(commits, page, client)


def test_a_commit_changes_the_page(database, commits, client):
    page = page_of(commits, client, 'a')
    assert isinstance(page, ReadSet)
    assert changed(commits, page, client) is None
    edit(database, b='new')
    assert changed(commits, page, client) is None
    edit(database, a='new')
    assert isinstance(changed(commits, page, client), Changed)


def test_a_commit_of_the_own_connection_changes_the_page(commits, client):
    page = page_of(commits, client, 'a')
    client.root['a'].text = 'new'
    client.commit()
    assert isinstance(changed(commits, page, client), Changed)
    again = page_of(commits, client, 'a')
    assert changed(commits, again, client) is None


@pytest.mark.parametrize('database', [True], indirect=True)
def test_a_commit_of_another_process_changes_the_page(
        database, tmp_path, commits, client):
    page = page_of(commits, client, 'a')
    edit_elsewhere(tmp_path, 'b')
    assert changed(commits, page, client) is None
    edit_elsewhere(tmp_path, 'a')
    assert isinstance(changed(commits, page, client), Changed)


def test_a_request_that_began_before_the_commit_may_have_the_page(
        database, commits, client):
    page = page_of(commits, client, 'a')
    client.begin()
    edit(database, a='new')
    assert heard_and_changed(commits, page, client) is None
    assert client.root['a'].text == 'a'
    assert isinstance(changed(commits, page, client), Changed)


def test_a_commit_during_the_render_keeps_the_page_out(
        database, commits, client):
    client.begin()
    recording = record(commits, client)
    client.root['a'].read()
    edit(database, a='new')
    other = Client(database)
    page = page_of(commits, other, 'a')
    assert isinstance(page, ReadSet)
    assert isinstance(stopped(recording), Changed)
    other.close()


def test_the_observer_stays_in_no_transaction(database, commits, client):
    """It would keep the server from cleaning up."""
    page = page_of(commits, client, 'a')
    instance = commits._observers[page.sources[0]]._instance
    for name in 'bab':
        edit(database, **{name: 'new'})
        changed(commits, page, client)
        load = instance._load_connection
        assert load.connection is None or not load.connection.in_transaction


@pytest.mark.parametrize('database', [True], indirect=True)
def test_undo_is_a_change_and_a_pack_is_none(database, commits, client):
    edit(database, a='new')
    page = page_of(commits, client, 'a')
    database.pack(time.time() + 1)
    assert changed(commits, page, client) is None
    edit(database, a='newer')
    page = page_of(commits, client, 'a')
    database.undo(database.undoLog(0, 1)[0]['id'])
    transaction.commit()
    client.begin()
    assert client.root['a'].text == 'new'
    assert isinstance(changed(commits, page, client), Changed)


def test_a_closed_database_is_unknown(database, commits):
    client = Client(database)
    page = page_of(commits, client, 'a')
    client.close()
    database.close()
    assert commits.watch(database) == Unknown(Why.CLOSED)
    assert isinstance(page, ReadSet)


def test_threads_never_have_a_page_older_than_what_they_show(
        database, commits):
    stop_at = time.monotonic() + 2
    pages, wrong, hits, failures = {}, [], [], []

    def run():
        client = Client(database)
        try:
            while time.monotonic() < stop_at:
                page, text = pages.get('a', (None, ''))
                if page is not None:
                    found = changed(commits, page, client)
                    shown = client.root['a'].text
                    if found is None:
                        hits.append(1)
                        if len(text) < len(shown):
                            wrong.append((text, shown))
                        continue
                page = page_of(commits, client, 'a')
                if isinstance(page, ReadSet):
                    pages['a'] = page, client.root['a'].text
        except Exception as error:
            failures.append(error)
        finally:
            client.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    number = 0
    while time.monotonic() < stop_at:
        number += 1
        edit(database, a='.' * number)
        time.sleep(0.01)
    for thread in threads:
        thread.join()
    assert not failures
    assert hits and not wrong
