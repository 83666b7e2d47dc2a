"""Times nested functions, each without the functions that it calls."""
import functools
from collections import Counter
from time import perf_counter_ns


class Stopwatch:
    """Adds up the time of each layer, without the layers that it calls."""

    def __init__(self):
        self._inside = 0
        self._outside = 0
        self._stack = [[0]]
        #: Nanoseconds, and calls, by layer, since the last reset.
        self.taken = Counter()
        self.calls = Counter()
        self._calibrate()

    def reset(self):
        self.taken.clear()
        self.calls.clear()

    def wrap(self, function, label_of):
        """Return `function` as one of the layer ``label_of(*arguments)``."""
        stack, now = self._stack, perf_counter_ns

        @functools.wraps(function)
        def measured(*args, **kw):
            nested = [0]
            stack.append(nested)
            start = now()
            try:
                return function(*args, **kw)
            finally:
                took = now() - start - self._inside
                stack.pop()
                stack[-1][0] += took + self._inside + self._outside
                label = label_of(*args)
                self.taken[label] += took - nested[0]
                self.calls[label] += 1
        return measured

    def _calibrate(self, count=20_000):
        """Find the time that measuring adds, inside and outside of a call."""
        def nothing():
            pass

        def each(function):
            start = perf_counter_ns()
            for _ in range(count):
                function()
            return (perf_counter_ns() - start) / count

        plain = min(each(nothing) for _ in range(5))
        measured = self.wrap(nothing, lambda: '')
        found = []
        for _ in range(5):
            self.reset()
            whole = each(measured)
            found.append((whole, self.taken[''] / count))
        whole, inside = min(found)
        # most of `plain` is one call of an empty function
        self._inside = inside - plain / 2
        self._outside = whole - inside - plain / 2
        self.reset()
