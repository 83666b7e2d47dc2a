"""The same request again is answered before anything is asked for it."""
import gc
import time

import pytest
import transaction
from AccessControl.users import SimpleUser
from ZODB.POSException import ConflictError
from ZPublisher.HTTPRequest import HTTPRequest
from ZPublisher.pubevents import PubAfterTraversal
from ZPublisher.pubevents import PubBeforeCommit

from ...manager import caches
from ...publisher.sessions import thread
from ...request import remembered
from ...request import sent_again
from ...request import stand_in
from ..site import set_policy
from ..wire.test_faults import error_view  # noqa: F401
from ..wire.test_faults import is_error_page


PAGE = '/site/doc/page'


@pytest.fixture
def opened(monkeypatch):
    """Has an item for each request that is looked up."""
    found = []

    def note(*args):
        found.append(1)
        return plain(*args)

    plain = stand_in.new_exchange
    monkeypatch.setattr(stand_in, 'new_exchange', note)
    return found


@pytest.fixture
def warm(site, client, opened):
    """A client whose next request is answered at once."""
    site.page_cache.manage_editProps('', {'late_ms': 60_000})
    for outcome in ('MISS', 'HIT', 'HIT'):
        assert client.get(PAGE).outcome == outcome
    assert len(opened) == 2
    opened.clear()
    return client


def hit(opened, client, path=PAGE, user=None, **headers):
    """Return a hit, and whether it was looked up."""
    before = len(opened)
    answer = client.get(path, user, **headers)
    assert answer.outcome == 'HIT'
    return answer, len(opened) > before


def is_looked_up(opened, client, *args, **headers):
    return hit(opened, client, *args, **headers)[1]


@pytest.mark.parametrize('user', [None, 'alice'])
@pytest.mark.parametrize('headers', [
    {}, {'Accept_Encoding': 'gzip'}, {'Cookie': 'a=b'}, {'X_Any': '1'}])
def test_it_is_what_was_sent_before(site, client, opened, user, headers):
    site.page_cache.manage_editProps('', {'late_ms': 60_000})
    client.get(PAGE, user, **headers)
    looked_up = [hit(opened, client, PAGE, user, **headers) for _ in range(2)]
    again = [hit(opened, client, PAGE, user, **headers) for _ in range(3)]
    assert looked_up[0][1]
    assert not any(is_new for _, is_new in again)
    for answer, _ in again:
        assert answer.body == looked_up[-1][0].body
        assert answer.status == 200
        assert answer.stable_headers() == looked_up[-1][0].stable_headers()
        assert [name for name, _ in answer.lines] == [
            name for name, _ in looked_up[-1][0].lines]


def test_a_coding_that_came_later(site, client, opened):
    """It may be better than the sent one, so the cache looks up once more."""
    site.page_cache.manage_editProps('', {'late_ms': 60_000})
    site.portal_skins.custom.page.write('<html>' + 'text ' * 2000)
    for _ in range(3):
        client.get(PAGE)
    assert not is_looked_up(opened, client)
    for _ in range(3):
        coded, is_new = hit(opened, client, Accept_Encoding='gzip')
    assert coded['Content-Encoding'] == 'gzip' and not is_new
    assert [is_looked_up(opened, client) for _ in range(3)] == [
        True, False, False]


def test_a_304_likewise(warm, opened):
    tag = warm.get(PAGE)['ETag']
    first, is_new = hit(opened, warm, If_None_Match=tag)
    assert is_new and first.status == 304
    for _ in range(3):
        answer, is_new = hit(opened, warm, If_None_Match=tag)
        assert answer.status == 304 and answer.body == b'' and not is_new
        assert answer.stable_headers() == first.stable_headers()
    assert hit(opened, warm, If_None_Match='"other"')[0].status == 200


def test_what_depends_on_the_time_is_of_now(warm, opened, site, monkeypatch):
    set_policy(site, max_age_secs=60)
    warm.get(PAGE)
    first = hit(opened, warm)[0]
    now = time.time() + 7
    for module in remembered, sent_again:
        monkeypatch.setattr(module.time, 'time', lambda: now)
    later, is_new = hit(opened, warm)
    assert not is_new
    assert later['Expires'] != first['Expires']
    ttl = [
        int(answer['Cache-Status'].partition('ttl=')[2])
        for answer in (first, later)]
    assert 6 <= ttl[0] - ttl[1] <= 8


def test_it_is_counted(warm, site):
    cache = caches.cache_of(site.page_cache)
    tally, stored = cache.tally.counts(), cache.pages.counts()
    times = cache.tally.times()['/site/page']
    for _ in range(3):
        warm.get(PAGE)
    assert cache.tally.counts()['HIT', ''] == tally['HIT', ''] + 3
    assert cache.pages.counts().hits == stored.hits + 3
    assert cache.tally.times()['/site/page'].hits == times.hits + 3
    assert cache.tally.of_policies()['all', 'HIT', ''] == tally[
        'HIT', ''] + 3


# reasons to look up again

def test_any_commit(aside, warm, opened):
    assert not is_looked_up(opened, warm)
    aside()
    assert is_looked_up(opened, warm)


def test_an_edit(warm, site):
    site.doc.text = 'another text'
    answer = warm.get(PAGE)
    assert answer.outcome == 'MISS' and 'another text' in answer.text


def test_time(warm, opened, site, monkeypatch):
    now = time.time()
    monkeypatch.setattr(remembered.time, 'time', lambda: now + 59)
    assert not is_looked_up(opened, warm)
    monkeypatch.setattr(remembered.time, 'time', lambda: now + 61)
    assert is_looked_up(opened, warm)


def test_a_purge(warm, site):
    caches.cache_of(site.page_cache).purge()
    assert warm.get(PAGE).outcome == 'MISS'


def test_a_manager_of_which_nothing_is_held(warm):
    with caches._lock:
        caches._caches.clear()
    gc.collect()
    assert warm.get(PAGE).outcome == 'MISS'


@pytest.mark.parametrize('other', [
    {'user': 'alice'}, {'path': f'{PAGE}?a=1'}, {'Cookie': 'a=b'},
    {'Accept_Language': 'de'}, {'Host': 'other.example'},
    {'REMOTE_ADDR': '10.0.0.1'}, {'Authorization': 'Basic eDp5'}])
def test_another_request(warm, opened, other):
    warm.get(**{'path': PAGE, **other})
    assert opened


def test_another_user_of_the_same_id(warm, opened, site, subscribe):
    for _ in range(4):
        warm.get(PAGE, 'alice')
    opened.clear()
    assert not is_looked_up(opened, warm, PAGE, 'alice')

    def replace(event):
        event.request.other['AUTHENTICATED_USER'] = SimpleUser(
            'alice', '', ['Manager'], []).__of__(site.acl_users)
    subscribe(replace, PubAfterTraversal)
    warm.get(PAGE, 'alice')
    assert opened


def set_header(request):
    request.response.setHeader('X-Theirs', 'new')


def set_cookie(request):
    request.response.setCookie('theirs', 'new')


def add_header(request):
    request.response.addHeader('Vary', 'X-Theirs')


def lock_status(request):
    request.response.setStatus(200, lock=1)


def set_status(request):
    request.response.setStatus(404)


def set_body(request):
    request.response.setBody('theirs')


def compress(request):
    request.response.enableHTTPCompression(request, force=1)


def touch_session(request):
    thread.touches += 1


def note_session(request):
    request.other['SESSION'] = {}


def add_cookie(request):
    request.cookies['statusmessages'] = 'theirs'


def write(request):
    request['PARENTS'][-1].site.doc.written = 1


@pytest.mark.parametrize('act', [
    set_header, set_cookie, add_header, lock_status, set_status, set_body,
    compress, touch_session, note_session, add_cookie, write])
def test_what_other_code_did_before(warm, opened, subscribe, act):
    subscribe(lambda event: act(event.request), PubAfterTraversal)
    warm.get(PAGE)
    assert opened


def test_other_code_that_gets_to_see_the_page(warm, opened, subscribe):
    seen = []
    subscribe(
        lambda event: seen.append(event.request.response.body),
        PubBeforeCommit)
    answer = warm.get(PAGE)
    assert opened and seen == [answer.body]


def test_another_association_of_a_template_in_a_file(client, opened, site):
    """That is in memory alone."""
    site.page_cache.manage_editProps('', {'late_ms': 60_000})
    template = site.portal_skins.fs.fspage
    for _ in range(3):
        client.get('/site/doc/fspage')
    assert not is_looked_up(opened, client, '/site/doc/fspage')
    template.ZCacheable_setManagerId(None)
    try:
        assert client.get('/site/doc/fspage').all('X-PageCache') == []
    finally:
        template.ZCacheable_setManagerId('page_cache')


@pytest.mark.parametrize('values', [
    {'audit_every': 1000}, {'hot_pages': 5}, {'late_ms': 0}])
def test_settings_by_which_each_hit_is_looked_up(
        warm, opened, site, values):
    site.page_cache.manage_editProps('', values)
    warm.get(PAGE)
    for _ in range(3):
        assert is_looked_up(opened, warm)


def test_an_origin_that_others_see(client, opened, viewed):
    from ..view_cases import COUNTING
    for _ in range(3):
        client.get(COUNTING)
    assert is_looked_up(opened, client, COUNTING)


# when the transaction fails

def test_a_conflict_is_tried_again(warm, site, subscribe, monkeypatch):
    monkeypatch.setattr(HTTPRequest, 'retry_max_count', 3)
    monkeypatch.setattr(HTTPRequest, 'delay_retry', lambda self: None)
    tries = []

    def conflict():
        tries.append(1)
        if len(tries) == 1:
            raise ConflictError

    subscribe(
        lambda event: transaction.get().addBeforeCommitHook(conflict),
        PubAfterTraversal)
    answer = warm.get(PAGE)
    assert answer.outcome == 'HIT' and len(tries) == 2
    counts = caches.cache_of(site.page_cache).tally.counts()
    assert counts['FAILED', 'retry'] == 1


def test_an_error_is_not_said_to_be_the_page(
        warm, subscribe, error_view):  # noqa: F811
    def fail():
        raise ValueError('late')

    subscribe(
        lambda event: transaction.get().addBeforeCommitHook(fail),
        PubAfterTraversal)
    answer = warm.get(PAGE)
    assert is_error_page(answer)
    for name in 'ETag', 'X-PageCache', 'Cache-Control', 'Last-Modified':
        assert answer.all(name) == []


def test_a_failure_costs_the_repetition_alone(
        warm, opened, monkeypatch, caplog):
    def fail(*args):
        raise OSError('on purpose')

    monkeypatch.setattr(sent_again.sending, 'send_again', fail)
    assert is_looked_up(opened, warm)
    assert 'The cache failed (answer)' in caplog.text
