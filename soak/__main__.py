"""Many clients at once on a real Zope: finds wrong and missing answers.

Clients read and change a CMF site over HTTP.  Each answer is compared with the
facts that were certain when its request was sent.  At the end the counters
must add up, no request may still wait, and the log must hold only provoked
records.
"""
import argparse
import contextlib
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from .clients import DEFAULTS
from .clients import MISHAPS
from .clients import TIMEOUT_SECS
from .clients import Client
from .clients import Connection
from .content import RAISING
from .oracle import Oracle
from .site import MEMBERS
from .site import PAPERS
from .site import ROOT
from .site import TEMPLATES
from .site import roles_of


SAMPLE_SECS = 0.2
STATISTICS_EVERY = 15

#: A soak of so many seconds must see each event of `MUST_HAPPEN`.
FULL_SECS = 30

MUST_HAPPEN = (
    'read', 'edit', 'edit_template', 'purge', 'invalidate', 'change_settings',
    'change_roles', 'change_access', 'herd', '304', 'HEAD',
    'HEAD of what is held', 'collapsed', 'audit same', 'refused',
    'sent gzip', 'sent plain',
    *(f'mishap {kind}' for kind in MISHAPS
      if kind not in ('cookie', 'no-store', 'conflict')))

#: The most violations that are printed: a fault shows up thousands of times.
MOST_SHOWN = 25

#: The exceptions that the clients provoke, and Zope logs.
EXPECTED = {
    'Provoked', 'ConflictError', 'Redirect', 'Unauthorized', 'NotFound'}


@contextlib.contextmanager
def serving(home, threads):
    """Run the server within the ``with`` block; give its port and process."""
    with open(home / 'server.out', 'w', encoding='utf-8') as errors:
        server = subprocess.Popen(
            [sys.executable, '-m', 'soak.server', str(home),
             '--threads', str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            text=True)
        try:
            line = server.stdout.readline()
            if not line:
                sys.exit('The server does not start:\n'
                         + (home / 'server.out').read_text('utf-8'))
            yield int(line), server
        finally:
            with contextlib.suppress(OSError):
                server.stdin.close()
            try:
                server.wait(TIMEOUT_SECS)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


class Sampler(threading.Thread):
    """Thread that checks the server's counters and screens now and then."""

    def __init__(self, port, oracle, stop):
        super().__init__(name='sampler', daemon=True)
        self._connection = Connection(port, oracle)
        self._oracle = oracle
        self._ending = stop
        self.samples = 0
        self.highest = Counter()

    def run(self):
        try:
            while not self._ending.wait(SAMPLE_SECS):
                self._sample()
                if self.samples % STATISTICS_EVERY == 0:
                    self._look_at_screens()
        except Exception as error:
            self._oracle.violated(f'sampler: {error!r}')

    def _sample(self):
        register = self._oracle.settings
        mark = register.now
        figures = read_figures(self._connection)
        states = register.since(mark)
        store = figures['store']
        for name, limit in (
                ('entries', 'max_entries'), ('bytes', 'max_bytes')):
            self.highest[name] = max(self.highest[name], store[name])
            if store[name] > store[limit]:
                self._oracle.violated(
                    f'{store[name]} {name}, and {store[limit]} are allowed')
        for limit, setting, factor in (
                ('max_entries', 'threshold', 1),
                ('max_bytes', 'max_mib', 1 << 20)):
            allowed = {state[setting] * factor for state in states}
            if store[limit] not in allowed:
                self._oracle.violated(
                    f'{limit} is {store[limit]}, and was set to {allowed}')
        self.highest['waiting'] = max(
            self.highest['waiting'], figures['waiting'])
        # a lower setting does not end waits that have begun
        if figures['waiting'] > DEFAULTS['max_waiting']:
            self._oracle.violated(f'{figures["waiting"]} requests wait')
        self.samples += 1

    def _look_at_screens(self):
        for name in ('manage_stats', 'manage_main'):
            answer = self._connection.send(
                'GET', f'/site/page_cache/{name}', ROOT)
            if answer.status != 200 or 'Page Cache' not in answer.text:
                self._oracle.violated(f'{name} answers {answer.status}')


def read_figures(connection):
    answer = connection.send('GET', '/site/desk/figures', ROOT)
    return json.loads(answer.text)


def soak(port, oracle, options):
    """Let the clients run for a while; return the sampler."""
    connection = Connection(port, oracle)
    stop = threading.Event()
    with oracle.settings.change(DEFAULTS):
        connection.send(
            'POST', '/site/page_cache/manage_editProps', ROOT,
            {'title': 'Page Cache', **DEFAULTS})
    sampler = Sampler(port, oracle, stop)
    threads = [sampler, *(
        Client(number, port, oracle, options.seed, stop)
        for number in range(options.clients))]
    for thread in threads:
        thread.start()
    until = time.monotonic() + options.seconds
    while time.monotonic() < until and (
            len(oracle.violations) < options.give_up_after):
        time.sleep(0.2)
    stop.set()
    deadline = time.monotonic() + TIMEOUT_SECS + 10
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))
        if thread.is_alive():
            oracle.violated(f'{thread.name} hangs')
    return sampler


def check_after(port, oracle):
    """Check the facts that must hold at the end; return the figures."""
    connection = Connection(port, oracle)
    page = connection.send('GET', f'/site/papers/{PAPERS[0]}/page')
    if page.status != 200:
        oracle.violated(f'at the end the server answers {page.status}')
    # hot pages may still be rendered for a while
    deadline = time.monotonic() + TIMEOUT_SECS
    figures = read_figures(connection)
    while figures['flying'] and time.monotonic() < deadline:
        time.sleep(0.2)
        figures = read_figures(connection)
    for name in ('flying', 'waiting'):
        if figures[name]:
            oracle.violated(f'at the end {figures[name]} are {name}')
    check_counters(figures, oracle)
    check_audit(figures, oracle)
    for name, edits in oracle.edits.items():
        herd = {n for n, token in edits.shown if token.startswith('h')}
        for number, token in edits.unknown():
            if number not in herd:
                oracle.violated(
                    f'{name} showed number {number} as {token}, which no '
                    f'edit answered')
    return figures


def check_counters(figures, oracle):
    """Compare the server's counters with the answers to the clients."""
    tally = Counter()
    for word, _, count in figures['tally']:
        tally[word] += count
    for word in ('HIT', 'MISS', 'BYPASS', 'OFF', 'NO-ETAG'):
        if tally[word] != oracle.outcomes[word]:
            oracle.violated(
                f'{oracle.outcomes[word]} answers said {word}, and '
                f'{tally[word]} were counted')
    if tally['ERROR']:
        oracle.violated(f'the cache failed: {figures["tally"]}')
    failed = {
        detail: count for word, detail, count in figures['tally']
        if word == 'FAILED'}
    # a conflict of the last attempt is an error
    conflicts = figures['provoked'].get('conflict raised', 0)
    conflicts -= oracle.counts['mishap conflict']
    raised = sum(figures['provoked'].get(kind, 0) for kind in RAISING)
    for detail, least in (('retry', conflicts), ('error', raised)):
        if failed.get(detail, 0) < least:
            oracle.violated(
                f'{least} attempts at least ended with {detail}, and '
                f'{failed.get(detail, 0)} were counted')


def check_audit(figures, oracle):
    """Count the audits; look for hits that differ from a render."""
    for word, detail, count in figures['tally']:
        if word == 'AUDIT':
            oracle.count(*[f'audit {detail}'] * count)
    for detail in ('differs', 'by-itself', 'failed'):
        count = oracle.counts[f'audit {detail}']
        if count:
            oracle.violated(f'audit: {count} {detail}')


def check_log(home, oracle):
    """Look for records that no client provoked; count all by kind."""
    kinds = Counter()
    path = home / 'log.jsonl'
    for line in path.read_text('utf-8').splitlines():
        record = json.loads(line)
        kinds[record['exception'] or record['logger']] += 1
        if not is_provoked(record):
            oracle.violated(
                f'log: {record["logger"]} {record["level"]} '
                f'{record["message"]}\n{record["traceback"]}')
    return kinds


def is_provoked(record):
    if record['logger'] == 'waitress.queue':
        return True  # all threads are busy for a moment
    if record['logger'].startswith('Products.PageCacheManager'):
        return False
    if record['exception']:
        # writing a traceback may fail once the connection is closed
        return record['exception'] in EXPECTED or (
            'in mishap\n' in record['traceback'])
    return any(name in record['message'] for name in EXPECTED)


def report(oracle, sampler, figures, records, seconds):
    print(f'{"requests by outcome":32}' + ', '.join(
        f'{word} {count}' for word, count in sorted(oracle.outcomes.items())))
    counts = sorted(oracle.counts.items())
    for start in range(0, len(counts), 4):
        print(' ' * 4 + ''.join(
            f'{name:>20} {count:6}' for name, count
            in counts[start:start + 4]))
    print(f'{"why not":32}' + ', '.join(
        f'{detail or word.lower()} {count}' for word, detail, count
        in sorted(figures['tally']) if word not in ('HIT', 'MISS')))
    print(f'{"requests a second":32}{oracle.counts["read"] / seconds:.0f}')
    print(f'{"samples of the gauges":32}{sampler.samples}; at most '
          f'{sampler.highest["entries"]} entries, '
          f'{sampler.highest["bytes"] >> 10} KiB, '
          f'{sampler.highest["waiting"]} waiting')
    print(f'{"records in the log":32}' + ', '.join(
        f'{kind} {count}' for kind, count in sorted(records.items())))


def main():
    parser = argparse.ArgumentParser(
        prog='python -m soak', description=__doc__.splitlines()[0])
    parser.add_argument('--seconds', type=int, default=300)
    parser.add_argument('--clients', type=int, default=16)
    parser.add_argument('--seed', type=int, default=random.randrange(10**6))
    parser.add_argument('--give-up-after', type=int, default=200)
    options = parser.parse_args()
    print(f'Soak of {options.seconds} s with {options.clients} clients, '
          f'seed {options.seed}', flush=True)
    oracle = Oracle(PAPERS, TEMPLATES, MEMBERS, DEFAULTS, roles_of)
    with tempfile.TemporaryDirectory(prefix='soak-') as name:
        home = Path(name)
        with serving(home, options.clients + 8) as (port, server):
            sampler = soak(port, oracle, options)
            figures = check_after(port, oracle)
            if server.poll() is not None:
                oracle.violated(f'the server ended with {server.returncode}')
        records = check_log(home, oracle)
    if options.seconds >= FULL_SECS and not oracle.violations:
        for kind in MUST_HAPPEN:
            if not oracle.counts[kind]:
                oracle.violated(f'{kind!r} never came about')
    report(oracle, sampler, figures, records, options.seconds)
    for text in oracle.violations[:MOST_SHOWN]:
        print(f'VIOLATED: {text}')
    if oracle.violations:
        sys.exit(f'{len(oracle.violations)} violations, seed {options.seed}')
    print('Every answer was right.')


if __name__ == '__main__':
    main()
