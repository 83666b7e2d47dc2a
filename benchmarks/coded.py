"""The cost of a HIT in a content coding, and the memory of a coded page.

Whole requests go through the real publisher, in process.  ``floor`` is a
published method that returns the same bytes with the headers of the HIT: the
cost of Zope itself.  The listing has words like those of a site; a page that
repeats its words more often would be compressed even better.
"""
import gzip
import itertools
import random

import cmfsite
import transaction
from rounds import Figure
from rounds import main
from rounds import measure
from rounds import ratio_figure
from rounds import spread
from rounds import timed

from Products.PageCacheManager.core.http import codecs
from Products.PageCacheManager.manager import caches
from Products.PageCacheManager.tests.client import Client
from Products.PageCacheManager.tests.site import Item
from Products.PageCacheManager.tests.site import add_template


LISTING = '''<html><head><title tal:content="context/getId">t</title></head>
<body><table><tr tal:repeat="entry context/entries"
  tal:attributes="class python: entry['n'] % 2 and 'odd' or 'even'">
  <td><a tal:attributes="href string:${context/absolute_url}/${entry/id}"
    tal:content="entry/title">title</a></td>
  <td tal:content="entry/description">text</td>
  <td tal:content="entry/size">size</td>
</tr></table></body></html>'''

PATH = '/site/doc/words'
FLOOR = '/site/doc/words_floor'

MAX_COUNTED_BYTES = 16384

SYLLABLES = (
    'an be con de er fi ga hol in ja ka lo men na or per qua re si ton ul '
    've wa xi yo zen').split()

#: Smaller differences do not count: a contender differs as much from itself.
NOISE = 0.03


def words(choose, count):
    """Return `count` words; a few of them come often, as in any language."""
    found = []
    for _ in range(count):
        word = random.Random(int(choose.paretovariate(0.7)) % 3000)
        found.append(''.join(word.choices(SYLLABLES, k=word.randint(1, 4))))
    return ' '.join(found)


def entries():
    """Return the 270 items that the listing shows."""
    choose = random.Random(1)
    return [
        {'n': n, 'id': f'document-{choose.randrange(10 ** 6)}',
         'title': words(choose, 5), 'description': words(choose, 14),
         'size': f'{choose.randrange(900)} KB'}
        for n in range(270)]


def build(site, client):
    found = entries()
    Item.entries = lambda self: found
    Item.entries__roles__ = None
    add_template(site.portal_skins.custom, 'words', LISTING)
    transaction.commit()
    client.get(PATH)
    hit = client.get(PATH)
    assert hit.outcome == 'HIT' and hit.body.endswith(b'</html>')

    def floor(self):
        """Return the page as plain Python code does."""
        for name, value in hit.lines:
            self.REQUEST.RESPONSE.setHeader(name, value)
        return hit.body
    Item.words_floor = floor
    Item.words_floor__roles__ = None
    assert client.get(FLOOR).body == hit.body
    return hit.body


def asking(client, body, user, coding=None):
    """Return a function that gets a HIT; check that it is one."""
    headers = {'Accept_Encoding': coding} if coding else {}

    def get():
        return client.get(PATH, user, **headers)
    for _ in range(3):
        answer = get()
    assert (answer.outcome, answer.get('Content-Encoding')) == ('HIT', coding)
    plain = answer.body
    if coding:
        plain = codecs.CODECS[coding].decode(answer.body)
    assert plain == body
    return get


def unpacked(cache, get, coding, calls):
    """Return a function that times `get` when only `coding` is kept.

    That is so if memory is short.  The other spare copies are put back
    afterwards.
    """
    contents = cache.pages._contents
    run = timed(get, calls)

    def measured():
        gone = []
        for spare in (contents.bodies, contents.codings):
            if spare is contents.codings and coding != 'gzip':
                continue
            while spare.bytes:
                number = spare.oldest()
                gone.append((spare, number, spare.get(
                    contents.hashes[number])))
                spare.discard(number)
        times = run()
        for spare, number, data in gone:
            spare.add(number, data)
        return times
    return measured


def hit_figures(client, cache, body, user, options):
    """Return the figures of hits of one kind of visitor."""
    part = f'compression, HIT, {user or "anonymous"}, processor time'
    calls, rounds = (20, 15) if options.quick else (50, 41)
    identity = asking(client, body, user)
    actions = {
        'floor': timed(lambda: client.get(FLOOR, user), calls),
        'identity': timed(identity, calls),
        'identity again': timed(identity, calls),
        **{coding: timed(asking(client, body, user, coding), calls)
           for coding in sorted(codecs.MADE)},
        **{f'from {coding}': unpacked(cache, identity, coding, calls)
           for coding in sorted(codecs.MADE)}}
    found = {
        name: [times.cpu for times in results]
        for name, results in measure(actions, rounds).items()}
    for coding in sorted(codecs.MADE):
        yield ratio_figure(
            part, f'{coding} HIT', 'x identity', found[coding],
            found['identity'], at_most=1 + NOISE,
            note=f'1, and {NOISE} for the noise')
    yield ratio_figure(
        part, 'identity HIT, against itself', 'x identity',
        found['identity again'], found['identity'])
    yield ratio_figure(
        part, 'identity HIT', 'x floor', found['identity'], found['floor'])
    for coding in sorted(codecs.MADE):
        more = [
            (a - b) / c for a, b, c in zip(
                found[f'from {coding}'], found['identity'], found['floor'],
                strict=True)]
        middle, low, high = spread(more)
        yield Figure(
            part, f'identity HIT, unpacked from {coding}: more', middle,
            'x floor', low, high, at_most=0.2)


def miss_figures(client, cache, options):
    """Yield the cost of making a coding, which no MISS does."""
    part = 'compression, what makes a coding, processor time'
    numbers = itertools.count()

    def misses(coding):
        def get():
            headers = {'Accept_Encoding': coding} if coding else {}
            answer = client.get(f'{PATH}?{next(numbers)}', **headers)
            assert answer.outcome == 'MISS'
            assert not answer.all('Content-Encoding')
        return get

    def first_hit():
        path = f'{PATH}?{next(numbers)}'
        client.get(path)
        timer = timed(lambda: client.get(path, Accept_Encoding='gzip'), 1)
        return timer()
    rounds = 7 if options.quick else 21
    found = {
        name: [times.cpu for times in results]
        for name, results in measure({
            'floor': timed(lambda: client.get(FLOOR), 20),
            'MISS': timed(misses(None), 2),
            'MISS, gzip': timed(misses('gzip'), 2),
            'first': first_hit}, rounds).items()}
    yield ratio_figure(
        part, 'MISS of a gzip client', 'x MISS', found['MISS, gzip'],
        found['MISS'])
    yield ratio_figure(
        part, 'first HIT of a gzip client', 'x floor', found['first'],
        found['floor'])


def memory_figures(client, cache, body):
    """Yield the bytes that a page counts, as it gets its codings."""
    part = f'compression, a page of {len(body)} bytes'
    cache.pages.purge()
    client.get(PATH)
    yield Figure(
        part, 'counted, plain', cache.pages.counts().bytes, 'bytes')
    for coding in sorted(codecs.MADE):
        client.get(PATH, Accept_Encoding=coding)
        counts = cache.pages.counts()
        assert counts.entries == 1
        yield Figure(
            part, f'counted, once asked for in {coding} too',
            counts.bytes - counts.spare, 'bytes', at_most=MAX_COUNTED_BYTES,
            note=f'and {counts.spare} spare')
    size = len(gzip.compress(body, 6))
    yield Figure(part, 'in gzip', size, 'bytes')


def figures(options):
    """Return all figures of this program."""
    site = cmfsite.start().site
    client = Client()
    body = build(site, client)
    cache = caches.cache_of(site.page_cache)
    transaction.abort()
    found = [*memory_figures(client, cache, body)]
    for user in (None, 'alice'):
        found += hit_figures(client, cache, body, user, options)
    return found + [*miss_figures(client, cache, options)]


if __name__ == '__main__':
    main(__doc__, figures)
