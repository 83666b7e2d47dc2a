"""Counts for each thread how often it looked at a session.

By the thread, since the page may look by a request of its own: a subrequest
is a copy.
"""
import threading


_thread = threading.local()


def touch():
    """Note that this thread looked at a session, or for one."""
    _thread.touches = touches() + 1


def touches():
    """Return how often this thread did so."""
    return getattr(_thread, 'touches', 0)
