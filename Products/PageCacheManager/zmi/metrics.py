"""Metrics of this process for Prometheus.

Labels hold outcomes and reasons, a few dozen values.  They hold no URL, and no
name of a visitor, a cookie or a policy.
"""
from collections import Counter

from ..core.report import statistics as figures
from ..manager import caches


#: Counters of the tally: its words, the metric, its help text and labels.
_TALLIED = (
    (('HIT', 'MISS', 'NO-ETAG', 'BYPASS', 'OFF'), 'pagecache_requests',
     'Requests by outcome and reason.', ('outcome', 'reason')),
    (('FAILED',), 'pagecache_failed_requests',
     'Requests that ended by an exception, or were repeated.', ('reason',)),
    (('ERROR',), 'pagecache_errors',
     'Failures inside the cache; the page was rendered without it.',
     ('reason',)),
    (('AUDIT',), 'pagecache_audits',
     'Hits that were rendered again, by result.', ('reason',)),
    (('AHEAD',), 'pagecache_rendered_ahead',
     'Hot pages that were rendered again before a visitor asked.',
     ('reason',)),
)

#: Figures of the store: attribute of its counts, metric and help text.
_COUNTERS = (
    ('evictions', 'pagecache_evictions',
     'Entries that were dropped to free memory.'),
    ('expirations', 'pagecache_expirations',
     'Entries that were dropped because they were too old.'),
    ('removals', 'pagecache_removals',
     'Entries that were invalidated, or replaced by a newer page.'),
    ('rejections', 'pagecache_rejections', 'Pages that were not stored.'),
)
_GAUGES = (
    ('entries', 'pagecache_entries', 'Stored entries.'),
    ('max_entries', 'pagecache_max_entries', 'Maximum of stored entries.'),
    ('bytes', 'pagecache_bytes', 'Memory of stored entries, in bytes.'),
    ('max_bytes', 'pagecache_max_bytes', 'Maximum of this memory, in bytes.'),
    ('spare', 'pagecache_spare_bytes',
     'Memory of uncompressed copies, in bytes.'),
)


def metrics(manager, response):
    """Return the metrics in Prometheus' text format."""
    try:
        import prometheus_client
    except ImportError:
        response.setStatus(501)
        response.setHeader('Content-Type', 'text/plain; charset=utf-8')
        return 'Install Products.PageCacheManager[metrics] for metrics.\n'
    registry = prometheus_client.CollectorRegistry()
    registry.register(_Collector(manager))
    response.setHeader('Content-Type', prometheus_client.CONTENT_TYPE_LATEST)
    return prometheus_client.generate_latest(registry)


class _Collector:
    """Gives the metrics of a manager in this process."""

    def __init__(self, manager):
        self._cache, self._settings = caches.cache_and_settings(manager)

    def collect(self):
        """Yield each metric."""
        from prometheus_client import metrics_core as core

        counts = self._cache.tally.counts()
        for words, name, text, labels in _TALLIED:
            metric = core.CounterMetricFamily(name, text, labels=labels)
            for values, count in _summed(counts, words).items():
                metric.add_metric(values[-len(labels):], count)
            yield metric
        stored = self._cache.pages.counts()
        for attribute, name, text in _COUNTERS:
            yield core.CounterMetricFamily(
                name, text, getattr(stored, attribute))
        for attribute, name, text in _GAUGES:
            yield core.GaugeMetricFamily(
                name, text, getattr(stored, attribute))
        yield core.GaugeMetricFamily(
            'pagecache_active', '1 while pages are cached, else 0.',
            caches.is_active(self._settings))
        renders, secs = self._cache.journal.renders()
        yield core.SummaryMetricFamily(
            'pagecache_render_seconds',
            'Renders of pages that were stored, and their time in seconds.',
            renders, secs)
        yield core.GaugeMetricFamily(
            'pagecache_saved_seconds', 'About how much rendering hits saved, '
            'in seconds.', figures.totals(counts).hits * (
                self._cache.journal.mean_secs() or 0))


def _summed(counts, words):
    """Return the counts of some words, by word and first word of the detail.

    The rest of the detail may be text that a client sent.
    """
    found = Counter()
    for (word, detail), count in counts.items():
        if word in words:
            found[word, detail.partition(' ')[0]] += count
    return found
