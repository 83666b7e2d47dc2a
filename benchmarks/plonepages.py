"""The cost of pages of a Plone site in process, and how long they stay.

Whole requests go through the real publisher to three Plone sites of the same
content: one without a cache, one with plone.app.caching and its RAM cache,
and one with a Page Cache Manager.  Members log in by the form.  ``floor`` is
a published method of the content that returns the bytes and headers of our
hit with the transforms off: the cost of Zope and Plone by themselves.
"""
import itertools
import tempfile
from functools import partial
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import cmfsite
import contenders
import plonekept
import plonesite
import rounds
from pages import absolute
from pages import both
from pages import miss_figures
from plonesite import BARE
from plonesite import OURS
from plonesite import PACS
from ZPublisher.WSGIPublisher import publish_module

from Products.PageCacheManager.fastlane.filter import FastLane
from Products.PageCacheManager.request import stand_in
from Products.PageCacheManager.request import traversal
from Products.PageCacheManager.tests.plone.client import PloneClient


#: The repetitions of an action in a round, if it renders and if not.
RENDERS, HITS = 1, 20

#: The header that plone.app.caching sends with a page from its RAM cache.
RAM_MARK = 'X-RAMCache'

THEIRS = 'plone.app.caching'


class Page(NamedTuple):
    """A page, and the user who asks for it."""

    kind: str
    path: str
    user: str | None

    @property
    def heading(self):
        who = 'anonymous' if self.user is None else 'member'
        return f'Plone, in process, {self.kind}, {who}'


PATHS = {
    'document': '/a-document',
    'listing': '/a-folder',
    'search': '/@@search?SearchableText=library',
}
PAGES = [
    Page(kind, path, user)
    for (kind, path), user in itertools.product(PATHS.items(), (None, 'bob'))]

#: Targets for our hit, by kind and user: times faster than a render.
SPEED_TARGETS = {('document', 'bob'): 20}

#: Target for our hit: times faster than a hit of plone.app.caching.
THEIRS_TARGET = 1.3


class Contender(NamedTuple):
    """A request to one of the sites, and the expected response."""

    site: str
    #: The path of the request; its headers follow.
    path: str
    headers: dict
    is_304: bool = False
    #: The outcome in X-PageCache.
    outcome: str | None = None
    renders: bool = False
    #: Whether the answer comes from the RAM cache of plone.app.caching.
    is_theirs: bool = False
    #: Whether the request goes through the fast lane.
    by_lane: bool = False
    #: Whether each request is of another client.
    is_of_many: bool = False


class Bench:
    """Makes the same requests to all sites, by the same users."""

    def __init__(self):
        self.clients = {
            site: PloneClient(f'/{site}') for site in plonesite.SITES}
        self._lane = FastLane(self._zope)
        self._left_to_zope = 0
        self._cookies = {
            (site, 'bob'): client.log_in('bob')
            for site, client in self.clients.items()}

    def _zope(self, environ, start_response):
        self._left_to_zope += 1
        return publish_module(environ, start_response)

    def headers(self, site, user):
        if user is None:
            return {}
        return {'COOKIE': self._cookies[site, user]}

    def get(self, site, page, **headers):
        """Return the answer to the third of three requests."""
        for _ in range(3):
            answer = self.clients[site].get(
                page.path, **self.headers(site, page.user), **headers)
        return answer

    def contenders(self, page):
        """Return the contenders by name, each checked."""
        hit, theirs = self.get(OURS, page), self.get(PACS, page)
        found = {
            'floor': self._floor(page, 'floor', hit),
            'HIT': self._contender(OURS, page, outcome='HIT'),
            'uncached': self._contender(BARE, page, renders=True),
            '304': self._held(OURS, page, hit, outcome='HIT')}
        found['HIT of a new client'] = found['HIT']._replace(is_of_many=True)
        if page.user is None:
            found['fast lane HIT'] = found['HIT']._replace(by_lane=True)
        if theirs.get('ETag'):  # it has a rule for such pages
            is_kept = page.user is None
            found[f'{THEIRS}, {"RAM" if is_kept else "renders"}'] = (
                self._contender(
                    PACS, page, renders=not is_kept, is_theirs=is_kept))
            found[f'{THEIRS}, 304'] = self._held(PACS, page, theirs)
        for name, contender in found.items():
            self._check(name, page, contender, hit)
            if contender.by_lane:
                self._check_lane(contender)
        return found

    def _contender(self, site, page, **expected):
        return Contender(
            site, page.path, self.headers(site, page.user), **expected)

    def _held(self, site, page, answer, **expected):
        return Contender(
            site, page.path, {
                **self.headers(site, page.user),
                'If_None_Match': answer['ETag']}, is_304=True, **expected)

    def _floor(self, page, name, hit):
        name = f'{name}_{page.kind}_{page.user}'
        plonesite.add_floor(name, hit)
        content = '' if page.kind == 'search' else page.path
        floor = self._contender(
            OURS, page._replace(path=f'{content}/{name}'), outcome='HIT')
        contenders.check_floor(
            self.clients[OURS].get(floor.path, **floor.headers), hit)
        return floor

    def _check(self, name, page, contender, hit):
        """Check that a contender works as its name says."""
        client = self.clients[contender.site]
        client.get(contender.path, **contender.headers)
        with plonesite.counted_renders() as rendered:
            answer = client.get(contender.path, **contender.headers)
        assert bool(rendered.call_count) == contender.renders, name
        assert answer.outcome == contender.outcome, (name, answer.lines)
        assert bool(answer.get(RAM_MARK)) == contender.is_theirs, name
        if contender.is_304:
            assert (answer.status, answer.body) == (304, b''), name
            return
        assert answer.status == 200, (name, answer.status)
        assert plonesite.THEMED in answer.body, name
        assert not (found := plonesite.difference(answer.body, hit.body)), (
            name, page.heading, found)

    def _check_lane(self, contender):
        """Check that the lane leaves nothing to Zope."""
        ask = self._asker(contender)
        for _ in range(3):
            ask()
        before = self._left_to_zope
        ask()
        assert self._left_to_zope == before

    def _asker(self, contender):
        ask = cmfsite.asker(
            f'/{contender.site}{contender.path}',
            app=self._lane if contender.by_lane else publish_module,
            ACCEPT='text/html', **contender.headers)
        return cmfsite.as_many(ask) if contender.is_of_many else ask

    def actions(self, page):
        """Return the actions to time, by name."""
        return {
            name: rounds.timed(
                self._asker(each), RENDERS if each.renders else HITS)
            for name, each in self.contenders(page).items()}

    def miss_actions(self, page):
        """Return actions that get new pages: kept, not kept, and without us.

        The last is Zope without the product.  All are of the same site:
        others take longer, or less, to render.
        """
        numbers = itertools.count()
        ask = self._asker(self._contender(OURS, page))

        def fresh():
            ask(QUERY_STRING=f'n={next(numbers)}')

        def left_alone():
            with mock.patch.object(stand_in, 'stand_in_for', _none):
                fresh()

        def bare():
            with mock.patch.object(traversal, 'traverse', _plain):
                fresh()

        get = partial(self.clients[OURS].get, f'{page.path}?n=none')
        headers = self.headers(OURS, page.user)
        with mock.patch.object(stand_in, 'stand_in_for', _none):
            assert get(**headers).outcome is None
        assert get(**headers).outcome == 'MISS'
        return {
            'MISS': rounds.timed(fresh, RENDERS),
            'uncached': rounds.timed(left_alone, RENDERS),
            'without the product': rounds.timed(bare, RENDERS)}


def _none(published, request):
    """Leave each page to Zope."""


def _plain(request, touches, *args, **keywords):
    """Traverse as Zope does."""
    del request.__dict__['traverse']
    return request.traverse(*args, **keywords)


def figures(options):
    """Return all figures of this program."""
    with tempfile.TemporaryDirectory() as home:
        plonesite.start(Path(home))
        bench = Bench()
        found = []
        for page in PAGES:
            found += time_figures(page, rounds.measure(
                bench.actions(page), options.rounds))
        for page in PAGES[:2]:
            times = rounds.measure(bench.miss_actions(page), options.pairs)
            found += miss_figures(page.heading, times)
            found += both(
                page.heading, 'uncached', 'x without the product',
                times['uncached'], times['without the product'], 1.02)
        return found + [*plonekept.figures(bench)]


def time_figures(page, times):
    """Yield the cost of each contender, and the ratios of ours to others."""
    heading = page.heading
    for name in 'floor', 'uncached':
        yield from absolute(heading, name, times)
    for name in times:
        if name not in ('floor', 'uncached'):
            yield from both(
                heading, name, 'x floor', times[name], times['floor'])
    for name in times:
        if name not in ('floor', 'uncached', f'{THEIRS}, renders'):
            yield from both(
                heading, f'{name}: faster than uncached', 'x',
                times['uncached'], times[name], at_least=(
                    SPEED_TARGETS.get((page.kind, page.user))
                    if name == 'HIT' else None))
    for ours, theirs, target in (
            ('HIT', f'{THEIRS}, RAM', THEIRS_TARGET),
            ('HIT of a new client', f'{THEIRS}, RAM', THEIRS_TARGET),
            ('fast lane HIT', f'{THEIRS}, RAM', THEIRS_TARGET),
            ('304', f'{THEIRS}, 304', None)):
        if theirs in times:
            yield from both(
                heading, f'{ours}: faster than {theirs}', 'x',
                times[theirs], times[ours], at_least=target)


if __name__ == '__main__':
    rounds.main(__doc__, figures, rounds=(25, 75), pairs=(100, 500))
