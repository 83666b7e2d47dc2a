"""Requests pages of a running site, so that the cache stores them."""
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import as_completed
from typing import NamedTuple

from ..core.http import cache_status
from . import sitemap
from .sources import Sources
from .usage import Failure
from .web import Sender
from .web import printable


#: The maximum number of failed URLs that are listed.
MAX_LISTED = 50


class Result(NamedTuple):
    """The result of the request for a page."""

    url: str
    #: The label under which the report counts it.
    kind: str
    is_failure: bool


class Pace:
    """Limits the rate at which requests begin, to `rate` a second.

    Any thread may call it.
    """

    def __init__(self, rate, clock=time.monotonic, sleep=time.sleep):
        self._secs = 1 / rate
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._next_at = clock()

    def wait(self):
        """Wait until the next request may begin."""
        with self._lock:
            now = self._clock()
            at = max(now, self._next_at)
            self._next_at = at + self._secs
        self._sleep(at - now)


def run(options):
    """Warm the pages that the options name; return the exit code."""
    ended = threading.Event()
    sender, pace = Sender(options), Pace(options.rate, sleep=ended.wait)

    def fetch(url):
        pace.wait()
        answer = sender.send('GET', url, keep_bytes=sitemap.MAX_BYTES)
        if answer.status != 200:
            raise Failure(f'{answer.status} {answer.reason}')
        return answer.body

    sources = Sources(options.source, options.limit, fetch)
    began_at = time.monotonic()
    results = [
        Result(url, f'sitemap: {reason}', True)
        for url, reason in sources.failed]
    asked = _ask(sources.urls, sender, pace, options, results, ended)
    _report(results, asked, sources, time.monotonic() - began_at)
    return 1 if not asked or any(
        result.is_failure for result in results) else 0


def _ask(urls, sender, pace, options, results, ended):
    """Request all URLs; add to `results`, and return the number of URLs."""
    def ask(url):
        pace.wait()
        try:
            answer = sender.send('GET', url)
        except Failure as error:
            return Result(url, str(error), True)
        return Result(url, kind_of(answer), answer.status >= 400)

    with ThreadPoolExecutor(options.concurrency) as pool:
        try:
            waiting = [pool.submit(ask, url) for url in urls]
            for future in _shown(as_completed(waiting), len(waiting)):
                result = future.result()
                results.append(result)
                if options.verbose:
                    print(printable(f'{result.kind}  {result.url}'))
        except BaseException:
            ended.set()  # end the waits of all threads
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return len(waiting)


def _shown(futures, total):
    """Return `futures`, with a progress bar on a terminal if tqdm is there.
    """
    try:
        from tqdm import tqdm
    except ImportError:
        return futures
    return tqdm(futures, total=total, unit='page', disable=None)


def kind_of(answer):
    """Return the label of an answer: outcome and reason, or status."""
    if answer.status != 200:
        return f'{answer.status} {answer.reason}'
    caches = cache_status.read(
        ', '.join(answer.headers.get_all('Cache-Status', ())))
    others = [
        name for name, said in caches
        if 'hit' in said and name != cache_status.NAME]
    if others:
        return f'not asked: {others[-1]} answered'
    said = dict(caches).get(cache_status.NAME, {})
    word = answer.headers.get('X-PageCache') or _word(said)
    if word == 'HIT':
        return word
    return f'{word} {said.get("detail", "")}'.strip() or (
        'no cache: the answer has no X-PageCache and no Cache-Status')


def _word(said):
    if 'hit' in said:
        return 'HIT'
    if 'stored' in said:
        return 'MISS'
    return 'BYPASS' if said else ''


def _report(results, asked, sources, secs):
    counts = Counter(result.kind for result in results)
    for kind, count in sorted(
            counts.items(), key=lambda item: (-item[1], item[0])):
        print(printable(f'{count:7}  {kind}'))
    failed = [result for result in results if result.is_failure]
    print(f'{asked} pages in {secs:.1f} s, {len(failed)} failed')
    for result in failed[:MAX_LISTED]:
        _say(f'{result.kind}: {result.url}')
    if len(failed) > MAX_LISTED:
        _say(f'and {len(failed) - MAX_LISTED} more')
    if sources.foreign:
        _say(f'{sources.foreign} URLs of other hosts, ports or schemes were '
             'left out')
    if sources.has_more:
        _say('there are more pages than --limit')
    if not asked:
        _say('there is no page to ask for')


def _say(text):
    print(printable(f'pagecache warm: {text}'), file=sys.stderr)
