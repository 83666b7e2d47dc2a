"""The Explain tab: the outcome of a page now, and the reasons."""
import json
from contextlib import contextmanager
from urllib.parse import quote
from urllib.parse import urlencode

import pytest
import transaction
from AccessControl import getSecurityManager
from OFS.Folder import Folder
from Products.CMFCore.Skinnable import SKINDATA
from Products.PluginIndexes.FieldIndex.FieldIndex import FieldIndex
from Products.SiteAccess.VirtualHostMonster import VirtualHostMonster
from Products.StandardCacheManagers.RAMCacheManager import RAMCacheManager
from Products.ZCatalog.ZCatalog import ZCatalog
from zExceptions import Redirect
from zope.component import getGlobalSiteManager
from zope.component.hooks import getSite
from zope.interface import Interface
from zope.interface import alsoProvides
from zope.interface import implementer
from ZPublisher.BeforeTraverse import registerBeforeTraverse
from ZPublisher.interfaces import IPubAfterTraversal

from ...core.key import digest
from ...core.page import Page
from ...core.reads.made_from import MadeFrom
from ...core.reads.made_from import UntilCommit
from ...core.reads.unknown import Why
from ...core.reasons import explained
from ...interfaces import Claim
from ...interfaces import ISurroundings
from ...manager import caches
from ...PageCacheManager import PageCacheManager
from ...zmi.explain import made_from as screen_of_reads
from ...zmi.explain import rows
from ...zmi.explain.inquiry import looked_up
from ..request.test_whole import add_script
from ..screens import get
from ..screens import labels_are_missing
from ..screens import own
from ..screens import text_of
from ..site import Item
from ..site import add_site
from ..site import add_template
from ..site import set_policy
from ..views import IMobile


pytestmark = pytest.mark.usefixtures('errors_are_responses')

TAB = '/site/page_cache/manage_explain'
PAGE = '/site/doc/page'
HOSTILE = '"><script>alert(1)</script>'

MOUNTED = '/VirtualHostBase/http/h.example:80/site/VirtualHostRoot'


@pytest.fixture(autouse=True)
def manager(site):
    """The site's manager, with views; alice may look at its screens."""
    site.page_cache.manage_editViews([
        ('v-counting', 'Item'), ('v-listing',),
        ('v-managers-only',)])
    site.manage_role('Member', ['View management screens'])
    transaction.commit()
    return site.page_cache


@pytest.fixture
def custom(site):
    return site.portal_skins.custom


def ask(client, path, visitor='me', user='root', tab=TAB, **headers):
    """Return the answer of the tab."""
    return client.get(
        f'{tab}?path={quote(path)}&visitor={visitor}', user, **headers)


def told(client, path, visitor='me', user='root', tab=TAB, **headers):
    """Return the content of the tab: the outcome, and the rows by label."""
    html = own(ask(client, path, visitor, user, tab, **headers))
    assert html.problems == [] and labels_are_missing(html) == []
    words = {'text': text_of(html)}
    texts, label = iter(html.texts), ''
    for text in texts:
        if text.strip() and not text.startswith('.pcm'):
            # a label and a text in two cells side by side
            words.setdefault(label, text)
            label = text
    words['word'] = next(
        (text for text in html.texts if text in (
            'HIT', 'MISS', 'NO-ETAG', 'OFF', 'BYPASS', 'Not cached')), '')
    return words


def problem(client, path, visitor='me', user='root', tab=TAB, **headers):
    """Return the message for a path that can not be explained."""
    html = own(ask(client, path, visitor, user, tab, **headers))
    assert html.problems == [] and labels_are_missing(html) == []
    field = html.one('input', id='path')
    assert 'is-invalid' in field['class']
    assert field['aria-describedby'] == 'path-error'
    assert html.all('div', id='path-error')
    assert not html.all('table') and not html.all('section')
    text = text_of(html)
    return text[text.index('of a page', text.index('Path or')) + 10:
                text.index(' Visitor')]


each_engine = pytest.mark.usefixtures('template_engine')


# the tab agrees with real requests

@pytest.mark.parametrize('path', [
    PAGE, '/site/doc', '/site/doc/fspage', '/site/doc/page?a=1&utm_source=b',
    '/site/doc/v-counting', '/site/doc/@@v-counting', '/site/folder/v-listing',
    '/site/doc/page/', '/site//doc/page', '/site/site/doc/page'])
@pytest.mark.parametrize(('user', 'visitor'), [
    ('alice', 'me'), (None, 'anonymous')])
def test_it_tells_of_the_page_that_a_visitor_gets(
        site, client, path, user, visitor):
    set_policy(site, etag='python: "%s %s" % (member, view)',
               last_modified=0)
    before = told(client, path, visitor, 'alice')
    assert before['word'] == 'MISS' and before['Stored'] == 'no'
    page = client.get(path, user)
    assert page.outcome == 'MISS'
    after = told(client, path, visitor, 'alice')
    assert after['word'] == 'HIT' and after['Stored'] == 'yes'
    assert 'ETag header' not in before  # only rendering tells
    assert after['ETag header'] == page['ETag']
    assert client.get(path, user).outcome == 'HIT'
    assert after['Shared by'] == (
        'alice only, with the roles Authenticated, Member'
        if user else 'all anonymous visitors')


def test_a_whole_url_can_be_given(client):
    url = f'http://localhost:8080{PAGE}'
    page = told(client, f'{url}?a=b#c')
    assert page['word'] == 'MISS' and page['URL'] == f'{url}?a=b'


def as_json(client, path, visitor='me', user='root'):
    answer = ask(client, path, visitor, user, f'{TAB}JSON')
    assert answer.status == 200
    assert answer['Content-Type'] == 'application/json'
    return json.loads(answer.text)


@pytest.mark.parametrize('path', [PAGE, '/site/doc/v-counting', '/site'])
def test_programs_are_told_the_same(client, path):
    for _ in range(2):
        client.get(path)
    page, found = told(client, path, 'anonymous'), as_json(
        client, path, 'anonymous')
    assert found['answer']['word'] == page['word']
    assert found['answer']['text'] in page['text']
    rows = [row for section in found['sections'] for row in section['rows']]
    assert ['URL', f'http://localhost:8080{path}'] in rows
    for label, value in rows:
        if label != 'Age':
            assert ' '.join([label, *value.split()]) in page['text']
    for row in found['requests']:
        assert f'{row["user"]} {row["shown_url"]} {row["word"]}' in (
            page['text'])


def test_programs_are_told_what_can_not_be_explained(client):
    assert as_json(client, '/site/no/page') == {
        'error': 'There is no page at this path.'}
    assert 'Enter a path' in as_json(client, '')['error']
    assert 'Enter a path' in json.loads(get(client, f'{TAB}JSON').text)[
        'error']


def test_the_answer_for_programs_takes_the_permission_to_look(client):
    assert ask(client, PAGE, user=None, tab=f'{TAB}JSON').status == 401
    assert ask(client, PAGE, user='alice', tab=f'{TAB}JSON').status == 200
    assert client.post(f'{TAB}JSON', {'path': PAGE}).status in (403, 404, 405)


def test_what_is_typed_stays(client):
    html = own(get(client, (
        f'{TAB}?path={PAGE}&visitor=anonymous&other=/site&other_visitor=me')))
    assert html.one('input', id='path')['value'] == PAGE
    assert html.one('input', id='other')['value'] == '/site'
    me, anonymous, _, other_me, other_anonymous = html.all('option')
    assert 'selected' in anonymous and 'selected' in other_me
    assert 'selected' not in {**me, **other_anonymous}


@each_engine
def test_without_a_path_there_is_only_the_form(client):
    html = own(get(client, TAB))
    assert not html.all('section') and not html.all('div', id='path-error')
    form, = (form for form in html.all('form'))
    assert form['method'] == 'get'


@each_engine
def test_a_template(site, client):
    page = told(client, PAGE, 'anonymous')
    assert page['Template'] == '/site/page'
    assert page['Content'] == '/site/doc' and page['Portal type'] == 'Item'
    assert page['Associated with'] == '/site/page_cache (this manager)'
    assert page['Policy'] == 'all'
    assert page['ETag of the policy'].startswith('|1577880000.0|')
    assert page['Cache-Control'] == 'max-age=0, must-revalidate'
    assert page['Skin'] == 'Basic'
    assert page['Arguments'] == "({'args': ()}, [])"
    assert page['May view the content'] == 'yes'
    file = told(client, '/site/doc/fspage')
    assert file['File'].endswith('skins/fs/fspage.pt')
    assert 'Code and templates in files' in file


@each_engine
def test_a_view(site, client):
    set_policy(site, etag='string:x', last_modified=0)
    page = told(client, '/site/folder/v-listing')
    assert page['View'] == 'v-listing'
    assert page['Class'].endswith('tests.views.Listing')
    assert page['File'].endswith('views/listing.pt')
    assert 'IDefaultBrowserLayer' in page['Layers']
    assert {'Code and templates in files', 'Content'} <= {*page}
    method = told(client, '/site/doc/v-by-method')
    assert method['Class'].endswith('tests.views.Counting.page')


@each_engine
def test_the_stored_page(client):
    client.get(PAGE)
    for _ in range(3):
        client.get(PAGE)
    client.get(PAGE, 'alice')
    page = told(client, PAGE, 'anonymous')
    assert page['Hits of this URL'] == '3'
    assert page['Misses of this URL'] == '2'
    assert page['Pages of this URL'] == '2'
    # the size includes that of the read set
    assert page['Size'].endswith('\u00a0KiB') and page['Age'].endswith('s')
    assert page['Compressed'] == 'no'


def test_a_page_that_varies(site, client, item):
    item('vary', lambda self: self.REQUEST.RESPONSE.setHeader(
        'Vary', 'X-Theme') or '')
    add_template(site.portal_skins.custom, 'varying',
                 '<p tal:content="context/vary">x</p>')
    path = '/site/doc/varying'
    client.get(path, 'root', X_Theme='dark')
    assert told(client, path, X_Theme='dark')['word'] == 'HIT'
    page = told(client, path, X_Theme='light')
    assert page['word'] == 'MISS'
    assert page['Stored'] == 'only for requests with other headers'
    assert page['Request headers'] == 'x-theme: light'


# why a page is not kept

def test_reasons_are_explained(site, client):
    def reason(word, detail, path=PAGE, **headers):
        page = told(client, path, **headers)
        assert page['word'] == word
        for text in explained(detail):
            assert text in page['text'], detail
        assert client.get(path, 'root', **headers).outcome == word

    reason('BYPASS', 'request-cookie', Cookie='statusmessages=x')
    set_policy(site, etag='')
    reason('NO-ETAG', 'no-etag')
    set_policy(site, etag='string:x', no_store=1)
    reason('BYPASS', 'no-store')
    set_policy(site, etag='string:x', vary='*')
    reason('BYPASS', 'vary-any')
    set_policy(site, predicate='python: False')
    reason('NO-ETAG', 'no-policy')
    site.page_cache.disable()
    reason('OFF', 'off')
    reason('OFF', 'off', '/site/doc/v-counting')


@each_engine
def test_a_policy_that_fails(site, client):
    set_policy(site, etag='python: 1 / 0')
    page = told(client, PAGE)
    assert page['word'] == 'BYPASS' and 'policy-error' in page['text']
    assert 'ZeroDivisionError: division by zero' in page['text']
    assert 'Traceback' not in page['text']
    set_policy(site, mtime_func='object/no_such_method')
    assert 'no_such_method' in told(client, PAGE)['text']


@contextmanager
def claimed(claim):
    @implementer(ISurroundings)
    class Surroundings:
        def __init__(self, site):
            pass

        has_no_templates = False

        def claim(self, request):
            return claim

        def language(self, request):
            return ''

        def cookies(self, request):
            return ()

        def vary_by(self, request, language):
            return ()

        headers_of_all = frozenset()
        variant_names = ('Colour', 'Other colour')

        def variant(self, context, request):
            return ('green', 'blue')

    components = getGlobalSiteManager()
    components.registerAdapter(Surroundings, (Interface,), ISurroundings)
    try:
        yield
    finally:
        components.unregisterAdapter(
            Surroundings, (Interface,), ISurroundings)


def test_a_page_that_other_machinery_claims(client):
    with claimed(Claim(is_ours=False)):
        page = told(client, '/site/doc/v-counting')
        assert page['word'] == 'BYPASS' and 'other-cache' in page['text']
        assert told(client, '/site/doc/v-by-method')['word'] == 'Not cached'
    with claimed(Claim(is_ours=True)):
        page = told(client, '/site/doc/v-by-method')
        assert page['word'] == 'MISS'
        assert page['Colour'] == digest('green')
        assert page['Other colour'] == digest('blue')
        assert 'green' not in page['text']


@each_engine
def test_what_nobody_keeps(site, custom, client):
    add_template(custom, 'plain', '<p>plain</p>', False)
    add_script(custom, 'code', 'return 1')
    for path, advice in (
            ('/site/doc/plain', 'Associate the template'),
            ('/site/doc/v-by-method', 'on the Views tab')):
        page = told(client, path)
        assert page['word'] == 'Not cached' and advice in page['text']
        assert page['Associated with'] == 'no cache manager'
        assert page['Content'] == '/site/doc'
    page = told(client, '/site/doc/code')
    assert page['word'] == 'Not cached'
    assert page['Published'].startswith('neither template nor view: code')
    assert 'Associated with' not in page
    assert 'manage_main' in told(
        client, '/site/page_cache/manage_main')['Published']


def test_a_manager_that_is_gone(site, custom, client):
    template = add_template(custom, 'lonely', '<p>lonely</p>', False)
    template.ZCacheable_setManagerId('old_cache')
    page = told(client, '/site/doc/lonely')
    assert page['word'] == 'Not cached'
    assert 'The template is associated with old_cache, which is gone.' in (
        page['text'])
    assert 'Associate the template' in page['text']


def test_a_screen_of_a_template_is_not_the_template(client):
    # it would acquire the association
    page = told(client, '/site/portal_skins/custom/page/pt_editForm')
    assert page['word'] == 'Not cached'
    assert 'No cache manager stores this page.' in page['text']
    assert page['Published'].startswith('neither template nor view: ')


def test_what_another_manager_keeps(site, custom, client):
    site._setObject('other', PageCacheManager('other'))
    site._setObject('ram', RAMCacheManager('ram'))
    add_template(custom, 'others', '<p>x</p>').ZCacheable_setManagerId('other')
    add_template(custom, 'rams', '<p>x</p>').ZCacheable_setManagerId('ram')
    page = told(client, '/site/doc/others')
    assert page['word'] == 'MISS'
    assert page['Associated with'] == '/site/other (another manager)'
    page = told(client, '/site/doc/rams')
    assert page['word'] == 'Not cached'
    assert 'associated with a RAM Cache Manager' in page['text']
    assert page['Associated with'].startswith('/site/ram (another cache')
    custom.others.ZCacheable_setEnabled(0)
    assert told(client, '/site/doc/others')['word'] == 'Not cached'


# paths without a page

@pytest.mark.parametrize(('path', 'said'), [
    ('', 'Enter a path'), (' ', 'Enter a path'),
    ('/nothing/here', 'no page at this path'),
    ('/site/doc/getId', 'no page at this path'), ('/..', 'no page'),
    ('/site/doc/aq_self', 'no page'), ('/REQUEST', 'no page'),
    ('/site/_getOb', ''), ('/site/doc/aq_base', ''), ('/%00', ''),
    ('\0', 'neither a path'), ('/\u2028x', 'neither'),
    ('x' * 3000, 'too long'),
    ('http://other/site', 'opened at http://localhost:8080'),
    ('javascript:alert(1)', 'no page'), ('/%ff%fe', 'not valid UTF-8'),
    ('/site/doc/page?x:int=a', 'Traversal to this page fails'),
    ('/++view++x', 'no page'), ('/site/++skin++none', ''),
    ('/VirtualHostBase/http', ''), ('/VirtualHostBase', ''),
    (HOSTILE, 'no page')])
def test_a_path_that_leads_nowhere_is_told_so(client, path, said):
    assert said in problem(client, path)
    assert said in problem(client, path, 'anonymous')


@each_engine
@pytest.mark.parametrize('query', [
    'path:list=/a&path:list=/b', 'path:int=5', 'path.x:record=a', 'path',
    'path=', 'path=%ff', 'path:lines=/a', 'path=/a&path=/b',
    'visitor=me&path:boolean=1', 'path:bytes=/site'])
def test_odd_input_is_answered_with_the_form(client, query):
    html = own(get(client, f'{TAB}?{query}&visitor=me'))
    assert html.problems == [] and not html.all('section')
    assert html.all('div', id='path-error')


@pytest.mark.parametrize('visitor', ['', 'root', HOSTILE, 'me&visitor=x'])
def test_an_odd_visitor_is_me(client, visitor):
    page = told(client, PAGE, visitor)
    assert page['Shared by'].startswith('root only')


def test_a_redirect_is_told(client, item):
    def leave(self, content, request):
        raise Redirect('http://elsewhere/')
    item('__before_publishing_traverse__', leave)
    assert problem(client, PAGE) == (
        'This path redirects to http://elsewhere/')


def test_no_other_code_is_told_of_a_request_that_never_was(client):
    told_of = []

    def note(event):
        told_of.append(event.request['ACTUAL_URL'])

    components = getGlobalSiteManager()
    components.registerHandler(note, [IPubAfterTraversal])
    try:
        page = client.get('/site/doc')
        shown = told(client, '/site/doc', 'anonymous')
    finally:
        components.unregisterHandler(note, [IPubAfterTraversal])
    assert shown['word'] == 'HIT'
    assert shown['ETag header'] == page['ETag']
    assert [url.rpartition('/')[2] for url in told_of] == [
        'doc', 'manage_explain']


def test_an_error_on_the_way_is_told(client, item):
    def fail(self, content, request):
        raise RuntimeError(HOSTILE)
    item('__before_publishing_traverse__', fail)
    assert problem(client, PAGE).endswith(f'RuntimeError: {HOSTILE}')


def test_a_fault_of_ours_is_told(client, monkeypatch, caplog):
    def broken(*args):
        raise RuntimeError('a fault')
    monkeypatch.setattr(
        'Products.PageCacheManager.zmi.explain.inquiry.origin_of', broken)
    assert 'event log' in problem(client, PAGE)
    assert 'a fault' in caplog.text


# permissions

@each_engine
def test_who_may_not_see_the_page_sees_nothing_of_it(site, custom, client):
    custom.page.manage_permission('View', ['Manager'])
    client.get(PAGE, 'root')
    for path in (PAGE, '/site/doc/v-managers-only'):
        assert told(client, path)['word'] in ('HIT', 'MISS')
        assert problem(client, path, 'anonymous') == (
            'An anonymous visitor may not see this page.')
    assert problem(client, PAGE, user='alice') == (
        'You may not see this page.')
    site.doc.manage_permission('View', ['Manager'])
    for path in ('/site/doc/fspage', '/site/doc/v-counting'):
        for user, visitor, who in (
                ('alice', 'me', 'You may'),
                ('root', 'anonymous', 'An anonymous visitor may')):
            said = problem(client, path, visitor, user)
            assert said.startswith(f'{who} not ')
            assert 'Item' not in said


def test_credentials_do_not_come_along(site, client, item):
    seen = []

    def note(self, content, request):
        seen.append((
            getSecurityManager().getUser().getId(),
            request._auth, request.cookies, *map(request.environ.get, (
                'HTTP_COOKIE', 'HTTP_AUTHORIZATION', 'REMOTE_USER'))))

    item('__before_publishing_traverse__', note)
    ask(client, PAGE, 'anonymous', Cookie='a=b')
    assert seen == [(None, None, {}, None, None, None)]
    ask(client, PAGE, 'me', Cookie='a=b')
    assert seen[1][1].startswith('Basic') and seen[1][2] == {'a': 'b'}


def test_who_is_known_by_an_address_is_never_anonymous(site, client):
    site.acl_users.userFolderAddUser(
        'carol', '', ['Member'], ['127.0.0.1'])
    site.acl_users.setDomainAuthenticationMode(1)
    assert 'cannot be asked as an anonymous visitor' in problem(
        client, PAGE, 'anonymous')


def test_secrets_are_not_shown(site, client):
    site.page_cache.manage_editProps('', {
        'key_cookies': ['theme', '__ac'],
        'key_headers': ['X-Tenant', 'Cookie', 'Authorization', 'X-API-Key']})
    headers = {
        'Cookie': '_ZopeId=sesame1; __ac=sesame2; theme=dark; x=sesame3',
        'X_Tenant': 'green', 'X_API_Key': 'sesame4'}
    page = told(client, PAGE, **headers)
    assert page['Shared by'] == (
        'root only, with the roles Authenticated, Manager, in a session')
    assert page['Cookies'] == 'theme: dark, __ac: not shown'
    assert page['Request headers'] == (
        'authorization: not shown, cookie: not shown, x-api-key: not shown, '
        'x-tenant: green')
    text = ask(client, PAGE, **headers).text
    assert 'sesame' not in text and 'cm9vdDpyb290' not in text


@pytest.mark.parametrize(('kind', 'said'), [
    ('user', 'root only, with the roles'), ('roles', 'root only'),
    ('etag', 'root only')])
def test_sharing_of_a_request_with_credentials(site, client, kind, said):
    """They are in a header here, so the policy has to allow sharing."""
    set_policy(site, must_revalidate=0)
    site.page_cache.manage_editProps('', {'partition': kind})
    assert told(client, PAGE)['Shared by'].startswith(said)


@pytest.mark.parametrize(('kind', 'said'), [
    ('user', 'root only, with the roles Authenticated, Manager'),
    ('roles', 'users with the roles Authenticated, Manager'),
    ('etag', 'users with the same ETag')])
def test_sharing_that_the_policy_allows(site, client, kind, said):
    set_policy(site, public=1)
    site.page_cache.manage_editProps('', {'partition': kind})
    assert told(client, PAGE)['Shared by'] == said


@each_engine
def test_values_are_escaped_and_cut(site, client):
    site.doc.portal_type = HOSTILE
    set_policy(site, etag=f"python: '{HOSTILE}' + 'x' * 9000")
    answer = ask(client, f'{PAGE}?{HOSTILE}')
    assert '<script>alert' not in answer.text
    page = told(client, f'{PAGE}?{HOSTILE}')
    assert page['Portal type'] == HOSTILE
    tag = page['ETag of the policy']
    assert len(tag) == 304 and tag.endswith(' ...')


# the sources of a stored page

def made_from(client, path, user='root'):
    """Return the rows of that section."""
    answer = client.get(
        f'{TAB}JSON?path={path}&visitor=anonymous&made_from=on', user)
    found = json.loads(answer.text)
    return [
        tuple(row) for section in found['sections']
        if section['title'] == 'Made from' for row in section['rows']]


def test_objects_of_a_stored_page_are_named(site, client):
    assert made_from(client, PAGE) == []  # no page is stored
    client.get(PAGE)
    rows = made_from(client, PAGE)
    assert rows[0][0] == 'Template'
    assert ('Object', '/site/doc (Item)') in rows
    path = '/site/portal_skins/custom/page'
    assert ('Template', f'{path} (ZopePageTemplate)') in rows
    label, text = rows[-1]
    assert label == 'Other objects' and int(text.split(',')[0]) > 0


def test_so_many_objects_are_named_at_most(client, monkeypatch):
    client.get(PAGE)
    all_rows = made_from(client, PAGE)
    monkeypatch.setattr(screen_of_reads, 'MAX_SHOWN', 1)
    few = made_from(client, PAGE)
    assert few[0] == all_rows[0] and len(few) == 2

    def number(rows):
        return int(rows[-1][1].split(',')[0])
    assert number(few) == number(all_rows) + len(all_rows) - 2
    monkeypatch.setattr(screen_of_reads, 'MAX_LOADED', 0)
    assert [label for label, _ in made_from(client, PAGE)] == ['Other objects']
    monkeypatch.undo()
    monkeypatch.setattr(screen_of_reads, 'MAX_TRIES', 0)
    assert [label for label, _ in made_from(client, PAGE)] == ['Other objects']


def test_questions_of_a_stored_page_are_named(
        site, client, item, monkeypatch):
    catalog = site._setObject('catalog', ZCatalog('catalog')) and site.catalog
    catalog._catalog.addIndex('kind', FieldIndex('kind'))
    item('found', lambda self: [
        len(site.catalog(kind=kind)) for site in [self.aq_parent]
        for kind in ('a', 'b')])
    add_template(site.portal_skins.custom, 'finding',
                 '<p tal:content="context/found">x</p>')
    path = '/site/doc/finding'
    client.get(path)
    assert client.get(path).outcome == 'HIT'
    questions = [
        ('Question', f"search in /site/catalog for kind: '{kind}'")
        for kind in 'ab']
    assert [row for row in made_from(client, path) if row in questions] == (
        questions)
    monkeypatch.setattr(screen_of_reads, 'MAX_SHOWN', 1)
    found = made_from(client, path)
    assert found[-2:] == [questions[0], ('Other questions', '1')]


def test_what_is_not_known_of_a_page_is_said(site):
    def told(made):
        page = Page(b'x', (), (), 0, 0, made_from=made)
        (label, text), = screen_of_reads.rows(page, site._p_jar)
        return text
    assert told(None) == 'not known in this process'
    until = UntilCommit({}, Why.TOO_MANY)
    assert told(MadeFrom(until, 0, {})) == (
        f'not known: {Why.TOO_MANY} The page is good until the next commit.')


def test_an_object_that_is_gone_has_no_name(site):
    database = site._p_jar.db().database_name
    for name, oid in ((database, b'\xff' * 8), ('', b'\0' * 8)):
        assert screen_of_reads._loaded(site._p_jar, name, oid) is None


def test_who_may_only_look_is_not_told_what_it_was_made_from(client):
    client.get(PAGE)
    assert made_from(client, PAGE, 'alice') == []
    looks = own(ask(client, PAGE, 'anonymous', 'alice'))
    assert not looks.all('input', name='made_from')


def test_they_are_looked_up_on_demand_only(client, monkeypatch):
    client.get(PAGE)
    monkeypatch.setattr(screen_of_reads, 'rows', lambda *args: 1 / 0)
    html = own(ask(client, PAGE, 'anonymous'))
    assert html.one('input', name='made_from')['value'] == 'on'
    assert 'Made from' not in text_of(html)


# two requests compared

def differs(client, path=PAGE, visitor='anonymous', other='',
            other_visitor='', **headers):
    """Return the text about differences, None if nothing was compared."""
    html = own(client.get(
        f'{TAB}?path={quote(path)}&visitor={visitor}&other={quote(other)}'
        f'&other_visitor={other_visitor}', 'root', **headers))
    assert html.problems == [] and labels_are_missing(html) == []
    assert html.one('input', id='other')['value'] == other
    texts = [text for text in html.texts if text.strip()]
    return texts[texts.index('Parts that differ') + 1] if (
        'Parts that differ' in texts) else None


def test_what_differs_is_named(site, client):
    set_policy(site, etag='python: view', last_modified=0)
    assert differs(client) is None
    assert differs(client, other=PAGE) == 'none: both requests share a page'
    assert differs(client, other=f'{PAGE}?a=1') == 'URL'
    assert differs(client, other_visitor='anonymous') == (
        'none: both requests share a page')
    assert differs(client, other_visitor='me') == 'partition'
    assert differs(client, visitor='me', other_visitor='anonymous') == (
        'partition')
    set_policy(site, etag='python: member or "nobody"', last_modified=0)
    assert differs(client, other_visitor='me') == (
        'partition, ETag of the policy')
    assert 'path of the content' in differs(
        client, other='/site/page').split(', ')


def test_what_shares_a_page_is_a_hit(site, client):
    path = f'{PAGE}?utm_source=x'
    assert differs(client, other=path) == 'none: both requests share a page'
    client.get(PAGE)
    assert client.get(path).outcome == 'HIT'


def test_a_request_without_a_key_is_not_compared(site, client):
    add_template(site.portal_skins.custom, 'free', '<p>x</p>', associate=False)
    for path, other in (
            (PAGE, '/site/doc/free'), ('/site/doc/free', PAGE)):
        assert 'not known' in differs(client, path, other=other)
    set_policy(site, etag='')
    assert 'not known' in differs(client, other=f'{PAGE}?a=1')


def test_a_wrong_page_to_compare_with_is_named(client):
    html = own(get(
        client, f'{TAB}?path={PAGE}&visitor=me&other=/site/no/page'))
    field = html.one('input', id='other')
    assert 'is-invalid' in field['class']
    assert field['aria-describedby'] == 'other-error'
    assert 'There is no page at this path.' in text_of(html)
    assert 'is-invalid' not in html.one('input', id='path')['class']
    assert 'Parts that differ' not in text_of(html)
    assert html.one('span', **{'class': 'badge badge-warning'})


# as a named user

def as_user(client, path, name, user='root', **more):
    """Return the content of the tab as JSON."""
    query = urlencode({'path': path, 'user': name, **more})
    answer = client.get(f'{TAB}JSON?{query}', user)
    assert answer.status == 200
    return json.loads(answer.text)


def shared_by(found):
    rows = {label: value for section in found['sections']
            for label, value in section['rows']}
    return rows['Shared by']


@pytest.mark.parametrize('path', [PAGE, '/site/doc/v-counting'])
def test_it_tells_of_the_page_that_a_named_user_gets(site, client, path):
    set_policy(site, etag='python: "%s %s" % (member, view)',
               last_modified=0)
    assert as_user(client, path, 'alice')['answer']['word'] == 'MISS'
    assert client.get(path, 'alice').outcome == 'MISS'
    found = as_user(client, path, 'alice')
    assert found['answer']['word'] == 'HIT'
    assert shared_by(found) == (
        'alice only, with the roles Authenticated, Member')
    # neither the administrator nor anonymous visitors have a page
    assert as_user(client, path, '')['answer']['word'] == 'MISS'
    assert as_user(client, path, '', visitor='anonymous')[
        'answer']['word'] == 'MISS'


def test_a_named_user_has_none_of_the_cookies_of_who_asks(client):
    query = urlencode({'path': PAGE, 'user': 'alice'})
    cookies = {'Cookie': 'statusmessages=x'}
    assert 'request-cookie' in own(client.get(
        f'{TAB}?path={PAGE}', 'root', **cookies)).texts
    assert 'request-cookie' not in own(client.get(
        f'{TAB}?{query}', 'root', **cookies)).texts


def test_what_a_named_user_may_not_see_is_not_told(custom, client):
    custom.page.manage_permission('View', ['Manager'])
    assert as_user(client, PAGE, 'root')['answer']['word'] == 'MISS'
    assert as_user(client, PAGE, 'alice') == {
        'error': 'This user may not see this page.'}


def test_what_who_asks_may_not_see_is_not_told_of_others(
        site, custom, client):
    site.manage_role('Member', [
        'View management screens', 'Change cache managers', 'Manage users'])
    site.acl_users.userFolderAddUser('boss', 'boss', ['Manager'], [])
    custom.page.manage_permission('View', ['Manager'])
    assert as_user(client, '/site/doc/fspage', 'boss', 'alice')[
        'answer']['word'] == 'MISS'
    assert as_user(client, PAGE, 'boss')['answer']['word'] == 'MISS'
    assert as_user(client, PAGE, 'boss', 'alice') == {
        'error': 'You may not see this page.'}


def test_users_of_a_folder_that_who_asks_can_not_manage_are_not_known(
        site, client):
    site.manage_role('Member', [
        'View management screens', 'Change cache managers', 'Manage users'])
    assert 'sections' in as_user(client, PAGE, 'bob', 'alice')
    # the user root is in the folder above
    assert 'sections' not in as_user(client, PAGE, 'root', 'alice')


@pytest.mark.parametrize('permissions', [
    ['View management screens'],
    ['View management screens', 'Change cache managers'],
    ['View management screens', 'Manage users']])
def test_asking_for_a_user_takes_two_permissions(site, client, permissions):
    site.manage_role('Member', permissions)
    found = as_user(client, PAGE, 'bob', 'alice')
    assert 'you may not manage this user' in found['error']
    assert 'sections' not in found


def test_an_unknown_user_is_named(client):
    for name in ('nobody', HOSTILE):
        html = own(get(client, f'{TAB}?' + urlencode(
            {'path': PAGE, 'user': name})))
        field = html.one('input', id='user')
        assert field['value'] == name and 'is-invalid' in field['class']
        assert field['aria-describedby'] == 'user-error'
        assert 'There is no such user' in text_of(html)
        assert 'is-invalid' not in html.one('input', id='path')['class']
        assert html.problems == [] and not html.all('section')


def test_users_are_compared(site, client):
    set_policy(site, etag='python: view', last_modified=0)
    found = as_user(client, PAGE, 'alice', other_visitor='me')
    assert ['Parts that differ', 'partition'] in found['sections'][0]['rows']
    found = as_user(client, PAGE, 'alice', other=PAGE)
    assert ['Visitor there', 'alice'] in found['sections'][0]['rows']
    assert found['sections'][0]['rows'][-1][1].startswith('none')


def test_key_and_versions_are_folded(client):
    html = own(ask(client, PAGE))
    assert len(html.all('details')) == 2
    assert not any('open' in found for found in html.all('details'))


# absence of side effects

def traces(site):
    """Return all that a request may change."""
    transaction.begin()
    cache = caches.cache_of(site.page_cache)
    return (
        cache.tally.counts(), cache.pages.counts(), cache.pages.report(),
        cache.lately.counts(), dict(cache.flights._flights),
        len(cache.flights._refused), Item.renders,
        site._p_jar.db().lastTransaction())


@pytest.mark.parametrize('path', [
    PAGE, '/site/doc/fspage', '/site/doc', '/site/doc/v-counting',
    '/site/doc/v-by-method', '/site/doc/v-writing', '/nothing'])
@pytest.mark.parametrize('visitor', ['me', 'anonymous'])
def test_it_leaves_no_trace(site, client, path, visitor):
    for is_stored in (False, True):
        if is_stored:
            client.get(path, 'root')
            client.get(path)
        before = traces(site)
        ask(client, path, visitor)
        assert traces(site) == before


def test_failures_are_not_counted(site, client, monkeypatch):
    before = traces(site)
    set_policy(site, etag='python: 1 / 0')
    ask(client, PAGE)
    monkeypatch.setattr(
        'Products.PageCacheManager.request.lookup._why_not',
        lambda exchange: 1 / 0)
    assert 'error' in told(client, PAGE)['text']
    assert traces(site)[:-1] == before[:-1]


def test_a_page_that_is_too_old_stays_where_it_is(site, client, monkeypatch):
    client.get(PAGE)
    before = traces(site)
    pages = caches.cache_of(site.page_cache).pages
    clock = pages._clock
    monkeypatch.setattr(pages, '_clock', lambda: clock() + 4000)
    assert told(client, PAGE, 'anonymous')['word'] == 'MISS'
    assert traces(site) == before


def test_what_is_written_on_the_way_is_not_kept(site, client, item):
    def visit(self, content, request):
        self.visits = getattr(self, 'visits', 0) + 1
    item('__before_publishing_traverse__', visit)
    before = traces(site)
    page = told(client, '/site/doc/v-counting')
    assert page['word'] == 'BYPASS' and 'wrote-to-database' in page['text']
    assert traces(site) == before
    assert not hasattr(site.doc.aq_base, 'visits')


def test_a_flight_is_not_waited_for(site, client):
    key = []
    flights = caches.cache_of(site.page_cache).flights
    board = flights.board
    flights.board = lambda *args: key.append(args) or board(*args)
    client.get(PAGE)
    site.page_cache.manage_purge()
    transaction.commit()
    assert told(client, PAGE, 'anonymous')['word'] == 'MISS'
    assert len(key) == 1


def test_user_site_and_skin_stay(app, site, custom, client, item):
    seen = []

    def state():
        return getSecurityManager(), getSite(), dict(SKINDATA)

    def ask_inside(self):
        before = state()
        with looked_up(self.REQUEST, '/2nd/doc/page', True) as found:
            shown = dict([
                *rows.of_page(found, site.page_cache),
                *rows.of_key(found.exchange)])
        seen.append((shown, before, state()))
        return ''

    add_site(app, '2nd')
    item('ask_inside', ask_inside)
    add_template(custom, 'asking', '<p tal:content="context/ask_inside"/>')
    assert client.get('/site/doc/asking', 'root').status == 200
    (shown, before, after), = seen
    assert shown['Associated with'] == '/2nd/page_cache (another manager)'
    assert shown['Shared by'] == 'all anonymous visitors'
    assert before == after and before[1].getId() == 'site' and before[2]


def test_a_page_outside_of_the_site_of_the_screen(app, client):
    """No policies are found there by the registry of the site."""
    app._setObject('outer', PageCacheManager('outer'))
    app.outer.manage_editViews([('v-listing',)])
    page = told(client, '/v-listing')
    assert page['word'] == client.get('/v-listing', 'root').outcome
    assert 'no-policy' in page['text']
    assert page['Associated with'] == '/outer (another manager)'


def test_the_skin_is_that_of_the_page(site, custom, client):
    """A thread has one skin: first that of the path to the screen."""
    skins = site.portal_skins
    skins._setObject('bare', Folder('bare'))
    add_template(skins.bare, 'page', '<p>bare</p>')
    skins.addSkinSelection('Bare', 'bare')
    skins.request_varname = 'skin_of'
    transaction.commit()
    page = told(client, f'{PAGE}?skin_of=Bare', tab=TAB)
    assert page['Skin'] == 'Bare'
    assert page['Template'] == '/site/page'


def test_conditions_of_the_browser_do_not_count(client):
    page = client.get(PAGE)
    shown = told(client, PAGE, 'anonymous', If_None_Match=page['ETag'],
                 If_Modified_Since=page['Last-Modified'])
    assert shown['word'] == 'HIT' and 'not-modified' not in shown['text']


class Mark:
    """Marks a request that comes by."""

    def __call__(self, container, request):
        alsoProvides(request, IMobile)


def test_layers_of_the_way_to_the_screen_do_not_count(site, client):
    site._setObject('mobile', Folder('mobile'))
    site.mobile._setObject('doc', Item('doc', 'inner text'))
    registerBeforeTraverse(site.mobile, Mark(), 'mark', 1)
    tab = '/site/mobile/page_cache/manage_explain'
    page = told(client, '/site/doc/v-counting', tab=tab)
    assert page['Class'].endswith('views.Counting')
    site.page_cache.manage_editViews([('v-counting',)])
    page = told(client, '/site/mobile/doc/v-counting')
    assert page['Class'].endswith('views.Mobile')


# virtual hosts

def test_a_virtual_host(app, client):
    VirtualHostMonster().addToContainer(app)
    for root, shown in (('', ''), ('/_vh_a/_vh_b', '/a/b')):
        tab = f'{MOUNTED}{root}/page_cache/manage_explain'
        page = client.get(f'{MOUNTED}{root}/doc/page')
        assert page.outcome == 'MISS'
        for path in (f'{shown}/doc/page',
                     f'http://h.example{shown}/doc/page'):
            found = told(client, path, 'anonymous', tab=tab)
            assert found['word'] == 'HIT'
            assert found['URL'] == f'http://h.example{shown}/doc/page'
            assert found['ETag header'] == page['ETag']
            assert found['Virtual root'] == '/site'
        assert 'opened at http://h.example' in problem(
            client, f'http://localhost:8080{PAGE}', tab=tab)
    assert 'begin with /a/b/' in problem(client, '/doc/page', tab=tab)


def test_a_path_as_a_server_rewrites_it(app, client):
    VirtualHostMonster().addToContainer(app)
    client.get(f'{MOUNTED}/doc/page')
    assert told(client, PAGE, 'anonymous')['word'] == 'MISS'
    page = told(client, f'{MOUNTED}/doc/page', 'anonymous')
    assert page['URL'] == 'http://h.example/doc/page'
    # the host header is that of the screen, and the site does not look at it
    assert page['word'] == 'HIT'


# the result of each policy

def policies(site, *rows):
    """Put policies in place of all others: id, predicate, ETag, date."""
    manager = site.caching_policy_manager
    for name, _ in manager.listPolicies():
        manager.removePolicy(name)
    for name, predicate, etag, date in rows:
        manager.addPolicy(name, predicate, date, 0, 0, 0, 1, '', etag)
    transaction.commit()


def test_each_policy_is_told(site, client):
    policies(
        site,
        ('documents', 'python: False', 'string:a', 'nothing'),
        ('listings', 'python: True', 'string:b', 'nothing'),
        ('others', 'python: True', 'string:c', 'nothing'))
    page = told(client, PAGE)
    assert [page[name] for name in ('documents', 'listings', 'others')] == [
        'no', 'yes; ETag: b', 'not asked']
    html = own(ask(client, PAGE))
    assert html.one('a')['href'] == (
        'http://localhost:8080/site/caching_policy_manager/'
        'manage_cachingPolicies')


@pytest.mark.parametrize(('predicate', 'etag', 'date', 'text'), [
    ('python: obj.x', 'string:a', 'nothing',
     "Predicate fails: NameError: name 'obj' is not defined"),
    ('python: True', 'python: 1 / 0', 'nothing',
     'ETag fails: ZeroDivisionError: division by zero'),
    ('python: True', 'string:a', 'object/nowhere',
     'Mod. time fails: '),
    ('python: True', '', 'nothing', 'yes, without an ETag')])
def test_the_expression_that_fails_is_named(
        site, client, predicate, etag, date, text):
    policies(site, ('one', predicate, etag, date), (
        'two', 'python: True', 'string:b', 'nothing'))
    page = told(client, PAGE)
    assert page['one'].startswith(text)
    assert page['two'] == 'not asked'
    # it is told of requests that are not kept for other reasons, too
    assert told(client, PAGE, Cookie='statusmessages=x')['one'] == page['one']


def test_policies_told_are_those_that_are_asked(site, client):
    """Each answer of the trace is that of the real look-up."""
    for predicate, etag in (
            ('python: False', 'string:a'), ('python: True', ''),
            ("python: view == 'page'", 'string:a')):
        policies(site, ('one', predicate, etag, 'nothing'))
        answer = client.get(PAGE)
        page = told(client, PAGE)
        assert (page['one'].startswith('yes; ETag')) == (
            answer.outcome in ('MISS', 'HIT'))
