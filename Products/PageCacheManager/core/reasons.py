"""The reasons why pages are not cached, with their meaning and cure."""
from enum import Enum
from enum import StrEnum


class Client(Enum):
    """How a client may use a page that was not cached."""

    #: It may keep the page, and ask again by tag or date.
    KEEPS = 1
    #: It shows the page once: the page has neither tag nor date.
    ONCE = 2
    #: It shows the page to this visitor only: no other cache may store it.
    ITS_OWN = 3


#: The values of one reason, in the order of `Reason.__new__`.
_Row = tuple[str, str, str, str, Client, bool]


def _reason(
        word: str, meaning: str, cure: str, *, forward: str = 'bypass',
        client: Client = Client.KEEPS, lasts: bool = False) -> _Row:
    return word, meaning, cure, forward, client, lasts


class Reason(StrEnum):
    """A word of Cache-Status, and its consequences."""

    #: Meaning and cure, as screens show them.
    meaning: str
    cure: str
    #: The value of ``fwd`` in Cache-Status (RFC 9211 section 2.2).
    forward: str
    client: Client
    #: Whether it will most likely hold for the next render, too.
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
        'Select another value of "Caching" on the Properties tab.')
    METHOD = _reason(
        'method',
        'The request was neither GET nor HEAD.',
        'No action needed. Form submissions are not cached.',
        forward='method')
    STATUS = _reason(
        'status',
        'The response had another status than 200, such as a redirect.',
        'No action needed, unless the page should return 200.')
    REQUEST_COOKIE = _reason(
        'request-cookie',
        'The request had a cookie that prevents caching, such as a message '
        'that is shown once.',
        'No action needed, or remove the cookie from "Cookies that prevent '
        'caching" on the Properties tab.',
        forward='request', client=Client.ITS_OWN)
    COOKIE = _reason(
        'cookie',
        'Rendering read a cookie of the visitor that is not in the key, so '
        'the page may be for this visitor only.',
        'Add the cookie to "Cookies in the key". If it does not change the '
        'page, add it to "Ignored cookies". Both are on the Properties tab.',
        client=Client.ITS_OWN)
    PARAMETER = _reason(
        'parameter',
        'Rendering read a parameter that is not in the key. The next request '
        'for the page renders it without the parameter, and stores it.',
        'No action needed. If the parameter changes the page, remove it from '
        '"Ignored parameters" on the Properties tab.',
        client=Client.ONCE)
    USER = _reason(
        'user',
        'The page was rendered with the rights of another user than the one '
        'who sent the request.',
        'No action needed, or let the code adopt the other user only inside '
        'the page.',
        client=Client.ITS_OWN)
    NO_POLICY = _reason(
        'no-policy',
        'No caching policy matches the page, or the matching policy sets no '
        'headers.',
        'Add a policy to caching_policy_manager, or check the predicates.')
    NO_ETAG = _reason(
        'no-etag',
        'The policy gave the page no ETag.',
        'Give the policy an ETag expression that changes with the page.')
    POLICY_ERROR = _reason(
        'policy-error',
        'An expression of the policy failed.',
        'Fix the expression. The event log has the traceback.')
    UNAUTHORIZED = _reason(
        'unauthorized',
        'The policy read an object that this visitor may not see.',
        'No action needed if the page is private. Otherwise make the ETag '
        'from objects that everybody may see.')
    UNCOMMITTED = _reason(
        'uncommitted',
        'The same request changed the template or the settings.',
        'No action needed. The next request finds them saved.')
    VARY_ANY = _reason(
        'vary-any',
        'The page has the header Vary: *, which forbids any reuse.',
        'Name the headers that change the page, in the policy or in the '
        'template.',
        lasts=True)
    UNKEYED_ARGUMENTS = _reason(
        'unkeyed-arguments',
        'The template was called with an object that the cache cannot '
        'compare.',
        'Call it with strings and numbers, and look up objects in the '
        'template.')
    FRAGMENT = _reason(
        'fragment',
        'The template made a part of the page, or other code changed it.',
        'Associate the template that makes the whole page.')
    SET_COOKIE = _reason(
        'set-cookie',
        'The response sets a cookie.',
        'Do not set cookies on pages that should be cached.',
        client=Client.ITS_OWN, lasts=True)
    NO_STORE = _reason(
        'no-store',
        'The Cache-Control header of the response forbids storing.',
        'Check the policy, and the code that sets the header.',
        client=Client.ONCE, lasts=True)
    ADDED_HEADER = _reason(
        'added-header',
        'Rendering added a header with addHeader(). Such headers are not '
        'stored.',
        'Use setHeader().',
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
        'A template that other code called set the base of the page, which '
        'is not part of its text.',
        'Set the base in the published code.')
    ORIGIN = _reason(
        'origin',
        'A header of the page, such as Access-Control-Allow-Origin, names '
        'the requesting site, but Vary does not name Origin.',
        'Send Vary: Origin with every response of the page, or send the same '
        'header to all sites.')
    NONCE = _reason(
        'nonce',
        'The Content-Security-Policy of the page has a nonce, which must not '
        'be used twice.',
        'Use hashes instead of nonces on pages that should be cached.',
        client=Client.ITS_OWN, lasts=True)
    EMPTY = _reason(
        'empty',
        'The page was empty.',
        'No action needed, unless the page should have content.',
        lasts=True)
    SESSION = _reason(
        'session',
        'Rendering used the session.',
        'Do not use the session on pages that should be cached.',
        client=Client.ITS_OWN)
    TOO_LARGE = _reason(
        'too-large',
        'The page is larger than the maximum page size.',
        'Raise the limit on the Properties tab, or make the page smaller.',
        lasts=True)
    DOOMED = _reason(
        'doomed',
        'Code doomed the transaction, so nothing of it may be saved.',
        'No action needed, unless the code should not doom it.')
    READS_UNKNOWN = _reason(
        'reads-unknown',
        'The cache could not find out which objects the page was made from.',
        'No action needed if it is rare. A page that opens a connection to '
        'another database on each request is never kept.')
    TEMPLATE_CHANGED = _reason(
        'template-changed',
        'The template or the manager changed during rendering.',
        'No action needed. The next request renders the page again.')
    CONTENT_CHANGED = _reason(
        'content-changed',
        'An object that the stored page was made from changed.',
        'No action needed. Explain names the object, and who changed it.',
        forward='stale')
    ANSWER_CHANGED = _reason(
        'answer-changed',
        'A search in the catalog that the stored page shows has another '
        'result, or a value that code keeps in memory changed.',
        'No action needed. Explain names the search or the value.',
        forward='stale')
    COMMITTED = _reason(
        'committed',
        'Something was committed, and the cache did not know the sources of '
        'the stored page.',
        'Explain tells why it did not know.',
        forward='stale')
    ETAG_CHANGED = _reason(
        'etag-changed',
        'The policy gave the page another ETag than the stored page had.',
        'No action needed, unless the ETag changes more often than the page.',
        forward='uri-miss')
    VERSION_CHANGED = _reason(
        'version-changed',
        'A template, the code, a setting or the date of the policy changed, '
        'or pages were purged or invalidated.',
        'No action needed.',
        forward='uri-miss')
    STREAMED = _reason(
        'streamed',
        'The response was sent piece by piece.',
        'No action needed. Such a response is never complete in memory.',
        lasts=True)
    WROTE_TO_DATABASE = _reason(
        'wrote-to-database',
        'The request changed the database, before or during rendering.',
        'No action needed for a single request. A view that writes each time '
        'is never cached.',
        client=Client.ONCE)
    OTHER_CACHE = _reason(
        'other-cache',
        'Another cache of the site, such as an operation of '
        'plone.app.caching, stores this page or lets proxies store it.',
        'Map its ruleset to the operation of Page Cache Manager, or to none.')
    RENDER_ERROR = _reason(
        'render-error',
        'Rendering caught a failure and showed it on the page, for example '
        'by a viewlet manager or tal:on-error. The page has no ETag and is '
        'stored for a short time only.',
        'Fix the failure; the event log names it. Test for values that may '
        'be missing instead of catching errors.')
    NO_CACHING = _reason(
        'no-caching',
        'An operation of plone.app.caching keeps this page out of caches, '
        'for all visitors or for members.',
        'If the page should be cached, map its ruleset to the operation of '
        'Page Cache Manager, or to none.')
    ERROR = _reason(
        'error',
        'The cache failed, and the page was rendered without it.',
        'Please report it. The event log has the traceback.')
    STORE_ERROR = _reason(
        'store-error',
        'The store failed, and the page was rendered without it.',
        'Please report it. The event log has the traceback.')


_BY_WORD = {member.value: member for member in Reason}


def reason_of(detail: str) -> Reason | None:
    """Return the reason at the start of a Cache-Status detail, or None."""
    return _BY_WORD.get(detail.partition(' ')[0])


def explained(detail: str) -> tuple[str, str]:
    """Return meaning and cure of a detail of Cache-Status."""
    reason = reason_of(detail)
    if reason is None:
        return 'This reason has no explanation yet.', 'Please report it.'
    return reason.meaning, reason.cure


def is_of_one_visitor(detail: str) -> bool:
    """Return whether this reason limits a page to one visitor."""
    reason = _BY_WORD.get(detail.partition(' ')[0])
    return reason is not None and reason.client is Client.ITS_OWN


def is_for_once(detail: str) -> bool:
    """Return whether clients cannot ask for the page again by tag or date."""
    reason = _BY_WORD.get(detail.partition(' ')[0])
    return reason is not None and reason.client is not Client.KEEPS


def lasts(detail: str) -> bool:
    """Return whether the reason most likely holds next time, too."""
    reason = _BY_WORD.get(detail.partition(' ')[0])
    return reason is not None and reason.lasts
