"""Caching policies that are ready for use, and descriptions of a site's own.
"""
from typing import NamedTuple

from AccessControl import getSecurityManager
from Acquisition import aq_base
from Products.CMFCore.CachingPolicyManager import CachingPolicy
from Products.CMFCore.CachingPolicyManager import (
    manage_addCachingPolicyManager,
)
from Products.CMFCore.interfaces import ITypesTool
from Products.CMFCore.permissions import ManagePortal
from zope.component import queryUtility

from ..core.key import digest
from . import expressions
from . import policy as policies_of_cmf


class Preset(NamedTuple):
    """A policy that can be added as it is."""

    title: str
    help: str
    predicate: str
    etag: str
    is_private: bool = True


#: The predicate for policies that count only for pages of our managers.
_OURS = 'exists:page_cache'

#: Presets by the id of the policy.  The first one suits most pages.
PRESETS = {
    'page_cache_pages': Preset(
        'Any page',
        'Each user has separate pages. Data from outside the database are at '
        'most an hour old.',
        _OURS, 'string:${etag/user}|${etag/hour}'),
    'page_cache_anonymous': Preset(
        'Pages of anonymous visitors alone',
        'Pages of logged-in users are not kept.',
        "python: member is None and exists('page_cache')",
        'etag/hour', is_private=False),
    'page_cache_roles': Preset(
        'Pages that show no names',
        'Users with the same roles have the same ETag. They share pages if '
        '"Page sharing" on the Properties tab says so.',
        _OURS, 'string:${etag/roles}|${etag/hour}'),
    'page_cache_minutes': Preset(
        'Pages with data from outside the database',
        'As the first one, but data from outside the database are at most '
        'five minutes old.',
        _OURS, "python: etag.user() + '|' + etag.period(300)"),
}


class Described(NamedTuple):
    """The description of a policy of a site."""

    policy_id: str
    predicate: str
    etag: str
    #: Whether it sets no-store.
    forbids: bool


def may_add(place):
    """Return whether the user may add policies, and their manager, here."""
    return bool(getSecurityManager().checkPermission(ManagePortal, place))


def add_manager(folder):
    """Add a caching policy manager to a folder that has none of its own."""
    if getattr(aq_base(folder), 'caching_policy_manager', None) is None:
        manage_addCachingPolicyManager(folder)


def add(policies, policy_id):
    """Add a preset after all policies, unless a policy has its id."""
    if policy_id not in [name for name, _ in policies.listPolicies()]:
        policies.addPolicy(policy_id, **_values(policy_id))


def try_out(policy_id, content, view_name, keywords, request, manager_id):
    """Return the item of :func:`.policy.each` for a preset."""
    values = _values(policy_id)
    return next(policies_of_cmf.each_of(
        [(policy_id, CachingPolicy(policy_id, **values))], content,
        view_name, keywords, request, manager_id))


def _values(policy_id):
    preset = PRESETS[policy_id]
    return {
        'predicate': preset.predicate, 'mtime_func': 'nothing',
        'max_age_secs': 0, 'no_cache': 0, 'no_store': 0,
        'must_revalidate': 1, 'vary': '', 'etag_func': preset.etag,
        'private': int(preset.is_private), 'enable_304s': 1,
        'last_modified': 0}


def digest_of(policy):
    """Return a digest of all attributes of a policy except its id."""
    said = {
        name: getattr(value, 'text', value)
        for name, value in vars(policy).items() if name != '_policy_id'}
    return digest(repr(sorted(said.items())))


def described(policies):
    """Return a :class:`Described` for each policy, in their order."""
    return [
        Described(
            policy_id, policy.getPredicate(),
            policy.__dict__.get('_etag_func', expressions.NONE).text
            if isinstance(policy, CachingPolicy) else '',
            bool(policy.getNoStore()))
        for policy_id, policy in policies.listPolicies()]


def portal_types():
    """Return the ids of all types, None if the site has no types tool."""
    tool = queryUtility(ITypesTool)
    return None if tool is None else frozenset(tool.listContentTypes())
