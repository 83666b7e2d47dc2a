"""Values in memory that a page is given, and those that are made meanwhile."""
import time
from collections.abc import Hashable
from collections.abc import Iterable

from ..core.reads.made_from import Asked


#: Of so many values within one another it is known what they are made from.
MAX_MAKINGS = 20


class Making:
    """A value that code makes, to keep it in memory."""

    def __init__(
            self, key: Hashable, numbers: Iterable[int],
            questions: int) -> None:
        self.key = key
        self.at = time.monotonic()
        #: What was read for it so far, by number of the database.
        self.reads: dict[int, set[bytes]] = {
            number: set() for number in numbers}
        #: How many questions were asked before.
        self.questions = questions
        #: What other values that it was given were made from, and when that
        #: changed last, seconds since 1970.
        self.asked: dict[Asked, None] = {}
        self.changed_at = 0.0


class Values:
    """What the values were made from that a page was given so far."""

    def __init__(self) -> None:
        #: Those that are being made, the outer ones first.
        self.makings: list[Making] = []
        self.asked: dict[Asked, None] = {}
        #: When that changed last, seconds since 1970.
        self.changed_at = 0.0
        #: Its bytes.
        self.size = 0

    def begin(
            self, key: Hashable, numbers: Iterable[int],
            questions: int) -> None:
        """Note that code makes a value from now on.

        `numbers` are those of the databases that are recorded, `questions`
        is how many questions were asked so far.
        """
        self.makings.append(Making(key, numbers, questions))
        del self.makings[:-MAX_MAKINGS]  # most of these are never kept

    def end(self, key: Hashable) -> Making | None:
        """Return the value that was made, None if it was not begun."""
        for place, making in reversed([*enumerate(self.makings)]):
            if making.key == key:
                # those within that were not ended have failed
                del self.makings[place:]
                return making
        return None

    def count(
            self, asked: tuple[Asked, ...], changed_at: float, size: int
    ) -> None:
        """Count what a value was made from, for the page and for values that
        are being made; it takes `size` bytes.
        """
        counted = dict.fromkeys(asked)
        self.asked.update(counted)
        self.changed_at = max(self.changed_at, changed_at)
        self.size += size
        for making in self.makings:
            making.asked.update(counted)
            making.changed_at = max(making.changed_at, changed_at)
