"""Which views were published lately, and how often."""
import threading
from collections import OrderedDict


#: Longer names are not counted: some views are called what a URL says.
MAX_LENGTH = 200

#: Of more views than this those are forgotten that were not seen longest.
MAX_VIEWS = 200


class Lately:
    """Counts views by name and kind of content, since the process started."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: OrderedDict[tuple[str, str], int] = OrderedDict()

    def saw(self, name: str, kind: str) -> None:
        """Count one page of the view `name` for content of a kind."""
        if len(name) + len(kind) > MAX_LENGTH:
            return
        with self._lock:
            found = name, kind
            self._counts[found] = self._counts.get(found, 0) + 1
            self._counts.move_to_end(found)
            if len(self._counts) > MAX_VIEWS:
                self._counts.popitem(last=False)

    def counts(self) -> list[tuple[str, str, int]]:
        """Return name, kind and count of each, the most frequent first."""
        with self._lock:
            rows = [(*found, count) for found, count in self._counts.items()]
        return sorted(rows, key=lambda row: (-row[2], row))
