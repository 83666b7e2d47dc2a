"""An explanation of a page that nobody rendered, as plain values.

What was published, and the call that the cache made of it, become plain
values; the words for them are in `screens.explain`.
"""
import time
from dataclasses import dataclass

from Acquisition import aq_base

from ...core.http.cache_status import Outcome
from ...core.page import Page
from ...key import visitor
from ...key.key import entity_tag
from ...key.key import variant_names
from ...key.versions import path_of
from ...origin.view import View
from ...publisher import request as http_request


@dataclass(frozen=True)
class Published:
    """The object that a URL leads to."""

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
    """The word of the caching policies, and the key that follows."""

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


def of_published(origin, published, content):
    """Return the :class:`Published`; `origin` and `content` may be None."""
    if content is None:
        return Published('', _spelled(published))
    about = {
        'content_path': path_of(content),
        'portal_type': str(
            getattr(aq_base(content), 'portal_type', '') or '')}
    if isinstance(origin, View):
        return Published(
            'view', origin.name, origin.class_name(),
            ', '.join(origin.template_files()), **about)
    return Published(
        'template', path_of(published),
        file=str(getattr(aq_base(published), '_filepath', '') or ''), **about)


def _spelled(published):
    owner = getattr(published, '__self__', published)
    name = getattr(published, '__name__', '')
    kind = getattr(owner, 'meta_type', '') or type(aq_base(owner)).__name__
    where = path_of(owner)
    return f'{name} of {where} ({kind})' if where else f'{name} ({kind})'


def of_exchange(exchange):
    """Return what the cache found out, as fields of an Explanation."""
    step, page, counts = exchange.step, exchange.step.page, None
    if page is not None and exchange.settings.store == 'process':
        counts = exchange.cache.pages.row(exchange.key.page_id)
    return {
        'outcome': step.outcome,
        'failure': step.failure or _caught(exchange, page),
        'last_refusal': _last_refusal(exchange),
        'question': None if exchange.policy is None or step.failure else (
            _question(exchange)),
        'page': page,
        'counts': counts}


def _varies(exchange):
    """Return the request headers beyond the key by which the page varies."""
    step = exchange.step
    return step.varies if step.is_answered else step.rendering.varies


def _last_refusal(exchange):
    if exchange.step.outcome.word != 'MISS':
        return ''
    return exchange.cache.flights.last_refusal(
        exchange.key.index_for(exchange.request, _varies(exchange)))


def _caught(exchange, page):
    """Return what was caught for the stored page, as far as it is known."""
    if page is None or not page.shows_failure:
        return ''
    return exchange.cache.caught.of(exchange.key.page_id)


def _question(exchange):
    policy, key, page = exchange.policy, exchange.key, exchange.step.page
    about = {
        'policy_id': policy.policy_id,
        'etag': policy.etag,
        'headers': tuple(sorted(policy.headers_at(time.time()).items())),
        'tag': entity_tag(exchange) if page is None else page.tag}
    if key.parts is None:
        return Question(**about)
    request = exchange.request
    names = sorted({*key.varies, *_varies(exchange)})
    return Question(
        **about,
        key=tuple(_key(exchange)),
        request_headers=tuple(
            (name, http_request.header(request, name) or '')
            for name in names),
        cookies=tuple(
            (name, str(request.cookies[name]))
            for name in exchange.settings.key_cookies
            if name in request.cookies),
        versions=tuple(_versions(exchange)),
        **_sharing(exchange))


def _key(exchange):
    parts = exchange.key.parts
    yield 'called', parts.template_path
    yield 'context', parts.context_path
    yield 'url', parts.url
    for name, value in zip(
            variant_names(exchange), parts.variant, strict=True):
        if name == 'layers':  # of which the key has a digest
            value = ' '.join(http_request.layer_names(exchange.request))
        yield name, value
    yield 'etag', parts.etag


def _versions(exchange):
    key = exchange.key
    generation, rules, *rest = key.versions
    count = len(key.templates)
    yield 'generation', generation
    yield 'rules', rules
    for template, version in zip(key.templates, rest, strict=False):
        yield path_of(template), version
    yield from zip(
        exchange.origin.version_names, rest[count:], strict=False)
    yield 'date_rule', exchange.policy.date_rule


def _sharing(exchange):
    request, context = exchange.request, exchange.origin.context
    user = visitor.current_user()
    found = {
        'has_session': bool(http_request.session(
            request, exchange.session_cookies()))}
    if user is None:
        return found
    return {
        **found,
        'sharing': visitor.sharing(
            request, exchange.settings, exchange.policy),
        'user': str(user.getId() or user.getUserName()),
        'roles': tuple(sorted(user.getRolesInContext(context)))}
