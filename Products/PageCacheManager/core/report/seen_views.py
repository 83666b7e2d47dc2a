"""Which pages no manager keeps: how often they were rendered, how long."""
import threading
from collections import OrderedDict
from typing import NamedTuple


#: Longer names are not counted: some views are called what a URL says.
MAX_LENGTH = 200

#: Of more views than this those are forgotten that were not seen longest.
MAX_VIEWS = 200


class Seen(NamedTuple):
    """A view, or a template, that no manager keeps the pages of."""

    name: str
    kind: str
    renders: int
    #: How long all its renders took.
    secs: float


class Lately:
    """Counts views or templates by name and kind of content, since the
    process started.
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
        """Return those of which all renders together took longest, first."""
        return sorted(self._all(), key=lambda seen: (-seen.secs, seen))

    def reset(self) -> None:
        """Begin to count anew."""
        with self._lock:
            self._seen.clear()

    def _all(self) -> list[Seen]:
        with self._lock:
            return list(self._seen.values())
