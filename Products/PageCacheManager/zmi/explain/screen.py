"""The Explain screen: the answer of the cache to a GET, and the reason."""
import json

from ...cmf import policy
from ...core.attempt import FAILED
from ...core.attempt import attempt
from ...core.key import row_id
from ...core.reasons import explained
from ...interfaces import IPageCacheManager
from ...key.key import variant_names
from ...key.versions import path_of
from ...origin.template import is_template
from .. import history
from ..history import may_know
from ..page import cut
from ..page import edit_url
from ..page import render
from ..page import template
from ..page import typed
from ..translation import translated
from . import compared
from . import made_from
from . import rows
from .inquiry import Inexplicable
from .inquiry import UnknownUser
from .inquiry import looked_up
from .inquiry import user_named
from .rendered import render_now


OUTCOMES = {
    'HIT': ('success', 'The cache would send the stored page.'),
    'MISS': (
        'warning', 'No page is stored for this request. Zope would render '
        'it, and the cache would store it unless the response forbids it.'),
    'NO-ETAG': (
        'info', 'Zope would render the page; the cache would not store it.'),
    'BYPASS': ('secondary', 'Zope would render the page without the cache.'),
    'OFF': ('dark', 'Zope would render the page without the cache.'),
}

_page = template('explain.zpt')


def explain(manager, request, renders=False):
    """Return the Explain screen, with an answer if a path was typed.

    With `renders` the page is rendered too.
    """
    asked = _asked(manager, request) if 'path' in request.form else {}
    user = typed(request, 'user')
    if renders and 'answer' in asked and not user:
        asked['rendered'] = render_now(
            request, typed(request, 'path'), _is_anonymous(request))
    return render(
        _page, manager, request, 'Explain', path=typed(request, 'path'),
        visitor=typed(request, 'visitor'), other=typed(request, 'other'),
        other_visitor=typed(request, 'other_visitor'), user=user,
        language=None,  # its texts are English, as those of Zope
        **asked)


def explain_json(manager, request):
    """Return the content of the screen as JSON, for programs."""
    request.response.setHeader('Content-Type', 'application/json')
    return json.dumps(_asked(manager, request))


def _asked(manager, request):
    """Return the explanation that a form asks for, or an error."""
    names_reads = bool(typed(request, 'made_from')) and may_know(manager)
    result = attempt(
        None, 'explain', _explanation, manager, request,
        typed(request, 'path'), _is_anonymous(request), names_reads)
    return result if result is not FAILED else {
        'error': 'The explanation failed. The event log has the traceback.'}


def _is_anonymous(request):
    return typed(request, 'visitor') == 'anonymous'


def _explanation(manager, request, path, as_anonymous, names_reads):
    """Return answer and sections of the screen, or an error.

    With `names_reads` the sections include the sources of a stored page.
    """
    user = typed(request, 'user').strip()
    try:
        as_user = user_named(manager, user) if user else None
        as_anonymous = as_anonymous and as_user is None
        with looked_up(request, path, as_anonymous, as_user) as finding:
            found = {
                'answer': (
                    _not_asked(finding) if finding.exchange is None
                    else _answer(finding.exchange)),
                'has_page': _page_of(finding) is not None,
                'sections': list(_sections(finding, manager, names_reads)),
                'requests': _requests(finding)}
            parts = compared.parts_of(finding.exchange)
    except UnknownUser as error:
        return {'user_error': str(error), 'error': str(error)}
    except Inexplicable as error:
        return {'error': cut(str(error))}
    other = typed(request, 'other')
    other_visitor = typed(request, 'other_visitor')
    if other or other_visitor:
        try:
            found['sections'].insert(0, _section(
                'Compared', compared.of_other(
                    request, parts, other or path,
                    other_visitor == 'anonymous' if other_visitor
                    else as_anonymous, None if other_visitor else as_user),
                'Requests share a page if no part of the key differs.'))
        except Inexplicable as error:
            found['other_error'] = cut(str(error))
    return found


def _not_asked(finding):
    """Return the answer if no manager of ours was asked."""
    answer = {'word': 'Not cached', 'color': 'secondary'}
    manager = finding.manager
    if IPageCacheManager.providedBy(manager):
        text = 'The template is associated, but did not ask the cache.'
    elif manager is not None:
        text = (f'The template is associated with a {manager.meta_type}, '
                'which does not store whole pages.')
    else:
        gone = is_template(finding.published) and (
            finding.published.ZCacheable_getManagerId())
        text = (f'The template is associated with {gone}, which is gone.'
                if gone else 'No cache manager stores this page.')
        answer['advice'] = _how_to_associate(finding)
    return {**answer, 'text': text}


def _how_to_associate(finding):
    if finding.content is None:
        return (
            'The cache stores pages of page templates and browser views. If '
            'the published code returns the output of an associated template '
            'unchanged, the page is stored, too.')
    if finding.origin is not None and finding.origin.kind == 'view':
        return 'Associate the view on the Views tab.'
    return ('Associate the template on the Associate tab here, or on its '
            'own Cache tab.')


def _answer(exchange):
    """Return the outcome of the dry run in words."""
    step, key, cache = exchange.step, exchange.key, exchange.cache
    word, reason, failure = (
        step.outcome.word, step.outcome.detail, step.failure)
    color, text = OUTCOMES[word]
    if word == 'MISS':
        reason = cache.flights.last_refusal(
            key.index_for(exchange.request, rows.varies(step)))
        if reason:
            text = (
                'Zope rendered the page recently; the cache did not store it.')
    elif step.page is not None and step.page.shows_failure:
        failure = cache.failures.get(row_id(key.page_id), '')
    meaning, advice = explained(reason) if reason else ('', '')
    return {
        'word': word, 'color': color, 'text': text, 'reason': reason,
        'meaning': meaning, 'advice': advice, 'failure': cut(failure)}


def _page_of(finding):
    """Return the stored page, None if there is none."""
    return None if finding.exchange is None else finding.exchange.step.page


def _sections(finding, manager, names_reads):
    exchange = finding.exchange
    yield _section('Page', rows.of_page(finding, manager))
    if exchange is None:
        return
    tried = list(rows.of_policies(exchange))
    if tried:
        yield _section(
            'Policies', tried, 'The first one that fits counts.',
            _policies_of(exchange.origin.context))
    if exchange.policy is None or exchange.step.failure:
        return
    yield _section('Caching policy', rows.of_policy(exchange))
    if exchange.step.outcome.word in ('HIT', 'MISS'):
        yield _section('Stored page', rows.of_store(exchange))
    page = _page_of(finding)
    if names_reads and page is not None:
        yield _section(
            'Made from', made_from.rows(page, manager._p_jar),
            'After a change to any of these the page is rendered again. '
            f'At most {made_from.MAX_SHOWN} objects are shown, those in '
            'folders that the page read too.')
    if exchange.key.parts is not None:
        yield _section(
            'Key', rows.of_key(exchange),
            'Requests share a page if they agree in all of these.',
            is_folded=True)
        yield _section(
            'Versions in the key', rows.of_versions(exchange),
            'After a change to any of these the page is rendered again.',
            is_folded=True)


def _requests(finding):
    """Return the last requests for the page that had to be rendered."""
    exchange = finding.exchange
    if exchange is None:
        return []
    key, origin = exchange.key, exchange.origin
    found = history.of_page(
        exchange.manager, exchange.cache.journal,
        (origin.path, path_of(origin.context), ''),
        () if key is None or key.parts is None else variant_names(exchange))
    # this screen, and its JSON, are in English alone
    return translated(found, None)


def _policies_of(context):
    """Return the URL of the form that edits the policies, '' for none."""
    found = policy.policy_manager(context)
    return '' if found is None else edit_url(found)


def _section(title, pairs, note='', edit='', is_folded=False):
    return {
        'title': title, 'note': note, 'edit': edit, 'is_folded': is_folded,
        'rows': [(label, cut(str(value)) or '\u2013')
                 for label, value in pairs]}
