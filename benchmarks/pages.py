"""The cost of a page in process: rendered, from each cache, and as a 304.

Whole requests go through the real publisher to a CMF site with a listing of
60 KB.  ``floor`` is a published method of the same content that returns the
same bytes and headers: the cost of Zope itself.  Costs are given as ratios
within a round, in elapsed (wall) time and in processor (CPU) time.
"""
import itertools
from typing import NamedTuple

import cmfsite
import contenders
import rounds

from Products.PageCacheManager.tests.client import Client


#: The end of the name of a figure of processor time.
CPU = ', CPU'


class Part(NamedTuple):
    """A kind of page, and the user who asks for it."""

    name: str
    user: str | None
    #: The path of a template or method of the content.
    path: str
    #: The index of the target in ``Contender.at_most``.
    target: int


PARTS = (
    Part('anonymous', None, '/{site}/doc/{name}', 0),
    Part('member', 'alice', '/{site}/doc/{name}', 1),
    Part('default view', None, '/{site}/view_{name}', 2),
)


class Bench:
    """The site, and requests to it."""

    def __init__(self, memcached, hits):
        self.client = Client()
        #: The repetitions in a round of actions that do not render.
        self.hits = hits
        app = cmfsite.start()
        others, managers = contenders.found(memcached)
        cmfsite.build(app, managers)
        self.contenders = [
            contenders.HIT, contenders.NEW_HIT, contenders.FREE_HIT, *others,
            contenders.UNCACHED]

    def actions(self, kind, part):
        """Return the actions of a part that get full pages, each checked."""
        # in a default view Zope itself adds <base> to the page
        direct = self._get(f'/site/doc/{kind}_cached', part.user)
        hit = self._get(self._path(contenders.HIT, kind, part), part.user)
        cmfsite.add_floor(f'{kind}_floor', hit, direct.body)
        path = part.path.format(site=cmfsite.SITE, name=f'{kind}_floor')
        contenders.check_floor(self._get(path, part.user), hit)
        found = {
            'floor': rounds.timed(cmfsite.asker(path, part.user), self.hits)}
        for contender in self.contenders:
            path = self._path(contender, kind, part)
            contenders.check(
                contender, lambda path=path: self.client.get(path, part.user),
                hit.body)
            ask = cmfsite.asker(path, part.user)
            found[contender.name] = rounds.timed(
                cmfsite.as_many(ask) if contender.is_of_many else ask,
                1 if contender.renders else self.hits)
        return found

    def conditional_actions(self, kind, part):
        """Return the actions of a part that are answered with 304."""
        path = f'/site/doc/{kind}_cached'
        tag = self._get(path, part.user)['ETag']
        asked = {'304': (path, {'If_None_Match': tag})}
        answer = self.client.get(path, part.user, If_None_Match=tag)
        cmfsite.add_floor(f'{kind}_floor_304', answer, b'')
        path = f'/site/doc/{kind}_floor_304'
        contenders.check_floor(self.client.get(path, part.user), answer)
        asked['floor 304'] = path, {}
        path = f'/site/doc/{kind}_uncached'
        tag = self._get(path, part.user).get('ETag')
        if tag:  # CMF gives no tag to templates in the ZODB
            asked["CMF's own 304"] = path, {'If_None_Match': tag}
        for name, (path, headers) in asked.items():
            answer = self.client.get(path, part.user, **headers)
            assert (answer.status, answer.body) == (304, b''), name
        return {
            name: rounds.timed(
                cmfsite.asker(path, part.user, **headers), self.hits)
            for name, (path, headers) in asked.items()}

    def miss_actions(self, kind):
        """Return actions that get new pages, with the cache and without."""
        numbers = itertools.count()

        def fresh(path):
            ask = cmfsite.asker(path)
            return rounds.timed(
                lambda: ask(QUERY_STRING=f'n={next(numbers)}'), 1)

        path = f'/site/doc/{kind}_cached'
        with contenders.counted_renders() as rendered:
            answer = self.client.get(f'{path}?n=none')
        assert answer.outcome == 'MISS' and len(rendered) == 1, answer.lines
        return {
            'MISS': fresh(path),
            'uncached': fresh(f'/site/doc/{kind}_uncached')}

    def _path(self, contender, kind, part):
        return part.path.format(
            site=contender.site, name=f'{kind}_{contender.template}')

    def _get(self, path, user):
        """Return the answer to the second of two requests."""
        self.client.get(path, user)
        return self.client.get(path, user)


def figures(options):
    """Return all figures of this program."""
    found = []
    with contenders.memcached() as port:
        bench = Bench(port, options.hits)
        for kind, part in itertools.product(cmfsite.KINDS, PARTS):
            heading = heading_of(kind, part)
            times = rounds.measure(
                bench.actions(kind, part), options.rounds)
            found += hit_figures(bench, heading, part, times)
            if part.name != 'default view':
                found += conditional_figures(heading, rounds.measure(
                    bench.conditional_actions(kind, part), options.rounds))
        for kind in cmfsite.KINDS:
            found += miss_figures(
                heading_of(kind, PARTS[0]), rounds.measure(
                    bench.miss_actions(kind), options.pairs))
    return found


def heading_of(kind, part):
    where = {'zodb': 'template in the ZODB', 'fs': 'filesystem template'}
    return f'in process, {where[kind]}, {part.name}'


def hit_figures(bench, heading, part, times):
    yield from absolute(heading, 'floor', times)
    for contender in bench.contenders:
        yield from both(
            heading, contender.name, 'x floor', times[contender.name],
            times['floor'], contender.at_most[part.target])


def conditional_figures(heading, times):
    yield from absolute(heading, 'floor 304', times)
    for name in times:
        if name != 'floor 304':
            yield from both(
                heading, name, 'x floor 304', times[name],
                times['floor 304'], 1.10 if name == '304' else None)


def miss_figures(heading, times):
    for figure in both(
            heading, 'MISS', 'x uncached', times['MISS'], times['uncached'],
            1.03):
        width = figure.high - figure.low
        yield figure._replace(note=(
            f'{len(times["MISS"])} pairs, quartiles {width:.3f} apart'))


def absolute(heading, name, times):
    """Yield the times of one request in ms."""
    for kind, values in by_clock(times[name]):
        middle, low, high = rounds.spread([1000 * value for value in values])
        yield rounds.Figure(heading, f'{name}{kind}', middle, 'ms', low, high)


def both(heading, name, unit, these, those, at_most=None, at_least=None):
    """Yield the figures of elapsed and of processor time."""
    for (kind, mine), (_, theirs) in zip(
            by_clock(these), by_clock(those), strict=True):
        yield rounds.ratio_figure(
            heading, f'{name}{kind}', unit, mine, theirs,
            at_most=at_most, at_least=at_least)


def by_clock(times):
    yield '', [each.wall for each in times]
    yield CPU, [each.cpu for each in times]


if __name__ == '__main__':
    rounds.main(
        __doc__, figures, rounds=(25, 101), pairs=(250, 1500), hits=(30, 30))
