"""The add-on: its installation, its upgrades and its removal."""
import re
from datetime import timedelta

import pytest
import transaction
from AccessControl.users import nobody
from OFS.Cache import ZCM_MANAGERS
from OFS.SimpleItem import SimpleItem
from plone.app.testing import TEST_USER_ID
from plone.app.testing import setRoles
from plone.base.interfaces import INonInstallable
from plone.base.utils import get_installer
from plone.dexterity.fti import DexterityFTI
from plone.namedfile.file import NamedBlobFile
from plone.namedfile.file import NamedBlobImage
from plone.registry import Record
from plone.registry.field import TextLine
from plone.registry.interfaces import IRegistry
from Products.CMFCore.interfaces import ICachingPolicyManager
from Products.CMFPlone.factory import addPloneSite
from Products.PageTemplates.ZopePageTemplate import ZopePageTemplate
from Products.statusmessages.interfaces import IStatusMessage
from zope.component import getAllUtilitiesRegisteredFor
from zope.component import getGlobalSiteManager
from zope.component import getSiteManager
from zope.component import getUtility
from zope.component.hooks import setSite
from zope.event import notify
from zope.lifecycleevent import ObjectModifiedEvent

from ...cmf import policy
from ...core.report.seen_views import Lately
from ...demo.plone_site import add
from ...demo.plone_site import rich_text
from ...integrations.addon import ADDED
from ...integrations.addon import PREFIX
from ...integrations.addon_pages import FORMER_POLICIES
from ...integrations.addon_pages import POLICIES
from ...integrations.addon_pages import VIEWS
from ...manager.caches import cache_of
from ...PageCacheManager import PageCacheManager
from ...request import events
from ..site import add_template
from .conftest import act_in


PRODUCT = 'Products.PageCacheManager'
PIXEL = (
    b'GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04'
    b'\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D'
    b'\x01\x00;')

PAGES = [
    '', '/a-document', '/a-document/view', '/a-news-item', '/a-folder',
    '/a-folder/item-1', '/a-shown-folder', '/a-collection', '/sitemap',
    '/@@search?SearchableText=harbour']

NAMES = {None: None, 'alice': 'Alice Arden', 'bob': 'Bob Birch'}


@pytest.fixture
def author(portal):
    """Let the test add content."""
    setRoles(portal, TEST_USER_ID, ['Manager'])
    return portal


def run(portal, name):
    setSite(portal)
    portal.portal_setup.runAllImportStepsFromProfile(f'{PRODUCT}:{name}')
    transaction.commit()


def policies(portal):
    return {
        name: dict(vars(found)) for name, found in
        portal.caching_policy_manager.listPolicies()}


def records(portal):
    return [
        name for name in getUtility(IRegistry, context=portal).records
        if name.startswith(PRODUCT)]


# pages

@pytest.mark.parametrize('path', PAGES)
def test_page_is_kept_for_each_user(addon, client, path):
    misses = {user: client.get(path, user) for user in NAMES}
    for user, miss in misses.items():
        hit = client.get(path, user)
        assert (miss.outcome, hit.outcome) == ('MISS', 'HIT'), user
        assert hit.body == miss.body
        for name in filter(None, NAMES.values()):
            assert (name in hit.text) == (name == NAMES[user])


@pytest.mark.parametrize(('path', 'user', 'expected'), [
    ('/a-document', None, 'max-age=0, must-revalidate'),
    ('/a-document', 'alice', 'max-age=0, private, must-revalidate'),
    ('/a-folder', None, 'max-age=0, must-revalidate'),
    ('/a-folder', 'alice', 'max-age=0, private, must-revalidate'),
])
def test_browser_asks_each_time_and_gets_304(
        addon, client, path, user, expected):
    page = client.get(path, user)
    assert page['Cache-Control'] == expected
    answer = client.get(path, user, If_None_Match=page['ETag'])
    assert (answer.status, answer.body) == (304, b'')
    assert answer['Cache-Control'] == expected


@pytest.mark.parametrize('path', PAGES)
def test_every_page_has_a_date(addon, client, path):
    assert client.get(path)['Last-Modified'].endswith(' GMT')


@pytest.mark.parametrize('place', ['/a-folder', '/a-collection', ''])
@pytest.mark.parametrize(
    'name', sorted({name for name, _ in VIEWS if name.endswith((
        'listing', 'listing_view', 'map', 'album_view', 'full_view',
        'summary_view', 'tabular_view'))}))
def test_listing_is_kept(addon, client, place, name):
    client.get(f'{place}/{name}?first')  # the first request may write
    answers = [client.get(f'{place}/{name}') for _ in range(2)]
    assert [one.status for one in answers] == [200, 200]
    assert [one.outcome for one in answers] == ['MISS', 'HIT']


@pytest.fixture
def more(addon, author):
    """Content of each kind that the demo lacks."""
    # these two have no workflow
    addon.invokeFactory('Image', 'an-image', image=NamedBlobImage(
        PIXEL, 'image/gif', 'pixel.gif'))
    addon.invokeFactory('File', 'a-file', file=NamedBlobFile(
        b'text', 'text/plain', 'text.txt'))
    add(addon, 'Link', 'a-link', 'A link', remoteUrl='/a-document')
    event = add(addon, 'Event', 'an-event', 'An event')
    # on the same day in the time zone of the site and in UTC
    event.start = event.start.replace(hour=12)
    event.end = event.start + timedelta(hours=1)
    event.recurrence = 'RRULE:FREQ=DAILY;COUNT=3'
    return addon


@pytest.mark.parametrize(
    'path', ['/an-image/view', '/a-file/view', '/an-event'])
def test_content_of_other_kinds_is_kept(more, client, path):
    client.get(path)  # makes the image's scales, and is not kept
    answers = [client.get(path) for _ in range(2)]
    assert answers[0].status == 200
    assert answers[1].outcome == 'HIT'


@pytest.mark.parametrize('path', [
    '/a-link', '/an-image/image_view_fullscreen',
    '/a-file/@@download/file', '/a-document/edit', '/a-document/sharing',
    '/a-folder/folder_contents', '/login', '/contact-info',
    '/event_listing_ical', '/sitemap.xml.gz', '/a-folder/RSS',
    '/a-document/@@historyview', '/@@personal-information'])
def test_what_is_no_page_for_all_is_left_alone(more, client, path):
    for _ in range(2):
        answer = client.get(path, 'alice')
        assert answer.status in (200, 302, 404) and answer.outcome is None


def test_occurrence_of_an_event_is_left_alone(more, client):
    # the first occurrence is the event itself
    day = more['an-event'].start + timedelta(days=1)
    answer = client.get(f'/an-event/{day:%Y-%m-%d}')
    assert answer.status == 200 and 'An event' in answer.text
    assert answer.outcome is None


# listings

def change_text(site, content, text):
    act_in(site)
    content.text = rich_text(text)
    notify(ObjectModifiedEvent(content))
    content.reindexObject()


@pytest.mark.parametrize(('path', 'outcome'), [
    ('/a-folder', 'HIT'), ('/a-document', 'HIT'), ('/a-collection', 'HIT'),
    ('/sitemap', 'HIT'), ('/@@search?SearchableText=harbour', 'MISS')])
def test_change_of_a_text_reaches_what_finds_it(
        addon, client, author, path, outcome):
    client.get(path)
    change_text(addon, addon['a-news-item'], 'harbour')
    assert client.get(path).outcome == outcome


def test_folder_that_has_a_query_is_kept_like_a_collection(
        addon, client, author):
    kind = addon.portal_types['Folder']
    kind.manage_changeProperties(
        behaviors='\n'.join([*kind.behaviors, 'plone.collection']))
    client.get('/a-folder')
    assert client.get('/a-folder').outcome == 'HIT'
    change_text(addon, addon['a-news-item'], 'harbour')
    # the listing shows no text
    assert client.get('/a-folder').outcome == 'HIT'
    addon['a-news-item'].title = 'A harbour'
    change_text(addon, addon['a-news-item'], 'harbour')
    answer = client.get('/a-folder')
    assert answer.outcome == 'MISS' and 'A harbour' in answer.text


def test_folders_below_show_in_the_full_view(addon, client, author):
    inner = add(addon['a-folder'], 'Folder', 'inner', 'A folder in it')
    inner.setLayout('full_view')
    add(inner, 'Document', 'deep', 'A page', text=rich_text('before'))
    path = '/a-folder/full_view?b_size=100'
    client.get(path)
    assert 'before' in client.get(path).text
    change_text(addon, inner['deep'], 'afterwards')
    assert 'afterwards' in client.get(path).text


# installation

def test_views_are_associated(addon):
    assert [
        tuple(view.values()) for view in addon.page_cache.getViews()
    ] == [*VIEWS]


def test_policies_hold_for_the_pages_of_a_manager_alone(addon):
    addon.REQUEST['AUTHENTICATED_USER'] = nobody
    for content in (addon, addon['a-document'], addon['a-folder']):
        for name in (*(name for name, _ in VIEWS), 'any', 'edit', ''):
            about = content, name, {}, content.REQUEST
            assert policy.ask(*about, 'page_cache').etag
            assert policy.ask(*about) is None


def test_cmf_itself_finds_no_policy_for_what_is_not_kept(addon):
    """CMF asks its policies for each template of the file system."""
    addon.REQUEST['AUTHENTICATED_USER'] = nobody
    tool = addon.caching_policy_manager
    for keywords in ({}, {'options': {}}):
        about = addon['a-document'], 'any_template', keywords
        assert tool.getHTTPCachingHeaders(*about) == ()
        assert tool.getModTimeAndETag(*about) is None


@pytest.mark.parametrize('user', [None, 'alice'])
@pytest.mark.parametrize(('place', 'name'), [
    ('', 'accessibility-info'), ('/a-document', 'a_template'),
    ('/a-folder', 'an_own_template')])
def test_whatever_is_associated_has_a_policy(
        addon, client, author, place, name, user):
    addon.page_cache.manage_editViews([*VIEWS, ('accessibility-info',)])
    transaction.commit()
    if name != 'accessibility-info':
        template = ZopePageTemplate(name, '<html>Made by it</html>')
        addon._setObject(name, template)
        addon[name].ZCacheable_setManagerId('page_cache')
        transaction.commit()
    path = f'{place}/{name}'
    client.get(path, user)
    answers = [client.get(f'{path}?two', user) for _ in range(2)]
    assert [one.outcome for one in answers] == ['MISS', 'HIT']
    assert ('private' in answers[1]['Cache-Control']) == bool(user)
    assert answers[1]['Last-Modified'].endswith(' GMT')
    again = client.get(f'{path}?two', user, If_None_Match=answers[1]['ETag'])
    assert again.status == 304


@pytest.mark.parametrize('user', [None, 'alice'])
def test_content_of_a_type_of_the_site_is_kept(addon, client, author, user):
    """Its ruleset is given to the manager; its view may have any name."""
    kind = DexterityFTI('Thing', klass='plone.dexterity.content.Item')
    addon.portal_types._setObject('Thing', kind)
    add(addon, 'Thing', 'a-thing', 'A thing')
    registry = getUtility(IRegistry)
    prefix = 'plone.caching.interfaces.ICacheSettings'
    registry[f'{prefix}.enabled'] = True
    registry[f'{prefix}.operationMapping'] = {
        'plone.content.itemView': PRODUCT}
    transaction.commit()
    client.get('/a-thing', user)
    answers = [client.get('/a-thing?two', user) for _ in range(2)]
    assert [one.outcome for one in answers] == ['MISS', 'HIT']
    addon['a-thing'].title = 'Another title'
    transaction.commit()
    answer = client.get('/a-thing?two', user, If_None_Match=answers[1]['ETag'])
    assert answer.status == 200 and 'Another title' in answer.text


def test_site_of_the_first_version_gets_the_policies(addon):
    setup = addon.portal_setup
    added = [name for name in POLICIES if 'members' in name]
    for name in added:
        addon.caching_policy_manager.removePolicy(name)
    setup.setLastVersionForProfile(f'{PRODUCT}:default', '1')
    transaction.commit()
    setup.upgradeProfile(f'{PRODUCT}:default')
    assert [*policies(addon)] == [*POLICIES]
    assert setup.getLastVersionForProfile(f'{PRODUCT}:default') == ('5',)
    setup.upgradeProfile(f'{PRODUCT}:default')
    assert [*policies(addon)] == [*POLICIES]
    run(addon, 'uninstall')
    assert not policies(addon)


def test_site_of_the_second_version_loses_what_pages_show(addon):
    """The options are one for all rulesets and one for a single ruleset."""
    setup, registry = addon.portal_setup, getUtility(IRegistry, context=addon)
    names = [f'{PREFIX}operation.{name}' for name in (
        'shows', 'plone.content.feed.shows')]
    for name in names:
        registry.records[name] = Record(TextLine(title='Pages show'), 'site')
    noted = registry.records[ADDED]
    noted.value = [
        f'{name} site' if name.startswith('view ') else name
        for name in noted.value]
    setup.setLastVersionForProfile(f'{PRODUCT}:default', '2')
    transaction.commit()
    before = records(addon)
    setup.upgradeProfile(f'{PRODUCT}:default')
    assert {*before} - {*records(addon)} == {*names}
    run(addon, 'uninstall')
    assert not records(addon)


#: The policy that an earlier profile added for the views of content.
FORMER = {
    'mtime_func': 'object/modified', 'max_age_secs': 0, 'no_cache': 0,
    'no_store': 0, 'must_revalidate': 1, 'vary': '', 'enable_304s': 1,
    'predicate': "python: view in ('document_view', 'newsitem_view', "
    "'event_view', 'file_view', 'image_view')",
    'etag_func': "python: '%s|%s|%s' % (request['AUTHENTICATED_USER']"
    '.getId(), object.modified().timeTime(), int(time.timeTime() // 3600))',
    'private': 1}


@pytest.mark.parametrize('is_changed', [False, True])
def test_policies_of_the_third_version_go_unless_they_were_changed(
        portal, is_changed):
    run(portal, 'default')
    tool, setup = portal.caching_policy_manager, portal.portal_setup
    for name in POLICIES:
        tool.removePolicy(name)
    name = 'page_cache_content_members'
    assert name in FORMER_POLICIES
    tool.addPolicy(name, **{**FORMER, 'max_age_secs': 60 * is_changed})
    tool.addPolicy('mine', **FORMER)
    noted = getUtility(IRegistry, context=portal).records[ADDED]
    noted.value = sorted([*noted.value, f'policy {name}'])
    setup.setLastVersionForProfile(f'{PRODUCT}:default', '3')
    transaction.commit()
    setup.upgradeProfile(f'{PRODUCT}:default')
    assert [*policies(portal)] == (
        [name, 'mine', *POLICIES] if is_changed else [*POLICIES, 'mine'])
    run(portal, 'uninstall')
    assert [*policies(portal)] == ['mine']


def test_policies_take_the_place_of_those_before(portal):
    run(portal, 'default')
    tool, setup = portal.caching_policy_manager, portal.portal_setup
    for name in POLICIES:
        tool.removePolicy(name)
    for name in 'first', 'page_cache_content_members', 'catch_all':
        tool.addPolicy(name, **FORMER)
    setup.setLastVersionForProfile(f'{PRODUCT}:default', '3')
    transaction.commit()
    setup.upgradeProfile(f'{PRODUCT}:default')
    assert [*policies(portal)] == ['first', *POLICIES, 'catch_all']


def test_a_site_without_a_caching_policy_manager(portal):
    def delete():
        portal._delObject('caching_policy_manager')
        getSiteManager(portal).unregisterUtility(
            provided=ICachingPolicyManager)
        transaction.commit()

    delete()
    run(portal, 'default')
    assert [*policies(portal)] == [*POLICIES]
    delete()
    portal.portal_setup.setLastVersionForProfile(f'{PRODUCT}:default', '3')
    transaction.commit()
    portal.portal_setup.upgradeProfile(f'{PRODUCT}:default')
    assert [*policies(portal)] == [*POLICIES]
    delete()
    run(portal, 'uninstall')
    assert 'page_cache' not in portal


def test_views_that_an_earlier_version_added_are_removed(own):
    run(own, 'default')
    noted = getUtility(IRegistry, context=own).records[ADDED]
    noted.value = [
        f'{name} site' if name.startswith('view ') else name
        for name in noted.value]
    run(own, 'uninstall')
    assert own.page_cache.getViews() == [
        {'name': 'listing_view', 'kind': ''}, {'name': 'my_view', 'kind': ''}]


def test_what_was_published_lately_could_be_kept(addon, client):
    addon.page_cache.manage_editViews([])
    transaction.commit()
    client.get('/a-document')
    cache_of(addon.page_cache).lately = Lately()
    page = client.get('/a-document', 'alice').text
    found = re.findall('(?:href|src)="[^"]*/plone(/[^"#]*)"', page)
    linked = {path for path in found if '++' in path}
    assert len(linked) > 5
    for path in (
            *sorted(linked), '/@@plone_context_state/is_folderish',
            '/++api++', '/++api++/a-document', '/@@site-logo',
            '/a-document/@@getSource', '/a-document/@@images/image',
            '/sitemap.xml.gz', '/a-folder/RSS', '/robots.txt', '/favicon.ico',
            '/a-document/absolute_url'):
        client.get(path, 'alice')
    client.get('/a-document', 'alice', ACCEPT='application/json')
    assert {name for name, _, _ in cache_of(
        addon.page_cache).lately.counts()} == {'document_view'}


def test_policies(addon):
    assert [*policies(addon)] == [*POLICIES]


def test_manager_has_title_and_is_active(addon):
    assert addon.page_cache.title == 'Page Cache'
    assert addon.page_cache.isActive()


def test_site_without_the_add_on_is_left_alone(portal, client):
    assert 'page_cache' not in portal.objectIds()
    assert not policies(portal) and not records(portal)
    assert client.get('/a-document').outcome is None


# installed twice, or over objects of an administrator

def test_installing_again_changes_nothing(addon):
    addon.page_cache.manage_editProps('Mine', {'threshold': 123})
    addon.page_cache.manage_editViews([
        ('document_view', 'News Item'), ('my_view',),
        *(view for view in VIEWS if view[0] not in (
            'document_view', 'sitemap'))])
    tool = addon.caching_policy_manager
    changed = {**POLICIES['page_cache_visitors'], 'max_age_secs': 60}
    tool.updatePolicy('page_cache_visitors', **changed)
    tool.addPolicy('mine', **changed)
    before = policies(addon), addon.page_cache.getViews(), records(addon)
    run(addon, 'default')
    after = policies(addon), addon.page_cache.getViews(), records(addon)
    assert after[0] == before[0]
    # the view that was missing is there again
    assert after[1] == [*before[1], {
        'name': 'sitemap', 'kind': ''}]
    assert after[2] == before[2]
    assert addon.page_cache.title == 'Mine'
    assert addon.page_cache.getSettings()['threshold'] == 123


@pytest.fixture
def own(portal):
    """A site with managers and a policy that an administrator made."""
    portal._setObject('page_cache', PageCacheManager('page_cache', 'Own'))
    portal.page_cache.manage_editViews([
        ('listing_view',), ('my_view',)])
    portal._setObject('other', PageCacheManager('other'))
    portal.caching_policy_manager.addPolicy(
        'own', **POLICIES['page_cache_visitors'])
    transaction.commit()
    return portal


def test_what_an_administrator_made_stays_when_installed(own):
    run(own, 'default')
    views = own.page_cache.getViews()
    assert views[:2] == [
        {'name': 'listing_view', 'kind': ''},
        {'name': 'my_view', 'kind': ''}]
    assert [view['kind'] for view in views
            if view['name'] == 'listing_view'] == ['']
    assert own.page_cache.title == 'Own'
    assert [*policies(own)] == ['own', *POLICIES]


def test_what_an_administrator_made_stays_when_removed(own):
    before = own.page_cache.getViews(), getattr(own, ZCM_MANAGERS)
    for name in ('default', 'default', 'uninstall'):
        run(own, name)
    assert (own.page_cache.getViews(), getattr(own, ZCM_MANAGERS)) == before
    assert [*policies(own)] == ['own']
    assert not records(own)


def test_other_object_with_the_id_is_not_touched(portal):
    other = SimpleItem()
    other.id, other.title = 'page_cache', 'A page'
    portal._setObject('page_cache', other)
    with pytest.raises(ValueError, match="'page_cache' is already the id of"):
        run(portal, 'default')
    assert portal.page_cache.title == 'A page'
    run(portal, 'uninstall')
    assert portal.page_cache.title == 'A page'


# removed

def test_removing_leaves_nothing(portal, client):
    before = [*getattr(portal, ZCM_MANAGERS)]
    run(portal, 'default')
    assert [*getattr(portal, ZCM_MANAGERS)] == [*before, 'page_cache']
    name = f'{PRODUCT}.operation.manager'
    getUtility(IRegistry).records[name] = Record(TextLine(), 'page_cache')
    client.get('/a-document')
    run(portal, 'uninstall')
    assert 'page_cache' not in portal.objectIds()
    assert [*getattr(portal, ZCM_MANAGERS)] == before
    assert not policies(portal) and not records(portal)
    assert client.get('/a-document').outcome is None


@pytest.fixture
def named(portal):
    """Two templates: one uses the add-on's manager, one another manager."""
    run(portal, 'default')
    add_template(portal, 'ours', 'text')
    portal._setObject('other', PageCacheManager('other'))
    add_template(portal, 'others', 'text')
    portal.others.ZCacheable_setManagerId('other')
    transaction.commit()
    return portal


def test_removing_takes_associations_away(named, client):
    run(named, 'uninstall')
    assert named.ours.ZCacheable_getManagerId() is None
    assert named.others.ZCacheable_getManagerId() == 'other'


def test_installing_says_where_to_look(portal):
    run(portal, 'default')
    (message,) = IStatusMessage(portal.REQUEST).show()
    assert message.type == 'info'
    assert 'See "Page cache" in Site Setup.' in message.message


def test_removing_says_what_stays(named, client, caplog):
    IStatusMessage(named.REQUEST).show()  # drops that of the installation
    run(named, 'uninstall')
    text, = (
        line for line in caplog.messages if 'Page Cache Managers' in line)
    assert '/plone/other, /plone/others.' in text and 'ours' not in text
    assert [one.message for one in IStatusMessage(named.REQUEST).show()] == [
        text]


def test_removing_says_nothing_where_nothing_stays(addon, caplog):
    run(addon, 'uninstall')
    assert 'Page Cache Managers' not in caplog.text


def test_removed_add_on_can_be_installed_again(addon, client):
    run(addon, 'uninstall')
    run(addon, 'uninstall')
    run(addon, 'default')
    assert [client.get('/a-document').outcome for _ in range(2)] == [
        'MISS', 'HIT']


# the control panel

def form_of(page, action):
    """Return the fields of the product's form for `action`, or None."""
    for form in re.findall('<form.*?</form>', page.text, re.DOTALL):
        fields = {}
        for tag in re.findall('<input[^>]*>', form):
            found = dict(re.findall('([a-z]+)="([^"]*)"', tag))
            fields[found.get('name')] = found.get('value')
        if fields.get(action) == PRODUCT:
            return fields
    return None


def test_control_panel_installs_and_removes(portal, client):
    client.get('')  # the first request makes a site write
    panel = '/prefs_install_products_form'
    page = client.get(panel, 'root')
    assert 'Page Cache Manager' in page.text
    assert 'Serves whole pages' in page.text
    form = form_of(page, 'install_product')
    assert client.post('/install_products', form).status == 302
    assert get_installer(portal).is_product_installed(PRODUCT)
    assert [client.get('/a-document').outcome for _ in range(2)] == [
        'MISS', 'HIT']
    page = client.get(panel, 'root')
    assert form_of(page, 'install_product') is None
    form = form_of(page, 'uninstall_product')
    assert client.post('/uninstall_products', form).status == 302
    assert not get_installer(portal).is_product_installed(PRODUCT)
    assert 'page_cache' not in portal.objectIds()


def test_control_panel_needs_a_token(portal, client):
    client.post('/install_products', {'install_product': PRODUCT})
    assert not get_installer(portal).is_product_installed(PRODUCT)


def test_profile_that_removes_is_hidden(portal):
    installer = get_installer(portal)
    assert installer.get_install_profile(PRODUCT)['id'] == (
        f'{PRODUCT}:default')
    assert installer.get_uninstall_profile(PRODUCT)['id'] == (
        f'{PRODUCT}:uninstall')
    hidden = [
        name for one in getAllUtilitiesRegisteredFor(INonInstallable)
        for name in getattr(one, 'getNonInstallableProfiles', list)()]
    assert f'{PRODUCT}:uninstall' in hidden
    assert f'{PRODUCT}:default' not in hidden


def test_new_site_may_have_it_from_the_start(plone_layer, portal, client):
    setRoles(portal, TEST_USER_ID, ['Manager'])
    app = plone_layer['app']
    addPloneSite(app, 'second', extension_ids=[f'{PRODUCT}:default'])
    client.site = '/second'
    client.get('')
    assert [client.get('').outcome for _ in range(2)] == ['MISS', 'HIT']


def test_handlers_are_registered_once(portal):
    registry = getGlobalSiteManager().__bases__[0]
    assert [one.handler for one in registry.registeredHandlers()].count(
        events.publication) == 1


def test_caching_control_panel_knows_the_operation(addon, client):
    page = client.get('/@@caching-controlpanel', 'root').text
    assert 'Products.PageCacheManager' in page
    form = client.get(OPERATION, 'root').text
    assert 'The manager that stores the pages.' in form
    assert 'Pages show' not in form


# the option of the operation

OPTION = f'{PRODUCT}.operation.manager'
OPERATION = f'/@@caching-controlpanel/edit-operation-global/{PRODUCT}'


def test_the_form_of_the_operation_offers_managers(addon, client):
    page = client.get(OPERATION, 'root')
    assert page.status == 200
    options = re.findall('<option[^>]*value="([^"]*)"', page.text)
    assert {'nearest', 'page_cache'} <= {*options}
    assert 'Page Cache at /plone/page_cache' in page.text


@pytest.mark.parametrize('value, kind', [
    ('', 'Choice'), ('page_cache', 'Choice'), ('none_such', 'TextLine')])
def test_an_option_of_the_third_version_is_kept(addon, value, kind):
    setup, registry = addon.portal_setup, getUtility(IRegistry, context=addon)
    registry.records[OPTION] = Record(TextLine(required=False), value)
    setup.setLastVersionForProfile(f'{PRODUCT}:default', '3')
    transaction.commit()
    setup.upgradeProfile(f'{PRODUCT}:default')
    assert registry[OPTION] == value
    assert type(registry.records[OPTION].field).__name__ == kind
