"""How exact freshness is on a Plone site: changes, and pages made new by them.

As in `freshness.py` each page was kept before a change; after it the page is
rendered past the cache, and asked for.  What its read set alone would say is
asked before anything of the change is rendered.
"""
import argparse
import re
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

import ploneasked
import plonechanges
import plonefilled
import ploneroots
import plonesetup
import transaction
from AccessControl.SecurityManagement import newSecurityManager
from AccessControl.users import system
from freshness import TABLE
from freshness import Recorder
from freshness import table
from zope.component.hooks import setSite
from ZPublisher.httpexceptions import HTTPExceptionHandler
from ZPublisher.WSGIPublisher import publish_module

from Products.PageCacheManager.core.reads.made_from import MadeFrom
from Products.PageCacheManager.core.reads.read_set import ReadSet
from Products.PageCacheManager.core.reads.unknown import Unknown
from Products.PageCacheManager.manager import caches
from Products.PageCacheManager.reads import catalog
from Products.PageCacheManager.reads import pages
from Products.PageCacheManager.tests import client as clients
from Products.PageCacheManager.tests.plone.client import PloneClient


#: By this a request passes the cache by.
PAST = 'statusmessages=deleted'

#: A page that is not kept then, is not kept.
MAX_ASKED = 3

#: A change that shows on no more pages is one of few pages.
FEW = 15

COLUMNS = (
    'pages', 'changed', 'new', 'stale', 'reads new', 'reads stale',
    'unknown')

#: Ids and tokens that differ from render to render.
_TOKEN = re.compile('[0-9a-f]{32,}')

_MEMBERS = ('alice', 'bob', 'carol')


class Client(PloneClient):

    def token(self, user):
        page = self.get('/special/linking', user).text
        return re.search('data-token="([0-9a-f]+)"', page).group(1)


class Site:
    """The site, its pages, and who asks for them."""

    def __init__(self, root, asked):
        self.root = root
        clients.publish_module = HTTPExceptionHandler(publish_module)
        self.client = Client(f'/{plonefilled.SITE}')
        self.recorder = Recorder()
        self.cookies = {name: self.client.log_in(name) for name in _MEMBERS}
        self.pages = asked
        #: What each page was, and its read set.
        self.kept = {}

    @property
    def portal(self):
        site = self.root[plonefilled.SITE]
        setSite(site)
        newSecurityManager(None, system)
        return site

    def get(self, page, *more):
        path, user = page
        cookies = [*more, *([self.cookies[user]] if user else [])]
        headers = {'COOKIE': '; '.join(cookies)} if cookies else {}
        return self.client.get(path, **headers)

    def past(self, page):
        """Return what a page is when it is rendered now."""
        return shown(self.get(page, PAST))

    def keep(self):
        """Have all pages kept, each rendered before."""
        caches.forget_all()
        self.kept = {}
        for page in self.pages:
            self.past(page)
            self.ask(page)

    def ask(self, page):
        """Ask for a page; return what was given, and a render of now.

        It is a hit, or else it is kept from now on.
        """
        answer = self.get(page)
        if answer.outcome == 'HIT':
            return answer, self.past(page)
        self.kept.pop(page, None)
        again, made = answer, self.recorder.last
        for _ in range(MAX_ASKED):
            before, again = again, self.get(page)
            if again.outcome == 'HIT':
                self.kept[page] = shown(before), made
                break
            # it was written when it was first looked at
            made = self.recorder.last
        return answer, shown(answer)

    def why_not_kept(self, page):
        return self.get(page).get('Cache-Status')

    def verdicts(self):
        """Return for each page what `reads` say, None if it is current.

        With it are labels of the questions that have other answers now.
        """
        portal, answers = self.portal, {}

        def ask(question):
            if question not in answers:
                answers[question] = catalog.ask(question, portal)
            return answers[question]

        def is_other(one):
            answered = ask(one.question)
            return answered is None or answered.answer != one.answer

        found = {}
        for page, (_, made) in self.kept.items():
            changed, labels = made, []
            if isinstance(made, MadeFrom):
                changed = pages.what_changed(
                    made, self.root._p_jar, lambda: None, ask)
                if changed is not None:
                    labels = [one.question.label for one in made.asked
                              if is_other(one)]
            found[page] = changed, labels
        return found

    def last_tid(self):
        return self.root._p_jar.db().lastTransaction()


def shown(answer):
    return answer.status, _TOKEN.sub('', answer.text)


class Judge:
    """Makes changes, and judges what becomes of each page."""

    def __init__(self, site, roots):
        self.site = site
        self.roots = roots
        self.found = []
        self.whys = Counter()
        self.cold = None

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
        cold = self.cold(verdicts) if self.cold else {}
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
    """Return why it is not known what a page was made from, or None."""
    if not isinstance(found, MadeFrom):
        return getattr(found, 'why', None)
    if not isinstance(found.objects, ReadSet):
        return found.objects.why
    return None


def unknown_now(verdict):
    return verdict.why if isinstance(verdict, Unknown) else None


def difference(one, other):
    """Return the first lines that only one of two pages has."""
    if one[0] != other[0]:
        return [one[0], other[0]]
    first, second = (
        [line.strip() for line in text.splitlines()]
        for _, text in (one, other))
    return [
        [line[:160] for line in lines if line and line not in others][:3]
        for lines, others in ((first, {*second}), (second, {*first}))]


def sums(rows):
    """Yield sums over all changes, and over those that most people make."""
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


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--write', action='store_true',
        help='write docs/_plone_freshness_table.rst')
    parser.add_argument(
        '--roots', action='store_true',
        help='print what made pages new that did not change')
    parser.add_argument(
        '--home', type=Path,
        help='a directory in which the site is made once, and used again')
    parser.add_argument(
        '--changes', default='', help='only those whose name matches')
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
        return run(root, options)


def run(root, options):
    started = time.time()
    until = started + 60 * options.minutes
    site = Site(root, ploneasked.PAGES[:options.pages])
    site.keep()
    judge = Judge(site, ploneroots.Roots(root._p_jar.db()))
    for page in site.pages:
        if page not in site.kept:
            judge.note('at first', f'{page} not kept: '
                       f'{site.why_not_kept(page)}')
    print(f'kept {len(site.kept)} of {len(site.pages)} in '
          f'{time.time() - started:.0f} s', flush=True)
    rows = []
    for name, change in (
            *plonechanges.CHANGES.items(), *plonesetup.CHANGES.items()):
        if not re.search(options.changes, name) or time.time() > until:
            continue
        try:
            rows.append({'change': name, **judge.judge(name, change)})
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
