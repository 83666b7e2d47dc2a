"""The throughput of hits over HTTP: by second, and by CPU time.

One process serves all contenders with waitress; wrk asks it over loopback.
The contenders take turns in random order within each round.  The figures are
ratios within a round.  Each has a twin by CPU time of all serving processes:
the ratio of the answers that the same CPU time gives.

``floor`` is a published method that returns the same bytes and headers: the
cost of Zope itself.  ``HIT`` goes the whole way through Zope, ``fast lane``
does not.  ``bare WSGI`` is an application that returns the same bytes with
the headers of a HIT: the cost of waitress itself.
"""
import base64
import re
import shutil
import subprocess
import threading
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import NamedTuple

import rounds
import served
import servers


SITE = '/site/doc'

#: The default of waitress.
THREADS = 4


class Contender(NamedTuple):
    """A server, and a request to it."""

    #: The name of the server.
    server: str
    path: str
    user: str = ''
    #: Whether the client holds the page.
    is_held: bool = False
    #: The outcome in X-PageCache.
    outcome: str | None = None
    #: Whether a change that no page shows is committed each second.
    beside_commits: bool = False

    @property
    def floor(self):
        """The name of the floor against which it is measured."""
        if self.is_held:
            return 'floor that answers 304'
        return 'floor, member' if self.user else 'floor'


CONTENDERS = {
    'floor': Contender('zope', f'{SITE}/floor', outcome='HIT'),
    'uncached': Contender('zope', f'{SITE}/zodb_uncached'),
    'RAMCacheManager HIT': Contender('zope', f'{SITE}/zodb_ram'),
    'HIT': Contender('zope', f'{SITE}/zodb_ours', outcome='HIT'),
    'fast lane HIT': Contender('lane', f'{SITE}/zodb_ours', outcome='HIT'),
    'fast lane HIT, beside commits': Contender(
        'lane', f'{SITE}/zodb_ours', outcome='HIT', beside_commits=True),
    'bare WSGI': Contender('bare', '/', outcome='HIT'),
    'Varnish HIT': Contender('varnish', f'{SITE}/zodb_ours', outcome='HIT'),
    'floor that answers 304': Contender(
        'zope', f'{SITE}/floor_304', is_held=True, outcome='HIT'),
    '304': Contender(
        'zope', f'{SITE}/zodb_ours', is_held=True, outcome='HIT'),
    'fast lane 304': Contender(
        'lane', f'{SITE}/zodb_ours', is_held=True, outcome='HIT'),
    'floor, member': Contender(
        'zope', f'{SITE}/floor_of_member', 'alice', outcome='HIT'),
    'RAMCacheManager HIT, member': Contender(
        'zope', f'{SITE}/zodb_ram', 'alice'),
    'HIT, member': Contender(
        'zope', f'{SITE}/zodb_ours', 'alice', outcome='HIT'),
    'Varnish, which passes, member': Contender(
        'varnish', f'{SITE}/zodb_ours', 'alice', outcome='HIT'),
}

#: Commits a change that no page shows.
COMMIT = Contender('zope', f'{SITE}/commit')

#: The end of the name of a figure of CPU time.
CPU = ', CPU'

#: Targets in throughputs of the floor, and of the bare application.
FLOOR_TARGETS = {
    'HIT': {'at_least': 0.95}, 'fast lane HIT': {'at_least': 3}}
BARE_TARGETS = {'fast lane HIT': {'at_least': 0.75}}


class Found(NamedTuple):
    """The result of one run of wrk."""

    requests_a_sec: float
    #: By the CPU time of all processes that took part in the answers.
    requests_a_cpu_sec: float


class Bench:
    """The servers, and requests to them."""

    def __init__(self, ports, pids):
        self._ports = ports
        self._pids = pids
        self.names = [
            name for name, contender in CONTENDERS.items()
            if contender.server in ports]
        self._tag = self.get('HIT').headers['ETag']

    def headers(self, contender):
        """Return the headers of a request."""
        headers = {'Host': served.HOST}
        if contender.user:
            login = f'{contender.user}:{contender.user}'.encode()
            headers['Authorization'] = (
                f'Basic {base64.b64encode(login).decode()}')
        if contender.is_held:
            headers['If-None-Match'] = self._tag
        return headers

    def get(self, name):
        """Return a response, with its body in `content`."""
        contender = {**CONTENDERS, 'commit': COMMIT}[name]
        connection = HTTPConnection(
            '127.0.0.1', self._ports[contender.server],
            timeout=served.PATIENCE_SECS)
        try:
            # the headers that wrk sends: they matter to the lane
            connection.putrequest(
                'GET', contender.path, skip_host=True,
                skip_accept_encoding=True)
            for header in self.headers(contender).items():
                connection.putheader(*header)
            connection.endheaders()
            response = connection.getresponse()
            response.content = response.read()
            return response
        finally:
            connection.close()

    def wrk(self, name, secs):
        """Return a function that lets wrk ask for `secs` seconds."""
        contender = CONTENDERS[name]
        port = self._ports[contender.server]
        url = f'http://127.0.0.1:{port}{contender.path}'

        def run():
            before = served.cpu_secs(self._pids)
            with self.commits(contender.beside_commits):
                count, a_sec = ask_with_wrk(
                    url, self.headers(contender), secs)
            return Found(
                a_sec, count / (served.cpu_secs(self._pids) - before))
        return run

    @contextmanager
    def commits(self, are_wanted):
        """Let the server commit a change each second, if that is wanted."""
        is_over = threading.Event()

        def commit():
            while not is_over.is_set():
                answer = self.get('commit')
                assert answer.status == 200, answer.status
                is_over.wait(1)

        thread = threading.Thread(target=commit)
        if are_wanted:
            thread.start()
        try:
            yield
        finally:
            is_over.set()
            if are_wanted:
                thread.join()


def ask_with_wrk(url, headers, secs):
    """Return the number of answers, and the number a second."""
    command = ['wrk', '-t1', '-c4', f'-d{secs}s', url]
    for name, value in headers.items():
        command += ['-H', f'{name}: {value}']
    told = subprocess.run(
        command, check=True, text=True, capture_output=True,
        timeout=secs + served.PATIENCE_SECS).stdout
    assert 'Non-2xx' not in told and 'Socket errors' not in told, told
    return (
        int(re.search(r'(\d+) requests in', told)[1]),
        float(re.search(r'Requests/sec:\s+([\d.]+)', told)[1]))


def check(bench):
    """Check that each contender works as its name says."""
    seen = {}
    for name in bench.names:
        contender = CONTENDERS[name]
        for _ in range(5):
            answer = bench.get(name)
        headers = answer.headers
        assert answer.status == (304 if contender.is_held else 200), name
        assert headers.get('X-PageCache') == contender.outcome, name
        assert ('detail=fast' in headers.get('Cache-Status', '')) == (
            contender.server == 'lane'), name
        # a hit of Varnish has two ids
        is_hit = len(headers.get('X-Varnish', '').split()) == 2
        assert is_hit == (name == 'Varnish HIT'), name
        assert answer.content == seen.setdefault(
            contender.floor, answer.content), name
        if contender.server != 'varnish' and contender.outcome:
            names = sorted(map(str.lower, headers.keys()))
            names = [n for n in names if n not in ('date', 'via', 'server')]
            assert names == seen.setdefault(
                (contender.floor, 'headers'), names), (name, names)


def figures(options):
    """Return the figures; without wrk print a note and return none."""
    if shutil.which('wrk') is None:
        print('over HTTP: left out, wrk is not installed')
        return []
    with servers.started(THREADS) as (ports, pids):
        bench = Bench(ports, pids)
        check(bench)
        found = rounds.measure(
            {name: bench.wrk(name, options.secs) for name in bench.names},
            options.rounds)
    return [
        *of_floors(found), *of_the_bare(found), *beside_commits(found)]


def of_floors(found):
    """Yield the throughput of each contender, as a multiple of its floor."""
    for name, contender in CONTENDERS.items():
        if name in found:
            yield from compared(
                f'over HTTP, against {contender.floor}', name, 'x floor',
                found[name], found[contender.floor],
                **FLOOR_TARGETS.get(name, {}))


def of_the_bare(found):
    """Yield the throughput of some, as a multiple of the bare application."""
    for name in 'floor', 'HIT', 'fast lane HIT', 'Varnish HIT':
        if name in found:
            yield from compared(
                'over HTTP, against bare WSGI', name, 'x bare',
                found[name], found['bare WSGI'],
                **BARE_TARGETS.get(name, {}))


def beside_commits(found):
    """Return the part of the lane's throughput with a commit a second."""
    name = 'fast lane HIT, beside commits'
    return compared(
        'over HTTP, one commit a second', name, 'x without', found[name],
        found['fast lane HIT'], at_least=0.9)


def compared(part, name, unit, these, those, **target):
    """Yield the figure of the throughput, and its twin for CPU time."""
    for which, suffix in enumerate(('', CPU)):
        ours = [one[which] for one in these]
        theirs = [one[which] for one in those]
        figure = rounds.ratio_figure(
            part, name + suffix, unit, ours, theirs,
            **({} if suffix else target))
        median, _, _ = rounds.spread(ours)
        yield figure._replace(
            note=f'{1e6 / median:.0f} us' if suffix
            else f'{median:.0f} a second')


if __name__ == '__main__':
    rounds.main(__doc__, figures, rounds=(5, 15), secs=(1, 1))
