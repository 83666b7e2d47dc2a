"""Records of ZODB objects that say the same."""
import datetime
import io
import pickle

import pytest
from BTrees.OOBTree import OOBTree
from BTrees.OOBTree import OOBucket
from persistent.mapping import PersistentMapping
from ZODB.blob import Blob

from Products.PageCacheManager.core.reads import records
from Products.PageCacheManager.core.reads.records import are_equal
from Products.PageCacheManager.core.reads.records import may_be_unchanged


def record(state, kind=PersistentMapping):
    return pickle.dumps(kind, 3) + pickle.dumps(state, 3)


def member(**more):
    return {'id': 'alice', 'email': 'a@example.org', **more}


DAY = datetime.datetime(2026, 11, 28)
LATER = datetime.datetime(2026, 11, 29)


@pytest.mark.parametrize('one, other', [
    (member(), member()),
    (member(login_time=DAY), member(login_time=LATER)),
    (member(), member(login_time=LATER)),
    (member(login_time=1, last_login_time=2),
     member(login_time=3, last_login_time=1)),
    # a bucket of a BTree: names and values in turn
    (((('alice', member(login_time=DAY), 'bob', member()),),),
     ((('alice', member(login_time=LATER), 'bob', member()),),)),
    ([member(login_time=DAY, since=DAY)], [member(login_time=1, since=DAY)]),
])
def test_equal(one, other):
    assert are_equal(record(one), record(other))


@pytest.mark.parametrize('one, other', [
    (member(), member(email='b@example.org')),
    (member(login_time=DAY), member(login_time=DAY, email='')),
    (member(login_time=DAY, n=1), member(login_time=DAY, n=True)),
    (member(login_time=DAY, n=1), member(login_time=DAY, n=1.0)),
    (member(login_time=DAY, since=DAY), member(login_time=DAY, since=LATER)),
    (member(login_time=DAY, n=[1, 2]), member(login_time=DAY, n=[1])),
    (member(login_time=DAY, n=(1, 2)), member(login_time=DAY, n=(2, 1))),
    (['login_time', DAY], ['login_time', LATER]),
    ('login_time', 'last_login_time'),
])
def test_different(one, other):
    assert not are_equal(record(one), record(other))


def test_another_class_is_a_change():
    state = member(login_time=DAY)
    assert not are_equal(
        record(state), record(member(login_time=LATER), dict))


def test_no_class_is_imported_and_no_code_is_run(tmp_path):
    ran = tmp_path / 'ran'
    command = f'touch {ran}'.encode()

    def trapped(login_time):
        """Return a record that would run a command if it were unpickled."""
        return pickle.dumps(0) + (
            b"(dS'login_time'\nI%d\nsS'x'\ncos\nsystem\n(S'%s'\ntRs."
            % (login_time, command))
    assert are_equal(trapped(1), trapped(2))
    assert not ran.exists()
    pickle.loads(trapped(1)[len(pickle.dumps(0)):])
    assert ran.exists()


def test_what_refers_to_itself_is_a_change():
    first, second = member(login_time=1), member(login_time=2)
    first['self'], second['self'] = first, second
    assert not are_equal(record(first), record(second))


@pytest.mark.parametrize('garbage', [
    b'', b'login_time', b'\x80\x03login_time.',
    pickle.dumps(member(login_time=1))])
def test_what_is_no_record_is_a_change(garbage):
    assert not are_equal(garbage, record(member(login_time=1)))


def test_what_is_long_is_equal_only_by_its_bytes():
    long = 'x' * records.MAX_BYTES
    one = record(member(login_time=1, long=long))
    assert are_equal(one, one)
    assert not are_equal(one, record(member(login_time=2, long=long)))


@pytest.mark.parametrize('written, expected', [
    (record(member(login_time=1)), True),
    (record(member()), False),
    (record(((('alice', 1),),), OOBTree), True),
    (record((('alice', 1),), OOBucket), True),
    (pickle.dumps(OOBTree, 1) + pickle.dumps(None, 1), True),
    (record(None, Blob), False),
    (record('cBTrees.'), False),
])
def test_records_of_logins_and_of_btrees_may_be_unchanged(written, expected):
    assert may_be_unchanged(written) == expected


def test_the_order_of_items_counts():
    assert not are_equal(
        record({'a': 1, 'b': 2, 'login_time': 1}),
        record({'b': 2, 'a': 1, 'login_time': 2}))


def test_a_reference_to_another_object_is_a_change():
    class Pickler(pickle.Pickler):
        def persistent_id(self, ob):
            return (ob.oid, dict) if isinstance(ob, Reference) else None

    class Reference:
        def __init__(self, oid):
            self.oid = oid

    def pickled(oid, login_time):
        file = io.BytesIO()
        Pickler(file, 3).dump(
            member(login_time=login_time, folder=Reference(oid)))
        return pickle.dumps(dict) + file.getvalue()
    assert are_equal(pickled(b'1' * 8, 1), pickled(b'1' * 8, 2))
    assert not are_equal(pickled(b'1' * 8, 1), pickled(b'2' * 8, 2))
