"""What it costs to record what a page is made from, while it is rendered."""
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
    """Let searches and brains go unseen: the thread records nothing."""
    return mock.patch.object(rendering, 'reads', SimpleNamespace(
        thread=SimpleNamespace(recording=None)))


def unrecorded():
    """Record nothing at all; the page is not kept."""
    return mock.patch.object(Exchange, 'recording', lambda self: None)


WAYS = {
    'recorded': nullcontext, 'searches unseen': unseen,
    'not recorded': unrecorded}


def lines(site):
    """Yield milliseconds of a miss, best of some, processor time too."""
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
