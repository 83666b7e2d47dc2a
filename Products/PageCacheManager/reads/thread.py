"""Facts about the current thread: its recording, and opened connections.

Reads through a connection that code opens during a request leave no trace in
the rings of the request.  The connection may be closed before the page is
complete.  So the page is not stored.
"""
import threading
from typing import Any

from ZODB.DB import DB

from ..core.wrapping import wrap


class _Thread(threading.local):
    """The facts about one thread."""

    #: The :class:`.recording.Recording` of the page that is being made.
    recording: Any = None
    #: The number of connections to databases that it opened so far.
    opened = 0


thread = _Thread()


def _counted(plain: Any) -> Any:
    """Return a method that counts the opened connection for its thread."""
    def method(self: Any, *args: Any, **keywords: Any) -> Any:
        thread.opened += 1
        return plain(self, *args, **keywords)
    return method


def install() -> None:
    """Wrap `DB.open` with the method above, once."""
    wrap(DB, 'open', _counted)
