"""Adds a site when Zope starts."""
import logging

import transaction
from Testing.makerequest import makerequest


logger = logging.getLogger(__name__)


def add_missing(database, site_id, add_site):
    """Add a site to a database that has none of this id, and commit.

    `add_site` takes the application root.
    """
    connection = database.open()
    try:
        app = makerequest(connection.root()['Application'])
        if site_id not in app.objectIds():
            add_site(app)
            transaction.commit()
            logger.info('Added the demo site at /%s', site_id)
    finally:
        transaction.abort()
        connection.close()
