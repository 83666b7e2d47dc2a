"""What the server of the soak is made of: papers, a desk, and mishaps.

A paper has a number that each edit raises, and a token that says which edit
gave it.  Its ETag names the number alone: whoever asks, which templates were
used, what was purged, is for the cache to keep apart.
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

#: How long rendering takes where it is to take long, in seconds.
SLOW_SECS = 0.15

#: How often each mishap came about, by kind.
provoked = Counter()
_provoked_lock = threading.Lock()


class Provoked(Exception):
    """A failure that the soak asked for."""


class ProvokedView:
    """The page that a provoked failure gets: with all headers so far."""

    def __init__(self, error, request):
        pass

    def __call__(self):
        return 'provoked'


class Spoiler:
    """Makes a commit fail at its last moment."""

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
    """Says what it is on every page."""

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
        """Name what the page shows of the paper."""
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
        """Have the accident that the request asks for, while it renders."""
        kind = self.REQUEST.get_header(ASKS_FOR)
        # it is in no key, so a hit had none
        if kind in MISHAPS and MAKER not in self.REQUEST.environ:
            note(kind)
            MISHAPS[kind](self)

    def abort_later(self):
        """Show what will never be committed."""
        self.token = f'aborted-{time.time()}'

    # what is published

    @zpublish(methods='POST')
    @security.public
    def edit(self, token, REQUEST):
        """Raise the number; say to which."""
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
        """Show the page, and where asked for as it will not be.

        The number is the one that the next edit will give.
        """
        kind = REQUEST.get_header(ASKS_FOR)
        if kind in ('vote', 'doom', 'error'):
            self.number += 1
            self.abort_later()
        return self.page()

    @zpublish
    @security.public
    def called(self):
        """Give what the template gives."""
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
    # the next attempt may be luckier
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

#: Those of which each attempt ends in an exception.
RAISING = ('error', 'redirect', 'unauthorized', 'vote')


InitializeClass(Paper)


class Desk(SimpleItem):
    """Where the soak turns the screws, and reads the gauges."""

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
        """Let all or only insiders view a paper."""
        paper = self.papers[name]
        if private == 'yes':
            paper.manage_permission('View', ('Manager', 'Insider'), 0)
        else:
            paper.manage_permission('View', (), 1)
        return 'done'

    @zpublish
    @security.protected('Manage portal')
    def figures(self):
        """Return what the engine counts, at one moment."""
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
