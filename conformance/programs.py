"""Starting other programs, and stopping them again."""
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest


#: Debian's folders of programs for administrators are not on every PATH.
PATH = os.pathsep.join([os.environ.get('PATH', ''), '/usr/sbin', '/sbin'])


def find(name):
    """Return the path of a program; skip the test if it is missing.

    With ``PCM_REQUIRE_NGINX=1`` in the environment the test fails instead.
    The variable leaves out digits of the name, and the d of a daemon
    (``PCM_REQUIRE_VARNISH``, ``PCM_REQUIRE_APACHE``).
    """
    found = shutil.which(name, path=PATH)
    if found:
        return found
    plain = name.rstrip('0123456789').removesuffix('d')
    variable = f'PCM_REQUIRE_{plain.upper()}'
    if os.environ.get(variable) == '1':
        pytest.fail(f'{variable} is set, but there is no {name}')
    pytest.skip(f'there is no {name}')


def free_port():
    """Return a free port of the loopback interface."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def poll(condition, secs, what):
    """Call `condition` until its result is true; return the result."""
    deadline = time.monotonic() + secs
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
        time.sleep(0.05)
    raise AssertionError(f'{what}: not within {secs} s')


class Program:
    """A program that runs until it is stopped, by its process id."""

    def __init__(self, arguments, log, **options):
        self.log = Path(log)
        with open(self.log, 'wb') as output:
            self._process = subprocess.Popen(
                [str(argument) for argument in arguments], stdout=output,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **options)

    def wait_for_port(self, port, secs):
        """Wait until it accepts connections; RuntimeError if it ends."""

        def answers():
            if self._process.poll() is not None:
                raise RuntimeError(f'ended:\n{self.log.read_text()[-2000:]}')
            try:
                socket.create_connection(('127.0.0.1', port), 1).close()
            except OSError:
                return False
            return True

        poll(answers, secs, f'no answer on port {port}')

    def stop(self):
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(15)


def serve(make_arguments, log, secs=60, **options):
    """Start a server on a free port; return it and the port.

    `make_arguments` makes its command line from the port.  Another program
    may take the port meanwhile, so there are three attempts.
    """
    for attempt in range(3):
        port = free_port()
        program = Program(make_arguments(port), log, **options)
        try:
            program.wait_for_port(port, secs)
            return program, port
        except BaseException as error:
            program.stop()
            if attempt == 2 or not isinstance(error, RuntimeError):
                raise
