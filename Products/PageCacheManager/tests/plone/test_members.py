"""Members' pages: each member has their own, and changes show at once."""
import re
import time
from types import SimpleNamespace

import pytest
import transaction
from DateTime import DateTime
from OFS.LockItem import LockItem
from plone.keyring.interfaces import IKeyManager
from plone.locking.browser import locking
from Products.PlonePAS.plugins.ufactory import PloneUser
from zope.component import getUtility
from zope.component.hooks import setSite

from ...integrations import plone
from ...manager import caches
from .changes import post
from .changes import submit
from .changes import text
from .changes import transition
from .freshness import Freshness
from .freshness import shown


def warm(client, path, user=None, **headers):
    for _ in range(3):
        answer = client.get(path, user, **headers)
        if answer.outcome == 'HIT':
            return answer
    raise AssertionError(answer.get('Cache-Status'))


def is_valid(client, token, user):
    """Return whether Plone accepts a form with the token."""
    answer = client.post('/a-document/content_status_modify', {
        'workflow_action': 'nothing', '_authenticator': token}, user)
    return 'confirm-action' not in (answer.get('Location') or '') and (
        answer.status in (200, 302))


@pytest.fixture
def private(portal):
    """A document that only its managers may see."""
    setSite(portal)
    portal['a-folder'].invokeFactory('Document', 'secret', title='Secret')
    transaction.commit()
    return portal['a-folder']['secret']


@pytest.fixture
def group(portal):
    setSite(portal)
    portal.portal_groups.addGroup('readers', title='Readers')
    transaction.commit()


def share(path, principal, kind, role, value=True):
    def change(client, portal):
        post(client, f'{path}/@@sharing', {
            'form.submitted:boolean': 'true', 'inherit:boolean': 'true',
            'entries.id:records': principal, 'entries.type:records': kind,
            **({f'entries.role_{role}:records': 'True'} if value else {}),
            'form.button.Save': 'Save'})
    return change


def join(client, portal):
    post(client, '/@@usergroup-groupmembership?groupname=readers', {
        'form.submitted': '1', 'add:list': 'bob', 'form.button.Add': 'Add'})


def leave(client, portal):
    post(client, '/@@usergroup-groupmembership?groupname=readers', {
        'form.submitted': '1', 'delete:list': 'bob', 'form.button.Edit': 'x'})


def test_sharing_shows_at_once(client, portal, page_cache, private):
    fresh = Freshness(client, page_cache, users=(None, 'bob', 'alice'))
    fresh.warm()
    share('/a-folder/secret', 'bob', 'user', 'Reader')(client, portal)
    assert {user for _, user in fresh.after()} == {'bob'}
    fresh.warm()
    share('/a-folder/secret', 'bob', 'user', 'Reader', False)(client, portal)
    assert ('/a-folder', 'bob') in fresh.after()


def test_role_shared_on_a_page_shows_at_once(client, portal, page_cache):
    fresh = Freshness(client, page_cache, users=(None, 'bob', 'alice'))
    fresh.warm()
    share('/a-folder', 'bob', 'user', 'Editor')(client, portal)
    assert {('/a-folder', 'bob'), ('/a-folder/item-0', 'bob')} <= {
        *fresh.after()}


def test_membership_of_a_group_shows_at_once(
        client, portal, page_cache, private, group):
    """Only members of the group see its content in listings."""
    share('/a-folder/secret', 'readers', 'group', 'Reader')(client, portal)
    fresh = Freshness(client, page_cache, users=(None, 'bob', 'alice'))
    fresh.warm()
    join(client, portal)
    assert ('/a-folder', 'bob') in fresh.after()
    fresh.warm()
    leave(client, portal)
    assert ('/a-folder', 'bob') in fresh.after()


def test_who_lost_the_right_to_view_gets_no_page(client, portal, page_cache):
    warm(client, '/a-document', 'bob')
    tag = warm(client, '/a-document')['ETag']
    transition('/a-document', 'retract')(client, portal)
    for user in (None, 'bob'):
        for headers in ({}, {'IF_NONE_MATCH': tag}, {'IF_NONE_MATCH': '*'}):
            answer = client.get('/a-document', user, **headers)
            assert answer.status in (302, 401)
            assert 'Harbour' not in answer.text
            assert answer.get('ETag') is None


def test_locked_page_is_told_to_other_editors(client, portal, page_cache):
    fresh = Freshness(
        client, page_cache, pages=['/a-document', '/a-folder'],
        users=(None, 'bob', 'alice', 'root'))
    fresh.warm()
    assert client.get('/a-document/edit', 'alice').status == 200
    assert ('/a-document', 'root') in fresh.after()
    fresh.warm()
    submit_cancel = post(client, '/a-document/edit', {
        'form.buttons.cancel': 'Cancel'}, 'alice')
    assert submit_cancel.status == 302
    assert ('/a-document', 'root') in fresh.after()


@pytest.mark.parametrize(('secs', 'later', 'outcome', 'words'), [
    # a minute of the clock ends meanwhile, but no minute of the lock
    (70, 110, 'HIT', '1 minute'), (130, 170, 'HIT', '2 minutes'),
    # a minute of the lock ends meanwhile, but no minute of the clock
    (85, 125, 'MISS', '2 minutes'), (145, 185, 'MISS', '3 minutes'),
    (3580, 3605, 'MISS', '1 hour and 0 minutes'),
    (86380, 86405, 'MISS', '1 day and 0 hours'),
    (86410, 86999, 'HIT', '1 day and 0 hours'),
    (89980, 90005, 'MISS', '1 day and 1 hours')])
def test_page_says_for_how_long_content_is_locked(
        client, portal, page_cache, monkeypatch, secs, later, outcome, words):
    # the test moves the clock within a moment of real time
    page_cache.manage_editProps('', {'late_ms': 0})
    assert client.get('/a-document/edit', 'alice').status == 200
    warm(client, '/a-document', 'root')
    began = int(time.time() // 60 * 60) + 35
    now = [0]
    monkeypatch.setattr(plone, 'time', SimpleNamespace(time=lambda: now[0]))
    monkeypatch.setattr(locking, 'DateTime', lambda *given: DateTime(
        *given or now))
    monkeypatch.setattr(LockItem, 'isValid', lambda self: True)
    monkeypatch.setattr(LockItem, 'getModifiedTime', lambda self: began)
    now[0] = began + secs
    client.get('/a-document', 'root')
    assert client.get('/a-document', 'root').outcome == 'HIT'
    now[0] = began + later
    answer = client.get('/a-document', 'root')
    assert answer.outcome == outcome
    assert words in ' '.join(re.sub('<[^>]*>', '', answer.text).split())


def test_lock_is_forced_open(client, portal, page_cache):
    assert client.get('/a-document/edit', 'alice').status == 200
    fresh = Freshness(client, page_cache, pages=['/a-document'],
                      users=(None, 'alice', 'root'))
    fresh.warm()
    post(client, '/a-document/@@plone_lock_operations/force_unlock', {})
    assert ('/a-document', 'root') in fresh.after()


def test_tag_of_another_user_gives_no_304(client, portal, page_cache):
    tags = {user: warm(client, '/a-document', user)['ETag']
            for user in (None, 'bob', 'alice')}
    assert len(set(tags.values())) == 3
    for user in tags:
        for other, tag in tags.items():
            answer = client.get('/a-document', user, IF_NONE_MATCH=tag)
            assert answer.status == (304 if other == user else 200)
            assert answer.body == b'' or answer.status == 200


def test_page_of_a_member_who_logs_out_is_not_shown(
        client, portal, page_cache):
    cookie = client.log_in('bob')
    assert 'Bob Birch' in warm(client, '/a-document', COOKIE=cookie).text
    answer = client.get('/logout', COOKIE=cookie)
    assert any('__ac=' in line for line in answer.all('Set-Cookie'))
    for headers in ({}, {'COOKIE': '__ac=deleted'}, {'COOKIE': '__ac=""'}):
        for _ in range(2):
            answer = client.get('/a-document', **headers)
            assert 'Bob Birch' not in answer.text
            assert 'data-token' not in answer.text
    alice = client.log_in('alice')
    assert 'Bob Birch' not in client.get('/a-document', COOKIE=alice).text


@pytest.mark.parametrize('change', ['rotate', 'clear'])
def test_token_of_a_hit_is_valid_after_the_keys_changed(
        client, portal, page_cache, change):
    warm(client, '/a-document', 'alice')
    setSite(portal)
    ring = getUtility(IKeyManager)['_forms']
    for _ in range(len(ring) + 1 if change == 'rotate' else 1):
        ring.rotate() if change == 'rotate' else ring.clear()
    if change == 'clear':
        ring.fill()
    transaction.commit()
    for _ in range(2):
        assert is_valid(client, client.token('alice'), 'alice')


def test_token_of_a_hit_is_valid(client, portal, page_cache):
    warm(client, '/a-document', 'alice')
    assert client.get('/a-document', 'alice').outcome == 'HIT'
    token = client.token('alice')
    assert is_valid(client, token, 'alice')
    assert not is_valid(client, token, 'root')


def test_token_of_a_hit_is_valid_after_the_login_name_changed(
        client, portal, page_cache):
    """A token is made from the login name, not from the user's id."""
    warm(client, '/a-document', 'alice')
    setSite(portal)
    users = portal.acl_users.source_users
    users.updateUser('alice', 'alice2')
    users.updateUserPassword('alice', 'alice2')
    transaction.commit()
    for _ in range(2):
        assert is_valid(client, client.token('alice2'), 'alice2')


def test_page_is_not_shown_with_an_old_password(
        client, portal, page_cache):
    warm(client, '/a-document', 'bob')
    cookie = client.log_in('alice')
    warm(client, '/a-document', COOKIE=cookie)
    setSite(portal)
    portal.acl_users.source_users.updateUserPassword('bob', 'other')
    portal.acl_users.userFolderDelUsers(['alice'])
    transaction.commit()
    assert 'Bob Birch' not in client.get('/a-document', 'bob').text
    assert 'Alice Arden' not in client.get('/a-document', COOKIE=cookie).text


def test_status_message_is_shown_once_and_never_kept(
        client, portal, page_cache):
    warm(client, '/a-document', 'alice')
    answer = submit(client, '/a-document/edit', 'alice', 'form.buttons.save')
    message = [line.partition(';')[0] for line in answer.all('Set-Cookie')
               if line.startswith('statusmessages=')][0]
    shown_once = client.get('/a-document', 'alice', COOKIE=message)
    assert 'Changes saved' in shown_once.text
    assert shown_once.outcome == 'BYPASS'
    assert 'statusmessages' in ''.join(shown_once.all('Set-Cookie'))
    for user in ('alice', 'bob', None):
        for _ in range(2):
            assert 'Changes saved' not in client.get(
                '/a-document', user).text


@pytest.fixture
def telling(portal, monkeypatch):
    """Documents that add a status message while they are rendered."""
    from Products.CMFPlone.browser.ploneview import Plone
    from Products.statusmessages.interfaces import IStatusMessage

    was = Plone.toLocalizedTime

    def told(self, *args, **keywords):
        IStatusMessage(self.request).add('Told right now')
        return was(self, *args, **keywords)

    monkeypatch.setattr(Plone, 'toLocalizedTime', told)


def test_message_of_the_same_request_is_not_kept(
        client, portal, page_cache, telling):
    answers = [client.get('/a-document', 'alice') for _ in range(3)]
    told = [answer for answer in answers if 'Told' in answer.text
            or answer.all('Set-Cookie')]
    assert told == answers
    assert {answer.outcome for answer in answers} == {'BYPASS'}


def test_edit_of_a_text_leaves_other_pages(client, portal, page_cache):
    pages = ['', '/a-news-item', '/a-folder', '/a-shown-folder']
    # the first save of content made by code also sets its language
    text('/a-document', '<p>Another text.</p>')(client, portal)
    for user in (None, 'bob', 'alice'):
        for path in [*pages, '/a-document']:
            warm(client, path, user)
    text('/a-document', '<p>Quite another text.</p>')(client, portal)
    for user in (None, 'bob', 'alice'):
        for path in pages:
            assert client.get(path, user).outcome == 'HIT', path
        answer = client.get('/a-document', user)
        assert answer.outcome == 'MISS' and 'another text' in answer.text


def test_get_that_writes_is_never_kept(client, portal, page_cache):
    """plone.protect may abort the changes that a member's page made."""
    from zope.component import adapter
    from zope.component import getGlobalSiteManager
    from ZPublisher.interfaces import IPubAfterTraversal
    written = []

    @adapter(IPubAfterTraversal)
    def write(event):
        written.append(event)
        event.request['PARENTS'][-1]._p_jar.root()['x'] = len(written)

    for path in ('/a-document', '/a-folder'):
        client.get(path, 'alice')
    registry = getGlobalSiteManager().__bases__[0]
    registry.registerHandler(write)
    try:
        first = client.get('/a-document?new=1', 'alice')
        second = client.get('/a-document?new=1', 'alice')
    finally:
        registry.unregisterHandler(write)
    assert {first.outcome, second.outcome} == {'BYPASS'}
    assert 'wrote-to-database' in second['Cache-Status']
    assert client.get('/a-document?new=1', 'alice').outcome == 'MISS'


@pytest.mark.parametrize('cookie', [
    'plone-toolbar={"expanded":false}', '__cp=abc'])
def test_cookie_of_a_member_has_pages_of_its_own(
        client, portal, page_cache, cookie):
    page_cache.disable()
    honest = [shown(client.get('/a-document', 'alice', **headers))
              for headers in ({}, {'COOKIE': cookie})]
    page_cache.enable()
    for _ in range(3):
        assert shown(client.get('/a-document', 'alice')) == honest[0]
        answer = client.get('/a-document', 'alice', COOKIE=cookie)
        assert shown(answer) == honest[1]
    assert answer.outcome == 'HIT'


def test_names_of_members_stand_on_their_pages_alone(
        client, portal, page_cache):
    for _ in range(2):
        for path in ('/a-document', '/a-folder', ''):
            for user, name in (('bob', 'Bob Birch'),
                               ('alice', 'Alice Arden'), (None, '')):
                page = client.get(path, user).text
                names = set(re.findall('Bob Birch|Alice Arden', page))
                assert names == ({name} if name else set())


@pytest.mark.parametrize('is_remembered', [True, False])
def test_a_hit_asks_once_for_roles(addon, client, monkeypatch, is_remembered):
    """Finding the roles takes a tenth of a millisecond."""
    asked = []
    find = PloneUser.getRolesInContext
    logged_in = {'Cookie': client.log_in('alice')}
    warm(client, '/a-document', **logged_in)
    if not is_remembered:
        caches.recent_answers.clear()
    monkeypatch.setattr(
        PloneUser, 'getRolesInContext',
        lambda self, ob: asked.append(ob) or find(self, ob))
    assert client.get('/a-document', **logged_in).outcome == 'HIT'
    assert len(asked) == 1
