"""Pages of browser views: which are kept, found, left alone."""
import pytest
import transaction
from OFS.Application import Application
from Products.CMFCore.CachingPolicyManager import CachingPolicyManager
from Products.CMFCore.indexing import getQueue
from zope.component import getGlobalSiteManager
from zope.interface import Interface
from zope.interface import alsoProvides
from zope.publisher.interfaces.browser import IBrowserRequest
from ZPublisher import pubevents

from ...manager import caches
from ...PageCacheManager import PageCacheManager
from ..events import handler
from ..request.test_whole import add_script
from ..site import Item
from ..site import add_policy
from ..site import add_template
from ..site import set_policy
from ..view_cases import ACTING
from ..view_cases import COUNTING
from ..view_cases import associate
from ..view_cases import outcomes
from ..view_cases import reason
from ..view_cases import twice
from ..views import Counting
from ..views import IMobile
from ..views import INote
from ..wire.test_faults import error_view  # noqa: F401


pytestmark = pytest.mark.usefixtures('viewed')

NOTE = 'Products.PageCacheManager.tests.views.INote'

PATHS = (
    '/site/doc/v-counting', '/site/doc/@@v-counting', '/site/doc/v-by-method',
    '/site/folder/v-listing', '/site/folder/v-with-index',
    '/site/doc/v-template-alone', '/site/doc/v-plain', '/site/doc/v-of-pages',
    '/site/doc/v-of-view', '/site/doc/v-arguments?word=x',
    '/site/doc/v-traversing/a/b')


@pytest.mark.parametrize('path', PATHS)
@pytest.mark.parametrize('user', [None, 'alice'])
def test_view_is_rendered_once(client, path, user):
    miss, hit = twice(client, path, user)
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert hit.body == miss.body != b''
    assert hit.stable_headers() == miss.stable_headers()
    assert hit['ETag'].startswith('"') and 'uri-miss' in miss['Cache-Status']


def test_template_that_is_published_as_a_method_is_rendered_once(client):
    assert outcomes(client, '/site/folder/v-by-template') == ['MISS', 'HIT']


def test_view_of_the_root_is_rendered_once(app, client, monkeypatch):
    app._setObject('page_cache', PageCacheManager('page_cache'))
    app.page_cache.manage_editViews([('v-plain',)])
    app._setObject('caching_policy_manager', CachingPolicyManager())
    add_policy(
        app.caching_policy_manager, etag='string:root', last_modified=0)
    monkeypatch.setattr(Application, 'count_render', lambda self: 1, False)
    assert outcomes(client, '/v-plain') == ['MISS', 'HIT']


def test_same_bytes_as_without_a_cache(site, client):
    site.doc.text = '<ä>'
    associate(site)
    plain = client.get('/site/doc/v-template-alone')
    associate(site, 'v-template-alone')
    for answer in twice(client, '/site/doc/v-template-alone'):
        assert answer['Content-Type'] == plain['Content-Type']
        assert answer.text.splitlines()[0] == plain.text.splitlines()[0]


def test_other_views_are_left_alone(site, client):
    associate(site, 'v-listing')
    for answer in twice(client, COUNTING):
        assert answer.outcome is None and b'first text' in answer.body
        assert answer.all('ETag') == answer.all('Cache-Status') == []


def test_other_views_are_remembered(site, client):
    associate(site, 'v-listing')
    twice(client, COUNTING)
    client.get('/site/folder/v-listing')
    lately = caches.cache_of(site.page_cache).lately
    assert lately.counts() == [('v-counting', 'Item', 2)]


@pytest.mark.parametrize('path', [
    '/site/doc/page', '/site/doc/count_render', '/site/manage_main'])
def test_what_is_no_view_is_not_remembered(site, client, path):
    client.get(path, 'root')
    assert caches.cache_of(site.page_cache).lately.counts() == []


@pytest.mark.parametrize(('kind', 'body', 'status', 'is_page'), [
    ('text/html; charset=utf-8', '<p>a page</p>', 200, True),
    ('application/xhtml+xml', '<p>a page</p>', 200, True),
    ('text/html', '', 200, False),
    ('text/html', '<p>gone</p>', 404, False),
    ('application/json', '{}', 200, False),
    ('image/png', 'an image', 200, False),
    ('text/css', 'p {}', 200, False)])
def test_what_could_be_a_page_is_remembered(
        site, client, item, kind, body, status, is_page):
    def act(self, request):
        request.response.setHeader('Content-Type', kind)
        request.response.setStatus(status)
        return body

    item('act', act)
    associate(site)
    client.get(ACTING)
    lately = caches.cache_of(site.page_cache).lately
    assert bool(lately.counts()) == is_page


@pytest.mark.parametrize('method', ['HEAD', 'POST'])
def test_other_methods_than_get_are_not_remembered(site, client, method):
    associate(site)
    client.request(method, COUNTING)
    assert caches.cache_of(site.page_cache).lately.counts() == []


@pytest.mark.parametrize('act', [
    lambda self, request: request.response.redirect('/site'),
    lambda self, request: request.response.write(b'<html>piecemeal'),
    lambda self, request: 1 / 0])
def test_view_that_gave_no_page_is_not_remembered(
        site, client, item, act, error_view):  # noqa: F811
    item('act', act)
    associate(site)
    client.get(ACTING)
    assert caches.cache_of(site.page_cache).lately.counts() == []


def test_method_of_a_view_is_not_remembered(site, client):
    associate(site)
    client.get('/site/doc/v-own/other')
    assert caches.cache_of(site.page_cache).lately.counts() == []


# which view it is

def test_views_of_other_layers_are_apart(client):
    def to_mobile(event):
        if event.request.get_header('X-Mobile'):
            alsoProvides(event.request, IMobile)

    with handler(to_mobile, pubevents.PubStart):
        for headers, word in (({}, 'counting'), ({'X_Mobile': '1'}, 'mobile')):
            miss, hit = twice(client, COUNTING, **headers)
            assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
            assert f'<p id="name">{word}<' in hit.text
        assert 'counting' in client.get(COUNTING).text
        head = client.head(COUNTING, X_Mobile='1')
        assert head['ETag'] == hit['ETag']


def test_layer_added_after_the_choice_keeps_pages_apart(client):
    """Viewlets are chosen by it all the same."""
    def mark(event):
        if event.request.get_header('X-Mobile'):
            alsoProvides(event.request, IMobile)

    with handler(mark, pubevents.PubAfterTraversal):
        assert outcomes(client, COUNTING) == ['MISS', 'HIT']
        assert outcomes(client, COUNTING, X_Mobile='1') == ['MISS', 'HIT']


class Ours(Counting):
    __name__ = 'v-chosen'
    text = 'ours'


class Theirs(Ours):
    text = 'theirs'


def choose(context, request):
    """Choose a class by a header that is not in any key."""
    kind = Theirs if request.get_header('X-Theirs') else Ours
    return kind(context, request)


def test_classes_under_one_name_are_apart(site, client):
    associate(site, 'v-chosen')
    registry = getGlobalSiteManager()
    arguments = choose, (Interface, IBrowserRequest), Interface, 'v-chosen'
    registry.registerAdapter(*arguments)
    try:
        for headers, word in (({}, 'ours'), ({'X_Theirs': '1'}, 'theirs')):
            miss, hit = twice(client, '/site/doc/v-chosen', **headers)
            assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
            assert f'"name">{word}<' in hit.text and hit.body == miss.body
        assert 'ours' in client.get('/site/doc/v-chosen').text
    finally:
        registry.unregisterAdapter(*arguments)


@pytest.mark.parametrize('path', ['v-plain/helper', '@@v-plain/helper'])
def test_method_of_an_associated_view_is_left_alone(site, client, path):
    for answer in twice(client, f'/site/doc/{path}'):
        assert answer.outcome is None and 'helper' in answer.text
    assert outcomes(client, '/site/doc/v-plain') == ['MISS', 'HIT']
    associate(site, 'v-plain/helper')
    assert outcomes(client, f'/site/doc/{path}') == ['MISS', 'HIT']
    assert outcomes(client, '/site/doc/v-plain') == [None, None]


def test_method_that_a_view_has_beside_its_own_is_left_alone(site, client):
    """The view names the method of its page; a URL may name other methods."""
    assert outcomes(client, '/site/doc/v-own') == ['MISS', 'HIT']
    assert outcomes(client, '/site/doc/v-own/other') == [None, None]
    assert client.get('/site/doc/v-own').outcome == 'HIT'


def test_methods_of_one_view_are_apart(site, client):
    associate(site, 'v-plain', 'v-plain/helper')
    page = client.get('/site/doc/v-plain')
    other = client.get('/site/doc/v-plain/helper')
    assert 'plain' in page.text and 'helper' in other.text
    assert page['ETag'] != other['ETag']


def test_arguments_from_the_query_are_apart(client):
    for word in ('a', 'b', 'a', 'b'):
        answer = client.get(f'/site/doc/v-arguments?word={word}')
        assert answer.text.startswith(f'<p>{word} ')
    assert answer.outcome == 'HIT'


def test_names_behind_the_view_are_apart(client):
    for names in ('a', 'b', 'a/b', 'a', 'b', 'a/b'):
        answer = client.get(f'/site/doc/v-traversing/{names}')
        assert answer.text == f'<p>{names}</p>'
    assert answer.outcome == 'HIT'


# default views

def test_default_view_of_a_kind_of_content(site, client):
    alsoProvides(site.doc, INote)
    associate(site, 'v-note')
    miss, hit = twice(client, '/site/doc')
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert hit.body == miss.body
    # the same view, but the page contains other URLs
    assert client.get('/site/doc/v-note').outcome == 'MISS'
    head = client.head('/site/doc')
    assert (head['ETag'], head.body) == (hit['ETag'], b'')
    assert head['Content-Length'] == str(len(hit.body))


@pytest.mark.parametrize('alias', ['@@v-counting', 'v-counting'])
@pytest.mark.parametrize('path', ['/site/doc', '/site/doc/view'])
def test_view_that_an_alias_leads_to(site, client, alias, path):
    site.portal_types.Item.setMethodAliases(
        {'(Default)': alias, 'view': alias})
    transaction.commit()
    miss, hit = twice(client, path)
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert hit.body == miss.body and b'first text' in hit.body


def test_head_on_an_alias_renders_nothing(site, client):
    site.portal_types.Item.setMethodAliases({'(Default)': '@@v-counting'})
    page = client.get('/site/doc')
    before = Item.renders
    head = client.head('/site/doc')
    assert (head.status, head.body) == (200, b'')
    assert head['ETag'] == page['ETag'] and Item.renders == before


# associations

@pytest.mark.parametrize(('kind', 'is_kept'), [
    ('', True), ('Item', True), ('Document', False), (NOTE, True),
    ('zope.interface.Interface', True),
    ('Products.CMFCore.interfaces.IFolderish', False),
    ('no.such.IInterface', False), ('zope.', False), ('.', False),
    ('os.path', False), ('INote', False)])
def test_association_with_a_kind_of_content(site, client, kind, is_kept):
    alsoProvides(site.doc, INote)
    associate(site, ('v-counting', kind))
    expected = ['MISS', 'HIT'] if is_kept else [None, None]
    assert outcomes(client, COUNTING) == expected


@pytest.mark.parametrize('rows', [
    [('v-listing', '', 'item'), ('v-listing', NOTE, 'folder')],
    [('v-listing', NOTE, 'folder'), ('v-listing', '', 'item')]])
def test_association_for_a_kind_counts_before_the_general_one(
        site, client, rows):
    alsoProvides(site.folder, INote)
    associate(site, *rows)
    client.get('/site/folder/v-listing')
    site.folder.inner.text = 'new text'
    getQueue().reindex(site.folder.inner, ['SearchableText'])
    assert 'new text' in client.get('/site/folder/v-listing').text


def nested_manager(site, *views):
    site.folder._setObject('nearer', PageCacheManager('nearer'))
    site.folder.nearer.manage_editViews([(name,) for name in views])
    transaction.commit()
    return site.folder.nearer


def entries(manager):
    return caches.cache_of(manager).pages.counts().entries


def test_nearest_manager_keeps_the_page(site, client):
    inner = nested_manager(site, 'v-counting')
    assert outcomes(client, '/site/folder/inner/v-counting') == ['MISS', 'HIT']
    assert (entries(inner), entries(site.page_cache)) == (1, 0)
    client.get(COUNTING)
    assert (entries(inner), entries(site.page_cache)) == (1, 1)


def test_outer_manager_keeps_what_the_nearest_does_not_know(site, client):
    inner = nested_manager(site, 'v-other')
    assert outcomes(client, '/site/folder/inner/v-counting') == ['MISS', 'HIT']
    assert (entries(inner), entries(site.page_cache)) == (0, 1)


def test_nearest_manager_that_is_off_still_decides(site, client):
    nested_manager(site, 'v-counting').disable()
    assert outcomes(
        client, '/site/folder/inner/v-counting') == ['OFF', 'OFF']


# views and templates in each other

def test_associated_template_inside_an_associated_view(site, client, item):
    item('act', lambda self, request: f'<div>{self.page()}</div>')
    inner = client.get('/site/doc/page')
    miss, hit = twice(client, ACTING)
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert hit.text.startswith('<div><html>') and hit.body == miss.body
    assert hit['ETag'] != inner['ETag']
    again = client.get('/site/doc/page')
    assert (again.outcome, again.body) == ('HIT', inner.body)


@pytest.mark.parametrize('around', [False, True])
def test_associated_template_inside_another_view(site, client, item, around):
    associate(site)
    item('act', lambda self, request: (
        f'<div>{self.page()}</div>' if around else self.page()))
    first, second = twice(client, ACTING)
    if around:
        assert reason(first) == reason(second) == 'fragment'
        assert second.all('ETag') == []
    else:
        assert (first.outcome, second.outcome) == ('MISS', 'HIT')
        assert second.body == first.body


@pytest.mark.parametrize('template', ['page', 'fspage'])
def test_tag_of_a_template_is_none_of_the_view_around_it(
        client, item, template):
    item('act', lambda self, request: (
        f'<div>{getattr(self, template)()}</div>'))
    inner = client.get(f'/site/doc/{template}')
    answer = client.get(ACTING, If_None_Match=inner['ETag'])
    assert answer.status == 200 and b'<div>' in answer.body


def test_view_called_by_another_view_is_a_part_of_it(client, item):
    def act(self, request):
        inner = self.unrestrictedTraverse('@@v-counting')
        return f'<div>{inner()}</div>'

    item('act', act)
    miss, hit = twice(client, ACTING)
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert hit.text.startswith('<div>') and hit.body == miss.body
    inner = client.get(COUNTING)
    assert inner.outcome == 'MISS' and not inner.text.startswith('<div>')


@pytest.mark.parametrize('kind', ['script', 'template'])
def test_view_called_by_what_is_no_view_is_not_kept(site, client, kind):
    custom = site.portal_skins.custom
    if kind == 'script':
        add_script(custom, 'around', 'return context.restrictedTraverse('
                   '"@@v-counting")()')
    else:
        add_template(custom, 'around', '<b tal:replace="structure '
                     'context/@@v-counting">x</b>', associate=False)
    before = Item.renders
    assert outcomes(client, '/site/doc/around') == [None, None]
    assert Item.renders == before + 2


def test_subrequest_in_a_view_is_no_request(client, item):
    seen = []

    def act(self, request):
        copy = request.clone()
        copy.processInputs()
        found = copy.traverse('/site/doc/v-counting')
        seen.append(found.__self__.__name__)
        return f'<div>{found()}</div>'

    item('act', act)
    client.get(COUNTING)
    miss, hit = twice(client, ACTING)
    assert seen == ['v-counting'] and hit.body == miss.body
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert client.get(COUNTING).outcome == 'HIT'


# statistics, purging

def test_report_has_a_row_for_a_view(site, client):
    twice(client, COUNTING)
    row, = site.page_cache.getCacheReport()
    assert row['template_path'] == '@@v-counting'
    assert row['context_path'] == '/site/doc'
    assert row['url'].endswith(COUNTING)
    assert (row['hits'], row['misses'], row['entries']) == (1, 1, 1)
    screen = client.get('/site/page_cache/manage_stats', 'root')
    assert '@@v-counting' in screen.text


def test_counters_count_views(site, client):
    twice(client, COUNTING)
    tag = client.get(COUNTING)['ETag']
    client.get(COUNTING, If_None_Match=tag)
    tally = caches.cache_of(site.page_cache).tally
    assert tally.counts() == {
        ('MISS', ''): 1, ('HIT', ''): 2, ('HIT', 'not-modified'): 1}


@pytest.mark.parametrize('kind', ['context', 'row', 'purge', 'view'])
def test_page_is_forgotten(site, client, kind):
    old = client.get(COUNTING)
    client.get('/site/folder/v-listing')
    manager = site.page_cache
    if kind == 'purge':
        manager.manage_purge()
    else:
        row = [row['row'] for row in manager.getCacheReport()
               if row['template_path'] == '@@v-counting']
        manager.manage_invalidate(
            {'context': ['/site/doc'], 'row': row,
             'view': ['@@v-counting']}[kind])
    # a browser must not be told that its page is current
    answer = client.get(COUNTING, If_None_Match=old['ETag'])
    assert (answer.status, answer.outcome) == (200, 'MISS')
    others = client.get('/site/folder/v-listing').outcome
    assert others == ('MISS' if kind == 'purge' else 'HIT')


def test_manager_that_is_off_says_so(site, client):
    client.get(COUNTING)
    site.page_cache.disable()
    for answer in twice(client, COUNTING):
        assert answer.outcome == 'OFF' and answer.all('ETag') == []
    site.doc.text = 'new text'
    site.page_cache.enable()
    assert [client.get(COUNTING).outcome for _ in range(2)] == ['MISS', 'HIT']


def test_view_and_template_share_one_store(site, client):
    set_policy(site)
    client.get('/site/doc/page')
    client.get(COUNTING)
    assert entries(site.page_cache) == 2
    site.page_cache.manage_purge()
    assert client.get('/site/doc/page').outcome == 'MISS'
    assert client.get(COUNTING).outcome == 'MISS'


@pytest.mark.parametrize('path', PATHS[:4])
def test_pages_of_views_in_the_memoize_store(site, client, path):
    site.page_cache.manage_editProps('', {'store': 'memoize'})
    miss, hit = twice(client, path)
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert hit.body == miss.body
    site.page_cache.manage_purge()
    assert client.get(path).outcome == 'MISS'
