"""The Policies screen: caching policies with their counts and warnings."""
import re
import time

from Acquisition import aq_inner
from Acquisition import aq_parent
from zExceptions import Unauthorized

from ..cmf import policy
from ..cmf import presets
from ..core.attempt import FAILED
from ..core.attempt import attempt
from ..core.reasons import Reason
from ..core.report.statistics import number_text
from ..core.report.statistics import readable_url
from ..key.trace import tried_with
from ..manager import caches
from .explain.inquiry import Inexplicable
from .explain.inquiry import looked_up
from .page import cut
from .page import cut_in_the_middle
from .page import edit_url
from .page import moment
from .page import render
from .page import template
from .page import typed
from .translation import _


#: With fewer requests there is no warning about policies that were not
#: reached, or about ETags that are always new.
MIN_REQUESTS = 50

#: In this time an ETag that names the hour changes at least twice.
LASTING_SECS = 2 * 3600 + 60

#: Reasons for which a stored page is dropped although its ETag is the same.
_DROPPED = (
    Reason.CONTENT_CHANGED, Reason.ANSWER_CHANGED, Reason.COMMITTED)

_NAMES = re.compile(r'\w+')

_page = template('policies.zpt')


def policies(manager, request, message='', kind='success'):
    """Return the Policies screen."""
    found = policy.policy_manager(aq_parent(aq_inner(manager)))
    chosen, path = (typed(request, name) for name in ('preset', 'path'))
    tried = {}
    if chosen in presets.PRESETS and path:
        tried = attempt(
            None, 'policies', _tried, manager, request, chosen, path)
        if tried is FAILED:
            tried = {'error': _(
                'This failed. The event log has the traceback.')}
    return render(
        _page, manager, request, 'Policies', message, kind,
        edit=edit_url(found) if found is not None else '',
        rows=[] if found is None else _rows(manager, found),
        presets=[
            {'id': name, 'title': _(preset.title),
             'help': _(preset.help),
             'predicate': preset.predicate, 'etag': preset.etag,
             'is_chosen': name == chosen}
            for name, preset in presets.PRESETS.items()],
        may_add=found is not None and presets.may_add(found),
        path=path, tried=tried)


def _rows(manager, found):
    cache = caches.cache_of(manager)
    counts = cache.tally.of_policies()
    total = sum(counts.values())
    return [
        _row(one, cache, counts, total) for one in presets.described(found)]


def _row(one, cache, counts, total):
    own = {(word, detail): count for (name, word, detail), count in (
        counts.items()) if name == one.policy_id}
    hits, misses = (
        sum(count for (word, _), count in own.items() if word == wanted)
        for wanted in ('HIT', 'MISS'))
    others = sum(own.values()) - hits - misses
    return {
        'id': one.policy_id,
        'predicate': cut(one.predicate) or _('always'),
        'etag': cut(one.etag) or _('none'),
        'hits': number_text(hits),
        'misses': number_text(misses),
        'others': number_text(others),
        'warnings': [
            *_of_expressions(one, cache),
            *_of_requests(one, own, hits, misses, total, cache.since),
            *_of_users(one, cache)]}


def _of_expressions(one, cache):
    """Yield warnings about the settings of a policy."""
    failure = cache.policy_failures.get(one.policy_id)
    if failure is not None:
        at, expression, line = failure
        yield _('${time}: ${expression} failed: ${error}', mapping={
            'time': moment(at), 'expression': expression,
            'error': cut(line)})
    if one.forbids:
        yield _('It sets no-store, so its pages are never kept.')
    if not one.etag:
        yield _('It has no ETag, so its pages are not kept.')
    if 'etag' in _NAMES.findall(one.etag) and (
            'page_cache' not in one.predicate):
        yield _(
            'Its ETag has "etag", which CMF does not know: filesystem '
            'templates without a manager fail with it. Its predicate should '
            'say exists:page_cache.')


def _of_requests(one, own, hits, misses, total, since):
    """Yield warnings from the counts of a policy.

    `since` is the start of counting, in seconds since 1970.
    """
    new = own.get(('MISS', 'etag-changed'), 0)
    if new >= MIN_REQUESTS and new > 2 * hits:
        yield _(
            '${new} of ${all} requests had another ETag than the one before. '
            'Does the expression name something that is new each time, such '
            'as the second?', mapping={
                'new': number_text(new), 'all': number_text(hits + misses)})
    dropped = sum(own.get(('MISS', reason), 0) for reason in _DROPPED)
    if one.etag and not new and dropped >= MIN_REQUESTS and (
            time.time() - since >= LASTING_SECS):
        yield _(
            'Its ETag never changed, while ${number} pages were rendered anew '
            'since their content changed. That is right for pages of objects '
            'in the database. If its pages show the time or data from '
            'elsewhere, name a period.', mapping={
                'number': number_text(dropped)})
    if not own and total >= MIN_REQUESTS:
        yield _(
            'None of ${number} requests reached it. An earlier policy may fit '
            'all its pages.', mapping={'number': number_text(total)})


def _of_users(one, cache):
    """Yield warnings that a visitor may get the page of another visitor."""
    url = cache.policies_without_user.get(one.policy_id)
    if url is not None:
        yield _(
            '${url} differs between users who have the same ETag. "Page '
            'sharing" keeps their pages apart. Let the ETag name the user '
            'before you choose "users with the same ETag" there.', mapping={
                'url': cut_in_the_middle(readable_url(url))})
    found = [
        finding for finding in cache.audits.findings()
        if finding.policy == one.policy_id and not finding.is_by_itself]
    if found:
        number = {'number': number_text(len(found))}
        yield _(
            'The audit dropped ${number} of its pages, since a render gave '
            'another one (Statistics tab). Does its ETag name the user?',
            mapping=number) if any(finding.whose for finding in found) else _(
                'The audit dropped ${number} of its pages, since a render '
                'gave another one (Statistics tab).', mapping=number)


def _tried(manager, request, policy_id, path):
    """Return the result of a preset for a page, or an error."""
    try:
        with looked_up(request, path) as finding:
            origin = finding.origin
            if origin is None:
                return {'error': _('This is neither a template nor a view.')}
            asked = request if finding.exchange is None else (
                finding.exchange.request)
            tried = tried_with(*presets.try_out(
                policy_id, origin.context, origin.name, origin.keywords,
                asked, manager.getId()))
    except Inexplicable as error:
        return {'error': cut(str(error))}
    if tried.failed:
        return {'error': _('${expression} failed: ${error}', mapping={
            'expression': tried.failed, 'error': cut(str(tried.error))})}
    if not tried.fits:
        return {'text': _(
            'The policy does not fit your request for this page.')}
    return {'text': _('The ETag of this page is: ${etag}', mapping={
        'etag': cut(tried.etag)})}


def add_policy(manager, preset):
    """Add a preset after all policies of the site.

    Raises ValueError if `preset` is no preset, or if there is no caching
    policy manager.  Raises Unauthorized if this user may not add policies.
    """
    if not isinstance(preset, str) or preset not in presets.PRESETS:
        raise ValueError(
            f'The preset is none of {", ".join(presets.PRESETS)}.')
    found = policy.policy_manager(aq_parent(aq_inner(manager)))
    if found is None:
        raise ValueError('There is no caching_policy_manager here.')
    if not presets.may_add(found):
        raise Unauthorized('You may not add caching policies here.')
    presets.add(found, preset)
