"""A caching policy manager, and a policy that suits most pages."""
from AccessControl import getSecurityManager
from Acquisition import aq_base
from Products.CMFCore.CachingPolicyManager import (
    manage_addCachingPolicyManager,
)
from Products.CMFCore.permissions import ManagePortal


#: The id of the suggested policy.
POLICY_ID = 'page_cache_pages'

#: What the README recommends: a page for each user, an hour old at most in
#: what is not of the database.
ETAG = (
    "python: '%s|%d' % (member and member.getId() or '', "
    'int(time.timeTime()) // 3600)')


def may_add(place):
    """Return whether the user may add policies, and their manager, here."""
    return bool(getSecurityManager().checkPermission(ManagePortal, place))


def add_manager(folder):
    """Add a caching policy manager to a folder that has none of its own."""
    if getattr(aq_base(folder), 'caching_policy_manager', None) is None:
        manage_addCachingPolicyManager(folder)


def add_policy(policies):
    """Add the suggested policy behind all others, unless it is there.

    It counts only for pages that a Page Cache Manager keeps.
    """
    names = [name for name, _ in policies.listPolicies()]
    if POLICY_ID in names:
        return
    policies.addPolicy(
        POLICY_ID, predicate='exists:page_cache', mtime_func='nothing',
        max_age_secs=0, no_cache=0, no_store=0, must_revalidate=1, vary='',
        etag_func=ETAG, private=1, enable_304s=1, last_modified=0)
