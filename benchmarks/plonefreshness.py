"""How exact freshness is on a Plone site: changes, and pages made new by them.

As in `freshness.py`, each page is kept before a change; after it the page is
rendered past the cache, and asked for.  The read sets alone are judged before
any page is rendered after the change.
"""
import argparse
import gc
import re
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from itertools import zip_longest
from pathlib import Path

import plonechanges
import plonecold
import plonecost
import plonefilled
import ploneroots
import plonesetup
import transaction
from freshness import TABLE
from freshness import table
from ploneasked import PAGES
from ploneasked import Site
from ploneasked import rendered
from ploneasked import shown
from zope.component.hooks import setSite

from Products.PageCacheManager.core.reads.made_from import MadeFrom
from Products.PageCacheManager.core.reads.read_set import ReadSet
from Products.PageCacheManager.core.reads.unknown import Unknown


#: The most pages that a change of few pages shows on.
FEW = 15

COLUMNS = (
    'pages', 'changed', 'new', 'stale', 'reads new', 'reads stale',
    'unknown')


class Judge:
    """Makes changes, and judges the result for each page."""

    def __init__(self, site, roots, cold=None):
        self.site = site
        self.roots = roots
        #: Renders pages in a new process, None if that is not wanted.
        self.cold = cold
        self.found = []
        self.whys = Counter()

    def judge(self, name, change):
        """Return a row of the table: the change, and counts of pages."""
        site, row = self.site, dict.fromkeys(COLUMNS, 0)
        self.roots.begin()
        before = dict(site.kept)
        change(site.client, site.portal)
        transaction.commit()
        setSite(None)
        self.roots.changed()
        transaction.begin()
        verdicts = site.verdicts()
        cold = self.cold(
            [page for page, (verdict, _) in verdicts.items()
             if verdict is None], site.cookies) if self.cold else {}
        tid = site.last_tid()
        is_stale = False
        for page in site.pages:
            answer, text = site.ask(page)
            if page not in before:
                continue
            was, found = before[page]
            is_hit, (verdict, labels) = (
                answer.outcome == 'HIT', verdicts[page])
            has_changed = text != was
            row['pages'] += 1
            row['changed'] += has_changed
            row['new'] += not is_hit
            row['stale'] += shown(answer) != text
            row['reads new'] += verdict is not None
            row['reads stale'] += has_changed and verdict is None
            unknown = why_unknown(found)
            row['unknown'] += unknown is not None
            if unknown is not None:
                self.whys[unknown.name] += 1
            if verdict is not None and not has_changed and isinstance(
                    found, MadeFrom):
                self.roots.count(
                    name, found, unknown_now(verdict) or unknown,
                    labels)
            if shown(answer) != text or has_changed and verdict is None:
                self.tell(name, page, answer.outcome, verdict, was, text,
                          shown(answer))
            if page in cold and verdict is None and cold[page] != was and (
                    cold[page] != text):
                self.tell(f'{name} (cold)', page, answer.outcome, verdict,
                          was, cold[page], cold[page])
            if shown(answer) != text:
                is_stale = True
        if site.last_tid() != tid:
            self.note(name, 'renders wrote to the database')
        for page in site.pages:
            if page not in site.kept:
                self.note(name, f'{page} not kept: '
                          f'{site.why_not_kept(page)}')
        if is_stale:
            site.keep()
        return row

    def note(self, name, text):
        self.found.append(f'{name}: {text}')
        print('   ', self.found[-1], flush=True)

    def tell(self, name, page, outcome, verdict, was, now, given):
        self.note(name, f'{page} {outcome}, reads {verdict}\n'
                  f'        was/now   {difference(was, now)}\n'
                  f'        given/now {difference(given, now)}')


def why_unknown(found):
    """Return the reason why the sources of a page are unknown, or None."""
    if not isinstance(found, MadeFrom):
        return getattr(found, 'why', None)
    if not isinstance(found.objects, ReadSet):
        return found.objects.why
    return None


def unknown_now(verdict):
    return verdict.why if isinstance(verdict, Unknown) else None


def difference(one, other):
    """Return for each of two pages the first lines that the other lacks."""
    if one[0] != other[0]:
        return [one[0], other[0]]
    first, second = (
        [line.strip() for line in text.splitlines()]
        for _, text in (one, other))
    return [
        [line[:160] for line in lines if line and line not in others][:3]
        for lines, others in ((first, {*second}), (second, {*first}))]


def sums(rows):
    """Yield sums over all changes, everyday changes, and set-up."""
    daily = {**plonechanges.CHANGES}
    for heading, chosen in (
            ('all', rows),
            ('everyday', [row for row in rows if row['change'] in daily]),
            ('set-up', [row for row in rows if row['change'] not in daily]),
            (f'everyday that show on {FEW} pages or fewer', [
                row for row in rows
                if row['change'] in daily and row['changed'] <= FEW])):
        total = {name: sum(row[name] for row in chosen) for name in COLUMNS}
        unchanged = total['pages'] - total['changed']
        if unchanged:
            shares = [
                f'{name} though unchanged '
                f'{100 * (total[name] - total["changed"]) / unchanged:.0f}%'
                for name in ('new', 'reads new')]
            yield f'{heading}: {len(chosen)} changes, {total}, ' + (
                ', '.join(shares))


def mixed():
    """Yield changes of both kinds in turn, with their names."""
    for two in zip_longest(
            plonechanges.CHANGES.items(), plonesetup.CHANGES.items()):
        yield from filter(None, two)


def options_of_all(description, table):
    """Return a parser for the options that all trials of Plone have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        '--write', action='store_true', help=f'write docs/{table}')
    parser.add_argument(
        '--roots', action='store_true',
        help='print what made pages new that did not change')
    parser.add_argument(
        '--cold', action='store_true',
        help='compare pages that read sets keep with renders of a new'
        ' process')
    parser.add_argument(
        '--changes', default='', help='only those whose name matches')
    return parser


def arguments():
    parser = options_of_all(__doc__, '_plone_freshness_table.rst')
    parser.add_argument(
        '--cost', action='store_true',
        help='measure what recording costs, and no more')
    parser.add_argument(
        '--home', type=Path,
        help='a directory in which the site is made once, and used again')
    parser.add_argument(
        '--skip', default='', help='not those whose name matches')
    parser.add_argument(
        '--minutes', type=float, default=600, help='then no more changes')
    parser.add_argument(
        '--pages', type=int, help='only the first pages')
    return parser.parse_args()


def main():
    options = arguments()
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory) / 'home'
        if options.home and options.home.exists():
            shutil.copytree(options.home, home)
            for conf in (home / 'etc').glob('zope.*'):
                conf.unlink()  # these hold the path
        home.mkdir(exist_ok=True)
        root = plonefilled.start(home)
        if options.home and not options.home.exists():
            shutil.copytree(home, options.home)
        cold = plonecold.Cold(home, rendered) if options.cold else None
        try:
            return run(root, options, cold)
        finally:
            if cold is not None:
                cold.close()


def run(root, options, cold):
    started = time.time()
    until = started + 60 * options.minutes
    site = Site(root, PAGES[:options.pages])
    if options.cost:
        print(*plonecost.lines(site), sep='\n')
        return 0
    site.keep()
    # objects that are loaded by now stay
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    judge = Judge(site, ploneroots.Roots(root._p_jar.db()), cold)
    for page in site.pages:
        if page not in site.kept:
            judge.note('at first', f'{page} not kept: '
                       f'{site.why_not_kept(page)}')
    print(f'kept {len(site.kept)} of {len(site.pages)} in '
          f'{time.time() - started:.0f} s', flush=True)
    rows = []
    for name, change in mixed():
        if not re.search(options.changes, name) or time.time() > until or (
                options.skip and re.search(options.skip, name)):
            continue
        try:
            rows.append({'change': name, **judge.judge(name, change)})
        except KeyboardInterrupt:
            break
        except Exception:
            traceback.print_exc(limit=-3)
            transaction.abort()
            judge.note(name, 'FAILED')
            site.keep()
            continue
        print(f'{time.time() - started:.0f} s', *rows[-1].values(),
              sep=' | ', flush=True)
    lines = '\n'.join(table(rows)) + '\n'
    if options.write:
        (TABLE / '_plone_freshness_table.rst').write_text(lines)
    print(lines)
    print(*sums(rows), sep='\n')
    print('unknown:', dict(judge.whys))
    if options.roots:
        print('Roots of false alarms: pages, alone, what')
        print(*judge.roots.lines(), sep='\n')
    return 1 if any(row['reads stale'] for row in rows) else 0


if __name__ == '__main__':
    sys.exit(main())
