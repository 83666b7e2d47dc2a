"""Counts for each thread how often it looked at a session.

By the thread, since the page may look by a request of its own: a subrequest
is a copy.
"""
import threading


class _Thread(threading.local):
    """The counter of one thread."""

    #: How often it looked at a session, or for one.
    touches = 0


thread = _Thread()

#: Where a request notes how often its thread had done so before it.
BEFORE = '_page_cache_touches'


def touch():
    """Note that this thread looked at a session, or for one."""
    thread.touches += 1
