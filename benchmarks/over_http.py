"""What a hit gives over HTTP: answers a second, and for the same CPU time.

One process serves all contenders with waitress, wrk asks it over loopback.
They take turns in random order within each round; what counts are the ratios
within a round.  CPU time is that of all processes that serve, so its twin of
a figure says how many times as many answers the same CPU time gives.

``floor`` is a published method that returns the same bytes and headers: what
Zope itself costs.  ``HIT`` goes the whole way through Zope, ``fast lane``
does not.  ``bare WSGI`` is an application that returns the same bytes with
the headers of a HIT: what waitress itself costs.
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

#: As many as waitress has by itself.
THREADS = 4


class Contender(NamedTuple):
    """What is asked for, and where."""

    #: Which of the servers.
    server: str
    path: str
    user: str = ''
    #: Whether the client holds the page.
    is_held: bool = False
    #: What X-PageCache says.
    outcome: str | None = None
    #: Whether something that no page shows is committed each second.
    beside_commits: bool = False

    @property
    def floor(self):
        """The floor that it is measured against."""
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

#: Commits something.
COMMIT = Contender('zope', f'{SITE}/commit')

#: What the name of a figure of CPU time ends with.
CPU = ', CPU'

#: Of the throughput of the floor, and of the bare application.
FLOOR_TARGETS = {
    'HIT': {'at_least': 0.95}, 'fast lane HIT': {'at_least': 3}}
BARE_TARGETS = {'fast lane HIT': {'at_least': 0.75}}


class Found(NamedTuple):
    """What one run of wrk found."""

    requests_a_sec: float
    #: Of all processes that took part in the answers.
    requests_a_cpu_sec: float


class Bench:
    """The servers, and what is asked of them."""

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
            # as wrk asks: the lane goes by such headers
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
        """Let the server commit something each second, if that is wanted."""
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
    """Return how many answers there were, and how many a second."""
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
    """See that each contender does what it is named for."""
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
    """Return the figures; what is left out is printed."""
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
    """Return what each contender gives, as a multiple of its floor."""
    for name, contender in CONTENDERS.items():
        if name in found:
            yield from compared(
                f'over HTTP, against {contender.floor}', name, 'x floor',
                found[name], found[contender.floor],
                **FLOOR_TARGETS.get(name, {}))


def of_the_bare(found):
    """Return what some give, as a multiple of the bare application."""
    for name in 'floor', 'HIT', 'fast lane HIT', 'Varnish HIT':
        if name in found:
            yield from compared(
                'over HTTP, against bare WSGI', name, 'x bare',
                found[name], found['bare WSGI'],
                **BARE_TARGETS.get(name, {}))


def beside_commits(found):
    """Return what a commit a second leaves of the lane's throughput."""
    name = 'fast lane HIT, beside commits'
    return compared(
        'over HTTP, one commit a second', name, 'x without', found[name],
        found['fast lane HIT'], at_least=0.9)


def compared(part, name, unit, these, those, **target):
    """Yield the figure of the throughput, and its twin of the CPU time."""
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
