"""The Associate tab: page templates, and the managers that keep them."""
import pytest
import transaction
from OFS.Folder import Folder

from ...manager import associated
from ...PageCacheManager import PageCacheManager
from ...zmi import associate as screen
from ..screens import follow
from ..screens import get
from ..screens import labels_are_missing
from ..screens import own
from ..screens import text_of
from ..site import add_template


pytestmark = pytest.mark.usefixtures(
    'template_engine', 'errors_are_responses')

MANAGER = '/site/page_cache'
TAB = f'{MANAGER}/ZCacheManager_associate'
EDIT = f'{MANAGER}/manage_editAssociations'
PAGE = 'portal_skins/custom/page'
HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
def deep(site):
    """Templates of this manager, of another one, and of none."""
    site.folder._setObject('deep', Folder('deep'))
    deep = site.folder.deep
    deep._setObject('other', PageCacheManager('other'))
    for name, keeper in (
            ('free', None), ('ours', 'page_cache'), ('theirs', 'other'),
            ('lost', 'gone')):
        add_template(deep, name, 'text', associate=False)
        deep[name].ZCacheable_setManagerId(keeper)
    deep._setObject('nearer', Folder('nearer'))
    deep.nearer._setObject('page_cache', PageCacheManager('page_cache'))
    add_template(deep.nearer, 'third', 'text')
    transaction.commit()
    return deep


def shown(client, query='below=folder/deep'):
    html = own(get(client, f'{TAB}?{query}'))
    assert html.problems == [] and labels_are_missing(html) == []
    return html


def boxes(html):
    """Return the checkbox of each template, and whether it is marked."""
    return {box['value']: 'checked' in box
            for box in html.all('input', name='marked:list')}


def send(client, marked=(), before=(), **more):
    return client.post(EDIT, [
        *(('marked:list', f'folder/deep/{name}') for name in marked),
        *(('before:list', f'folder/deep/{name}') for name in before),
        ('below', 'folder/deep'), *more.items()])


def keepers(deep):
    transaction.begin()
    return {name: deep[name].ZCacheable_getManagerId()
            for name in ('free', 'ours', 'theirs', 'lost')}


BEFORE = {
    'free': None, 'ours': 'page_cache', 'theirs': 'other', 'lost': 'gone'}


# looking

def test_each_template_has_its_keeper(client, deep):
    html = shown(client)
    assert boxes(html) == {
        'folder/deep/free': False, 'folder/deep/ours': True,
        'folder/deep/theirs': False, 'folder/deep/lost': False}
    words = text_of(html)
    for line in (
            'folder/deep/free nobody database',
            'folder/deep/ours this manager database',
            'folder/deep/theirs /site/folder/deep/other database',
            'folder/deep/lost nobody: there is no manager gone database',
            'Not possible: a manager with the same id is nearer. '
            'folder/deep/nearer/third /site/folder/deep/nearer/page_cache'):
        assert line in words
    assert [field['value'] for field in html.all(
        'input', name='before:list')] == ['folder/deep/ours']


def test_templates_alone_are_listed(client, deep):
    words = text_of(shown(client, ''))
    assert PAGE in words and 'caching_policy_manager' not in words


def test_template_in_a_file_has_lines_to_copy_and_no_checkbox(client, site):
    html = shown(client, 'name=fspage')
    words = text_of(html)
    assert boxes(html) == {}
    assert not html.all('input', value='Save Changes')
    assert 'portal_skins/fs/fspage this manager' in words
    assert 'fspage.pt' in words and '[default] cache = page_cache' in words
    words = text_of(shown(client, 'below=portal_skins/custom'))
    assert PAGE in words and '[default]' not in words


def test_search_by_name_ignores_case(client, deep):
    assert list(boxes(shown(client, 'name=OUR'))) == ['folder/deep/ours']
    assert 'No template was found.' in text_of(shown(client, 'name=nosuch'))


@pytest.mark.parametrize('below', [
    'nosuch', '../site', 'folder/deep/free', 'folder/doc', '/site/folder'])
def test_path_of_no_folder_is_an_error_at_the_field(client, deep, below):
    html = shown(client, f'below={below}')
    assert 'There is no such folder' in text_of(html)
    field = html.one('input', name='below')
    assert field['aria-invalid'] == 'true' and field['value'] == below
    assert boxes(html) == {}


def test_search_text_is_escaped(client, site):
    text = get(client, f'{TAB}?name={HOSTILE}&below={HOSTILE}').text
    assert '<script>alert' not in text


def test_search_stops_and_says_so(client, deep, monkeypatch):
    number = len(list(associated.below(deep)))
    monkeypatch.setattr(associated, 'MOST_COUNTED', number)
    assert 'stopped' not in text_of(shown(client))
    monkeypatch.setattr(associated, 'MOST_COUNTED', number - 1)
    assert f'stopped after {number - 1} objects' in text_of(shown(client))


def test_rows_have_a_bound(client, deep, monkeypatch):
    monkeypatch.setattr(screen, 'MAX_ROWS', 2)
    html = shown(client)
    assert list(boxes(html)) == ['folder/deep/free', 'folder/deep/lost']
    assert '3 more templates are not shown.' in text_of(html)


def test_template_that_a_user_may_not_change_is_not_shown(client, deep):
    deep.free.manage_permission('Change cache settings', [], 0)
    transaction.commit()
    assert 'folder/deep/free' not in boxes(shown(client))
    assert 'not a template that you can associate' in send(
        client, ['free']).text
    assert keepers(deep) == BEFORE


def test_tabs_of_templates_and_views_link_to_each_other(client, site):
    assert any('/manage_views' in link['href']
               for link in shown(client).all('a'))
    assert any('/ZCacheManager_associate' in link['href'] for link in own(
        get(client, f'{MANAGER}/manage_views')).all('a'))


# changing

def test_changed_marks_are_saved_and_the_search_stays(client, deep):
    answer = send(client, ['free', 'lost'], ['ours'], name='o')
    html = own(follow(client, answer))
    assert keepers(deep) == {
        'free': 'page_cache', 'ours': None, 'theirs': 'other',
        'lost': 'page_cache'}
    assert html.one('input', id='name')['value'] == 'o'
    assert html.one('input', id='below')['value'] == 'folder/deep'
    assert boxes(html) == {'folder/deep/lost': True, 'folder/deep/ours': False}
    assert 'Associations saved.' in follow(client, answer).text


def test_association_that_the_form_did_not_show_stays(client, deep):
    """Somebody else made it meanwhile."""
    send(client, ['free'])
    assert keepers(deep) == {**BEFORE, 'free': 'page_cache'}


def test_template_of_another_manager_is_taken_only_if_told(client, deep):
    answer = send(client, ['free', 'theirs'], ['ours'])
    assert 'Other managers keep some' in answer.text
    assert keepers(deep) == BEFORE
    html = own(answer)
    assert boxes(html) == {
        'folder/deep/free': True, 'folder/deep/theirs': True,
        'folder/deep/ours': False, 'folder/deep/lost': False}
    assert 'checked' not in html.one('input', id='take_over')
    answer = send(client, ['free', 'theirs'], ['ours'], take_over='on')
    assert answer.status == 302
    assert keepers(deep) == {
        'free': 'page_cache', 'ours': None, 'theirs': 'page_cache',
        'lost': 'gone'}


@pytest.mark.parametrize('wrong', [
    'nosuch', 'nearer', 'nearer/third', '../deep/free', '', HOSTILE,
    'doc/page', 'other'])
def test_one_wrong_path_changes_nothing(client, deep, wrong):
    answer = send(client, ['free', wrong], ['ours'], take_over='on')
    assert 'is not a template that you can associate here' in answer.text
    assert '<script>alert' not in answer.text
    assert keepers(deep) == BEFORE


def test_template_in_a_file_is_not_changed(client, site):
    answer = client.post(EDIT, [('before:list', 'portal_skins/fs/fspage')])
    assert 'is not a template that you can associate here' in answer.text


@pytest.mark.parametrize('form', [
    [('marked', 'folder/deep/free')],
    [('marked.x:record', 'folder/deep/free')],
    [('marked:int:list', '1')],
    [('marked:list', 'folder/deep/free')] * (screen.MAX_ROWS + 1)])
def test_another_form_changes_nothing(client, deep, form):
    assert 'does not have the form of this tab' in client.post(
        EDIT, form).text
    assert keepers(deep) == BEFORE


def test_nothing_to_save_is_said(client, deep):
    answer = send(client, ['ours'], ['ours'])
    assert 'Each mark is as it is stored' in answer.text


def test_who_may_only_associate_templates_is_refused(client, deep, site):
    site.page_cache.manage_permission('Change cache managers', [], 0)
    transaction.commit()
    assert not shown(client).all('input', value='Save Changes')
    assert send(client, ['free']).status == 401
    assert keepers(deep) == BEFORE
