"""Reads the headers of a response."""
from ..core.http.lists import names
from ..core.key import is_ignored


#: setBody() sets these anew for each response, from the body.
OF_THE_BODY = ('content-length', 'content-encoding')


def lower_headers(response):
    """Return the response's headers under lower-case names."""
    lower = {}
    for name, value in response.headers.items():
        lower[name.lower()] = value
    return lower


def changed_headers(left, before):
    """Return what `left` has beyond the headers `before`, and Content-Type.

    What other code sets belongs to each request.
    """
    changed = {}
    for name, value in left.items():
        if name == 'content-type' or (
                before.get(name) != value and name not in OF_THE_BODY):
            changed[name] = value
    return changed


def kept_headers(response, left_out):
    """Return the headers of a whole response, but those of one request.

    `left_out` are names or patterns, of which the case does not count.
    """
    patterns = tuple(name.lower() for name in left_out)
    return {
        name: value for name, value in lower_headers(response).items()
        if name not in _OF_ONE_RESPONSE
        and not (patterns and is_ignored(name, patterns))}


#: Headers of one response, of the connection, or of the cache.
_OF_ONE_RESPONSE = frozenset([
    *OF_THE_BODY, 'age', 'cache-status', 'connection', 'date', 'etag',
    'keep-alive', 'server', 'set-cookie', 'transfer-encoding',
    'x-pagecache'])


def is_of_asking_site(name):
    """Return whether a header tells which other sites may read a page."""
    return name == 'timing-allow-origin' or name.startswith('access-control-')


def is_of_one_site(request, own):
    """Return whether headers that rendering set may be for the site alone
    that asks, and Vary does not say so.

    What names that site may do so because it asks.
    """
    allowed = own.get('access-control-allow-origin', '*')
    asking = request.environ.get('HTTP_ORIGIN')
    if allowed.strip() == '*' and not (asking and asking in own.values()):
        return False
    return 'origin' not in names(request.response.headers.get('vary', ''))


def appends(own, before):
    """Return whether rendering added something to a header.

    What stood there before belongs to each request; in Vary it does no harm.
    """
    for name, value in own.items():
        if name != 'vary' and before.get(name) and (
                value.startswith(f'{before[name]},')):
            return True
    return False


def sets_cookie(response):
    """Return whether there is a Set-Cookie in any of the places for one."""
    return bool(response.cookies) or 'set-cookie' in map(str.lower, [
        *response.headers, *dict(response.accumulated_headers)])
