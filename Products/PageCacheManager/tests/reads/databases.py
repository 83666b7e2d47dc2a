"""Databases for tests, and ways to read and commit there."""
from contextlib import contextmanager

import transaction
from persistent import Persistent
from ZODB.DB import DB
from ZODB.FileStorage import FileStorage

from Products.PageCacheManager.core.reads.made_from import Answers
from Products.PageCacheManager.core.reads.made_from import MadeFrom
from Products.PageCacheManager.core.reads.made_from import UntilCommit
from Products.PageCacheManager.core.reads.table import Table
from Products.PageCacheManager.core.reads.unknown import Unknown
from Products.PageCacheManager.reads.commits import Commits
from Products.PageCacheManager.reads.recording import Recording
from Products.PageCacheManager.reads.recording import unrecorded
from Products.PageCacheManager.reads.thread import thread
from Products.PageCacheManager.reads.zodb import mark_rings


class Document(Persistent):
    """Content."""

    def __init__(self, text=''):
        self.text = text

    def read(self):
        return self.text


def file_db(path, **options):
    return DB(FileStorage(str(path)), **options)


@contextmanager
def as_in_another_thread():
    """Let nothing count that this thread does meanwhile."""
    opened = thread.opened
    with unrecorded():
        yield
    thread.opened = opened


class Client:
    """A connection with its transactions, as a thread of a server has."""

    def __init__(self, database):
        self.database = database
        self.transactions = transaction.TransactionManager()
        with as_in_another_thread():
            self.connection = database.open(self.transactions)

    @property
    def root(self):
        return self.connection.root()

    def begin(self):
        self.transactions.begin()

    def commit(self):
        self.transactions.commit()

    def close(self):
        self.transactions.abort()
        self.connection.close()


@contextmanager
def client(database):
    one = Client(database)
    try:
        yield one
    finally:
        one.close()


def edit(database, **texts):
    """Commit new texts of documents in the root."""
    with client(database) as writer:
        for name, text in texts.items():
            if name in writer.root:
                writer.root[name].text = text
            else:
                writer.root[name] = Document(text)
        writer.commit()


def make_commits(**options):
    return Commits(Table(), pause=lambda secs: None, **options)


def record(commits, client):
    """Return a recording of the reads of `client` from now on."""
    return Recording(commits, mark_rings(client.connection))


def stopped(recording):
    """Return the read set of a recording, or the reason for its absence."""
    made = recording.made_from(Answers())
    if not isinstance(made, MadeFrom):
        return made
    if isinstance(made.objects, UntilCommit):
        return Unknown(made.objects.why)
    return made.objects


def heard_and_changed(commits, objects, client):
    """Return the change of a page, or None, for a request that just began."""
    connection = client.connection
    return commits.hear(objects.sources, connection) or (
        commits.what_changed(objects, connection))
