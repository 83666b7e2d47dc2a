"""All interleavings of a few threads, tried one after another.

The threads run one at a time.  At each lock, each wait and each call of
:func:`pause` the scheduler chooses the next thread.  So a list of choices
determines a run, and a run can be repeated.  The number of preemptions in a
run is bounded: faults need no more than two.

Greenlets replace threads, since a switch between real threads costs more than
the code between two choices.
"""
import greenlet


MAX_PREEMPTIONS = 2


class Deadlock(AssertionError):
    """No task can go on, and not all have ended."""


class Task(greenlet.greenlet):
    """One of the threads; it runs while the scheduler has chosen it."""

    def __init__(self, scheduler, action):
        super().__init__()
        self.scheduler = scheduler
        self.action = action
        self.is_ready = _always
        self.has_ended = False
        self.result = None

    def run(self):
        self.result = self.action()
        self.has_ended = True

    def pause(self, is_ready):
        """Let other tasks go on; return when chosen, once `is_ready` holds."""
        self.is_ready = is_ready
        following = self.scheduler.choose(self)
        if following is not self:
            self.parent.switch(following)


def _always():
    return True


class Scheduler:
    """One run; `choices` pick the tasks, after them the first one goes on."""

    def __init__(self, choices=(), max_preemptions=MAX_PREEMPTIONS):
        self.choices = list(choices)
        self.max_preemptions = max_preemptions
        #: The choices made, each with the number of candidates.
        self.taken = []
        self.preemptions = 0

    def run(self, *actions, check=lambda: None):
        """Run all actions to their ends; return their results.

        `check` is called each time an action has paused or ended.
        """
        self._check = check
        self._tasks = [Task(self, action) for action in actions]
        following = self.choose(None)
        while following is not None:
            task = following
            following = task.switch()
            if task.has_ended:
                following = self.choose(task)
        return [task.result for task in self._tasks]

    def choose(self, current):
        """Return the task that goes on, or None at the end."""
        self._check()
        if all(task.has_ended for task in self._tasks):
            return None
        return self._next(current)

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
        """Return the choices of the next run, or None after the last run."""
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
    """Let other tasks go on, if this is a task."""
    task = greenlet.getcurrent()
    if isinstance(task, Task):
        task.pause(is_ready)


class Lock:
    """A lock; the scheduler chooses the task that gets it."""

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
    """A condition; `clock` gives its time.

    A task that was told, or has waited long enough, must still get the lock.
    If its time is over, it may be told until it has the lock, as with a real
    condition.
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
