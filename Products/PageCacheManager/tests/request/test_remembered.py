"""The answer of a moment ago goes to the same request, and to no other."""
import gc
import time
from email.utils import parsedate_to_datetime
from types import FunctionType
from types import ModuleType
from types import SimpleNamespace

import pytest
import transaction
from AccessControl.users import BasicUser
from persistent import Persistent
from ZPublisher.pubevents import PubAfterTraversal

from ...core.http.conditional import format_date
from ...core.recent_answers import Fingerprint
from ...core.recent_answers import RecentAnswers
from ...manager import caches
from ...request import lookup
from ...request import remembered
from ...request import shared_store
from ..client import Filtered
from ..lane_client import LaneClient
from ..site import add_template
from ..site import set_policy
from ..view_cases import COUNTING


PAGE = '/site/doc/page'


@pytest.fixture
def asked(site, client, item):
    """Has an item for each time that the policy is asked."""
    found = []

    def stamp(self):
        found.append(1)
        return 'same'

    item('stamp', stamp)
    site.page_cache.manage_editProps('', {'late_ms': 60_000})
    set_policy(site, etag='python: object.stamp()')
    return found


@pytest.fixture
def warm(client, asked):
    """A page that was asked for until it is answered from memory."""
    for outcome in ('MISS', 'HIT', 'HIT'):
        assert client.get(PAGE).outcome == outcome
    asked.clear()
    return client


def times(asked, function):
    """Return how often the policy is asked meanwhile."""
    before = len(asked)
    assert function().outcome == 'HIT'
    return len(asked) - before


def test_policy_is_not_asked_again(warm, asked):
    assert times(asked, lambda: warm.get(PAGE)) == 0


def test_a_client_that_asks_once_is_not_remembered(warm, asked):
    before = len(caches.recent_answers.table)
    assert times(asked, lambda: warm.get(PAGE, User_Agent='other')) == 1
    assert len(caches.recent_answers.table) == before
    assert times(asked, lambda: warm.get(PAGE, User_Agent='other')) == 1
    assert times(asked, lambda: warm.get(PAGE, User_Agent='other')) == 0


def test_a_client_that_comes_late_is_as_a_new_one(warm, asked):
    seen = caches.recent_answers.seen
    for mark in seen:
        seen[mark] -= remembered.MAX_LATE_SECS
    caches.recent_answers.table.clear()
    for count in 1, 1, 0:
        assert times(asked, lambda: warm.get(PAGE)) == count


def test_few_clients_are_noted(warm, monkeypatch):
    monkeypatch.setattr(remembered, 'MAX_SEEN', 3)
    seen = caches.recent_answers.seen
    for number in range(10):
        warm.get(PAGE, User_Agent=f'client {number}')
        assert 0 < len(seen) <= 3


def test_pages_that_processes_share_are_remembered_too(
        site, client, asked):
    site.page_cache.manage_editProps('', {'store': 'memoize'})
    for _ in range(2):
        client.get(PAGE)
    assert times(asked, lambda: client.get(PAGE)) == 0


def test_the_shared_cache_is_not_asked_more_often(
        site, client, asked, monkeypatch):
    looked = []
    monkeypatch.setattr(
        shared_store, 'adopted', lambda exchange: looked.append(exchange))
    counts = []
    for late_ms in 0, 60_000:
        site.page_cache.manage_editProps(
            '', {'store': 'memoize', 'late_ms': late_ms})
        for _ in range(3):
            client.get(PAGE)
        caches.cache_of(site.page_cache).pages.purge()
        looked.clear()
        assert client.get(PAGE).outcome == 'MISS'
        counts.append(len(looked))
    assert counts[0] == counts[1] > 0


def test_the_first_hit_asks(client, asked):
    client.get(PAGE)
    assert times(asked, lambda: client.get(PAGE)) == 1


def test_nothing_is_remembered_where_the_setting_is_off(
        site, client, asked):
    site.page_cache.manage_editProps('', {'late_ms': 0})
    client.get(PAGE)
    for _ in range(3):
        assert times(asked, lambda: client.get(PAGE)) == 1


def test_it_ends_with_the_setting(site, warm, asked, monkeypatch):
    site.page_cache.manage_editProps('', {'late_ms': 500})
    warm.get(PAGE)
    warm.get(PAGE)
    now = time.time()
    monkeypatch.setattr(remembered.time, 'time', lambda: now + 0.4)
    warm.get(PAGE)  # another answer would be younger
    monkeypatch.setattr(remembered.time, 'time', lambda: now + 0.6)
    assert times(asked, lambda: warm.get(PAGE)) == 1


def test_a_clock_that_goes_back_ends_it(warm, asked, monkeypatch):
    now = time.time()
    monkeypatch.setattr(remembered.time, 'time', lambda: now - 5)
    assert times(asked, lambda: warm.get(PAGE)) == 1


def test_an_answer_that_is_given_again_gets_no_younger(
        site, warm, asked, monkeypatch):
    site.page_cache.manage_editProps('', {'late_ms': 1000})
    start = time.time()
    monkeypatch.setattr(remembered.time, 'time', lambda: start)
    for _ in range(2):  # the page was made from the settings as well
        warm.get(PAGE)
    for later, is_asked in ((0.4, 0), (0.8, 0), (1.1, 1), (1.5, 0), (2.2, 1)):
        monkeypatch.setattr(
            remembered.time, 'time', lambda later=later: start + later)
        assert times(asked, lambda: warm.get(PAGE)) == is_asked, later


def test_a_commit_of_what_is_read_ends_it(site, warm, asked):
    site.folder.title = 'another'
    transaction.commit()
    asked.clear()
    # CMF looks at all that is in the site's root when it traverses that
    assert warm.get(PAGE).outcome == 'MISS'
    assert len(asked) == 1
    assert warm.get(PAGE).outcome == 'HIT'
    assert times(asked, lambda: warm.get(PAGE)) == 0


@pytest.mark.parametrize('user', [None, 'alice'])
def test_commits_of_other_things_end_it_but_once(
        site, client, asked, aside, user):
    for outcome in ('MISS', 'HIT', 'HIT'):
        assert client.get(PAGE, user).outcome == outcome
    aside()
    # the reads for an answer are recorded only when the same request comes
    # again
    assert times(asked, lambda: client.get(PAGE, user)) == 1
    for _ in range(3):
        aside()
        assert times(asked, lambda: client.get(PAGE, user)) == 0
        assert times(asked, lambda: client.get(PAGE, user)) == 0
    site.page_cache.manage_purge()
    transaction.commit()
    assert client.get(PAGE, user).outcome == 'MISS'


@pytest.mark.parametrize('change', [
    'content', 'policy', 'rights', 'roles', 'settings', 'invalidation'])
def test_commits_of_what_is_read_end_it_all_the_same(
        site, client, asked, aside, change):
    for _ in range(3):
        client.get(PAGE, 'alice')
    aside()
    for _ in range(2):
        assert client.get(PAGE, 'alice').outcome == 'HIT'
    if change == 'content':
        site.doc.text = 'another'
    elif change == 'policy':
        set_policy(site, etag='string:another')
    elif change == 'rights':
        site.doc.manage_permission('View', ['Manager'])
    elif change == 'roles':
        site.acl_users.userFolderEditUser('alice', None, ['Manager'], [])
    elif change == 'settings':
        site.page_cache.manage_editProps('', {'key_headers': ['X-Any']})
    else:
        site.page_cache.manage_invalidate(['/site/doc'])
    transaction.commit()
    assert client.get(PAGE, 'alice').outcome != 'HIT'


def test_a_page_is_looked_at_once_the_clock_may_change_it(
        warm, asked, monkeypatch):
    start = time.time()
    monkeypatch.setattr(remembered.freshness, 'until', lambda made: start + 5)
    for _ in range(2):
        warm.get(PAGE, X_Any='1')
    for later, is_asked in ((4, 0), (6, 1)):
        monkeypatch.setattr(
            remembered.time, 'time', lambda later=later: start + later)
        assert times(asked, lambda: warm.get(PAGE, X_Any='1')) == is_asked


def test_the_clock_counts_anew_after_a_commit(
        site, client, asked, aside, monkeypatch):
    start = time.time()
    soon = []
    monkeypatch.setattr(
        remembered.freshness, 'until',
        lambda made: start + (5 if soon else 50))
    for _ in range(3):
        client.get(PAGE)
    aside()
    client.get(PAGE)  # from now on the reads for the answer are known
    soon.append(1)
    aside()
    assert times(asked, lambda: client.get(PAGE)) == 0
    monkeypatch.setattr(remembered.time, 'time', lambda: start + 6)
    assert times(asked, lambda: client.get(PAGE)) == 1


def test_each_request_is_counted_once(site, client, asked, aside):
    """Whether its answer was remembered, is so no more, or is gone."""
    cache = caches.cache_of(site.page_cache)
    pages = cache.pages

    def counted():
        before = pages.counts()
        client.get(PAGE)
        after = pages.counts()
        return after.hits - before.hits, after.misses - before.misses

    assert [counted() for _ in range(3)] == [(0, 1), (1, 0), (1, 0)]
    for _ in range(3):
        aside()
        assert counted() == (1, 0)
    cache.purge()
    assert counted() == (0, 1)


def test_an_edit_is_seen_at_once(site, client, warm):
    set_policy(site, etag='python: object.text')
    for text in ('one', 'two', 'three'):
        site.doc.text = text
        transaction.commit()
        assert client.get(PAGE).outcome == 'MISS'
        for _ in range(2):
            page = client.get(PAGE)
            assert (page.outcome, text in page.text) == ('HIT', True)


def test_a_purge_is_seen_at_once(site, warm):
    site.page_cache.manage_purge()
    transaction.commit()
    assert warm.get(PAGE).outcome == 'MISS'


@pytest.mark.parametrize('header', [
    {'Cookie': 'a=1'}, {'User_Agent': 'other'}, {'Accept_Language': 'de'},
    {'X_Forwarded_For': '10.0.0.1'}, {'Host': 'other'}, {'X_Any': '1'}])
def test_another_request_is_asked_about(warm, asked, header):
    warm.get(PAGE, **header)
    assert asked


@pytest.mark.parametrize('value', [2, 2.5, False, b'2', None])
def test_what_a_filter_says_is_asked_about(warm, asked, value):
    client = Filtered({'site.tenant': value})
    assert times(asked, lambda: client.get(PAGE)) == 1
    assert times(asked, lambda: client.get(PAGE)) == 0


def test_values_of_a_filter_that_are_equal_are_told_apart(warm, asked):
    clients = [Filtered({'site.tenant': value}) for value in (1, True, 1.0)]
    for client in clients:
        assert times(asked, lambda client=client: client.get(PAGE)) == 1


@pytest.mark.parametrize('make', [
    lambda name: {'name': name}, lambda name: (name,),
    lambda name: SimpleNamespace(name=name)])
def test_objects_of_a_filter_are_asked_about(warm, site, item, make):
    """A dict may hold another value each time, under the same name."""
    item('tenant', lambda self: str(self.REQUEST.environ['site.tenant']))
    add_template(
        site.portal_skins.custom, 'of_tenant',
        '<p tal:content="here/tenant"/>')
    set_policy(site, etag='python: object.tenant()')
    for _ in range(4):
        for name in ('one', 'two'):
            page = Filtered({'site.tenant': make(name)}).get(
                '/site/doc/of_tenant')
            assert name in page.text


@pytest.mark.parametrize('name', [
    'waitress.client_disconnected', 'Zope2.httpexceptions'])
def test_objects_of_a_server_are_not(warm, asked, name):
    client = Filtered({name: object()})
    assert times(asked, lambda: client.get(PAGE)) == 0


@pytest.mark.parametrize('put', [
    lambda request, value: request.set('bucket', value),
    lambda request, value: request.form.update(bucket=value)])
def test_what_code_put_into_the_request_is_asked_about(
        warm, site, subscribe, put):
    add_template(
        site.portal_skins.custom, 'of_bucket',
        '<p tal:content="request/bucket"/>')
    set_policy(site, etag='request/bucket')
    values = []
    subscribe(lambda event: put(event.request, values[-1]), PubAfterTraversal)
    for value in ['one', 'one', 'one', 'two', 'one', 'two']:
        values.append(value)
        assert value in warm.get('/site/doc/of_bucket').text


def test_another_query_is_asked_about(warm, asked):
    warm.get(f'{PAGE}?utm_source=a')
    assert asked == [1]


@pytest.mark.parametrize('name', ['If_None_Match', 'If_Modified_Since'])
def test_a_condition_is_looked_at_for_each_request(warm, asked, name):
    page = warm.get(PAGE)
    given = {
        'If_None_Match': [page['ETag'], '"other"'],
        'If_Modified_Since': [
            format_date(time.time() + 60), format_date(0)]}[name]
    found = [
        [warm.get(PAGE, **{name: value}).status for value in given]
        for _ in range(3)]
    assert found == [[304, 200]] * 3
    assert not asked


def test_a_304_has_the_headers_of_the_first(warm, asked):
    tag = warm.get(PAGE)['ETag']
    answers = [warm.get(PAGE, If_None_Match=tag) for _ in range(3)]
    lines = [
        [line for line in answer.lines if line[0] != 'Cache-Status']
        for answer in answers]
    assert lines[0] == lines[1] == lines[2]


def test_a_304_is_not_sent_where_code_locked_the_status(
        warm, asked, subscribe):
    tag = warm.get(PAGE)['ETag']
    for _ in range(2):
        assert warm.get(PAGE, If_None_Match=tag).status == 304
    subscribe(
        lambda event: event.request.response.setStatus(200, lock=True),
        PubAfterTraversal)
    for _ in range(2):
        assert warm.get(PAGE, If_None_Match=tag).status == 200


def test_a_locked_status_is_forgotten(warm, asked, subscribe):
    tag = warm.get(PAGE)['ETag']
    is_locked = [True]

    def lock(event):
        if is_locked:
            event.request.response.setStatus(200, lock=True)

    subscribe(lock, PubAfterTraversal)
    assert warm.get(PAGE, If_None_Match=tag).status == 200
    is_locked.clear()
    assert warm.get(PAGE, If_None_Match=tag).status == 304


def test_users_are_asked_about_apart(site, client, asked):
    found = {}
    for user in (None, 'alice', 'bob', None, 'alice', 'bob') * 2:
        client.get(PAGE, user)
        found[user] = client.get(PAGE, user)
        assert found[user].outcome == 'HIT'
    tags = {answer['ETag'] for answer in found.values()}
    assert len(tags) == 3


def test_a_member_is_asked_about_once(site, client, asked):
    for _ in range(2):
        client.get(PAGE, 'alice')
    assert times(asked, lambda: client.get(PAGE, 'alice')) == 0
    client.get(PAGE, 'bob')
    assert asked[-1:] and times(asked, lambda: client.get(PAGE, 'bob')) == 1


def test_roles_that_are_given_count_at_once(site, client, asked):
    for _ in range(3):
        client.get(PAGE, 'alice')
    site.acl_users.userFolderEditUser('alice', None, ['Manager'], [])
    transaction.commit()
    assert client.get(PAGE, 'alice').outcome == 'MISS'


def test_roles_from_elsewhere_count_at_once(
        site, client, asked, monkeypatch):
    for _ in range(3):
        client.get(PAGE, 'alice')
    kind = BasicUser
    roles = kind.getRolesInContext
    monkeypatch.setattr(
        kind, 'getRolesInContext',
        lambda self, place: [*roles(self, place), 'More'])
    assert client.get(PAGE, 'alice').outcome == 'MISS'


def test_what_is_written_is_asked_about(site, warm, asked, item, subscribe):
    def write(event):
        site = event.request['PARENTS'][-1].site
        site.folder.title = 'written'

    subscribe(write, PubAfterTraversal)
    warm.get(PAGE)
    assert asked == [1]


def test_pages_of_views_as_well(site, viewed, client, item):
    found = []
    item('stamp', lambda self: found.append(1) or 'same')
    set_policy(site, etag='python: object.stamp()')
    for _ in range(2):
        client.get(COUNTING)
    assert times(found, lambda: client.get(COUNTING)) == 0


def test_expires_is_of_the_request(site, client, monkeypatch):
    set_policy(site, etag='string:same', max_age_secs=100)
    for _ in range(2):
        client.get(PAGE)
    now = time.time()
    for later in (0, 0.5):
        monkeypatch.setattr(remembered.time, 'time', lambda: now)
        monkeypatch.setattr(
            lookup.time, 'time', lambda later=later: now + later)
        answer = client.get(PAGE)
        moment = parsedate_to_datetime(answer['Expires']).timestamp()
        assert abs(moment - (now + 100)) <= 1.5


def test_a_long_request_is_not_remembered(warm, asked, site):
    long = {'X_Long': 'x' * remembered.MAX_LENGTH}
    for _ in range(3):
        warm.get(PAGE, **long)
    assert len(asked) == 3


def test_a_page_that_went_is_made_anew(site, warm):
    cache = caches.cache_of(site.page_cache)
    cache.purge()
    assert warm.get(PAGE).outcome == 'MISS'
    assert warm.get(PAGE).outcome == 'HIT'


def test_explain_asks(site, warm, asked):
    answer = warm.get(
        '/site/page_cache/manage_explain?path=/site/doc/page', 'root')
    assert answer.status == 200 and asked


def test_the_fast_lane_remembers_by_itself(site, asked):
    """If the engine did so too, an answer could be late twice."""
    lane = LaneClient()
    for _ in range(3):
        lane.get(PAGE)
    table = remembered.recent_answers
    assert not table.table


def test_nothing_of_a_connection_is_remembered(site, warm):
    table = remembered.recent_answers
    (known,) = table.table.values()
    seen, pending = {}, [(known, ())]
    while pending:
        one, way = pending.pop()
        assert not isinstance(one, Persistent), way
        if id(one) not in seen:
            seen[id(one)] = one
            pending += [
                (other, (*way, type(one))) for other in gc.get_referents(one)
                if not isinstance(other, (type, ModuleType, FunctionType))]
    assert len(seen) > 10


def test_what_clients_send_takes_few_megabytes(site, client, warm):
    """Many requests with long headers, all different."""
    recent_answers = remembered.recent_answers
    for number in range(30):
        for conditions in {}, {'If_None_Match': '"' + 'x' * 60_000 + '"'}:
            found = client.get(
                PAGE, X_Any=f'{number}' + 'x' * 4000, **conditions)
            assert found.outcome == 'HIT'
    assert not any(
        any(one and len(one) > 8000 for one in asked.conditions)
        for asked, *_ in recent_answers.table.values())
    assert recent_answers._bytes >= 30 * 4000


# the table

def question(asked, moment=b'1', at=0.0):
    return Fingerprint((asked,), {'main': moment}, at)


def test_table_is_bounded():
    table = RecentAnswers(max_entries=10)
    for number in range(100):
        table.put(question(number), number, 1, 1)
    found = [table.get(question(number)) for number in (89, 90, 99)]
    assert [one and one[1] for one in found] == [None, 90, 99]


def test_table_is_bounded_in_bytes():
    table = RecentAnswers(max_bytes=100)
    for number in range(100):
        table.put(question(number), number, 1, 30)
    table.put(question(99), 'larger', 1, 60)  # replaces the value of before
    found = [table.get(question(number)) for number in (97, 98, 99)]
    assert [one and one[1] for one in found] == [None, 98, 'larger']
    table.put(question('huge'), 'huge', 1, 101)
    assert table.get(question('huge')) is None


def test_an_answer_that_is_too_old_does_not_count():
    table = RecentAnswers()
    table.put(question('a', at=10), 'answer', 1, 1)
    assert table.get(question('a', b'2', at=10.5)) == (
        question('a', at=10), 'answer')
    for other in 9.9, 11:
        assert table.get(question('a', at=other)) is None
