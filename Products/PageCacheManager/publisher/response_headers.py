"""Reads the headers of a response."""
from ..core.http.lists import names
from ..core.key import is_ignored


#: setBody() computes these from the body of each response.
OF_THE_BODY = ('content-length', 'content-encoding')


def lower_headers(response):
    """Return the response's headers under lower-case names."""
    lower = {}
    for name, value in response.headers.items():
        lower[name.lower()] = value
    return lower


def changed_headers(left, before):
    """Return the headers in `left` that rendering changed, and Content-Type.

    Other code sets the headers `before` for each request, so a stored page
    need not repeat them.
    """
    changed = {}
    for name, value in left.items():
        if name == 'content-type' or (
                before.get(name) != value and name not in OF_THE_BODY):
            changed[name] = value
    return changed


def kept_headers(response, left_out):
    """Return the headers of a response that a stored page can repeat.

    `left_out` are names or patterns of headers to leave out; upper and lower
    case are equal.
    """
    patterns = tuple(name.lower() for name in left_out)
    return {
        name: value for name, value in lower_headers(response).items()
        if name not in _OF_ONE_RESPONSE
        and not (patterns and is_ignored(name, patterns))}


#: Headers of a single response, of the connection, or of the cache.
_OF_ONE_RESPONSE = frozenset([
    *OF_THE_BODY, 'age', 'cache-status', 'connection', 'date', 'etag',
    'keep-alive', 'server', 'set-cookie', 'transfer-encoding',
    'x-pagecache'])


def is_of_asking_site(name):
    """Return whether a header names the other sites that may read a page."""
    return name == 'timing-allow-origin' or name.startswith('access-control-')


def is_of_one_site(request, own):
    """Return whether rendering set headers for the requesting site alone,
    and Vary does not name Origin.

    A header with the name of the requesting site counts, because rendering
    may have copied the name from the request.
    """
    allowed = own.get('access-control-allow-origin', '*')
    asking = request.environ.get('HTTP_ORIGIN')
    if allowed.strip() == '*' and not (asking and asking in own.values()):
        return False
    return 'origin' not in names(request.response.headers.get('vary', ''))


def appends(own, before):
    """Return whether rendering added a value to a header of other code.

    Other code sets its value for each request, so a stored page can not
    repeat the header.  For Vary a repetition does no harm.
    """
    for name, value in own.items():
        if name != 'vary' and before.get(name) and (
                value.startswith(f'{before[name]},')):
            return True
    return False


def sets_cookie(response):
    """Return whether a response sets a cookie, in any of Zope's ways."""
    return bool(response.cookies) or 'set-cookie' in map(str.lower, [
        *response.headers, *dict(response.accumulated_headers)])
