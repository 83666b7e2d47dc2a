"""Checks that memory stays flat for requests of any kind and number.

Whole requests go through the real publisher, in process.  Most requests have a
new query, host, context, cookie, user or request header.  The store has room
for a thousand pages.  After a warm-up nothing may grow: not the memory of the
process, not the number of objects, and no table of the engine.  Each variation
has a process of its own.
"""
import argparse
import gc
import itertools
import os
import random
import statistics
import subprocess
import sys
import time
from collections import Counter

import transaction
from AccessControl.users import SimpleUser
from OFS.SimpleItem import SimpleItem
from OFS.userfolder import BasicUserFolder
from zExceptions import NotFound

from Products.PageCacheManager.tests import layers
from Products.PageCacheManager.tests.client import Client
from Products.PageCacheManager.tests.site import ETAG
from Products.PageCacheManager.tests.site import Item
from Products.PageCacheManager.tests.site import add_policy
from Products.PageCacheManager.tests.site import add_template

from .tables import sizes


#: The maximum of entries in the store.
THRESHOLD = 1000

SAMPLES = 40

#: With fewer requests the tables are still filling up.
FEWEST = 40_000

PAGE = '''<html><head><title tal:content="context/getId">t</title></head>
<body tal:define="dummy context/mishap"><p tal:content="user/getId">user</p>
<p tal:content="request/QUERY_STRING">query</p></body></html>'''

#: The growth that one request may cause on average in the long run.  If each
#: request left a single entry, that would be at least 1 object and 64 bytes.
MOST_BLOCKS = 0.05
MOST_OBJECTS = 0.01
MOST_BYTES = 16

#: The growth that may happen once, for any number of requests.  Python keeps
#: the last 4096 names that were looked up, and takes memory in arenas of
#: 1 MiB.  The engine keeps its results for some hundred headers.
MOST_BLOCKS_ONCE = 2000
MOST_OBJECTS_ONCE = 100
MOST_BYTES_ONCE = 1 << 20

#: The growth that a table may have from the first half to the second.  Flights
#: remember up to 1000 pages, for seconds: the number is random.
MOST_TABLE_GROWTH = 1.1
MOST_TABLE_ONCE = 1000

#: The number of tables that are printed, the largest first.  Lists of columns
#: by number are left out.
MOST_SHOWN = 12

FIGURES = 'blocks', 'objects', 'rss'

VARIATIONS = {
    'pages': 'every page is stored, and most are asked for once',
    'set-cookie': 'no page may be stored, since each sets a cookie',
    'etags': 'every request gets an ETag that never comes again',
}

#: The number of requests is divided by this: the first variation has all kinds
#: of requests, so the others need fewer.
SHARE = {'pages': 1, 'set-cookie': 4, 'etags': 4}


class AnyUser(BasicUserFolder):
    """User folder with every user; the password is the name."""

    id = 'acl_users'

    def getUser(self, name):
        return SimpleUser(name, name, ('Member',), ())

    def getUserNames(self):
        return []


class Shelf(SimpleItem):
    """Folder that makes an item for each name, and stores none."""

    def __init__(self, id):
        self.id = id

    def __bobo_traverse__(self, request, name):
        if name.startswith('item'):
            return Item(name, 'some text').__of__(self)
        return getattr(self, name)


def mishap(self):
    """Change the response as the request asks."""
    response = self.REQUEST.RESPONSE
    kind = self.REQUEST.get_header('X-Mishap')
    if kind == 'cookie':
        response.setCookie('seen', 'yes')
    elif kind == 'vary':
        response.setHeader('Vary', 'X-Other')


def build(site, variation):
    Item.mishap = mishap
    Item.mishap__roles__ = None
    site._delObject('acl_users')
    site._setObject('acl_users', AnyUser())
    site._setObject('shelf', Shelf('shelf'))
    add_template(site.portal_skins.custom, 'trial', PAGE)
    site.portal_types.Item.setMethodAliases({'(Default)': 'trial'})
    policies = site.caching_policy_manager
    policies.removePolicy('all')
    add_policy(
        policies, vary='X-Tenant',
        etag='request/HTTP_X_TAG' if variation == 'etags' else ETAG)
    site.page_cache.manage_editProps('', {
        'threshold': THRESHOLD, 'key_cookies': ('theme',),
        'key_headers': ('X-Extra',)})
    transaction.commit()


class Visitors:
    """Sends requests that differ from each other, and some that repeat."""

    def __init__(self, variation, seed):
        self._random = random.Random(seed)
        self._numbers = itertools.count(1)
        self._client = Client()
        self._common = {}
        self.outcomes = Counter()
        if variation == 'set-cookie':
            self._common['X_Mishap'] = 'cookie'
        self._has_new_tags = variation == 'etags'
        self._kinds = [
            getattr(self, name) for name in dir(self)
            if name.startswith('visit_')]

    def visit(self):
        """Send one request; raise an error if it fails."""
        number = next(self._numbers)
        path, user, headers = self._random.choice(self._kinds)(number)
        headers = {**self._common, **headers}
        if self._has_new_tags:
            headers['X_Tag'] = f'tag-{number}'
        method = headers.pop('method', 'GET')
        # the client sets a host of its own, which these headers may replace
        try:
            answer = self._client.request(method, path, user, **headers)
        except NotFound:  # CMF hides content that is only acquired
            self.outcomes['404'] += 1
            return
        if answer.status not in (200, 304):
            raise AssertionError(f'{answer.status} for {method} {path}')
        self.outcomes[answer.outcome or f'{answer.status}'] += 1

    def visit_query(self, number):
        return f'/site/doc/trial?q={number}', None, {}

    def visit_host(self, number):
        return '/site/doc/trial', None, {'Host': f'host{number}.test'}

    def visit_context(self, number):
        return f'/site/shelf/item{number}/trial', None, {}

    def visit_acquired_path(self, number):
        names = self._random.choices(['doc', 'folder', 'site'], k=12)
        return f'/site/{"/".join(names)}/doc/trial', None, {}

    def visit_key_cookie(self, number):
        return '/site/doc/trial', None, {'Cookie': f'theme={number}'}

    def visit_session(self, number):
        return '/site/doc/trial', None, {'Cookie': f'_ZopeId={number}'}

    def visit_other_cookie(self, number):
        return '/site/doc/trial', None, {'Cookie': f'c{number}=x'}

    def visit_user(self, number):
        return '/site/doc/trial', f'user{number}', {}

    def visit_key_header(self, number):
        return '/site/doc/trial', None, {'X_Extra': f'{number}'}

    def visit_policy_vary(self, number):
        return '/site/doc/trial', None, {'X_Tenant': f'{number}'}

    def visit_template_vary(self, number):
        path = f'/site/folder/inner/trial?v={number % 50}'
        mishap = self._common.get('X_Mishap', 'vary')
        return path, None, {'X_Other': f'{number}', 'X_Mishap': mishap}

    def visit_language(self, number):
        return '/site/doc/trial', None, {'Accept_Language': f'x{number}'}

    def visit_tags(self, number):
        return '/site/doc/trial', None, {
            'If_None_Match': f'"{number}", W/"b{number}"'}

    def visit_head(self, number):
        return f'/site/doc/trial?h={number}', None, {'method': 'HEAD'}

    def visit_called(self, number):
        return f'/site/shelf/item{number}?called', None, {}

    def visit_popular(self, number):
        return f'/site/doc/trial?p={number % 20}', 'alice', {}


def run(variation, requests, seed, is_off, is_watched):
    """Send the requests; return samples, and the largest sizes of tables.

    A sample is a dict of figures.  The sizes are two dicts by name, for the
    first and the second half.
    """
    layers.set_up(layers.FUNCTIONAL)
    layers.FUNCTIONAL.testSetUp()
    site = layers.FUNCTIONAL['app'].site
    build(site, variation)
    if is_off:
        site.page_cache.disable()
        transaction.commit()
    visitors = Visitors(variation, seed)
    started = time.monotonic()
    samples = [figures(0)]
    tables = [{}, {}]
    for step in range(SAMPLES):
        begin, end = (
            requests * n // SAMPLES for n in (step, step + 1))
        for _ in range(begin, end):
            visitors.visit()
        samples.append(figures(end))
        note_largest(tables[2 * step // SAMPLES])
        if is_watched:
            print(end, *(samples[-1][name] for name in FIGURES), flush=True)
    print(f'{variation}: {VARIATIONS[variation]}')
    print(f'  {requests} requests in {time.monotonic() - started:.0f} s:',
          ', '.join(f'{word} {n}' for word, n in sorted(
              visitors.outcomes.items())))
    return samples, tables


def figures(requests):
    gc.collect()
    return {
        'requests': requests,
        'blocks': sys.getallocatedblocks(),
        'objects': len(gc.get_objects()),
        'rss': rss(),
    }


def note_largest(tables):
    """Update `tables` with the largest size of each table so far.

    Only these are kept: some hundred numbers a sample would count as growth.
    """
    for name, size in sizes().items():
        tables[name] = max(size, tables.get(name, 0))


def rss():
    """Return the resident memory of the process in bytes."""
    with open('/proc/self/statm', encoding='ascii') as file:
        return int(file.read().split()[1]) * os.sysconf('SC_PAGESIZE')


def slope(samples, name):
    """Return the growth per request: the median of all pairs' slopes.

    A single sample that is far off does not move it (Theil and Sen).
    """
    return statistics.median(
        (b[name] - a[name]) / (b['requests'] - a['requests'])
        for a, b in itertools.combinations(samples, 2))


def judge(samples, tables):
    """Print a table; return a sentence for each figure that grew."""
    half = len(samples) // 2
    second = samples[half:]
    span = second[-1]['requests'] - second[0]['requests']
    faults = []
    print(f'  {"":12}{"start":>12}{"warm":>12}{"end":>12}'
          f'{"per request":>14}{"allowed":>10}')
    for name, most in (
            ('blocks', MOST_BLOCKS + MOST_BLOCKS_ONCE / span),
            ('objects', MOST_OBJECTS + MOST_OBJECTS_ONCE / span),
            ('rss', MOST_BYTES + MOST_BYTES_ONCE / span)):
        growth = slope(second, name)
        values = samples[0][name], second[0][name], second[-1][name]
        print(f'  {name:12}' + ''.join(f'{v:12}' for v in values)
              + f'{growth:14.4f}{most:10.2f}')
        if growth > most:
            faults.append(
                f'{name} grow by {growth:.3f} per request, {most:.3f} is '
                f'allowed')
    faults.extend(judge_tables(*tables))
    return faults


def judge_tables(first, second):
    largest = sorted(
        (name for name in second if '.columns' not in name),
        key=second.__getitem__, reverse=True)
    for name in largest[:MOST_SHOWN]:
        print(f'  {name:60}{first.get(name, 0):9}{second[name]:9}')
    for name, after in sorted(second.items()):
        before = first.get(name, 0)
        if after > before * MOST_TABLE_GROWTH + MOST_TABLE_ONCE:
            yield f'{name} has {after} entries, {before} in the first half'
    print(f'  {len(second)} tables were looked at')


def main():
    parser = argparse.ArgumentParser(
        prog='python -m soak.memory', description=__doc__.splitlines()[0])
    parser.add_argument('--requests', type=int, default=1_000_000)
    parser.add_argument('--seed', type=int, default=random.randrange(10**6))
    parser.add_argument('--variation', choices=VARIATIONS)
    parser.add_argument(
        '--off', action='store_true',
        help='with caching off: does the rest of Zope grow?')
    parser.add_argument(
        '--watch', action='store_true', help='print each sample')
    options = parser.parse_args()
    if options.variation is None:
        if options.requests < FEWEST:
            parser.error(f'{FEWEST} requests at least: the half is warm-up')
        sys.exit(each_alone(options))
    samples, tables = run(
        options.variation, options.requests, options.seed, options.off,
        options.watch)
    faults = judge(samples, tables)
    for fault in faults:
        print(f'GROWS: {fault}')
    sys.exit(bool(faults))


def each_alone(options):
    """Run all variations, each in a process; return whether one failed."""
    print(f'Memory trial, seed {options.seed}', flush=True)
    failed = []
    for variation, part in SHARE.items():
        done = subprocess.run([
            sys.executable, '-m', 'soak.memory', '--variation', variation,
            '--requests', str(options.requests // part),
            '--seed', str(options.seed), *['--off'] * options.off,
            *['--watch'] * options.watch])
        if done.returncode:
            failed.append(variation)
    print(f'Memory grows: {", ".join(failed)}' if failed
          else 'Memory is flat.')
    return bool(failed)


if __name__ == '__main__':
    main()
