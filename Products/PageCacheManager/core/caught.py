"""The failures that were caught while pages were rendered."""
import threading
from collections import OrderedDict

from .key import PageId
from .key import row_id


#: Of more pages than this those are forgotten that failed longest ago.
MAX_PAGES = 200


class Caught:
    """The last failure of each page, since the process started."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: OrderedDict[str, str] = OrderedDict()

    def saw(self, page_id: PageId, line: str) -> None:
        """Note the last line of a traceback; it may tell secrets."""
        with self._lock:
            row = row_id(page_id)
            self._lines.pop(row, None)
            self._lines[row] = line
            if len(self._lines) > MAX_PAGES:
                self._lines.popitem(last=False)

    def of(self, page_id: PageId) -> str:
        """Return the line of one page, '' where none is known."""
        with self._lock:
            return self._lines.get(row_id(page_id), '')

    def newest(self) -> str:
        """Return the line of the page that failed last, '' for none."""
        with self._lock:
            return next(reversed(self._lines.values()), '')
