"""What counters have counted, summed up."""


def total(tally, word):
    """Return how often `word` happened, for whatever reason."""
    return sum(
        count for (what, _), count in tally.counts().items() if what == word)
