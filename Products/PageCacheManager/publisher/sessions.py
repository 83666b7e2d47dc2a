"""Counts for each thread how often it looked at a session.

It also knows the names by which WSGI filters pass a session.

It counts for the thread, because a page may use a subrequest, which is a copy
of the request.
"""
import re
import threading


class _Thread(threading.local):
    """The counter of one thread."""

    #: How often it looked at a session, or for one.
    touches = 0


thread = _Thread()

#: Where a request notes how often its thread had done so before it.
BEFORE = '_page_cache_touches'


#: Matches names of variables in a WSGI environment that lead to a session, or
#: to a filter's data on the visitor: ``beaker.session``, ``Shib-Session-ID``,
#: ``repoze.who.identity``.  Not headers, nor variables of the connection.
is_of_session = re.compile(
    r'(?!HTTP_|SSL_)(?i:.*sess|authkit\.|paste\.auth|repoze\.wh(?:o|at)\.)',
    re.DOTALL).match


def touch():
    """Note that this thread looked at a session, or for one."""
    thread.touches += 1
