"""A thread that does jobs one after the other."""
import subprocess
import sys
import threading

import pytest

from ...core.worker import Worker


SECS = 30


class Gate:
    """Work that lasts until the gate is opened."""

    def __init__(self):
        self.done = []
        self.open = threading.Event()
        self.entered = threading.Event()

    def __call__(self, job):
        self.entered.set()
        assert self.open.wait(SECS)
        self.done.append(job)


@pytest.fixture
def gate():
    found = Gate()
    yield found
    found.open.set()


def test_jobs_are_done_in_turn(gate):
    worker = Worker('test', gate)
    gate.open.set()
    assert all(worker.put(number) for number in range(3))
    assert worker.wait(SECS)
    assert gate.done == [0, 1, 2]
    worker.stop()


def test_more_jobs_than_there_is_room_for_are_refused(gate):
    worker = Worker('test', gate, max_jobs=2)
    assert worker.put(0)
    assert gate.entered.wait(SECS)  # it is out of the queue
    assert [worker.put(number) for number in (1, 2, 3)] == [
        True, True, False]
    assert not worker.wait(0)
    gate.open.set()
    assert worker.wait(SECS)
    assert gate.done == [0, 1, 2]


def test_an_idle_thread_ends_and_another_one_begins(gate):
    gate.open.set()
    worker = Worker('test', gate, idle_secs=0)
    worker.put(0)
    assert worker.wait(SECS)
    thread = worker._thread
    if thread is not None:
        thread.join(SECS)
    assert worker._thread is None
    worker.put(1)
    assert worker.wait(SECS)
    assert gate.done == [0, 1]


@pytest.mark.filterwarnings(
    'ignore::pytest.PytestUnhandledThreadExceptionWarning')
def test_a_thread_that_died_is_replaced():
    done = []

    def work(job):
        if job == 0:
            raise SystemExit
        done.append(job)
    worker = Worker('test', work)
    worker.put(0)
    assert worker.wait(SECS)
    worker._thread.join(SECS)
    worker.put(1)
    assert worker.wait(SECS)
    assert done == [1]
    worker.stop()


@pytest.mark.filterwarnings(
    'ignore::pytest.PytestUnhandledThreadExceptionWarning')
def test_a_thread_that_died_is_replaced_though_no_job_finds_room(gate):
    def work(job):
        gate(job)
        if job == 0:
            raise SystemExit
    worker = Worker('test', work, max_jobs=1)
    worker.put(0)
    assert gate.entered.wait(SECS)
    thread = worker._thread
    assert worker.put(1)
    gate.open.set()
    thread.join(SECS)
    worker.put(2)
    assert worker.wait(SECS)
    assert gate.done[:2] == [0, 1]
    worker.stop()


def test_a_stop_waits_for_the_job_and_forgets_the_others(gate):
    worker = Worker('test', gate)
    worker.put(0)
    assert gate.entered.wait(SECS)
    worker.put(1)
    worker.stop(timeout_secs=0)
    gate.open.set()
    worker._thread.join(SECS)
    assert gate.done == [0]
    assert not worker.put(2)


def test_the_process_ends_while_a_job_hangs():
    code = (
        'import threading\n'
        'from Products.PageCacheManager.core import worker\n'
        'worker.Worker.stop.__defaults__ = (0.1,)\n'
        'hanging = worker.Worker("test", lambda job: threading.Event().wait())'
        '\nhanging.put(1)\n')
    assert subprocess.run(
        [sys.executable, '-c', code], timeout=SECS).returncode == 0
