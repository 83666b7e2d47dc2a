"""A real Zope with the soak's site in a FileStorage, served by waitress.

It prints the port that it listens on, and ends with its standard input.
"""
import argparse
import builtins
import faulthandler
import json
import logging
import os
import signal
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path

import transaction
import waitress
import Zope2
from zope.component import provideAdapter
from zope.component import provideHandler
from zope.interface import Interface
from Zope2.Startup.run import make_wsgi_app
from ZPublisher.httpexceptions import HTTPExceptionHandler
from ZPublisher.interfaces import IPubBeforeAbort

from .content import Provoked
from .content import ProvokedView
from .site import build


_CONF = '''\
instancehome {home}
<zodb_db main>
  mount-point /
  pool-size 60
  <filestorage>
    path {home}/Data.fs
  </filestorage>
</zodb_db>
'''


class Records(logging.Handler):
    """Writes warnings and errors, a line of JSON each."""

    def __init__(self, path):
        super().__init__(logging.WARNING)
        self._file = open(path, 'a', encoding='utf-8')

    def emit(self, record):
        kind, text = '', ''
        if record.exc_info and record.exc_info[0]:
            kind = record.exc_info[0].__name__
            text = ''.join(traceback.format_exception(*record.exc_info))
        self._file.write(json.dumps({
            'logger': record.name,
            'level': record.levelname,
            'message': record.getMessage(),
            'exception': kind,
            'traceback': text}) + '\n')
        self._file.flush()


def forget_surroundings(event):
    """Make a template's exception like any other exception.

    Chameleon's exceptions show the variables of the template when they are
    printed.  By then the connection is closed and may serve another thread,
    which would find objects half loaded.
    """
    error = event.exc_info[1]
    while error is not None:
        if '_original__str__' in vars(type(error)):
            with suppress(TypeError):  # a built-in exception can't be changed
                error.__class__ = type(error).__mro__[1]
        error = error.__cause__ or error.__context__


def compile_in_turn():
    """Let one thread at a time compile.

    Some releases of Python 3.11 and 3.12 fail now and then if two threads
    build syntax trees: 'AST constructor recursion depth mismatch'.
    """
    lock = threading.RLock()
    compile_at_once = builtins.compile

    def compile_alone(*args, **options):
        with lock:
            return compile_at_once(*args, **options)

    builtins.compile = compile_alone


def main():
    parser = argparse.ArgumentParser(prog='python -m soak.server')
    parser.add_argument('home', type=Path)
    parser.add_argument('--threads', type=int, default=24)
    options = parser.parse_args()
    home = options.home.resolve()
    compile_in_turn()
    # if it hangs, the signal prints the stacks of all threads
    faulthandler.register(signal.SIGUSR1)
    logging.getLogger().addHandler(Records(home / 'log.jsonl'))
    conf = home / 'zope.conf'
    conf.write_text(_CONF.format(home=home), encoding='utf-8')
    wsgi_app = HTTPExceptionHandler(make_wsgi_app({}, str(conf)))
    app = Zope2.app()
    build(app)
    provideHandler(forget_surroundings, [IPubBeforeAbort])
    provideAdapter(
        ProvokedView, [Provoked, Interface], Interface, 'index.html')
    transaction.commit()
    app._p_jar.close()
    server = waitress.create_server(
        wsgi_app, host='127.0.0.1', port=0, threads=options.threads)
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    print(server.effective_port, flush=True)
    server.run()


def _end_with_stdin():
    sys.stdin.read()
    os._exit(0)


if __name__ == '__main__':
    main()
