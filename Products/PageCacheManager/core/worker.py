"""A thread that does one job after another."""
import atexit
import threading
from collections import deque
from collections.abc import Callable
from typing import Any


#: Maximum number of jobs that wait.
MAX_JOBS = 8

#: The thread ends after this time without a job.
IDLE_SECS = 60

#: Maximum time that the end of the process waits for a job.
EXIT_SECS = 5


class Worker:
    """Does jobs in a thread of its own; any thread may call any method.

    `work` is called with each job, and must catch its own errors.
    """

    def __init__(
            self, name: str, work: Callable[[Any], object],
            max_jobs: int = MAX_JOBS, idle_secs: float = IDLE_SECS) -> None:
        self._name = name
        self._work = work
        self._max_jobs = max_jobs
        self._idle_secs = idle_secs
        self._changed = threading.Condition()
        self._jobs: deque[Any] = deque()
        self._thread: threading.Thread | None = None
        self._is_busy = self._is_stopped = self._ends_with_process = False

    def put(self, job: Any) -> bool:
        """Add `job`; return False if too many wait, or after `stop`."""
        with self._changed:
            if self._is_stopped:
                return False
            # first: jobs may wait for a thread that died, or that a fork of
            # the process did not copy
            if self._thread is None or not self._thread.is_alive():
                self._start()
            if len(self._jobs) >= self._max_jobs:
                return False
            self._jobs.append(job)
            self._changed.notify_all()
            return True

    def wait(self, timeout_secs: float) -> bool:
        """Wait until all jobs are done; return whether they are."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not (self._jobs or self._is_busy), timeout_secs)

    def rest(self, secs: float) -> bool:
        """Let a job pause; return whether it should continue after that."""
        with self._changed:
            return not self._changed.wait_for(lambda: self._is_stopped, secs)

    def stop(self, timeout_secs: float = EXIT_SECS) -> None:
        """Take no more jobs, and wait for the current job."""
        with self._changed:
            self._is_stopped = True
            self._jobs.clear()
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(timeout_secs)

    def _start(self) -> None:
        if not self._ends_with_process:
            # a thread that is stopped inside C code may crash the process
            atexit.register(self.stop)
            self._ends_with_process = True
        self._is_busy = False  # True may be left from before a fork
        thread = threading.Thread(
            target=self._run, name=self._name, daemon=True)
        thread.start()
        self._thread = thread

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._jobs or self._is_stopped, self._idle_secs)
                if not self._jobs:
                    self._thread = None
                    return
                job = self._jobs.popleft()
                self._is_busy = True
            try:
                self._work(job)
            finally:
                with self._changed:
                    self._is_busy = False
                    self._changed.notify_all()
