"""Connections that code opens while a page is made.

Reads through such a connection leave no trace in the rings of the request.
It may be closed before the page is complete.  So the page is not stored.
"""
from functools import partial
from typing import Any

from ZODB.DB import DB

from ..core.doors import put_before
from ..core.reads.unknown import Why
from .recording import noted
from .recording import thread


def _open(plain: Any, self: Any, *args: Any, **keywords: Any) -> Any:
    """Open a connection; the page that is being made is not stored."""
    recording: Any = thread.recording
    recording.lose(Why.OPENED)
    return plain(self, *args, **keywords)


def install() -> None:
    """Wrap `DB.open` with the function above, once."""
    put_before(DB, 'open', partial(noted, _open))
