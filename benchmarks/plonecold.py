"""Renders pages in a process that has rendered nothing before.

So no cache in memory has data from before a change.  A child is forked when
Zope has started.  For each change it forks another child, which opens the live
database; the writes of that child are lost when it ends.
"""
import os
from multiprocessing import Pipe

import OFS.Application
import transaction
import Zope2
from App.ZApplication import ZApplicationWrapper
from ZODB.blob import BlobStorage
from ZODB.DB import DB
from ZODB.DemoStorage import DemoStorage
from ZODB.FileStorage import FileStorage


class Cold:
    """Asks forked processes for renders; made before the first render.

    `render` takes a page and cookies, and returns the render to compare.
    """

    def __init__(self, home, render):
        self._here, there = Pipe()
        if os.fork() == 0:
            self._here.close()
            while True:
                question = there.recv()
                if question is None:
                    os._exit(0)
                child = os.fork()
                if child == 0:
                    there.send(_rendered(home, render, *question))
                    os._exit(0)
                os.waitpid(child, 0)

    def __call__(self, pages, cookies):
        """Return renders of pages."""
        self._here.send((pages, cookies))
        return self._here.recv()

    def close(self):
        self._here.send(None)


def _rendered(home, render, pages, cookies):
    transaction.manager.clearSynchs()
    database = DB(DemoStorage(base=BlobStorage(
        str(home / 'var' / 'blobs'),
        FileStorage(str(home / 'var' / 'Data.fs'), read_only=True))),
        cache_size=30_000, database_name='main')
    Zope2.DB = database
    Zope2.bobo_application = ZApplicationWrapper(
        database, 'Application', OFS.Application.Application)
    found = {}
    for page in pages:
        try:
            found[page] = render(page, cookies)
        except Exception as error:
            found[page] = 0, repr(error)
    return found
