"""Facts about the current thread: its recording, and opened connections."""
import threading
from typing import Any


class _Thread(threading.local):
    """The facts about one thread."""

    #: The :class:`.recording.Recording` of the page that is being made.
    recording: Any = None
    #: The number of connections to databases that it opened so far.
    opened = 0


thread = _Thread()
