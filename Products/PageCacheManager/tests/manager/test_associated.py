"""Objects that name a manager are found and counted; the names are removed."""
import pytest
import transaction
from OFS.Cache import CacheManager
from OFS.Folder import Folder
from OFS.Image import File
from OFS.SimpleItem import SimpleItem
from Products.PageTemplates.ZopePageTemplate import ZopePageTemplate
from Products.PythonScripts.PythonScript import PythonScript

from ...command.check import check
from ...manager import associated
from ...PageCacheManager import PageCacheManager
from ..screens import follow
from ..screens import get
from ..screens import own
from ..screens import text_of
from ..site import add_template


MANAGER = '/site/page_cache'
ASSOCIATE = f'{MANAGER}/ZCacheManager_associate'
TEMPLATE = '/site/portal_skins/custom/page'
IN_A_FILE = '/site/portal_skins/fs/fspage'


@pytest.fixture
def many(site):
    """Objects of several kinds that name a manager, not all of them ours."""
    site.folder._setObject('deep', Folder('deep'))
    deep = site.folder.deep
    add_template(deep, 'other', 'text')
    for ob in (PythonScript('a_script'), File('file', '', b'')):
        deep._setObject(ob.getId(), ob)
        deep[ob.getId()].ZCacheable_setManagerId('page_cache')
    add_template(deep, 'plain', 'text', associate=False)
    add_template(deep, 'dangling', 'text', associate=False)
    deep.dangling.ZCacheable_setManagerId('gone')
    # nearer than the manager of the same name further up
    deep._setObject('nearer', Folder('nearer'))
    deep.nearer._setObject('page_cache', PageCacheManager('page_cache'))
    add_template(deep.nearer, 'third', 'text')
    transaction.commit()
    return deep


def named(app):
    said = []
    number = check(app, say=said.append)
    return number, said


def test_check_names_what_names_a_manager(app, many):
    number, said = named(app)
    text = '\n'.join(said)
    for path in (
            TEMPLATE, '/site/folder/deep/other', '/site/folder/deep/a_script',
            '/site/folder/deep/file'):
        assert f"{path} names 'page_cache', which is {MANAGER}." in said
    assert ("/site/folder/deep/dangling names 'gone', where there is no "
            'manager.') in said
    assert ("/site/folder/deep/nearer/third names 'page_cache', which is "
            '/site/folder/deep/nearer/page_cache.') in said
    assert f'{MANAGER} is a Page Cache Manager.' in said
    assert f"{IN_A_FILE} names 'page_cache'" in text
    assert 'fspage.pt.metadata' in text and 'plain' not in text
    assert number == sum(' names ' in line for line in said)


def test_check_changes_nothing_unless_it_is_told_to(app, many):
    number, _ = named(app)
    assert app._p_jar._registered_objects == []
    left = check(app, remove=True, say=str)
    assert 0 < left < number
    transaction.commit()
    number, said = named(app)
    assert number == left
    assert all('.metadata' in line or 'is a Page' in line for line in said)


def test_check_goes_on_where_it_can_not_look(app, many, monkeypatch, caplog):
    def fail(self, *args):
        raise ValueError('on purpose')
    before = named(app)[0]
    kind = type(app.site.portal_types.aq_base)
    monkeypatch.setattr(kind, 'objectValues', fail)
    assert named(app)[0] == before
    assert 'portal_types' in caplog.text


class OtherManager(CacheManager, SimpleItem):
    """A cache manager of another kind."""

    id = 'ram'


def test_other_managers_are_nobody_elses_business(app, many):
    many._setObject('ram', OtherManager())
    many.plain.ZCacheable_setManagerId('ram')
    assert 'plain' not in '\n'.join(named(app)[1])
    check(app, remove=True, say=str)
    assert many.plain.ZCacheable_getManagerId() == 'ram'


def test_button_takes_all_away(site, client, many):
    page = get(client, ASSOCIATE)
    button = own(page).one(
        'input', value='Remove all associations (4)')
    assert button['type'] == 'submit'
    answer = client.post(f'{MANAGER}/manage_dissociate')
    text = text_of(own(follow(client, answer)))
    assert 'fspage.pt.metadata' not in text
    transaction.begin()
    assert site.portal_skins.custom.page.ZCacheable_getManagerId() is None
    assert many.a_script.ZCacheable_getManagerId() is None
    assert many.nearer.third.ZCacheable_getManagerId() == 'page_cache'
    assert many.dangling.ZCacheable_getManagerId() == 'gone'
    assert 'Remove all' not in get(client, ASSOCIATE).text


def test_message_says_that_it_is_done(site, client):
    answer = client.post(f'{MANAGER}/manage_dissociate')
    assert 'are removed' in follow(client, answer).text


def test_who_may_not_change_a_template_does_not(site, client, many):
    many.other.manage_permission('Change cache settings', [], 0)
    client.post(f'{MANAGER}/manage_dissociate')
    transaction.begin()
    assert many.other.ZCacheable_getManagerId() == 'page_cache'
    assert many.a_script.ZCacheable_getManagerId() is None


def test_properties_count_before_a_manager_is_deleted(client, many):
    def told():
        return text_of(own(get(client, f'{MANAGER}/manage_main')))
    assert 'Associations in the database 4 Remove them' in told()
    client.post(f'{MANAGER}/manage_dissociate')
    assert 'Associations in the database 0 Last purge' in told()


def test_screens_do_not_count_for_long(client, many, monkeypatch):
    monkeypatch.setattr(associated, 'MOST_COUNTED', 3)
    assert 'database not counted Remove' in text_of(own(
        get(client, f'{MANAGER}/manage_main')))
    assert own(get(client, ASSOCIATE)).one(
        'input', value='Remove all associations')
    client.post(f'{MANAGER}/manage_dissociate')
    transaction.begin()
    assert many.a_script.ZCacheable_getManagerId() is None


def test_template_of_a_deleted_manager_renders(site, client):
    site._delObject('page_cache')
    answer = client.get('/site/doc/page')
    assert answer.status == 200 and answer.outcome is None
    assert isinstance(
        site.portal_skins.custom.page.aq_base, ZopePageTemplate)
