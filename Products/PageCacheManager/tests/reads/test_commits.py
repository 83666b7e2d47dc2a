"""News of commits, with the storages of ZODB."""
import gc
import threading
import time
import weakref

import pytest
import transaction
from BTrees.OOBTree import OOBTree
from ZODB.DB import DB
from ZODB.DemoStorage import DemoStorage
from ZODB.FileStorage import FileStorage
from ZODB.MappingStorage import MappingStorage
from ZODB.POSException import StorageError
from ZODB.tests.MVCCMappingStorage import MVCCMappingStorage

from Products.PageCacheManager.core.reads.read_set import ReadSet
from Products.PageCacheManager.core.reads.unknown import Changed
from Products.PageCacheManager.core.reads.unknown import Unknown
from Products.PageCacheManager.core.reads.unknown import Why
from Products.PageCacheManager.reads import commits as module
from Products.PageCacheManager.reads import observer
from Products.PageCacheManager.reads import zodb
from Products.PageCacheManager.reads.commits import Reads

from .databases import Client
from .databases import client as client_of
from .databases import edit
from .databases import file_db
from .databases import heard_and_changed
from .databases import make_commits


LOST = Unknown(Why.LOST)


def over_a_file(path):
    """Return a demo storage over the data of a closed file storage."""
    database = file_db(path)
    edit(database, old='old')
    database.close()
    return DemoStorage(base=FileStorage(str(path), read_only=True))


STORAGES = {
    'file': lambda path: FileStorage(str(path)),
    'mapping': lambda path: MappingStorage(),
    'demo': lambda path: DemoStorage(),
    'demo over a file': over_a_file,
    'demo over a demo': lambda path: DemoStorage(base=over_a_file(path)),
    'polled': lambda path: MVCCMappingStorage(),
}


@pytest.fixture(params=STORAGES)
def database(request, tmp_path):
    database = DB(STORAGES[request.param](tmp_path / 'Data.fs'))
    edit(database, a='a', b='b', c='c')
    yield database
    database.close()


@pytest.fixture
def files(tmp_path):
    database = file_db(tmp_path / 'Files.fs')
    edit(database, a='a', b='b', c='c')
    yield database
    database.close()


@pytest.fixture
def commits():
    return make_commits()


@pytest.fixture
def open_client():
    opened = []

    def add(database):
        opened.append(Client(database))
        opened[-1].begin()
        return opened[-1]
    yield add
    for one in opened:
        if one.connection.opened is not None:
            one.close()


def page_of(commits, client, *names):
    """Return the read set of some documents, as the client shows them."""
    number = commits.watch(client.database)
    oids = {client.root[name]._p_oid for name in names}
    return commits.admit({
        number: Reads(zodb.snapshot_of(client.connection), oids)})


def changed(commits, page, client):
    return heard_and_changed(commits, page, client)


def oid_of(client, name):
    return client.root[name]._p_oid


def test_nothing_changed_at_first(database, commits, open_client):
    client = open_client(database)
    page = page_of(commits, client, 'a', 'b')
    assert isinstance(page, ReadSet)
    assert changed(commits, page, client) is None


def test_a_commit_changes_the_page(database, commits, open_client):
    client = open_client(database)
    page = page_of(commits, client, 'a', 'b')
    edit(database, b='new')
    client.begin()
    found = changed(commits, page, client)
    assert found == Changed(page.sources[0], oid_of(client, 'b'))
    assert commits.name_of(found.source) == database.database_name
    # it stays so
    assert changed(commits, page, client) == found


def test_a_commit_of_the_own_connection_changes_the_page(
        database, commits, open_client):
    client = open_client(database)
    page = page_of(commits, client, 'a')
    client.root['a'].text = 'new'
    client.commit()
    client.begin()
    assert isinstance(changed(commits, page, client), Changed)


def test_other_commits_do_not(database, commits, open_client):
    client = open_client(database)
    page = page_of(commits, client, 'a')
    for number in range(3):
        edit(database, b=f'new {number}')
        client.begin()
        assert changed(commits, page, client) is None


def test_a_request_that_began_before_the_commit_may_have_the_page(
        database, commits, open_client):
    """Its own render would show the same."""
    early = open_client(database)
    page = page_of(commits, early, 'a')
    edit(database, a='new')
    assert changed(commits, page, early) is None
    late = open_client(database)
    assert isinstance(changed(commits, page, late), Changed)


def test_a_commit_during_the_render_keeps_the_page_out(
        database, commits, open_client):
    client = open_client(database)
    commits.watch(database)
    edit(database, a='new')
    other = open_client(database)
    assert isinstance(page_of(commits, other, 'a'), ReadSet)  # hears of it
    assert isinstance(page_of(commits, client, 'a'), Changed)
    assert isinstance(page_of(commits, client, 'b'), ReadSet)


def test_a_commit_during_the_render_is_seen_at_the_first_hit(
        database, commits, open_client):
    """The process has not heard of it when the page is stored."""
    client = open_client(database)
    page = page_of(commits, client, 'a')
    edit(database, a='new')
    again = page_of(commits, client, 'a')
    client.begin()
    assert isinstance(changed(commits, page, client), Changed)
    assert isinstance(changed(commits, again, client), Changed)


def test_a_page_from_before_the_first_look_is_not_kept(
        database, commits, open_client):
    client = open_client(database)
    edit(database, a='new')
    assert page_of(commits, client, 'b') == LOST


def test_a_page_older_than_the_log_is_not_kept(files, open_client):
    clock = [0.0]
    commits = make_commits(clock=lambda: clock[0])
    client = open_client(files)
    commits.watch(files)
    edit(files, b='new')
    page_of(commits, open_client(files), 'a')
    assert isinstance(page_of(commits, client, 'a'), ReadSet)
    clock[0] += 3600
    edit(files, c='new')
    page_of(commits, open_client(files), 'a')
    assert page_of(commits, client, 'a') == LOST


def test_an_abort_changes_nothing(database, commits, open_client):
    client = open_client(database)
    page = page_of(commits, client, 'a')
    other = open_client(database)
    other.root['a'].text = 'never'
    other.transactions.abort()
    client.begin()
    assert changed(commits, page, client) is None


def rewrite(database, name, **more):
    """Commit a document in the state that it has, but for `more`."""
    with client_of(database) as writer:
        writer.root[name]._p_activate()
        vars(writer.root[name]).update(more)
        writer.root[name]._p_changed = True
        writer.commit()


def test_the_same_state_again_is_a_change(database, commits, open_client):
    client = open_client(database)
    page = page_of(commits, client, 'a')
    rewrite(database, 'a')
    client.begin()
    assert isinstance(changed(commits, page, client), Changed)


def test_a_login_is_no_change(database, commits, open_client):
    client = open_client(database)
    rewrite(database, 'a', login_time=1)
    client.begin()
    page = page_of(commits, client, 'a')
    rewrite(database, 'a', login_time=2, last_login_time=1)
    client.begin()
    assert changed(commits, page, client) is None
    rewrite(database, 'a', login_time=3, text='new')
    client.begin()
    assert isinstance(changed(commits, page, client), Changed)


def test_a_btree_that_is_written_again_is_no_change(
        database, commits, open_client):
    with client_of(database) as writer:
        writer.root['members'] = OOBTree({'alice': 1})
        writer.commit()
    client = open_client(database)
    page = page_of(commits, client, 'members')
    for value, is_same in (1, True), (2, False):
        with client_of(database) as writer:
            writer.root['members']['alice'] = value
            writer.root['members']._p_changed = True
            writer.commit()
        client.begin()
        assert (changed(commits, page, client) is None) == is_same


def test_there_and_back_between_two_polls_is_a_change(
        database, commits, open_client):
    client = open_client(database)
    page = page_of(commits, client, 'a')
    edit(database, a='new')
    edit(database, a='a')
    client.begin()
    assert isinstance(changed(commits, page, client), Changed)


def test_a_page_of_the_time_between_two_logins_is_kept_no_longer(
        database, commits, open_client):
    first = open_client(database)
    rewrite(database, 'a', login_time=1)
    first.begin()
    page = page_of(commits, first, 'a')
    rewrite(database, 'a', login_time=2, text='new')
    between = open_client(database)
    rewrite(database, 'a', login_time=3, text='a')
    first.begin()
    assert changed(commits, page, first) is None
    assert between.root['a'].text == 'new'
    assert isinstance(page_of(commits, between, 'a'), Changed)


def test_a_commit_of_many_objects_is_not_compared(
        database, commits, open_client, monkeypatch):
    monkeypatch.setattr(observer, 'MAX_COMPARED', 1)
    client = open_client(database)
    for name in 'ab':
        rewrite(database, name, login_time=1)
    client.begin()
    page = page_of(commits, client, 'a', 'b')
    with client_of(database) as writer:
        for name in 'ab':
            writer.root[name].login_time = 2
        writer.commit()
    client.begin()
    assert isinstance(changed(commits, page, client), Changed)


def test_what_the_storage_does_not_give_counts_as_changed(
        database, commits, open_client, monkeypatch):
    def fail(*args):
        raise StorageError('the server is away')
    client = open_client(database)
    page = page_of(commits, client, 'a')
    monkeypatch.setattr(zodb, 'record_at', fail)
    rewrite(database, 'a', login_time=1)
    client.begin()
    assert isinstance(changed(commits, page, client), Changed)


def test_undo_is_a_change(files, commits, open_client):
    edit(files, a='new')
    client = open_client(files)
    page = page_of(commits, client, 'a')
    files.undo(files.undoLog(0, 1)[0]['id'])
    transaction.commit()
    client.begin()
    assert client.root['a'].text == 'a'
    assert isinstance(changed(commits, page, client), Changed)


def test_a_pack_is_none(files, commits, open_client):
    edit(files, a='new')
    client = open_client(files)
    page = page_of(commits, client, 'a')
    files.pack(time.time() + 1)
    client.begin()
    assert changed(commits, page, client) is None
    edit(files, a='newer')
    client.begin()
    assert isinstance(changed(commits, page, client), Changed)


def count_polls(commits, database):
    """Let the observer of a database count its polls."""
    observer = commits._observers[commits.watch(database)]
    polls = []
    poll = observer.poll
    observer.poll = lambda: polls.append(1) or poll()
    return polls


def test_nobody_polls_without_a_commit(files, commits, open_client):
    client = open_client(files)
    page = page_of(commits, client, 'a')
    polls = count_polls(commits, files)
    for _ in range(5):
        client.begin()
        assert changed(commits, page, client) is None
    assert not polls
    edit(files, b='new')
    for _ in range(5):
        client.begin()
        assert changed(commits, page, client) is None
    assert len(polls) == 1


def test_an_observer_that_stays_behind_is_unknown(
        files, commits, open_client):
    client = open_client(files)
    page = page_of(commits, client, 'a')
    observer = commits._observers[page.sources[0]]
    tid = observer.log.tid
    edit(files, b='new')
    client.begin()
    poll, observer.poll = observer.poll, lambda: ((), tid)
    assert changed(commits, page, client) == Unknown(Why.BEHIND)
    observer.poll = poll
    assert changed(commits, page, client) is None


def test_an_observer_that_is_behind_for_a_moment_is_polled_again(
        files, commits, open_client):
    client = open_client(files)
    page = page_of(commits, client, 'a')
    observer = commits._observers[page.sources[0]]
    behind = [((), observer.log.tid)] * (module.MAX_POLLS - 1)
    poll = observer.poll
    observer.poll = lambda: behind.pop() if behind else poll()
    edit(files, a='new')
    client.begin()
    assert isinstance(changed(commits, page, client), Changed)


def test_all_is_forgotten_where_commits_were_missed(
        files, commits, open_client):
    client = open_client(files)
    page = page_of(commits, client, 'a')
    files._mvcc_storage.invalidateCache()
    edit(files, b='new')
    client.begin()
    assert changed(commits, page, client) == LOST
    assert changed(commits, page, client) == LOST
    assert commits.name_of(page.sources[0]) == ''
    # the page of that render is not kept, but the next page is
    again = page_of(commits, client, 'a')
    assert again.sources != page.sources
    assert changed(commits, again, client) is None


def test_a_poll_that_fails_is_raised_and_forgets_all(
        files, commits, open_client):
    client = open_client(files)
    page = page_of(commits, client, 'a')

    def fail():
        raise OSError('the storage is away')

    commits._observers[page.sources[0]].poll = fail
    edit(files, b='new')
    client.begin()
    with pytest.raises(OSError, match='away'):
        changed(commits, page, client)
    assert changed(commits, page, client) == LOST


def test_a_commit_that_could_not_be_noted_forgets_all(
        files, commits, open_client, monkeypatch):
    """It will not be told again."""
    client = open_client(files)
    page = page_of(commits, client, 'a')

    def fail(*args):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(commits._table, 'note', fail)
        edit(files, a='new')
        client.begin()
        with pytest.raises(MemoryError):
            changed(commits, page, client)
    assert changed(commits, page, client) == LOST


def test_an_observer_that_can_not_begin_is_let_go(
        files, commits, monkeypatch):
    before = len(files._mvcc_storage._instances)

    def fail(instance):
        raise OSError('the storage is away')

    with monkeypatch.context() as patch:
        patch.setattr(zodb, 'poll', fail)
        for _ in range(3):
            with pytest.raises(OSError, match='away'):
                commits.watch(files)
    assert len(files._mvcc_storage._instances) == before
    assert isinstance(commits.watch(files), int)


def test_observers_that_were_dropped_hear_no_more(
        files, commits, open_client):
    before = len(files._mvcc_storage._instances)
    client = open_client(files)
    for _ in range(5):
        page = page_of(commits, client, 'a')
        files._mvcc_storage.invalidateCache()
        edit(files, b='new')
        client.begin()
        assert changed(commits, page, client) == LOST
    assert len(files._mvcc_storage._instances) <= before + 2


def test_a_base_that_moves_is_unknown(tmp_path, commits, open_client):
    """A demo storage shows the change, and does not announce it."""
    below = file_db(tmp_path / 'Data.fs')
    edit(below, a='a')
    above = DB(DemoStorage(base=below.storage, close_base_on_close=False))
    client = open_client(above)
    page = page_of(commits, client, 'a')
    edit(below, a='new')
    client.begin()
    assert changed(commits, page, client) == LOST
    client.close()
    above.close()
    below.close()


# several databases

@pytest.fixture
def mounted(tmp_path):
    """Two databases; the first one mounts the second."""
    databases = {}
    for name in ('main', 'other'):
        file_db(tmp_path / f'{name}.fs', databases=databases,
                database_name=name)
        edit(databases[name], a='a', b='b')
    yield databases
    for database in databases.values():
        database.close()


def both(commits, client):
    """Return the read set of a document of each database."""
    reads = {}
    for name, one in client.connection.connections.items():
        number = commits.watch(client.connection.db().databases[name])
        reads[number] = Reads(
            zodb.snapshot_of(one), {one.root()['a']._p_oid})
    return commits.admit(reads)


@pytest.mark.parametrize('name', ['main', 'other'])
def test_a_commit_to_any_database_of_the_page_changes_it(
        mounted, commits, open_client, name):
    client = open_client(mounted['main'])
    client.connection.get_connection('other')
    page = both(commits, client)
    edit(mounted[name], b='new')
    client.begin()
    assert changed(commits, page, client) is None
    edit(mounted[name], a='new')
    client.begin()
    found = changed(commits, page, client)
    assert commits.name_of(found.source) == name


def test_a_database_that_the_request_has_not_opened_is_asked(
        mounted, commits, open_client):
    client = open_client(mounted['main'])
    client.connection.get_connection('other')
    page = both(commits, client)
    fresh = open_client(mounted['main'])
    assert list(fresh.connection.connections) == ['main']
    assert changed(commits, page, fresh) is None
    edit(mounted['other'], a='new')
    assert isinstance(changed(commits, page, fresh), Changed)


def test_a_polled_database_that_is_not_opened_is_polled(
        tmp_path, commits, open_client):
    databases = {}
    main = file_db(tmp_path / 'm.fs', databases=databases,
                   database_name='main')
    other = DB(MVCCMappingStorage(), databases=databases,
               database_name='other')
    for database in (main, other):
        edit(database, a='a', b='b')
    client = open_client(main)
    client.connection.get_connection('other')
    page = both(commits, client)
    fresh = open_client(main)
    assert changed(commits, page, fresh) is None
    edit(other, b='new')
    assert changed(commits, page, fresh) is None
    edit(other, a='new')
    assert isinstance(changed(commits, page, fresh), Changed)
    client.close()
    fresh.close()
    main.close()
    other.close()


# databases that are closed

def test_a_closed_database_is_unknown(tmp_path, commits, open_client):
    database = file_db(tmp_path / 'Data.fs')
    edit(database, a='a')
    client = open_client(database)
    page = page_of(commits, client, 'a')
    client.close()
    database.close()
    assert commits.watch(database) == Unknown(Why.CLOSED)
    again = file_db(tmp_path / 'Data.fs')
    other = open_client(again)
    assert changed(commits, page, other) == LOST
    new = page_of(commits, other, 'a')
    assert changed(commits, new, other) is None
    assert changed(commits, page, other) == LOST
    other.close()
    again.close()


def test_a_database_of_the_same_name_is_another_one(
        tmp_path, commits, open_client):
    one, other = (
        file_db(tmp_path / f'{name}.fs') for name in ('one', 'other'))
    for database in (one, other):
        edit(database, a='a')
    page = page_of(commits, open_client(one), 'a')
    assert changed(commits, page, open_client(other)) == LOST


def test_databases_are_not_held(tmp_path, commits):
    gone = []
    pages = []
    for number in range(5):
        database = file_db(tmp_path / f'{number}.fs')
        edit(database, a='a')
        client = Client(database)
        pages.append(page_of(commits, client, 'a'))
        client.close()
        database.close()
        gone.append(weakref.ref(database))
    del database, client
    for _ in range(5):  # connections and their caches refer to each other
        gc.collect()
    assert [ref() for ref in gone] == [None] * len(gone)
    assert not commits._observers and not commits._numbers
    pages.clear()
    commits._table.note(1, ())
    assert len(commits._table) == 0


# threads

def test_nobody_waits_long_for_one_who_polls(
        files, commits, open_client, monkeypatch):
    monkeypatch.setattr(module, 'LOCK_SECS', 0.01)
    client = open_client(files)
    page = page_of(commits, client, 'a')
    commits._lock.acquire()
    try:
        assert changed(commits, page, client) is None  # needs no lock
        edit(files, b='new')
        client.begin()
        assert changed(commits, page, client) == Unknown(Why.BEHIND)
        assert page_of(commits, client, 'a') == Unknown(Why.BEHIND)
    finally:
        commits._lock.release()
    assert changed(commits, page, client) is None


def test_threads_never_have_a_page_older_than_what_they_show(
        files, commits):
    """Writers commit numbers; readers keep them as pages, and compare."""
    until = time.monotonic() + 2
    shared = {}
    wrong, hits, failures = [], [], []

    def guarded(function):
        def run():
            client = Client(files)
            try:
                while time.monotonic() < until:
                    client.begin()
                    function(client)
                    client.transactions.abort()
            except Exception as error:
                failures.append(error)
            finally:
                client.close()
        return run

    def write(client):
        for name in 'ab':
            client.root[name].text += '.'
        client.commit()
        time.sleep(0.002)

    def read(client):
        page, text = shared.get('page', (None, None))
        shown = client.root['a'].text
        if page is not None and changed(commits, page, client) is None:
            hits.append(1)
            # the stored text may be newer than the connection
            if len(text) < len(shown):
                wrong.append((text, shown))
            return
        page = page_of(commits, client, 'a')
        if isinstance(page, ReadSet):
            shared['page'] = page, shown

    threads = [
        threading.Thread(target=guarded(act))
        for act in (write, read, read, read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert hits and not wrong
