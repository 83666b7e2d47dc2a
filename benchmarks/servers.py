"""All servers of the benchmarks over HTTP, started and stopped together."""
import tempfile
from contextlib import ExitStack
from contextlib import contextmanager
from pathlib import Path

import served
import varnish


@contextmanager
def started(threads):
    """Start Zope, and Varnish in front of it if it is installed.

    Yield the ports by name, and the ids of all processes that serve.
    """
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (home / 'zope').mkdir()
        server = served.Server(home / 'zope', threads)
        stack.callback(server.stop)
        ports, pids = dict(server.ports), [server.pid]
        if varnish.is_there():
            front = varnish.Varnish(home, ports['zope'])
            stack.callback(front.stop)
            ports['varnish'] = front.port
            pids += front.pids
        else:
            print('Varnish is left out, it is not installed')
        yield ports, pids
