"""A Data.fs with the records that version 1.2 of the add-on left in 2008.

Version 1.2 left a manager, and the manager's name on each template that is
associated with it.  A Zope of today gets these records in two forms:

as Python 2 wrote them
    in pickle protocol 1, or 2, with each native string as bytes; they are in
    a storage that was never converted, and in an imported file of 1.2's time
    (``.zexp``)
as zodbupdate leaves them
    in pickle protocol 3, with each native string as text; a string that is
    not in the given encoding stays bytes

Only the marker at the beginning of the file is always that of Python 3: a
storage refuses a file without it, and zodbupdate sets it.
"""
import pickle
import shutil
from io import BytesIO

import transaction
import ZODB._compat
from Acquisition import aq_base
from OFS.Application import Application
from Products.SiteAccess.VirtualHostMonster import VirtualHostMonster
from Shared.DC.Scripts.Bindings import NameAssignments
from ZODB.Connection import TransactionMetaData
from ZODB.DB import DB
from ZODB.FileStorage import FileStorage
from ZODB.utils import load_current
from Zope2.App.ClassFactory import ClassFactory

from ..PageCacheManager import PageCacheManager
from .site import add_site
from .site import add_template


#: All attributes that 1.2 stored of a manager.
STATE = {
    'id': 'page_cache',
    'title': 'of old',
    '_settings': {
        'threshold': 4321,
        'cleanup_interval': 77,
        'max_age': 7000,
        'active': 'on_always',
    },
    '_PageCacheManager__cacheid': 'PageCacheManager_140234866',
}


class Text(str):
    """A string of the type unicode under Python 2."""


class Python2Pickler(pickle._Pickler):
    """Pickles strings as Python 2 did: native strings as bytes."""

    dispatch = pickle._Pickler.dispatch.copy()

    def save_native(self, value):
        data = value if isinstance(value, bytes) else value.encode('utf-8')
        if len(data) < 256:
            self.write(pickle.SHORT_BINSTRING + bytes([len(data)]) + data)
        else:
            self.write(
                pickle.BINSTRING + len(data).to_bytes(4, 'little') + data)
        self.memoize(value)

    dispatch[str] = dispatch[bytes] = save_native

    def save_text(self, value):
        data = value.encode('utf-8')
        self.write(pickle.BINUNICODE + len(data).to_bytes(4, 'little') + data)
        self.memoize(value)

    dispatch[Text] = save_text

    def save_classic(self, value):
        self.write(pickle.MARK)
        self.save(type(value))
        self.write(pickle.OBJ)
        self.memoize(value)
        self.save(vars(value))
        self.write(pickle.BUILD)

    # a class without object as its base then
    dispatch[NameAssignments] = save_classic


def _record(pickler, out, cls, state):
    pickler.dump(cls)
    pickler.dump(state)
    return out.getvalue()


def python_2(cls, state, protocol=1):
    """Return the record of an object as Python 2 wrote it."""
    out = BytesIO()
    return _record(Python2Pickler(out, protocol), out, cls, state)


def python_2_newer(cls, state):
    """Return the record in protocol 2."""
    return python_2(cls, state, 2)


def zodbupdate(cls, state):
    """Return the record as zodbupdate leaves it."""
    out = BytesIO()
    state = {
        name: str(value) if isinstance(value, Text) else value
        for name, value in state.items()}
    return _record(ZODB._compat.Pickler(out, 3), out, cls, state)


def manager_state(settings=None, **others):
    """Return the state of a manager; `settings` go into its dict.

    Values `...` are left out.
    """
    state = _without_dots({**STATE, **others})
    if isinstance(state.get('_settings'), dict):
        state['_settings'] = _without_dots(
            {**state['_settings'], **(settings or {})})
    return state


def _without_dots(state):
    return {name: value for name, value in state.items() if value is not ...}


def template_state(template):
    """Return the state of a page template as of old."""
    state = dict(aq_base(template).__getstate__())
    return {**state, '_text': Text(state['_text'])}


class OldDatabase:
    """A Data.fs on disk; `oids` has the objects that can be made old."""

    def __init__(self, path, oids, templates):
        self.path = path
        self.oids = oids
        self._templates = templates

    def copy(self, path):
        shutil.copy(self.path, path)
        return OldDatabase(path, self.oids, self._templates)

    def make_old(self, spell, site='site', settings=None, **state):
        """Store old records of a manager and of the template that names it."""
        self.store(f'/{site}/page_cache', spell(
            PageCacheManager, manager_state(settings, **state)))
        self.make_template_old(spell, site)

    def make_template_old(self, spell, site='site', **state):
        path = f'/{site}/portal_skins/custom/page'
        cls, known = self._templates[path]
        self.store(path, spell(cls, {**known, **state}))

    def store(self, path, record):
        """Write `record` as the newest revision of the object at `path`."""
        storage = FileStorage(str(self.path))
        meta = TransactionMetaData(description='written by 1.2')
        storage.tpc_begin(meta)
        _, serial = load_current(storage, self.oids[path])
        storage.store(self.oids[path], serial, record, '', meta)
        storage.tpc_vote(meta)
        storage.tpc_finish(meta)
        storage.close()

    def record(self, path):
        """Return the newest record of the object at `path`."""
        storage = FileStorage(str(self.path), read_only=True)
        record, _ = load_current(storage, self.oids[path])
        storage.close()
        return record

    def open(self):
        """Return the database as Zope opens it."""
        return _database(self.path)


def _database(path):
    """Open a Data.fs; ZODB before 6.3 takes no factory as an argument."""
    database = DB(FileStorage(str(path)))
    database.classFactory = ClassFactory
    return database


def make(path):
    """Write a Data.fs with two sites of today; return an OldDatabase."""
    database = _database(path)
    connection = database.open()
    connection.root()['Application'] = app = Application()
    app.acl_users.userFolderAddUser('root', 'root', ['Manager'], [])
    VirtualHostMonster().addToContainer(app)
    for name in ('site', 'other'):
        site = add_site(app, name)
        add_template(
            site.portal_skins.custom, 'plain', '<p>plain</p>', False)
    transaction.commit()
    oids, templates = {}, {}
    for name in ('site', 'other'):
        site = app[name]
        page = site.portal_skins.custom.page
        for place in (site.page_cache, page):
            oids['/'.join(place.getPhysicalPath())] = place._p_oid
        templates[f'/{name}/portal_skins/custom/page'] = (
            type(aq_base(page)), template_state(page))
    connection.close()
    database.close()
    return OldDatabase(path, oids, templates)
