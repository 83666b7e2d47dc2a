"""Marks changed content when CMF's indexing queue gets it.

Every change that a listing could show goes through this queue, also changes
of the permission to view.
"""
from Acquisition import aq_base
from persistent import Persistent
from Products.CMFCore.interfaces import IIndexQueueProcessor
from ZODB.utils import z64
from zope.interface import implementer
from zope.proxy import removeAllProxies

from ..core.attempt import FAILED
from ..core.attempt import attempt
from ..marks import write
from ..origin.site import content_marks


#: Attributes and indexes that show only on the content's own page, or on
#: pages that show any content.  Annotations and locks are separate objects;
#: these attributes appear with the first of them.
_OF_ITS_OWN_PAGE = frozenset([
    'SearchableText', '__annotations__', '_dav_writelocks', 'changeNote',
    'cmf_uid', 'modification_date', 'modified', 'table_of_contents', 'text',
    'total_comments', 'version_id'])


@implementer(IIndexQueueProcessor)
class ContentWatch:
    """Marks content in the transaction that indexes it."""

    def begin(self):
        """Do nothing."""

    def commit(self):
        """Do nothing."""

    def abort(self):
        """Do nothing: an abort drops the marks."""

    def index(self, obj, attributes=None):
        """Note that content is new."""
        note(obj, is_listed=True)

    def reindex(self, obj, attributes=None, update_metadata=1):
        """Note that content changed."""
        note(obj, is_listed=changed_as_listed(obj, attributes))

    def unindex(self, obj):
        """Note that content was removed."""
        note(obj, is_listed=True)


def note(obj, is_listed):
    """Mark content as changed; if `is_listed`, listings of it as well."""
    path = '/'.join(obj.getPhysicalPath())
    for marks in content_marks(removeAllProxies(obj)):
        marks.content_changed(path)
        if is_listed:
            write(marks.listed)


def listed_otherwise(obj, event):
    """Note a change of state or order, which shows on other pages."""
    for marks in content_marks(obj):
        write(marks.listed)


def changed_as_listed(obj, attributes=None):
    """Return whether a change shows on pages of other content."""
    if attributes:
        return not _OF_ITS_OWN_PAGE.issuperset(attributes)
    base = aq_base(obj)
    if not isinstance(base, Persistent) or base._p_jar is None or (
            base._p_serial == z64):
        return True
    changed = attempt(None, 'state before a change', _changed_in, base)
    return changed is FAILED or not _OF_ITS_OWN_PAGE.issuperset(changed)


def _changed_in(base):
    return _differing(_state_before(base), base.__getstate__())


def _state_before(base):
    """Return the state in the database.

    It ignores savepoints: versioning makes one in each edit.
    """
    connection = base._p_jar
    found = connection._normal_storage.loadSerial(base._p_oid, base._p_serial)
    return connection._reader.getState(found)


def _differing(before, now):
    # a form saves empty values for missing ones
    return [
        name for name in {*before, *now}
        if (before.get(name) or None) != (now.get(name) or None)]
