"""Turns a typed URL into the request that a browser would send.

A server in front of Zope may rewrite paths: it adds host and root as a prefix.
The prefix of the current request is used for any other page.
"""
from urllib.parse import quote
from urllib.parse import unquote


#: Longer texts are refused, in characters.
MAX_LENGTH = 2000

_PORTS = {'http': ':80', 'https': ':443'}

# RFC 3986 section 3.4, and percent signs: the query is quoted already
_IN_QUERY = "%!$&'()*+,-./:;=?@_~[]"


def path_and_query(
        text: object, server_url: str, script: str,
        path_info: str) -> tuple[str, str]:
    """Return PATH_INFO and QUERY_STRING for a URL, or the path in one.

    `server_url`, `script` (quoted) and `path_info` belong to the current
    request.  Raises ValueError with a message for people.
    """
    if not isinstance(text, str) or not text.strip():
        raise ValueError('Enter a path, such as /news, or a URL.')
    text = text.strip()
    if len(text) > MAX_LENGTH or not text.isprintable():
        raise ValueError(
            'This is neither a path nor a URL: it is too long, or contains '
            'invalid characters.')
    path, _, query = _without_server(text, server_url).partition(
        '#')[0].partition('?')
    root = f'/{unquote(script)}'.rstrip('/')
    try:
        path = unquote(path, errors='strict')
    except UnicodeDecodeError:
        raise ValueError('This path is not valid UTF-8.') from None
    path = path if path.startswith('/') else f'/{path}'
    if not f'{path}/'.startswith(f'{root}/'):
        raise ValueError(f'All paths here begin with {root}/.')
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
            f'This screen was opened at {server_url} and can explain only '
            'pages there, because the host is part of the key. Open the '
            'screen at the address that visitors use.')
    return slash + path


def rewritten(path_info: str) -> str:
    """Return the prefix that a server in front put before the path."""
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
