"""The life of a manager: copied, moved, deleted, undone, made by 1.2."""
import pickle
import shutil
from contextlib import contextmanager

import OFS.ObjectManager
import pytest
import transaction
import Zope2
from AccessControl.SecurityManagement import newSecurityManager
from AccessControl.SecurityManagement import noSecurityManager
from OFS.Cache import Cache
from OFS.Cache import CacheManager
from OFS.Folder import Folder
from OFS.SimpleItem import SimpleItem
from zExceptions import NotFound
from ZODB.Connection import TransactionMetaData
from ZODB.DB import DB
from ZODB.DemoStorage import DemoStorage
from ZODB.FileStorage import FileStorage
from ZODB.POSException import ConflictError
from zope.component.hooks import setSite

from ...core.settings import Settings
from ...core.settings import as_dict
from ...key.versions import identity_of
from ...manager import caches
from ...PageCacheManager import PageCacheManager
from .. import layers
from ..client import Client
from ..site import TEMPLATE
from ..site import Item
from ..site import add_site
from ..site import add_template
from ..site import set_policy


PATHS = ('/site/doc/page', '/site/doc/fspage', '/site/doc')
PAGE = PATHS[0]
MANAGER = '/site/page_cache'

OLD_SETTINGS = {
    'threshold': 4321, 'cleanup_interval': 77, 'max_age': 7000,
    'active': 'on_always'}


class Answer(Cache):
    """Gives the same text for everything."""

    def ZCache_get(self, ob, view_name='', keywords=None, mtime_func=None,
                   default=None):
        return 'of another cache'

    def ZCache_set(self, ob, data, view_name='', keywords=None,
                   mtime_func=None):
        """Keep nothing."""


class OtherManager(CacheManager, SimpleItem):
    """A cache manager that is not ours."""

    meta_type = 'Other Manager'

    def __init__(self, id):
        self.id = id

    def ZCacheManager_getCache(self):
        return Answer()


@contextmanager
def manager_logged_in(app):
    user = app.acl_users.getUser('root').__of__(app.acl_users)
    newSecurityManager(None, user)
    try:
        yield
    finally:
        noSecurityManager()


@contextmanager
def connection(app):
    """Open another connection, with a transaction of its own."""
    manager = transaction.TransactionManager()
    opened = app._p_jar.db().open(manager)
    try:
        yield opened.root()['Application'], manager
    finally:
        manager.abort()
        opened.close()


def fill(client, path=PAGE):
    """Store a page and see it answered."""
    client.get(path)
    page = client.get(path)
    assert page.outcome == 'HIT'
    return page


def outcomes(client, path=PAGE):
    return client.get(path).outcome, client.get(path).outcome


def is_as_without_cache(client, path=PAGE):
    """See that a page is rendered at each request, and without our word."""
    before = Item.renders
    for _ in range(2):
        answer = client.get(path)
        assert answer.status == 200 and 'first text' in answer.text
        assert answer.all('X-PageCache') == []
        assert answer.all('Cache-Status') == []
    return Item.renders == before + 2


@pytest.fixture
def area(site):
    """A folder with a manager, a template and content of its own."""
    site._setObject('area', Folder('area'))
    site.area._setObject('page_cache', PageCacheManager('page_cache'))
    site.area._setObject('doc', Item('doc', 'area text'))
    add_template(site.area, 'own', TEMPLATE)
    transaction.commit()
    return site.area


OWN = '/site/area/doc/own'


# deleted

def test_deleted_while_in_use(site, client):
    fill(client)
    fill(client, '/site/doc/fspage')
    name = site.page_cache.cache_name()
    answer = client.post(
        '/site/manage_delObjects', {'ids:list': 'page_cache'})
    assert answer.status < 400
    transaction.begin()
    assert 'page_cache' not in site.objectIds()
    for path in PATHS:
        assert is_as_without_cache(client, path)
    assert name not in caches._caches


def test_deleted_in_an_aborted_transaction_it_goes_on(site, client):
    fill(client)
    site.manage_delObjects(['page_cache'])
    transaction.abort()
    assert client.get(PAGE).outcome == 'HIT'


def test_deleted_by_another_client(site, client):
    """No event comes to this process, and no new time stamp of Zope's."""
    fill(client)
    site._delOb('page_cache')
    site._objects = tuple(
        info for info in site._objects if info['id'] != 'page_cache')
    for path in PATHS:
        assert is_as_without_cache(client, path)


@pytest.mark.parametrize('path', PATHS)
def test_something_else_stands_at_its_name(site, client, path):
    fill(client, path)
    site.manage_delObjects(['page_cache'])
    site._setObject('page_cache', Folder('page_cache'))
    assert is_as_without_cache(client, path)


@pytest.mark.parametrize('path', PATHS)
def test_another_cache_manager_stands_at_its_name(site, client, path):
    fill(client, path)
    site.manage_delObjects(['page_cache'])
    site._setObject('page_cache', OtherManager('page_cache'))
    for _ in range(2):
        answer = client.get(path)
        assert answer.text == 'of another cache'
        assert answer.all('X-PageCache') == []


@pytest.mark.parametrize('path', PATHS)
def test_it_stands_where_another_cache_manager_was(site, client, path):
    site.manage_delObjects(['page_cache'])
    site._setObject('page_cache', OtherManager('page_cache'))
    assert client.get(path).text == 'of another cache'
    site.manage_delObjects(['page_cache'])
    site._setObject('page_cache', PageCacheManager('page_cache'))
    assert outcomes(client, path) == ('MISS', 'HIT')


def test_deleted_and_added_again_brings_no_old_page_back(site, client):
    page = fill(client)
    name = site.page_cache.cache_name()
    site.manage_delObjects(['page_cache'])
    transaction.commit()
    site._setObject('page_cache', PageCacheManager('page_cache'))
    assert site.page_cache.cache_name() != name
    answer = client.get(PAGE, If_None_Match=page['ETag'])
    assert (answer.status, answer.outcome) == (200, 'MISS')


def test_deleted_and_added_again_at_once(site, client):
    page = fill(client)
    site.manage_delObjects(['page_cache'])
    site._setObject('page_cache', PageCacheManager('page_cache'))
    answer = client.get(PAGE, If_None_Match=page['ETag'])
    assert (answer.status, answer.outcome) == (200, 'MISS')


# renamed

def test_renamed_the_templates_that_name_it_have_it(app, site, client):
    fill(client)
    settings = {'max_age': 77}
    site.page_cache.manage_editProps('', settings)
    transaction.commit()
    with manager_logged_in(app):
        site.manage_renameObject('page_cache', 'renamed')
    # Zope's associations go by the name
    assert is_as_without_cache(client)
    assert site.renamed.getSettings()['max_age'] == 77
    site.portal_skins.custom.page.ZCacheable_setManagerId('renamed')
    assert outcomes(client) == ('MISS', 'HIT')
    assert is_as_without_cache(client, '/site/doc/fspage')


def test_renamed_and_back_it_is_the_same(app, site, client):
    fill(client)
    name = site.page_cache.cache_name()
    with manager_logged_in(app):
        for old, new in (('page_cache', 'other'), ('other', 'page_cache')):
            site.manage_renameObject(old, new)
            transaction.commit()
    assert site.page_cache.cache_name() == name
    # the folder of the manager changed, and the page is made from it
    assert outcomes(client) == ('MISS', 'HIT')


def test_renamed_its_old_name_is_free_for_others(app, site, client):
    fill(client)
    with manager_logged_in(app):
        site.manage_renameObject('page_cache', 'renamed')
    site._setObject('page_cache', Folder('page_cache'))
    assert is_as_without_cache(client)


# copied and moved

def paste(app, source, target, cut=False):
    setSite(app.site)
    container = source.aq_parent
    name = source.getId()
    with manager_logged_in(app):
        if cut:
            ticket = container.manage_cutObjects([name])
        else:
            ticket = container.manage_copyObjects([name])
        result, = target.manage_pasteObjects(ticket)
    transaction.commit()
    return target[result['new_id']]


def test_a_copy_has_pages_and_settings_of_its_own(app, site, client):
    fill(client)
    copy = paste(app, site.page_cache, site)
    assert copy.getId() == 'copy_of_page_cache'
    assert copy.cache_name() != site.page_cache.cache_name()
    assert copy.getCacheReport() == []
    copy.manage_editProps('copy', {'threshold': 5})
    assert outcomes(client) == ('MISS', 'HIT')  # its folder changed
    copy.manage_purge()
    assert client.get(PAGE).outcome == 'HIT'
    assert site.page_cache.title == ''
    assert site.page_cache.getSettings() == as_dict(Settings())
    cache = caches.cache_of(site.page_cache)
    assert cache.pages.counts().max_entries == Settings().threshold


def test_a_copy_in_use_leaves_the_original_alone(app, site, client):
    page = fill(client)
    paste(app, site.page_cache, site)
    custom = site.portal_skins.custom
    custom.page.ZCacheable_setManagerId('copy_of_page_cache')
    assert outcomes(client) == ('MISS', 'HIT')
    site.page_cache.manage_purge()
    assert client.get(PAGE).outcome == 'HIT'
    assert client.get(PAGE, If_None_Match=page['ETag']).status == 200


def test_cut_and_moved_into_a_folder(app, site, area, client):
    fill(client)
    name = site.page_cache.cache_name()
    area.manage_delObjects(['page_cache'])
    transaction.commit()
    moved = paste(app, site.page_cache, area, cut=True)
    assert moved.cache_name() == name
    assert is_as_without_cache(client)
    assert outcomes(client, OWN) == ('MISS', 'HIT')


def test_cut_and_moved_to_another_site(app, site, client):
    other = add_site(app, 'other')
    other.manage_delObjects(['page_cache'])
    other.doc.text = 'other text'
    page = fill(client)
    paste(app, site.page_cache, other, cut=True)
    assert is_as_without_cache(client)
    answer = client.get(
        '/other/doc/page', If_None_Match=page['ETag'])
    assert (answer.status, answer.outcome) == (200, 'MISS')
    assert 'other text' in answer.text
    assert client.get('/other/doc/page').outcome == 'HIT'


def test_its_folder_copied(app, site, area, client):
    fill(client, OWN)
    copy = paste(app, area, site)
    path = f'/site/{copy.getId()}/doc/own'
    assert copy.page_cache.cache_name() != area.page_cache.cache_name()
    assert outcomes(client, path) == ('MISS', 'HIT')
    client.get(OWN)  # the site changed
    copy.page_cache.manage_purge()
    assert client.get(OWN).outcome == 'HIT'
    assert client.get(path).outcome == 'MISS'


def test_its_folder_moved(app, site, area, client):
    fill(client, OWN)
    name = area.page_cache.cache_name()
    moved = paste(app, area, site.folder, cut=True)
    assert moved.page_cache.cache_name() == name
    assert outcomes(client, '/site/folder/area/doc/own') == ('MISS', 'HIT')
    with pytest.raises(NotFound):
        client.get(OWN)


def test_its_folder_removed(app, site, area, client):
    fill(client, OWN)
    name = area.page_cache.cache_name()
    assert name in caches._caches
    site.manage_delObjects(['area'])
    assert name in caches._caches, 'nothing is committed yet'
    transaction.commit()
    assert name not in caches._caches
    assert client.get(PAGE).status == 200


# exported and imported

@pytest.fixture
def clienthome(tmp_path, monkeypatch):
    """The folder of Zope's exports; imports are in its folder import/."""
    config = OFS.ObjectManager.CONFIG
    monkeypatch.setattr(config, 'clienthome', str(tmp_path), raising=False)
    monkeypatch.setattr(config, 'instancehome', str(tmp_path), raising=False)
    (tmp_path / 'import').mkdir()
    return tmp_path


def through_file(clienthome, source, target, **options):
    """Export `source` into a file, and import that into `target`."""
    setSite(source.getPhysicalRoot().site)
    name = source.getId()
    source.aq_parent.manage_exportObject(name)
    shutil.move(clienthome / f'{name}.zexp', clienthome / 'import')
    target.manage_importObject(f'{name}.zexp', **options)
    transaction.commit()
    return target[name]


def elsewhere(site):
    site._setObject('elsewhere', Folder('elsewhere'))
    return site.elsewhere


def test_exported_and_imported(app, site, clienthome, client):
    fill(client)
    site.page_cache.manage_editProps('to go', {'max_age': 77})
    transaction.commit()
    app._setObject('plain', Folder('plain'))
    imported = through_file(clienthome, site.page_cache, app.plain)
    assert imported.title == 'to go'
    assert imported.getSettings()['max_age'] == 77
    assert imported.cache_name() != site.page_cache.cache_name()
    assert imported.getCacheReport() == []
    client.get(PAGE)  # the root and the settings changed
    imported.manage_purge()
    assert client.get(PAGE).outcome == 'HIT'


def test_exported_deleted_and_imported_brings_no_old_page_back(
        app, site, clienthome, client):
    page = fill(client)
    site.manage_exportObject('page_cache')
    shutil.move(clienthome / 'page_cache.zexp', clienthome / 'import')
    site.manage_delObjects(['page_cache'])
    transaction.commit()
    site.manage_importObject('page_cache.zexp')
    answer = client.get(PAGE, If_None_Match=page['ETag'])
    assert (answer.status, answer.outcome) == (200, 'MISS')
    assert client.get(PAGE).outcome == 'HIT'


def test_its_folder_exported_and_imported(
        app, site, area, clienthome, client):
    fill(client, OWN)
    copy = through_file(clienthome, area, elsewhere(site))
    assert copy.page_cache.cache_name() != area.page_cache.cache_name()
    assert outcomes(client, '/site/elsewhere/area/doc/own') == ('MISS', 'HIT')


def test_imported_without_events_it_shares_no_page(
        app, site, area, clienthome, client):
    """Nothing tells it that it is another now."""
    fill(client, OWN)
    copy = through_file(
        clienthome, area, elsewhere(site), suppress_events=True)
    copy.doc.text = 'text of the copy'
    assert outcomes(client, '/site/elsewhere/area/doc/own') == ('MISS', 'HIT')
    copy.page_cache.manage_purge()
    assert client.get('/site/elsewhere/area/doc/own').outcome == 'MISS'
    assert client.get(OWN).status == 200


# two sites

def test_two_sites_with_one_filesystem_template(app, site, client):
    other = add_site(app, 'other')
    other.doc.text = 'other text'
    path, other_path = '/site/doc/fspage', '/other/doc/fspage'
    assert outcomes(client, path) == ('MISS', 'HIT')
    assert outcomes(client, other_path) == ('MISS', 'HIT')
    assert 'first text' in client.get(path).text
    assert 'other text' in client.get(other_path).text
    assert len(site.page_cache.getCacheReport()) == 1
    assert len(other.page_cache.getCacheReport()) == 1
    other.page_cache.manage_purge()
    assert client.get(path).outcome == 'HIT'
    assert client.get(other_path).outcome == 'MISS'


def test_one_of_two_sites_has_no_manager(app, site, client):
    other = add_site(app, 'other')
    other.manage_delObjects(['page_cache'])
    fill(client, '/site/doc/fspage')
    assert is_as_without_cache(client, '/other/doc/fspage')
    assert client.get('/site/doc/fspage').outcome == 'HIT'


# settings

@pytest.mark.parametrize('change', [
    lambda m: m.manage_editProps('', {'threshold': 5, 'max_age': 9}),
    lambda m: m.disable(),
    lambda m: m.manage_purge(),
    lambda m: m.manage_invalidate(['/site/doc']),
], ids=['settings', 'disable', 'purge', 'invalidate'])
@pytest.mark.parametrize('savepoint', [False, True])
def test_aborted_it_never_happened(site, client, change, savepoint):
    fill(client)
    counts = caches.cache_of(site.page_cache).pages.counts()
    change(site.page_cache)
    if savepoint:
        transaction.savepoint(optimistic=True)
    site.page_cache.getCacheReport()
    transaction.abort()
    cache = caches.cache_of(site.page_cache)
    assert cache.settings == Settings()
    assert cache.pages.counts() == counts
    assert client.get(PAGE).outcome == 'HIT'


def test_aborted_after_a_savepoint_with_no_cache_yet(site, client):
    fill(client)
    caches.forget_all()
    site.page_cache.manage_editProps('', {'threshold': 5})
    transaction.savepoint(optimistic=True)
    site.page_cache.getCacheReport()
    transaction.abort()
    cache = caches.cache_of(site.page_cache)
    assert cache.settings == Settings()
    assert cache.pages.counts().max_entries == Settings().threshold


def test_enable_and_disable_survive_a_restart(app, site, client):
    for change, is_active, outcome in (
            ('disable', False, 'OFF'), ('enable', True, 'MISS')):
        getattr(site.page_cache, change)()
        transaction.commit()
        caches.forget_all()
        with connection(app) as (root, _):
            assert root.site.page_cache.isActive() == is_active
        assert client.get(PAGE).outcome == outcome


def test_switched_off_nothing_stored_is_used(site, client):
    fill(client)
    before = Item.renders
    site.page_cache.disable()
    assert outcomes(client) == ('OFF', 'OFF')
    assert Item.renders == before + 2
    site.page_cache.enable()
    # both wrote the manager, which the page was made from
    assert outcomes(client) == ('MISS', 'HIT')


def test_what_changes_while_it_is_off_is_seen_when_it_is_on(site, client):
    fill(client)
    site.page_cache.disable()
    assert outcomes(client) == ('OFF', 'OFF')
    site.doc.text = 'new text'
    site.page_cache.enable()
    assert outcomes(client) == ('MISS', 'HIT')
    assert 'new text' in client.get(PAGE).text


@pytest.mark.parametrize('option', ['off', 'on_always', 'on_in_production'])
def test_enable_takes_every_choice(app, site, option):
    site.page_cache.enable(option)
    transaction.commit()
    with connection(app) as (root, _):
        assert root.site.page_cache.getSettings()['active'] == option


def test_enable_refuses_other_options(site):
    with pytest.raises(ValueError, match='perhaps'):
        site.page_cache.enable('perhaps')
    assert site.page_cache.isActive()


def bounds(name):
    counts = caches._caches[name].pages.counts()
    return counts.max_entries


def test_an_older_snapshot_never_puts_old_settings_back(app, site, client):
    name = site.page_cache.cache_name()
    caches.cache_of(site.page_cache)
    with connection(app) as (old, _):
        old_manager = old.site.page_cache
        old_serial = old_manager.getSettings() and old_manager._p_serial
        site.page_cache.manage_editProps('', {'threshold': 5})
        client.get(PAGE)
        assert bounds(name) == 5
        caches.cache_of(old_manager)
        assert old_manager._p_serial == old_serial
        assert bounds(name) == 5
        # its own pages use the settings of its own snapshot
        assert caches.cache_and_settings(old_manager)[1] == Settings()
    client.get(PAGE)
    assert bounds(name) == 5


def test_an_older_snapshot_comes_first_after_a_restart(app, site, client):
    name = site.page_cache.cache_name()
    with connection(app) as (old, _):
        old.site.page_cache.getSettings()
        site.page_cache.manage_editProps('', {'threshold': 5})
        transaction.commit()
        caches.forget_all()
        caches.cache_of(old.site.page_cache)
        assert bounds(name) == Settings().threshold
        client.get(PAGE)
        assert bounds(name) == 5


# changes in this transaction

@pytest.fixture
def actions(site):
    """The actions of the page /acting before it renders the template 'page'.
    """
    found = []

    def act(self):
        for action in found:
            action(self.aq_parent)
        return self.page()

    Item.act = act
    Item.act__roles__ = None
    add_template(
        site.portal_skins.custom, 'acting',
        '<x tal:replace="structure context/act" />', False)
    yield found
    del Item.act, Item.act__roles__


ACTING = '/site/doc/acting'


def edit(site):
    site.portal_skins.custom.page.pt_edit('<u>edited</u>', 'text/html')


def edit_and_save_point(site):
    edit(site)
    transaction.savepoint(optimistic=True)


@pytest.mark.parametrize('action', [
    edit,
    edit_and_save_point,
], ids=['edit', 'edit and savepoint'])
def test_a_template_edited_in_the_transaction_that_renders_it(
        site, client, actions, action):
    fill(client)
    fill(client, ACTING)
    actions.append(action)
    answer = client.get(ACTING)
    assert 'edited' in answer.text
    assert 'stored' not in answer.get('Cache-Status', '')
    assert client.get(PAGE).outcome == 'MISS'
    assert 'edited' in client.get(PAGE).text


def purge_and_save_point(site):
    site.page_cache.manage_purge()
    transaction.savepoint(optimistic=True)


@pytest.mark.parametrize('action', [
    lambda site: site.page_cache.manage_purge(),
    purge_and_save_point,
], ids=['purge', 'purge and savepoint'])
def test_purged_in_the_transaction_that_renders(
        site, client, actions, action):
    fill(client, ACTING)
    actions.append(action)
    before = Item.renders
    client.get(ACTING)
    assert Item.renders == before + 1
    actions.remove(action)
    assert client.get(ACTING).outcome == 'MISS'


# between connections

def generation(root, context='/site/doc'):
    site = root.site
    template = site.portal_skins.custom.page
    return site.page_cache.generation_of(identity_of(template), (
        '/site/portal_skins/custom/page', context, 'http://x/'))


@pytest.mark.parametrize('change', [
    lambda m: m.manage_purge(),
    lambda m: m.manage_invalidate(['/site/doc']),
    lambda m: m.manage_invalidate(['/site/portal_skins/custom/page']),
], ids=['purge', 'context', 'template'])
def test_what_one_client_forgets_the_others_forget(
        app, site, client, change):
    page = fill(client)
    with connection(app) as (other, manager):
        before = generation(other)
        change(site.page_cache)
        transaction.commit()
        assert generation(other) == before, 'its snapshot is older'
        manager.begin()
        assert generation(other) not in (before, None)
    caches.forget_all()
    answer = client.get(PAGE, If_None_Match=page['ETag'])
    assert (answer.status, answer.outcome) == (200, 'MISS')


def test_a_page_rendered_meanwhile_is_of_the_old_generation(
        app, site, client):
    """Another client purges while a page renders; nobody asks for it again."""
    fill(client)

    def purge_elsewhere(site):
        with connection(app) as (other, manager):
            other.site.page_cache.manage_purge()
            manager.commit()
    site.portal_skins.custom.page.pt_edit(
        '<p tal:content="context/meanwhile">x</p>', 'text/html')
    done = []

    def meanwhile(self):
        if not done:
            done.append(1)
            purge_elsewhere(self.aq_parent)
        return 'text'
    Item.meanwhile = meanwhile
    try:
        client.get(PAGE)
        assert done
        assert outcomes(client) == ('MISS', 'HIT')
    finally:
        del Item.meanwhile


def test_both_purge(app, site):
    with connection(app) as (other, manager):
        old = generation(other)
        other.site.page_cache.manage_purge()
        site.page_cache.manage_purge()
        transaction.commit()
        theirs = generation(app)
        manager.commit()  # resolves the conflict
        manager.begin()
        assert len({old, theirs, generation(other)}) == 3


def test_both_invalidate(app, site):
    paths = '/site/doc', '/site/folder'
    with connection(app) as (other, manager):
        before = [generation(other, path) for path in paths]
        other.site.page_cache.manage_invalidate(paths[:1])
        site.page_cache.manage_invalidate(paths[1:])
        transaction.commit()
        manager.commit()
        manager.begin()
        for path, old in zip(paths, before, strict=True):
            assert generation(other, path) not in (None, old)


def test_both_invalidate_the_same(app, site):
    with connection(app) as (other, manager):
        before = generation(other)
        other.site.page_cache.manage_invalidate(['/site/doc'])
        site.page_cache.manage_invalidate(['/site/doc'])
        transaction.commit()
        theirs = generation(app)
        manager.commit()
        manager.begin()
        assert len({before, theirs, generation(other)}) == 3


@pytest.mark.parametrize('purge_first', [True, False])
def test_one_purges_and_the_other_invalidates(app, site, purge_first):
    site.page_cache.manage_invalidate(['/site/folder'])
    transaction.commit()
    with connection(app) as (other, manager):
        before = generation(other)
        here, there = site.page_cache, other.site.page_cache
        purging, marking = (here, there) if purge_first else (there, here)
        purging.manage_purge()
        marking.manage_invalidate(['/site/doc'])
        transaction.commit()
        manager.commit()
        manager.begin()
        now = generation(other)
        elsewhere = generation(other, '/site/folder/inner')
    assert now not in (None, before)
    assert (now == elsewhere) is not purge_first, 'both count'


def test_settings_in_conflict_are_not_mixed(app, site):
    with connection(app) as (other, manager):
        other.site.page_cache.manage_editProps('', {'max_age': 5})
        site.page_cache.manage_editProps('', {'threshold': 6})
        transaction.commit()
        with pytest.raises(ConflictError):
            manager.commit()


# many invalidations

@pytest.fixture
def many(site):
    """Paths of content."""
    for number in range(101):
        site.folder._setObject(f'item{number}', Item(f'item{number}'))
    transaction.commit()
    return [f'/site/folder/item{number}' for number in range(101)]


@pytest.mark.parametrize('is_one_call', [True, False])
def test_many_invalidations_spare_most_pages(
        site, client, many, is_one_call):
    """However many names there are, they share marks in the end."""
    others = [f'/site/other{number}' for number in range(50)]
    before = [generation(site.aq_parent, path) for path in others]
    page = fill(client)
    for paths in [many] if is_one_call else [[path] for path in many]:
        site.page_cache.manage_invalidate(paths)
        transaction.commit()
    after = [generation(site.aq_parent, path) for path in others]
    assert sum(map(str.__eq__, before, after)) > len(others) / 2
    site.page_cache.manage_invalidate([*many, '/site/doc'])
    transaction.commit()
    answer = client.get(PAGE, If_None_Match=page['ETag'])
    assert (answer.status, answer.outcome) == (200, 'MISS')


@pytest.mark.parametrize('paths', [
    [], (), None, '/site/doc', ['no path'], [''], [5], [None],
    ['/' + 'x' * 3000], ['/site/doc', 'wrong']])
def test_what_is_no_path_invalidates_nothing(site, client, paths):
    fill(client)
    with pytest.raises(ValueError):
        site.page_cache.manage_invalidate(paths)
    assert client.get(PAGE).outcome == 'HIT'


# undo

@pytest.fixture
def undoable(app, tmp_path, monkeypatch):
    """The application in a database that can undo."""
    database = DB(DemoStorage(
        base=layers.FUNCTIONAL['zodbDB'].storage,
        changes=FileStorage(str(tmp_path / 'Data.fs')),
        close_base_on_close=False))
    facade = Zope2.bobo_application
    while not hasattr(facade, '_db'):
        facade = facade._stuff[0]
    monkeypatch.setattr(facade, '_db', database)
    caches.forget_all()
    opened = database.open()
    root = opened.root()['Application']
    write_all(root.site)
    yield root
    transaction.abort()
    opened.close()
    database.close()


def write_all(site):
    """Give the upper storage a state that an undo can restore."""
    manager = site.page_cache
    for ob in (manager, manager._purged, manager._invalidated,
               site.portal_skins.custom.page):
        ob._p_changed = True
    transaction.commit()


def undo_last(root, what):
    """Undo the last transaction, after a check of its description."""
    transaction.commit()
    database = root._p_jar.db()
    last, = database.undoLog(0, 1)
    assert what in str(last['description'])
    database.undo(last['id'])
    transaction.commit()


def commit(what):
    transaction.get().note(what)
    transaction.commit()


@pytest.mark.parametrize('restart', [False, True])
def test_undo_of_a_purge_brings_no_old_page_back(undoable, restart):
    client = Client()
    page = fill(client)
    stored = dict(caches._caches)
    generations = [generation(undoable)]
    undoable.site.page_cache.manage_purge()
    commit('purge')
    generations.append(generation(undoable))
    undo_last(undoable, 'purge')
    generations.append(generation(undoable))
    assert len(set(generations)) == 3
    if restart:
        # a client that has heard of neither commit, and still has the pages
        caches._caches.update(stored)
    answer = client.get(PAGE, If_None_Match=page['ETag'])
    assert (answer.status, answer.outcome) == (200, 'MISS')


def test_undo_of_an_edit_finds_the_page_made_anew(undoable):
    client = Client()
    page = fill(client)
    template = undoable.site.portal_skins.custom.page
    template.pt_edit('<b>edited</b>', 'text/html')
    commit('edit')
    assert 'edited' in client.get(PAGE).text
    undo_last(undoable, 'edit')
    answer = client.get(PAGE)
    assert answer.outcome == 'MISS'
    assert '<b>edited</b>' not in answer.text
    assert answer['ETag'] != page['ETag']


def test_undo_of_settings_puts_them_back(undoable):
    client = Client()
    manager = undoable.site.page_cache
    manager.manage_editProps('', {'threshold': 5})
    commit('settings')
    client.get(PAGE)
    assert bounds(manager.cache_name()) == 5
    undo_last(undoable, 'settings')
    client.get(PAGE)
    assert bounds(manager.cache_name()) == Settings().threshold


# 1.2

def pickled_by_python_3(state):
    return (
        pickle.dumps(PageCacheManager, 2)
        + pickle.dumps(state, 2))


def pickled_by_python_2(state):
    """Pickle native strings as Python 2 did."""
    return (
        b'\x80\x02cProducts.PageCacheManager.PageCacheManager\n'
        b'PageCacheManager\nq\x01.\x80\x02' + old_pickle(state) + b'.')


def old_pickle(value):
    if isinstance(value, dict):
        items = b''.join(
            old_pickle(key) + old_pickle(value[key]) for key in value)
        return b'}(' + items + b'u'
    if isinstance(value, int):
        return b'M' + value.to_bytes(2, 'little')
    return b'U' + bytes([len(value)]) + value.encode('ascii')


def overwrite(ob, record):
    """Replace the record of `ob` in the database by `record`."""
    ob._p_activate()
    storage = ob._p_jar.db()._mvcc_storage.new_instance()
    meta = TransactionMetaData()
    storage.tpc_begin(meta)
    storage.store(ob._p_oid, ob._p_serial, record, '', meta)
    storage.tpc_vote(meta)
    storage.tpc_finish(meta)
    storage.release()
    transaction.begin()


def make_old(manager, pickled=pickled_by_python_2, **settings):
    """Give a manager the state that 1.2 left in the database."""
    transaction.commit()
    overwrite(manager.aq_base, pickled({
        'id': 'page_cache',
        'title': 'of old',
        '_settings': {**OLD_SETTINGS, **settings},
        '_PageCacheManager__cacheid': 'PageCacheManager_140234866'}))
    caches.forget_all()
    assert manager._uid is None
    assert '_PageCacheManager__cacheid' in vars(manager.aq_base)


@pytest.fixture(params=[pickled_by_python_2, pickled_by_python_3])
def old(request, site):
    """A manager as 1.2 left it."""
    make_old(site.page_cache, request.param)
    return site.page_cache


def test_old_keeps_its_settings(old):
    assert old.title == 'of old'
    assert old.getSettings() == {**as_dict(Settings()), **OLD_SETTINGS}
    assert old.isActive()


@pytest.mark.parametrize('path', PATHS)
def test_old_caches(old, client, path):
    miss, hit = client.get(path), client.get(path)
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert hit.body == miss.body
    assert client.get(path, If_None_Match=hit['ETag']).status == 304
    assert bounds(old.cache_name()) == 4321


def test_old_is_not_written_by_reading(old, client):
    serial = old._p_serial
    fill(client)
    for screen in ('manage_main', 'manage_stats'):
        client.get(f'{MANAGER}/{screen}', 'root')
    transaction.begin()
    assert old._uid is None
    assert old._p_serial == serial


def test_old_shows_its_screens(old, client):
    fill(client)
    for screen in ('manage_main', 'manage_stats', 'manage_workspace'):
        answer = client.get(f'{MANAGER}/{screen}', 'root')
        assert answer.status in (200, 302), screen
    assert len(old.getCacheReport()) == 1


def test_old_can_be_saved(app, old, client):
    fill(client)
    old.manage_editProps('new', {'max_age': 66})
    transaction.commit()
    assert old._uid
    caches.forget_all()
    with connection(app) as (root, _):
        manager = root.site.page_cache
        assert manager.title == 'new'
        assert manager.getSettings() == {
            **as_dict(Settings()), **OLD_SETTINGS, 'max_age': 66}
    assert outcomes(client) == ('MISS', 'HIT')


@pytest.mark.parametrize('is_client_new', [False, True])
@pytest.mark.parametrize('change', [
    lambda m: m.manage_purge(),
    lambda m: m.manage_invalidate(['/site/doc']),
], ids=['purge', 'invalidate'])
def test_old_can_forget(old, client, change, is_client_new):
    page = fill(client)
    change(old)
    transaction.commit()
    if is_client_new:
        caches.forget_all()
    answer = client.get(PAGE, If_None_Match=page['ETag'])
    assert (answer.status, answer.outcome) == (200, 'MISS')
    assert client.get(PAGE).outcome == 'HIT'


def test_old_can_forget_twice(old, client):
    for _ in range(2):
        fill(client)
        old.manage_purge()
        assert client.get(PAGE).outcome == 'MISS'


@pytest.mark.parametrize('change', ['enable', 'disable'])
def test_old_is_switched_on_and_off_for_good(app, old, client, change):
    getattr(old, change)()
    transaction.commit()
    caches.forget_all()
    with connection(app) as (root, _):
        assert root.site.page_cache.isActive() == (change == 'enable')


def test_old_aborted_stays_old(old, client):
    fill(client)
    old.manage_purge()
    transaction.abort()
    assert old._uid is None
    assert client.get(PAGE).outcome == 'HIT'


def test_old_copied_is_another(app, site, old, client):
    fill(client)
    copy = paste(app, old, site)
    assert copy.getSettings() == old.getSettings()
    assert copy.cache_name() != old.cache_name()
    assert outcomes(client) == ('MISS', 'HIT')  # their folder changed


def test_two_old_managers_are_told_apart(app, site, client):
    other = add_site(app, 'other')
    transaction.commit()
    make_old(site.page_cache)
    make_old(other.page_cache)
    other.doc.text = 'other text'
    assert outcomes(client, '/site/doc/fspage') == ('MISS', 'HIT')
    assert outcomes(client, '/other/doc/fspage') == ('MISS', 'HIT')
    assert 'other text' in client.get('/other/doc/fspage').text


def test_old_leaves_no_pages_behind_when_it_becomes_new(old, client):
    fill(client)
    name = old.cache_name()
    assert name in caches._caches
    old.manage_purge()
    transaction.commit()
    client.get(PAGE)
    assert name not in caches._caches or (
        caches._caches[name].pages.counts().entries == 0)


def test_undo_of_the_purge_of_an_old_manager(undoable):
    client = Client()
    make_old(undoable.site.page_cache)
    page = fill(client)
    undoable.site.page_cache.manage_purge()
    commit('purge')
    client.get(PAGE)
    undo_last(undoable, 'purge')
    assert undoable.site.page_cache._uid is None
    answer = client.get(PAGE, If_None_Match=page['ETag'])
    assert (answer.status, answer.outcome) == (200, 'MISS')


@pytest.mark.parametrize('name,value', [
    ('threshold', 0), ('max_age', 'for ever'), ('active', 'maybe')])
def test_old_with_a_bad_setting_opens_with_the_default(
        site, client, name, value):
    make_old(site.page_cache, pickled_by_python_3, **{name: value})
    settings = site.page_cache.getSettings()
    assert settings == {
        **as_dict(Settings()), **OLD_SETTINGS,
        name: getattr(Settings(), name)}
    assert client.get(f'{MANAGER}/manage_main', 'root').status == 200
    assert outcomes(client) == ('MISS', 'HIT')


def test_an_etag_of_old_does_what_it_did(site, old, client):
    """The README of 1.2 has the policy's value as the whole tag."""
    set_policy(site, etag='string:value')
    old.manage_editProps('', {'validator': 'policy'})
    page = client.get(PAGE)
    assert page['ETag'] == '"value"'
    assert client.get(PAGE, If_None_Match='"value"').status == 304


def test_the_module_is_found_where_code_of_old_looks():
    from Products.PageCacheManager import PageCacheManager as module
    assert module.PageCacheManager is PageCacheManager
    assert PageCacheManager.__module__ == (
        'Products.PageCacheManager.PageCacheManager')
