"""Last transaction ids, for storages that report every commit."""
import logging

from ZODB.interfaces import IMVCCStorage


logger = logging.getLogger(__name__)

#: Pairs: the name of each database, and its last transaction.
Moment = tuple[tuple[str, bytes], ...]


class CommitWatch:
    """Watches for commits; any thread may call any method."""

    def __init__(self):
        self._is_refused = False

    def moment(self, databases) -> Moment | None:
        """Return the last transaction of each database, None if unknown.

        Raises the errors of storages.
        """
        found = []
        for name, database in list(databases.items()):
            if not self._is_exact(name, database.storage):
                return None
            found.append((name, database.lastTransaction()))
        return tuple(found)

    def _is_exact(self, name, storage):
        """Return whether `storage` knows all commits, also of other clients.

        Storages may gain or lose abilities while they run.
        """
        if IMVCCStorage.providedBy(storage):
            if not self._is_refused:
                self._is_refused = True
                logger.warning(
                    'The fast lane is closed: the storage of database %r '
                    'does not report commits of other clients', name)
            return False
        is_connected = getattr(storage, 'is_connected', None)
        if is_connected is not None and not is_connected():
            return False
        # with server-sync ZEO asks its server, as for each transaction
        sync = getattr(storage, 'sync', None)
        if sync is not None:
            sync()
        for which in ('base', 'changes'):  # of a demo storage
            below = getattr(storage, which, None)
            if below is not None and not self._is_exact(name, below):
                return False
        return True
