"""The Explain screen: what the cache would do with a page now, and why."""
from ...core.attempt import FAILED
from ...core.attempt import attempt
from ...core.reasons import explained
from ...interfaces import IPageCacheManager
from ..page import cut
from ..page import render
from ..page import template
from . import rows
from .inquiry import Inexplicable
from .inquiry import looked_up


OUTCOMES = {
    'HIT': ('success', 'The stored page is the answer.'),
    'MISS': (
        'warning', 'No page is stored for this. It would be rendered, and '
        'kept if nothing in the response forbids it.'),
    'NO-ETAG': ('info', 'It would be rendered, and not kept.'),
    'BYPASS': ('secondary', 'It would be rendered, past the cache.'),
    'OFF': ('dark', 'It would be rendered.'),
}

_page = template('explain.zpt')


def explain(manager, request):
    """Return the Explain screen, with an answer if a path was typed."""
    path, visitor = (_typed(request, name) for name in ('path', 'visitor'))
    result = {}
    if 'path' in request.form:
        result = attempt(
            None, 'explain', _explanation, manager, request, path,
            visitor == 'anonymous')
    if result is FAILED:
        result = {'error': (
            'The cache could not tell. The event log has the traceback.')}
    return render(
        _page, manager, request, 'Explain', path=path, visitor=visitor,
        **result)


def _typed(request, name):
    value = request.form.get(name)
    return value if isinstance(value, str) else ''


def _explanation(manager, request, path, as_anonymous):
    """Return answer and sections of the screen, or an error."""
    try:
        with looked_up(request, path, as_anonymous) as finding:
            return {
                'answer': (
                    _not_asked(finding) if finding.exchange is None
                    else _answer(finding.exchange)),
                'sections': list(_sections(finding, manager))}
    except Inexplicable as error:
        return {'error': cut(str(error))}


def _not_asked(finding):
    """Return the answer where no manager of ours was asked."""
    answer = {'word': 'Not kept', 'color': 'secondary'}
    manager = finding.manager
    if IPageCacheManager.providedBy(manager):
        text = 'It is associated, but did not ask the cache.'
    elif manager is not None:
        text = (f'It is associated with a {manager.meta_type}, which keeps '
                'no whole pages.')
    else:
        text = 'No cache manager keeps this page.'
        answer['advice'] = _how_to_associate(finding)
    return {**answer, 'text': text}


def _how_to_associate(finding):
    if finding.content is None:
        return (
            'Page templates and browser views can be kept. If what is '
            'published calls a template that is associated, and gives what '
            'that renders as it is, the page is kept all the same.')
    if finding.origin is not None and finding.origin.kind == 'view':
        return 'Associate the view at the Views tab.'
    return ('Associate the template, at the Associate tab here or at its '
            'own Cache tab.')


def _answer(exchange):
    """Return the outcome of the dry run in words."""
    step = exchange.step
    word, reason = step.outcome.word, step.outcome.detail
    color, text = OUTCOMES[word]
    refusal = _last_refusal(exchange)
    if refusal:
        reason, text = refusal, 'It was rendered lately, and not kept.'
    answer = {
        'word': word, 'color': color, 'text': text, 'reason': reason,
        'failure': cut(step.failure or _caught(exchange))}
    if reason:
        answer['meaning'], answer['advice'] = explained(reason)
    return answer


def _last_refusal(exchange):
    """Return why the page was not kept at its last rendering, '' if unknown.
    """
    if exchange.step.outcome.word != 'MISS':
        return ''
    return exchange.cache.flights.last_refusal(exchange.key.index_for(
        exchange.request, rows.varies(exchange.step)))


def _caught(exchange):
    """Return the failure that the stored page shows, '' if none is known."""
    page = exchange.step.page
    if page is None or not page.shows_failure:
        return ''
    return exchange.cache.caught.of(exchange.key.page_id)


def _sections(finding, manager):
    exchange = finding.exchange
    yield _section('The page', rows.of_page(finding, manager))
    if exchange is None or exchange.policy is None or exchange.step.failure:
        return
    yield _section('Caching policy', rows.of_policy(exchange))
    if exchange.step.outcome.word in ('HIT', 'MISS'):
        yield _section('The stored page', rows.of_store(exchange))
    if exchange.key.parts is not None:
        yield _section(
            'The key', rows.of_key(exchange),
            'A stored page is given where all of this is the same.')
        yield _section(
            'Versions in the key', rows.of_versions(exchange),
            'With any change of these a new page is rendered.')


def _section(title, pairs, note=''):
    return {
        'title': title, 'note': note,
        'rows': [(label, cut(str(value)) or '\u2013')
                 for label, value in pairs]}
