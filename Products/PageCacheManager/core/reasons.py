"""Why a page was not cached: the words of Cache-Status, and what they mean."""
from enum import Enum
from enum import StrEnum


class Client(Enum):
    """The client's use of a page that is not cached for some reason."""

    #: Keep it, and ask for it by tag or date.
    KEEPS = 1
    #: Show it once: the page has neither tag nor date.
    ONCE = 2
    #: Show it to this visitor alone: no other cache may even see it.
    ITS_OWN = 3


#: Word, meaning, cure, and the rest of the columns below.
_Row = tuple[str, str, str, str, Client, bool]


def _reason(
        word: str, meaning: str, cure: str, *, forward: str = 'bypass',
        client: Client = Client.KEEPS, lasts: bool = False) -> _Row:
    return word, meaning, cure, forward, client, lasts


class Reason(StrEnum):
    """A word of Cache-Status, with all that follows from it."""

    #: What it means, and what to do about it, in plain words.
    meaning: str
    cure: str
    #: Why the request went past the cache, in the words of RFC 9211 2.2.
    forward: str
    client: Client
    #: Whether the next render of the page is not kept for the same reason.
    lasts: bool

    def __new__(
            cls, word: str, meaning: str, cure: str, forward: str,
            client: Client, lasts: bool) -> 'Reason':
        member = str.__new__(cls, word)
        member._value_ = word
        member.meaning, member.cure, member.forward = meaning, cure, forward
        member.client, member.lasts = client, lasts
        return member

    OFF = _reason(
        'off',
        'Caching is switched off.',
        'Switch it on at the Properties tab.')
    METHOD = _reason(
        'method',
        'The request was neither GET nor HEAD.',
        'Nothing: forms that are sent are not cached.',
        forward='method')
    STATUS = _reason(
        'status',
        'The response was not a plain 200, such as a redirect or an error.',
        'Nothing, unless the page should be a 200.')
    REQUEST_COOKIE = _reason(
        'request-cookie',
        'The visitor had a cookie that rules caching out, such as a message '
        'that is shown once.',
        'Nothing, or take the cookie out of the list at the Properties tab.',
        forward='request', client=Client.ITS_OWN)
    COOKIE = _reason(
        'cookie',
        'Rendering looked at a cookie that the visitor has and the key '
        'lacks, so the page may be made for this visitor alone.',
        'Add the cookie to "Cookies in the key", or to "Ignored cookies" if '
        'it does not change the page, both at the Properties tab.',
        client=Client.ITS_OWN)
    PARAMETER = _reason(
        'parameter',
        'Rendering looked at a parameter that the key leaves out. The next '
        'request for the page is rendered without it, and kept.',
        'Nothing; or take the parameter out of "Ignored parameters" at the '
        'Properties tab, if it changes the page.',
        client=Client.ONCE)
    USER = _reason(
        'user',
        'The page was made with the rights of another user than the one who '
        'asked for it.',
        'Nothing, or let the code adopt that user inside of the page.',
        client=Client.ITS_OWN)
    CREDENTIALS = _reason(
        'credentials',
        'The request had an Authorization header, or a user of the web '
        'server, whom Zope does not know. The page may be made for that '
        'visitor alone.',
        'Nothing, or let the proxy take the header away if the site has no '
        'use for it.',
        forward='request', client=Client.ITS_OWN)
    NO_POLICY = _reason(
        'no-policy',
        'No caching policy fits the page, or the one that fits sets no '
        'headers.',
        'Add a policy in caching_policy_manager, or look at its predicate.')
    NO_ETAG = _reason(
        'no-etag',
        'The policy gave the page no ETag.',
        'Give the policy an ETag expression that tells versions of the page '
        'apart.')
    POLICY_ERROR = _reason(
        'policy-error',
        'An expression of the policy failed.',
        'The event log has the traceback. Mend the expression.')
    UNAUTHORIZED = _reason(
        'unauthorized',
        'The policy met an object that this visitor may not see.',
        'Nothing, if the page is private; else make the ETag from what '
        'everybody may see.')
    UNCOMMITTED = _reason(
        'uncommitted',
        'The template or the settings were changed by the same request.',
        'Nothing: the next request finds them saved.')
    VARY_ANY = _reason(
        'vary-any',
        'The page is sent with Vary: *, which forbids any reuse.',
        'Name the headers that matter, in the policy or in the template.',
        lasts=True)
    UNKEYED_ARGUMENTS = _reason(
        'unkeyed-arguments',
        'The template was called with an object of which the value can not '
        'be compared.',
        'Call it with strings and numbers, and look up objects inside.')
    FRAGMENT = _reason(
        'fragment',
        'The template made a part of the page only, or its output was '
        'changed afterwards.',
        'Associate the template that makes the whole page.')
    SET_COOKIE = _reason(
        'set-cookie',
        'The response sets a cookie.',
        'Do not set cookies on pages that should be cached.',
        client=Client.ITS_OWN, lasts=True)
    NO_STORE = _reason(
        'no-store',
        'The response forbids it with Cache-Control.',
        'Look at the policy, and at the code that sets the header.',
        client=Client.ONCE, lasts=True)
    ADDED_HEADER = _reason(
        'added-header',
        'Rendering added a header with addHeader(), which is not kept.',
        'Set it with setHeader().',
        client=Client.ONCE, lasts=True)
    REMOVED_HEADER = _reason(
        'removed-header',
        'Rendering took away a header that other code had set before, which '
        'a hit would have again.',
        'Let that code leave the header out for this page, or set another '
        'value.',
        client=Client.ONCE, lasts=True)
    BASE = _reason(
        'base',
        'A template that other code calls set the base of the page, which '
        'its text does not show.',
        'Set the base in the code that is published.')
    ORIGIN = _reason(
        'origin',
        'A header of the page names the site that asks, such as Access- '
        'Control-Allow-Origin, and Vary does not name Origin.',
        'Let the page send Vary: Origin each time, or the same header to '
        'all.')
    NONCE = _reason(
        'nonce',
        'The page has a nonce in its Content-Security-Policy, which must not '
        'be used twice.',
        'Use hashes in place of nonces on pages that should be cached.',
        client=Client.ITS_OWN, lasts=True)
    EMPTY = _reason(
        'empty',
        'The page was empty.',
        'Nothing, unless the page should have content.',
        lasts=True)
    SESSION = _reason(
        'session',
        'Rendering the page used the session.',
        'Do not touch the session on pages that should be cached.',
        client=Client.ITS_OWN)
    TOO_LARGE = _reason(
        'too-large',
        'The page is larger than the largest page that is kept.',
        'Raise the limit at the Properties tab, or make the page smaller.',
        lasts=True)
    DOOMED = _reason(
        'doomed',
        'The transaction was doomed, so that nothing of it may last.',
        'Nothing, unless the code should not doom it.')
    TEMPLATE_CHANGED = _reason(
        'template-changed',
        'Template or manager changed while the page was made.',
        'Nothing: the next request makes it anew.')
    STREAMED = _reason(
        'streamed',
        'The response was written piece by piece.',
        'Nothing: such responses are never whole in memory.',
        lasts=True)
    WROTE_TO_DATABASE = _reason(
        'wrote-to-database',
        'The request changed something in the database, before the page was '
        'rendered or while it was.',
        'Nothing, unless the page is rendered by a view that writes each '
        'time.',
        client=Client.ONCE)
    OTHER_CACHE = _reason(
        'other-cache',
        'Another cache of the site keeps this page, or has proxies keep it, '
        'such as an operation of plone.app.caching.',
        'Choose the operation of Page Cache Manager for its ruleset, or '
        'none.')
    RENDER_ERROR = _reason(
        'render-error',
        'A failure was caught and shown while the page was rendered, by a '
        'viewlet manager or by tal:on-error for instance. The page has no '
        'tag and is not kept for long.',
        'Mend what fails; the event log names it. What is expected to be '
        'missing is better asked for than caught.')
    NO_CACHING = _reason(
        'no-caching',
        'The operation of plone.app.caching in charge is there to keep this '
        'page out of caches, or to do so for members.',
        'Choose the operation of Page Cache Manager for its ruleset, or '
        'none, if the page should be cached.')
    ERROR = _reason(
        'error',
        'The cache failed, and the page was made without it.',
        'The event log has the traceback. Please report it.')
    STORE_OFF = _reason(
        'store-off',
        "The site's ICacheChooser gives no cache.",
        'Configure one, or choose the memory of the process as the store.')
    STORE_ERROR = _reason(
        'store-error',
        'The store failed.',
        'The event log has the traceback. See whether the cache server runs.')


_BY_WORD = {member.value: member for member in Reason}


def reason_of(detail: str) -> Reason | None:
    """Return the reason in a detail of Cache-Status: its first word decides.

    None where it is none.
    """
    return _BY_WORD.get(detail.partition(' ')[0])


def explained(detail: str) -> tuple[str, str]:
    """Return meaning and cure of a detail of Cache-Status."""
    reason = reason_of(detail)
    if reason is None:
        return 'This reason has no explanation yet.', 'Please report it.'
    return reason.meaning, reason.cure


def is_of_one_visitor(detail: str) -> bool:
    """Return whether a page is one visitor's alone for this reason."""
    reason = reason_of(detail)
    return reason is not None and reason.client is Client.ITS_OWN


def is_for_once(detail: str) -> bool:
    """Return whether no client may ask for this page by tag or date."""
    reason = reason_of(detail)
    return reason is not None and reason.client is not Client.KEEPS


def lasts(detail: str) -> bool:
    """Return whether the next render of the page ends so as well."""
    reason = reason_of(detail)
    return reason is not None and reason.lasts
