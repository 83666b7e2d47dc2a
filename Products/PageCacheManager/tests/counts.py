"""Sums of counters."""


def total(tally, word):
    """Return how often `word` was counted, for any reason."""
    return sum(
        count for (what, _), count in tally.counts().items() if what == word)
