"""The demo site as a process of its own, under waitress."""
import itertools
import os
import re
import sys
import time
from pathlib import Path
from typing import NamedTuple

import Products.PageCacheManager.demo
from Products.PageCacheManager.demo import instance
from Products.PageCacheManager.demo.pages import PAGES
from Products.PageCacheManager.demo.site import ETAG
from Products.PageCacheManager.demo.site import POLICIES

from . import programs
from . import wire


ROOT = Path(__file__).parent.parent
SKIN = Path(Products.PageCacheManager.demo.__file__).parent / 'skins' / 'demo'

#: A page of a template in the database, and one of the filesystem.
ZODB_PAGE = '/demo'
FILE_PAGE = '/demo/news/harbour-maps'

#: A template in the database that shows a header of the request.
SHOWN = 'shown_header'
SHOWN_SOURCE = '''<html><body tal:define="
  zipped python: request.RESPONSE.enableHTTPCompression(request)"><p
  tal:content="python: 'X-Site is %s' % request.get_header('X-Site')"></p>
</body></html>'''

LINE = re.compile(
    r'\S+ - (?P<user>\S+) \[.*?\] "(?P<method>\S+) (?P<path>\S+) \S+" '
    r'(?P<status>\d+)')


class Seen(NamedTuple):
    """A request in the access log of the site."""

    user: str
    method: str
    path: str
    status: int


class DemoSite:
    """A running instance with the demo site in it."""

    def __init__(self, home):
        self._home = home
        instance.make(home, 'admin', 'admin')
        environment = {**os.environ, 'PYTHONPATH': os.pathsep.join(
            [str(ROOT), os.environ.get('PYTHONPATH', '')])}
        self._program, self.port = programs.serve(
            lambda port: [
                sys.executable, '-m',
                'Products.PageCacheManager.demo.instance', home,
                '--port', port],
            home / 'output', env=environment)
        self._numbers = itertools.count()
        self._documents = [
            path for section, name, *_ in PAGES
            if (path := f'/demo/{section}/{name}') != FILE_PAGE]
        try:
            self._prepare()
        except BaseException:
            self.stop()
            raise

    def stop(self):
        self._program.stop()

    def _prepare(self):
        """Let pages ask Zope to compress them, and add a template."""
        source = (SKIN / 'main_template.zpt').read_text('utf-8')
        place = 'template_id python: template.getId();'
        assert place in source
        self.add_template('main_template', source.replace(
            place, place + 'zipped python: '
            'request.RESPONSE.enableHTTPCompression(request);'))
        self.add_template(SHOWN, SHOWN_SOURCE)
        self.post(f'/demo/portal_skins/custom/{SHOWN}/ZCacheable_setManagerId',
                  {'manager_id': 'page_cache'})
        self.post('/demo/caching_policy_manager/addPolicy', policy_form(
            SHOWN, f"python: view == '{SHOWN}'", ETAG))
        self.move_up(SHOWN)
        self.wait_for_dates()

    def wait_for_dates(self, page=FILE_PAGE):
        """Wait until a page validates by its date.

        In the first second after a change it does not.
        """
        programs.poll(
            lambda: self._dates_validate(page, time.monotonic()),
            10, 'dates do not validate')

    def _dates_validate(self, page, moment):
        path = f'{page.partition("?")[0]}?moment={moment}'
        date = self.get(path)['Last-Modified']
        return self.get(path, If_Modified_Since=date).status == 304

    def new_page(self, template=''):
        """Return path and query of a page that nobody asked for yet.

        It shows a document, by its own view or by `template`.
        """
        number = next(self._numbers)
        document = self._documents[number % len(self._documents)]
        place = f'{document}/{template}' if template else document
        return f'{place}?test={number}'

    def get(self, path, user=None, **headers):
        return self.request('GET', path, user, **headers)

    def head(self, path, user=None, **headers):
        return self.request('HEAD', path, user, **headers)

    def request(self, method, path, user=None, **headers):
        """Send one request; ``If_None_Match=`` is a header."""
        return wire.request(
            self.port, method, path, user, spelled(headers))

    def post(self, path, form, user='admin'):
        answer = wire.request(self.port, 'POST', path, user, form=form)
        assert answer.status in (200, 302, 303), (path, answer)
        return answer

    def edit(self, page):
        """Change the document of a page as an editor does; return its text.
        """
        text = f'edit-{next(self._numbers)}-'
        document, _, _ = page.partition('?')
        self.post(f'{document}/save', {
            'title': text, 'description': text, 'text': text}, 'alice')
        return text

    def add_template(self, name, source):
        self.post(
            '/demo/portal_skins/custom/manage_addProduct/PageTemplates'
            '/manage_addPageTemplate', {'id': name, 'text': source})

    def set_policy(self, name, **changes):
        """Change one of the site's policies; without `changes` restore it."""
        known = {name: predicate for name, predicate, _ in POLICIES}
        known[SHOWN] = f"python: view == '{SHOWN}'"
        self.post(
            '/demo/caching_policy_manager/updatePolicy',
            policy_form(name, known[name], ETAG, **changes))

    def move_up(self, name):
        """Move a policy before the last one, which fits all pages."""
        self.post('/demo/caching_policy_manager/movePolicyUp', {
            'policy_id': name})

    def seen(self):
        """Return all requests so far; each is logged before its answer."""
        text = (self._home / 'var' / 'log' / 'access.log').read_text()
        return [
            Seen(found['user'], found['method'], found['path'],
                 int(found['status']))
            for found in LINE.finditer(text)]


def spelled(headers):
    return {name.replace('_', '-'): value for name, value in headers.items()}


def policy_form(name, predicate, etag, **changes):
    """Return the fields of the form of caching_policy_manager."""
    return {
        'policy_id': name, 'predicate': predicate,
        'mtime_func': 'object/modified', 'max_age_secs': '0', 'no_cache': '0',
        'no_store': '0', 'must_revalidate': '1', 'vary': '',
        'etag_func': etag, 's_max_age_secs': '', 'proxy_revalidate': '0',
        'public': '0', 'private': '1', 'no_transform': '0',
        'enable_304s': '1', 'pre_check': '', 'post_check': '',
        'last_modified': '1' if name == 'documents' else '0', **changes}
