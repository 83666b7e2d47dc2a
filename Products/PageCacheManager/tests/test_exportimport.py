"""GenericSetup: an export can be imported, and nothing else changes."""
import tarfile
from io import BytesIO
from xml.dom.minidom import parseString
from xml.parsers.expat import ExpatError

import pytest
import transaction
from AccessControl.SecurityManagement import newSecurityManager
from AccessControl.SecurityManagement import noSecurityManager
from AccessControl.users import system
from OFS.Folder import Folder
from Products.GenericSetup.context import SnapshotImportContext
from Products.GenericSetup.context import TarballExportContext
from Products.GenericSetup.context import TarballImportContext
from Products.GenericSetup.interfaces import EXTENSION
from Products.GenericSetup.interfaces import IBody
from Products.GenericSetup.registry import _export_step_registry
from Products.GenericSetup.registry import _import_step_registry
from Products.GenericSetup.registry import _profile_registry
from Products.GenericSetup.tool import SetupTool
from zope.component import queryMultiAdapter

from ..core.settings import FIELDS
from ..core.settings import Settings
from ..core.settings import as_dict
from ..exportimport import export_managers
from ..exportimport import import_managers
from ..PageCacheManager import PageCacheManager


STEP = 'Products.PageCacheManager'
FILE = f'{STEP}/page_cache.xml'

#: Every setting with a value that is not its default.
OTHERS = {
    'active': 'on_in_production', 'threshold': 123, 'max_mib': 7,
    'max_page_kib': 99, 'max_age': 0, 'max_error_age': 5,
    'cleanup_interval': 61,
    'store': 'memoize', 'compression': 'zope', 'partition': 'roles',
    'validator': 'policy',
    'ignored_parameters': ('utm_*', '_x'),
    'key_headers': ('X-Tenant', 'X-Theme'), 'key_cookies': ('theme',),
    'ignored_cookies': ('_ga_*',),
    'bypass_cookies': (), 'session_cookies': ('sid',),
    'dropped_headers': ('x-mine',), 'wait_secs': 0,
    'max_waiting': 0, 'late_ms': 0, 'audit_every': 7,
    'audit_per_minute': 3, 'audit_ignores': ('token_*',),
    'hot_pages': 5, 'hot_per_minute': 6,
    'purge_clients': ('127.0.0.1', '10.0.0.0/8'),
    'show_outcome': False,
    'show_cache_status': False}

TITLE = 'Pages <of> "all" & m\xf6re'

PROFILE = '''<?xml version="1.0" encoding="utf-8"?>
<object name="{name}" meta_type="Page Cache Manager">{content}</object>'''


@pytest.fixture
def tool(site):
    site._setObject('setup_tool', SetupTool('setup_tool'))
    transaction.savepoint(optimistic=True)  # snapshots need a connection
    newSecurityManager(None, system)
    yield site.setup_tool
    noSecurityManager()


@pytest.fixture
def manager(site):
    return site.page_cache


def tarball(files):
    stream = BytesIO()
    with tarfile.open(fileobj=stream, mode='w:gz') as archive:
        folder = tarfile.TarInfo(STEP)
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, text in files.items():
            data = text if isinstance(text, bytes) else text.encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, BytesIO(data))
    return stream.getvalue()


def load(tool, content, name='page_cache', path=FILE, purge=False):
    """Import a file with `content` in the manager's node."""
    text = PROFILE.format(name=name, content=content)
    import_managers(TarballImportContext(
        tool, tarball({path: text}), should_purge=purge))


def export(tool):
    """Return the export of the step, as the bytes of a tarball."""
    return tool.runExportStep(STEP)['tarball']


def exported_files(archive):
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        return {
            info.name: files.extractfile(info).read()
            for info in files if info.isfile()}


def test_others_differ_from_the_defaults():
    defaults = as_dict(Settings())
    assert set(OTHERS) == set(defaults) == {f.name for f in FIELDS}
    assert not [n for n in OTHERS if OTHERS[n] == defaults[n]]


def test_steps_are_named_after_the_package(tool):
    assert STEP in _export_step_registry.listSteps()
    assert STEP in _import_step_registry.listSteps()
    assert STEP in tool.getSortedImportSteps()


def test_export_writes_one_file_with_every_setting(tool, manager):
    manager.manage_editProps(TITLE, OTHERS)
    files = exported_files(export(tool))
    assert list(files) == [FILE]
    root = parseString(files[FILE]).documentElement
    assert root.getAttribute('name') == 'page_cache'
    assert root.getAttribute('meta_type') == 'Page Cache Manager'
    nodes = {
        node.getAttribute('name'): node
        for node in root.getElementsByTagName('property')}
    assert set(nodes) == {'title', *OTHERS}
    assert nodes['title'].firstChild.data == TITLE
    assert nodes['threshold'].firstChild.data == '123'
    assert [
        node.getAttribute('value')
        for node in nodes['key_headers'].getElementsByTagName('element')
    ] == ['X-Tenant', 'X-Theme']


@pytest.mark.parametrize('purge', [False, True])
def test_round_trip_through_a_tarball(tool, manager, purge):
    manager.manage_editProps(TITLE, OTHERS)
    archive = export(tool)
    manager.manage_editProps('', as_dict(Settings()))
    import_managers(TarballImportContext(tool, archive, should_purge=purge))
    assert manager.title == TITLE
    assert manager.getSettings() == OTHERS


@pytest.mark.parametrize('purge', [False, True])
def test_round_trip_through_a_snapshot(tool, manager, purge):
    manager.manage_editProps(TITLE, OTHERS)
    tool.createSnapshot('before')
    manager.manage_editProps('', as_dict(Settings()))
    import_managers(SnapshotImportContext(
        tool, 'before', should_purge=purge))
    assert manager.title == TITLE
    assert manager.getSettings() == OTHERS


def test_exported_again_is_the_same(tool, manager):
    manager.manage_editProps(TITLE, OTHERS)
    archive = export(tool)
    import_managers(TarballImportContext(tool, archive, should_purge=True))
    assert exported_files(export(tool)) == exported_files(archive)


def test_a_file_leaves_alone_what_it_does_not_name(tool, manager):
    manager.manage_editProps(TITLE, OTHERS)
    load(tool, '<property name="max_age">55</property>')
    assert manager.title == TITLE
    assert manager.getSettings() == {**OTHERS, 'max_age': 55}


def test_purge_resets_what_the_file_does_not_name(tool, manager):
    manager.manage_editProps(TITLE, OTHERS)
    load(tool, '<property name="max_age">55</property>', purge=True)
    assert manager.title == ''
    assert manager.getSettings() == {**as_dict(Settings()), 'max_age': 55}


def test_purge_leaves_alone_a_manager_without_a_file(tool, manager):
    manager.manage_editProps(TITLE, OTHERS)
    import_managers(TarballImportContext(
        tool, tarball({'other.xml': '<x />'}), should_purge=True))
    assert manager.getSettings() == OTHERS


def test_a_list_replaces_or_adds(tool, manager):
    manager.manage_editProps('', {'key_headers': ['X-One']})
    load(tool, '''<property name="key_headers" purge="False">
        <element value="X-Two" /><element value="X-One" /></property>''')
    assert manager.getSettings()['key_headers'] == ('X-One', 'X-Two')
    load(tool, '''<property name="key_headers">
        <element value="X-Three" /></property>''')
    assert manager.getSettings()['key_headers'] == ('X-Three',)
    load(tool, '<property name="key_headers" />')
    assert manager.getSettings()['key_headers'] == ()


@pytest.mark.parametrize('content,said', [
    ('<property name="colour">red</property>', 'no setting .colour.'),
    ('<property name="threshold">0</property>', '1 to 10000000'),
    ('<property name="threshold">many</property>', 'many'),
    ('<property name="active">maybe</property>', 'maybe'),
    ('<property name="show_outcome">perhaps</property>', 'perhaps'),
    ('<property>red</property>', "no setting ''"),
    ('<property name="key_headers"><element value="a b" /></property>',
     'a b'),
])
@pytest.mark.parametrize('purge', [False, True])
def test_what_is_wrong_is_refused_whole(tool, manager, content, said, purge):
    manager.manage_editProps(TITLE, OTHERS)
    with pytest.raises(ValueError, match=said) as caught:
        load(tool, '<property name="title">new</property>'
             '<property name="max_age">55</property>' + content, purge=purge)
    assert FILE in str(caught.value)
    assert manager.title == TITLE
    assert manager.getSettings() == OTHERS


def test_what_is_wrong_is_told_on_screen(
        tool, manager, client, tmp_path, errors_are_responses):
    path = tmp_path / FILE
    path.parent.mkdir()
    path.write_text(PROFILE.format(
        name=manager.getId(),
        content='<property name="threshold">&lt;b&gt;many</property>'))
    _profile_registry.registerProfile(
        'wrong', 'Wrong', '', str(tmp_path), STEP, EXTENSION)
    try:
        answer = client.post('/site/setup_tool/manage_importAllSteps', {
            'context_id': f'profile-{STEP}:wrong'})
    finally:
        _profile_registry.unregisterProfile('wrong', STEP)
    assert answer.status == 400
    for said in (
            'The profile was not imported.', FILE, 'Maximum entries',
            '&lt;b&gt;many', '1 to 10000000'):
        assert said in answer.text
    assert manager.getSettings()['threshold'] == 10_000


def test_what_is_no_xml_is_refused(tool, manager):
    with pytest.raises(ExpatError):
        import_managers(TarballImportContext(tool, tarball({FILE: '<x'})))


def test_import_keeps_the_identity_and_the_pages(tool, manager, client):
    client.get('/site/doc/page')
    name = manager.cache_name()
    archive = export(tool)
    import_managers(TarballImportContext(tool, archive, should_purge=True))
    transaction.commit()
    assert manager.cache_name() == name
    # the page was made from the manager, which is written
    outcomes = [client.get('/site/doc/page').outcome for _ in range(2)]
    assert outcomes == ['MISS', 'HIT']


def test_import_adds_a_manager_that_is_missing(tool, site):
    load(tool, '<property name="max_age">55</property>',
         name='more pages', path=f'{STEP}/more_pages.xml')
    added = site['more pages']
    assert isinstance(added.aq_base, PageCacheManager)
    assert added.getSettings()['max_age'] == 55
    assert added.cache_name() != site.page_cache.cache_name()


def test_notes_of_both_ways_name_the_manager(tool, manager):
    text = PROFILE.format(name='page_cache', content='')
    reading = TarballImportContext(tool, tarball({FILE: text}))
    import_managers(reading)
    writing = TarballExportContext(tool)
    export_managers(writing)
    for context, word in (reading, 'imported'), (writing, 'exported'):
        notes = [note[2] for note in context.listNotes()]
        assert f'page_cache {word}.' in notes


def test_an_added_manager_is_offered_to_templates(tool, site):
    load(tool, '', name='second', path=f'{STEP}/second.xml')
    template = site.portal_skins.custom.page
    offered = [info['id'] for info in template.ZCacheable_getManagerIds()]
    assert {'page_cache', 'second'} <= set(offered)


def test_import_leaves_alone_what_else_stands_at_the_name(
        tool, site, caplog):
    text = PROFILE.format(name='doc', content='')
    context = TarballImportContext(tool, tarball({f'{STEP}/doc.xml': text}))
    import_managers(context)
    assert site.doc.meta_type == 'Item'
    assert [note[1] for note in context.listNotes()] == [STEP]
    assert f'{STEP}/doc.xml is left out' in caplog.text
    assert 'stands at doc' in caplog.text


def test_an_exported_manager_is_added_to_another_site(tool, app, manager):
    manager.manage_editProps(TITLE, OTHERS)
    archive = export(tool)
    app._setObject('plain', Folder('plain'))
    app.plain._setObject('setup_tool', SetupTool('setup_tool'))
    import_managers(TarballImportContext(app.plain.setup_tool, archive))
    copy = app.plain.page_cache
    assert (copy.title, copy.getSettings()) == (TITLE, OTHERS)
    assert copy.cache_name() != manager.cache_name()


def test_a_manager_of_the_same_name_further_up_is_not_taken_for_it(
        tool, app, manager):
    app._setObject('page_cache', PageCacheManager('page_cache'))
    assert list(exported_files(export(tool))) == [FILE]
    load(tool, '<property name="max_age">55</property>')
    assert manager.getSettings()['max_age'] == 55
    assert app.page_cache.getSettings() == as_dict(Settings())


def test_import_without_files_does_nothing(tool, manager):
    manager.manage_editProps(TITLE, OTHERS)
    import_managers(TarballImportContext(tool, tarball({})))
    assert manager.getSettings() == OTHERS


def test_all_steps_run_together(tool, manager):
    manager.manage_editProps(TITLE, OTHERS)
    snapshot = tool.createSnapshot('all')
    assert STEP in snapshot['steps']
    assert FILE in exported_files(tool.runAllExportSteps()['tarball'])


def test_managers_in_folders_are_left_to_their_folders(tool, site):
    site._setObject('sub', Folder('sub'))
    site.sub._setObject('inner_cache', PageCacheManager('inner_cache'))
    assert list(exported_files(export(tool))) == [FILE]


def test_a_manager_has_a_body_of_its_own(tool, manager):
    context = TarballImportContext(tool, tarball({}))
    body = queryMultiAdapter((manager, context), IBody)
    assert (body.name, body.suffix, body.mime_type) == (
        '', '.xml', 'text/xml')
    text = body.body
    manager.manage_editProps(TITLE, OTHERS)
    queryMultiAdapter((manager, context), IBody).body = text
    assert manager.getSettings() == as_dict(Settings())


# associated views

VIEWS = [
    {'name': 'listing_view', 'kind': 'Folder'},
    {'name': 'v+x', 'kind': ''},
    {'name': 'view', 'kind': 'zope.interface.Interface'}]


def test_views_are_exported_under_the_object(tool, manager):
    manager.manage_editViews(VIEWS)
    root = parseString(exported_files(export(tool))[FILE]).documentElement
    found = [dict(node.attributes.items()) for node in root.childNodes
             if node.nodeName == 'view']
    assert found == VIEWS


@pytest.mark.parametrize('purge', [False, True])
def test_views_come_back(tool, manager, purge):
    manager.manage_editViews(VIEWS)
    archive = export(tool)
    manager.manage_editViews([('other',)])
    import_managers(TarballImportContext(tool, archive, should_purge=purge))
    assert manager.getViews() == VIEWS


def test_views_of_a_file_take_the_place_of_others(tool, manager):
    manager.manage_editViews(VIEWS)
    load(tool, '<view name="one" />')
    assert manager.getViews() == [
        {'name': 'one', 'kind': ''}]


def test_views_are_added_where_none_purges(tool, manager):
    manager.manage_editViews(VIEWS[:2])
    load(tool, '<view name="one" kind="Item" purge="False" />'
               '<view name="v+x" shows="site" purge="False" />')
    assert manager.getViews() == [
        VIEWS[0], {'name': 'one', 'kind': 'Item'}, VIEWS[1]]
    load(tool, '<view name="one" purge="False" /><view name="two" />')
    assert [view['name'] for view in manager.getViews()] == ['one', 'two']


@pytest.mark.parametrize(('purge', 'left'), [(False, VIEWS), (True, [])])
def test_a_file_without_views(tool, manager, purge, left):
    manager.manage_editViews(VIEWS)
    load(tool, '<property name="max_age">55</property>', purge=purge)
    assert manager.getViews() == left


@pytest.mark.parametrize(('content', 'said'), [
    ('<view name="a b" />', "View name: 'a b' must be 1 to 200 letters"),
    ('<view />', "View name: '' must be 1 to 200"),
    ('<view name="one" kind="&lt;x>" />', 'Content of one: .* portal type'),
    ('<view name="one" type="Item" />', "no field 'type'"),
    ('<view name="one" /><property name="max_age">-1</property>', 'max_age'),
])
@pytest.mark.parametrize('purge', [False, True])
def test_a_wrong_view_changes_nothing(tool, manager, content, said, purge):
    manager.manage_editProps(TITLE, OTHERS)
    manager.manage_editViews(VIEWS)
    with pytest.raises(ValueError, match=said) as caught:
        load(tool, '<property name="title">new</property>'
             '<view name="fine" />' + content, purge=purge)
    assert str(caught.value).startswith(f'{FILE}: ')
    assert manager.title == TITLE
    assert manager.getSettings() == OTHERS
    assert manager.getViews() == VIEWS
