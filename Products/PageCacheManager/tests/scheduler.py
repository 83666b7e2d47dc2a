"""All interleavings of a few threads, tried one after another.

The threads run one at a time.  Wherever one takes a lock, waits, or says so
itself, it is chosen who goes on; so each run is decided by a list of choices
and can be had again.  Runs are bounded by how often a thread that could go
on is kept from it: faults need no more than two such moments.
"""
import threading


#: Longer than a thread takes from one choice to the next.
LONGEST_SECS = 10

MAX_PREEMPTIONS = 2


class Deadlock(AssertionError):
    """Nobody can go on, and not all have ended."""


class Stopped(BaseException):
    """Another one failed, and with it the run."""


class Task(threading.Thread):
    """One of the threads, which runs while it has the baton."""

    def __init__(self, scheduler, action):
        super().__init__(daemon=True)
        self.scheduler = scheduler
        self.action = action
        self.baton = _baton()
        self.is_ready = _always
        self.has_ended = False
        self.result = None

    def run(self):
        try:
            self._take_baton()
            self.result = self.action()
            self.has_ended = True
            self.scheduler.go_on(self)
        except Stopped:
            pass
        except BaseException as error:
            self.scheduler.stop(error)

    def pause(self, is_ready):
        """Let others go on; return when chosen, while `is_ready` holds."""
        self.is_ready = is_ready
        if self.scheduler.go_on(self) is not self:
            self._take_baton()

    def _take_baton(self):
        assert self.baton.acquire(timeout=LONGEST_SECS), 'never chosen'
        if self.scheduler.error is not None:
            raise Stopped


def _always():
    return True


def _baton():
    """Return what one thread releases and another acquires."""
    lock = threading.Lock()
    lock.acquire()
    return lock


class Scheduler:
    """One run; `choices` say who goes on, and beyond them the first does."""

    def __init__(self, choices=(), max_preemptions=MAX_PREEMPTIONS):
        self.choices = list(choices)
        self.max_preemptions = max_preemptions
        #: What was chosen, and of how many.
        self.taken = []
        self.preemptions = 0
        self.error = None
        self._end = _baton()

    def run(self, *actions, check=lambda: None):
        """Run all to their ends; return what they gave.

        `check` is called whenever one has paused.
        """
        self._check = check
        self._tasks = [Task(self, action) for action in actions]
        for task in self._tasks:
            task.start()
        self.go_on(None)
        assert self._end.acquire(timeout=LONGEST_SECS), 'hangs'
        if self.error is not None:
            raise self.error
        return [task.result for task in self._tasks]

    def go_on(self, current):
        """Give the baton to the next, and return that; None at the end."""
        self._check()
        if all(task.has_ended for task in self._tasks):
            self._end.release()
            return None
        task = self._next(current)
        if task is not current:
            task.baton.release()
        return task

    def stop(self, error):
        """End the run, since one of its tasks has failed."""
        self.error = error
        for task in self._tasks:
            if task.baton.locked():
                task.baton.release()
        self._end.release()

    def _next(self, current):
        able = [t for t in self._tasks if not t.has_ended and t.is_ready()]
        if not able:
            raise Deadlock(self.taken)
        if current in able:
            able.remove(current)
            able.insert(0, current)
            if self.preemptions == self.max_preemptions:
                able = [current]
        done = len(self.taken)
        choice = self.choices[done] if done < len(self.choices) else 0
        self.taken.append((choice, len(able)))
        self.preemptions += choice > 0 and current in able
        return able[choice]

    def next_choices(self):
        """Return the choices of the run after this one, None if it was last.
        """
        for place in reversed(range(len(self.taken))):
            choice, number = self.taken[place]
            if choice + 1 < number:
                return [c for c, _ in self.taken[:place]] + [choice + 1]
        return None


def all_runs(max_preemptions=MAX_PREEMPTIONS):
    """Yield a scheduler for each run; use it before asking for the next."""
    choices = []
    while choices is not None:
        scheduler = Scheduler(choices, max_preemptions)
        yield scheduler
        choices = scheduler.next_choices()


def pause(is_ready=_always):
    """Let others go on, if this is a task."""
    task = threading.current_thread()
    if isinstance(task, Task):
        task.pause(is_ready)


class Lock:
    """A lock that lets it be chosen who gets it."""

    def __init__(self):
        self.is_held = False

    def acquire(self):
        pause(lambda: not self.is_held)
        assert not self.is_held
        self.is_held = True

    def release(self):
        self.is_held = False

    def __enter__(self):
        self.acquire()

    def __exit__(self, *error):
        self.release()


class Condition:
    """A condition whose time passes as `clock` says.

    Who was told, or has waited long enough, still has to get the lock; one
    whose time is over may be told until it has it, as with the real one.
    """

    def __init__(self, lock, clock):
        self._lock = lock
        self._clock = clock
        self._waiting = []

    def wait(self, timeout):
        token = []
        self._waiting.append(token)
        until = self._clock() + timeout
        self._lock.release()
        pause(lambda: not self._lock.is_held and (
            token or self._clock() >= until))
        self._lock.is_held = True
        if not token:
            self._waiting = [t for t in self._waiting if t is not token]
        return bool(token)

    def notify(self):
        if self._waiting:
            self._waiting.pop(0).append('told')

    def notify_all(self):
        while self._waiting:
            self.notify()
