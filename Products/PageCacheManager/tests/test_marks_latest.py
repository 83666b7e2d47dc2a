"""The fast computation of a page's generation agrees with the slow one."""
import itertools

import pytest
import transaction
from BTrees.Length import Length
from ZODB import DB

from Products.PageCacheManager.key.versions import latest_of
from Products.PageCacheManager.marks import Invalidations
from Products.PageCacheManager.marks import write


PAGE = ('/template', '/content', 'http://nohost/content')


def purge(marks, purged):
    write(purged)


def invalidate(marks, purged):
    marks.mark({'/content'}, set())


def invalidate_another(marks, purged):
    marks.mark({'/another'}, {'/other-template'})


def commit(marks, purged):
    transaction.commit()


def savepoint(marks, purged):
    transaction.savepoint(True)


def invalidate_below(marks, purged):
    marks.mark({'/'}, set())


ACTS = (
    purge, invalidate, invalidate_another, invalidate_below, commit, savepoint)


@pytest.fixture
def root():
    database = DB(None)
    connection = database.open(transaction.manager)
    yield connection.root()
    transaction.abort()
    connection.close()
    database.close()


@pytest.mark.parametrize('acts', [
    acts for count in range(4)
    for acts in itertools.product(ACTS, repeat=count)])
def test_both_ways_give_the_same(root, acts):
    marks, purged = root['marks'], root['purged'] = Invalidations(), Length()
    transaction.commit()
    seen = set()
    for act in (None, *acts):
        if act is not None:
            act(marks, purged)
        found = marks.latest('oid', PAGE, purged)
        assert found == latest_of(marks.of('oid', PAGE, purged))
        if act in (purge, invalidate, invalidate_below):
            assert found is None
        if act is commit:
            seen.add(found)
    assert None not in seen
