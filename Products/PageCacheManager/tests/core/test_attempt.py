"""Failures inside the cache: caught, counted, and logged once a minute."""
import pytest

from ...core import attempt as module
from ...core.attempt import FAILED
from ...core.attempt import attempt
from ...core.limits import MAX_CAUSES
from ...core.limits import LogLimit


class Counts:
    def __init__(self):
        self.counted = []

    def count(self, word, detail):
        self.counted.append((word, detail))

    def describe(self):
        return '/a at http://b'


@pytest.fixture(autouse=True)
def forget():
    module.log_limit.forget()


def fail(error):
    raise error


def test_result_is_given_back():
    assert attempt(None, 'store', divmod, 7, 2) == (3, 1)


def test_failure_is_counted_each_time_and_logged_once(caplog):
    counts = Counts()
    for _ in range(3):
        assert attempt(counts, 'store', fail, ValueError('x')) is FAILED
    assert counts.counted == [('ERROR', 'store')] * 3
    record, = caplog.records
    assert record.name == 'Products.PageCacheManager'
    assert record.exc_info[1].args == ('x',)
    assert '(store) for /a at http://b' in record.getMessage()


def test_failures_of_several_causes_are_logged_each(caplog):
    attempt(None, 'store', fail, ValueError())
    attempt(None, 'store', fail, KeyError())
    attempt(None, 'answer', fail, KeyError())
    attempt(None, 'answer', divmod, 1, 0)
    assert len(caplog.records) == 4


def test_failure_that_can_not_be_logged_is_counted_all_the_same(monkeypatch):
    monkeypatch.setattr(module.logger, 'error', divmod)  # which raises
    counts = Counts()
    assert attempt(counts, 'store', fail, ValueError()) is FAILED
    assert counts.counted == [('ERROR', 'store')]


@pytest.mark.parametrize('error', [SystemExit, KeyboardInterrupt])
def test_what_ends_the_process_is_not_caught(error):
    with pytest.raises(error):
        attempt(None, 'store', fail, error())


def test_a_cause_is_due_again_later():
    now = [0.0]
    limit = LogLimit(60, lambda: now[0])
    found = []
    for now[0] in (0, 59.9, 60, 61, 120):
        found.append(limit.is_due('a'))
    assert found == [True, False, True, False, True]
    assert limit.is_due('b')
    limit.forget()
    assert limit.is_due('a')


def test_causes_are_bounded():
    limit = LogLimit(60, lambda: 0.0)
    assert all(limit.is_due(cause) for cause in range(MAX_CAUSES + 1))
    assert limit.is_due(0)  # forgotten, as logged longest ago
    assert not limit.is_due(MAX_CAUSES)
