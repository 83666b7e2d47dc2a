"""What the cache would do with a GET of some page now, and why.

Nothing is rendered for it, and nothing is left behind: statistics, store and
database are as before.
"""
from dataclasses import dataclass
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

from . import exchange
from . import identity
from . import surroundings
from . import views
from . import walk
from .core.address import path_and_query
from .core.outcome import Outcome
from .core.page import Page
from .interfaces import IPageCacheManager
from .question import VARIANT
from .versions import path_of


#: What tells who sent a request, and which copy of a page the client holds.
_CREDENTIALS = ('HTTP_COOKIE', 'HTTP_AUTHORIZATION', 'REMOTE_USER')
_CONDITIONS = (
    'HTTP_IF_MATCH', 'HTTP_IF_NONE_MATCH', 'HTTP_IF_MODIFIED_SINCE',
    'HTTP_IF_UNMODIFIED_SINCE', 'HTTP_IF_RANGE', 'HTTP_RANGE')


class Inexplicable(Exception):
    """Nothing can be told of a page; the text says why, to people."""


@dataclass(frozen=True)
class Published:
    """What a URL leads to."""

    #: ``template``, ``view``, or '' for what is neither.
    kind: str
    #: The template's path, the view's name, or what else it is.
    name: str
    #: The view's class; the files of its templates, or of the template.
    class_name: str = ''
    file: str = ''
    content_path: str = ''
    portal_type: str = ''


@dataclass(frozen=True)
class Question:
    """What the caching policies said, and what follows from it."""

    policy_id: str
    etag: str
    headers: tuple[tuple[str, str], ...]
    #: The entity-tag to send, '' for none.
    tag: str
    #: Name and value of each part of the key, all strings; none without an
    #: ETag.
    key: tuple[tuple[str, str], ...] = ()
    #: Names and values of request headers and cookies in the key.
    request_headers: tuple[tuple[str, str], ...] = ()
    cookies: tuple[tuple[str, str], ...] = ()
    #: Template paths, or what else it is a version of, and the versions.
    versions: tuple[tuple[str, str], ...] = ()
    #: Among whom the page is shared: ``all`` anonymous visitors, or a value
    #: of the setting ``partition``.
    sharing: str = 'all'
    user: str = ''
    roles: tuple[str, ...] = ()
    has_session: bool = False


@dataclass(frozen=True)
class Explanation:
    """All that is known of a page that nobody rendered."""

    url: str
    published: Published
    #: The path of the manager that keeps the page, '' if none does, and
    #: its kind; `is_asked` where it is the one that was asked.
    manager_path: str = ''
    manager_kind: str = ''
    is_asked: bool = False
    is_ours: bool = False
    #: What the pages of a view show.
    shows: str = ''
    outcome: Outcome | None = None
    #: What a policy raised, in a line.
    failure: str = ''
    question: Question | None = None
    #: The page that is stored, and what the report says of it.
    page: Page | None = None
    counts: dict | None = None


def explain(manager, request, text, as_anonymous=False):
    """Return the :class:`Explanation` of the page that `text` leads to.

    `text` is a URL or the path in one.  Raises Inexplicable.
    """
    try:
        path_info, query = path_and_query(
            text, *exchange.address(request)[:3])
    except ValueError as error:
        raise Inexplicable(str(error)) from None
    # what traversal writes, if it does, is not to be kept
    transaction.doom()
    with walk.copied(request) as copy:
        _prepare(copy, path_info, query, as_anonymous)
        noSecurityManager()
        published = _traverse(copy, as_anonymous)
        if as_anonymous and identity.current_user() is not None:
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
        published = walk.traverse(copy)
        walk.tell_others(copy)
        return published
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
    view = views.published_view(published)
    shows, call = '', None
    if view is not None:
        keeper, shows = views.manager_of(view, surroundings.here().claim(copy))
    else:
        keeper = walk.manager_of_template(published)
    is_ours = IPageCacheManager.providedBy(keeper)
    if is_ours:
        call = walk.look(published, copy, leaves_traces=False).call
    content = _content(view, published)
    if (call is None or call.page is None) and not (
            content is None or identity.may_view(content)):
        raise Inexplicable(
            f'{_who(as_anonymous)} may not view the content of this page; '
            'whether the page may be seen only rendering would tell.')
    return Explanation(
        url=exchange.url(copy, ()),
        published=_published(view, published, content),
        manager_path='' if keeper is None else path_of(keeper),
        manager_kind=getattr(keeper, 'meta_type', ''),
        is_asked=aq_base(keeper) is aq_base(manager),
        is_ours=is_ours,
        shows=shows or '',
        **({} if call is None else _found(call)))


def _content(view, published):
    if view is not None:
        return view.context
    if hasattr(aq_base(published), 'pt_render'):
        return aq_parent(published)
    return None


def _published(view, published, content):
    if content is None:
        return Published('', _spelled(published))
    about = {
        'content_path': path_of(content),
        'portal_type': str(
            getattr(aq_base(content), 'portal_type', '') or '')}
    if view is not None:
        return Published(
            'view', view.name, view.class_name(),
            ', '.join(view.template_files()), **about)
    return Published(
        'template', path_of(published),
        file=str(getattr(aq_base(published), '_filepath', '') or ''), **about)


def _spelled(published):
    owner = getattr(published, '__self__', published)
    name = getattr(published, '__name__', '')
    kind = getattr(owner, 'meta_type', '') or type(aq_base(owner)).__name__
    where = path_of(owner)
    return f'{name} of {where} ({kind})' if where else f'{name} ({kind})'


def _found(call):
    """Return what the cache found out, as fields of an Explanation."""
    counts = None
    if call.page is not None and call.settings.store == 'process':
        counts = call.cache.row(call.page_id)
    return {
        'outcome': call.outcome,
        'failure': call.failure,
        'question': None if call.answer is None else _question(call),
        'page': call.page,
        'counts': counts}


def _question(call):
    answer, request = call.answer, call.request
    about = {
        'policy_id': answer.policy_id,
        'etag': answer.etag,
        'headers': tuple(answer.headers.items()),
        'tag': call.tag(call.varies)}
    if call.parts is None:
        return Question(**about)
    names = sorted({*call.known_varies, *call.varies})
    return Question(
        **about,
        key=tuple(_key(call)),
        request_headers=tuple(
            (name, exchange.header(request, name) or '') for name in names),
        cookies=tuple(
            (name, str(request.cookies[name]))
            for name in call.settings.key_cookies
            if name in request.cookies),
        versions=tuple(_versions(call)),
        **_sharing(call))


def _key(call):
    parts = call.parts
    yield 'called', parts.template_path
    yield 'context', parts.context_path
    yield 'url', parts.url
    names = [*VARIANT, *call.more_names]
    rest = len(parts.variant) - len(names)
    names += ['surroundings'] * rest
    for name, value in zip(names, parts.variant, strict=True):
        if name == 'layers':  # of which the key has a digest
            value = ' '.join(exchange.layer_names(call.request))
        yield name, value
    yield 'etag', parts.etag


def _versions(call):
    generation, rules, *rest = call.versions
    count = len(call.templates)
    yield 'generation', generation
    yield 'rules', rules
    for template, version in zip(call.templates, rest, strict=False):
        yield path_of(template), version
    names = call.more_version_names
    yield from zip(names, rest[count:], strict=False)
    if names:
        yield 'marks', ' '.join(rest[count + len(names):])
    yield 'date_rule', call.answer.date_rule


def _sharing(call):
    request, settings = call.request, call.settings
    user = identity.current_user()
    found = {
        'has_session': bool(exchange.session(
            request, settings.session_cookies))}
    if user is None:
        return found
    return {
        **found,
        'sharing': identity.sharing(request, settings, call.answer),
        'user': str(user.getId() or user.getUserName()),
        'roles': tuple(sorted(user.getRolesInContext(call.context)))}
