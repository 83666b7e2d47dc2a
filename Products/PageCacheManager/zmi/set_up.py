"""The steps from a new manager to the first page that it stores."""
from itertools import islice

from AccessControl import getSecurityManager
from Acquisition import aq_base
from Acquisition import aq_inner
from Acquisition import aq_parent
from OFS.Cache import ChangeCacheSettingsPermission as change_cache_settings
from zExceptions import Unauthorized

from ..cmf import policy
from ..cmf import presets
from ..key.trace import trace
from ..manager import caches
from ..manager.associated import free_templates
from ..manager.associated import templates_of
from .page import cut
from .page import edit_url
from .policies import add_policy
from .translation import _


#: Policies are asked for at most so many templates and views.
MAX_SAMPLES = 5

#: Policies are asked for at most so many objects in the folder.
MAX_CONTENTS = 5


def steps_of(manager, request):
    """Return the steps with their state, [] after the first page was stored.
    """
    if caches.cache_of(manager).has_kept_pages:
        return []
    folder = aq_parent(aq_inner(manager))
    templates = templates_of(manager, MAX_SAMPLES)
    samples = [template.getId() for template in templates] + [
        view.name for view in manager.associations()]
    policies = policy.policy_manager(folder)
    return [
        _policy_manager(folder, policies),
        _policy(manager, folder, policies, samples, request),
        _associations(manager, samples),
        _page(folder, templates)]


def problem_of(steps):
    """Return the text of the first step to do, '' if pages can be stored."""
    return next(
        (step['text'] for step in steps[:-1] if not step['is_done']), '')


def _step(title, is_done, text, button='', name='', links=()):
    """Return a step; its form sends `name` if it has a `button`."""
    return {
        'title': title, 'is_done': is_done, 'text': text,
        'button': '' if is_done else button, 'name': name,
        'links': [{'title': title, 'url': url} for title, url in links]}


def _policy_manager(folder, policies):
    if policies is not None:
        return _step(
            _('Caching policies'), True,
            _('A caching_policy_manager is found.'),
            links=[(_('Edit the policies'), edit_url(policies))])
    return _step(
        _('Caching policies'), False,
        _('There is no caching_policy_manager here, so no page has an ETag.'),
        _('Add one here') if presets.may_add(folder) else '', 'policies')


def _contents(folder):
    """Return content to ask policies for: some in the folder, and the folder.
    """
    found = (ob for ob in folder.objectValues() if (
        getattr(aq_base(ob), 'portal_type', None)))
    return [*islice(found, MAX_CONTENTS), folder]


def _policy(manager, folder, policies, samples, request):
    found = [
        next((one for one in trace(
            content, name, lambda request: {}, request, manager.getId())
            if one.fits is not False), None)
        for content in _contents(folder) for name in samples or ['']]
    of_use = [one for one in found if one is not None and (
        one.fits and one.etag)]
    title, links = _('A policy with an ETag'), [] if policies is None else [
        (_('Edit the policies'), edit_url(policies))]
    if of_use:
        return _step(
            title, True, _('Policy ${id} gives pages an ETag.', mapping={
                'id': of_use[0].policy_id}))
    failed = [one for one in found if one is not None and one.failed]
    if failed:
        return _step(title, False, _(
            'The ${expression} of policy ${id} fails: ${error}', mapping={
                'expression': failed[0].failed, 'id': failed[0].policy_id,
                'error': cut(str(failed[0].error))}), links=links)
    without = [one for one in found if one is not None]
    if without:
        return _step(
            title, False, _(
                'Policy ${id} fits and has no ETag, so its pages are not '
                'kept.', mapping={'id': without[0].policy_id}), links=links)
    return _step(
        title, False, _('No policy fits a page of this cache.'),
        _('Add one for each user and hour') if presets.may_add(
            folder if policies is None else policies) else '', 'policy')


def _associations(manager, samples):
    title, url = _('Templates or views'), manager.absolute_url()
    links = [(_('Choose templates'), f'{url}/ZCacheManager_associate'),
             (_('Choose views'), f'{url}/manage_views')]
    if samples:
        return _step(title, True, _('Associated: ${names}', mapping={
            'names': ', '.join(dict.fromkeys(samples[:3])) + (
                ' ...' if len(samples) > 3 else '')}))
    number = len(_templates_to_take(manager))
    return _step(
        title, False, _('None is associated with this cache.'),
        number and (
            _('Associate ${number} templates', mapping={'number': number})
            if number > 1 else _('Associate the template')),
        'templates', links)


def _templates_to_take(manager):
    check = getSecurityManager().checkPermission
    return [
        template for template in free_templates(manager)
        if check(change_cache_settings, template)]


def _page(folder, templates):
    # a template in a skin has no page at its own URL
    pages = [template for template in templates
             if aq_parent(aq_inner(template)) == folder]
    return _step(
        _('The first page'), False, _(
            'This process has kept no page yet. Open a page twice: the header '
            'X-PageCache is MISS, then HIT.'), links=[
            (_('Open ${id}', mapping={'id': page.getId()}),
             page.absolute_url())
            for page in pages[:1]])


def take(manager, step, request):
    """Carry out a step, or all.

    Raises ValueError for an unknown step.  Raises Unauthorized if this user
    may not add policies.
    """
    if step == 'all':
        names = [
            one['name'] for one in steps_of(manager, request)
            if one['button']]
    elif isinstance(step, str) and step in _STEPS:
        names = [step]
    else:
        # without the value of `step`: Zope's error page would not escape it
        raise ValueError(f'The step is none of {", ".join(_STEPS)}, all.')
    for name in names:
        _STEPS[name](manager)


def _add_policies(manager):
    folder = aq_parent(aq_inner(manager))
    if policy.policy_manager(folder) is None:
        if not presets.may_add(folder):
            raise Unauthorized('You may not add caching policies here.')
        presets.add_manager(folder)


def _add_policy(manager):
    add_policy(manager, next(iter(presets.PRESETS)))


def _take_templates(manager):
    for template in _templates_to_take(manager):
        template.ZCacheable_setManagerId(manager.getId())


_STEPS = {
    'policies': _add_policies, 'policy': _add_policy,
    'templates': _take_templates}
