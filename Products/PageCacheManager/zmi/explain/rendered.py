"""Renders the page of a typed URL, and describes the result."""
from ...core.reasons import explained
from ...core.report import statistics as figures
from ...core.report.typed_url import path_and_query
from ...publisher import own_request
from ...publisher import request as http_request
from ...request import trial
from .inquiry import CREDENTIALS


#: The maximum time that the screen waits for the page.
MAX_WAIT_SECS = 20

_NO_END = (
    f'The page did not come within {MAX_WAIT_SECS} seconds, or other pages '
    'are being rendered so now. Try again later.')
_NO_COPY = (
    'This request has a session that a WSGI filter keeps, so it cannot be '
    'repeated. Ask as an anonymous visitor, without that session.')
_FAILED = 'Rendering failed. The event log has the traceback.'


def render_now(request, text, as_anonymous):
    """Render the page of a GET for `text`, a URL or its path.

    Return a dict with the rows of the result, or with an error.  Raises
    ValueError with a message for people.
    """
    path_info, query = path_and_query(
        text, *http_request.address(request)[:3])
    environ = own_request.environ_of(request)
    if environ is None:
        return {'error': _NO_COPY, 'rows': []}
    for name in ('CONTENT_TYPE', *(CREDENTIALS if as_anonymous else ())):
        environ.pop(name, None)
    found = trial.tried({
        **environ, 'REQUEST_METHOD': 'GET', 'QUERY_STRING': query,
        'PATH_INFO': path_info.encode('utf-8').decode('latin-1')},
        MAX_WAIT_SECS)
    if found is None:
        return {'error': _NO_END, 'rows': []}
    if found.status is None:
        return {'error': _FAILED, 'rows': []}
    return {'error': '', 'rows': list(_rows(found))}


def _rows(found):
    exchange = found.exchange
    yield 'Status', str(found.status)
    yield 'Time', figures.span_text(found.secs)
    yield 'Would be stored', _kept(exchange)
    if exchange is not None and exchange.size is not None:
        yield 'Size', figures.size_text(exchange.size)
        yield 'ETag header', exchange.tag or 'none'


def _kept(exchange):
    """Return a text: whether a visitor's request would store the page.

    It includes the reason if there is one.
    """
    if exchange is None:
        return 'no: no cache manager was asked for the page'
    outcome = exchange.outcome
    if outcome is None:
        return 'no: the page ended in an error or a redirect'
    word = 'yes' if outcome.stored else 'no'
    if not outcome.detail:
        return word
    return f'{word}: {outcome.detail}. {explained(outcome.detail)[0]}'
