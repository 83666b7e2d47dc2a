"""A varnishd of our own, in front of a server on this machine."""
import shutil
import socket
import subprocess
import time
from pathlib import Path

from served import PATIENCE_SECS


#: Pages of anonymous visitors are kept in spite of their Cache-Control: the
#: benchmark measures hits.
_VCL = '''vcl 4.1;
backend default {{ .host = "127.0.0.1"; .port = "{port}"; }}
sub vcl_backend_response {{
    set beresp.ttl = 1h;
}}
'''


#: Seconds that a client's connection may be idle.  Varnish's default is 5:
#: it closed the connections of clients that wait for their turn in a round.
_IDLE_SECS = 600


def is_there():
    """Return whether varnishd, and the compiler that it needs, are there."""
    return bool(shutil.which('varnishd') and shutil.which('cc'))


class Varnish:
    """A varnishd that asks the server on `port`; `home` is its own."""

    def __init__(self, home, port):
        vcl = Path(home) / 'default.vcl'
        vcl.write_text(_VCL.format(port=port))
        self.port = _free_port()
        with open(Path(home) / 'log', 'w') as log:
            self._process = subprocess.Popen(
                ['varnishd', '-F', '-j', 'none', '-T', 'none',
                 '-a', f'127.0.0.1:{self.port}', '-s', 'malloc,64m',
                 '-p', f'timeout_idle={_IDLE_SECS}',
                 '-f', str(vcl), '-n', str(Path(home) / 'work')],
                stdout=log, stderr=log)
        try:
            _wait_for(self.port)
        except TimeoutError:
            self.stop()
            raise

    @property
    def pids(self):
        """The process that we started, and the one that serves."""
        pid = self._process.pid
        children = Path(f'/proc/{pid}/task/{pid}/children').read_text()
        return [pid, *map(int, children.split())]

    def stop(self):
        self._process.terminate()  # it ends its child
        try:
            self._process.wait(PATIENCE_SECS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(PATIENCE_SECS)


def _free_port():
    with socket.socket() as found:
        found.bind(('127.0.0.1', 0))
        return found.getsockname()[1]


def _wait_for(port):
    end = time.monotonic() + PATIENCE_SECS
    while time.monotonic() < end:
        try:
            socket.create_connection(('127.0.0.1', port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError('varnishd does not answer')
