"""Finds out what the cache would do with a GET of some page now.

Nothing is rendered for it, and nothing is left behind: statistics, store and
database are as before.
"""
from traceback import format_exception_only

import transaction
from AccessControl.SecurityManagement import noSecurityManager
from Acquisition import aq_base
from Acquisition import aq_parent
from zExceptions import HTTPRedirection
from zExceptions import NotFound
from zExceptions import Unauthorized
from zope.interface import directlyProvides
from zope.publisher.skinnable import setDefaultSkin

from ...core.report.typed_url import path_and_query
from ...interfaces import IPageCacheManager
from ...key import visitor
from ...key.versions import path_of
from ...origin.published import origin_of
from ...origin.template import is_template
from ...publisher import request as http_request
from ...request import dry_run
from .explanation import Explanation
from .explanation import of_exchange
from .explanation import of_published


#: What tells who sent a request, and which copy of a page the client holds.
_CREDENTIALS = ('HTTP_COOKIE', 'HTTP_AUTHORIZATION', 'REMOTE_USER')
_CONDITIONS = (
    'HTTP_IF_MATCH', 'HTTP_IF_NONE_MATCH', 'HTTP_IF_MODIFIED_SINCE',
    'HTTP_IF_UNMODIFIED_SINCE', 'HTTP_IF_RANGE', 'HTTP_RANGE')


class Inexplicable(Exception):
    """Nothing can be told of a page; the text says why, to people."""


def explain(manager, request, text, as_anonymous=False):
    """Return the :class:`Explanation` of the page that `text` leads to.

    `text` is a URL or the path in one.  Raises Inexplicable.
    """
    try:
        path_info, query = path_and_query(
            text, *http_request.address(request)[:3])
    except ValueError as error:
        raise Inexplicable(str(error)) from None
    # what traversal writes, if it does, is not to be kept
    transaction.doom()
    with dry_run.copied(request) as copy:
        _prepare(copy, path_info, query, as_anonymous)
        noSecurityManager()
        published = _traverse(copy, as_anonymous)
        if as_anonymous and visitor.current_user() is not None:
            raise Inexplicable(
                'This site knows you by more than what a request carries, '
                'such as your address: nobody here is anonymous.')
        return _explanation(manager, published, copy, as_anonymous)


def _prepare(copy, path_info, query, as_anonymous):
    """Make `copy` a request for another page, as a browser would begin it.
    """
    copy.environ.update(PATH_INFO=path_info, QUERY_STRING=query)
    for name in _CONDITIONS:
        copy.environ.pop(name, None)
    if as_anonymous:
        for name in _CREDENTIALS:
            copy.environ.pop(name, None)
        copy._auth = None
        copy.cookies = {}
        copy.taintedcookies = {}
    # the layers of the way to the screen may not be those of the page
    directlyProvides(copy)
    setDefaultSkin(copy)


def _traverse(copy, as_anonymous):
    try:
        return dry_run.traverse(copy)
    except Unauthorized:
        raise Inexplicable(
            f'{_who(as_anonymous)} may not see this page.') from None
    except HTTPRedirection as error:
        raise Inexplicable(
            f'It leads to another address: {error}') from None
    except (NotFound, KeyError, AttributeError):
        raise Inexplicable('There is no page at this path.') from None
    except Exception as error:
        raise Inexplicable(
            f'The way to this page ends in an error: {_last_line(error)}'
        ) from None


def _who(as_anonymous):
    return 'An anonymous visitor' if as_anonymous else 'You'


def _last_line(error):
    return format_exception_only(error)[-1].strip()


def _explanation(manager, published, copy, as_anonymous):
    origin = origin_of(published)
    exchange = None if origin is None else dry_run.look_up(copy, origin)
    if exchange is not None:
        keeper = exchange.manager
    elif is_template(published):
        keeper = published.ZCacheable_getManager()
    else:
        keeper = None
    content = _content(origin, published)
    if (exchange is None or exchange.step.page is None) and not (
            content is None or visitor.may_view(content)):
        raise Inexplicable(
            f'{_who(as_anonymous)} may not view the content of this page; '
            'whether the page may be seen only rendering would tell.')
    return Explanation(
        url=http_request.url(copy, ()),
        published=of_published(origin, published, content),
        manager_path='' if keeper is None else path_of(keeper),
        manager_kind=getattr(keeper, 'meta_type', ''),
        is_asked=aq_base(keeper) is aq_base(manager),
        is_ours=IPageCacheManager.providedBy(keeper),
        shows=getattr(origin, 'shows', ''),
        **({} if exchange is None else of_exchange(exchange)))


def _content(origin, published):
    if origin is not None:
        return origin.context
    return aq_parent(published) if is_template(published) else None
