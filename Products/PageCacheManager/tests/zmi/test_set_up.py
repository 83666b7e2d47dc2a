"""The steps from a bare folder to the first page that is kept."""
import pytest
import transaction
from AccessControl.SecurityManagement import newSecurityManager
from OFS.Folder import Folder
from Products.StandardCacheManagers.RAMCacheManager import RAMCacheManager
from zExceptions import Unauthorized

from ...PageCacheManager import PageCacheManager
from ..screens import get
from ..screens import labels_are_missing
from ..screens import own
from ..screens import text_of
from ..site import add_template


pytestmark = pytest.mark.usefixtures('errors_are_responses')

FOLDER = '/plain'
MANAGER = f'{FOLDER}/page_cache'
POLICY_ID = 'page_cache_pages'
PAGE = f'{FOLDER}/news'


@pytest.fixture
def folder(app):
    """A plain Zope folder with a manager and one page template."""
    app._setObject('plain', Folder('plain'))
    app.plain._setObject('page_cache', PageCacheManager('page_cache'))
    add_template(app.plain, 'news', '<p>news</p>', associate=False)
    app.acl_users.userFolderAddUser('carol', 'carol', ['Member'], [])
    transaction.commit()
    return app.plain


def shown(client, user='root', tab='manage_main'):
    html = own(get(client, f'{MANAGER}/{tab}', user))
    assert html.problems == [] and labels_are_missing(html) == []
    return html


def buttons(html):
    """Return the texts of the buttons that take steps."""
    return {
        found['value'] for found in html.all('input', type='submit')} - {
        'Save Changes', 'Purge all pages'}


def take(client, step, user='root'):
    return client.post(f'{MANAGER}/manage_setUp', {'step': step}, user)


def outcomes(client, path=PAGE):
    return [client.get(path).outcome for _ in range(2)]


def serials(folder):
    """Return the serials of all objects that the steps may change."""
    transaction.begin()
    found = folder, folder.caching_policy_manager, folder.news
    for ob in found:
        ob._p_activate()
    return [ob._p_serial for ob in found]


def test_one_button_leads_to_a_hit(folder, client):
    assert outcomes(client) == [None, None]
    html = shown(client)
    assert buttons(html) == {
        'Add one here', 'Add one for each user and hour',
        'Associate the template', 'Set all up'}
    assert 'Not active' in text_of(html)
    answer = take(client, 'all')
    assert (answer.status, answer['Location'].partition('?')[0]) == (
        302, f'http://localhost:8080{MANAGER}/manage_main')
    html = shown(client)
    assert buttons(html) == set()
    text = text_of(html)
    assert f'Policy {POLICY_ID} gives pages an ETag.' in text
    assert 'Associated: news' in text and 'Not active' not in text
    assert [link['href'] for link in html.all('a') if (
        link['href'].endswith('/news'))] == [f'http://localhost:8080{PAGE}']
    assert outcomes(client) == ['MISS', 'HIT']
    assert 'Set up' not in text_of(shown(client))


def test_each_step_has_a_button(folder, client):
    for step, state in (
            ('policies', 'A caching_policy_manager is found.'),
            ('policy', f'Policy {POLICY_ID} gives pages an ETag.'),
            ('templates', 'Associated: news')):
        assert state not in text_of(shown(client))
        assert take(client, step).status == 302
        assert state in text_of(shown(client))
    assert outcomes(client) == ['MISS', 'HIT']


def test_steps_that_are_taken_change_nothing(folder, client):
    take(client, 'all')
    before = serials(folder)
    for step in 'policies', 'policy', 'templates', 'all':
        assert take(client, step).status == 302
    assert serials(folder) == before


def test_the_policy_is_for_pages_of_the_cache_alone(site, client):
    client.post('/site/page_cache/manage_setUp', {'step': 'policy'})
    transaction.begin()
    policies = dict(site.caching_policy_manager.listPolicies())
    assert list(policies)[-1] == POLICY_ID
    site.caching_policy_manager.removePolicy('all')
    transaction.commit()
    # CMF asks the policies for its own templates, but keeps none of these
    # pages
    site.portal_skins.fs.fspage.ZCacheable_setManagerId(None)
    transaction.commit()
    try:
        assert not client.get('/site/doc/fspage').all('ETag')
        assert outcomes(client, '/site/doc/page') == ['MISS', 'HIT']
    finally:
        site.portal_skins.fs.fspage.ZCacheable_setManagerId('page_cache')


def test_a_policy_that_fails_is_named(folder, client):
    take(client, 'all')
    policies = folder.caching_policy_manager
    policies.removePolicy(POLICY_ID)
    policies.addPolicy(
        'wrong', 'python: True', 'nothing', 0, 0, 0, 0, '',
        'python: obj.getId()')
    transaction.commit()
    text = text_of(shown(client))
    assert "The ETag of policy wrong fails: NameError: name 'obj'" in text
    assert 'Not active' in text


def test_a_policy_without_an_etag_is_named(folder, client):
    take(client, 'all')
    policies = folder.caching_policy_manager
    policies.removePolicy(POLICY_ID)
    policies.addPolicy(
        'plain', '', 'nothing', 10, 0, 0, 0, '', '')
    transaction.commit()
    assert 'Policy plain fits and has no ETag' in text_of(shown(client))


def test_templates_of_other_caches_stay_there(folder, client):
    folder._setObject('ram', RAMCacheManager('ram'))
    other = add_template(folder, 'other', '<p>other</p>', associate=False)
    other.ZCacheable_setManagerId('ram')
    transaction.commit()
    take(client, 'all')
    transaction.begin()
    assert folder.other.ZCacheable_getManagerId() == 'ram'
    assert folder.news.ZCacheable_getManagerId() == 'page_cache'


def test_a_view_is_enough(site, client):
    for template in ('page', 'chain'):
        found = site.portal_skins.custom._getOb(template, None)
        if found is not None:
            found.ZCacheable_setManagerId(None)
    site.page_cache.manage_editViews([('v-counting', 'Item')])
    transaction.commit()
    html = own(get(client, '/site/page_cache/manage_main'))
    assert 'Associated: ' in text_of(html)


def test_statistics_say_what_is_missing(folder, client):
    assert 'There is no caching_policy_manager here' in text_of(
        shown(client, tab='manage_stats'))


# permissions

def test_who_may_only_look_has_no_buttons(app, folder, client):
    folder.manage_role('Member', ['View management screens'])
    transaction.commit()
    assert buttons(shown(client, 'carol')) == set()
    assert take(client, 'all', 'carol').status == 401


def test_who_may_add_no_policies_has_no_button_for_it(folder, client):
    folder.manage_role('Member', [
        'View management screens', 'Change cache managers'])
    transaction.commit()
    assert buttons(shown(client, 'carol')) == set()
    for step in 'policies', 'policy':
        assert take(client, step, 'carol').status in (400, 401)
    transaction.begin()
    assert 'caching_policy_manager' not in folder.objectIds()


def test_only_templates_that_the_user_may_change_are_taken(folder, client):
    folder.manage_role('Member', [
        'View management screens', 'Change cache managers'])
    take(client, 'templates', 'carol')
    transaction.begin()
    assert folder.news.ZCacheable_getManagerId() is None


@pytest.mark.parametrize('step', ['', 'other', '<script>', 'x' * 5000])
def test_another_step_is_an_error(folder, step):
    newSecurityManager(None, folder.aq_parent.acl_users.getUser('root'))
    with pytest.raises(ValueError, match='none of policies, policy, templ'):
        folder.page_cache.manage_setUp(step)


@pytest.mark.parametrize('name', ['step', 'step:list'])
def test_another_step_of_a_form_is_a_bad_request(folder, client, name):
    answer = client.post(
        f'{MANAGER}/manage_setUp', {name: '<script>'}, 'root')
    assert answer.status == 400
    assert '<script>' not in answer.text
    assert 'none of policies, policy, templates, all' in answer.text


def test_code_without_rights_adds_nothing(folder):
    with pytest.raises(Unauthorized):
        folder.page_cache.manage_setUp('policies')


def test_get_takes_no_step(folder, client):
    answer = client.get(f'{MANAGER}/manage_setUp?step=all', 'root')
    assert answer.status in (403, 404, 405)
    transaction.begin()
    assert 'caching_policy_manager' not in folder.objectIds()


def test_the_id_in_the_add_form(app, folder, client):
    form = 'manage_addProduct/PageCacheManager/manage_addPageCacheManagerForm'
    for place, expected in (('/plain', ''), ('', 'page_cache')):
        html = own(get(client, f'{place}/{form}'))
        assert html.one('input', id='id').get('value', '') == expected
