"""Why a page was not cached, in plain words."""
from typing import NamedTuple

from ..http.cache_status import Outcome


class Reason(NamedTuple):
    """A word of Cache-Status: what it means, and what to do about it."""

    meaning: str
    advice: str


_LOG = 'The event log has the traceback.'

REASONS = {
    'off': Reason(
        'Caching is switched off.',
        'Switch it on at the Properties tab.'),
    'method': Reason(
        'The request was neither GET nor HEAD.',
        'Nothing: forms that are sent are not cached.'),
    'status': Reason(
        'The response was not a plain 200, such as a redirect or an error.',
        'Nothing, unless the page should be a 200.'),
    'request-cookie': Reason(
        'The visitor had a cookie that rules caching out, such as a message '
        'that is shown once.',
        'Nothing, or take the cookie out of the list at the Properties tab.'),
    'cookie': Reason(
        'Rendering looked at a cookie that the visitor has and the key '
        'lacks, so the page may be made for this visitor alone.',
        'Add the cookie to "Cookies in the key", or to "Ignored cookies" if '
        'it does not change the page, both at the Properties tab.'),
    'user': Reason(
        'The page was made with the rights of another user than the one who '
        'asked for it.',
        'Nothing, or let the code adopt that user inside of the page.'),
    'no-policy': Reason(
        'No caching policy fits the page, or the one that fits sets no '
        'headers.',
        'Add a policy in caching_policy_manager, or look at its predicate.'),
    'no-etag': Reason(
        'The policy gave the page no ETag.',
        'Give the policy an ETag expression that tells versions of the page '
        'apart.'),
    'policy-error': Reason(
        'An expression of the policy failed.',
        f'{_LOG} Mend the expression.'),
    'unauthorized': Reason(
        'The policy met an object that this visitor may not see.',
        'Nothing, if the page is private; else make the ETag from what '
        'everybody may see.'),
    'uncommitted': Reason(
        'The template or the settings were changed by the same request.',
        'Nothing: the next request finds them saved.'),
    'vary-any': Reason(
        'The page is sent with Vary: *, which forbids any reuse.',
        'Name the headers that matter, in the policy or in the template.'),
    'unkeyed-arguments': Reason(
        'The template was called with an object of which the value can not '
        'be compared.',
        'Call it with strings and numbers, and look up objects inside.'),
    'fragment': Reason(
        'The template made a part of the page only, or its output was '
        'changed afterwards.',
        'Associate the template that makes the whole page.'),
    'set-cookie': Reason(
        'The response sets a cookie.',
        'Do not set cookies on pages that should be cached.'),
    'no-store': Reason(
        'The response forbids it with Cache-Control.',
        'Look at the policy, and at the code that sets the header.'),
    'added-header': Reason(
        'Rendering added a header with addHeader(), which is not kept.',
        'Set it with setHeader().'),
    'base': Reason(
        'A template that other code calls set the base of the page, which '
        'its text does not show.',
        'Set the base in the code that is published.'),
    'origin': Reason(
        'A header of the page names the site that asks, such as '
        'Access-Control-Allow-Origin, and Vary does not name Origin.',
        'Let the page send Vary: Origin each time, or the same header to '
        'all.'),
    'nonce': Reason(
        'The page has a nonce in its Content-Security-Policy, which must '
        'not be used twice.',
        'Use hashes in place of nonces on pages that should be cached.'),
    'empty': Reason(
        'The page was empty.',
        'Nothing, unless the page should have content.'),
    'session': Reason(
        'Rendering the page used the session.',
        'Do not touch the session on pages that should be cached.'),
    'too-large': Reason(
        'The page is larger than the largest page that is kept.',
        'Raise the limit at the Properties tab, or make the page smaller.'),
    'doomed': Reason(
        'The transaction was doomed, so that nothing of it may last.',
        'Nothing, unless the code should not doom it.'),
    'changed': Reason(
        'Template or manager changed while the page was made.',
        'Nothing: the next request makes it anew.'),
    'streamed': Reason(
        'The response was written piece by piece.',
        'Nothing: such responses are never whole in memory.'),
    'changes': Reason(
        'The request changed something in the database, before the page was '
        'rendered or while it was.',
        'Nothing, unless the page is rendered by a view that writes each '
        'time.'),
    'other-cache': Reason(
        'Another cache of the site keeps this page, or has proxies keep it, '
        'such as an operation of plone.app.caching.',
        'Choose the operation of Page Cache Manager for its ruleset, or '
        'none.'),
    'render-error': Reason(
        'A failure was caught and shown while the page was rendered, by a '
        'viewlet manager or by tal:on-error for instance. The page has no tag '
        'and is not kept for long.',
        'Mend what fails; the event log names it. What is expected to be '
        'missing is better asked for than caught.'),
    'no-caching': Reason(
        'The operation of plone.app.caching in charge is there to keep this '
        'page out of caches, or to do so for members.',
        'Choose the operation of Page Cache Manager for its ruleset, or '
        'none, if the page should be cached.'),
    'error': Reason(
        'The cache failed, and the page was made without it.',
        f'{_LOG} Please report it.'),
    'store-off': Reason(
        "The site's ICacheChooser gives no cache.",
        'Configure one, or choose the memory of the process as the store.'),
    'store-error': Reason(
        'The store failed.',
        f'{_LOG} See whether the cache server runs.'),
}

#: Reasons for which a page is one visitor's alone: no cache but this
#: visitor's may even see it, whatever the policy says.
OF_ONE_VISITOR = frozenset([
    'set-cookie', 'session', 'nonce', 'request-cookie', 'cookie', 'user'])

#: What else has neither tag nor date, since it is made for once.
_FOR_ONCE = frozenset(['no-store', 'added-header', 'changes'])

#: Reasons for which the next render of the page will not be kept either.
_LASTING = frozenset([
    'vary-any', 'set-cookie', 'no-store', 'added-header', 'nonce', 'empty',
    'too-large', 'streamed'])

UNKNOWN = Reason('This reason has no explanation yet.', 'Please report it.')


def reason(detail: str) -> Reason:
    """Return what a detail of Cache-Status means: its first word decides."""
    return REASONS.get(_word(detail), UNKNOWN)


def is_of_one_visitor(detail: str) -> bool:
    """Return whether this reason makes a page one visitor's alone."""
    return _word(detail) in OF_ONE_VISITOR


def lasts(detail: str) -> bool:
    """Return whether the next render of the page will end so as well."""
    return _word(detail) in _LASTING


def is_for_once(outcome: Outcome) -> bool:
    """Return whether no client may ask for this page by tag or date."""
    return outcome.word == 'BYPASS' and (
        _word(outcome.detail) in _FOR_ONCE
        or is_of_one_visitor(outcome.detail))


def _word(detail: str) -> str:
    return detail.partition(' ')[0]
