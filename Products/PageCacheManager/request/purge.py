"""PURGE: a request that forgets the pages of one path.

Purge clients send the path as a proxy does, with the prefix of the virtual
host.  Who may send it is decided by the client's address alone, which the
setting ``purge_clients`` of the manager names.  The request is not traversed:
no user is known, no access is checked, and no code of the content is called.
The invalidation is committed, so it holds on all clients of the database.
"""
from ipaddress import ip_network

from Acquisition import aq_base

from ..core.attempt import FAILED
from ..core.attempt import attempt
from ..key.versions import identity_of
from ..key.versions import path_of
from ..manager.caches import cache_and_settings
from ..manager.find import managers
from ..publisher import request as http_request


METHOD = 'PURGE'

#: A view and a method of it may follow the path of content.
_MAX_NAMES_BEHIND = 2

#: By status, what the answer says.
_TEXTS = {
    200: 'The pages of this path are invalidated.\n',
    403: 'PURGE is not allowed from this address.\n',
    404: 'There is no content at this path.\n',
}


def traverse(request, *args, **keywords):
    """Return what answers a PURGE: Zope's own where no manager allows any.

    It stands in the request itself, as ``traverse``.
    """
    del request.__dict__['traverse']
    answer = attempt(None, 'purge', _answer, request)
    if answer is None or answer is FAILED:
        return request.traverse(*args, **keywords)
    request['PUBLISHED'] = answer  # other code looks for it
    return answer


def _answer(request):
    """Return the answer of the managers around the content, None where none
    of them allows any client to purge.
    """
    content, behind = _content(request)
    found = [
        (manager, cache_and_settings(manager)[1].purge_clients)
        for manager in managers(content)]
    if not any(networks for _, networks in found):
        return None
    address = http_request.client_address(request)
    allowing = [
        manager for manager, networks in found if _is_in(address, networks)]
    if not allowing:
        return Answer(request.response, 403)
    if len(behind) > _MAX_NAMES_BEHIND:
        return Answer(request.response, 404)
    return Answer(request.response, 200, allowing, *_names(content))


class Answer:
    """Is published in place of the content: it invalidates, and says so."""

    def __init__(self, response, status, managers=(), *names):
        self._response = response
        self._status = status
        self._managers = managers
        #: Paths, and names of templates.
        self._names = names

    def __call__(self):
        """Return the text of the answer."""
        for manager in self._managers:
            manager.invalidate(*self._names)
        response = self._response
        response.setStatus(self._status)
        response.setHeader('Content-Type', 'text/plain; charset=utf-8')
        response.setHeader('Cache-Control', 'no-store')
        return _TEXTS[self._status]


def _is_in(address, networks):
    """Return whether an address, or None, is in any of the networks."""
    return address is not None and any(
        address in ip_network(network) for network in networks)


def _content(request):
    """Return the content that a path leads to, and the names behind it.

    Content is what folders list, so no acquired object is any.
    """
    place = request['PARENTS'][-1]
    names = _physical(request.environ.get('PATH_INFO', ''))
    for number, name in enumerate(names):
        if not (hasattr(aq_base(place), 'hasObject')
                and place.hasObject(name)):
            return place, names[number:]
        place = place._getOb(name)
    return place, []


def _physical(path_info):
    """Return the names in a path, without those of virtual hosting."""
    names = [name for name in path_info.split('/') if name]
    if names[:1] == ['VirtualHostBase']:
        del names[:3]  # with scheme and host
    if 'VirtualHostRoot' in names:
        start = end = names.index('VirtualHostRoot')
        end += 1
        while end < len(names) and names[end].startswith('_vh_'):
            end += 1
        del names[start:end]
    return names


def _names(content):
    """Return what the pages at the URL of `content` are invalidated by.

    These are the paths of content, and the names of a template.
    """
    path = path_of(content)
    if hasattr(aq_base(content), 'pt_render'):
        return frozenset([path]), frozenset([path, identity_of(content)])
    paths = {path}
    # of a folder of Plone, whose page is that of an object in it
    default = getattr(aq_base(content), 'default_page', None)
    if isinstance(default, str):
        paths.add(f'{path}/{default}')
    return frozenset(paths), frozenset()
