"""A GET without a client: for the audit, for trials, and for hot pages."""
from contextlib import suppress
from io import BytesIO

import transaction
from AccessControl.SecurityManagement import noSecurityManager
from transaction.interfaces import TransactionFailedError
from zExceptions import HTTPException
from zope.component.hooks import setSite
from ZPublisher.WSGIPublisher import publish_module

from .sessions import is_of_session


#: Where the environment of such a request has its maker: `new_exchange` gives
#: the exchange, `may_commit` says whether a transaction that changed nothing
#: is committed.  No client can put an object there.
MAKER = 'Products.PageCacheManager.maker'

#: What belongs to one request and its connection, or to this package.
_OF_ONE_REQUEST = frozenset([
    'CONTENT_LENGTH', 'HTTP_IF_MATCH', 'HTTP_IF_MODIFIED_SINCE',
    'HTTP_IF_NONE_MATCH', 'HTTP_IF_RANGE', 'HTTP_IF_UNMODIFIED_SINCE',
    'HTTP_RANGE', 'REMOTE_USER', 'wsgi.input',
    'Products.PageCacheManager.ticket'])


def environ_of(request):
    """Return a WSGI environment for the same GET of the same visitor.

    It has no conditions.  None for a request with the session of a filter:
    that is about to be saved, and its thread alone may use it.
    """
    # as it came, but for what the publisher changed
    came = request._orig_env
    if any(type(value) is not str and is_of_session(name)
           for name, value in came.items() if type(name) is str):
        return None
    environ = {
        name: value for name, value in came.items()
        if type(name) is str and name not in _OF_ONE_REQUEST}
    # the publisher notes there who logged in by other means, too
    if 'REMOTE_USER' in request.environ:
        environ['REMOTE_USER'] = request.environ['REMOTE_USER']
    environ['PATH_INFO'] = environ.get('PATH_INFO', '').encode(
        'utf-8').decode('latin-1')
    return environ


def publish(maker, environ):
    """Publish a request for its maker; return the status of the answer.

    A commit of any change raises Refused.  If the maker may not commit at all
    the request ends with an abort.  Raises what the page raises, but for
    errors that stand for a status.
    """
    sent = []

    def start_response(status, headers, error=None):
        sent.append(int(status.split()[0]))

    manager, keeper = transaction.manager, _NoCommit(maker.may_commit)
    manager.registerSynch(keeper)
    environ = {**environ, MAKER: maker, 'wsgi.input': BytesIO()}
    try:
        result = publish_module(environ, start_response)
        if hasattr(result, 'close'):
            result.close()
    except HTTPException as error:
        return error.getStatus()
    finally:
        manager.unregisterSynch(keeper)
        setSite(None)
        noSecurityManager()  # a request leaves its user to the thread
    return sent[-1]


class Refused(Exception):
    """Code that is rendered for no visitor wanted to commit."""


class _NoCommit:
    """Takes part in each transaction of a thread, and lets none through, or
    those alone that changed nothing.
    """

    def __init__(self, lets_empty_through):
        self.transaction_manager = transaction.manager
        self._lets_empty_through = lets_empty_through

    def newTransaction(self, txn):
        pass

    def beforeCompletion(self, txn):
        # of an abort as well, which may follow a commit that failed
        with suppress(TransactionFailedError):
            txn.join(self)

    afterCompletion = newTransaction

    def sortKey(self):
        return ''  # it votes before all others

    def tpc_vote(self, txn):
        if not self._lets_empty_through or txn._resources != [self]:
            raise Refused('A page that nobody asked for must not commit.')

    def abort(self, txn):
        pass

    tpc_begin = commit = tpc_finish = tpc_abort = abort
