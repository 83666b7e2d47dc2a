"""Turns a URL that people type into the request that a browser sends.

A server in front of Zope may rewrite paths: it tells Zope of host and root in
the path itself.  What it put before the path of one page, it puts before that
of any other.
"""
from urllib.parse import quote
from urllib.parse import unquote


#: Longer ones are not typed, in characters.
MAX_LENGTH = 2000

_PORTS = {'http': ':80', 'https': ':443'}

# RFC 3986 3.4, and the percent signs of what is quoted already
_IN_QUERY = "%!$&'()*+,-./:;=?@_~[]"


def path_and_query(
        text: object, server_url: str, script: str,
        path_info: str) -> tuple[str, str]:
    """Return PATH_INFO and QUERY_STRING for a URL, or the path in one.

    `server_url`, `script` (quoted) and `path_info` are those of a page that
    was asked for.  Raises ValueError with a message for people.
    """
    if not isinstance(text, str) or not text.strip():
        raise ValueError('Type a path, such as /news, or a URL.')
    text = text.strip()
    if len(text) > MAX_LENGTH or not text.isprintable():
        raise ValueError(
            'This is neither a path nor a URL: it is too long, or holds '
            'characters that can not be sent.')
    path, _, query = _without_server(text, server_url).partition(
        '#')[0].partition('?')
    root = f'/{unquote(script)}'.rstrip('/')
    try:
        path = unquote(path, errors='strict')
    except UnicodeDecodeError:
        raise ValueError('This path is not in UTF-8.') from None
    path = path if path.startswith('/') else f'/{path}'
    if not f'{path}/'.startswith(f'{root}/'):
        raise ValueError(f'The pages here begin with {root}/.')
    return (
        rewritten(path_info) + path.removeprefix(root),
        quote(query, safe=_IN_QUERY))


def _without_server(text: str, server_url: str) -> str:
    scheme, mark, rest = text.partition('://')
    if not mark or '/' in scheme or '?' in scheme:
        return text
    scheme = scheme.lower()
    host, slash, path = rest.partition('/')
    host = host.lower().removesuffix(_PORTS.get(scheme, ' '))
    if f'{scheme}://{host}' != server_url.lower():
        raise ValueError(
            f'This screen was opened at {server_url}, and can tell of pages '
            'there alone: the key of a page holds its host. Open the screen '
            'at the address that visitors use.')
    return slash + path


def rewritten(path_info: str) -> str:
    """Return what a server in front put before the path of the URL."""
    names = path_info.split('/')
    if 'VirtualHostRoot' in names:
        end = names.index('VirtualHostRoot') + 1
        while end < len(names) and names[end].startswith('_vh_'):
            end += 1
    elif names[1:2] == ['VirtualHostBase']:
        end = 4
    else:
        return ''
    return '/'.join(names[:end])
