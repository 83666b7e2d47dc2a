"""The statistics as CSV and JSON."""
import csv
import io
import json
import os
import socket
import time
from dataclasses import replace

from ..core.report import statistics as figures
from ..manager import caches
from . import uncached
from .page import moment


#: Columns of the CSV: title, and function that gets the value from a row.
_COLUMNS = {
    'template': lambda row: row['template_path'],
    'context': lambda row: row['context_path'],
    'url': lambda row: row['url'],
    'hits': lambda row: row['hits'],
    'misses': lambda row: row['misses'],
    'entries': lambda row: row['entries'],
    'bytes': lambda row: row['size'],
    'created': lambda row: moment(row['created'])}

#: A spreadsheet reads a cell that begins with one of these as a formula.
_FORMULA = tuple('=+-@\t\r')


def stats_csv(manager, request):
    """Return the pages of the Statistics screen as CSV."""
    _name(request.response, 'text/csv; charset=utf-8', 'csv')
    return _csv(_pages(manager, request))


def stats_json(manager, request):
    """Return all numbers of the Statistics screen as JSON."""
    _name(request.response, 'application/json', 'json')
    return json.dumps(_all(manager, request))


def _name(response, content_type, extension):
    response.setHeader('Content-Type', content_type)
    response.setHeader(
        'Content-Disposition',
        f'attachment; filename="page-cache-statistics.{extension}"')


def _pages(manager, request):
    """Return all rows that match the form, in its order."""
    rows = caches.cache_of(manager).pages.report()
    view = figures.read_view(request.form)
    return figures.select(
        rows, replace(view, page=1, size=max(len(rows), 1))).rows


def _csv(rows):
    """Return rows of the report as CSV, with no cell that is a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for row in rows:
        writer.writerow([_harmless(read(row)) for read in _COLUMNS.values()])
    return text.getvalue().encode('utf-8', 'replace').decode('utf-8')


def _harmless(value):
    # some spreadsheets split cells at a semicolon, even within quotes
    text = str(value).replace(';', '%3B')
    return f"'{text}" if text.startswith(_FORMULA) else text


def _all(manager, request):
    cache = caches.cache_of(manager)
    counts = cache.tally.counts()
    totals = figures.totals(counts)
    return {
        'process': {
            'host': socket.gethostname(), 'id': os.getpid(),
            'counting_since': cache.since},
        'requests': {**totals._asdict(), 'hit_ratio': totals.ratio},
        'reasons': [
            {'outcome': word, 'reason': detail, 'requests': count}
            for (word, detail), count in sorted(counts.items())],
        'store': cache.stored()._asdict(),
        'minutes': _spans(cache.tally.minutes()),
        'hours': _spans(cache.tally.hours()),
        'templates': [
            {'path': path, **times._asdict()}
            for path, times in sorted(cache.tally.times().items())],
        'not_cached': [
            {**seen._asdict(), 'kind': kind, 'content': seen.kind}
            for kind, seen in uncached.dearest(manager)],
        'pages': _pages(manager, request)}


def _spans(spans):
    return [
        {'began': round(time.time() - span.ago), **span.sums._asdict()}
        for span in spans]
