"""Looks for stale pages of a Plone site with add-ons.

The demo site has content of each add-on.  As in `plonefreshness.py`, each page
is kept before a change, which is made by a screen of the add-on.  After it the
page is asked for, and rendered past the cache.
"""
import logging
import re
import sys
import tempfile
import time
import traceback
from importlib import metadata
from pathlib import Path

import addonfilled
import ploneasked
import plonecold
import ploneroots
import transaction
import Zope2
from addonchanges import CHANGES
from addonfilled import ADDONS
from addonfilled import SITE
from freshness import TABLE
from freshness import Recorder
from plonefreshness import Judge
from plonefreshness import options_of_all
from Testing.makerequest import makerequest
from zope.component.hooks import setSite
from Zope2.Startup.run import make_wsgi_app
from ZPublisher.httpexceptions import HTTPExceptionHandler
from ZPublisher.WSGIPublisher import publish_module

from Products.PageCacheManager.demo.instance import make
from Products.PageCacheManager.tests import client as clients
from Products.PageCacheManager.tests.plone.client import PloneClient


#: The users who ask for each page.
USERS = (None, 'alice')

COLUMNS = ('changes', 'pages', 'changed', 'new', 'stale', 'reads stale')


class Site(ploneasked.Site):
    """The demo site with content of add-ons, and its users."""

    def __init__(self, root, asked):
        self.root = root
        clients.publish_module = HTTPExceptionHandler(publish_module)
        self.client = PloneClient(f'/{SITE}')
        self.recorder = Recorder()
        self.cookies = {
            user: self.client.log_in(user)
            for user in sorted({user for _, user in asked} - {None})}
        self.pages = asked
        #: Each page before the change, and its read set.
        self.kept = {}


def start(home):
    """Start Zope in the directory `home`; return the application root."""
    make(home, 'admin', 'admin', is_plone=True)
    # this program adds its own site
    (home / 'etc' / 'package-includes' / 'demo-configure.zcml').unlink()
    make_wsgi_app({}, str(home / 'etc' / 'zope.conf'))
    # add-ons log tracebacks for optional parts that are missing
    logging.getLogger().setLevel(logging.CRITICAL)
    return makerequest(Zope2.app())


def version(name):
    """Return the version of an add-on, None if it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def why_missing(directory, name):
    """Return pip's error for an add-on that is not installed."""
    log = directory / f'{name}.log'
    lines = log.read_text().splitlines() if log.exists() else []
    errors = [line for line in lines if line.startswith('ERROR')]
    return f'not installed: {errors[-1] if errors else "see its log"}'


class Trial:
    """Makes the changes of each add-on, and counts pages."""

    def __init__(self, site, cold=None):
        self.site = site
        self.judge = Judge(
            site, ploneroots.Roots(site.root._p_jar.db()), cold)
        self.site.keep()
        for page in site.pages:
            if page not in site.kept:
                self.judge.note(
                    'at first',
                    f'{page} not kept: {site.why_not_kept(page)}')
        site.pages = [*site.kept]

    def row(self, name, chosen):
        """Return a row of the table: the sums of an add-on's changes."""
        row = dict.fromkeys(COLUMNS, 0)
        for label, change in CHANGES[name].items():
            if not re.search(chosen, f'{name}: {label}'):
                continue
            found = self._judged(f'{name}: {label}', change)
            if found:
                row['changes'] += 1
                for column in COLUMNS[1:]:
                    row[column] += found[column]
        return row

    def _judged(self, label, change):
        try:
            found = self.judge.judge(label, change)
        except Exception:
            traceback.print_exc(limit=-4)
            transaction.abort()
            setSite(None)
            self.judge.note(label, 'FAILED')
            self.site.keep()
            return None
        print(f'{time.process_time():.0f} s', label,
              *(f'{column} {found[column]}' for column in COLUMNS[1:]),
              sep=' | ', flush=True)
        if not found['changed']:
            self.judge.note(label, 'shows on no page')
        return found


def table(rows):
    """Yield the lines of the table."""
    yield '.. list-table::'
    yield '   :header-rows: 1'
    yield ''
    for row in ('add-on', *COLUMNS, 'notes'), *rows:
        for index, value in enumerate(row):
            mark = '   * -' if index == 0 else '     -'
            yield f'{mark} {value}'.rstrip()


def arguments():
    parser = options_of_all(__doc__, '_plone_addons_table.rst')
    parser.add_argument(
        '--addons', default='', help='only those whose name matches')
    parser.add_argument(
        '--logs', type=Path, default=Path(sys.prefix),
        help='where NAME.log has what pip said of an add-on')
    return parser.parse_args()


def main():
    options = arguments()
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory) / 'home'
        root = start(home)
        # before anything is rendered
        cold = plonecold.Cold(home, rendered) if options.cold else None
        try:
            return run(root, options, cold)
        finally:
            if cold is not None:
                cold.close()


def rendered(page, cookies):
    """Return the render of a page, in a process that loaded no site yet."""
    clients.publish_module = HTTPExceptionHandler(publish_module)
    client = PloneClient(f'/{SITE}')
    return ploneasked.shown(
        ploneasked.answer_to(client, page, cookies, ploneasked.PAST))


def run(root, options, cold):
    chosen = [
        addon for addon in ADDONS if re.search(options.addons, addon.name)]
    notes, pages = {}, []
    for addon in chosen:
        if version(addon.name) is None:
            notes[addon.name] = why_missing(options.logs, addon.name)
    filled = addonfilled.Filled(root)
    for addon in chosen:
        if addon.name in notes:
            continue
        try:
            filled.add(addon)
            pages += [(path, user) for path in addon.pages for user in USERS]
            pages += addon.of_members
        except Exception as error:
            traceback.print_exc(limit=-4)
            transaction.abort()
            notes[addon.name] = (
                f'not filled: {type(error).__name__}: {error}')
    filled.close()
    trial = Trial(Site(root, pages), cold)
    print(f'kept {len(trial.site.kept)} of {len(trial.site.pages)}',
          flush=True)
    rows = []
    for addon in chosen:
        label = f'{addon.name} {version(addon.name) or ""}'.strip()
        if addon.name in notes:
            rows.append((label, *('' for _ in COLUMNS), notes[addon.name]))
            continue
        row = trial.row(addon.name, options.changes)
        rows.append((label, *row.values(), ''))
    lines = '\n'.join(table(rows)) + '\n'
    if options.write:
        (TABLE / '_plone_addons_table.rst').write_text(lines)
    print(lines)
    if options.roots:
        print(*trial.judge.roots.lines(), sep='\n')
    print(*trial.judge.found, sep='\n')
    return 1 if any(row[COLUMNS.index('stale') + 1] for row in rows) else 0


if __name__ == '__main__':
    sys.exit(main())
