"""Asks CMF's caching policies, once for each page.

CMF itself asks them twice: for headers, and for a conditional request.  It
does so only for filesystem templates.  This module asks them once, for every
kind of template, and `guard` keeps CMF from asking again.
"""
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import replace
from functools import lru_cache
from functools import partial

from Acquisition import aq_base
from Acquisition import aq_chain
from DateTime import DateTime
from Products.CMFCore.CachingPolicyManager import CachingPolicy
from Products.CMFCore.interfaces import ICachingPolicyManager
from zope.component import queryUtility
from zope.datetime import rfc1123_date

from ..core.http.conditional import parse_date
from . import expressions


#: Control characters: they would end a header value.
_CONTROLS = dict.fromkeys([*range(32), 127])

#: Attributes of a policy and their part of Cache-Control, in CMF's order.
_CONTROL = {
    '_max_age_secs': 'max-age=%d',
    '_s_max_age_secs': 's-maxage=%d',
    '_no_cache': 'no-cache',
    '_no_store': 'no-store',
    '_public': 'public',
    '_private': 'private',
    '_must_revalidate': 'must-revalidate',
    '_proxy_revalidate': 'proxy-revalidate',
    '_no_transform': 'no-transform',
    '_pre_check': 'pre-check=%d',
    '_post_check': 'post-check=%d',
}


@dataclass
class Answer:
    """The result of the first policy that fits a page."""

    #: Lower-case names to values; ETag, Last-Modified and the Expires that
    #: follows from `max_age_secs` are left out.
    headers: dict[str, str]
    #: The raw value of the policy's ETag, '' if it has none.
    etag: str
    #: Whether conditional requests may be answered with 304.
    allows_304: bool
    #: The expression for the date, '' for none.  It is in the key, so pages
    #: with a date from another expression are not used.
    date_rule: str = ''
    #: Returns the date as text, '' for none.
    find_date: Callable[[], str] = str
    #: The seconds from now to Expires, None for no Expires.
    max_age_secs: int | None = None
    #: The id of the policy in CMF.
    policy_id: str = ''

    def date(self):
        """Return Last-Modified in seconds since 1970, or None.

        The expression is evaluated in this call, so call it at most once.
        Most answers need no call: a stored page has its date.
        """
        return parse_date(self.find_date())

    def without_date(self):
        """Return this answer without its date.

        `find_date` refers to objects of a connection.
        """
        return replace(self, find_date=str)

    def headers_at(self, now):
        """Return the headers to send at `now`, in seconds since 1970."""
        if self.max_age_secs is None:
            return self.headers
        return {
            'expires': _date_text(int(now + self.max_age_secs)),
            **self.headers}


@lru_cache(maxsize=64)
def _date_text(secs):
    """Return a date in the format of Expires.

    The requests of the same second share the result.
    """
    return rfc1123_date(secs)


def policy_manager(content):
    """Return the caching policy manager for `content`, or None.

    An object with its name counts only if it provides the interface.
    """
    for place in aq_chain(content):
        # content searches many places for an attribute, which is expensive
        if hasattr(type(aq_base(place)), '_getOb'):
            manager = place._getOb('caching_policy_manager', None)
            if ICachingPolicyManager.providedBy(manager):
                return manager
    return queryUtility(ICachingPolicyManager)


def ask(content, view_name, keywords, request, manager_id=''):
    """Return the :class:`Answer` for a view of `content`, or None.

    `keywords` is a function that returns the keywords for a request; CMF
    gives these to its expressions.  `manager_id` is the id of the manager
    that stores the page, which CMF does not know.  None means that no policy
    fits.  Raises the errors of the expressions.
    """
    manager = policy_manager(content)
    if manager is None:
        return None
    policies = manager.listPolicies()
    context = expressions.context(
        content, view_name, keywords, request,
        expressions.named_by(policies), manager_id)
    for policy_id, policy in policies:
        answer = _answer(policy, context)
        if answer is not None:
            answer.policy_id = policy_id
            return answer
    return None


def each(content, view_name, keywords, request, manager_id=''):
    """Yield the id of each policy with two functions, in the order of `ask`.

    The first function returns whether the policy may fit.  The second returns
    its :class:`Answer`, or None.  Both raise the errors of its expressions.
    """
    manager = policy_manager(content)
    yield from each_of(
        () if manager is None else manager.listPolicies(), content,
        view_name, keywords, request, manager_id)


def each_of(policies, content, view_name, keywords, request, manager_id=''):
    """Yield the items of `each` for `policies`, pairs of id and policy."""
    context = expressions.context(
        content, view_name, keywords, request,
        expressions.named_by(policies), manager_id)
    for policy_id, policy in policies:
        yield (policy_id, partial(_may_fit, policy, context),
               partial(_answer, policy, context))


def _may_fit(policy, context):
    return type(policy) is not CachingPolicy or policy._predicate(context)


def reads_request(content):
    """Return whether an expression of the policies names the request.

    Code that an expression calls may read the request even if none names it.
    True without a caching policy manager.
    """
    manager = policy_manager(content)
    return manager is None or 'request' in expressions.named_by(
        manager.listPolicies())


def _answer(policy, context):
    """Return the :class:`Answer` of one policy, None if it does not fit.

    None also if the policy gives no header.  The result is as in
    `CachingPolicy.getHeaders`, but the date is evaluated later, on demand.
    """
    if type(policy) is not CachingPolicy:
        return _answer_of_its_own(policy, context)
    if not policy._predicate(context):
        return None
    state, headers = policy.__dict__, {}
    max_age_secs = policy._max_age_secs
    if policy._no_cache:
        headers['pragma'] = 'no-cache'
    control = _cache_control(*map(state.get, _CONTROL))
    if control:
        headers['cache-control'] = control
    if state.get('_vary'):
        headers['vary'] = header_text(policy._vary)
    find_etag = state.get('_etag_func', expressions.NONE)
    etag = find_etag(context) if find_etag.text else ''
    if type(etag) is not str:
        etag = _tag_text(etag)
    rule, find_date = '', partial(str, '')
    if state.get('_last_modified', 1):
        rule, find_date = policy._mtime_func.text, partial(
            _date, policy, context)
    if not headers and not find_etag.text and max_age_secs is None:
        date = find_date()
        if not date:
            return None
        find_date = partial(str, date)
    return Answer(
        headers, etag, bool(state.get('_enable_304s')), rule, find_date,
        max_age_secs)


@lru_cache(maxsize=256)
def _cache_control(*values):
    """Return the Cache-Control for the values of attributes in `_CONTROL`."""
    control = []
    for value, text in zip(values, _CONTROL.values(), strict=True):
        if '%' not in text:
            if value:
                control.append(text)
        elif value is not None:
            control.append(text % value)
    return ', '.join(control)


def _date(policy, context):
    """Return the Last-Modified of a policy, '' if it gives none."""
    moment = policy._mtime_func(context)
    if isinstance(moment, str):
        moment = DateTime(moment)
    return '' if moment is None else rfc1123_date(moment.timeTime())


def _answer_of_its_own(policy, context):
    """Return the :class:`Answer` of a policy of another class."""
    headers = {
        name.lower(): value for name, value in policy.getHeaders(context)}
    if not headers:
        return None
    etag = _tag_text(headers.pop('etag', None))
    for name, value in headers.items():
        headers[name] = header_text(value)
    date = headers.pop('last-modified', '')
    return Answer(
        headers, etag, bool(policy.getEnable304s()), '', partial(str, date))


def _tag_text(value):
    if value is None or value is False:
        return ''
    if isinstance(value, bytes):
        return value.decode('latin-1')
    return str(value)


def header_text(value):
    """Return `value` as text that is valid in a header."""
    text = value.decode('latin-1') if isinstance(value, bytes) else str(value)
    if text.isascii() and text.isprintable():
        return text
    text = text.translate(_CONTROLS)
    return text.encode('latin-1', 'replace').decode('latin-1')
