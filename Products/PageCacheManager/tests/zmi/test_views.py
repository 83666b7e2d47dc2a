"""The Views tab: which browser views are kept."""
import sys

import pytest
import transaction
from plone.testing.zope import login
from plone.testing.zope import logout

from ...core.associations import MAX_ASSOCIATIONS
from ...manager import caches
from ...zmi import views as screen
from ..screens import follow
from ..screens import get
from ..screens import labels_are_missing
from ..screens import own
from ..screens import text_of
from ..site import set_policy


pytestmark = pytest.mark.usefixtures('errors_are_responses')

TAB = '/site/page_cache/manage_views'
EDIT = '/site/page_cache/manage_editViews'

VIEWS = [
    {'name': 'v-counting', 'kind': 'Item'},
    {'name': 'v-listing', 'kind': ''}]

HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
def manager(site):
    site.page_cache.manage_editViews(VIEWS)
    transaction.commit()
    return site.page_cache


def form(*rows, offers=()):
    """Return the form data that a browser sends for rows of the form."""
    return [
        (f'{prefix}.{name}:records', value)
        for prefix, found in (('views', rows), ('offers', offers))
        for row in found for name, value in row.items()]


def typed(html, prefix='views'):
    """Return the values of the form, which an untouched form would send."""
    sent, select = [], None
    for tag, found in html.elements:
        if found.get('name', '').startswith(f'{prefix}.'):
            name = found['name'].partition('.')[2].removesuffix(':records')
            if name == 'name':
                sent.append({})
            select = name if tag == 'select' else None
            if tag != 'select' and (
                    found.get('type') != 'checkbox' or 'checked' in found):
                sent[-1][name] = found['value']
        if tag == 'option' and select and 'selected' in found:
            sent[-1][select] = found['value']
    return sent


def views(manager):
    transaction.begin()
    return manager.getViews()


each_engine = pytest.mark.usefixtures('template_engine')


# looking

@each_engine
def test_rows_and_two_empty_ones(manager, client):
    html = own(get(client, TAB))
    assert html.problems == [] and labels_are_missing(html) == []
    empty = {'name': '', 'kind': ''}
    assert typed(html) == [*VIEWS, empty, empty]
    words = text_of(html)
    assert 'There are none.' in words


@each_engine
def test_views_published_lately_are_offered(manager, client):
    for _ in range(2):
        client.get('/site/doc/v-by-method')
    client.get('/site/v-listing')
    client.get('/site/folder/v-with-index')
    client.get('/site/doc/v-counting')
    html = own(get(client, TAB))
    assert html.problems == [] and labels_are_missing(html) == []
    assert typed(html, 'offers') == [
        {'name': 'v-by-method', 'kind': 'Item'},
        {'name': 'v-with-index', 'kind': 'Folder'}]
    assert 'v-by-method Item 2' in text_of(html)


def test_a_view_of_content_without_a_type_is_offered_for_all(
        manager, client):
    caches.cache_of(manager).lately.saw('view', '')
    html = own(get(client, TAB))
    assert typed(html, 'offers') == [
        {'name': 'view', 'kind': ''}]
    assert 'view all content 1' in text_of(html)


def test_what_is_associated_by_now_is_not_offered(manager, client):
    client.get('/site/doc/v-by-method')
    manager.manage_editViews([('v-by-method', 'Item')])
    assert typed(own(get(client, TAB)), 'offers') == []
    manager.manage_editViews([('v-by-method',)])
    assert typed(own(get(client, TAB)), 'offers') == []


def test_what_can_not_be_associated_is_not_offered(manager, client):
    lately = caches.cache_of(manager).lately
    for name, kind in ((HOSTILE, ''), ('fine', HOSTILE), ('x' * 201, '')):
        lately.saw(name, kind)
    answer = get(client, TAB)
    assert typed(own(answer), 'offers') == []
    assert '<script>' not in answer.text.partition('<main')[2].partition(
        '</main')[0]


def test_only_so_many_are_offered(manager, client):
    for number in range(150):
        caches.cache_of(manager).lately.saw(f'v{number}', '')
    assert len(typed(own(get(client, TAB)), 'offers')) == 50


@each_engine
def test_who_may_only_look_can_not_edit(manager, site, client):
    site.manage_role('Member', ['View management screens'])
    html = own(get(client, TAB, 'alice'))
    assert 'disabled' in html.one('fieldset')
    assert not html.all('input', type='submit')
    assert client.post(EDIT, form({'name': 'x'}), 'alice').status == 401
    assert views(manager) == VIEWS


# changing

@each_engine
def test_form_saves_what_it_shows(manager, client):
    rows = typed(own(get(client, TAB)))
    answer = client.post(EDIT, form(*rows))
    assert answer.status == 302
    assert '/manage_views?done=views' in answer['Location']
    assert 'Views saved.' in follow(client, answer).text
    assert views(manager) == VIEWS


def test_rows_are_added_changed_and_removed(manager, client):
    first, second, third, fourth = typed(own(get(client, TAB)))
    answer = client.post(EDIT, form(
        {**first, 'remove': 'on'}, second,
        {'name': ' @@view ', 'kind': 'zope.interface.Interface',
         'shows': 'item'}, fourth))
    assert answer.status == 302
    assert views(manager) == [
        {'name': 'v-listing', 'kind': ''},
        {'name': 'view', 'kind': 'zope.interface.Interface'}]


def test_a_wrong_row_can_be_removed(manager, client):
    answer = client.post(EDIT, form(
        VIEWS[0], {'name': 'a b', 'kind': '<', 'remove': 'on'}))
    assert answer.status == 302
    assert views(manager) == VIEWS[:1]


def test_all_rows_may_be_removed(manager, client):
    client.post(EDIT, form(*({**row, 'remove': 'on'} for row in VIEWS)))
    assert views(manager) == []


def test_an_offer_that_is_marked_is_associated(site, manager, client):
    set_policy(site, etag='string:x', last_modified=0)
    assert client.get('/site/doc/v-by-method').outcome is None
    html = own(get(client, TAB))
    offer, = typed(html, 'offers')
    other = {'name': 'other', 'kind': ''}
    assert client.post(EDIT, form(*typed(html), offers=[
        {**offer, 'associate': 'on'}, other])).status == 302
    assert views(manager) == [
        *VIEWS, {'name': 'v-by-method', 'kind': 'Item'}]
    outcomes = [client.get('/site/doc/v-by-method').outcome for _ in 'ab']
    assert outcomes == ['MISS', 'HIT']


@each_engine
@pytest.mark.parametrize(('row', 'field', 'said'), [
    ({'name': 'a b'}, 'name', "View name: 'a b' must be"),
    ({'name': HOSTILE, 'kind': HOSTILE}, 'name', 'View name:'),
    ({'name': '', 'kind': 'Item'}, 'name', "View name: ''"),
    ({'name': 'one', 'kind': HOSTILE}, 'kind', 'Content of one:'),
    ({'name': 'x' * 5000}, 'name', 'View name:'),
    ({'name': '\0'}, 'name', 'View name:'),
    ({'name': '\u00fc'}, 'name', 'View name:'),
])
def test_bad_input_keeps_what_was_typed(manager, client, row, field, said):
    answer = client.post(EDIT, form(
        {'name': 'fine', 'kind': ''}, row,
        {**VIEWS[0], 'remove': 'on'}))
    assert '<script>alert' not in answer.text
    html = own(answer)
    assert html.problems == [] and labels_are_missing(html) == []
    assert 'Nothing was changed' in answer.text
    error, = html.all('div', **{'class': 'invalid-feedback'})
    assert error['id'] == 'view-2-error'
    assert said in text_of(html)
    invalid, = (found for _, found in html.elements
                if 'is-invalid' in found.get('class', ''))
    assert invalid['name'] == f'views.{field}:records'
    assert invalid['aria-describedby'] == 'view-2-error'
    shown = typed(html)
    assert shown[0] == {'name': 'fine', 'kind': ''}
    assert shown[1]['name'][:300] == row['name'][:300]
    assert shown[1]['kind'] == row.get('kind', '')
    assert shown[2] == {**VIEWS[0], 'remove': 'on'}
    assert views(manager) == VIEWS


def test_each_wrong_row_has_its_message(manager, client):
    html = own(client.post(EDIT, form(
        {'name': 'a b'}, {'name': 'fine'}, {'name': '?'})))
    assert [found['id'] for found in html.all(
        'div', **{'class': 'invalid-feedback'})] == [
            'view-1-error', 'view-3-error']


@each_engine
def test_what_was_marked_stays_marked(manager, client):
    client.get('/site/doc/v-by-method')
    offer = {'name': 'v-by-method', 'kind': 'Item',
             'associate': 'on'}
    html = own(client.post(EDIT, form({'name': 'a b'}, offers=[offer])))
    assert typed(html, 'offers') == [offer]
    assert views(manager) == VIEWS


def test_too_many_are_refused(manager, client):
    rows = [{'name': f'v{n}'} for n in range(MAX_ASSOCIATIONS + 1)]
    answer = client.post(EDIT, form(*rows))
    assert f'the maximum is {MAX_ASSOCIATIONS}' in answer.text
    assert len(typed(own(answer))) == len(rows)
    assert views(manager) == VIEWS


@pytest.mark.parametrize('sent', [
    [], [('views', 'abc')], [('views:list', 'abc')], [('views:int', '5')],
    [('views:list:int', '5'), ('views:list:int', '6')], [('views', b'\xff')],
    [('views:tuple', 'a')], [('views:lines', 'a\nb')], [('views', '')],
    [('views:tokens', 'a b')], [('views:boolean', '1')],
    [('views.name', 'v-x')], [('offers.name:records', 'v-x')],
    [('views.name:records', 'v-x'), ('offers', 'abc')],
    [('views.name:records', 'v-x'), ('offers:list', 'abc')],
    [('views.name:records', 'v-x'), ('offers.associate:records', 'on')],
    [('views.name:records', 'v-x'), ('offers.name:records', '<'),
     ('offers.associate:records', 'on')],
    [('views.name:int:records', '5')], [('views.name:records:list', 'a')],
    [('views.name:records:tuple', 'a')], [('views.name:records', b'\xff')],
    [('views.name:records', 'a'), ('views.kind:int:records', '5')],
    [('views.kind:records', 'Item')], [('views.name:date:records', '2020')],
    [('views.name:records', 'x')] * 1001,
])
def test_odd_input_is_refused_with_a_form(manager, client, sent):
    answer = client.post(EDIT, sent)
    html = own(answer)
    assert 'Nothing was changed' in answer.text
    assert html.problems == [] and len(typed(html)) >= 1
    assert views(manager) == VIEWS


@pytest.mark.parametrize('sent', [
    [('views.name:record', 'v-x')],
    [('views.name:records', 'v-x'), ('views.roles:records', 'a')],
    [('views.name:records', 'v-x'), ('views.name.y:records', 'a')],
    [('views.name:records', 'v-x'), ('views.get:records', 'a')],
    # of a form of an earlier release
    [('views.name:records', 'v-x'), ('views.shows:list:records', '<')],
    [('views.name:records', 'v-x'), ('REQUEST', 'x'), ('self', 'y')],
    [('views.name:records', 'v-x'), ('offers.name:records', 'other')],
])
def test_what_the_form_does_not_know_is_ignored(manager, client, sent):
    assert client.post(EDIT, sent).status == 302
    assert views(manager) == [{'name': 'v-x', 'kind': ''}]


@pytest.mark.parametrize('method', ['GET', 'HEAD', 'PUT'])
def test_others_than_post_change_nothing(manager, client, method):
    answer = client.request(method, f'{EDIT}?views.name:records=x', 'root')
    assert answer.status in (403, 404, 405)
    assert views(manager) == VIEWS


@each_engine
def test_names_are_escaped(manager, client):
    manager._views = ((HOSTILE, HOSTILE, HOSTILE),)
    answer = get(client, TAB)
    assert '<script>alert' not in answer.text
    html = own(answer)
    assert html.problems == []
    assert typed(html)[0] == {'name': HOSTILE, 'kind': HOSTILE}


# from code

def test_code_that_errs_is_told(app, manager):
    login(app.acl_users, 'root')
    for rows, said in (
            ([{'name': 'a b'}], "View name: 'a b' must be 1 to 200"),
            ([{'name': 'a', 'type': 'x'}], "no field 'type'"),
            ([('a', 'b', 'c', 'd')], 'not an association'),
            ('abc', 'not a list'), (None, 'not a list'), ([5], 'not an a')):
        with pytest.raises(ValueError, match=said):
            manager.manage_editViews(rows)
        assert manager.getViews() == VIEWS
    manager.manage_editViews(manager.getViews()[:1])
    assert manager.getViews() == VIEWS[:1]
    manager.manage_editViews()
    assert manager.getViews() == []
    logout()


# a type that is not there

@each_engine
def test_a_type_that_the_site_lacks_is_told(manager, client):
    manager.manage_editViews([
        ('one', 'Item'), ('two', 'Imte'), ('three', ''),
        ('four', 'some.where.IItem')])
    transaction.commit()
    text = text_of(own(get(client, TAB)))
    assert 'This site has no portal type Imte, so this row has no effect' in (
        text)
    assert text.count('This site has no portal type') == 1


def test_where_there_are_no_types_nothing_is_told(
        manager, client, monkeypatch):
    monkeypatch.setattr(
        sys.modules[screen.__module__], 'portal_types', lambda: None)
    manager.manage_editViews([('two', 'Imte')])
    transaction.commit()
    assert 'has no portal type' not in text_of(own(get(client, TAB)))
