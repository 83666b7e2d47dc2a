"""The cost of recording the sources of a page while it is rendered."""
import time
from contextlib import nullcontext
from types import SimpleNamespace
from unittest import mock

from Products.PageCacheManager.manager import caches
from Products.PageCacheManager.request import rendering
from Products.PageCacheManager.request.exchange import Exchange


ROUNDS = 8

PAGES = (
    ('/guide/house-1/room-1/note-1', None), ('', None),
    ('/lists/documents', None), ('/special/commented', None),
    ('/guide', 'bob'))


def unseen():
    """Do not record searches and brains: the thread has no recording."""
    return mock.patch.object(rendering, 'reads', SimpleNamespace(
        thread=SimpleNamespace(recording=None)))


def unrecorded():
    """Do not record any reads; the page is not kept."""
    return mock.patch.object(Exchange, 'recording', lambda self: None)


WAYS = {
    'recorded': nullcontext, 'searches unseen': unseen,
    'not recorded': unrecorded}


def lines(site):
    """Yield the milliseconds of misses: best of `ROUNDS`, CPU time too."""
    for page in PAGES:
        best = {name: [1e9, 1e9] for name in WAYS}
        for name, way in (*WAYS.items(),) * (ROUNDS + 1):
            with way():
                caches.forget_all()
                site.past(page)
                times = time.perf_counter(), time.thread_time()
                site.get(page)
                for number, now in enumerate((
                        time.perf_counter(), time.thread_time())):
                    best[name][number] = min(
                        best[name][number], 1000 * (now - times[number]))
        yield f'{page}: ' + ', '.join(
            f'{name} {wall:.1f} ms ({cpu:.1f} of processor)'
            for name, (wall, cpu) in best.items())
