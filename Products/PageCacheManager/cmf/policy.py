"""The one question to CMF's caching policies.

CMF itself asks its policies once for headers and once more for a conditional
request, and only for filesystem templates; here they are asked once, for
every kind of template, and `cmf` keeps it from asking again.  Only these two
and `expressions` know CMFCore.
"""
from Acquisition import aq_base
from Acquisition import aq_chain
from Products.CMFCore.CachingPolicyManager import CachingPolicy
from Products.CMFCore.interfaces import ICachingPolicyManager
from zope.component import queryUtility

from ..core.http.conditional import parse_date
from . import expressions


#: What may not stand in a header value: control characters would end it.
_CONTROLS = dict.fromkeys([*range(32), 127])


class Answer:
    """What the first fitting policy says about one page."""

    __slots__ = (
        'headers', 'etag', 'allows_304', 'date_rule', 'policy_id',
        '_find_date')

    def __init__(self, headers, policy, date_rule='', find_date=str):
        #: Lower-case names to values, ETag and Last-Modified left out.
        self.headers = values = {}
        for name, value in headers:
            values[name.lower()] = value
        #: The raw value of the policy's ETag, '' if it has none.
        self.etag = _tag_text(values.pop('etag', None))
        for name, value in values.items():
            values[name] = header_text(value)
        date = values.pop('last-modified', None)
        #: Whether conditional requests may be answered with 304.
        self.allows_304 = bool(policy.getEnable304s())
        #: By which rule the date is found: pages with a date by another
        #: rule are not used.
        self.date_rule = date_rule
        #: Under which id CMF keeps the policy.
        self.policy_id = ''
        self._find_date = find_date if date is None else lambda: date

    def date(self):
        """Return Last-Modified in seconds since 1970, or None.

        It may be evaluated only now, so it is to be asked for once: most
        answers are stored pages and have the date that they were sent with.
        """
        return parse_date(self._find_date())


def find_manager(content):
    """Return the caching policy manager for `content`, or None.

    What is acquired under its name counts only if it says that it is one.
    """
    for place in aq_chain(content):
        # to ask content itself, which may look far, is dear
        if hasattr(type(aq_base(place)), '_getOb'):
            manager = place._getOb('caching_policy_manager', None)
            if ICachingPolicyManager.providedBy(manager):
                return manager
    return queryUtility(ICachingPolicyManager)


def ask(content, view_name, keywords, request, manager_id=''):
    """Return the :class:`Answer` for a view of `content`, or None.

    `keywords` are those that CMF gives to its expressions; `manager_id`
    names who keeps the page, which CMF knows nothing of.  None means that
    no policy fits.  Whatever an expression raises goes to the caller.
    """
    manager = find_manager(content)
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


def reads_request(content):
    """Tell whether a policy may look at the request, as far as one sees.

    What an expression calls may do so as well; of that nothing is known.
    """
    manager = find_manager(content)
    return manager is None or 'request' in expressions.named_by(
        manager.listPolicies())


def _answer(policy, context):
    """Return the :class:`Answer` of one policy, None if it yields nothing."""
    if type(policy) is not CachingPolicy or not policy.getLastModified():
        headers = policy.getHeaders(context)
        return Answer(headers, policy) if headers else None
    rule = policy.getMTimeFunc()
    dateless = _seen_as(_Dateless, policy)
    headers = dateless.getHeaders(context)
    if headers:
        return Answer(
            headers, policy, rule, lambda: _date(policy, context))
    date = dateless.fits and _date(policy, context)
    return Answer((), policy, rule, lambda: date) if date else None


def _date(policy, context):
    headers = _seen_as(_Date, policy).getHeaders(context)
    return dict(headers).get('Last-modified', '')


class _Dateless(CachingPolicy):
    """A policy without its date."""

    __slots__ = ('fits',)

    def getLastModified(self):
        return 0

    def testPredicate(self, expr_context):
        self.fits = super().testPredicate(expr_context)
        return self.fits


class _Date(CachingPolicy):
    """The date of a policy that fits, with nothing else evaluated."""

    def testPredicate(self, expr_context):
        return True

    def getMaxAgeSecs(self):
        return None

    def getETagFunc(self):
        return ''


def _seen_as(kind, policy):
    """Return the state of `policy` as an instance of another class."""
    other = kind.__new__(kind)
    other.__dict__ = policy.__dict__
    return other


def _tag_text(value):
    if value is None or value is False:
        return ''
    if isinstance(value, bytes):
        return value.decode('latin-1')
    return str(value)


def header_text(value):
    """Return `value` as text that can stand in a header."""
    text = value.decode('latin-1') if isinstance(value, bytes) else str(value)
    if text.isascii() and text.isprintable():
        return text
    text = text.translate(_CONTROLS)
    return text.encode('latin-1', 'replace').decode('latin-1')
