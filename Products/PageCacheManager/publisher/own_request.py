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


#: The variable of the environment that has the maker of such a request.  Its
#: `new_exchange` returns the exchange.  If its `may_commit` is true, a
#: transaction that changed nothing is committed.  No client can set it, since
#: its value is an object.
MAKER = 'Products.PageCacheManager.maker'

#: Variables of a single request, of its connection, or of this package.
_OF_ONE_REQUEST = frozenset([
    'CONTENT_LENGTH', 'HTTP_IF_MATCH', 'HTTP_IF_MODIFIED_SINCE',
    'HTTP_IF_NONE_MATCH', 'HTTP_IF_RANGE', 'HTTP_IF_UNMODIFIED_SINCE',
    'HTTP_RANGE', 'REMOTE_USER', 'wsgi.input',
    'Products.PageCacheManager.ticket'])


def environ_of(request):
    """Return a WSGI environment for the same GET of the same visitor.

    It has no conditions.  None for a request with a session of a WSGI filter:
    the filter will save the session, and only its own thread may use it.
    """
    # the environment from the server, with some changes by the publisher
    came = request._orig_env
    if any(type(value) is not str and is_of_session(name)
           for name, value in came.items() if type(name) is str):
        return None
    environ = {
        name: value for name, value in came.items()
        if type(name) is str and name not in _OF_ONE_REQUEST}
    # the publisher sets it for other kinds of login, too
    if 'REMOTE_USER' in request.environ:
        environ['REMOTE_USER'] = request.environ['REMOTE_USER']
    environ['PATH_INFO'] = environ.get('PATH_INFO', '').encode(
        'utf-8').decode('latin-1')
    return environ


def publish(maker, environ):
    """Publish a request for its maker; return the status of the response.

    A commit of any change raises Refused.  If the maker may not commit at all,
    the request ends with an abort.  Raises errors of the page, except those of
    HTTP: it returns their status.
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
        noSecurityManager()  # the publisher leaves the user in the thread
    return sent[-1]


class Refused(Exception):
    """Code that is rendered for no visitor tried to commit."""


class _NoCommit:
    """Joins each transaction of a thread, and refuses its commit.

    If it `lets_empty_through`, transactions without changes are committed.
    """

    def __init__(self, lets_empty_through):
        self.transaction_manager = transaction.manager
        self._lets_empty_through = lets_empty_through

    def newTransaction(self, txn):
        pass

    def beforeCompletion(self, txn):
        # Zope calls it before an abort as well, also after a failed commit
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
