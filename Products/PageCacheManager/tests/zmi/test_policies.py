"""The Policies tab: the result of each policy, and presets."""
import pytest
import transaction
from AccessControl.SecurityManagement import newSecurityManager
from AccessControl.SecurityManagement import noSecurityManager
from zExceptions import Unauthorized

from ...cmf.presets import PRESETS
from ...core.attempt import log_limit
from ...manager import caches
from ...request import audit
from ...zmi import policies as screen
from ..lane_client import LaneClient
from ..screens import get
from ..screens import labels_are_missing
from ..screens import own
from ..screens import text_of
from ..site import set_policy


pytestmark = pytest.mark.usefixtures(
    'template_engine', 'errors_are_responses')

TAB = '/site/page_cache/manage_policies'
ADD = '/site/page_cache/manage_addPolicy'
PAGE = '/site/doc/page'


def shown(client, query='', user='root'):
    html = own(get(client, f'{TAB}?{query}', user))
    assert html.problems == [] and labels_are_missing(html) == []
    return text_of(html)


def ids(site):
    transaction.begin()
    return [name for name, _ in site.caching_policy_manager.listPolicies()]


@pytest.fixture
def bare(site):
    """The site without policies."""
    for name in ids(site):
        site.caching_policy_manager.removePolicy(name)
    transaction.commit()
    return site


def test_requests_are_counted_by_policy(site, client):
    set_policy(site, etag="python: 'x'")
    for _ in range(3):
        client.get(PAGE)
    client.get(PAGE, Cookie='statusmessages=x')  # no policy is asked
    text = shown(client)
    assert "python: 'x' 2 1 0" in text, text[2000:4000]


def test_hits_of_the_fast_lane_count(site, client):
    set_policy(site, etag="python: 'x'")
    lane = LaneClient()
    for _ in range(5):
        assert lane.get(PAGE).status == 200
    assert 'detail=fast' in lane.get(PAGE)['Cache-Status']
    assert "python: 'x' 5 1 0" in shown(client)


def test_a_failure_is_told(site, client):
    set_policy(site, etag='python: obj.x')
    client.get(PAGE)
    assert "ETag failed: NameError: name 'obj' is not defined" in (
        shown(client))


def test_an_explanation_notes_no_failure(site, client):
    set_policy(site, etag='python: obj.x')
    get(client, f'/site/page_cache/manage_explain?path={PAGE}')
    assert 'ETag failed' not in shown(client)


@pytest.mark.parametrize(('values', 'text'), [
    ({'etag': ''}, 'It has no ETag, so its pages are not kept.'),
    ({'etag': 'string:x', 'no_store': 1}, 'It sets no-store'),
    ({'etag': 'string:${etag/user}'}, 'should say exists:page_cache.')])
def test_what_a_policy_lacks_is_told(site, client, values, text):
    set_policy(site, **values)
    assert text in shown(client)


@pytest.mark.parametrize('values', [
    {'etag': 'etag/hour', 'predicate': 'exists:page_cache'},
    {'etag': 'string:etags'}])
def test_an_etag_that_does_no_harm_is_not_warned_of(site, client, values):
    set_policy(site, **values)
    assert 'should say exists:page_cache.' not in shown(client)


def test_an_etag_that_is_new_each_time(site, client, item, monkeypatch):
    monkeypatch.setattr(screen, 'MIN_REQUESTS', 5)
    stamps = iter(range(1000))
    item('stamp', lambda self: str(next(stamps)))
    set_policy(site, etag='python: object.stamp()')
    for _ in range(4):
        client.get(PAGE)
    assert 'had another ETag' not in shown(client)
    for _ in range(3):
        client.get(PAGE)
    assert '6 of 7 requests had another ETag than the one before' in (
        shown(client))


def test_an_etag_that_never_changes(site, client, monkeypatch):
    monkeypatch.setattr(screen, 'MIN_REQUESTS', 3)
    set_policy(site, etag="python: 'x'")
    client.get(PAGE)
    for number in range(3):
        site.doc.text = f'text {number}'
        assert client.get(PAGE).outcome == 'MISS'
    said = 'Its ETag never changed, while 3 pages were rendered anew'
    assert said not in shown(client)
    cache = caches.cache_of(site.page_cache)
    cache.since -= screen.LASTING_SECS
    assert said in shown(client)


def see_as(client, *users):
    for user in users:
        assert client.get(PAGE, user).outcome == 'MISS'


def test_an_etag_that_names_no_user(site, client):
    set_policy(site, etag="python: 'x'")
    site.portal_skins.custom.page.write(
        '<html tal:content="user/getId">user</html>')
    see_as(client, 'alice')
    assert 'differs between users' not in shown(client)
    see_as(client, 'bob')
    assert ('http://localhost:8080/site/doc/page differs between users who '
            'have the same ETag.') in shown(client)
    site.page_cache.manage_resetStats()
    transaction.commit()
    assert 'differs between users' not in shown(client)


@pytest.mark.parametrize(('etag', 'shows'), [
    ("python: 'x'", 'context/getId'), ('etag/user', 'user/getId')])
def test_pages_that_do_not_differ_by_user(site, client, etag, shows):
    set_policy(site, etag=etag)
    site.portal_skins.custom.page.write(
        f'<html tal:content="{shows}">user</html>')
    see_as(client, 'alice', 'bob', 'root')
    assert 'differs between users' not in shown(client)


def test_pages_that_differ_by_an_edit(site, client):
    set_policy(site, etag="python: 'x'")
    site.portal_skins.custom.page.write(
        '<html tal:content="context/text">text</html>')
    see_as(client, 'alice')
    site.doc.text = 'another text'
    see_as(client, 'bob')
    assert 'differs between users' not in shown(client)


@pytest.mark.parametrize('user', [None, 'alice'])
def test_what_the_audit_found(site, client, item, user):
    shown_now = ['first']
    item('outside', lambda self: shown_now[0])
    site.portal_skins.custom.page.write(
        '<html tal:content="context/outside">x</html>')
    set_policy(site, etag="python: 'x'")
    site.page_cache.manage_editProps(
        '', {'audit_every': 1, 'audit_per_minute': 6000})
    client.get(PAGE, user)
    shown_now[0] = 'second'
    assert client.get(PAGE, user).outcome == 'HIT'
    assert audit.worker.wait(30)
    text = shown(client)
    assert 'The audit dropped 1 of its pages' in text
    assert ('Does its ETag name the user?' in text) is bool(user)


def test_a_policy_that_nothing_reaches(site, client, monkeypatch):
    monkeypatch.setattr(screen, 'MIN_REQUESTS', 3)
    set_policy(site, etag="python: 'x'")
    site.caching_policy_manager.addPolicy(
        'late', '', 'nothing', 0, 0, 0, 0, '', 'string:y')
    transaction.commit()
    for _ in range(4):
        client.get(PAGE)
    assert 'None of 4 requests reached it' in shown(client)


@pytest.mark.parametrize('preset', PRESETS)
def test_a_preset_is_tried_before_it_is_added(bare, client, preset):
    text = shown(client, f'preset={preset}&path={PAGE}')
    if preset == 'page_cache_anonymous':
        assert 'does not fit your request' in text
    else:
        assert 'The ETag of this page is: ' in text
    assert ids(bare) == []


@pytest.mark.parametrize('preset', PRESETS)
def test_pages_of_a_preset_hit(bare, client, preset):
    answer = client.post(ADD, {'preset': preset})
    assert answer.status == 302
    assert ids(bare) == [preset]
    assert 'The policy is added' in get(
        client, answer['Location'].removeprefix('http://localhost:8080')).text
    for user in None, 'alice':
        expected = ['MISS', 'HIT']
        if user and preset == 'page_cache_anonymous':
            expected = ['NO-ETAG', 'NO-ETAG']
        assert [client.get(PAGE, user).outcome for _ in range(2)] == expected


def test_users_have_their_own_pages_with_each_preset(bare, client):
    for preset in PRESETS:
        bare.caching_policy_manager.__dict__.update(
            _policy_ids=(), _policies=type(
                bare.caching_policy_manager._policies)())
        bare.caching_policy_manager._p_changed = True
        transaction.commit()
        client.post(ADD, {'preset': preset})
        for user in 'alice', 'bob', 'alice':
            for _ in range(2):
                assert f'<p id="user">{user}</p>' in client.get(
                    PAGE, user).text


def test_a_preset_stays_behind_other_policies(site, client):
    client.post(ADD, {'preset': 'page_cache_minutes'})
    assert ids(site) == ['all', 'page_cache_minutes']
    client.post(ADD, {'preset': 'page_cache_minutes'})
    assert ids(site) == ['all', 'page_cache_minutes']


# bad input

@pytest.mark.parametrize('preset', ['', 'none', '<script>', 'x' * 5000])
def test_what_is_no_preset_is_refused(site, client, preset):
    answer = client.post(ADD, {'preset': preset})
    assert 'The preset is none of page_cache_pages, ' in answer.text
    assert '<script>alert' not in answer.text
    assert ids(site) == ['all']
    newSecurityManager(None, site.aq_parent.acl_users.getUser('root'))
    with pytest.raises(ValueError, match='none of page_cache_pages'):
        site.page_cache.manage_addPolicy(preset)


@pytest.mark.parametrize('query', [
    'preset=none&path=/site/doc/page', 'preset=page_cache_pages&path=',
    'preset:list=page_cache_pages&path:list=x', 'path=/site/doc/page'])
def test_nothing_is_tried_without_both(site, client, query):
    text = shown(client, query)
    assert 'The ETag of this page' not in text


@pytest.mark.parametrize(('path', 'why'), [
    ('/site/nowhere', 'There is no page at this path.'),
    ('http://other/page', 'can explain only pages there'),
    ('/site/doc/absolute_url', 'This is neither a template nor a view.')])
def test_a_path_that_can_not_be_tried(site, client, path, why):
    assert why in shown(client, f'preset=page_cache_pages&path={path}')


# permissions

def test_who_may_only_look_adds_nothing(site, client):
    site.manage_role('Member', ['View management screens'])
    transaction.commit()
    html = own(get(client, TAB, 'alice'))
    assert not html.all('input', value='Add')
    answer = client.post(ADD, {'preset': 'page_cache_pages'}, 'alice')
    assert answer.status == 401
    assert ids(site) == ['all']


def test_who_may_not_change_policies_adds_nothing(site, client):
    site.manage_role('Member', [
        'View management screens', 'Change cache managers'])
    transaction.commit()
    assert not own(get(client, TAB, 'alice')).all('input', value='Add')
    answer = client.post(ADD, {'preset': 'page_cache_pages'}, 'alice')
    assert answer.status == 401
    assert ids(site) == ['all']


def test_code_without_rights_adds_nothing(site):
    noSecurityManager()
    with pytest.raises(Unauthorized):
        site.page_cache.manage_addPolicy('page_cache_pages')


def test_trying_needs_the_right_to_see_the_page(site, client):
    """A preset could tell of pages that the user may not see."""
    site.manage_role('Member', ['View management screens'])
    site.doc.manage_permission('View', ['Manager'])
    transaction.commit()
    text = text_of(own(get(
        client, f'{TAB}?preset=page_cache_pages&path={PAGE}', 'alice')))
    assert 'The ETag of this page' not in text
    assert 'may not' in text


def test_explain_hides_no_failure_of_a_visitor_from_the_log(
        site, client, caplog):
    set_policy(site, etag='python: 1 / 0')
    log_limit.forget()
    get(client, '/site/page_cache/manage_explain?path=/site/doc/page')
    client.get('/site/doc/page')
    failures = caches.cache_of(site.page_cache).policy_failures
    assert len(failures) == 1
    assert 'ZeroDivisionError' in get(
        client, TAB).text
