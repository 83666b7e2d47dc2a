"""The versions of templates and other objects that a page is made with.

The version of an object in the ZODB is made from its serial.  The version of
a filesystem template is a digest of the source that it holds in memory.  An
object that this transaction changed has no version, since the transaction may
be aborted.
"""
from contextlib import suppress
from math import ceil

from Acquisition import aq_base
from Acquisition import aq_get
from Acquisition import aq_parent
from persistent import Persistent
from persistent.timestamp import TimeStamp
from ZODB.utils import z64

from ..core.key import digest


def version_of(ob):
    """Return a string that changes with `ob`, None if it has no version now.
    """
    base = aq_base(ob)
    if isinstance(base, Persistent) and base._p_jar is not None:
        if not is_committed(base):
            return None
        return f'{base._p_oid.hex()}-{base._p_serial.hex()}'
    if hasattr(base, '_filepath'):
        return _source_digest(ob, base)
    return None


def latest_of(obs):
    """Return the version of the last write to any of several objects.

    All are persistent objects of one database.  None if any object has no
    version now.
    """
    latest = z64
    for ob in obs:
        ob._p_activate()
        latest = max(latest, aq_base(ob)._p_serial)
    jar = obs[0]._p_jar
    # without changes all objects of a connection are as in the database
    is_clean = jar is not None and not jar._registered_objects and (
        jar._savepoint_storage is None)
    return latest.hex() if is_clean or all(map(is_committed, obs)) else None


def is_newest(ob, others):
    """Return whether `ob` was written after all `others`.

    A write in this transaction counts as the newest.
    """
    if not is_committed(ob):
        return True
    for other in others:
        other._p_activate()
        if other._p_serial >= ob._p_serial:
            return False
    return True


def is_committed(ob):
    """Return whether `ob` is the same as in the database.

    After a savepoint a changed object looks unchanged and has its old serial,
    so the storage of the savepoint is checked too.
    """
    base = aq_base(ob)
    base._p_activate()
    if base._p_jar is None or base._p_changed or base._p_serial == z64:
        return False
    savepoints = base._p_jar._savepoint_storage
    return savepoints is None or base._p_oid not in savepoints.index


def holds_changes(connection):
    """Return whether the transaction has changes to commit.

    `connection` is the connection of any object.  Its connections to other
    databases count too.
    """
    for one in connection.connections.values():
        if one._registered_objects or one._savepoint_storage is not None:
            return True
    return False


def association_of(template):
    """Return the id of a template's cache manager, and whether caching is
    enabled for the template.
    """
    base = aq_base(template)
    return base.ZCacheable_getManagerId(), base._Cacheable__enabled


def snapshots(connection):
    """Return the snapshots that a request reads, by name of the database.

    The request has a connection to each database that it used.  A snapshot is
    None if the storage does not tell it.  The result is None if the
    transaction has changes to commit.
    """
    found = {}
    for name, one in connection.connections.items():
        if one._registered_objects or one._savepoint_storage is not None:
            return None
        found[name] = getattr(one._storage, '_start', None)
    return found


def _source_digest(ob, base):
    ob._updateFromFS()
    known = _digests.get(base._filepath)
    if known is not None and known[0] == vars(base):
        return known[1]
    state = {**vars(base)}  # a copy: other threads may read the file again
    text = state.get('_text')
    if not isinstance(text, str):
        return None
    described = tuple([
        (name, value) for name, value in sorted(state.items())
        if type(value) in (str, tuple, list) and (
            not name.startswith('_') or name == '_proxy_roles'
            or name.endswith('_Permission'))])
    found = digest(repr((described, text)))
    # a list may change in place, so its digest is not remembered
    with suppress(TypeError):
        hash(described)
        _digests[base._filepath] = state, found
    return found


#: By the file of a template: the attributes of the template, and the digest of
#: its source and its .metadata file.  Size: at most the number of files.
_digests = {}


def version_of_content(ob):
    """Return the version of `ob`, '' for an object outside the database."""
    return version_of(ob) if isinstance(aq_base(ob), Persistent) else ''


def identity_of(ob):
    """Return a name of `ob` that does not depend on its path, or ''."""
    base = aq_base(ob)
    oid = base._p_oid if isinstance(base, Persistent) else None
    if oid is not None:
        return f'oid:{base._p_jar.db().database_name}:{oid.hex()}'
    if hasattr(base, '_filepath'):
        return f'file:{base._filepath}'
    return ''


def changed_at(*obs):
    """Return the time of the last change of any of `obs`.

    The result is in whole seconds since 1970, rounded up: a date from a client
    has no fractions, and a date before the change must not look like a date
    after it.
    """
    newest = 0
    for base in map(aq_base, obs):
        serial = getattr(base, '_p_serial', None)
        if serial is not None and serial != z64:
            newest = max(newest, TimeStamp(serial).timeTime())
        else:
            newest = max(newest, getattr(base, '_file_mod_time', 0))
    return ceil(newest)


def frame_of(context):
    """Return the template that frames the pages of a CMF site, or None."""
    return aq_get(context, 'main_template', None)


def version_of_frame(context):
    """Return the version of the frame if it is in a file, else ''.

    None if the version is not known.  CMF reads changed files again in debug
    mode.
    """
    frame = frame_of(context)
    return version_of(frame) if hasattr(aq_base(frame), '_filepath') else ''


def container_of(ob):
    """Return `ob` if it can hold objects, else its parent.

    Only a container can have the attributes that callers look for.  Content
    without them would search its schema, which is slow.
    """
    parent = aq_parent(ob)
    if parent is None or hasattr(type(aq_base(ob)), '_getOb'):
        return ob
    return parent


def path_of(ob):
    """Return the physical path of `ob`, '' if it has none."""
    find = getattr(ob, 'getPhysicalPath', None)
    try:
        return '/'.join(find()) if find is not None else ''
    except AttributeError:  # an object around it has no path
        return ''
