"""The cost or the saving of each choice in the design of a hit.

A hit is timed with one choice made in another way.  The figure is the extra
cost of that hit, in floors.  A negative figure is the price of a feature that
the cache has and others leave out.
"""
from contextlib import contextmanager
from functools import partial

import cmfsite
import rounds
import transaction

from Products.PageCacheManager.cmf import policy
from Products.PageCacheManager.core.http import content_coding
from Products.PageCacheManager.key import key
from Products.PageCacheManager.key import visitor
from Products.PageCacheManager.publisher import sending
from Products.PageCacheManager.request.exchange import Exchange
from Products.PageCacheManager.request.hit import Hit
from Products.PageCacheManager.tests.client import Client
from Products.PageCacheManager.tests.site import Item


PART = 'what a choice makes of a hit'
PATH = '/site/doc/zodb_cached'
HITS = 30


@contextmanager
def replaced(place, name, value):
    """Replace the value of an attribute for a while."""
    before = getattr(place, name)
    setattr(place, name, value)
    try:
        yield
    finally:
        setattr(place, name, before)


def date_on_each_hit():
    def ask(exchange):
        as_it_is(exchange)
        exchange.policy.date()

    as_it_is = key.ask_policy
    return replaced(key, 'ask_policy', ask)


def policy_asked_twice():
    def ask(*args):
        as_it_is(*args)
        return as_it_is(*args)

    as_it_is = policy.ask
    return replaced(policy, 'ask', ask)


def zipped_at_request():
    def send(hit, exchange):
        content_coding.gzip(hit.page.body)
        return as_it_is(hit, exchange)

    as_it_is = Hit._send
    return replaced(Hit, '_send', send)


def headers_one_by_one():
    def put_headers(response, values):
        for name, value in values.items():
            if value is not None:
                response.setHeader(name, value)

    return replaced(sending, 'put_headers', put_headers)


@contextmanager
def access_not_asked():
    with replaced(visitor, 'rights', lambda context: (True, True)):
        yield


def nothing_said():
    return replaced(Exchange, '_say', lambda exchange: None)


CHOICES = {
    'date asked for on each hit': date_on_each_hit,
    'policy asked twice': policy_asked_twice,
    'compressed at request time': zipped_at_request,
    'headers by setHeader()': headers_one_by_one,
    'access to the content not in the key': access_not_asked,
    'no X-PageCache, no Cache-Status': nothing_said,
}


def passed_on(self):
    """Return the page, as a script that calls the template does."""
    return self.zodb_cached()


def figures(options):
    """Return the cost that each choice adds to a hit, in floors."""
    client = Client()
    app = cmfsite.start()
    cmfsite.build(app)
    # an answer of a moment ago would hide the effect of a choice
    app.site.page_cache.manage_editProps('', {'late_ms': 0})
    transaction.commit()
    Item.passed_on, Item.passed_on__roles__ = passed_on, None
    client.get(PATH)
    page = client.get(PATH)
    assert page.outcome == 'HIT'
    cmfsite.add_floor('floor', page, page.body)
    times = rounds.measure(actions(), options.rounds)
    walls = {
        name: [time.cpu for time in found] for name, found in times.items()}
    found = [rounds.ratio_figure(
        PART, 'hit as it is', 'x floor', walls['hit'], walls['floor'])]
    for name in *CHOICES, 'page passed on by a script':
        more = [
            (other - hit) / floor for other, hit, floor in zip(
                walls[name], walls['hit'], walls['floor'], strict=True)]
        middle, low, high = rounds.spread(more)
        found.append(rounds.Figure(PART, name, middle, '+ floor', low, high))
    return found


def actions():
    hit = cmfsite.asker(PATH)
    found = {
        'hit': rounds.timed(hit, HITS),
        'floor': rounds.timed(cmfsite.asker('/site/doc/floor'), HITS),
        'page passed on by a script': rounds.timed(
            cmfsite.asker('/site/doc/passed_on'), HITS)}
    for name, choice in CHOICES.items():
        found[name] = partial(otherwise, choice, rounds.timed(hit, HITS))
    return found


def otherwise(choice, run):
    with choice():
        return run()


if __name__ == '__main__':
    rounds.main(__doc__, figures, rounds=(15, 61))
