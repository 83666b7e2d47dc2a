"""What the fast lane gives over HTTP, against Zope and against no Zope.

One process serves all contenders with waitress, wrk asks.  They take turns
in random order within each round, so that a noisy machine disturbs all
alike; the figures are medians, with quartiles, of ratios within a round.

``floor`` is a published method that returns the same bytes: what Zope itself
costs.  ``HIT`` goes the whole way through Zope, ``lane`` does not.  ``bare``
is a WSGI application that returns the same bytes with the headers of a HIT:
what waitress itself costs.
"""
import argparse
import json
import logging
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from urllib.request import Request
from urllib.request import urlopen


# Run as a program this file does not get the path of the product.
sys.path.append(str(Path(__file__).resolve().parent.parent))

#: What the lane shall have at least, as a multiple of the throughput of each.
TARGETS = {'floor': 3, 'bare': 0.75}

#: Contender: which of the servers, and what it is asked for.
CONTENDERS = {
    'floor': ('zope', '/site/doc/floor'),
    'HIT': ('zope', '/site/doc/cached'),
    'lane': ('lane', '/site/doc/cached'),
    'bare': ('bare', '/'),
}

#: All are asked under one name, which stands in the links of the page.
HOST = 'localhost:8080'

PATIENCE_SECS = 30

CONF = '''
instancehome {home}
<zodb_db main>
  mount-point /
  <mappingstorage>
  </mappingstorage>
</zodb_db>
'''


# the process that serves

def serve(home):
    """Serve all contenders until standard input closes."""
    from Products.PageCacheManager.tests import zeo

    # a line for each request that has to wait
    logging.getLogger('waitress.queue').setLevel(logging.ERROR)
    threading.Thread(
        target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    (home / 'etc').mkdir()
    (home / 'etc' / 'site.zcml').write_text(zeo.SITE_ZCML)
    conf = home / 'zope.conf'
    conf.write_text(CONF.format(home=home))
    ports = {}
    for name, app in apps(conf).items():
        ports[name] = start(app)
    print(json.dumps(ports), flush=True)
    threading.Event().wait()


def start(app):
    """Start a server; return its port."""
    from waitress import create_server

    server = create_server(app, host='127.0.0.1', port=0, threads=4)
    threading.Thread(target=server.run, daemon=True).start()
    return server.effective_port


def apps(conf):
    """Return the WSGI applications by name."""
    import pages
    import Zope2
    from Zope2.Startup.run import make_wsgi_app
    from ZPublisher.httpexceptions import HTTPExceptionHandler

    from Products.PageCacheManager.fastlane import FastLane
    from Products.PageCacheManager.tests.client import Client
    from Products.PageCacheManager.tests.site import add_site

    app = make_wsgi_app({}, str(conf))
    root = Zope2.app()
    client = Client()
    pages.build(add_site(root, 'site'), client)
    root._p_jar.close()
    client.get('/site/doc/cached')
    return {
        'zope': HTTPExceptionHandler(app),
        'lane': HTTPExceptionHandler(FastLane(app)),
        'bare': bare(client.get('/site/doc/cached')),
    }


def bare(page):
    """Return an application that always sends what `page` is."""
    headers = [line for line in page.lines if line[0].lower() != 'date']

    def app(environ, start_response):
        start_response('200 OK', list(headers))
        return [page.body]

    return app


# the process that asks

def check(urls):
    """See that each contender does what it is named for, with one body."""
    bodies = set()
    for name, url in urls.items():
        for _ in range(4):
            asked = Request(url, headers={'Host': HOST})
            with urlopen(asked, timeout=PATIENCE_SECS) as answer:
                bodies.add(answer.read())
                outcome = answer.headers.get('X-PageCache')
                status = answer.headers.get('Cache-Status', '')
        if name in ('HIT', 'lane'):
            assert outcome == 'HIT', (name, outcome)
            assert ('detail=fast' in status) == (name == 'lane'), status
    assert len(bodies) == 1, f'{len(bodies)} bodies'


def throughput(wrk, url, secs):
    """Return answers a second."""
    told = subprocess.run(
        [wrk, '-t1', '-c4', f'-d{secs}s', '-H', f'Host: {HOST}', url],
        check=True, text=True, capture_output=True,
        timeout=secs + PATIENCE_SECS).stdout
    assert 'Non-2xx' not in told and 'Socket errors' not in told, told
    return float(re.search(r'Requests/sec:\s+([\d.]+)', told)[1])


def measure(wrk, urls, rounds, secs):
    names = list(urls)
    found = {name: [] for name in names}
    for _ in range(rounds):
        random.shuffle(names)
        for name in names:
            found[name].append(throughput(wrk, urls[name], secs))
    return found


def ratios(found, name, base):
    return [a / b for a, b in zip(found[name], found[base], strict=True)]


def report(found):
    print('answers a second (median), and ratios within a round')
    print(f'{"":8} {"1/s":>8} {"/floor":>8} {"quartiles":>13} '
          f'{"/bare":>8} {"quartiles":>13}')
    for name, values in found.items():
        print(f'{name:8} {statistics.median(values):8.0f}', end='')
        for base in 'floor', 'bare':
            low, middle, high = statistics.quantiles(
                ratios(found, name, base), n=4)
            print(f' {middle:8.2f} {low:6.2f}-{high:<6.2f}', end='')
        print()
    for base, target in TARGETS.items():
        got = statistics.median(ratios(found, 'lane', base))
        print(f'lane >= {target} x {base}: {got:.2f}, '
              f'{"pass" if got >= target else "short"}')


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--rounds', type=int, default=9)
    parser.add_argument(
        '--secs', type=int, default=1, help='for each contender and round')
    parser.add_argument('--serve', type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    wrk = shutil.which('wrk')
    if wrk is None:
        print('left out: wrk is not installed')
        return
    with tempfile.TemporaryDirectory() as home:
        server = subprocess.Popen(
            [sys.executable, __file__, '--serve', home],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            ports = json.loads(server.stdout.readline())
            urls = {
                name: f'http://127.0.0.1:{ports[kind]}{path}'
                for name, (kind, path) in CONTENDERS.items()}
            check(urls)
            report(measure(wrk, urls, options.rounds, options.secs))
        finally:
            server.kill()
            server.wait(PATIENCE_SECS)


if __name__ == '__main__':
    main()
