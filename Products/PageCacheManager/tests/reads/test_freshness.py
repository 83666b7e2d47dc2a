"""The reads of a request, from its start until its page is kept, and hits."""
import pytest
import transaction
from ZODB.utils import p64

from Products.PageCacheManager.core.reads.made_from import Answers
from Products.PageCacheManager.core.reads.read_set import ReadSet
from Products.PageCacheManager.core.reads.unknown import Unknown
from Products.PageCacheManager.core.reads.unknown import Why
from Products.PageCacheManager.reads import freshness
from Products.PageCacheManager.reads import recording as module
from Products.PageCacheManager.reads import ring
from Products.PageCacheManager.reads.recording import Recording
from Products.PageCacheManager.reads.zodb import mark_rings

from .databases import Client
from .databases import edit
from .databases import file_db
from .databases import make_commits
from .databases import record
from .databases import stopped


@pytest.fixture
def databases(tmp_path):
    """Three databases; the first one mounts the others."""
    databases = {}
    for name in ('main', 'other', 'third'):
        file_db(tmp_path / f'{name}.fs', databases=databases,
                database_name=name)
        edit(databases[name], **{letter: letter for letter in 'abcd'})
    yield databases
    for database in databases.values():
        database.close()


@pytest.fixture
def client(databases):
    client = Client(databases['main'])
    client.connection.get_connection('other')
    client.begin()
    yield client
    if client.connection.opened is not None:
        client.close()


@pytest.fixture
def commits():
    return make_commits()


@pytest.fixture
def recording(commits, client):
    return record(commits, client)


def root_of(client, name='main'):
    return client.connection.connections[name].root()


def read(client, *letters, database='main'):
    for letter in letters:
        root_of(client, database)[letter].read()


def in_words(client, segment):
    """Return the letters of the objects read, those of 'other' in capitals."""
    found = set()
    for name in ('main', 'other'):
        root = root_of(client, name)
        for letter in 'abcd':
            for oids in segment:
                if (root[letter]._p_oid, name) == oids:
                    found.add(letter if name == 'main' else letter.upper())
    return ''.join(sorted(found))


def words_of(client, commits, read_set):
    return in_words(client, [
        (ob.oid, commits.name_of(ob.source))
        for ob in commits._table.objects(read_set)])


def words_of_segment(client, commits, segment):
    return in_words(client, [
        (oid, commits.name_of(number))
        for number, oids in segment.items() for oid in oids])


def has_marker(client):
    return any(
        one._cache.get(ring.MARKER_OID) is not None
        for one in client.connection.connections.values())


def test_a_page_has_what_was_read_of_all_databases(
        client, commits, recording):
    read(client, 'a', 'c')
    read(client, 'b', database='other')
    page = stopped(recording)
    assert words_of(client, commits, page) == 'Bac'


def test_what_was_read_before_is_no_part_of_it(client, commits):
    read(client, 'a', 'b', 'c', 'd')
    recording = record(commits, client)
    read(client, 'c')
    assert words_of(client, commits, stopped(recording)) == 'c'


def test_what_is_read_aside_is_no_part_of_it(client, commits, recording):
    read(client, 'a')
    with recording.aside():
        read(client, 'a', 'b')
        read(client, 'b', database='other')
    read(client, 'c')
    assert words_of(client, commits, stopped(recording)) == 'ac'


def test_what_is_read_aside_and_after_is_part_of_it(
        client, commits, recording):
    with recording.aside():
        read(client, 'a', 'b')
    read(client, 'b')
    assert words_of(client, commits, stopped(recording)) == 'b'


def test_a_failure_aside_leaves_the_recording_whole(
        client, commits, recording):
    with pytest.raises(LookupError), recording.aside():
        read(client, 'a')
        raise LookupError
    read(client, 'b')
    assert words_of(client, commits, stopped(recording)) == 'b'


def test_segments_have_what_was_read_in_them(client, commits, recording):
    read(client, 'a', 'b')
    recording.keep()
    read(client, 'b', 'c')
    read(client, 'a', database='other')
    segment = recording.take()
    assert words_of_segment(client, commits, segment) == 'Abc'
    recording.skip()  # the test itself has read
    read(client, 'd')
    assert words_of(client, commits, stopped(recording)) == 'abd'


# unknown reads

def change(client, name):
    root_of(client, name)['a'].text = 'new'


def let_go(client, name):
    root_of(client, name)['a'].read()
    root_of(client, name)['a']._p_deactivate()


def commit(client, name):
    change(client, name)
    client.commit()


def minimize(client, name):
    client.connection.connections[name].cacheMinimize()


@pytest.mark.parametrize('name', ['main', 'other'])
@pytest.mark.parametrize('act, why', [
    (change, Why.CHANGES), (let_go, Why.EVICTED), (commit, Why.SNAPSHOT),
    (minimize, Why.MARKER)])
def test_each_connection_has_to_know(client, recording, name, act, why):
    read(client, 'b')
    act(client, name)
    assert stopped(recording) == Unknown(why)


def test_a_connection_that_is_opened_meanwhile_is_unknown(client, recording):
    read(client, 'a')
    client.connection.get_connection('third')
    assert stopped(recording) == Unknown(Why.OPENED)


def test_one_that_was_opened_in_the_request_before_is_known(
        client, recording):
    client.connection.get_connection('third')
    client.begin()
    recording = record(make_commits(), client)
    assert isinstance(stopped(recording), ReadSet)


def test_what_was_changed_and_aborted_is_unknown(client, recording):
    change(client, 'main')
    with recording.aside():
        client.transactions.abort()
    read(client, 'a')
    assert stopped(recording) == Unknown(Why.EVICTED)


def test_what_is_unknown_stays_so(client, recording, monkeypatch):
    monkeypatch.setattr(ring, 'MAX_OBJECTS', 1)
    read(client, 'a', 'b')
    unknown = Unknown(Why.TOO_MANY)
    assert recording.take() == unknown
    read(client, 'a')
    recording.keep()
    recording.skip()
    assert recording.take() == unknown
    assert stopped(recording) == unknown


def test_all_parts_together_are_bounded(client, recording, monkeypatch):
    monkeypatch.setattr(module, 'MAX_OBJECTS', 4)
    read(client, 'a', 'b')
    recording.keep()
    read(client, 'b', 'a')
    recording.keep()
    read(client, 'a', database='other')
    assert stopped(recording) == Unknown(Why.TOO_MANY)


def test_a_closed_database_is_unknown(client, commits, databases):
    connection = client.connection
    databases['other'].close()
    recording = Recording(commits, mark_rings(connection))
    assert stopped(recording) == Unknown(Why.CLOSED)


def test_a_commit_during_the_render_keeps_the_page_out(
        client, commits, recording, databases):
    read(client, 'a')
    edit(databases['main'], a='new')
    late = Client(databases['main'])
    late.begin()
    other = record(commits, late)
    late.root['a'].read()
    page = stopped(other)
    assert isinstance(page, ReadSet)
    edit(databases['main'], b='new')
    late.begin()
    assert commits.what_changed(page, late.connection) is None
    late.close()
    assert stopped(recording) == Unknown(Why.COMMITTED)


def test_such_a_page_is_good_for_others_that_show_the_same_moment(
        client, commits, recording, databases):
    same = Client(databases['main'])
    same.begin()
    read(client, 'a')
    edit(databases['main'], a='new')
    late = Client(databases['main'])
    late.begin()
    stopped(record(commits, late))  # it hears of that
    late.close()
    made = recording.made_from(Answers()).objects
    assert commits.what_changed(made, same.connection) is None
    assert commits.what_changed(made, client.connection) is None
    same.begin()
    assert commits.what_changed(made, same.connection) == Unknown(
        Why.COMMITTED)
    same.close()


def test_a_page_of_nothing_is_a_page(client, recording):
    page = stopped(recording)
    assert isinstance(page, ReadSet) and page.object_count == 0


def test_a_database_that_was_only_open_is_no_part_of_the_page(
        client, commits, recording):
    read(client, 'a')
    page = stopped(recording)
    assert list(map(commits.name_of, page.sources)) == ['main']


# hits, as other packages ask

def is_current(page, connection):
    return freshness.what_changed(
        page, connection, lambda: None, lambda question: None) is None


def test_a_page_is_current_until_what_it_shows_is_committed(databases):
    manager = transaction.TransactionManager()
    connection = databases['main'].open(manager)
    manager.begin()
    recording = Recording(freshness.commits, mark_rings(connection))
    connection.root()['a'].read()
    page = recording.made_from(freshness.answers)
    manager.abort()
    for name, expected in (('b', True), ('c', True), ('a', False)):
        edit(databases['main'], **{name: 'new'})
        manager.begin()
        assert is_current(page, connection) is expected
        manager.abort()
    connection.close()


def test_a_new_object_under_a_root_that_was_read_is_a_change(databases):
    """A failed lookup is a read of the root."""
    with_new = Client(databases['main'])
    with_new.begin()
    recording = Recording(freshness.commits, mark_rings(with_new.connection))
    assert with_new.root.get('new') is None
    page = recording.made_from(freshness.answers)
    edit(databases['main'], new='new')
    with_new.begin()
    assert not is_current(page, with_new.connection)
    with_new.close()


def test_pages_of_a_warm_and_of_a_cold_connection_are_made_of_the_same(
        databases, commits):
    found = []
    for is_cold in (False, False, True):
        client = Client(databases['main'])
        if is_cold:
            client.connection.cacheMinimize()
        client.begin()
        recording = record(commits, client)
        for letter in 'abcd':
            client.root[letter].read()
        found.append(set(commits._table.objects(stopped(recording))))
        client.close()
    assert found[0] == found[1] == found[2]
    assert {ob.oid for ob in found[0]} == {p64(number) for number in range(5)}
