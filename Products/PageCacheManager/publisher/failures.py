"""Notices failures that other code catches while a page is rendered.

The response is a 200 although something failed.  In the thread that renders,
the cache notices log records of errors, warnings with a traceback,
``tal:on-error`` in both template engines of Zope, and entries in the error
log of a site.  Other code runs as without the cache.
"""
import logging
import sys
import threading
from functools import wraps
from traceback import format_exception_only

from chameleon.tal import ErrorInfo as ChameleonErrorInfo
from zope.tales.tales import ErrorInfo

from ..core.attempt import attempt


_OURS = __package__.rpartition('.')[0]

#: The maximum length of a line, in characters.
_MAX_LINE = 500


class _Watches(threading.local):
    """The watches of each thread."""

    def __init__(self):
        self.all = []


_watches = _Watches()


class FailureWatch:
    """Records the first failure in this thread from now to `end`."""

    def __init__(self):
        #: The last line of its traceback, '' for none.
        self.failure = ''
        # other code may render the page while it handles an earlier failure
        self._before = sys.exc_info()[1]
        self._all = _watches.all
        self._all.append(self)

    def end(self):
        """Stop watching.  A second call does nothing."""
        if self in self._all:
            self._all.remove(self)

    def note(self, error):
        if not self.failure and error is not self._before:
            # `last_line` fails if the error has no valid text
            self.failure = type(error).__name__
            self.failure = last_line(error)


def last_line(error):
    """Return the last line of the traceback of `error`, never ''."""
    # Chameleon adds lines with the place in the template
    text = format_exception_only(error)[-1].strip()
    return (text.splitlines() or [type(error).__name__])[0][:_MAX_LINE]


def _note(error):
    """Record an error of other code, without any effect on that code."""
    if _watches.all:
        attempt(None, 'watch', _note_for_all, error)


def _note_for_all(error):
    if isinstance(error, BaseException):
        for watch in _watches.all:
            watch.note(error)


def error_raised(event):
    """Record a caught error that code puts into a site's error log."""
    _note(sys.exc_info()[1])


def _note_record(record):
    # `logging.makeLogRecord` sets the level later
    level = record.levelno or 0
    if level < logging.WARNING or f'{record.name}.'.startswith(f'{_OURS}.'):
        return
    if isinstance(record.exc_info, tuple):
        _note(record.exc_info[1])
    elif record.exc_info or level >= logging.ERROR:
        # much code logs a caught error without its traceback
        _note(sys.exc_info()[1])


def _notice_records():
    """Notice all log records, also of loggers that do not propagate."""
    make = logging.getLogRecordFactory()

    @wraps(make)
    def make_and_note(*args, **keywords):
        record = make(*args, **keywords)
        if _watches.all:
            attempt(None, 'watch', _note_record, record)
        return record

    logging.setLogRecordFactory(make_and_note)


def _notice_on_error(kind):
    """Record the errors that ``tal:on-error`` wraps in a `kind`."""
    init = kind.__init__

    @wraps(init)
    def init_and_note(self, *args, **keywords):
        init(self, *args, **keywords)
        _note(self.value)

    kind.__init__ = init_and_note


_notice_records()
_notice_on_error(ErrorInfo)
_notice_on_error(ChameleonErrorInfo)
