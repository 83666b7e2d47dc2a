"""How exact freshness is: changes of a site, and the pages that they renew.

A plain folder and the demo site are changed, change by change.  Each page is
kept before a change.  After it the page is asked for once, and rendered once
more past the cache.  This shows the pages that really changed, those that were
made new, and those that are stale.  The read sets alone are judged as well.
"""
import argparse
import re
import sys
from pathlib import Path

import plainfolder
import transaction
from AccessControl.SecurityManagement import newSecurityManager
from AccessControl.users import system
from cmfsite import start
from Products.CMFCore.Skinnable import SKINDATA
from Testing.makerequest import makerequest
from zope.component.hooks import setSite
from zope.configuration import xmlconfig
from ZPublisher.httpexceptions import HTTPExceptionHandler
from ZPublisher.WSGIPublisher import publish_module

import Products.PageCacheManager.demo
from Products.PageCacheManager.core.reads.made_from import MadeFrom
from Products.PageCacheManager.core.reads.read_set import ReadSet
from Products.PageCacheManager.demo.pages import PAGES
from Products.PageCacheManager.demo.pages import SECTIONS
from Products.PageCacheManager.demo.site import add_site
from Products.PageCacheManager.manager import caches
from Products.PageCacheManager.reads import freshness
from Products.PageCacheManager.reads import search
from Products.PageCacheManager.reads.recording import Recording
from Products.PageCacheManager.tests import client as clients
from Products.PageCacheManager.tests import layers


TABLE = Path(__file__).resolve().parent.parent / 'docs'

#: Headers with which a request bypasses the cache.
PAST = {'Cookie': 'statusmessages=x'}

#: The time of the render, which each page shows.
_FOOTER = re.compile(r'<footer.*?</footer>', re.DOTALL)


class Recorder:
    """Holds the sources of the last page that was kept."""

    def __init__(self):
        self.last = None
        made_from = Recording.made_from

        def noted(recording, *given):
            self.last = made_from(recording, *given)
            return self.last

        Recording.made_from = noted


class Site:
    """A site, its pages, and the users who ask for them."""

    def __init__(self, app, pages):
        self.app = app
        clients.publish_module = HTTPExceptionHandler(publish_module)
        self.client = clients.Client()
        self.recorder = Recorder()
        #: Pairs of path and user.
        self.pages = pages

    @property
    def demo(self):
        setSite(self.app.demo)
        newSecurityManager(None, system)
        return self.app.demo

    def get(self, page, **headers):
        path, user = page
        SKINDATA.clear()  # the last request left data in the thread
        return self.client.get(path, user, **headers)

    def keep(self, page):
        """Keep a page; return its status and text, and its sources."""
        # objects that only the first render reads do not matter
        self.get(page, **PAST)
        self.recorder.last = None
        self.get(page)
        return shown(self.get(page, **PAST)), self.recorder.last

    def is_current(self, found):
        """Return whether a page is current by its sources, `found`."""
        if not isinstance(found, MadeFrom):
            return False
        place = makerequest(self.app)
        place = getattr(place, 'demo', place)
        return freshness.what_changed(
            found, self.app._p_jar, lambda: None,
            lambda question: search.ask(question, place)) is None

    def after(self, page):
        """Return a new render, the answer, and whether it is a hit."""
        answer = self.get(page)
        return (
            shown(self.get(page, **PAST)), shown(answer),
            answer.outcome == 'HIT')


def shown(answer):
    return answer.status, _FOOTER.sub('', answer.text)


def pages_of_the_demo():
    """Return the pages of the demo site: path and user."""
    paths = ['/demo', *(f'/demo/{name}' for name, _, _ in SECTIONS),
             *(f'/demo/{page[0]}/{page[1]}' for page in PAGES)]
    return [(path, None) for path in paths] + [
        (path, 'alice') for path in (*paths[:7], '/demo/personal_home')]


def changes():
    """Yield names of changes and functions that make them."""
    def edit(path, **values):
        def change(site):
            item = site.demo.unrestrictedTraverse(path)
            item.manage_changeProperties(**values)
        return change

    def custom(name):
        def change(site):
            skins = site.demo.portal_skins
            skins.demo[name].manage_doCustomize('custom', root=skins)
            skins.custom[name].write(
                skins.custom[name].read().replace('<div', '<div lang="en"'))
        return change

    yield 'text of a document', edit('news/harbour-maps', text='New text')
    yield 'title of a document', edit('news/harbour-maps', title='New title')
    yield 'description of a document', edit(
        f'{PAGES[-1][0]}/{PAGES[-1][1]}', description='New description')
    yield 'subject of a document', edit(
        'news/harbour-maps', subject=('charts', 'ships'))
    yield 'title of a section', lambda site: setattr(
        site.demo.people, 'title', 'Staff')
    yield 'title of the site', lambda site: setattr(
        site.demo, 'title', 'Library')
    yield 'document renamed', lambda site: site.demo.news.manage_renameObject(
        'harbour-maps', 'sea-maps')
    yield 'document renamed back', lambda site: (
        site.demo.news.manage_renameObject('sea-maps', 'harbour-maps'))
    yield 'full name of a member', lambda site: (
        site.demo.portal_membership.getMemberById('alice')
        .setMemberProperties({'fullname': 'Alice Ash'}))
    yield 'full name of another member', lambda site: (
        site.demo.portal_membership.getMemberById('bob')
        .setMemberProperties({'fullname': 'Bob Beech'}))
    yield 'password of a member', lambda site: (
        site.demo.acl_users.userFolderEditUser(
            'bob', 'other', ('Member',), ()))
    yield 'roles of a member', lambda site: (
        site.demo.acl_users.userFolderEditUser('alice', None, ('Member',), ()))
    yield 'roles of a member, back', lambda site: (
        site.demo.acl_users.userFolderEditUser(
            'alice', None, ('Member', 'Editor'), ()))
    yield 'document added', lambda site: (
        site.demo.docs.invokeFactory('Demo Document', 'new', title='New'))
    yield 'document deleted', lambda site: (
        site.demo.docs.manage_delObjects(['new']))
    yield 'right to view taken away', lambda site: (
        site.demo.events.manage_permission('View', ('Manager',), 0))
    yield 'right to view given back', lambda site: (
        site.demo.events.manage_permission('View', (), 1))
    yield 'template of documents customized', custom('document_view')
    yield 'main template customized', custom('main_template')
    yield 'tab renamed', lambda site: (
        site.demo.portal_actions.portal_tabs.news.manage_changeProperties(
            title='Latest'))
    yield 'a policy more', lambda site: (
        site.demo.caching_policy_manager.addPolicy(
            'more', 'python: False', '', 0, 0, 0, 0, '', ''))
    yield 'something outside of the site', lambda site: setattr(
        site.app, 'title', 'another')


def judge(site, name, change):
    """Return a row of the table: the change, and counts of pages."""
    caches.forget_all()  # pages that were stale before do not count
    kept = {page: site.keep(page) for page in site.pages}
    change(site)
    transaction.commit()
    row = dict.fromkeys((
        'pages', 'changed', 'new', 'stale', 'reads new', 'reads stale',
        'unknown'), 0)
    for page, (before, found) in kept.items():
        transaction.begin()
        is_current = site.is_current(found)
        now, given, is_hit = site.after(page)
        has_changed = now != before
        row['pages'] += 1
        row['changed'] += has_changed
        row['new'] += not is_hit
        row['stale'] += given != now
        row['reads new'] += not is_current
        row['reads stale'] += has_changed and is_current
        row['unknown'] += not (
            isinstance(found, MadeFrom)
            and isinstance(found.objects, ReadSet))
    return {'change': name, **row}


def table(rows):
    """Yield the lines of a table in reStructuredText."""
    names = [*rows[0]]
    total = {name: sum(row[name] for row in rows) for name in names[1:]}
    rows = [*rows, {'change': '**all**', **total}]
    yield '.. list-table::'
    yield '   :header-rows: 1'
    yield ''
    for row in (dict(zip(names, names, strict=True)), *rows):
        for number, name in enumerate(names):
            yield f'   {"*" if not number else " "} - {row[name]}'


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--write', action='store_true',
        help='write docs/_freshness_table.rst and its twin of a folder')
    options = parser.parse_args()
    app = start()
    xmlconfig.file(
        'configure.zcml', Products.PageCacheManager.demo,
        context=layers.PRODUCT['configurationContext'])
    pages_of_folder = plainfolder.build(app)
    transaction.commit()
    is_stale = tried(
        Site(app, pages_of_folder), plainfolder.changes(),
        options.write and '_folder_freshness_table.rst')
    add_site(app)
    transaction.commit()
    is_stale |= tried(
        Site(app, pages_of_the_demo()), changes(),
        options.write and '_freshness_table.rst')
    return int(is_stale)


def tried(site, changes, file):
    """Make changes, print the table; return whether any page was stale."""
    rows = []
    for name, change in changes:
        rows.append(judge(site, name, change))
        print(*rows[-1].items(), flush=True)
    lines = '\n'.join(table(rows)) + '\n'
    if file:
        (TABLE / file).write_text(lines)
    print(lines)
    return any(row['stale'] or row['reads stale'] for row in rows)


if __name__ == '__main__':
    sys.exit(main())
