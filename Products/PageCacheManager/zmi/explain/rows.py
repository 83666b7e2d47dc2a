"""The rows of the Explain screen: (label, value) pairs of a dry run."""
import re
import time

from Acquisition import aq_base

from ...core.key import digest
from ...core.report import statistics as figures
from ...interfaces import IPageCacheManager
from ...key import trace
from ...key import visitor
from ...key.key import variant_names
from ...key.versions import path_of
from ...origin.view import View
from ...publisher import request as http_request
from ..page import moment


#: Names of cookies and headers that may prove an identity.
_SECRET = re.compile(
    'auth|cookie|csrf|__ac|key|pass|secret|session|sid|token|_zopeid',
    re.IGNORECASE)


def of_page(finding, manager):
    """Yield the published object, its content and its manager."""
    published, origin = finding.published, finding.origin
    yield 'URL', finding.url
    if finding.content is None:
        yield 'Published', f'neither template nor view: {_named(published)}'
        return
    if isinstance(origin, View):
        yield 'View', origin.name
        yield 'Class', origin.class_name()
        file = ', '.join(origin.template_files())
    else:
        yield 'Template', path_of(published)
        file = getattr(aq_base(published), '_filepath', '')
    if file:
        yield 'File', file
    yield 'Content', path_of(finding.content)
    yield 'Portal type', getattr(
        aq_base(finding.content), 'portal_type', '') or ''
    yield 'Associated with', _manager(finding.manager, manager)


def _named(published):
    owner = getattr(published, '__self__', published)
    name = getattr(published, '__name__', '')
    kind = getattr(owner, 'meta_type', '') or type(aq_base(owner)).__name__
    path = path_of(owner)
    return f'{name} of {path} ({kind})' if path else f'{name} ({kind})'


def _manager(found, asked):
    """Return a text about the manager `found`, which may be None.

    `asked` is the manager of this screen.
    """
    if found is None:
        return 'no cache manager'
    if aq_base(found) is aq_base(asked):
        kind = 'this manager'
    elif IPageCacheManager.providedBy(found):
        kind = 'another manager'
    else:
        kind = f'another cache, a {found.meta_type}'
    return f'{path_of(found)} ({kind})'


def of_policies(exchange):
    """Yield each policy of the site in its order, with its result."""
    for tried in trace.of(exchange):
        yield tried.policy_id, _of_tried(tried)


def _of_tried(tried):
    if tried.failed:
        return f'{tried.failed} fails: {tried.error}'
    if tried.fits is None:
        return 'not asked'
    if not tried.fits:
        return 'no'
    return f'yes; ETag: {tried.etag}' if tried.etag else 'yes, without an ETag'


def of_policy(exchange):
    """Yield the policy, its ETag and its headers."""
    answer, page = exchange.policy, exchange.step.page
    yield 'Policy', answer.policy_id
    yield 'ETag of the policy', answer.etag
    if exchange.no_date is not None:
        yield 'Date of the policy', f'none: {exchange.no_date.failure}'
    if page is not None:
        yield 'ETag header', page.tag
    for name, value in sorted(answer.headers_at(time.time()).items()):
        yield name.title(), value


def of_store(exchange):
    """Yield whether a page is stored, and its figures."""
    page = exchange.step.page
    if page is None:
        yield 'Stored', (
            'only for requests with other headers'
            if exchange.step.outcome.forward == 'vary-miss' else 'no')
        return
    yield 'Stored', 'yes'
    yield 'Rendered', moment(page.created)
    yield 'Age', figures.age_text(time.time() - page.created)
    yield 'Size', figures.size_text(page.size)
    yield 'Compressed', ', '.join(
        name for name, data in page.codings if data) or 'no'
    counts = exchange.cache.pages.row(exchange.key.page_id)
    if counts:
        for name, label in (
                ('hits', 'Hits'), ('misses', 'Misses'), ('entries', 'Pages')):
            yield f'{label} of this URL', figures.number_text(counts[name])


def of_key(exchange):
    """Yield the parts of the key.

    Parts that the kind of site adds are shown as digests.
    """
    key = exchange.key.parts
    parts = dict(zip(variant_names(exchange), key.variant, strict=True))
    yield 'Template or view', key.template_path
    yield 'Content', key.context_path
    yield 'URL', key.url
    yield 'Content object', parts['content']
    yield 'Content-Type before rendering', parts['content_type']
    yield 'Server', parts['server']
    yield 'Script name (SCRIPT_NAME)', parts['script']
    yield 'Path (PATH_INFO)', parts['path_info']
    yield 'Virtual root', parts['virtual_root']
    yield 'Base URL', parts['base']
    yield 'May view the content', 'yes' if parts['viewed'] else 'no'
    yield 'May list the content', 'yes' if parts['listed'] else 'no'
    yield 'Skin', parts['skin']
    yield 'Language', parts['language'] or 'the same for all'
    yield 'Shared by', _shared_by(exchange, parts['partition'])
    yield 'Arguments', parts['arguments']
    yield 'Request headers', _headers(exchange)
    yield 'Cookies', _cookies(exchange)
    if 'class' in parts:
        yield 'View class', parts['class']
        yield 'Layers', ' '.join(http_request.layer_names(exchange.request))
    for name in exchange.site.variant_names:
        yield name, parts[name] and digest(parts[name])
    yield 'ETag of the policy', key.etag


def of_versions(exchange):
    """Yield the versions that are in the key of the page."""
    key = exchange.key
    labels = (
        'Purges and invalidations', 'Settings for keys',
        *exchange.origin.version_names)
    yield from zip(labels, key.versions, strict=True)
    yield 'Date expression of the policy', exchange.policy.date_rule


def varies(step):
    """Return the request headers beyond the key by which the page varies."""
    if step.is_answered:
        return step.varies
    return () if step.rendering is None else step.rendering.varies


def _headers(exchange):
    request = exchange.request
    return _listed(
        (name, http_request.header(request, name) or '')
        for name in sorted({
            *exchange.key.keyed_headers, *varies(exchange.step)}))


def _cookies(exchange):
    cookies = exchange.request.cookies
    return _listed(
        (name, cookies[name]) for name in exchange.settings.key_cookies
        if name in cookies)


def _listed(pairs):
    return ', '.join(
        f'{name}: {"not shown" if value and _SECRET.search(name) else value}'
        for name, value in pairs)


def _shared_by(exchange, partition):
    """Return the visitors that share the page; a session is not named."""
    has_session = http_request.session(
        exchange.request, exchange.session_cookies)
    user = visitor.current_user()
    if user is not None:
        users = _users(exchange, user)
        return f'{users}, in a session' if has_session else users
    if has_session:
        return 'one session only'
    if partition:
        return 'anonymous visitors with additional roles'
    return 'all anonymous visitors'


def _users(exchange, user):
    sharing = visitor.sharing(
        exchange.request, exchange.settings, exchange.policy)
    if sharing == 'etag':
        return 'users with the same ETag'
    roles = ', '.join(sorted(user.getRolesInContext(exchange.origin.context)))
    if sharing == 'roles':
        return f'users with the roles {roles}'
    name = user.getId() or user.getUserName()
    return f'{name} only, with the roles {roles}'
