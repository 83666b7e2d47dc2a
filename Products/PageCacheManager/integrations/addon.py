"""Installs the Plone add-on in a site, and uninstalls it.

Existing objects stay as they are, so a second installation adds only missing
ones.  A record in the registry lists the added objects, and uninstalling
removes only these.
"""
import logging

from Acquisition import aq_get
from Acquisition import aq_inner
from Acquisition import aq_parent
from plone.base.interfaces import INonInstallable
from plone.registry import Record
from plone.registry.field import Choice
from plone.registry.field import List
from plone.registry.field import TextLine
from plone.registry.interfaces import IRegistry
from Products.statusmessages.interfaces import IStatusMessage
from zope.component import getUtility
from zope.interface import implementer

from ..cmf import presets
from ..cmf.policy import policy_manager
from ..interfaces import IPageCacheManager
from ..key.versions import path_of
from ..manager.associated import below
from ..manager.associated import naming
from ..manager.associated import take_all_away
from ..PageCacheManager import PageCacheManager
from . import vocabulary
from .addon_pages import FORMER_POLICIES
from .addon_pages import POLICIES
from .addon_pages import VIEWS
from .caching import PageCacheOperation


logger = logging.getLogger(__name__)

MANAGER_ID = 'page_cache'
TITLE = 'Page Cache'

#: Prefix of the names of all our records in the registry.
PREFIX = 'Products.PageCacheManager.'

#: Record of added objects: ``manager``, ``policy NAME``, ``view NAME``.
ADDED = f'{PREFIX}added'


@implementer(INonInstallable)
class HiddenProfiles:
    """Hides the profiles that are not for installation as add-ons."""

    def getNonInstallableProfiles(self):
        return [f'Products.PageCacheManager:{name}'
                for name in ('uninstall', 'caching')]


def install(tool):
    """Add the manager, its views and policies, unless they exist.

    Raises ValueError if another object has the manager's id.
    """
    site = aq_parent(aq_inner(tool))
    _note(site, [
        *_add_manager(site), *_add_views(site[MANAGER_ID]),
        *_add_policies(site)])
    _add_options(site)
    _tell(site, (
        'Page Cache Manager is installed: pages of visitors and members come '
        'from memory from now on. See "Page cache" in Site Setup.'), 'info')


def add_policies(tool):
    """Add the missing policies."""
    site = aq_parent(aq_inner(tool))
    _note(site, _add_policies(site))


def remove_option(tool):
    """Remove the option *Pages show* of the operation, for all rulesets."""
    records = _records(aq_parent(aq_inner(tool)))
    prefix = f'{PageCacheOperation.prefix}.'
    for name in [
            name for name in records
            if name.startswith(prefix) and name.endswith('.shows')]:
        del records[name]


def renew_policies(tool):
    """Replace the unchanged policies of earlier profiles.

    Also give the operation's form a choice of managers.
    """
    site = aq_parent(aq_inner(tool))
    policies = _policies(site)
    former = [
        place for place, (name, policy) in enumerate(policies.listPolicies())
        if FORMER_POLICIES.get(name) == presets.digest_of(policy)]
    names = _policy_names(policies)
    for place in former:
        policies.removePolicy(names[place])
    _note(site, _add_policies(site))
    if former:  # the site's own policies stay after ours
        for name in reversed(POLICIES):
            while _policy_names(policies).index(name) > former[0]:
                policies.movePolicyUp(name)
    _add_options(site)


def uninstall(tool):
    """Remove the added objects: the manager or its views, and policies."""
    site = aq_parent(aq_inner(tool))
    records = _records(site)
    added = set(records[ADDED].value if ADDED in records else ())
    if IPageCacheManager.providedBy(site.get(MANAGER_ID)):
        if 'manager' in added:
            take_all_away(site[MANAGER_ID])
            site._delObject(MANAGER_ID)
        else:
            _remove_views(site[MANAGER_ID], added)
    _remove_policies(site, added)
    for name in [name for name in records if name.startswith(PREFIX)]:
        del records[name]
    _warn_of_remains(site)


def _warn_of_remains(site):
    """Name the remaining managers and templates, in the log and on the page.
    """
    remains = [
        path_of(ob) for ob in below(site)
        if IPageCacheManager.providedBy(ob)
        or getattr(naming(ob), 'manager', None) is not None]
    if not remains:
        return
    text = (
        'These Page Cache Managers, and templates that name one, remain: '
        f'{", ".join(remains)}. Delete the managers before you remove the '
        'package. Otherwise these templates fail.')
    logger.warning(text)
    _tell(site, text, 'warning')


def _tell(site, text, kind):
    """Show a message on the next page, if there is a request."""
    messages = IStatusMessage(aq_get(site, 'REQUEST', None), None)
    if messages is not None:
        messages.add(text, type=kind)


def _add_manager(site):
    present = site.get(MANAGER_ID)
    if IPageCacheManager.providedBy(present):
        return
    if present is not None:
        raise ValueError(
            f'{MANAGER_ID!r} is already the id of {present.Title()!r}. '
            'Rename that object and install again.')
    site._setObject(MANAGER_ID, PageCacheManager(MANAGER_ID, TITLE))
    yield 'manager'


def _add_views(manager):
    """Associate the views whose names are not associated yet."""
    present = manager.getViews()
    named = {view['name'] for view in present}
    missing = [view for view in VIEWS if view[0] not in named]
    if missing:
        manager.manage_editViews([*present, *missing])
    return [f'view {" ".join(view)}' for view in missing]


def _remove_views(manager, added):
    manager.manage_editViews([
        view for view in manager.getViews()
        # earlier releases recorded one more word for some views
        if added.isdisjoint(
            ' '.join(('view', *view.values(), *shows))
            for shows in ((), ('item',), ('folder',), ('site',)))])


def _policies(site):
    """Return the site's caching policy manager; add one if there is none.
    """
    if policy_manager(site) is None:
        presets.add_manager(site)
    return policy_manager(site)


def _add_policies(site):
    policies = _policies(site)
    present = _policy_names(policies)
    for name, values in POLICIES.items():
        if name not in present:
            policies.addPolicy(name, **values)
            yield f'policy {name}'


def _remove_policies(site, added):
    policies = policy_manager(site)
    for name in () if policies is None else _policy_names(policies):
        if f'policy {name}' in added:
            policies.removePolicy(name)


def _add_options(site):
    """Add the record for the operation's option in the control panel.

    The text field of an earlier release is replaced by a choice.
    """
    records = _records(site)
    name = f'{PageCacheOperation.prefix}.manager'
    if name in records and isinstance(records[name].field, Choice):
        return
    chosen = records[name].value if name in records else ''
    known = [term.value for term in vocabulary.managers_of_site(site)]
    if chosen in (None, *known):
        records[name] = Record(Choice(
            title='Page Cache Manager', required=False,
            description='The manager that stores the pages.',
            vocabulary=vocabulary.NAME), chosen or '')


def _policy_names(policies):
    return [name for name, _ in policies.listPolicies()]


def _records(site):
    return getUtility(IRegistry, context=site).records


def _note(site, added):
    """Record added objects in the registry, with those of earlier calls."""
    records = _records(site)
    if ADDED not in records:
        records[ADDED] = Record(List(
            title='Objects that installing the page cache has added',
            value_type=TextLine()), [])
    record = records[ADDED]
    record.value = sorted({*record.value, *added})
