"""The audit: hits are rendered again after they were sent, and compared.

A stored page is valid as long as its known sources are unchanged.  The audit
finds other sources of the page.  It stores and commits nothing.  Each render
is a request of its own, of the same visitor, in another thread.
"""
import logging
import time
from typing import Any
from typing import NamedTuple

from ..core.attempt import FAILED
from ..core.attempt import attempt
from ..core.attempt import log_limit
from ..core.audit.audits import Finding
from ..core.audit.compare import Content
from ..core.audit.compare import Difference
from ..core.audit.compare import difference
from ..core.audit.compare import parts
from ..core.audit.compare import plain
from ..core.worker import Worker
from ..fastlane import permit
from ..key import visitor
from ..publisher import own_request
from ..publisher import request as http_request
from ..reads import freshness
from .audit_render import Render


logger = logging.getLogger(__name__)

#: At most this many changed objects and new questions are named.
MAX_CHANGED = 5


class Job(NamedTuple):
    """A hit to render again."""

    environ: dict[str, Any]
    cache: Any
    #: The store that processes share, or None.
    shared_store: Any
    #: The page that was sent, and its key.
    page: Any
    index: Any
    ignores: tuple[str, ...]
    url: str
    #: The owner of the page in words, '' for a page of any visitor.
    whose: str
    policy: str

    def count(self, word, detail):
        """Count a failure of the audit, for any reason."""
        self.cache.tally.add('AUDIT', 'failed')

    def describe(self):
        """Return the URL, for the log."""
        return f'the audit of {self.url}'


def consider(exchange):
    """Put the hit that was just sent into the audit's queue, if it is due."""
    settings, step = exchange.settings, exchange.step
    if step.page.max_age_secs or not exchange.cache.audits.is_due(
            settings.audit_every, settings.audit_per_minute):
        return
    environ = own_request.environ_of(exchange.request)
    if environ is not None and not worker.put(Job(
            environ, exchange.cache,
            exchange.cache.shared_store(
                exchange.settings, exchange.key.versions[0]), step.page,
            exchange.key.index_for(exchange.request, step.varies),
            settings.audit_ignores,
            plain(http_request.url(exchange.request, ())),
            _whose(exchange), exchange.policy.policy_id)):
        exchange.cache.tally.add('AUDIT', 'busy')


def _whose(exchange):
    """Return the owner of the page in words, '' for a page of any visitor."""
    user = visitor.current_user()
    if user is not None:
        return plain(f'the user {user.getId() or user.getUserName()}')
    return '' if permit.is_of_any_visitor(exchange) else (
        'a visitor with a session or credentials')


def _render(job):
    """Render a hit; return the :class:`.Render`, None if it failed."""
    render = Render(job.page)
    status = attempt(job, 'audit', own_request.publish, render, job.environ)
    if status is FAILED:
        return None
    render.status = status
    return render


# the comparison

def audit(job):
    """Render a hit and compare it; count, log and keep the result."""
    first = _render(job)
    word = _word(job, first)
    found = None
    if word == 'differs':
        second = _render(job)
        word = _word(job, second)
        if word in ('differs', 'same'):
            found = _difference(job, first, second)
            word = 'by-itself' if found.is_by_itself else 'differs'
    if word:
        job.cache.tally.add('AUDIT', word)
    if found is not None:
        _report(job, first, found)


def _word(job, render):
    """Return the word that statistics count for a render.

    It is '' if the render failed: that is counted already.
    """
    if render is None:
        return ''
    exchange = render.exchange
    if exchange is not None and exchange.stored is None:
        return 'overtaken'
    if render.has_failed:
        return 'failed'
    if render.content is None:
        made = job.page.made_from
        is_as_it_was = made is not None and freshness.are_unmoved(made)
        return 'differs' if is_as_it_was else 'overtaken'
    return 'same' if _parts(job, exchange.content) == _stored_parts(
        job, exchange) else 'differs'


def _parts(job, content):
    return parts(content, job.ignores)


def _stored_parts(job, exchange):
    stored = exchange.stored
    return _parts(job, Content(dict(stored.headers), stored.body))


def _difference(job, first, second):
    """Return the :class:`.Difference` of the page from two renders."""
    if first.content is None or second.content is None:
        is_steady = first.content is second.content and (
            first.status == second.status)
        return Difference(
            not is_steady, [f'+ no page, but status {first.status}'])
    return difference(
        _stored_parts(job, first.exchange), _parts(job, first.content),
        _parts(job, second.content), bool(job.whose))


def _report(job, render, found):
    changed = _changed(render.exchange, bool(job.whose))
    job.cache.audits.found(Finding(
        time.time(), job.url, job.whose, job.policy, job.page.created,
        found.is_by_itself, found.lines, changed))
    if found.is_by_itself:
        return
    job.cache.pages.drop_stale(job.index, job.page.created)
    if job.shared_store is not None:
        attempt(job, 'store', job.shared_store.remove, job.index)
    if log_limit.is_due(('audit', job.url, job.whose)):
        logger.warning(
            'Audit: the page of %s at %s was not what a render gives now.  '
            'Changed since: %s\n%s',
            job.whose or 'any visitor', job.url,
            ', '.join(changed) or 'nothing that the page reads',
            '\n'.join(f'    {line}' for line in found.lines))


def _changed(exchange, is_private):
    """Return the changes since the page was stored, in words.

    Questions of a private page are left out, since they may contain text that
    a visitor typed.
    """
    if exchange is None:
        return []
    asked = [] if is_private else [
        f'asked only now: {label}' for label in exchange.asked]
    return [plain(text) for text in [*exchange.changed, *asked][:MAX_CHANGED]]


worker = Worker(
    'Page Cache audit', lambda job: attempt(job, 'audit', audit, job))
