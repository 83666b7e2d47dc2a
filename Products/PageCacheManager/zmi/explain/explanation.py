"""What there is to tell of a page that nobody rendered.

What was published, and the call that the cache made of it, become plain
values; the words for them are in `screens.explain`.
"""
from dataclasses import dataclass

from Acquisition import aq_base

from ...core.http.cache_status import Outcome
from ...core.page import Page
from ...key import visitor
from ...key.key import VARIANT
from ...key.versions import path_of
from ...publisher import request as http_request


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
    #: What a policy raised, or what was caught while the stored page was
    #: rendered, in a line.
    failure: str = ''
    #: Why the page was not kept when it was last rendered, '' if unknown.
    last_refusal: str = ''
    question: Question | None = None
    #: The page that is stored, and what the report says of it.
    page: Page | None = None
    counts: dict | None = None


def of_published(view, published, content):
    """Return the :class:`Published`; `view` and `content` may be None."""
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


def of_call(call):
    """Return what the cache found out, as fields of an Explanation."""
    counts = None
    if call.page is not None and call.settings.store == 'process':
        counts = call.cache.row(call.page_id)
    return {
        'outcome': call.outcome,
        'failure': call.failure or _caught(call),
        'last_refusal': _last_refusal(call),
        'question': None if call.answer is None else _question(call),
        'page': call.page,
        'counts': counts}


def _last_refusal(call):
    if call.outcome is None or call.outcome.word != 'MISS':
        return ''
    return call.cache.flights.last_refusal(call.key_for(call.varies))


def _caught(call):
    """Return what was caught for the stored page, as far as it is known."""
    if call.page is None or not call.page.shows_failure:
        return ''
    return call.cache.caught.of(call.page_id)


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
            (name, http_request.header(request, name) or '')
            for name in names),
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
    names = (*VARIANT, *call.more_names)
    for name, value in zip(names, parts.variant, strict=True):
        if name == 'layers':  # of which the key has a digest
            value = ' '.join(http_request.layer_names(call.request))
        yield name, value
    yield 'etag', parts.etag


def _versions(call):
    generation, rules, *rest = call.versions
    count = len(call.templates)
    yield 'generation', generation
    yield 'rules', rules
    for template, version in zip(call.templates, rest, strict=False):
        yield path_of(template), version
    yield from zip(call.more_version_names, rest[count:], strict=False)
    yield 'date_rule', call.answer.date_rule


def _sharing(call):
    request, settings = call.request, call.settings
    user = visitor.current_user()
    found = {
        'has_session': bool(http_request.session(
            request, visitor.session_cookies(
                call.context, request, settings)))}
    if user is None:
        return found
    return {
        **found,
        'sharing': visitor.sharing(request, settings, call.answer),
        'user': str(user.getId() or user.getUserName()),
        'roles': tuple(sorted(user.getRolesInContext(call.context)))}
