"""The last transaction of every database, where that tells of all commits."""
import logging

from ZODB.interfaces import IMVCCStorage


logger = logging.getLogger(__name__)

#: For each database, by name, its last transaction.
Moment = tuple[tuple[str, bytes], ...]


class Watch:
    """Tells of commits; every method may be called by any thread."""

    def __init__(self):
        self._is_refused = False

    def moment(self, databases) -> Moment | None:
        """Return the last transaction of each database, None if unknown.

        Raises what storages raise.
        """
        found = []
        for name, database in list(databases.items()):
            if not self._is_exact(name, database.storage):
                return None
            found.append((name, database.lastTransaction()))
        return tuple(found)

    def _is_exact(self, name, storage):
        """Return whether `storage` knows of all commits, its own and others'.

        What it can be asked may change while it runs.
        """
        if IMVCCStorage.providedBy(storage):
            if not self._is_refused:
                self._is_refused = True
                logger.warning(
                    'The fast lane is closed: the storage of database %r '
                    "does not tell of other clients' commits", name)
            return False
        is_connected = getattr(storage, 'is_connected', None)
        if is_connected is not None and not is_connected():
            return False
        # with server-sync ZEO asks its server here, as for each transaction
        sync = getattr(storage, 'sync', None)
        if sync is not None:
            sync()
        for which in ('base', 'changes'):  # of a demo storage
            below = getattr(storage, which, None)
            if below is not None and not self._is_exact(name, below):
                return False
        return True
