"""A site with a manager of 1.2's time, from its Data.fs on disk."""
import json
import logging
import pickletools
import shutil
import subprocess
import sys
from contextlib import contextmanager
from io import BytesIO

import pytest
import transaction
import Zope2
from AccessControl.SecurityManagement import newSecurityManager
from AccessControl.SecurityManagement import noSecurityManager
from AccessControl.users import system
from Acquisition import aq_base
from Products.CMFCore.Skinnable import SKINDATA
from Products.GenericSetup.context import TarballImportContext
from Products.GenericSetup.tool import SetupTool
from ZODB.ExportImport import export_end_marker
from ZODB.FileStorage import FileStorage
from ZODB.utils import p64
from zope.component.hooks import setSite

from ..core.settings import Settings
from ..core.settings import as_dict
from ..demo import instance as demo
from ..exportimport import import_managers
from ..manager import caches
from ..PageCacheManager import PageCacheManager
from . import old_database
from .client import Client
from .old_database import Text
from .site import Item


MANAGER = '/site/page_cache'
TEMPLATE = '/site/portal_skins/custom/page'
PATHS = ('/site/doc/page', '/site/doc/fspage', '/site/doc')
PAGE = PATHS[0]

OLD_SETTINGS = {**as_dict(Settings()), **old_database.STATE['_settings']}

STEP = 'Products.PageCacheManager'

START_LIMIT_SECS = 120

SPELLS = [
    old_database.python_2, old_database.python_2_newer,
    old_database.zodbupdate]


class Instance:
    """Zope on a Data.fs, in this process."""

    def __init__(self, files, facade, monkeypatch):
        self.files = files
        self._facade = facade
        self._monkeypatch = monkeypatch
        self.database = None

    def start(self):
        caches.forget_all()
        self.database = self.files.open()
        self._monkeypatch.setattr(self._facade, '_db', self.database)
        self._connection = self.database.open()
        self.app = self._connection.root()['Application']
        setSite(self.app.site)
        return self

    def stop(self):
        if self.database is not None:
            transaction.abort()
            setSite(None)
            SKINDATA.clear()
            self._connection.close()
            self.database.close()
            self.database = None

    def restart(self):
        """Commit, and start again from the data on disk."""
        transaction.commit()
        self.stop()
        return self.start()

    @property
    def site(self):
        transaction.begin()
        return self.app.site

    @property
    def manager(self):
        return self.site.page_cache


@pytest.fixture(scope='module')
def data_fs(zope_session, tmp_path_factory):
    """A Data.fs with two sites of today, made once."""
    return old_database.make(tmp_path_factory.mktemp('made') / 'Data.fs')


@pytest.fixture
def files(data_fs, tmp_path):
    """A new Data.fs for each test."""
    return data_fs.copy(tmp_path / 'Data.fs')


@pytest.fixture
def instance(app, files, monkeypatch):
    """Zope on that Data.fs, not yet started."""
    facade = Zope2.bobo_application
    while not hasattr(facade, '_db'):
        facade = facade._stuff[0]
    instance = Instance(files, facade, monkeypatch)
    yield instance
    instance.stop()


@pytest.fixture(params=SPELLS, ids=lambda spell: spell.__name__)
def old(request, instance):
    """Zope on a Data.fs that 1.2 left, started."""
    instance.files.make_old(request.param)
    return instance.start()


def outcomes(client, path=PAGE):
    return client.get(path).outcome, client.get(path).outcome


def is_as_without_cache(client, path=PAGE):
    """See that a page is rendered at each request, and without our word."""
    before = Item.renders
    for _ in range(2):
        answer = client.get(path)
        assert answer.status == 200 and 'first text' in answer.text
        assert answer.all('X-PageCache') == []
    return Item.renders == before + 2


def see_screens(client):
    """See that every screen answers; return the text of Properties."""
    for name in ('manage_stats', 'manage_workspace', 'manage_owner',
                 'manage_access', 'ZCacheManager_associate'):
        answer = client.get(f'{MANAGER}/{name}', 'root')
        assert answer.status in (200, 302), name
    answer = client.get(f'{MANAGER}/manage_main', 'root')
    assert answer.status == 200
    return answer.text


def save(client, **form):
    """Save the Properties form."""
    answer = client.post(f'{MANAGER}/manage_editProps', form)
    assert answer.status == 302
    return answer


@contextmanager
def logged_in(app):
    user = app.acl_users.getUser('root').__of__(app.acl_users)
    newSecurityManager(None, user)
    try:
        yield
    finally:
        noSecurityManager()


# the records of the fixture

def opcodes(record):
    """Return the names of the opcodes of both pickles of a record."""
    file = BytesIO(record)
    return {
        opcode.name for _ in range(2)
        for opcode, _, _ in pickletools.genops(file)}


def test_record_of_python_2():
    """As a Zope 2.10 wrote it, opcode by opcode."""
    assert old_database.python_2(
        PageCacheManager, old_database.manager_state()) == (
        b'cProducts.PageCacheManager.PageCacheManager\n'
        b'PageCacheManager\nq\x00.'
        b'}q\x01('
        b'U\x02idq\x02U\npage_cacheq\x03'
        b'U\x05titleq\x04U\x06of oldq\x05'
        b'U\t_settingsq\x06}q\x07('
        b'U\tthresholdq\x08M\xe1\x10'
        b'U\x10cleanup_intervalq\tKM'
        b'U\x07max_ageq\nMX\x1b'
        b'U\x06activeq\x0bU\ton_alwaysq\x0cu'
        b'U\x1a_PageCacheManager__cacheidq\r'
        b'U\x1aPageCacheManager_140234866q\x0e'
        b'u.')


def test_records_on_disk_are_spelled_as_of_old(files):
    files.make_old(old_database.python_2)
    for path in (MANAGER, TEMPLATE):
        found = opcodes(files.record(path))
        assert 'SHORT_BINSTRING' in found and 'PROTO' not in found
    assert 'BINUNICODE' not in opcodes(files.record(MANAGER))
    assert b'_Cacheable__manager_idq' in files.record(TEMPLATE)


def test_zodbupdate_leaves_what_the_fixture_says(files):
    """Run the tool itself, if it is installed."""
    main = pytest.importorskip('zodbupdate.main')
    expected = files.copy(files.path.with_name('expected.fs'))
    expected.make_old(old_database.zodbupdate)
    files.make_old(old_database.python_2)
    storage = FileStorage(str(files.path))
    main.create_updater(storage, convert_py3=True, encoding='utf-8')()
    storage.close()
    for path in (MANAGER, TEMPLATE):
        assert read(files.record(path)) == read(expected.record(path))


def read(record):
    """Return the two pickles of a record as lists of opcode and value."""
    file = BytesIO(record)
    return [
        [(opcode.name, value) for opcode, value, _ in pickletools.genops(file)
         if 'PUT' not in opcode.name and 'GET' not in opcode.name]
        for _ in range(2)]


# it loads

def test_old_manager_loads_with_its_settings(old):
    manager = old.manager
    assert type(aq_base(manager)) is PageCacheManager
    assert (manager.getId(), manager.title) == ('page_cache', 'of old')
    assert manager.getSettings() == OLD_SETTINGS
    assert manager.isActive()
    assert set(vars(aq_base(manager))) == set(old_database.STATE)
    assert not manager._p_changed


def test_old_association_loads(old):
    template = old.site.portal_skins.custom.page
    assert template.ZCacheable_getManagerId() == 'page_cache'
    assert template.ZCacheable_enabled()
    manager = template.ZCacheable_getManager()
    assert aq_base(manager) is aq_base(old.manager)


def test_old_site_shows_its_screens(old):
    client = Client()
    client.get(PAGE)
    text = see_screens(client)
    for shown in ('of old', '4321', '7000', '77'):
        assert shown in text
    assert 'page_cache' in client.get(
        f'{TEMPLATE}/ZCacheable_manage', 'root').text
    report, = old.manager.getCacheReport()
    assert report['entries'] == 1


@pytest.mark.parametrize('path', PATHS)
def test_old_site_caches(old, path):
    client = Client()
    miss, hit = client.get(path), client.get(path)
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert 'first text' in hit.text
    assert hit.body == miss.body
    assert hit.stable_headers() == miss.stable_headers()
    assert client.get(path, If_None_Match=hit['ETag']).status == 304
    member = client.get(path, 'alice')
    assert member.outcome == 'MISS' and member['ETag'] != hit['ETag']


def test_reading_an_old_site_writes_nothing(old):
    client = Client()
    size = old.files.path.stat().st_size
    for path in PATHS:
        assert outcomes(client, path) == ('MISS', 'HIT')
        client.head(path)
    see_screens(client)
    old.restart()
    assert old.files.path.stat().st_size == size


# which templates

@pytest.mark.parametrize('spell', SPELLS)
@pytest.mark.parametrize('state', [
    {'_Cacheable__manager_id': None},
    {'_Cacheable__manager_id': 'page_cache', '_Cacheable__enabled': 0},
    {'_Cacheable__manager_id': 'that_is_gone'},
    {'_Cacheable__manager_id': 'portal_skins'},
])
def test_template_that_was_not_cached_is_not(instance, spell, state):
    instance.files.make_old(spell)
    instance.files.make_template_old(spell, **state)
    instance.start()
    assert is_as_without_cache(Client())
    assert Client().get(f'{TEMPLATE}/ZCacheable_manage', 'root').status == 200


@pytest.mark.parametrize('spell', SPELLS)
@pytest.mark.parametrize('enabled', [1, True])
def test_template_that_was_enabled_is_cached(instance, spell, enabled):
    instance.files.make_old(spell)
    instance.files.make_template_old(spell, _Cacheable__enabled=enabled)
    instance.start()
    assert outcomes(Client()) == ('MISS', 'HIT')


def test_old_template_can_be_associated_anew(old):
    client = Client()
    for manager_id, expected in (('', None), ('page_cache', 'MISS')):
        answer = client.post(
            f'{TEMPLATE}/ZCacheable_setManagerId', {'manager_id': manager_id})
        assert answer.status == 200
        old.restart()
        assert client.get(PAGE).outcome == expected


def test_edit_of_an_old_template_is_seen(old):
    client = Client()
    page = client.get(PAGE)
    old.site.portal_skins.custom.page.pt_edit('<b>edited</b>', 'text/html')
    answer = client.get(PAGE, If_None_Match=page['ETag'])
    assert (answer.status, answer.outcome) == (200, 'MISS')
    assert 'edited' in answer.text


# changes that write it in the new form

def see_new_form(files):
    record = files.record(MANAGER)
    assert b'_uid' in record and b'_purged' in record
    assert 'SHORT_BINSTRING' not in opcodes(record)


def test_settings_are_saved_for_good(old):
    client = Client()
    page = client.get(PAGE)
    save(client, title='saved', max_age='66', partition='roles')
    expected = {**OLD_SETTINGS, 'max_age': 66, 'partition': 'roles'}
    for _ in range(2):
        assert old.manager.title == 'saved'
        assert old.manager.getSettings() == expected
        answer = client.get(PAGE, If_None_Match=page['ETag'])
        assert (answer.status, answer.outcome) == (200, 'MISS')
        assert client.get(PAGE).outcome == 'HIT'
        assert '66' in see_screens(client)
        name = old.manager.cache_name()
        old.restart()
        assert old.manager.cache_name() == name
    old.stop()
    see_new_form(old.files)


def test_settings_that_are_refused_leave_it_old(old):
    client = Client()
    answer = client.post(
        f'{MANAGER}/manage_editProps', {'title': 'x', 'threshold': '0'})
    assert 'threshold' in answer.text and answer.status == 200
    record = old.files.record
    old.restart().stop()
    assert b'_uid' not in record(MANAGER)


@pytest.mark.parametrize('change', ['enable', 'disable'])
def test_switch_is_kept_over_a_restart(old, change):
    getattr(old.manager, change)()
    old.restart()
    assert old.manager.isActive() == (change == 'enable')
    assert Client().get(PAGE).outcome == (
        'MISS' if change == 'enable' else 'OFF')


@pytest.mark.parametrize('form', [
    ('manage_purge', {}),
    ('manage_invalidate', {'paths:list': '/site/doc'}),
], ids=['purge', 'invalidate'])
@pytest.mark.parametrize('is_restarted', [False, True])
def test_old_pages_are_forgotten(old, form, is_restarted):
    client = Client()
    client.get(PAGE)
    page = client.get(PAGE)
    assert page.outcome == 'HIT'
    name, fields = form
    assert client.post(f'{MANAGER}/{name}', fields).status in (200, 302)
    if is_restarted:
        old.restart()
    answer = client.get(PAGE, If_None_Match=page['ETag'])
    assert (answer.status, answer.outcome) == (200, 'MISS')
    assert client.get(PAGE).outcome == 'HIT'
    assert old.manager.getSettings() == OLD_SETTINGS
    old.restart().stop()
    see_new_form(old.files)


# copied, exported, imported, renamed, deleted

def see_it_serve(old, client, path='/other/doc/page'):
    """See that the manager at ``/other/page_cache`` serves, and alone."""
    assert outcomes(client) == ('MISS', 'HIT')
    assert outcomes(client, path) == ('MISS', 'HIT')
    app = old.app
    assert app.site.page_cache.cache_name() != (
        app.other.page_cache.cache_name())
    app.other.page_cache.manage_purge()
    assert client.get(PAGE).outcome == 'HIT'
    assert client.get(path).outcome == 'MISS'


def test_copy_of_an_old_manager_is_another(old):
    app = old.app
    with logged_in(app):
        app.other.manage_delObjects(['page_cache'])
        transaction.savepoint(optimistic=True)
        app.other.manage_pasteObjects(
            app.site.manage_copyObjects(['page_cache']))
    old.restart()
    assert old.app.other.page_cache.getSettings() == OLD_SETTINGS
    assert old.app.other.page_cache.title == 'of old'
    see_it_serve(old, Client())


def take_in(app, data, path):
    """Import an export file into the other site, as its manager."""
    path.write_bytes(data)
    app.other._delObject('page_cache')
    app.other._importObjectFromFile(str(path), verify=0)


def test_old_manager_is_exported_and_imported(old, tmp_path):
    app = old.app
    manager = app.site.page_cache
    file = manager._p_jar.exportFile(manager._p_oid, BytesIO())
    take_in(app, file.getvalue(), tmp_path / 'page_cache.zexp')
    old.restart()
    assert old.app.other.page_cache.getSettings() == OLD_SETTINGS
    see_it_serve(old, Client())


@pytest.mark.parametrize('spell', SPELLS)
def test_export_file_of_old_is_imported(instance, tmp_path, spell):
    record = spell(PageCacheManager, old_database.manager_state())
    data = b''.join((
        b'ZEXP', p64(7), p64(len(record)), record, export_end_marker))
    app = instance.start().app
    take_in(app, data, tmp_path / 'page_cache.zexp')
    instance.restart()
    manager = instance.app.other.page_cache
    assert (manager.title, manager.getSettings()) == ('of old', OLD_SETTINGS)
    see_it_serve(instance, Client())


def steps(app):
    """Return a tool that runs our steps on the site."""
    if 'setup_tool' not in app.site.objectIds():
        app.site._setObject('setup_tool', SetupTool('setup_tool'))
        transaction.savepoint(optimistic=True)
    return app.site.setup_tool


def exported(old):
    """Return the profile that GenericSetup makes of the site's managers."""
    newSecurityManager(None, system)
    try:
        return steps(old.app).runExportStep(STEP)['tarball']
    finally:
        noSecurityManager()


def test_old_manager_goes_through_generic_setup(old):
    archive = exported(old)
    client = Client()
    save(client, title='other', max_age='5')
    tool = steps(old.app)
    import_managers(TarballImportContext(tool, archive))
    old.restart()
    assert old.manager.title == 'of old'
    assert old.manager.getSettings() == OLD_SETTINGS
    assert outcomes(client) == ('MISS', 'HIT')


def test_renamed_old_manager_serves_under_its_name(old):
    client = Client()
    client.get(PAGE)
    app = old.app
    with logged_in(app):
        app.site.manage_renameObject('page_cache', 'renamed')
    assert is_as_without_cache(client)
    app.site.portal_skins.custom.page.ZCacheable_setManagerId('renamed')
    old.restart()
    assert old.app.site.renamed.getSettings() == OLD_SETTINGS
    assert outcomes(client) == ('MISS', 'HIT')


def test_deleted_old_manager_is_gone(old):
    client = Client()
    client.get(PAGE)
    name = old.manager.cache_name()
    answer = client.post(
        '/site/manage_delObjects', {'ids:list': 'page_cache'})
    assert answer.status in (200, 302)
    assert name not in caches._caches
    assert is_as_without_cache(client)
    old.restart()
    assert is_as_without_cache(client)
    assert 'page_cache' not in old.site.objectIds()
    client.post(
        '/site/manage_addProduct/PageCacheManager/manage_addPageCacheManager',
        {'id': 'page_cache'})
    assert outcomes(client) == ('MISS', 'HIT')
    assert old.manager.getSettings() == as_dict(Settings())


def test_site_of_old_is_deleted_whole(old):
    client = Client()
    client.get(PAGE)
    name = old.manager.cache_name()
    client.post('/manage_delObjects', {'ids:list': 'site'})
    assert name not in caches._caches
    assert 'site' not in old.app.objectIds()


# two of them

@pytest.fixture(params=SPELLS)
def two(request, instance):
    """Two sites with old managers, alike but for their place."""
    for site in ('site', 'other'):
        instance.files.make_old(request.param, site)
    instance.start()
    instance.app.other.doc.text = 'other text'
    transaction.commit()
    return instance


@pytest.mark.parametrize('path', ['/doc/page', '/doc/fspage', '/doc'])
def test_two_old_managers_share_no_page(two, path):
    client = Client()
    for site, text in (('site', 'first text'), ('other', 'other text')):
        for outcome in ('MISS', 'HIT'):
            answer = client.get(f'/{site}{path}')
            assert (answer.outcome, text in answer.text) == (outcome, True)
    names = {two.app[site].page_cache.cache_name()
             for site in ('site', 'other')}
    assert len(names) == 2


def test_two_old_managers_behind_one_address_share_no_page(two):
    """As if the administrator points a host name at another site."""
    client = Client()
    address = '/VirtualHostBase/http/www.example.org:80/{}/VirtualHostRoot/doc'
    texts = {}
    for site in ('site', 'other'):
        assert outcomes(client, address.format(site)) == ('MISS', 'HIT')
        texts[site] = client.get(address.format(site)).text
    assert 'first text' in texts['site'] and 'other text' in texts['other']


@pytest.mark.parametrize('change', [
    lambda client: save(client, title='', max_age='66'),
    lambda client: client.post(f'{MANAGER}/manage_purge'),
], ids=['save', 'purge'])
def test_change_of_one_leaves_the_other_old_and_its_pages(two, change):
    client = Client()
    for site in ('site', 'other'):
        assert outcomes(client, f'/{site}/doc') == ('MISS', 'HIT')
    change(client)
    assert client.get('/other/doc').outcome == 'HIT'
    assert client.get('/site/doc').outcome == 'MISS'
    two.restart()
    assert two.app.other.page_cache._uid is None
    assert two.app.other.page_cache.getSettings() == OLD_SETTINGS
    for site, text in (('site', 'first text'), ('other', 'other text')):
        assert outcomes(client, f'/{site}/doc') == ('MISS', 'HIT')
        assert text in client.get(f'/{site}/doc').text


# settings that are out of today's range

class Odd:
    """A value of a class that 1.2 knew nothing of."""


#: A setting in the old dict, and the value that counts.
ODD_SETTINGS = [
    ('threshold', 0, 10_000), ('threshold', -5, 10_000),
    ('threshold', 10 ** 30, 10_000), ('threshold', None, 10_000),
    ('threshold', 1.5, 10_000), ('threshold', True, 10_000),
    ('threshold', '', 10_000), ('threshold', 'many', 10_000),
    ('threshold', '500', 500), ('threshold', Text('500'), 500),
    ('threshold', [500], 10_000), ('threshold', {}, 10_000),
    ('threshold', b'\xff', 10_000), ('threshold', Odd(), 10_000),
    ('threshold', ..., 10_000),
    ('cleanup_interval', 0, 60), ('cleanup_interval', -1, 60),
    ('cleanup_interval', 10 ** 9, 60), ('cleanup_interval', None, 60),
    ('cleanup_interval', ' 90 ', 90), ('cleanup_interval', ..., 60),
    ('max_age', 0, 0), ('max_age', -1, 3600), ('max_age', None, 3600),
    ('max_age', 10 ** 12, 3600), ('max_age', 'for ever', 3600),
    ('max_age', 3600.0, 3600), ('max_age', ..., 3600),
    ('active', None, 'on_always'), ('active', 1, 'on_always'),
    ('active', 'on', 'on_always'), ('active', '', 'on_always'),
    ('active', Text('off'), 'off'), ('active', ('off',), 'on_always'),
    ('active', ..., 'on_always'),
]


@pytest.mark.parametrize('name,value,counts', ODD_SETTINGS)
def test_odd_setting_of_old_breaks_nothing(
        instance, caplog, name, value, counts):
    spell = old_database.python_2
    if isinstance(value, (bytes, Odd)):  # which only zodbupdate leaves
        spell = old_database.zodbupdate
    instance.files.make_old(spell, settings={name: value})
    instance.start()
    expected = {**OLD_SETTINGS, name: counts}
    assert instance.manager.getSettings() == expected
    client = Client()
    caplog.clear()
    outcome = client.get(PAGE).outcome, client.get(PAGE).outcome
    assert outcome == (
        ('OFF', 'OFF') if counts == 'off' else ('MISS', 'HIT'))
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]
    see_screens(client)
    # saving another field mends it for good
    save(client, title='mended', max_page_kib='99')
    instance.restart()
    assert aq_base(instance.manager)._settings == {
        **expected, 'max_page_kib': 99}
    assert client.get(PAGE).status == 200


def test_odd_setting_is_told_in_the_log(instance, caplog):
    instance.files.make_old(
        old_database.python_2, settings={'threshold': 0})
    instance.start()
    client = Client()
    client.get(PAGE)
    told = [record.getMessage() for record in caplog.records
            if 'threshold' in record.getMessage()
            and record.levelno == logging.WARNING]
    assert len(told) == 1 and 'not 0' in told[0]
    # but not at each request
    for _ in range(3):
        client.get(PAGE)
    assert len([r for r in caplog.records
                if r.levelno == logging.WARNING]) == 1


@pytest.mark.parametrize('spell', SPELLS)
def test_unknown_settings_of_old_are_left_out(instance, spell):
    instance.files.make_old(spell, settings={
        'http_headers': 'x', 'no such': None, 5: 6, '': 0})
    client = Client()
    instance.start()
    assert instance.manager.getSettings() == OLD_SETTINGS
    assert outcomes(client) == ('MISS', 'HIT')
    save(client, title='saved')
    instance.restart()
    assert aq_base(instance.manager)._settings == OLD_SETTINGS


@pytest.mark.parametrize('spell', SPELLS)
@pytest.mark.parametrize('settings', [
    {}, None, (), 'threshold', 5, ...], ids=repr)
def test_settings_that_are_no_dict(instance, spell, settings):
    instance.files.make_old(spell, _settings=settings)
    instance.start()
    expected = as_dict(Settings())
    client = Client()
    assert outcomes(client) == ('MISS', 'HIT')
    assert instance.manager.getSettings() == expected
    see_screens(client)
    save(client, title='saved', threshold='7')
    instance.restart()
    assert instance.manager.getSettings() == {**expected, 'threshold': 7}
    assert outcomes(client) == ('MISS', 'HIT')


@pytest.mark.parametrize('spell,title,shown', [
    (old_database.python_2, ..., ''),
    (old_database.python_2, None, ''),
    (old_database.python_2, Text('f\xfcr'), 'f\xfcr'),
    (old_database.zodbupdate, 'f\xfcr', 'f\xfcr'),
    # zodbupdate does not change a string that is not in the given encoding
    (old_database.zodbupdate, b'f\xfcr', 'f\xfcr'),
    (old_database.zodbupdate, b'f\xc3\xbcr', 'f\xfcr'),
], ids=['missing', 'None', 'unicode', 'text', 'latin-1', 'utf-8'])
def test_odd_title_breaks_nothing(instance, spell, title, shown):
    instance.files.make_old(spell, title=title)
    instance.start()
    client = Client()
    assert outcomes(client) == ('MISS', 'HIT')
    assert shown in see_screens(client)
    assert client.get('/site/manage_main', 'root').status == 200
    assert client.get(
        f'{TEMPLATE}/ZCacheable_manage', 'root').status == 200
    archive = exported(instance)
    import_managers(TarballImportContext(steps(instance.app), archive))
    save(client, title='saved')
    instance.restart()
    assert instance.manager.title == 'saved'


# Zope started by itself

MAKE = '''
import sys
from pathlib import Path
from Zope2.Startup.run import make_wsgi_app
make_wsgi_app({}, sys.argv[1])
from Products.PageCacheManager.tests import old_database
made = old_database.make(Path(sys.argv[2], 'today.fs'))
for spell in sys.argv[3:]:
    made.copy(Path(sys.argv[2], spell + '.fs')).make_old(
        getattr(old_database, spell))
'''

SERVE = '''
import json, sys
from Zope2.Startup.run import make_wsgi_app
make_wsgi_app({}, sys.argv[1])
from Products.PageCacheManager.tests.client import Client
client = Client()
page = '/site/doc/page'
answers = [client.get(page), client.get(page)]
answers.append(client.get(page, If_None_Match=answers[1]['ETag']))
screen = client.get('/site/page_cache/manage_main', 'root')
purge = client.post('/site/page_cache/manage_purge')
answers += [client.get(page), client.get(page)]
print(json.dumps({
    'answers': [(a.status, a.outcome, 'first text' in a.text)
                for a in answers],
    'screen': (screen.status, '4321' in screen.text),
    'purge': purge.status}))
'''


def zope(home, script, *arguments):
    """Run a script that starts Zope in an instance; return its output."""
    ran = subprocess.run(
        [sys.executable, '-c', script, str(home / 'etc' / 'zope.conf'),
         *map(str, arguments)],
        capture_output=True, text=True, timeout=START_LIMIT_SECS)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture(scope='module')
def home(tmp_path_factory):
    """A Zope instance, with a database for each spell beside it."""
    home = tmp_path_factory.mktemp('zope') / 'instance'
    demo.make(home, 'admin', 'secret')
    (home / 'etc' / 'package-includes' / 'demo-configure.zcml').unlink()
    zope(home, MAKE, home, *(spell.__name__ for spell in SPELLS))
    return home


@pytest.mark.parametrize('spell', [
    old_database.python_2, old_database.zodbupdate])
def test_zope_starts_with_a_database_of_old(home, spell):
    for file in (home / 'var').glob('Data.fs*'):
        file.unlink()
    database = home / 'var' / 'Data.fs'
    shutil.copy(home / f'{spell.__name__}.fs', database)
    before = database.read_bytes()
    assert json.loads(zope(home, SERVE)) == {
        'answers': [
            [200, 'MISS', True], [200, 'HIT', True], [304, 'HIT', False],
            [200, 'MISS', True], [200, 'HIT', True]],
        'screen': [200, True],
        'purge': 302}
    written = database.read_bytes()[len(before):]
    assert b'Invalidations' in written and b'_uid' in written
