"""Connections that code opens while a page is made.

What it reads by them leaves no trace in the rings of the request, and they
may be closed again before the page is done.  So the page is not kept.
"""
from functools import partial
from typing import Any

from ZODB.DB import DB

from ..core.doors import put_before
from ..core.reads.unknown import Why
from .recording import noted
from .recording import thread


def _open(plain: Any, self: Any, *args: Any, **keywords: Any) -> Any:
    """Open a connection; the page that is being made is not kept."""
    recording: Any = thread.recording
    recording.lose(Why.OPENED)
    return plain(self, *args, **keywords)


def install() -> None:
    """Put the function above before `DB.open`, once."""
    put_before(DB, 'open', partial(noted, _open))
