"""PURGE: a request that invalidates the pages of one path.

Purge clients send the path as a proxy does, with the prefix of the virtual
host.  Only the client's address decides whether it may purge: the manager's
setting ``purge_clients`` names the addresses.  The request is not traversed:
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

#: The text of the answer, by status.
_TEXTS = {
    200: 'The pages of this path are invalidated.\n',
    403: 'PURGE is not allowed from this address.\n',
    404: 'There is no content at this path.\n',
}


def traverse(request, *args, **keywords):
    """Return the :class:`Answer` to a PURGE.

    If no manager allows a client to purge, return the object that Zope
    traverses to.  This function is the attribute ``traverse`` of the request
    until its first traversal.
    """
    del request.__dict__['traverse']
    answer = attempt(None, 'purge', _answer, request)
    if answer is None or answer is FAILED:
        return request.traverse(*args, **keywords)
    request['PUBLISHED'] = answer  # other code reads it
    return answer


def _answer(request):
    """Return the answer of the managers around the content.

    None if no manager allows any client to purge.
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
    """The object that Zope publishes for PURGE: it invalidates the pages."""

    def __init__(self, response, status, managers=(), *names):
        self._response = response
        self._status = status
        self._managers = managers
        #: Paths, and names of templates.
        self._names = names

    def __call__(self):
        """Invalidate the pages; return the text of the answer."""
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
    """Return the content at the request's path, and the names behind it.

    Only objects that folders list are content; acquired objects are not.
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
    """Return the names in a path, without the names of virtual hosting."""
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
    """Return the names that invalidate the pages at the URL of `content`.

    The first set has paths of content, the second set names of a template.
    """
    path = path_of(content)
    if hasattr(aq_base(content), 'pt_render'):
        return frozenset([path]), frozenset([path, identity_of(content)])
    paths = {path}
    # a folder of Plone may show the page of an object in it
    default = getattr(aq_base(content), 'default_page', None)
    if isinstance(default, str):
        paths.add(f'{path}/{default}')
    return frozenset(paths), frozenset()
