"""Counts the accesses of each thread to sessions.

It counts by thread, because a page may use a subrequest, which is a copy of
the request.

It also has the names under which WSGI filters pass a session.
"""
import re
import threading


class _Thread(threading.local):
    """The counter of one thread."""

    #: The number of its accesses to sessions, and of searches for sessions.
    touches = 0


thread = _Thread()

#: Attribute of a request with `touches` of its thread before the request.
BEFORE = '_page_cache_touches'


#: Matches names of variables in a WSGI environment that lead to a session, or
#: to a filter's data on the visitor: ``beaker.session``, ``Shib-Session-ID``,
#: ``repoze.who.identity``.  Headers and variables of the connection do not
#: match.
is_of_session = re.compile(
    r'(?!HTTP_|SSL_)(?i:.*sess|authkit\.|paste\.auth|repoze\.wh(?:o|at)\.)',
    re.DOTALL).match


def touch():
    """Count an access of this thread to a session, or a search for one."""
    thread.touches += 1
