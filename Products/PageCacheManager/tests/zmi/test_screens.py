"""The management screens, through the real publisher."""
import os
import socket
import time
from urllib.parse import parse_qs
from urllib.parse import urlsplit

import pytest
import transaction
from App.config import getConfiguration
from persistent.mapping import PersistentMapping
from plone.memoize.interfaces import ICacheChooser
from plone.testing.zope import login
from plone.testing.zope import logout
from Products.CMFCore.interfaces import ICachingPolicyManager
from zope.component import getGlobalSiteManager

from ...core.key import KeyParts
from ...core.page import Page
from ...core.settings import FIELDS
from ...core.store.store import PageStore
from ...manager import caches
from ..screens import follow
from ..screens import get
from ..screens import labels_are_missing
from ..screens import own


pytestmark = pytest.mark.usefixtures(
    'template_engine', 'errors_are_responses')

MANAGER = '/site/page_cache'
ADD = '/site/manage_addProduct/PageCacheManager'
PAGE = '/site/doc/page'
FS_PAGE = 'portal_skins/fs/fspage'

SCREENS = (
    f'{MANAGER}/manage_main', f'{MANAGER}/manage_stats',
    f'{MANAGER}/manage_views', f'{MANAGER}/manage_policies',
    f'{MANAGER}/manage_explain', f'{MANAGER}/ZCacheManager_associate',
    f'{ADD}/manage_addPageCacheManagerForm')


def screen(client, name, query=''):
    return own(get(client, f'{MANAGER}/{name}?{query}'))


def fill(client, site, count):
    """Put `count` pages into the store, as if they had been rendered."""
    store = caches.cache_of(site.page_cache).pages
    for number in range(count):
        key = KeyParts(
            '/site/page', f'/site/doc{number}', f'http://host/doc{number}',
            (), ('v',), 'e').key()
        page = Page(
            body=b'x', codings=(), headers=(), modified=0, created=time.time(),
            varies=())
        store.set(key, page)
        store.get(key)
    return store


# all screens

@pytest.mark.parametrize('path', SCREENS[:5] + SCREENS[6:])
def test_html_is_well_formed(site, client, path):
    fill(client, site, 3)
    client.post(PAGE)  # gives the statistics a reason
    html = own(get(client, path))
    assert html.problems == []
    assert labels_are_missing(html) == []
    ids = [found['id'] for _, found in html.elements if 'id' in found]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize('path', SCREENS)
@pytest.mark.parametrize('user', [None, 'alice'])
def test_others_see_no_screen(site, client, path, user):
    assert get(client, path, user).status == 401


@pytest.mark.parametrize('path', SCREENS[:6])
def test_the_title_is_escaped(site, client, path):
    site.page_cache.title = '</title><script>alert(1)</script>'
    transaction.commit()
    assert '<script>alert' not in get(client, path).text


@pytest.mark.parametrize('path', SCREENS[:6])
def test_each_tab_knows_itself(site, client, path):
    text = get(client, path).text
    active, = (
        line for line in text.splitlines() if 'nav-link active' in line)
    assert path.rpartition('/')[2] in active


def test_who_may_only_look_is_offered_no_change(site, client):
    site.manage_role('Member', ['View management screens'])
    transaction.commit()
    fill(client, site, 1)
    for name in ('manage_main', 'manage_stats', 'manage_views'):
        html = own(get(client, f'{MANAGER}/{name}', 'alice'))
        actions = {form['action'] for form in html.all('form')}
        assert not html.all('input', type='checkbox', name='paths:list')
        assert not html.all('input', value='Save Changes')
        assert not any('purge' in action for action in actions)
    assert client.post(
        f'{MANAGER}/manage_purge', user='alice').status == 401


def test_a_message_can_not_be_put_into_a_url(site, client):
    text = get(client, f'{MANAGER}/manage_main?manage_tabs_message=Boo'
                       '&done=Boo&message=Boo').text
    assert 'Boo' not in text


# methods that change anything

CHANGES = {
    'manage_editProps': {'title': 'changed', 'max_age': '77'},
    'manage_editViews': {'views.name:records': 'one'},
    'manage_purge': {},
    'manage_addPolicy': {'preset': 'page_cache_pages'},
    'manage_invalidate': {'paths:list': '/site/page'},
    'ZCacheManager_setAssociations': {
        'associate_portal_skins/custom/page:int': '0'},
    'manage_editAssociations': {'before:list': 'portal_skins/custom/page'},
    'manage_dissociate': {},
}


def state(site):
    transaction.begin()
    manager = site.page_cache
    template = site.portal_skins.custom.page
    return (
        manager.title, manager.getSettings(), manager.getViews(),
        manager._purged.value, manager._invalidated.anything.value,
        template.ZCacheable_getManagerId(), sorted(site.objectIds()),
        [name for name, _ in site.caching_policy_manager.listPolicies()])


@pytest.mark.parametrize('name', CHANGES)
def test_get_changes_nothing(site, client, name):
    before = state(site)
    query = '&'.join(f'{n}={v}' for n, v in CHANGES[name].items())
    for method in ('GET', 'HEAD', 'PUT'):
        answer = client.request(
            method, f'{MANAGER}/{name}?{query}', 'root')
        assert answer.status in (403, 404, 405), (method, answer.status)
    assert state(site) == before


def test_get_adds_no_manager(site, client):
    before = state(site)
    answer = get(client, f'{ADD}/manage_addPageCacheManager?id=new')
    assert answer.status in (403, 404, 405)
    assert state(site) == before


@pytest.mark.parametrize('name', CHANGES)
@pytest.mark.parametrize('user', [None, 'alice'])
def test_others_change_nothing(site, client, name, user):
    before = state(site)
    answer = client.post(f'{MANAGER}/{name}', CHANGES[name], user)
    assert answer.status == 401
    assert state(site) == before


@pytest.mark.parametrize('user', [None, 'alice'])
def test_others_add_no_manager(site, client, user):
    answer = client.post(
        f'{ADD}/manage_addPageCacheManager', {'id': 'new'}, user)
    assert answer.status == 401
    assert 'new' not in state(site)[-2]


@pytest.mark.parametrize('name', CHANGES)
def test_post_changes(site, client, name):
    before = state(site)
    answer = client.post(f'{MANAGER}/{name}', CHANGES[name])
    assert answer.status in (200, 302)
    assert state(site) != before


@pytest.mark.parametrize('name', [
    'enable', 'disable', 'getSettings', 'getViews', 'getCacheReport',
    'isActive', 'setTitle', 'associations', 'renew', 'invalidate',
    'cache_name', 'generation_of', 'marks_of', 'forget_template',
    'ZCacheManager_getCache', '_settings', '_purged', '_views'])
@pytest.mark.parametrize('method', ['GET', 'POST'])
def test_what_code_calls_has_no_url(site, client, name, method):
    before = state(site)
    answer = client.request(method, f'{MANAGER}/{name}', 'root')
    assert answer.status in (401, 403, 404), answer.status
    assert state(site) == before


# the add form

def test_add(site, client):
    answer = client.post(
        f'{ADD}/manage_addPageCacheManager',
        {'id': 'new', 'title': 'N\u00e9w'})
    assert answer.status == 302
    assert urlsplit(answer['Location']).path == '/site/new/manage_main'
    transaction.begin()
    assert site.new.title == 'N\u00e9w'
    assert site.new.meta_type == 'Page Cache Manager'


@pytest.mark.parametrize(('id', 'why'), [
    ('', 'Empty or invalid id specified'),
    (' ', 'The id is blank, or begins or ends with a blank.'),
    ('new ', 'The id is blank, or begins or ends with a blank.'),
    ('_x', 'The id "_x" is invalid because it begins with an underscore.'),
    ('a/b', 'The id "a/b" contains characters illegal in URLs.'),
    ('doc', 'The id "doc" is invalid - it is already in use.'),
    ('"><script>x</script>',
     'The id ""><script>x</script>" contains characters illegal in URLs.'),
    ('aq_parent', 'The id "aq_parent" is invalid because it begins with "aq_'
     '".')])
def test_add_with_a_bad_id_keeps_what_was_typed(site, client, id, why):
    before = state(site)
    html = own(client.post(
        f'{ADD}/manage_addPageCacheManager', {'id': id, 'title': '<b>&'}))
    field = html.one('input', id='id')
    assert field['value'] == id
    assert 'is-invalid' in field['class']
    assert field['aria-describedby'] == 'id-error'
    assert html.all('div', id='id-error')
    assert why in html.texts
    assert html.one('input', id='title')['value'] == '<b>&'
    assert html.problems == []
    assert state(site) == before


# properties

def shown(html, field):
    """Return the control of a field in a form, and its attributes."""
    if field.kind == 'choice':
        return html.one('select', id=field.name)
    if field.kind == 'names':
        return html.one('textarea', id=field.name)
    return html.one('input', id=field.name)


def test_every_setting_is_shown_with_help(site, client):
    html = screen(client, 'manage_main')
    text = ' '.join(' '.join(html.texts).split())
    for field in FIELDS:
        control = shown(html, field)
        assert control['name'] == field.name
        assert control['aria-describedby'] == f'{field.name}-help'
        assert field.title in text and field.help in text
    assert '1 to 1 048 576 MiB' in text
    assert 'Default: 128.' in text


def test_form_saves_what_it_shows(site, client):
    """Sent as it is, the form changes nothing."""
    before = state(site)
    html = screen(client, 'manage_main')
    form = {'title': ''}
    for field in FIELDS:
        value = site.page_cache.getSettings()[field.name]
        if field.kind == 'switch':
            hidden = html.one('input', name=f'{field.name}:default')
            assert hidden['value'] == 'off'
            value = 'on' if value else None
        elif field.kind != 'choice':
            value = field.show(value)
        if value is not None:
            form[field.name] = value
    answer = follow(client, client.post(f'{MANAGER}/manage_editProps', form))
    assert 'Settings saved.' in answer.text
    assert state(site) == before


def test_a_switch_that_is_not_ticked_is_off(site, client):
    client.post(f'{MANAGER}/manage_editProps', {
        'title': '', 'show_outcome:default': 'off'})
    transaction.begin()
    assert site.page_cache.getSettings()['show_outcome'] is False


def test_fields_that_are_no_settings_are_ignored(site, client):
    answer = client.post(f'{MANAGER}/manage_editProps', {
        'title': 'ours', 'submit': 'x', 'settings': 'x', 'max_age': '5'})
    assert answer.status == 302
    transaction.begin()
    assert site.page_cache.title == 'ours'
    assert site.page_cache.getSettings()['max_age'] == 5


def test_bad_input_keeps_what_was_typed(site, client):
    before = state(site)
    html = own(client.post(f'{MANAGER}/manage_editProps', {
        'title': 'typed', 'max_mib': '"><script>x</script>', 'max_age': '60',
        'key_headers': 'X-One\nbad name!', 'partition': 'nobody',
        'show_outcome:default': 'off', 'store': 'memoize'}))
    for name in ('max_mib', 'partition'):
        assert html.all('div', id=f'{name}-error')
    field = html.one('input', id='max_mib')
    assert field['value'] == '"><script>x</script>'
    assert 'is-invalid' in field['class']
    assert field['aria-describedby'] == 'max_mib-error max_mib-help'
    assert html.one('input', id='max_age')['value'] == '60'
    assert not html.all('div', id='max_age-error')
    assert html.one('input', id='title')['value'] == 'typed'
    assert 'checked' not in html.one('input', id='show_outcome')
    assert 'selected' in html.one('option', value='memoize')
    assert any('X-One\nbad name!' in text for text in html.texts)
    assert html.problems == []
    assert state(site) == before


@pytest.mark.parametrize('form', [
    [('max_age', '1'), ('max_age', '2')],
    [('max_age', '\0')], [('max_age', '9' * 9000)],
    [('key_headers:list', 'a b')], [('max_age.x:record', '1')],
    [('active', '')], [('show_outcome', 'perhaps')],
    [('key_cookies', '\u00e9')], [('max_age', b'\xff\xfe')]])
def test_odd_input_is_refused_with_a_form(site, client, form):
    before = state(site)
    html = own(client.post(
        f'{MANAGER}/manage_editProps', [('title', 'x'), *form]))
    assert len(html.all('div', **{'class': 'invalid-feedback'})) == 1
    assert html.problems == []
    assert state(site) == before


def test_code_that_errs_is_told(site):
    with pytest.raises(ValueError, match='nonsense'):
        site.page_cache.manage_editProps('', {'nonsense': 1})
    with pytest.raises(ValueError, match='max_mib.*-1'):
        site.page_cache.manage_editProps('', {'max_mib': -1})
    with pytest.raises(ValueError, match='settings.*threshold=5'):
        site.page_cache.manage_editProps('new', 'threshold=5')
    assert site.page_cache.title == ''


def test_code_may_give_any_mapping(site):
    site.page_cache.manage_editProps('', PersistentMapping(threshold=5))
    assert site.page_cache.getSettings()['threshold'] == 5


def page_text(client, name='manage_main', query=''):
    return ' '.join(''.join(screen(client, name, query).texts).split())


def test_state_when_active(site, client):
    text = page_text(client)
    assert 'Not active' not in text
    assert '0 of 10 000' in text and 'Last purge never' in text


def test_state_when_off(site, client):
    site.page_cache.disable()
    transaction.commit()
    assert 'Not active Caching is switched off' in page_text(client)
    assert 'Not active Caching is switched off' in page_text(
        client, 'manage_stats')


def test_state_in_debug_mode(site, client, monkeypatch):
    site.page_cache.enable('on_in_production')
    transaction.commit()
    monkeypatch.setattr(getConfiguration(), 'debug_mode', False)
    assert 'Not active' not in page_text(client)
    monkeypatch.setattr(getConfiguration(), 'debug_mode', True)
    assert 'debug mode' in page_text(client).partition('Title')[0]


def test_state_without_policies(site, client):
    site.getSiteManager().unregisterUtility(provided=ICachingPolicyManager)
    site._delObject('caching_policy_manager')
    transaction.commit()
    assert 'There is no caching_policy_manager' in page_text(client)


def broken_chooser(name):
    raise RuntimeError('cache server is down')


@pytest.mark.parametrize('chooser, expected', [
    (lambda name: {}, ''),
    (lambda name: None, 'ICacheChooser returns no cache'),
    (broken_chooser, 'ICacheChooser failed')])
def test_state_with_the_memoize_store(site, client, chooser, expected):
    site.page_cache.manage_editProps('', {'store': 'memoize'})
    transaction.commit()
    components = getGlobalSiteManager()
    components.registerUtility(chooser, ICacheChooser)
    try:
        text = page_text(client)
        statistics = page_text(client, 'manage_stats')
    finally:
        components.unregisterUtility(chooser, ICacheChooser)
    assert expected in text
    assert 'Not active' not in text
    assert 'Evictions' in statistics


def test_purge(site, client):
    fill(client, site, 3)
    assert '3 of 10' in page_text(client)
    answer = follow(client, client.post(f'{MANAGER}/manage_purge'))
    assert 'All pages are purged' in answer.text
    assert '0 of 10' in page_text(client)
    assert 'Last purge never' not in page_text(client)


# statistics

def test_a_row_for_each_page(site, client):
    client.get(PAGE)
    client.get(PAGE)
    text = page_text(client, 'manage_stats')
    assert 'http://localhost:8080/site/doc/page Open Explain 1 1 1' in text
    assert '50.0 %' in text and '1 of 1 pages' in text


def test_it_names_the_process(site, client):
    text = page_text(client, 'manage_stats')
    assert f'process {os.getpid()} on {socket.gethostname()} since' in text
    assert 'shows only this process' in text


def test_reasons_are_explained(site, client):
    client.get(PAGE, Cookie='statusmessages=x')
    assert 'request-cookie 1 The request had a cookie' in page_text(
        client, 'manage_stats')


def test_a_url_with_a_script_is_text(site, client):
    hostile = '"><script>alert(1)</script>'
    store = caches.cache_of(site.page_cache).pages
    key = KeyParts(
        hostile, hostile, f'http://h/{hostile}', (), ('v',), 'e').key()
    store.set(key, Page(
        body=b'x', codings=(), headers=(), modified=0, created=time.time(),
        varies=()))
    answer = get(client, f'{MANAGER}/manage_stats')
    assert '<script>alert' not in answer.text
    html = own(answer)
    assert html.texts.count(hostile) == 2
    assert f'http://h/{hostile}' in html.texts
    assert html.problems == []


def test_what_is_looked_for_is_escaped(site, client):
    fill(client, site, 1)
    answer = get(
        client, f'{MANAGER}/manage_stats?find=%22%3E%3Cscript%3Ealert')
    assert '<script>alert' not in answer.text
    assert own(answer).problems == []


@pytest.mark.parametrize('query', [
    'sort=nonsense&order=up&page=0&size=7', 'page=9999999999999999999',
    'sort:list=hits&page:int=2&size:list=1', 'page.x:record=1&find:list=a',
    'sort=&page=-1&size=', 'page=%00&find=%00%ff%fe', 'find:int=5'])
def test_a_nonsensical_view_falls_back(site, client, query):
    fill(client, site, 60)
    html = own(get(client, f'{MANAGER}/manage_stats?{query}'))
    assert html.problems == []


def test_headers_sort(site, client):
    fill(client, site, 3)
    html = screen(client, 'manage_stats', 'sort=url&order=asc')
    sorted_by, = (th for th in html.all('th') if th.get('aria-sort'))
    assert sorted_by['aria-sort'] == 'ascending'
    queries = [
        parse_qs(urlsplit(link['href']).query) for link in html.all('a')
        if 'Sort' in link.get('title', '')]
    assert len(queries) == 8
    assert {'sort': ['url']} in queries  # in descending order, as by default


def test_invalidating_rows_keeps_the_view(site, client):
    fill(client, site, 3)
    html = screen(client, 'manage_stats', 'find=doc1&sort=url')
    box = html.one('input', name='paths:list')
    answer = client.post(f'{MANAGER}/manage_invalidate', {
        'paths:list': box['value'], 'find': 'doc1', 'sort': 'url'})
    query = parse_qs(urlsplit(answer['Location']).query)
    assert query == {
        'done': ['invalidated'], 'find': ['doc1'], 'sort': ['url']}
    assert 'The selected pages are invalidated' in follow(client, answer).text
    assert '2 of 2 pages' in page_text(client, 'manage_stats')


@pytest.mark.parametrize('form', [
    {}, {'paths:list': 'nonsense'}, {'paths': '/site/page'},
    {'paths:list': '/' + 'x' * 5000}, {'paths:int': '5'}])
def test_invalidating_nonsense_says_so(site, client, form):
    before = state(site)
    answer = client.post(f'{MANAGER}/manage_invalidate', form)
    assert 'alert-warning' in answer.text
    assert own(answer).problems == []
    assert state(site) == before


@pytest.fixture(scope='module')
def full_store():
    store = PageStore(200_000, 1 << 34)
    for number in range(100_000):
        key = KeyParts(
            f'/site/template{number % 50}', f'/site/doc{number}',
            f'http://host/site/doc{number}', (), ('v',), 'e').key()
        store.set(key, Page(
            body=b'x', codings=(), headers=(), modified=0, created=time.time(),
            varies=()))
    assert store.counts().entries == 100_000
    return store


@pytest.mark.parametrize('query', [
    '', 'sort=url&order=asc', 'find=doc9', 'page=1500', 'size=500&sort=age'])
def test_a_hundred_thousand_pages(site, client, full_store, query):
    caches.cache_of(site.page_cache).pages = full_store
    start = time.perf_counter()
    html = screen(client, 'manage_stats', query)
    # a second or less; a quadratic way would take minutes
    assert time.perf_counter() - start < 20
    assert len(html.all('input', name='paths:list')) == (
        500 if 'size=500' in query else 50)
    assert len(html.all('li')) < 20


# associate

def test_what_zopes_search_found_is_shown_on_our_screen(site, client):
    answer = client.post(f'{MANAGER}/ZCacheManager_locate', {
        'require_assoc:int': '0', 'subfolders:int': '1',
        'meta_types:list': ''})
    assert own(answer).all(
        'input', name='marked:list', value='portal_skins/custom/page')


def test_associations_are_made_and_removed(site, client):
    name = 'associate_portal_skins/custom/page:int'
    for value, expected in (('0', None), ('1', 'page_cache')):
        answer = client.post(
            f'{MANAGER}/ZCacheManager_setAssociations', {name: value})
        assert answer.status == 200 and 'association(s) made' in answer.text
        transaction.begin()
        template = site.portal_skins.custom.page
        assert template.ZCacheable_getManagerId() == expected


def test_associations_come_from_the_form_alone(site, client):
    before = state(site)
    name = 'props.associate_portal_skins/custom/page:record:int'
    answer = client.post(
        f'{MANAGER}/ZCacheManager_setAssociations', {name: '0'})
    assert answer.status == 200
    assert state(site) == before


def test_code_may_associate(app, site):
    login(app.acl_users, 'root')
    site.page_cache.ZCacheManager_setAssociations(
        {'associate_portal_skins/custom/page': 0})
    logout()
    assert site.portal_skins.custom.page.ZCacheable_getManagerId() is None


@pytest.mark.parametrize(('count', 'is_told'), [(200, False), (201, True)])
def test_many_invalidations_are_told_to_take_others_with_them(
        site, client, count, is_told):
    answer = client.post(f'{MANAGER}/manage_invalidate', [
        ('paths:list', f'/site/doc/{number}') for number in range(count)])
    assert answer.status == 302
    path = answer['Location'].removeprefix('http://localhost:8080')
    assert ('other pages are invalidated as well' in get(
        client, path).text) == is_told
