"""The throughput of hits in Plone over HTTP: by second, and by CPU time.

One process serves three Plone sites of the same content with waitress; wrk
asks it for a document over loopback.  As in ``over_http.py``, contenders take
turns in random order within each round, and CPU time is that of the server.
"""
import shutil
import tempfile
from http.client import HTTPConnection
from typing import NamedTuple
from urllib.parse import urlencode

import over_http
import ploneserved
import plonesite
import rounds
import served
from over_http import Found
from plonesite import BARE
from plonesite import OURS
from plonesite import PACS


PAGE = 'a-document'


class Contender(NamedTuple):
    """A site, and a request to it."""

    #: The name of the floor against which it is measured.
    floor: str
    site: str
    path: str = PAGE
    user: str = ''
    #: The outcome in X-PageCache.
    outcome: str | None = None
    is_theirs: bool = False
    #: ``lane`` if the fast lane answers, else ``zope``.
    server: str = 'zope'


CONTENDERS = {
    'floor': Contender('floor', OURS, f'{PAGE}/floor', outcome='HIT'),
    'uncached': Contender('floor', BARE),
    'plone.app.caching, RAM': Contender('floor', PACS, is_theirs=True),
    'HIT': Contender('floor', OURS, outcome='HIT'),
    'fast lane HIT': Contender('floor', OURS, outcome='HIT', server='lane'),
    'floor, member': Contender(
        'floor, member', OURS, f'{PAGE}/floor_of_member', 'bob', 'HIT'),
    'uncached, member': Contender('floor, member', BARE, user='bob'),
    'plone.app.caching, renders, member': Contender(
        'floor, member', PACS, user='bob'),
    'HIT, member': Contender(
        'floor, member', OURS, user='bob', outcome='HIT'),
}

#: Our contender, the one by which it is divided, and the least ratio.
COMPARED = (
    ('HIT', 'plone.app.caching, RAM', 1.3),
    ('fast lane HIT', 'plone.app.caching, RAM', 1.3),
    ('HIT', 'uncached', None),
    ('HIT, member', 'uncached, member', 20),
)


class Bench:
    """The server, and requests to it."""

    def __init__(self, server):
        self._ports, self._pids = server.ports, [server.pid]
        self._cookies = {
            site: self._log_in(site, 'bob') for site in plonesite.SITES}

    def _ask(self, method, path, body=None, server='zope', **headers):
        """Return a response, with its body in `content`."""
        connection = HTTPConnection(
            '127.0.0.1', self._ports[server], timeout=served.PATIENCE_SECS)
        headers |= {'Host': served.HOST, 'Accept': 'text/html'}
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            response.content = response.read()
            return response
        finally:
            connection.close()

    def _log_in(self, site, user):
        response = self._ask('POST', f'/{site}/login', urlencode({
            '__ac_name': user, '__ac_password': user, 'form.submitted': '1',
            'buttons.login': 'Log in'}),
            **{'Content-Type': 'application/x-www-form-urlencoded'})
        return '; '.join(
            value.partition(';')[0]
            for value in response.headers.get_all('Set-Cookie')
            if value.startswith('__ac='))

    def _headers(self, contender):
        if not contender.user:
            return {}
        return {'Cookie': self._cookies[contender.site]}

    def check(self):
        """Check that each contender works as its name says."""
        pages = {}
        for name, contender in CONTENDERS.items():
            for _ in range(5):
                answer = self._ask(
                    'GET', f'/{contender.site}/{contender.path}',
                    server=contender.server, **self._headers(contender))
            assert answer.status == 200, (name, answer.status)
            headers = answer.headers
            assert headers.get('X-PageCache') == contender.outcome, name
            assert bool(headers.get('X-RAMCache')) == (
                contender.is_theirs), name
            assert ('detail=fast' in headers.get('Cache-Status', '')) == (
                contender.server == 'lane'), name
            assert plonesite.THEMED in answer.content, name
            page = pages.setdefault(contender.floor, answer.content)
            found = plonesite.difference(answer.content, page)
            assert not found, (name, found)

    def wrk(self, name, secs):
        """Return a function that lets wrk ask for `secs` seconds."""
        contender = CONTENDERS[name]
        url = (f'http://127.0.0.1:{self._ports[contender.server]}'
               f'/{contender.site}/{contender.path}')
        headers = {
            'Host': served.HOST, 'Accept': 'text/html',
            **self._headers(contender)}

        def run():
            before = served.cpu_secs(self._pids)
            count, a_sec = over_http.ask_with_wrk(url, headers, secs)
            return Found(
                a_sec, count / (served.cpu_secs(self._pids) - before))
        return run


def figures(options):
    """Return the figures; without wrk print a note and return none."""
    if shutil.which('wrk') is None:
        print('Plone over HTTP: left out, wrk is not installed')
        return []
    with tempfile.TemporaryDirectory() as home:
        server = served.Server(
            home, over_http.THREADS, program=ploneserved.__file__)
        try:
            bench = Bench(server)
            bench.check()
            actions = {
                name: bench.wrk(name, options.secs) for name in CONTENDERS}
            # one round to warm up: each thread must load its objects
            rounds.measure(actions, 1)
            found = rounds.measure(actions, options.rounds)
        finally:
            server.stop()
    return [*of_floors(found), *of_ours(found)]


def of_floors(found):
    """Yield the throughput of each contender, as a multiple of its floor."""
    for name, contender in CONTENDERS.items():
        yield from over_http.compared(
            f'Plone, over HTTP, against {contender.floor}', name, 'x floor',
            found[name], found[contender.floor])


def of_ours(found):
    """Yield our throughput, as a multiple of that of others."""
    for ours, theirs, target in COMPARED:
        yield from over_http.compared(
            'Plone, over HTTP, answers of ours', f'{ours}: to {theirs}', 'x',
            found[ours], found[theirs], at_least=target)


if __name__ == '__main__':
    rounds.main(__doc__, figures, rounds=(5, 15), secs=(1, 1))
