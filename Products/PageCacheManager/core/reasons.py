"""Why a page was not cached, in plain words."""
from typing import NamedTuple


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

UNKNOWN = Reason('This reason has no explanation yet.', 'Please report it.')


def reason(word: str) -> Reason:
    """Return what a word means."""
    return REASONS.get(word, UNKNOWN)
