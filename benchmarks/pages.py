"""What a MISS, a HIT and a 304 cost against the page without a cache.

Whole requests go through the real publisher, in process, to a CMF site with
a listing of several hundred expressions.  The contenders take turns in
random order within each round, so that a noisy machine disturbs all alike;
the figures are medians, with quartiles, of ratios within a round.

``floor`` is a published method that returns the same bytes and headers:
what Zope itself costs.
"""
import argparse
import itertools
import random
import statistics
import time

import transaction

from Products.PageCacheManager.tests import layers
from Products.PageCacheManager.tests.client import Client
from Products.PageCacheManager.tests.site import Item
from Products.PageCacheManager.tests.site import add_template


LISTING = '''<html><head><title tal:content="context/getId">t</title></head>
<body><table><tr tal:repeat="n python: range(400)"
  tal:attributes="class python: n % 2 and 'odd' or 'even'">
  <td tal:content="n">n</td>
  <td><a tal:attributes="href string:${context/absolute_url}/$n"
    tal:content="string:Item number $n of the listing">item</a></td>
  <td tal:content="context/modified">date</td>
</tr></table></body></html>'''


def floor(self):
    """Return the page as plain Python would."""
    self.REQUEST.RESPONSE.setHeader('Content-Type', 'text/html')
    self.REQUEST.RESPONSE.setHeader('ETag', '"floor"')
    return self.same_bytes


def floor_304(self):
    """Answer 304 as plain Python would."""
    self.REQUEST.RESPONSE.setStatus(304)
    return ''


def build(site, client):
    for name, associate in (('cached', True), ('uncached', False)):
        add_template(site.portal_skins.custom, name, LISTING, associate)
    Item.same_bytes = client.get('/site/doc/uncached').body
    Item.floor, Item.floor_304 = floor, floor_304
    Item.floor__roles__ = Item.floor_304__roles__ = None
    transaction.commit()


def contenders(client, user):
    tag = client.get('/site/doc/cached', user)['ETag']

    numbers = itertools.count()

    def miss():
        # a page that nobody has asked for yet
        return client.get(f'/site/doc/cached?{next(numbers)}', user)

    def timed(action, count):
        def run():
            start = time.perf_counter()
            for _ in range(count):
                action()
            return (time.perf_counter() - start) / count
        return run

    get = client.get
    return {
        'uncached': timed(lambda: get('/site/doc/uncached', user), 3),
        'MISS': timed(miss, 3),
        'HIT': timed(lambda: get('/site/doc/cached', user), 50),
        '304': timed(
            lambda: get('/site/doc/cached', user, If_None_Match=tag), 50),
        'floor': timed(lambda: get('/site/doc/floor', user), 50),
        'floor 304': timed(lambda: get('/site/doc/floor_304', user), 50),
    }


def measure(actions, rounds):
    names = list(actions)
    times = {name: [] for name in names}
    for _ in range(rounds):
        random.shuffle(names)
        for name in names:
            times[name].append(actions[name]())
    return times


def ratios(times, name, base):
    return [a / b for a, b in zip(times[name], times[base], strict=True)]


def report(who, times):
    print(f'\n{who}: time in ms (median), and ratios within a round')
    print(f'{"":10} {"ms":>8} {"/floor":>8} {"quartiles":>13} {"speed-up":>9}')
    for name, values in times.items():
        base = 'floor 304' if '304' in name else 'floor'
        found = ratios(times, name, base)
        low, _, high = statistics.quantiles(found, n=4)
        faster = statistics.median(ratios(times, 'uncached', name))
        print(f'{name:10} {statistics.median(values) * 1000:8.2f} '
              f'{statistics.median(found):8.2f} {low:6.2f}-{high:<6.2f} '
              f'{faster:8.1f}x')


def set_up(layer, done):
    """Set up a test layer after those that it stands on."""
    for base in layer.__bases__:
        set_up(base, done)
    if layer not in done:
        done.add(layer)
        layer.setUp()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--rounds', type=int, default=21)
    options = parser.parse_args()
    set_up(layers.FUNCTIONAL, set())
    layers.FUNCTIONAL.testSetUp()
    client = Client()
    build(layers.FUNCTIONAL['app'].site, client)
    for user in (None, 'alice'):
        times = measure(contenders(client, user), options.rounds)
        report(user or 'anonymous', times)


if __name__ == '__main__':
    main()
