"""Adds a site when Zope starts."""
import logging
from contextlib import contextmanager

import transaction
from AccessControl.SecurityManagement import getSecurityManager
from AccessControl.SecurityManagement import newSecurityManager
from AccessControl.SecurityManagement import setSecurityManager
from AccessControl.users import system
from Testing.makerequest import makerequest
from zope.component.hooks import getSite
from zope.component.hooks import setSite


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


@contextmanager
def as_system(app):
    """Run the block as Zope's system user; then restore user and site."""
    security_before, site_before = getSecurityManager(), getSite()
    newSecurityManager(None, system.__of__(app.acl_users))
    try:
        yield
    finally:
        setSite(site_before)
        setSecurityManager(security_before)
