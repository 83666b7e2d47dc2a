"""Values in memory: those that a page uses, and those being made for it."""
import time
from collections.abc import Hashable
from collections.abc import Iterable

from ..core.reads.made_from import Asked


#: Sources are recorded for at most this number of nested values.
MAX_MAKINGS = 20


class Making:
    """A value that code is making, to keep it in memory."""

    def __init__(
            self, key: Hashable, numbers: Iterable[int],
            questions: int) -> None:
        self.key = key
        self.at = time.monotonic()
        #: Oids that were read for it so far, by number of the database.
        self.reads: dict[int, set[bytes]] = {
            number: set() for number in numbers}
        #: Number of questions that were asked before.
        self.questions = questions
        #: The sources of other values that it uses, and the time of their
        #: last change, seconds since 1970.
        self.asked: dict[Asked, None] = {}
        self.changed_at = 0.0


class Values:
    """The sources of the values that a page used so far."""

    def __init__(self) -> None:
        #: Values that are being made, the outermost first.
        self.makings: list[Making] = []
        self.asked: dict[Asked, None] = {}
        #: Time of the last change of a source, seconds since 1970.
        self.changed_at = 0.0
        #: Size of the sources in bytes.
        self.size = 0

    def begin(
            self, key: Hashable, numbers: Iterable[int],
            questions: int) -> None:
        """Note that code now begins to make a value.

        `numbers` are the numbers of the recorded databases, `questions` is
        the number of questions that were asked so far.
        """
        self.makings.append(Making(key, numbers, questions))
        del self.makings[:-MAX_MAKINGS]  # most of these never end

    def end(self, key: Hashable) -> Making | None:
        """Return the finished value, None if its beginning was not noted."""
        for place, making in reversed([*enumerate(self.makings)]):
            if making.key == key:
                # inner values that did not end have failed
                del self.makings[place:]
                return making
        return None

    def count(
            self, asked: tuple[Asked, ...], changed_at: float, size: int
    ) -> None:
        """Count the sources of a value, for the page and unfinished values.

        The sources take `size` bytes.
        """
        counted = dict.fromkeys(asked)
        self.asked.update(counted)
        self.changed_at = max(self.changed_at, changed_at)
        self.size += size
        for making in self.makings:
            making.asked.update(counted)
            making.changed_at = max(making.changed_at, changed_at)
