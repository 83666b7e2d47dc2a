"""Several Zope clients on one ZEO server: never stale on any of them.

The server and two Zope clients are separate processes.  The tests change them
over HTTP only, as people do.
"""
import re
import shutil
import threading
from html import unescape

import pytest

from .. import zeo_fixtures
from ..zeo import let_on
from ..zeo import until


DATABASE = '/Control_Panel/Database/main'
#: Filesystem template, ZODB template, default view, a page in a shared frame.
PATHS = ('/doc/fspage', '/doc/page', '/doc', '/doc/framed')
HELD = '/doc/held'
OTHER = '/folder/inner/held'
#: Pages of another document.
THIRD = ('/third/held', '/third/page', '/third/fspage')

cluster = zeo_fixtures.make_cluster()
site = zeo_fixtures.site
pair = zeo_fixtures.pair
line = zeo_fixtures.line


def fill(cluster, path):
    """Store a page on every client; return it, with the tag of all."""
    for zope in cluster.zopes:
        zope.get(path)
        page = zope.get(path)
        assert page.outcome == 'HIT', zope.name
    return page


def post(zope, path, status=302, **form):
    answer = zope.post(path, form)
    assert answer.status == status, answer.text[:300]
    return answer


def edit(zope, site, text, status=200, **headers):
    """Edit the document through the web: another text, another date."""
    edit.day += 1
    answer = zope.post(f'{site}/doc/manage_changeProperties', {
        'text': text,
        'changed': f'2021/01/01 00:00:{edit.day % 60:02} GMT'}, **headers)
    assert answer.status == status, answer.text[:300]


edit.day = 0


def edit_unseen(zope, site, text):
    """Edit the document in a way that the policy's ETag does not name."""
    post(zope, f'{site}/doc/manage_changeProperties', 200, text=text)


def edit_template(zope, path, text):
    post(zope, f'{path}/pt_editAction', 200, **{
        'title': '', 'text': text, 'content_type': 'text/html'})


def purge(zope, site):
    post(zope, f'{site}/page_cache/manage_purge')


def invalidate(zope, site, path):
    post(zope, f'{site}/page_cache/manage_invalidate', **{'paths:list': path})


def row_of(zope, site, path):
    """Return the report's row of the page at `path`."""
    text = zope.get(f'{site}/page_cache/manage_stats', 'root').text
    rows = re.findall(r'(?s)<tr.*?</tr>', text)
    row, = (
        row for row in rows
        if f'{site}{path}<' in row and 'paths:list' in row)
    return re.search(r'page:\w+', row)[0]


def undo(zope, what, back=0):
    """Undo a transaction, the last if `back` is 0; check its description."""
    form = zope.get(f'{DATABASE}/manage_UndoForm', 'root').text
    boxes = re.findall(r'name="transaction_info:list" value="([^"]*)"', form)
    chosen = unescape(boxes[back])
    assert what in chosen
    post(zope, f'{DATABASE}/manage_undo_transactions', **{
        'transaction_info:list': chosen})


def is_forgotten(zope, path, page):
    """Return whether `page` is rendered anew.

    A browser may keep its copy only if the new page is equal.
    """
    answer = zope.get(path, If_None_Match=page['ETag'])
    is_same = zope.get(path)['ETag'] == page['ETag']
    return (answer.status, answer.outcome) == (
        304 if is_same else 200, 'MISS')


def is_kept(zope, path, page):
    answer = zope.get(path, If_None_Match=page['ETag'])
    return answer.status == 304 and zope.get(path).outcome == 'HIT'


def others_are_kept(zope, site, pages):
    """Return whether a change left other pages in the cache.

    Sometimes one of them may be lost, but never all of them.
    """
    return any(is_kept(zope, site + path, page)
               for path, page in pages.items())


# packing, which is done first: each test adds a site to the database

def test_packing_harms_nothing(cluster, site, pair):
    packer, other = pair
    invalidate(packer, site, f'{site}/folder')
    purge(packer, site)
    invalidate(packer, site, f'{site}/doc')
    cluster.settle()
    page = fill(cluster, site + HELD)

    def read(zope):
        for _ in range(20):
            assert zope.get(site + HELD).outcome == 'HIT'
            assert zope.get(
                site + HELD, If_None_Match=page['ETag']).status == 304

    in_threads([
        lambda: post(packer, f'{DATABASE}/manage_pack', **{'days:float': 0}),
        lambda: read(packer), lambda: read(other)])
    edit_unseen(packer, site, 'new text')
    invalidate(packer, site, f'{site}/doc')
    cluster.settle()
    for zope in (other, packer):
        answer = zope.get(site + HELD, If_None_Match=page['ETag'])
        assert (answer.status, answer.outcome) == (200, 'MISS')
        assert 'new text' in answer.text


# a change on one client reaches the other

def test_edit_of_content_on_another_client(cluster, site, pair):
    writer, reader = pair
    pages = {path: fill(cluster, site + path) for path in PATHS}
    edit(writer, site, 'from elsewhere')
    cluster.settle()
    for path, page in pages.items():
        answer = reader.get(site + path, If_None_Match=page['ETag'])
        assert (answer.status, answer.outcome) == (200, 'MISS'), path
        assert ('from elsewhere' in answer.text) == (path != '/doc/framed')
        tag = writer.get(site + path)['ETag']
        assert tag == answer['ETag'] != page['ETag'], path


def test_edit_of_a_template_on_another_client(cluster, site, pair):
    writer, reader = pair
    page = fill(cluster, f'{site}/doc/page')
    edit_template(
        writer, f'{site}/portal_skins/custom/page', '<b>another</b>')
    cluster.settle()
    answer = reader.get(f'{site}/doc/page', If_None_Match=page['ETag'])
    assert (answer.status, answer.outcome) == (200, 'MISS')
    assert '<b>another</b>' in answer.text
    answer = reader.get(
        f'{site}/doc/page', If_Modified_Since=page['Last-Modified'])
    assert answer.status == 200


def test_edit_of_a_shared_template_on_another_client(cluster, site, pair):
    writer, reader = pair
    page = fill(cluster, f'{site}/doc/framed')
    edit_template(
        writer, f'{site}/portal_skins/custom/main_template',
        '<html metal:define-macro="m"><b>new frame</b></html>')
    cluster.settle()
    answer = reader.get(f'{site}/doc/framed', If_None_Match=page['ETag'])
    assert (answer.status, answer.outcome) == (200, 'MISS')
    assert 'new frame' in answer.text


def test_purge_on_another_client(cluster, site, pair):
    writer, reader = pair
    pages = {path: fill(cluster, site + path) for path in (*PATHS, OTHER)}
    purge(writer, site)
    cluster.settle()
    for path, page in pages.items():
        assert is_forgotten(reader, site + path, page), path
        assert is_forgotten(writer, site + path, page), path
        answer = reader.get(
            site + path, If_Modified_Since=page['Last-Modified'])
        assert answer.status == 200, path


@pytest.mark.parametrize('what', ['row', 'context', 'template', 'skin path'])
def test_invalidation_on_another_client(cluster, site, pair, what):
    writer, reader = pair
    page = fill(cluster, site + HELD)
    others = {path: fill(cluster, site + path) for path in THIRD}
    invalidate(writer, site, {
        'row': row_of(writer, site, HELD),
        'context': f'{site}/doc',
        'template': f'{site}/held',
        'skin path': f'{site}/portal_skins/custom/held'}[what])
    cluster.settle()
    for zope in (reader, writer):
        assert is_forgotten(zope, site + HELD, page), zope.name
        if what not in ('row', 'context'):
            path = '/third/held'
            assert is_forgotten(zope, site + path, others[path]), zope.name
        assert others_are_kept(zope, site, others), zope.name


def test_a_row_is_the_same_on_every_client(cluster, site):
    fill(cluster, site + HELD)
    rows = {row_of(zope, site, HELD) for zope in cluster.zopes}
    assert len(rows) == 1


# settings

def change(zope, site, **settings):
    post(zope, f'{site}/page_cache/manage_editProps', title='', **settings)


def test_switching_off_and_on_on_another_client(cluster, site, pair):
    writer, reader = pair
    fill(cluster, site + HELD)
    change(writer, site, active='off')
    cluster.settle()
    answer = reader.get(site + HELD)
    assert (answer.status, answer.outcome) == (200, 'OFF')
    change(writer, site, active='on_always')
    cluster.settle()
    assert reader.get(site + HELD).outcome in ('MISS', 'HIT')
    assert reader.get(site + HELD).outcome == 'HIT'


def test_max_age_on_another_client(cluster, site, pair):
    writer, reader = pair
    page = fill(cluster, site + HELD)
    assert 'ttl=3' in page['Cache-Status']
    change(writer, site, max_age='100')
    cluster.settle()
    status = reader.get(site + HELD)['Cache-Status']
    assert int(re.search(r'ttl=(\d+)', status)[1]) <= 100


def test_threshold_on_another_client(cluster, site, pair):
    writer, reader = pair
    for number in range(30):
        reader.get(f'{site}{HELD}?n={number}')
    stats = f'{site}/page_cache/manage_main'
    assert '30 of 10' in reader.get(stats, 'root').text
    change(writer, site, threshold='10')
    cluster.settle()
    reader.get(site + HELD)
    assert re.search(
        r'>\s*10 of 10\s*<', reader.get(stats, 'root').text)


def test_partition_on_another_client(cluster, site, pair):
    writer, reader = pair
    policy = f'{site}/caching_policy_manager'
    post(writer, f'{policy}/updatePolicy', **{
        'policy_id': 'all', 'predicate': 'python: True',
        'mtime_func': 'object/modified', 'max_age_secs': '0',
        'no_cache:int': '0', 'no_store:int': '0', 'public:int': '1',
        'must_revalidate:int': '0', 'vary': '', 'etag_func': 'string:one',
        'enable_304s:int': '1'})
    change(writer, site, partition='etag')
    cluster.settle()
    reader.get(site + HELD, 'alice')
    page = reader.get(site + HELD, 'bob')
    assert page.outcome == 'HIT'
    change(writer, site, partition='user')
    cluster.settle()
    for user in ('alice', 'bob'):
        answer = reader.get(site + HELD, user, If_None_Match=page['ETag'])
        # the same came out for both
        assert (answer.status, answer.outcome) == (304, 'MISS'), user


def test_two_forms_with_settings_sent_at_once(cluster, site):
    """They conflict.  The publisher retries the later one."""
    first, second = cluster.zopes
    fill(cluster, site + HELD)
    before = first.state()['retries']
    path = f'{site}/page_cache/manage_editProps'
    with first.background(
            'post', path, {'title': 'one', 'max_age': '100'},
            X_Hold='commit') as answers:
        waiting = cluster.gate.arrival()
        change(second, site, threshold='20')
        let_on(waiting)
        let_on(cluster.gate.arrival())
    assert answers[0].status == 302
    assert first.state()['retries'] == before + 1
    cluster.settle()
    for zope in cluster.zopes:
        status = zope.get(site + HELD)['Cache-Status']
        assert int(re.search(r'ttl=(\d+)', status)[1]) <= 100
        text = zope.get(f'{site}/page_cache/manage_main', 'root').text
        assert re.search(r' of 20\s*<', text)


# a page that is being made while another client changes something

CHANGES = {
    'purge': purge,
    'invalidation': lambda zope, site: invalidate(zope, site, f'{site}/doc'),
    'edit': lambda zope, site: edit(zope, site, 'new text'),
    'template': lambda zope, site: edit_template(
        zope, f'{site}/portal_skins/custom/held',
        '<i tal:content="context/text">x</i>'),
}


@pytest.mark.parametrize('what', CHANGES)
def test_page_being_rendered_meanwhile_is_not_served_after(
        cluster, site, pair, what):
    writer, reader = pair
    with reader.background('get', site + HELD, X_Hold='render') as answers:
        waiting = cluster.gate.arrival()
        if what != 'edit':
            edit_unseen(writer, site, 'new text')
        CHANGES[what](writer, site)
        cluster.settle()
        # a new request does not wait for the page from before the change
        during = reader.get(site + HELD)
        assert during.outcome == 'MISS' and 'new text' in during.text
        let_on(waiting)
    old = answers[0]
    assert 'first text' in old.text
    for zope in cluster.zopes:
        answer = zope.get(site + HELD, If_None_Match=old['ETag'])
        assert answer.status == 200 and 'new text' in answer.text
        assert 'new text' in zope.get(site + HELD).text


def test_request_that_waits_for_a_page_gets_none_of_before(cluster, site):
    """A request after the purge waits for the page that is made after it."""
    writer, reader = cluster.zopes
    path = site + HELD
    with reader.background('get', path, X_Hold='render') as before:
        of_before = cluster.gate.arrival()
        edit_unseen(writer, site, 'new text')
        purge(writer, site)
        cluster.settle()
        with reader.background('get', path, X_Hold='render') as after:
            of_after = cluster.gate.arrival()
            let_on(of_before)
            until(lambda: before, 'the page of before')
            let_on(of_after)
    assert 'first text' in before[0].text
    assert 'new text' in after[0].text
    assert reader.get(path).body == after[0].body


# tags

@pytest.mark.parametrize('user', [None, 'alice'])
def test_tag_is_the_same_on_every_client(cluster, site, pair, user):
    one, other = pair
    for path in (*PATHS, HELD):
        tag = one.get(site + path, user)['ETag']
        answer = other.get(site + path, user, If_None_Match=tag)
        assert (answer.status, answer['ETag']) == (304, tag), path
        page = other.get(site + path, user)
        assert (page.outcome, page['ETag']) == ('HIT', tag), path
        assert other.head(site + path, user)['ETag'] == tag, path


def test_tag_outlives_a_restart(cluster, site):
    first, second = cluster.zopes
    tags = {path: first.get(site + path)['ETag'] for path in (*PATHS, HELD)}
    purged = fill(cluster, f'{site}/folder/inner/page')
    invalidate(first, site, f'{site}/folder/inner')
    second.stop()
    second.start()
    second.wait()
    cluster.settle()
    for path, tag in tags.items():
        answer = second.get(site + path, If_None_Match=tag)
        # some pages show how often this process rendered
        is_same = second.get(site + path)['ETag'] == tag
        assert answer.status == (304 if is_same else 200), path
        assert is_same or path != HELD
    assert is_forgotten(second, f'{site}/folder/inner/page', purged)


# nothing is written

def test_reading_never_writes(cluster, site):
    fill(cluster, site + HELD)
    last = cluster.last_transaction()
    retries = [zope.state()['retries'] for zope in cluster.zopes]
    for zope in cluster.zopes:
        for path in (*PATHS, f'{HELD}?n=1', '/doc/manage_main'):
            for user in (None, 'root'):
                zope.head(site + path, user)
                page = zope.get(site + path, user)
                zope.get(site + path, user)
                zope.head(site + path, user)
                if page.all('ETag'):
                    zope.get(site + path, user, If_None_Match=page['ETag'])
                zope.get(site + path, user, If_None_Match='*')
                zope.get(site + path, user, Cookie='statusmessages=x')
        for screen in ('manage_main', 'manage_stats',
                       'ZCacheManager_associate'):
            answer = zope.get(f'{site}/page_cache/{screen}', 'root')
            assert answer.status == 200, screen
            zope.head(f'{site}/page_cache/{screen}', 'root')
        assert zope.get(f'{site}/nowhere').status == 404
    assert cluster.last_transaction() == last
    assert [zope.state()['retries'] for zope in cluster.zopes] == retries


def in_threads(actions):
    """Run all at once; raise the error of the first that failed."""
    failures = []

    def run(action):
        try:
            action()
        except BaseException as failure:
            failures.append(failure)
    threads = [
        threading.Thread(target=run, args=(action,), daemon=True)
        for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    if failures:
        raise failures[0]


def test_readers_and_editors_at_once_do_not_conflict(cluster, site):
    """Each reader sees texts in the order of their commits."""
    writer, _ = cluster.zopes
    edit(writer, site, 'number 0')
    cluster.settle()
    retries = [zope.state()['retries'] for zope in cluster.zopes]
    done = threading.Event()

    def write():
        try:
            for number in range(1, 26):
                edit(writer, site, f'number {number}')
        finally:
            done.set()

    def read(zope):
        seen = [0]
        while not done.is_set():
            answer = zope.get(site + HELD)
            assert answer.status == 200
            seen.append(int(re.search(r'number (\d+)', answer.text)[1]))
        assert seen == sorted(seen)

    in_threads([write, *(
        lambda zope=zope: read(zope) for zope in cluster.zopes * 2)])
    cluster.settle()
    for zope in cluster.zopes:
        assert 'number 25' in zope.get(site + HELD).text
    assert [zope.state()['retries'] for zope in cluster.zopes] == retries


# many at once

def test_many_invalidations_at_once_lose_none(cluster, site):
    pages = {}
    for number in range(8):
        path = f'{HELD}?n={number}'
        page = fill(cluster, site + path)
        pages[path] = page, row_of(cluster.zopes[0], site, path)
    in_threads([
        lambda zope=zope, row=row: invalidate(zope, site, row)
        for zope, (_, row) in zip(
            cluster.zopes * 4, pages.values(), strict=True)])
    cluster.settle()
    for zope in cluster.zopes:
        for path, (page, _) in pages.items():
            assert is_forgotten(zope, site + path, page), path


# undo

def test_undo_of_a_purge_brings_no_old_page_back(cluster, site, pair):
    writer, reader = pair
    old = fill(cluster, site + HELD)
    edit_unseen(writer, site, 'new text')
    purge(writer, site)
    cluster.settle()
    between = fill(cluster, site + HELD)
    undo(writer, 'manage_purge')
    cluster.settle()
    for zope in (reader, writer):
        # a page of the time between is as the page of now
        for page, status in ((old, 200), (between, 304)):
            assert zope.get(
                site + HELD, If_None_Match=page['ETag']).status == status
        answer = zope.get(site + HELD)
        assert 'new text' in answer.text


def test_undo_of_settings_on_another_client(cluster, site, pair):
    writer, reader = pair
    fill(cluster, site + HELD)
    change(writer, site, active='off')
    cluster.settle()
    assert reader.get(site + HELD).outcome == 'OFF'
    undo(writer, 'manage_editProps')
    cluster.settle()
    assert reader.get(site + HELD).outcome != 'OFF'
    change(writer, site, max_age='100')
    undo(writer, 'manage_editProps')
    cluster.settle()
    reader.get(site + HELD)
    status = reader.get(site + HELD)['Cache-Status']
    assert int(re.search(r'ttl=(\d+)', status)[1]) > 100


def test_undo_of_an_edit_on_another_client(cluster, site, pair):
    writer, reader = pair
    fill(cluster, site + HELD)
    edit(writer, site, 'a mistake')
    cluster.settle()
    wrong = fill(cluster, site + HELD)
    undo(writer, 'manage_changeProperties')
    cluster.settle()
    answer = reader.get(site + HELD, If_None_Match=wrong['ETag'])
    assert answer.status == 200 and 'first text' in answer.text


@pytest.mark.parametrize('what', ['row', 'context', 'skin path'])
def test_undo_of_an_invalidation_brings_no_old_page_back(
        cluster, site, what):
    """Nor do pages of the time between count."""
    writer, reader = cluster.zopes
    old = fill(cluster, site + HELD)
    edit_unseen(writer, site, 'new text')
    invalidate(writer, site, {
        'row': row_of(writer, site, HELD),
        'context': f'{site}/doc',
        'skin path': f'{site}/portal_skins/custom/held'}[what])
    cluster.settle()
    between = fill(cluster, site + HELD)
    assert between['ETag'] != old['ETag']
    undo(writer, 'manage_invalidate')
    cluster.settle()
    for zope in (reader, writer):
        tags = {'old': old['ETag'], 'between': between['ETag']}
        status = {
            name: zope.get(site + HELD, If_None_Match=tag).status
            for name, tag in tags.items()}
        # a page of the time between is as the page of now
        assert status == {'old': 200, 'between': 304}, zope.name


# the manager itself

def delete(zope, site, name='page_cache'):
    post(zope, f'{site}/manage_delObjects', 200, **{'ids:list': name})


def rename(zope, site, old, new):
    post(zope, f'{site}/manage_renameObject', 200, id=old, new_id=new)


def is_uncached(zope, path):
    return zope.get(path).outcome is None


def test_deleted_manager_on_another_client(cluster, site, pair):
    writer, reader = pair
    fill(cluster, site + HELD)
    delete(writer, site)
    edit_unseen(writer, site, 'new text')
    cluster.settle()
    for zope in (reader, writer):
        assert is_uncached(zope, site + HELD)
        assert 'new text' in zope.get(site + HELD).text


def test_manager_deleted_and_added_again(cluster, site, pair):
    writer, reader = pair
    page = fill(cluster, site + HELD)
    delete(writer, site)
    edit_unseen(writer, site, 'new text')
    post(writer, f'{site}/manage_addProduct/PageCacheManager/'
         'manage_addPageCacheManager', id='page_cache')
    cluster.settle()
    for zope in (reader, writer):
        answer = zope.get(site + HELD, If_None_Match=page['ETag'])
        assert (answer.status, answer.outcome) == (200, 'MISS')
        assert 'new text' in answer.text
        assert zope.get(site + HELD).outcome == 'HIT'


def test_deletion_of_the_manager_undone(cluster, site, pair):
    writer, reader = pair
    page = fill(cluster, site + HELD)
    delete(writer, site)
    cluster.settle()
    assert is_uncached(reader, site + HELD)
    undo(writer, 'manage_delObjects')
    edit(writer, site, 'new text')
    cluster.settle()
    for zope in (reader, writer):
        answer = zope.get(site + HELD, If_None_Match=page['ETag'])
        assert (answer.status, answer.outcome) == (200, 'MISS')
        assert 'new text' in answer.text


def test_copy_takes_the_place_of_the_manager(cluster, site, pair):
    writer, reader = pair
    page = fill(cluster, site + HELD)
    answer = post(writer, f'{site}/manage_copyObjects', 200, **{
        'ids:list': 'page_cache'})
    copied = re.search(r'__cp="?([^";]+)', ' '.join(answer.all('Set-Cookie')))
    answer = writer.post(
        f'{site}/manage_pasteObjects', Cookie=f'__cp={copied[1]}')
    assert answer.status in (200, 302)
    delete(writer, site)
    edit_unseen(writer, site, 'new text')
    rename(writer, site, 'copy_of_page_cache', 'page_cache')
    cluster.settle()
    for zope in (reader, writer):
        answer = zope.get(site + HELD, If_None_Match=page['ETag'])
        assert (answer.status, answer.outcome) == (200, 'MISS')
        assert 'new text' in answer.text


def test_manager_purged_under_another_name(cluster, site, pair):
    writer, reader = pair
    page = fill(cluster, site + HELD)
    rename(writer, site, 'page_cache', 'elsewhere')
    cluster.settle()
    for zope in (reader, writer):
        assert is_uncached(zope, site + HELD)
    edit_unseen(writer, site, 'new text')
    post(writer, f'{site}/elsewhere/manage_purge')
    rename(writer, site, 'elsewhere', 'page_cache')
    cluster.settle()
    for zope in (reader, writer):
        answer = zope.get(site + HELD, If_None_Match=page['ETag'])
        assert (answer.status, answer.outcome) == (200, 'MISS')
        assert 'new text' in answer.text


def move(zope, source, target):
    answer = post(zope, f'{source}/manage_cutObjects', 200, **{
        'ids:list': 'page_cache'})
    cut = re.search(r'__cp="?([^";]+)', ' '.join(answer.all('Set-Cookie')))
    answer = zope.post(
        f'{target}/manage_pasteObjects', Cookie=f'__cp={cut[1]}')
    assert answer.status in (200, 302)


def test_manager_purged_in_another_folder(cluster, site, pair):
    writer, reader = pair
    page = fill(cluster, site + HELD)
    move(writer, site, f'{site}/folder')
    cluster.settle()
    for zope in (reader, writer):
        assert is_uncached(zope, site + HELD)
    edit_unseen(writer, site, 'new text')
    post(writer, f'{site}/folder/page_cache/manage_purge')
    move(writer, f'{site}/folder', site)
    cluster.settle()
    for zope in (reader, writer):
        answer = zope.get(site + HELD, If_None_Match=page['ETag'])
        assert (answer.status, answer.outcome) == (200, 'MISS')
        assert 'new text' in answer.text


def test_manager_exported_and_imported(cluster, site, pair):
    writer, reader = pair
    change(writer, site, max_age='100')
    cluster.settle()
    page = fill(cluster, site + HELD)
    post(writer, f'{site}/manage_exportObject', 200, id='page_cache')
    shutil.move(
        writer.home / 'var' / 'page_cache.zexp',
        reader.home / 'import' / 'page_cache.zexp')
    delete(writer, site)
    edit_unseen(writer, site, 'new text')
    cluster.settle()
    post(reader, f'{site}/manage_importObject', 200, file='page_cache.zexp')
    cluster.settle()
    for zope in (reader, writer):
        answer = zope.get(site + HELD, If_None_Match=page['ETag'])
        assert (answer.status, answer.outcome) == (200, 'MISS')
        assert 'new text' in answer.text
        assert 'ttl=100' in answer['Cache-Status']


# the server goes away

@pytest.mark.parametrize('commits', [1, 15])
def test_line_to_the_server_cut_meanwhile(cluster, site, line, commits):
    """After few commits the server tells the client which objects changed;
    after many the client drops its whole cache."""
    first, second = cluster.zopes
    page = fill(cluster, site + HELD)
    line.cut()
    # without the server it shows the last state that it knew, as without a
    # cache
    cookie = {'Cookie': 'statusmessages=x'}
    assert second.get(site + HELD).body == page.body
    assert second.get(site + HELD, **cookie).body == page.body
    edit_unseen(first, site, 'new text')
    for _ in range(commits):
        invalidate(first, site, f'{site}/doc')
    line.mend()
    cluster.settle()
    answer = second.get(site + HELD, If_None_Match=page['ETag'])
    assert (answer.status, answer.outcome) == (200, 'MISS')
    assert 'new text' in answer.text
    assert second.get(site + HELD).outcome == 'HIT'


def test_page_being_rendered_while_the_line_is_cut(cluster, site, line):
    first, second = cluster.zopes
    with second.background('get', site + HELD, X_Hold='render') as answers:
        waiting = cluster.gate.arrival()
        line.cut()
        edit_unseen(first, site, 'new text')
        purge(first, site)
        line.mend()
        cluster.settle()
        let_on(waiting)
    assert 'first text' in answers[0].text
    answer = second.get(site + HELD, If_None_Match=answers[0]['ETag'])
    assert answer.status == 200 and 'new text' in answer.text


def test_server_gone_and_back(cluster, site):
    """Requests that need the server fail in bounded time; they change nothing.
    """
    first, second = cluster.zopes
    page = fill(cluster, site + HELD)
    cluster.server.stop()
    # the first asks the server before each transaction
    with (first.background('get', site + HELD) as asked,
          second.background(
              'post', f'{site}/page_cache/manage_purge') as purged):
        pass
    assert asked[0].status == purged[0].status == 500
    assert second.get(site + HELD).body == page.body
    cluster.restart_server()
    for zope in cluster.zopes:
        assert is_kept(zope, site + HELD, page), zope.name
    edit_unseen(first, site, 'new text')
    purge(second, site)
    cluster.settle()
    for zope in cluster.zopes:
        answer = zope.get(site + HELD, If_None_Match=page['ETag'])
        assert answer.status == 200 and 'new text' in answer.text


# two at once

@pytest.fixture(scope='module', params=['knowing', 'blind'])
def server(cluster, request):
    """A server that resolves conflicts, and a server without the product."""
    if request.param == 'knowing':
        yield request.param
        return
    cluster.restart_server('blind')
    yield request.param
    cluster.restart_server()


def both_at_once(cluster, site, one, other):
    """Commit the change of `other` just before the change of `one`.

    Each is a method of the manager and a path or None.  Return how often the
    publisher retried the first request.
    """
    first, second = cluster.zopes
    before = first.state()['retries']

    def arguments(method, path):
        form = {'paths:list': path} if path else {}
        return f'{site}/page_cache/{method}', form

    with first.background(
            'post', *arguments(*one), X_Hold='commit') as answers:
        waiting = cluster.gate.arrival()
        path, form = arguments(*other)
        post(second, path, **form)
        let_on(waiting)
        until(lambda: answers or cluster.gate.let_on_again(), 'the first')
    assert answers[0].status == 302
    cluster.settle()
    return first.state()['retries'] - before


def test_two_purges_at_once(cluster, site, server):
    page = fill(cluster, site + HELD)
    retries = both_at_once(
        cluster, site, ('manage_purge', None), ('manage_purge', None))
    assert retries == 0
    for zope in cluster.zopes:
        assert is_forgotten(zope, site + HELD, page)
        assert zope.get(site + HELD).outcome == 'HIT'


def test_two_invalidations_at_once(cluster, site, server):
    pages = {path: fill(cluster, site + path) for path in (HELD, OTHER)}
    others = {path: fill(cluster, site + path) for path in THIRD}
    retries = both_at_once(
        cluster, site,
        ('manage_invalidate', f'{site}/doc'),
        ('manage_invalidate', f'{site}/folder/inner'))
    assert retries == 0
    for zope in cluster.zopes:
        for path, page in pages.items():
            assert is_forgotten(zope, site + path, page), path
        assert others_are_kept(zope, site, others)


@pytest.mark.parametrize('purges_first', [True, False])
def test_purge_and_invalidation_at_once(
        cluster, site, server, purges_first):
    pages = {path: fill(cluster, site + path) for path in (HELD, OTHER)}
    both = [('manage_purge', None), ('manage_invalidate', f'{site}/doc')]
    if not purges_first:
        both.reverse()
    retries = both_at_once(cluster, site, *both)
    assert retries == 0
    for zope in cluster.zopes:
        for path, page in pages.items():
            assert is_forgotten(zope, site + path, page), path
