"""Many clients ask for one cold page at once: the number of renders.

The page waits half a second for a query and has 60 KB.  All clients hold an
open connection and ask at the same moment.  The figures are the number of
renders, and the time of the last answer in render times.  A render time is the
time that a single client waits for the page, without any cache.
"""
import re
import selectors
import socket
import time
from contextlib import closing
from typing import NamedTuple

import rounds
import served
import servers
from rounds import Figure


CLIENTS = 32

#: More than there are clients: no client waits for a thread.
THREADS = 40

PART = f'stampede of {CLIENTS} on a cold page of {served.QUERY_SECS} s'

#: Contender to the name of its server, and the template that is asked for.
CONTENDERS = {
    'ours': ('zope', 'slow_ours'),
    'uncached': ('zope', 'slow_uncached'),
    'RAMCacheManager': ('zope', 'slow_ram'),
    'Varnish': ('varnish', 'slow_uncached'),
}

RENDERS_TARGETS = {'ours': {'at_most': 1}}
LAST_TARGETS = {'ours': {'at_most': 1.1}}


class Found(NamedTuple):
    """The result of one stampede."""

    renders: int
    #: Seconds from the first request to the end of the last answer.
    secs: float


class Bench:
    """The servers, and open connections of all clients to each."""

    def __init__(self, ports):
        self._clients = {
            name: [connect(port) for _ in range(CLIENTS)]
            for name, port in ports.items()}
        self.names = [
            name for name, (server, _) in CONTENDERS.items()
            if server in ports]
        self._number = 0

    def close(self):
        for clients in self._clients.values():
            for client in clients:
                client.close()

    def warm(self):
        """Let each thread of Zope load its objects, with other pages.

        All requests of a stampede wait at the same time, so all connections
        to the database are made here.
        """
        for name in ('uncached', 'uncached', *self.names):
            self.ask(name)

    def ask(self, name, clients=CLIENTS):
        """Let clients ask at once for a new page; return the result."""
        self._number += 1
        server, template = CONTENDERS[name]
        request = (
            f'GET /site/doc/{template}?n={self._number} HTTP/1.1\r\n'
            f'Host: {served.HOST}\r\n\r\n').encode()
        asking = self._clients[server][:clients]
        asked_at = time.time_ns()
        started = time.perf_counter()
        for client in asking:
            client.sendall(request)
        answers, secs = received(asking, started)
        made = set(map(render, answers))
        assert min(made) > asked_at, 'the page was not cold'
        return Found(len(made), secs)


def connect(port):
    return socket.create_connection(
        ('127.0.0.1', port), timeout=served.PATIENCE_SECS)


def received(clients, started):
    """Return all answers, and the seconds until the last was there."""
    answers = {client: bytearray() for client in clients}
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(served.PATIENCE_SECS)
            assert ready, 'an answer does not come'
            for key, _ in ready:
                answer = answers[key.fileobj]
                data = key.fileobj.recv(1 << 18)
                assert data, f'closed after {bytes(answer[:1000])}'
                answer += data
                if is_whole(answer):
                    selector.unregister(key.fileobj)
    return list(answers.values()), time.perf_counter() - started


def is_whole(answer):
    head, found, body = answer.partition(b'\r\n\r\n')
    if not found:
        return False
    return len(body) >= int(
        re.search(rb'(?i)\ncontent-length: ([0-9]+)', head)[1])


def render(answer):
    """Return the time of an answer's render, nanoseconds since 1970."""
    assert answer.startswith(b'HTTP/1.1 200 '), bytes(answer[:1000])
    assert len(answer) > 60_000
    return int(re.search(rb'<p id="render">([0-9]+)<', answer)[1])


def figures(options):
    """Return the figures."""
    with (servers.started(THREADS) as (ports, _),
          closing(Bench(ports)) as bench):
        bench.warm()
        actions = {
            name: lambda name=name: bench.ask(name) for name in bench.names}
        actions['alone'] = lambda: bench.ask('uncached', clients=1)
        found = rounds.measure(actions, options.rounds)
    alone = [one.secs for one in found.pop('alone')]
    return [*renders(found), *last_answers(found, alone)]


def renders(found):
    """Yield the number of renders in the worst round."""
    for name, results in found.items():
        yield Figure(
            PART, f'{name}: renders', max(one.renders for one in results),
            'renders', **RENDERS_TARGETS.get(name, {}))


def last_answers(found, alone):
    """Yield the time of the last answer, in render times."""
    for name, results in found.items():
        yield rounds.ratio_figure(
            PART, f'{name}: last answer', 'x render',
            [one.secs for one in results], alone,
            **LAST_TARGETS.get(name, {}))


if __name__ == '__main__':
    rounds.main(__doc__, figures, rounds=(3, 15))
