"""The content of the soak's server: papers, a desk, and mishaps.

A paper has a number that each edit raises, and a token that names the edit.
Its ETag names only the number.  The cache itself must keep apart users,
versions of templates, and pages before and after a purge.
"""
import json
import random
import threading
import time
from collections import Counter

import transaction
from AccessControl import getSecurityManager
from AccessControl.class_init import InitializeClass
from AccessControl.SecurityInfo import ClassSecurityInfo
from DateTime import DateTime
from OFS.SimpleItem import SimpleItem
from Products.CMFCore.PortalContent import PortalContent
from zExceptions import Redirect
from zExceptions import Unauthorized
from ZODB.POSException import ConflictError
from ZPublisher import zpublish

from Products.PageCacheManager.manager import caches
from Products.PageCacheManager.publisher.own_request import MAKER


#: The header by which a client asks for a mishap.  It is in no key.
ASKS_FOR = 'X-Soak'

#: The seconds that a slow page waits while it is rendered.
SLOW_SECS = 0.15

#: The number of mishaps by kind.
provoked = Counter()
_provoked_lock = threading.Lock()


class Provoked(Exception):
    """A failure that the soak asked for."""


class ProvokedView:
    """The page of a provoked failure; it has all headers set so far."""

    def __init__(self, error, request):
        pass

    def __call__(self):
        return 'provoked'


class Spoiler:
    """Data manager that makes a commit fail at the vote."""

    transaction_manager = transaction.manager

    def sortKey(self):
        return '~'

    def tpc_begin(self, transaction):
        pass

    commit = tpc_finish = tpc_abort = abort = tpc_begin

    def tpc_vote(self, transaction):
        raise Provoked('provoked at the vote')


def note(kind):
    with _provoked_lock:
        provoked[kind] += 1


class Paper(PortalContent):
    """Content that shows its number, token and visitor on each page."""

    portal_type = meta_type = 'Paper'
    security = ClassSecurityInfo()
    security.setDefaultAccess('allow')

    def __init__(self, id):
        self.id = id
        self.number = 1
        self.token = 'first'
        self.changed = DateTime()

    def getId(self):
        return self.id

    @security.public
    def stamp(self):
        """Return the number, which is the ETag of the paper's pages."""
        return str(self.number)

    @security.public
    def modified(self):
        return self.changed

    @security.protected('View')
    def edition(self):
        return self.number

    @security.protected('View')
    def editor(self):
        return self.token

    @security.protected('View')
    def who(self):
        return getSecurityManager().getUser().getId() or 'anonymous'

    @security.protected('View')
    def roles_here(self):
        user = getSecurityManager().getUser()
        return ' '.join(sorted(user.getRolesInContext(self)))

    @security.protected('View')
    def rendered(self):
        return f'{time.time():.6f}'

    @security.public
    def squeeze(self):
        self.REQUEST.RESPONSE.enableHTTPCompression(self.REQUEST)

    @security.protected('View')
    def dawdle(self):
        time.sleep(SLOW_SECS)

    @security.public
    def mishap(self):
        """Cause the mishap that the request asks for, during the render."""
        kind = self.REQUEST.get_header(ASKS_FOR)
        # the header is in no key: a hit that is rendered again had no mishap
        if kind in MISHAPS and MAKER not in self.REQUEST.environ:
            note(kind)
            MISHAPS[kind](self)

    def abort_later(self):
        """Show a token that will never be committed."""
        self.token = f'aborted-{time.time()}'

    # published methods

    @zpublish(methods='POST')
    @security.public
    def edit(self, token, REQUEST):
        """Raise the number; return the new one as JSON."""
        self.number += 1
        self.token = token
        self.changed = DateTime()
        if REQUEST.get_header(ASKS_FOR) == 'vote':
            self.abort_later()
            note('edit-vote')
            transaction.get().join(Spoiler())
        return json.dumps({'number': self.number})

    @zpublish
    @security.public
    def draft(self, REQUEST):
        """Show the page; for some mishaps, with a change that is aborted.

        The number is then that of the next edit.
        """
        kind = REQUEST.get_header(ASKS_FOR)
        if kind in ('vote', 'doom', 'error'):
            self.number += 1
            self.abort_later()
        return self.page()

    @zpublish
    @security.public
    def called(self):
        """Give the result of the template."""
        return self.page()

    @zpublish
    @security.public
    def wrapped(self):
        """Put the page into another one."""
        return f'<div id="wrapped">{self.page()}</div>'


def _error(paper):
    raise Provoked('provoked while rendering')


def _redirect(paper):
    raise Redirect('/site/elsewhere')


def _send_redirect(paper):
    paper.REQUEST.RESPONSE.redirect('/site/elsewhere')


def _unauthorized(paper):
    raise Unauthorized('provoked')


def _conflict(paper):
    # the next attempt may succeed
    if random.random() < 0.6:
        note('conflict raised')
        raise ConflictError('provoked')


def _doom(paper):
    paper.abort_later()
    transaction.doom()


def _vote(paper):
    paper.abort_later()
    transaction.get().join(Spoiler())


def _cookie(paper):
    paper.REQUEST.RESPONSE.setCookie('mishap', 'yes')


def _no_store(paper):
    paper.REQUEST.RESPONSE.setHeader('Cache-Control', 'no-store')


MISHAPS = {
    'error': _error,
    'redirect': _redirect,
    'send-redirect': _send_redirect,
    'unauthorized': _unauthorized,
    'conflict': _conflict,
    'doom': _doom,
    'vote': _vote,
    'cookie': _cookie,
    'no-store': _no_store,
}

#: The mishaps that end each attempt in an exception.
RAISING = ('error', 'redirect', 'unauthorized', 'vote')


InitializeClass(Paper)


class Desk(SimpleItem):
    """Lets the soak change rights, and read the engine's counters."""

    security = ClassSecurityInfo()
    security.declareObjectProtected('Manage portal')

    def __init__(self, id):
        self.id = id

    @zpublish(methods='POST')
    @security.protected('Manage portal')
    def set_roles(self, name, roles):
        """Give a member other roles."""
        self.acl_users.userFolderEditUser(name, None, roles.split(), [])
        return 'done'

    @zpublish(methods='POST')
    @security.protected('Manage portal')
    def set_private(self, name, private):
        """Let all users, or only insiders, view a paper."""
        paper = self.papers[name]
        if private == 'yes':
            paper.manage_permission('View', ('Manager', 'Insider'), 0)
        else:
            paper.manage_permission('View', (), 1)
        return 'done'

    @zpublish
    @security.protected('Manage portal')
    def figures(self):
        """Return the engine's counters at this moment as JSON."""
        cache = caches.cache_of(self.page_cache)
        flights = cache.flights
        with flights.lock:
            flying = len(flights._flights)
            waiting = flights.waiting
        return json.dumps({
            'store': cache.pages.counts()._asdict(),
            'tally': [[*what, n] for what, n in cache.tally.counts().items()],
            'flying': flying,
            'waiting': waiting,
            'threads': threading.active_count(),
            'provoked': dict(provoked),
        })


InitializeClass(Desk)
