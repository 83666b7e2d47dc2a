"""The times of the parts of a hit or a miss, as shares of the floor.

The functions in `LAYERS` are wrapped while whole requests go through them.
The time of a function excludes the wrapped functions that it calls, and the
cost of measuring.  The rest of a request is Zope's.
"""
import importlib
import itertools
import statistics
import sys
from collections import Counter
from contextlib import contextmanager
from typing import NamedTuple

import cmfsite
import rounds
from stopwatch import Stopwatch

from Products.PageCacheManager.tests.client import Client


PACKAGE = 'Products.PageCacheManager'

ZOPE = 'Zope: traversal, access, commit, response'
PREDICATE = 'policy: predicate'
ETAG = 'policy: ETag'

#: The functions of each part; ``.`` at the beginning stands for the package.
LAYERS = {
    ZOPE: ['ZPublisher.WSGIPublisher:publish_module'],
    'cache: way in': [
        '.request.stand_in:stand_in_for',
        '.request.stand_in:StandIn.__call__'],
    'cache: the exchange, its settings': ['.request.exchange:new_exchange'],
    'access of the visitor': [
        '.key.visitor:rights'],
    'policy: found, answer read': ['.cmf.policy:ask'],
    'policy: context of expressions': ['.cmf.expressions:context'],
    PREDICATE: [],
    ETAG: [],
    'versions of templates and manager': [
        '.origin.template:TemplateOrigin.templates', '.key.key:versions_now'],
    'whose page it is': ['.key.visitor:partition'],
    'key': [
        '.key.key:ask_policy', '.key.key:key_parts', '.core.key:KeyParts.key'],
    'store': ['.core.store.store:PageStore.get'],
    'headers of the page': ['.request.page_headers:of_page'],
    'response: judged and sent': ['.request.exchange:Exchange.deliver'],
    'counted, lane permitted': ['.request.exchange:Exchange.commit'],
    # only in a miss
    'rendering': [
        'Products.PageTemplates.PageTemplate:PageTemplate.pt_render'],
    'rendering: watched': [
        '.request.rendering:Rendering.__init__',
        '.request.rendering:Rendering.origin_ended',
        '.request.rendering:Rendering.end'],
    'flight': ['.core.flights:Flights.board', '.core.flights:Flight.land'],
    'date of the page': ['.key.key:dates'],
    'page: captured': ['.request.miss:Miss._capture', '.key.key:has_changed'],
    'page: kept': [
        '.request.miss:Captured._keep', '.core.store.store:PageStore.set'],
}

EXPRESSION = 'Products.CMFCore.Expression:Expression.__call__'


@contextmanager
def wrapped(stopwatch, policy):
    """Measure all layers within the ``with`` block."""
    undo = []
    for label, names in LAYERS.items():
        for name in names:
            undo += put(name, stopwatch, lambda *_, label=label: label)
    predicate = policy.getPredicate()
    undo += put(EXPRESSION, stopwatch, lambda expression, *_: (
        PREDICATE if expression.text == predicate else ETAG))
    try:
        yield
    finally:
        for owner, name, function in undo:
            setattr(owner, name, function)


def put(name, stopwatch, label_of):
    """Wrap a function in all places that hold it.

    Return owner, name and function of each place, to undo it.
    """
    module, _, path = name.partition(':')
    owner = importlib.import_module(
        PACKAGE + module if module.startswith('.') else module)
    *outer, last = path.split('.')
    for part in outer:
        owner = getattr(owner, part)
    function = vars(owner)[last] if outer else getattr(owner, last)
    measured = stopwatch.wrap(function, label_of)
    # modules import functions of other modules by their names
    owners = [owner] if outer else [
        other for other in [*sys.modules.values()]
        if getattr(other, '__dict__', {}).get(last) is function]
    for each in owners:
        setattr(each, last, measured)
    return [(each, last, function) for each in owners]


class Requests(NamedTuple):
    """One kind of requests, with parts to measure."""

    name: str
    kind: str
    user: str | None
    #: Whether each request asks for a new page.
    is_fresh: bool = False
    #: The share of a round's requests that is made; renders take longer.
    share: float = 1

    @property
    def path(self):
        return f'/site/doc/{self.kind}_cached'

    def asker(self):
        ask = cmfsite.asker(self.path, self.user)
        if not self.is_fresh:
            return cmfsite.as_many(ask)
        return lambda: ask(QUERY_STRING=f'n={next(_fresh)}')


_fresh = itertools.count()

REQUESTS = (
    Requests('hit of a new client, template in the ZODB', 'zodb', None),
    Requests('hit of a new client, member', 'zodb', 'alice'),
    Requests('hit of a new client, filesystem template', 'fs', None),
    Requests(
        'miss, template in the ZODB, anonymous', 'zodb', None, True, 0.04),
)


def profile(requests, policy, rounds_, hits):
    """Return times of floor, whole and layers, and the calls of layers.

    The times are in microseconds, one a round; the calls are those of a
    request.
    """
    count = max(1, round(hits * requests.share))
    client = Client()
    client.get(requests.path, requests.user)
    hit = client.get(requests.path, requests.user)
    assert hit.outcome == 'HIT'
    cmfsite.add_floor('floor_of_layers', hit, hit.body)
    floor = cmfsite.asker('/site/doc/floor_of_layers', requests.user)
    ask = requests.asker()
    stopwatch = Stopwatch()
    found = {label: [] for label in ('floor', 'whole', *LAYERS)}
    calls = Counter()
    for _ in range(rounds_):
        found['floor'].append(1e6 * rounds.timed(floor, hits)().wall)
        found['whole'].append(
            1e6 * rounds.timed(ask, count)().wall)
        with wrapped(stopwatch, policy):
            ask()
            stopwatch.reset()
            for _ in range(count):
                ask()
        for label in LAYERS:
            found[label].append(
                stopwatch.taken[label] / count / 1000)
            calls[label] = stopwatch.calls[label] / count
    return found, calls


def layer_figures(requests, found, calls):
    heading = f'parts of a {requests.name}'
    floor, whole = found['floor'], found['whole']
    yield rounds.ratio_figure(
        heading, 'the whole', 'x floor', whole, floor,
        note=f'{statistics.median(whole):.0f} us')
    shown = [label for label in LAYERS if calls[label]]
    for label in shown:
        micros = statistics.median(found[label])
        yield rounds.ratio_figure(
            heading, label, 'x floor', found[label], floor,
            note=f'{micros:.1f} us, {calls[label]:g} calls')
    parts = [sum(each) for each in zip(
        *(found[label] for label in shown), strict=True)]
    yield rounds.ratio_figure(
        heading, 'all parts', 'x whole', parts, whole,
        note='1 if nothing is lost or counted twice')


def figures(options):
    """Return all figures of this program."""
    app = cmfsite.start()
    cmfsite.build(app)
    policy = app.site.caching_policy_manager.listPolicies()[0][1]
    found = []
    for requests in REQUESTS:
        found += layer_figures(
            requests, *profile(
                requests, policy, options.rounds, options.hits))
    return found


if __name__ == '__main__':
    rounds.main(__doc__, figures, rounds=(20, 80), hits=(100, 100))
