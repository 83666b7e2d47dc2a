"""Looks up the page of a typed URL, and does not render it.

Statistics, store and database stay as they are.
"""
from contextlib import contextmanager
from traceback import format_exception_only
from typing import NamedTuple

import transaction
from AccessControl import getSecurityManager
from AccessControl.Permissions import manage_users
from AccessControl.SecurityManagement import newSecurityManager
from AccessControl.SecurityManagement import noSecurityManager
from Acquisition import aq_base
from Acquisition import aq_chain
from Acquisition import aq_inner
from Acquisition import aq_parent
from zExceptions import HTTPRedirection
from zExceptions import NotFound
from zExceptions import Unauthorized
from zope.interface import directlyProvides
from zope.publisher.skinnable import setDefaultSkin

from ...core.report.typed_url import path_and_query
from ...key import visitor
from ...origin.published import origin_of
from ...origin.template import is_template
from ...publisher import request as http_request
from ...request import dry_run


#: Parts of a request that identify its visitor.
CREDENTIALS = ('HTTP_COOKIE', 'HTTP_AUTHORIZATION', 'REMOTE_USER')

#: Parts of a request that depend on the copy that the client holds.
_CONDITIONS = (
    'HTTP_IF_MATCH', 'HTTP_IF_NONE_MATCH', 'HTTP_IF_MODIFIED_SINCE',
    'HTTP_IF_UNMODIFIED_SINCE', 'HTTP_IF_RANGE', 'HTTP_RANGE')


class Inexplicable(Exception):
    """A page that cannot be explained; the message gives the reason."""


class UnknownUser(Inexplicable):
    """An unknown user, or a user that the current user may not manage."""


class Finding(NamedTuple):
    """The published object, and the result of the look-up of its page."""

    url: str
    published: object
    #: The :class:`Origin`, None if the object is neither template nor view.
    origin: object
    #: The content that the page shows, None if unknown.
    content: object
    #: The cache manager of any kind that keeps the page, or None.
    manager: object
    #: The :class:`Exchange` of the dry run, None if no manager of ours was
    #: asked.
    exchange: object


@contextmanager
def looked_up(request, text, as_anonymous=False, as_user=None):
    """Provide the :class:`Finding` of a GET for `text`, a URL or its path.

    With `as_user` both users must have access to the page: traversal has the
    rights of the current user, and later checks have the rights of `as_user`.

    Within the context this thread has the user, site and skin of that GET.
    Raises Inexplicable.
    """
    try:
        path_info, query = path_and_query(
            text, *http_request.address(request)[:3])
    except ValueError as error:
        raise Inexplicable(str(error)) from None
    transaction.doom()  # so traversal can save nothing
    with dry_run.copied(request) as copy:
        _prepare(copy, path_info, query, as_anonymous)
        noSecurityManager()
        who = 'An anonymous visitor' if as_anonymous else 'You'
        published = _traverse(copy, who)
        if as_anonymous and visitor.current_user() is not None:
            raise Inexplicable(
                'This site identifies you without cookies and login, for '
                'instance by your address. So it cannot be asked as an '
                'anonymous visitor here.')
        if as_user is not None:
            who = 'This user'
            _become(copy, as_user, published)
        finding = _found(copy, published)
        _check_access(finding, who)
        yield finding


def _prepare(copy, path_info, query, as_anonymous):
    """Make `copy` look like a new request for another page."""
    copy.environ.update(PATH_INFO=path_info, QUERY_STRING=query)
    for name in _CONDITIONS + (CREDENTIALS if as_anonymous else ()):
        copy.environ.pop(name, None)
    if as_anonymous:
        copy._auth = None
        copy.cookies = {}
        copy.taintedcookies = {}
    # traversal to this screen may have set other layers
    directlyProvides(copy)
    setDefaultSkin(copy)


def user_named(manager, name):
    """Return the user with an id or login name, from the nearest user folder.

    The current user must have the right to manage that folder.  This right is
    enough to log in as that user anyway.  Raises UnknownUser.
    """
    check = getSecurityManager().checkPermission
    for place in aq_chain(aq_inner(manager)):
        users = getattr(aq_base(place), 'acl_users', None)
        users = None if users is None else place.acl_users
        user = users and (users.getUserById(name) or users.getUser(name))
        if user and check('Change cache managers', manager) and check(
                manage_users, users):
            return user if aq_parent(user) is not None else (
                user.__of__(users))
        if user:
            break
    raise UnknownUser(
        'There is no such user, or you may not manage this user.')


def _become(copy, user, published):
    """Make `copy` a request of `user`, without the current user's cookies."""
    newSecurityManager(copy, user)
    copy.other['AUTHENTICATED_USER'] = user
    copy.environ.pop('HTTP_COOKIE', None)
    copy.cookies = {}
    copy.taintedcookies = {}
    if not user.allowed(published, copy.roles):
        raise Inexplicable('This user may not see this page.')


def _traverse(copy, who):
    try:
        return dry_run.traverse(copy)
    except Unauthorized:
        raise Inexplicable(f'{who} may not see this page.') from None
    except HTTPRedirection as error:
        raise Inexplicable(f'This path redirects to {error}') from None
    except (NotFound, KeyError, AttributeError):
        raise Inexplicable('There is no page at this path.') from None
    except Exception as error:
        line = format_exception_only(error)[-1].strip()
        raise Inexplicable(
            f'Traversal to this page fails: {line}') from None


def _found(copy, published):
    origin = origin_of(published)
    content = manager = exchange = None
    if is_template(published):
        content = aq_parent(published)
        manager = published.ZCacheable_getManager()
    if origin is not None:
        content = origin.context
        exchange = dry_run.look_up(copy, origin)
    if exchange is not None:
        manager = exchange.manager
    return Finding(
        http_request.url(copy, ()), published, origin, content, manager,
        exchange)


def _check_access(finding, who):
    """Raise Inexplicable if only rendering can check access to the page."""
    is_stored = (
        finding.exchange is not None and finding.exchange.step.page)
    if not is_stored and finding.content is not None and (
            not visitor.rights(finding.content)[0]):
        raise Inexplicable(
            f'{who} may not view the content of this page. Only rendering '
            'would show whether the page itself is visible.')
