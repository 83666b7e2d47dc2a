"""The choice of hits for the audit of a manager, and the findings."""
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from ..limits import Rate


#: Number of findings that are kept, the latest ones.
MAX_FINDINGS = 20

#: The same for pages that differ by themselves.  Fewer are enough: if pages
#: show a clock, each page differs.
MAX_BY_ITSELF = 5


class Finding(NamedTuple):
    """A stored page that differed from a new render."""

    #: Seconds since 1970.
    at: float
    url: str
    #: The user of the page, '' for a page of any visitor.
    whose: str
    #: The policy that gave the page its ETag.
    policy: str
    #: When the stored page was rendered, seconds since 1970.
    created: float
    #: Whether two renders in a row differ as well.  Then the page stays in
    #: the store.
    is_by_itself: bool
    #: The differences, see :class:`.compare.Difference`.
    lines: list[str]
    #: The sources that a render now reads, and that changed since the page
    #: was stored.
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

        One hit in `every` is audited, at most `per_minute`.
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
        """Return the last findings, the newest first.

        The pages that differ by themselves come last.
        """
        with self._lock:
            return [
                finding for findings in self._findings.values()
                for finding in reversed(findings)]
