"""Managers as code uses them, and the data of a manager in a process."""
import time

import pytest
import transaction
from OFS.Folder import Folder
from Products.CMFCore.FSPythonScript import FSPythonScript
from Products.GenericSetup.context import TarballImportContext
from Products.GenericSetup.tool import SetupTool
from Products.PageTemplates.ZopePageTemplate import ZopePageTemplate

from ...exportimport import import_managers
from ...key.versions import identity_of
from ...key.versions import version_of
from ...manager import caches
from ...PageCacheManager import PageCacheManager
from ...PageCacheManager import manage_addPageCacheManager
from ..test_exportimport import FILE
from ..test_exportimport import PROFILE
from ..test_exportimport import STEP
from ..test_exportimport import tarball


PAGE = '/site/doc/page'


@pytest.mark.parametrize('name', ['', '_x', 'a/b', 'a b\n', 'doc'])
def test_code_may_not_add_a_manager_under_a_bad_id(site, name):
    before = list(site.objectIds())
    with pytest.raises(ValueError):
        manage_addPageCacheManager(
            site.manage_addProduct['PageCacheManager'], name)
    assert list(site.objectIds()) == before


def test_code_adds_a_manager(site):
    manage_addPageCacheManager(
        site.manage_addProduct['PageCacheManager'], 'more', 'Title')
    assert isinstance(site.more.aq_base, PageCacheManager)
    assert site.more.title == 'Title'


def test_code_may_change_the_title_alone(site):
    manager = site.page_cache
    manager.manage_editProps('First', {'max_age': 99})
    before = manager.getSettings()
    manager.manage_editProps('Second')
    assert manager.title == 'Second'
    assert manager.getSettings() == before


def test_title_as_1_2_changed_it(site):
    manager = site.page_cache
    before = manager.getSettings()
    manager.setTitle('Pages')
    assert manager.title == 'Pages' and manager.getSettings() == before
    manager.setTitle(None)
    assert manager.title == ''


def test_what_nobody_asked_for_is_let_go(app, site, client):
    """A manager that another process deleted is not asked for again."""
    client.get(PAGE)
    old = caches.cache_of(site.page_cache)
    assert client.get(PAGE).outcome == 'HIT'
    app._setObject('other', Folder('other'))
    app.other._setObject('page_cache', PageCacheManager('page_cache'))
    transaction.commit()

    old.used_at = time.monotonic() - caches.IDLE_SECS + 60
    caches.cache_of(app.other.page_cache)
    assert caches.cache_of(site.page_cache) is old

    app._setObject('third', Folder('third'))
    app.third._setObject('page_cache', PageCacheManager('page_cache'))
    old.used_at = time.monotonic() - caches.IDLE_SECS - 1
    other = caches.cache_of(app.other.page_cache)
    caches.cache_of(app.third.page_cache)
    assert caches.cache_of(app.other.page_cache) is other
    assert caches.cache_of(site.page_cache) is not old
    assert client.get(PAGE).outcome == 'MISS'
    assert client.get(PAGE).outcome == 'HIT'


def test_files_beside_the_managers_are_no_managers(site):
    site._setObject('setup_tool', SetupTool('setup_tool'))
    context = TarballImportContext(site.setup_tool, tarball({
        f'{STEP}/README.txt': 'not XML',
        FILE: PROFILE.format(
            name='page_cache',
            content='<property name="max_age">55</property>')}))
    import_managers(context)
    assert site.page_cache.getSettings()['max_age'] == 55
    assert site.objectIds(PageCacheManager.meta_type) == ['page_cache']


# versions

def test_what_is_in_no_database_and_in_no_file_has_no_version():
    template = ZopePageTemplate('t', '<p>text</p>')
    assert version_of(template) is None
    assert identity_of(template) == ''


def test_a_file_of_which_no_source_is_held_has_no_version(tmp_path):
    path = tmp_path / 'one.py'
    path.write_text('return 1')
    script = FSPythonScript('one', str(path))
    assert version_of(script) is None
    assert identity_of(script) == f'file:{script._filepath}'
