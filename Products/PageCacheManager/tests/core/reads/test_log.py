"""The log of the last commits: its answers, and how far back it reaches."""
import pytest

from Products.PageCacheManager.core.reads.log import Log


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def log(clock):
    log = Log(10, max_oids=6, max_age_secs=60, clock=clock)
    log.add(20, [b'a', b'b'])
    log.add(30, [b'b', b'c'])
    return log


@pytest.mark.parametrize('tid, oids, changed', [
    (10, {b'a'}, b'a'),
    (19, {b'a'}, b'a'),  # commits that were heard together count as the last
    (20, {b'a'}, None),
    (20, {b'b'}, b'b'),
    (30, {b'b'}, None),
    (10, {b'c', b'b'}, b'b'),
    (10, {b'x'}, None),
    (10, set(), None),
])
def test_commits_after_a_transaction_are_found(log, tid, oids, changed):
    assert log.changed_since(tid, oids) == changed


def test_the_log_reaches_back_to_its_start(log):
    assert log.tid == 30
    assert log.reaches(10) and not log.reaches(9)


def test_a_commit_of_nothing_moves_the_transaction_alone(log):
    log.add(40, [])
    assert log.tid == 40
    assert log.reaches(10)
    assert log.changed_since(30, {b'a', b'b', b'c'}) is None


def test_the_oldest_commit_goes_when_there_are_too_many_oids(log):
    log.add(40, [b'd', b'e'])
    assert log.reaches(10)
    log.add(50, [b'f'])
    assert not log.reaches(19) and log.reaches(20)
    assert log.changed_since(20, {b'c'}) == b'c'


def test_a_commit_of_too_many_oids_is_not_remembered(log):
    log.add(40, [b'%d' % number for number in range(7)])
    assert not log.reaches(39) and log.reaches(40)


def test_commits_go_when_they_are_old(log, clock):
    clock.now += 60
    log.add(40, [])
    assert log.reaches(10)
    clock.now += 0.1
    log.add(50, [b'd'])
    assert not log.reaches(29) and log.reaches(30)
    assert log.changed_since(30, {b'd'}) == b'd'
