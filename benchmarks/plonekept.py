"""The memory of kept pages of a Plone site, and the pages left by an edit.

Documents are edited as people do it: by the form, which locks, saves and
unlocks.  A page stays if the cache sends it again, or if a browser that holds
it gets a 304.
"""
from contextlib import contextmanager

import lxml.html
import rounds
import Zope2
from freshness import Recorder
from plone.app.caching.operations.ramcache import GLOBAL_KEY
from plonesite import BARE
from plonesite import OURS
from plonesite import PACS
from rounds import Figure
from zope.component import getUtility
from zope.component.hooks import setSite
from zope.ramcache.interfaces.ram import IRAMCache

from Products.PageCacheManager.manager.caches import cache_of


#: The number of documents beside the one that is edited.
OTHERS = 19

EDITED = '/a-folder/item-0'
PATHS = [f'/a-folder/item-{number}' for number in range(1, OTHERS + 1)]

#: The edited fields, with their new values.
WORDS = {'text': '<p>Open on Sundays, too.</p>', 'title': 'Open on Sundays'}

WHO = {'anonymous': None, 'member': 'bob'}

NAMES = {OURS: 'ours', PACS: 'plone.app.caching'}


def figures(bench):
    """Yield the figures of memory and of edits."""
    yield from memory(bench)
    for site in NAMES:
        # content made by code lacks fields; saving the form adds them
        bench.clients[site].edit(EDITED, 'alice')
    for field in WORDS:
        yield from edits(bench, field)


# memory

def memory(bench):
    """Yield the bytes of one page in each cache."""
    recorder = Recorder()
    for kind, path in (('document', '/a-document'), ('listing', '/a-folder')):
        for who, user in WHO.items():
            heading = f'Plone, memory for one page, {kind}, {who}'
            yield from of_ours(bench, heading, path, user, recorder)
            if user is None:
                yield Figure(
                    heading, 'plone.app.caching', theirs(bench, path),
                    'bytes', note='never compressed')


def of_ours(bench, heading, path, user, recorder):
    """Yield the bytes counted for a page before a gzip client, and after."""
    pages = our_pages()
    pages.purge()
    ask = asker(bench, OURS, path, user)
    body = ask().body
    yield Figure(heading, 'the page', len(body), 'bytes')
    counts = pages.counts()
    assert counts.entries == 1, counts
    yield Figure(heading, 'ours, uncompressed', counts.bytes, 'bytes')
    answer = ask(ACCEPT_ENCODING='gzip')
    assert answer.get('Content-Encoding') == 'gzip', answer.lines
    counts = pages.counts()
    assert counts.entries == 1 and counts.spare >= len(body), counts
    yield Figure(
        heading, 'ours, compressed', counts.bytes - counts.spare, 'bytes',
        note='beside it the page as it is, while there is room')
    yield Figure(
        heading, 'of it what the page was made from', recorder.last.size,
        'bytes', note='pages that search the same share most of it')


def our_pages():
    """Return the store of our site."""
    root = Zope2.app()
    try:
        return cache_of(root[OURS].page_cache).pages
    finally:
        root._p_jar.close()


def theirs(bench, path):
    """Return the bytes of a page in the RAM cache of plone.app.caching."""
    with their_cache() as cache:
        cache.invalidateAll()
    ask = asker(bench, PACS, path, None)
    ask()
    assert ask().get('X-RAMCache')
    with their_cache() as cache:
        found = next(
            row for row in cache.getStatistics() if row['path'] == GLOBAL_KEY)
    assert found['entries'] == 1, found
    return found['size']


@contextmanager
def their_cache():
    """Give the RAM cache of their site."""
    root = Zope2.app()
    setSite(root[PACS])
    try:
        yield getUtility(IRAMCache)
    finally:
        setSite(None)
        root._p_jar.close()


def asker(bench, site, path, user):
    """Return a function that asks for a page."""
    headers = bench.headers(site, user)
    return lambda **more: bench.clients[site].get(path, **headers, **more)


# edits

def edits(bench, field):
    """Yield the number of other pages that stay after an edit."""
    words = WORDS[field]
    heading = f'Plone, pages that stay when the {field} of another is edited'
    for site, name in NAMES.items():
        held = {
            (who, path): asked_twice(bench, site, path, user)
            for who, user in WHO.items() for path in (EDITED, *PATHS)}
        bench.clients[site].edit(EDITED, 'alice', **{field: words})
        if site == OURS and field == 'text':
            yield from first_hits(bench)
        for who, user in WHO.items():
            stay = sum(
                is_hit(asker(bench, site, path, user)()) for path in PATHS)
            told = sum(
                is_still_held(bench, site, path, user, held[who, path])
                for path in PATHS)
            target = OTHERS if site == OURS and field == 'text' else None
            unit = f'of {OTHERS}'
            yield Figure(
                heading, f'{name}, hits, {who}', stay, unit, at_least=target)
            yield Figure(
                heading, f'{name}, 304, {who}', told, unit, at_least=target)
            assert shows(asker(bench, site, EDITED, user)(), words)


def first_hits(bench):
    """Yield the cost of the first hit after an edit of another page.

    The edit changed the catalog, so the searches of the page are repeated.
    """
    for who, user in WHO.items():
        times = {}
        for site in (OURS, BARE):
            times[site] = [
                rounds.timed(asker(bench, site, path, user), 1)()
                for path in PATHS]
        for clock, kind in enumerate(('', ', CPU')):
            ours, bare = (
                [one[clock] for one in times[site]] for site in (OURS, BARE))
            yield rounds.ratio_figure(
                'Plone, first hit after the text of another page is edited',
                f'{who}{kind}', 'x render', ours, bare, at_most=0.1)


def asked_twice(bench, site, path, user):
    """Return the answer to the second of two requests."""
    ask = asker(bench, site, path, user)
    ask()
    answer = ask()
    is_kept = site == OURS or user is None
    assert is_hit(answer) == is_kept, (site, path, user, answer.lines)
    return answer


def is_hit(answer):
    return answer.outcome == 'HIT' or bool(answer.get('X-RAMCache'))


def is_still_held(bench, site, path, user, held):
    """Return whether a browser that holds a page gets a 304."""
    ask = asker(bench, site, path, user)
    return ask(If_None_Match=held['ETag']).status == 304


def shows(answer, words):
    return lxml.html.fromstring(words).text in answer.text
