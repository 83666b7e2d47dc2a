"""Which hits of a manager are audited, and what was found."""
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from ..limits import Rate


#: So many findings are kept, of the pages that were found last.
MAX_FINDINGS = 20

#: The same of pages that differ by themselves: a clock is on each page.
MAX_BY_ITSELF = 5


class Finding(NamedTuple):
    """A page that was not what it would have been rendered as."""

    #: Seconds since 1970.
    at: float
    url: str
    #: Whose page it was, '' for a page of any visitor.
    whose: str
    #: The policy that gave the page its ETag.
    policy: str
    #: When the stored page was rendered, seconds since 1970.
    created: float
    #: Whether two renders in a row differ as well, so that it stays.
    is_by_itself: bool
    #: What differs, see :class:`.compare.Difference`.
    lines: list[str]
    #: What changed since the page was stored, and is read by a render now.
    changed: list[str]


class Audits:
    """Chooses hits of one manager, and keeps the last findings."""

    def __init__(
            self, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._hits = 0
        self._rate = Rate(clock)
        self._findings: dict[bool, deque[Finding]] = {
            False: deque(maxlen=MAX_FINDINGS),
            True: deque(maxlen=MAX_BY_ITSELF)}

    def is_due(self, every: int, per_minute: int) -> bool:
        """Return whether to audit the hit that was just sent.

        It is one in `every`, and no more than `per_minute`.
        """
        with self._lock:
            self._hits += 1
            if self._hits % every:
                return False
            return self._rate.allows(per_minute)

    def found(self, finding: Finding) -> None:
        """Keep a finding in place of an earlier one of the same page."""
        with self._lock:
            findings = self._findings[finding.is_by_itself]
            kept = [
                one for one in findings
                if (one.url, one.whose) != (finding.url, finding.whose)]
            findings.clear()
            findings.extend([*kept, finding])

    def findings(self) -> list[Finding]:
        """Return the last findings, the newest first; those of pages that
        differ by themselves come last.
        """
        with self._lock:
            return [
                finding for findings in self._findings.values()
                for finding in reversed(findings)]
