"""The Explain screen: what the cache would do with a page now, and why."""
import re
import time

from ...core.associations import SHOWS
from ...core.attempt import FAILED
from ...core.attempt import attempt
from ...core.key import digest
from ...core.reasons import explained as reason_explained
from ...core.report import statistics as figures
from ..page import cut
from ..page import moment
from ..page import render
from ..page import template
from .inquiry import Inexplicable
from .inquiry import explain as explained


VISITORS = (
    ('me', 'me, as I am logged in now'),
    ('anonymous', 'an anonymous visitor'))

OUTCOMES = {
    'HIT': ('success', 'The stored page is the answer.'),
    'MISS': (
        'warning', 'No page is stored for this. It would be rendered, and '
        'kept if nothing in the response forbids it.'),
    'NO-ETAG': ('info', 'It would be rendered, and not kept.'),
    'BYPASS': ('secondary', 'It would be rendered, past the cache.'),
    'OFF': ('dark', 'It would be rendered.'),
}

#: What is said of pages that nobody keeps, by what is published.
NOT_KEPT = {
    'template': 'Associate the template, at the Associate tab here or at its '
                'own Cache tab.',
    'view': 'Associate the view at the Views tab.',
    '': 'Page templates and browser views can be kept. If what is published '
        'calls a template that is associated, and gives what that renders as '
        'it is, the page is kept all the same.',
}

#: Parts of a key by plain names.
KEY = {
    'called': 'Template or view',
    'context': 'Content',
    'url': 'URL',
    'kind': 'Called',
    'content': 'Content object',
    'content_type': 'Content-Type before rendering',
    'server': 'Server',
    'script': 'Path before the site',
    'path_info': 'Path as Zope got it',
    'virtual_root': 'Virtual root',
    'base': 'Base of relative links',
    'viewed': 'May view the content',
    'listed': 'May look into the content',
    'skin': 'Skin',
    'language': 'Language',
    'partition': 'For whom',
    'arguments': 'Arguments',
    'headers': 'Request headers',
    'cookies': 'Cookies',
    'class': 'Class of the view',
    'layers': 'Layers',
    'etag': 'ETag of the policy',
}

VERSIONS = {
    'generation': 'Purges and invalidations',
    'rules': 'Settings that decide about keys',
    'code': 'Code and template',
    'content': 'Content',
    'marks': 'Changes that the page may show',
    'date_rule': 'Expression of the date',
}

CALLED = {
    'published': 'published', 'called': 'by other code', 'view': 'published'}

#: Cookies and headers with such names prove who somebody is.
_SECRET = re.compile(
    'auth|cookie|csrf|__ac|key|pass|secret|session|sid|token|_zopeid',
    re.IGNORECASE)

_NOTHING_TOLD = (
    None, 'The cache could not tell. The event log has the traceback.')

_page = template('explain.zpt')


def explain(manager, request):
    """Return the Explain screen, with an explanation if one is asked for."""
    path, visitor = (_typed(request, name) for name in ('path', 'visitor'))
    found, error = None, ''
    if 'path' in request.form:
        told = attempt(
            None, 'explain', _told, manager, request, path,
            visitor == 'anonymous')
        found, error = _NOTHING_TOLD if told is FAILED else told
    return render(
        _page, manager, request, 'Explain',
        path=path, error=cut(error),
        visitors=[
            {'word': word, 'text': text, 'selected': word == visitor}
            for word, text in VISITORS],
        answer=None if found is None else _answer(found),
        sections=[] if found is None else list(_sections(found)))


def _told(manager, request, path, as_anonymous):
    """Return the explanation, or None, and why there is none."""
    try:
        return explained(manager, request, path, as_anonymous), ''
    except Inexplicable as why:
        return None, str(why)


def _typed(request, name):
    value = request.form.get(name)
    return value if isinstance(value, str) else ''


def _answer(found):
    """Return what would become of the request, in words."""
    if found.outcome is None:
        return {
            'word': 'Not kept', 'color': 'secondary', 'text': _nobody(found),
            'reason': '', 'meaning': '', 'advice': '', 'failure': '',
            **({} if found.manager_path else {
                'advice': NOT_KEPT[found.published.kind]})}
    word, detail = found.outcome.word, found.outcome.detail
    color, text = OUTCOMES[word]
    if found.last_refusal:
        detail = found.last_refusal
        text = 'It was rendered lately, and not kept.'
    meaning, cure = reason_explained(detail) if detail else ('', '')
    return {
        'word': word, 'color': color, 'text': text, 'reason': detail,
        'meaning': meaning, 'advice': cure,
        'failure': cut(found.failure)}


def _nobody(found):
    if not found.manager_path:
        return 'No cache manager keeps this page.'
    if not found.is_ours:
        return (f'It is associated with a {found.manager_kind}, which keeps '
                'no whole pages.')
    return 'It is associated, but did not ask the cache.'


def _sections(found):
    yield _section('The page', _published(found))
    if found.question is not None:
        yield _section('Caching policy', _policy(found.question))
    if found.page is not None:
        yield _section('The stored page', _stored(found))
    elif found.outcome is not None and found.outcome.word == 'MISS':
        yield _section('The stored page', [('Stored', _absence(found))])
    if found.question is not None and found.question.key:
        yield _section(
            'The key', _key(found.question),
            'A stored page is given where all of this is the same.')
        yield _section(
            'Versions in the key', _versions(found.question),
            'With any change of these a new page is rendered.')


def _section(title, rows, note=''):
    return {
        'title': title, 'note': note,
        'rows': [{'label': label, 'value': cut(str(value)) or '\u2013'}
                 for label, value in rows]}


def _published(found):
    published = found.published
    yield 'URL', found.url
    if published.kind == 'template':
        yield 'Template', published.name
    elif published.kind == 'view':
        yield 'View', published.name
        yield 'Class', published.class_name
    else:
        yield 'Published', f'neither template nor view: {published.name}'
    if published.file:
        yield 'File', published.file
    if published.content_path:
        yield 'Content', published.content_path
        yield 'Portal type', published.portal_type
    if published.kind:
        yield 'Associated with', _keeper(found)
    if found.shows:
        yield 'Its pages show', SHOWS.get(found.shows, found.shows)


def _keeper(found):
    if not found.manager_path:
        return 'no cache manager'
    which = 'this manager' if found.is_asked else f'another {_kind(found)}'
    return f'{found.manager_path} ({which})'


def _kind(found):
    return 'manager' if found.is_ours else f'cache, a {found.manager_kind}'


def _policy(question):
    yield 'Policy', question.policy_id
    yield 'Its ETag', question.etag
    yield 'Entity-tag to send', question.tag
    for name, value in question.headers:
        yield name.title(), value


def _stored(found):
    page = found.page
    yield 'Stored', 'yes'
    yield 'Rendered', moment(page.created)
    yield 'Age', figures.age_text(time.time() - page.created)
    yield 'Size', figures.size_text(page.size)
    yield 'Compressed', ', '.join(
        name for name, data in page.codings if data) or 'no'
    if found.counts is not None:
        for name, label in (
                ('hits', 'Hits of this URL'), ('misses', 'Misses of this URL'),
                ('entries', 'Pages of this URL')):
            yield label, figures.number_text(found.counts[name])


def _absence(found):
    if found.outcome.forward == 'vary-miss':
        return 'only for requests with other headers'
    return 'no'


def _key(question):
    for name, value in question.key:
        if name in _WORDS:
            value = _WORDS[name](value, question)
        elif name not in KEY:  # what the kind of site adds
            value = value and digest(value)
        yield KEY.get(name, name), value


def _versions(question):
    for name, value in question.versions:
        yield VERSIONS.get(name, f'Template {name}'), value


def _whose(value, question):
    """Return among whom the page is shared; sessions are not named."""
    if question.sharing == 'all':
        if question.has_session:
            return 'a session alone'
        if value:
            return 'anonymous visitors to whom the site gives more rights'
        return 'all anonymous visitors'
    roles = ', '.join(question.roles)
    who = {
        'user': f'{question.user} alone, with the roles {roles}',
        'roles': f'all with the roles {roles}',
        'etag': 'all for whom the policy has this ETag',
    }[question.sharing]
    return f'{who}, in a session' if question.has_session else who


def _listed(pairs):
    return ', '.join(
        f'{name}: {"not shown" if value and _SECRET.search(name) else value}'
        for name, value in pairs)


_WORDS = {
    'kind': lambda value, question: CALLED[value],
    'viewed': lambda value, question: 'yes' if value else 'no',
    'listed': lambda value, question: 'yes' if value else 'no',
    'language': lambda value, question: value or 'the same for all',
    'partition': _whose,
    'headers': lambda value, question: _listed(question.request_headers),
    'cookies': lambda value, question: _listed(question.cookies),
    # these may be cookies of the visitor as well
}
