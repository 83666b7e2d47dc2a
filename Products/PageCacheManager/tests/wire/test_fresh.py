"""Never stale: a change of a page makes the next request a miss."""
import threading

import pytest
import transaction
from Acquisition import aq_base
from ZODB.POSException import ConflictError
from ZPublisher.HTTPRequest import HTTPRequest

from ...key import code_version
from ...key import versions
from ...key.versions import version_of
from ...manager import caches
from ..client import Client
from ..site import Item
from ..site import add_template
from ..site import forget_code_version
from ..site import set_policy


PATHS = ('/site/doc/page', '/site/doc/fspage', '/site/doc')
PAGE = PATHS[0]
ZODB = '/site/portal_skins/custom/page'


def fill(client, path=PAGE):
    """Store a page and see it answered."""
    client.get(path)
    page = client.get(path)
    assert page.outcome == 'HIT'
    return page


@pytest.mark.parametrize('path', PATHS)
def test_content_changed_through_the_web(site, client, path):
    page = fill(client, path)
    answer = client.post('/site/doc/manage_changeProperties', {
        'text': 'second text', 'changed': '2021/01/01'})
    assert answer.status == 200
    fresh = client.get(path)
    assert fresh.outcome == 'MISS' and 'second text' in fresh.text
    assert fresh['ETag'] != page['ETag']
    answer = client.get(path, If_None_Match=page['ETag'])
    assert answer.status == 200 and 'second text' in answer.text


def test_template_edited_through_the_web(site, client):
    page = fill(client)
    answer = client.post(f'{ZODB}/pt_editAction', {
        'title': '', 'text': '<b>edited</b>', 'content_type': 'text/html'})
    assert answer.status == 200
    # a browser with the old page must not be told that it is current
    answer = client.get(PAGE, If_None_Match=page['ETag'])
    assert answer.status == 200 and 'edited' in answer.text
    assert client.get(PAGE, If_Modified_Since=page['Last-Modified']
                      ).status == 200


def test_filesystem_template_read_anew(site, client):
    path = '/site/doc/fspage'
    page = fill(client, path)
    template = site.portal_skins.fs.fspage
    old = template.aq_base._text
    try:
        template.aq_base._text = '<i>another source</i>'
        template.aq_base._v_cooked = 0
        answer = client.get(path, If_None_Match=page['ETag'])
        assert answer.status == 200 and answer.outcome == 'MISS'
    finally:
        template.aq_base._text = old
        template.aq_base._v_cooked = 0
    assert client.get(path).body == page.body


@pytest.mark.parametrize(('name', 'value'), [
    ('_proxy_roles', ('Manager',)), ('colour', 'blue'),
    ('_View_Permission', ['Manager', 'Anonymous'])])
def test_metadata_of_a_filesystem_template(
        site, client, monkeypatch, name, value):
    """Zope reads the .metadata file when it starts."""
    path = '/site/doc/fspage'
    page = fill(client, path)
    template = aq_base(site.portal_skins.fs.fspage)
    monkeypatch.setitem(vars(template), name, value)
    answer = client.get(path, If_None_Match=page['ETag'])
    assert (answer.status, answer.outcome) == (200, 'MISS')
    assert answer['ETag'] != page['ETag']


def test_list_in_metadata_changes_in_place(site, monkeypatch):
    template = aq_base(site.portal_skins.fs.fspage)
    roles = ['Manager']
    monkeypatch.setitem(vars(template), '_View_Permission', roles)
    before = version_of(template)
    assert version_of(template) == before
    roles.append('Anonymous')
    assert version_of(template) != before


def test_version_of_a_file_is_worked_out_once(site, monkeypatch):
    template = site.portal_skins.fs.fspage
    before = version_of(template)
    monkeypatch.setattr(versions, 'digest', None)
    assert version_of(template) == before


def test_place_of_a_filesystem_template_does_not_count(
        site, client, monkeypatch):
    """Each client of a database may have it in another folder."""
    template = site.portal_skins.fs.fspage
    before = version_of(template)
    assert version_of(template) == before
    base = aq_base(template)
    moved = f'{base._filepath}.moved'
    monkeypatch.setattr(base, '_updateFromFS', lambda: None, raising=False)
    monkeypatch.setattr(base, '_filepath', moved)
    assert version_of(template) == before


@pytest.mark.parametrize('path', PATHS)
def test_other_code_makes_other_pages(client, monkeypatch, path):
    """Templates call tools and scripts, which come with packages."""
    page = fill(client, path)
    forget_code_version()
    monkeypatch.setattr(code_version, 'distributions', lambda: [])
    answer = client.get(path, If_None_Match=page['ETag'])
    forget_code_version()
    assert (answer.status, answer.outcome) == (200, 'MISS')
    assert answer['ETag'] != page['ETag']


def test_shared_template_edited(site, client):
    custom = site.portal_skins.custom
    add_template(custom, 'main_template', '''<html metal:define-macro="m">
        <b>old</b></html>''', False)
    add_template(custom, 'framed', '''<html
        metal:use-macro="context/main_template/macros/m" />''')
    page = fill(client, '/site/doc/framed')
    custom.main_template.pt_edit(
        '<html metal:define-macro="m"><b>new</b></html>', 'text/html')
    answer = client.get('/site/doc/framed', If_None_Match=page['ETag'])
    assert answer.status == 200 and '<b>new</b>' in answer.text


def test_template_edited_and_rendered_in_one_transaction(site, client):
    def edit(self):
        site = self.aq_parent
        site.portal_skins.custom.page.pt_edit('<u>once</u>', 'text/html')
        return site.doc.page()
    Item.edit = edit
    Item.edit__roles__ = None
    add_template(site.portal_skins.custom, 'editor',
                 '<x tal:replace="structure context/edit" />')
    fill(client)
    try:
        assert '<u>once</u>' in client.get('/site/doc/editor').text
        answer = client.get(PAGE)
        assert answer.outcome == 'MISS' and '<u>once</u>' in answer.text
    finally:
        del Item.edit


def test_purge(site, client):
    page = fill(client)
    assert client.post('/site/page_cache/manage_purge').status == 302
    answer = client.get(PAGE, If_None_Match=page['ETag'])
    assert (answer.status, answer.outcome) == (200, 'MISS')
    assert client.get(PAGE, If_Modified_Since=page['Last-Modified']
                      ).status == 200


def test_purge_in_an_aborted_transaction_never_happened(site, client):
    page = fill(client)
    site.page_cache.manage_purge()
    transaction.abort()
    assert client.get(PAGE).outcome == 'HIT'
    assert client.get(PAGE, If_None_Match=page['ETag']).status == 304


@pytest.mark.parametrize('path', [
    ZODB, '/site/page', '/site/doc', 'row'])
def test_invalidate(site, client, path):
    page = fill(client)
    other = fill(client, '/site/folder/inner/page')
    if path == 'row':
        path, = (
            row['row'] for row in site.page_cache.getCacheReport()
            if row['context_path'] == '/site/doc')
    site.page_cache.manage_invalidate([path])
    transaction.commit()
    is_other_too = path in (ZODB, '/site/page')
    answer = client.get(
        '/site/folder/inner/page', If_None_Match=other['ETag'])
    assert answer.status == (200 if is_other_too else 304)
    caches.forget_all()  # another process has nothing to drop
    answer = client.get(PAGE, If_None_Match=page['ETag'])
    assert (answer.status, answer.outcome) == (200, 'MISS')


def test_invalidate_drops_the_rows(site, client):
    fill(client)
    site.page_cache.manage_invalidate(['/site/doc'])
    transaction.commit()
    assert site.page_cache.getCacheReport() == []


@pytest.mark.parametrize('path', [
    '/site/doc/page', '/site/portal_skins/custom/page'])
def test_invalidate_button_of_the_template(site, client, path):
    page = fill(client)
    answer = client.post(f'{path}/ZCacheable_invalidate')
    assert answer.status == 200
    caches.forget_all()
    answer = client.get(PAGE, If_None_Match=page['ETag'])
    assert answer.status == 200


def test_invalidation_of_a_template_by_code_counts_those_of_its_path(
        site, client):
    """In portal_skins it has another path; the key has its version."""
    fill(client)
    template = site.portal_skins.custom.page
    said = [ob.ZCacheable_invalidate() for ob in (
        template, template.aq_base.__of__(site))]
    assert said == ['0 entries dropped.', '1 entries dropped.']


def test_old_versions_do_not_stay(site, client):
    for _ in range(20):
        site.doc.changed = site.doc.changed + 366
        client.get(PAGE)
    counts = caches.cache_of(site.page_cache).pages.counts()
    assert counts.entries == 1


def test_max_age(site, client, monkeypatch):
    site.page_cache.manage_editProps('', {'max_age': 100})
    fill(client)
    pages = caches.cache_of(site.page_cache).pages
    now = pages._clock()
    monkeypatch.setattr(pages, '_clock', lambda: now + 200)
    caches.cache_of(site.page_cache).flights.forget()
    assert client.get(PAGE).outcome == 'MISS'


# one render (I8)

def in_threads(count, action):
    """Run `action` in threads at once; return the results."""
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(action()))
        for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    return results


@pytest.fixture
def slow(site):
    """A page that renders until `go` is set; `begun` tells that it does."""
    class Slow:
        renders = 0
        begun = threading.Event()
        go = threading.Event()
        fails = 0

    def wait(self):
        Slow.renders += 1
        Slow.begun.set()
        assert Slow.go.wait(20)
        if Slow.fails:
            Slow.fails -= 1
            raise ValueError('rendering failed')
        return 'slow text'

    Item.wait = wait
    add_template(site.portal_skins.custom, 'slow',
                 '<p tal:content="context/wait">x</p>')
    transaction.commit()
    yield Slow
    del Item.wait


def until(condition):
    """Wait until another thread has got somewhere."""
    event = threading.Event()
    for _ in range(2000):
        if condition():
            return
        event.wait(0.01)
    raise AssertionError('waited in vain')


def fetch():
    try:
        return Client().get('/site/doc/slow')
    except ValueError:
        return None


def test_many_requests_render_once(site, slow):
    cache = caches.cache_of(site.page_cache)
    transaction.abort()

    def release():
        until(lambda: cache.flights.waiting == 7)
        slow.go.set()
    threading.Thread(target=release).start()
    answers = in_threads(8, fetch)
    assert slow.renders == 1
    assert {a.body for a in answers} == {b'<p>slow text</p>'}
    assert sorted(a.outcome for a in answers) == ['HIT'] * 7 + ['MISS']
    assert sum('collapsed' in a['Cache-Status'] for a in answers) == 7
    # their wait is not the time of a hit
    times, = cache.tally.times().values()
    assert (times.renders, times.hits) == (1, 0)


def test_one_that_waits_renders_if_the_first_fails(site, slow):
    cache = caches.cache_of(site.page_cache)
    transaction.abort()
    slow.fails = 1

    def release():
        until(lambda: cache.flights.waiting == 3)
        slow.go.set()
    threading.Thread(target=release).start()
    answers = in_threads(4, fetch)
    assert slow.renders == 2
    assert answers.count(None) == 1
    assert sum(a.outcome == 'HIT' for a in answers if a) == 2


def test_a_page_that_cannot_be_stored_is_not_waited_for(site, slow, client):
    slow.go.set()
    add_template(site.portal_skins.custom, 'slow2', '''<p tal:define="
        x python: request.RESPONSE.setCookie('a', 'b')"
        tal:content="context/wait">x</p>''')
    client.get('/site/doc/slow2')
    slow.go.clear()
    cache = caches.cache_of(site.page_cache)
    transaction.abort()
    found = []

    def get():
        found.append(Client().get('/site/doc/slow2'))
    threads = [threading.Thread(target=get) for _ in range(3)]
    for thread in threads:
        thread.start()
    until(lambda: slow.renders == 4)
    assert cache.flights.waiting == 0
    slow.go.set()
    for thread in threads:
        thread.join(20)
    assert len(found) == 3


def test_a_conflict_is_retried_and_stored_once(site, client, monkeypatch):
    monkeypatch.setattr(HTTPRequest, 'retry_max_count', 3)
    class Conflicts:
        left = 1

    def conflict(self):
        if Conflicts.left:
            Conflicts.left -= 1
            raise ConflictError('once')
        return 'after the conflict'
    Item.conflict = conflict
    add_template(site.portal_skins.custom, 'conflicting',
                 '<p tal:content="context/conflict">x</p>')
    try:
        miss = client.get('/site/doc/conflicting')
        assert miss.outcome == 'MISS' and 'after' in miss.text
        assert client.get('/site/doc/conflicting').outcome == 'HIT'
    finally:
        del Item.conflict


@pytest.mark.parametrize('late_ms', [0, 60_000])
def test_policies_are_evaluated_once(site, client, late_ms):
    site.page_cache.manage_editProps('', {'late_ms': late_ms})
    asked = []
    Item.asked = lambda self: asked.append(1) or 'x'
    set_policy(site, etag='python: object.asked()')
    try:
        for path in PATHS:
            for _ in range(2):
                del asked[:]
                assert client.get(path).status == 200
                assert len(asked) == 1
            # while it may be late the same is not asked about again
            times = 0 if late_ms else 1
            del asked[:]
            assert client.get(path, If_None_Match='"x"').status == 200
            assert len(asked) == times
            del asked[:]
            tag = client.get(path)['ETag']
            del asked[:]
            assert client.get(path, If_None_Match=tag).status == 304
            assert len(asked) == times
    finally:
        del Item.asked


def test_reading_never_writes(site, client):
    transaction.commit()
    last = site._p_jar.db().lastTransaction()
    for path in PATHS:
        for user in (None, 'alice'):
            page = client.get(path, user)
            client.get(path, user)
            client.get(path, user, If_None_Match=page['ETag'])
            client.head(path, user)
    client.get('/site/page_cache/manage_stats', 'root')
    assert site._p_jar.db().lastTransaction() == last


@pytest.mark.parametrize('is_of_own_transaction', [False, True])
def test_page_that_reads_by_another_connection_is_not_kept(
        site, client, item, is_of_own_transaction):
    """Such reads are in no ring of the request."""
    def read(self):
        manager = None
        if is_of_own_transaction:
            manager = transaction.TransactionManager()
        connection = self._p_jar.db().open(manager)
        try:
            return connection.root()['Application'].site.folder.other.text
        finally:
            connection.close()

    site.folder._setObject('other', Item('other', 'one'))
    item('read', read)
    add_template(
        site.portal_skins.custom, 'apart', '<p tal:content="here/read"/>')
    set_policy(site, etag='string:same')
    for _ in range(2):
        page = client.get('/site/doc/apart')
        assert 'one' in page.text
        assert page['Cache-Status'].endswith(';detail=reads-unknown')
    site.folder.other.text = 'two'
    transaction.commit()
    assert 'two' in client.get('/site/doc/apart').text
