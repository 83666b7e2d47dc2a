"""The one guard: no failure inside the cache fails a request."""
import logging
from collections.abc import Callable
from types import CodeType
from typing import Any

from .limits import LogLimit


logger = logging.getLogger(__name__.partition('.core.')[0])

#: The result of a function that failed.
FAILED: Any = object()

#: A failure that happens at each request is logged once a minute.
log_limit = LogLimit(60)


def attempt(
        counts: Any, stage: str, function: Callable[..., Any],
        *args: Any) -> Any:
    """Return the result of `function`, FAILED if it raises an Exception.

    The failure is counted as ``ERROR`` of the `stage`, and logged with its
    traceback if possible.  `counts` is the object that failed, such as an
    exchange; it counts the failure and describes itself.  It is None if there
    is no request, or if the cache takes no part in the request.
    """
    try:
        return function(*args)
    except Exception as error:
        if function is not report:
            # some errors of other code cannot be printed
            attempt(None, stage, report, counts, stage, error)
        return FAILED


def report(counts: Any, stage: str, error: Exception) -> None:
    """Count and log a failure, as :func:`attempt` does."""
    about = ''
    if counts is not None:
        counts.count('ERROR', stage)
        about = f' for {counts.describe()}'
    if log_limit.is_due((stage, *_cause(error))):
        logger.error(
            'The cache failed (%s)%s; all goes on without it',
            stage, about, exc_info=error)


def _cause(error: Exception) -> tuple[type, CodeType, int]:
    """Return a value that is equal for failures at the same place."""
    trace = error.__traceback__
    assert trace is not None  # it was raised
    while trace.tb_next is not None:
        trace = trace.tb_next
    return type(error), trace.tb_frame.f_code, trace.tb_lineno
