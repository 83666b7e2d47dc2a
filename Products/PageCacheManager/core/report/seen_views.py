"""Pages that no manager stores: the number and the time of their renders."""
import threading
from collections import OrderedDict
from typing import NamedTuple


#: Longer names are not counted: some views take their name from the URL.
MAX_LENGTH = 200

#: Maximum number of views.  Beyond it the view that was not seen for the
#: longest time is forgotten.
MAX_VIEWS = 200


class Seen(NamedTuple):
    """A view, or a template, with pages that no manager stores."""

    name: str
    kind: str
    renders: int
    #: The time of all its renders together.
    secs: float


class Lately:
    """Counts views or templates by name and kind of content.

    Counting begins with the process, and again with each `reset`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: OrderedDict[tuple[str, str], Seen] = OrderedDict()

    def saw(self, name: str, kind: str, secs: float = 0.0) -> None:
        """Count one page of the view `name` for content of a kind."""
        if len(name) + len(kind) > MAX_LENGTH:
            return
        with self._lock:
            found = name, kind
            _, _, count, so_far = self._seen.get(found, (*found, 0, 0.0))
            self._seen[found] = Seen(*found, count + 1, so_far + secs)
            self._seen.move_to_end(found)
            if len(self._seen) > MAX_VIEWS:
                self._seen.popitem(last=False)

    def counts(self) -> list[tuple[str, str, int]]:
        """Return name, kind and count of each, the most frequent first."""
        rows = [seen[:3] for seen in self._all()]
        return sorted(rows, key=lambda row: (-row[2], row))

    def dearest(self) -> list[Seen]:
        """Return all, sorted by total render time, the longest first."""
        return sorted(self._all(), key=lambda seen: (-seen.secs, seen))

    def reset(self) -> None:
        """Forget all counts."""
        with self._lock:
            self._seen.clear()

    def _all(self) -> list[Seen]:
        with self._lock:
            return list(self._seen.values())
