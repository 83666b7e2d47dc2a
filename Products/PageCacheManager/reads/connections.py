"""Connections that code opens during a request.

Reads through such a connection leave no trace in the rings of the request.
It may be closed before the page is complete.  So the page is not stored.
"""
from typing import Any

from ZODB.DB import DB

from ..core.doors import put_before
from ..core.reads.unknown import Why
from .thread import thread


def counted(plain: Any) -> Any:
    """Return a method that counts an opened connection for its thread.

    The page that is being made is not stored then.
    """
    def method(self: Any, *args: Any, **keywords: Any) -> Any:
        thread.opened += 1
        if thread.recording is not None:
            thread.recording.lose(Why.OPENED)
        return plain(self, *args, **keywords)
    return method


def install() -> None:
    """Wrap `DB.open` with the method above, once."""
    put_before(DB, 'open', counted)
