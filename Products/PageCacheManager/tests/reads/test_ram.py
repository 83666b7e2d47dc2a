"""Pages with values that plone.memoize keeps in memory."""
import threading
import time
from email.utils import parsedate_to_datetime
from functools import partial
from math import ceil

import pytest
import transaction
from persistent.TimeStamp import TimeStamp
from plone.memoize import ram
from zope.ramcache.ram import RAMCache

from ...reads import freshness
from ...reads import memoized
from ...reads import ram as doors
from ...reads.making import MAX_MAKINGS
from ...reads.making import Values
from ..site import Item
from ..site import add_template
from ..site import set_policy


FIRST, SECOND = '/site/doc/show?n=1', '/site/doc/show?n=2'
NESTED = '/site/doc/nested'


def always(method, context):
    return 'always'


@ram.cache(always)
def part(context):
    """Return a part of pages that is made of another object."""
    context.made()
    return context.aq_parent.folder.inner.text


@ram.cache(always)
def outer(context):
    return f'({context.part()})'


@pytest.fixture
def made(site, monkeypatch):
    """How often the part was made."""
    ram.global_cache.invalidateAll()
    made = []
    for name, function in (
            ('part', part), ('outer', outer),
            ('made', lambda self: made.append(1))):
        monkeypatch.setattr(Item, name, function, raising=False)
        monkeypatch.setattr(Item, f'{name}__roles__', None, raising=False)
    custom = site.portal_skins.custom
    add_template(custom, 'show', '<p tal:content="context/part">text</p>')
    add_template(custom, 'nested', '<p tal:content="context/outer">text</p>')
    set_policy(site, etag="python: 'x'")
    yield made
    ram.global_cache.invalidateAll()


def edit(site, text):
    site.folder.inner.text = text
    transaction.commit()


def test_a_value_is_made_once(client, made):
    assert 'inner text' in client.get(FIRST).text
    assert client.get(SECOND).body == client.get(FIRST).body
    assert len(made) == 1


@pytest.mark.parametrize('path', [FIRST, SECOND])
def test_what_it_was_made_from_counts_for_each_page(
        site, client, made, path):
    client.get(FIRST)
    client.get(SECOND)
    assert client.get(path).outcome == 'HIT'
    edit(site, 'new text')
    answer = client.get(path)
    assert answer.outcome == 'MISS' and 'new text' in answer.text
    assert client.get(path).outcome == 'HIT'


def test_it_is_made_anew_once_for_all_pages(site, client, made):
    client.get(FIRST)
    client.get(SECOND)
    edit(site, 'new text')
    assert 'new text' in client.get(SECOND).text
    assert 'new text' in client.get(FIRST).text
    assert len(made) == 2
    assert client.get(FIRST).outcome == client.get(SECOND).outcome == 'HIT'


def test_a_dear_one_is_not_made_anew_and_no_page_with_it_is_kept(
        site, client, made, monkeypatch):
    monkeypatch.setattr(memoized, 'CHEAP_SECS', 0)
    client.get(FIRST)
    edit(site, 'new text')
    for _ in range(2):
        answer = client.get(SECOND)
        assert answer.outcome == 'MISS' and 'inner text' in answer.text
    assert len(made) == 1


def committed_by_another(context, is_heard=False):
    def commit():
        manager = transaction.TransactionManager()
        connection = context._p_jar.db().open(manager)
        site = connection.root()['Application'].site
        site.folder.inner.text = 'new text'
        manager.commit()
        if is_heard:
            assert freshness.commits.listen(connection) in (
                freshness.commits.numbers())
        connection.close()
    thread = threading.Thread(target=commit)
    thread.start()
    thread.join(10)


def swept(context):
    context._p_jar.cacheMinimize()


def written_to(context):
    context.text = 'first text, again'


@pytest.mark.parametrize('secs', [0, 1])
@pytest.mark.parametrize('act', [
    committed_by_another, partial(committed_by_another, is_heard=True),
    swept, written_to])
def test_it_is_not_known_what_one_was_made_from(
        site, client, made, monkeypatch, act, secs):
    def once(self):
        # the part has read its text by now
        assert self.aq_parent.folder.inner.text
        made.append(1)
        if len(made) == 1:
            act(self)

    monkeypatch.setattr(Item, 'made', once)
    monkeypatch.setattr(memoized, 'CHEAP_SECS', secs)
    client.get(FIRST)
    edit(site, 'new text')
    answers = [client.get(SECOND) for _ in range(2)]
    shown = ['new text' in answer.text for answer in answers]
    if secs:  # the next page has it made anew, and knows it
        assert (shown, len(made)) == ([True, True], 2)
        assert answers[1].outcome == 'HIT'
    else:  # it is dear: Zope gives it, and no page with it is kept
        assert (shown, len(made)) == ([False, False], 1)
        assert answers[1].outcome != 'HIT'


@pytest.mark.parametrize('secs', [0, 1])
def test_a_page_that_fails_leaves_nothing_that_was_never_committed(
        site, client, made, monkeypatch, secs):
    def fail(self):
        self.aq_parent.folder.inner.text = 'never committed'
        return self.part() * self.absent

    monkeypatch.setattr(Item, 'failing', fail, raising=False)
    monkeypatch.setattr(Item, 'failing__roles__', None, raising=False)
    add_template(site.portal_skins.custom, 'fails',
                 '<p tal:content="context/failing">text</p>')
    transaction.commit()
    monkeypatch.setattr(memoized, 'CHEAP_SECS', secs)
    with pytest.raises(AttributeError):
        client.get('/site/doc/fails')
    transaction.abort()
    answers = [client.get(FIRST) for _ in range(2)]
    assert len(made) == 1 + secs
    assert answers[1].outcome == ('HIT' if secs else 'BYPASS')
    assert ('never' in answers[1].text) != bool(secs)


def test_what_it_was_made_from_counts_for_a_value_around_it(
        site, client, made):
    client.get(FIRST)
    client.get(NESTED)
    client.get(f'{NESTED}?n=1')
    assert client.get(f'{NESTED}?n=1').outcome == 'HIT'
    edit(site, 'new text')
    answer = client.get(f'{NESTED}?n=1')
    assert answer.outcome == 'MISS' and '(new text)' in answer.text


def test_its_last_change_is_that_of_the_page(
        site, client, made, monkeypatch):
    client.get(FIRST)
    time.sleep(1.1)  # dates in headers are of whole seconds
    edit(site, 'new text')
    now = time.time() + 5
    monkeypatch.setattr(time, 'time', lambda: now)
    changed = ceil(TimeStamp(site.folder.inner._p_serial).timeTime())
    # pages with the value, with a value made from it, and with that value
    # given
    for path in (FIRST, SECOND, NESTED, f'{NESTED}?n=1'):
        modified = parsedate_to_datetime(client.get(path)['Last-Modified'])
        assert modified.timestamp() == changed, path


def test_a_value_that_was_made_outside_of_pages_has_an_unknown_past(
        site, client, made):
    assert site.doc.part() == 'inner text'
    client.get(FIRST)
    edit(site, 'new text')
    answer = client.get(FIRST)
    assert answer.outcome == 'HIT' and 'inner text' in answer.text


def test_a_value_that_takes_the_place_of_another_is_not_it(
        site, client, made):
    client.get(FIRST)
    cache = ram.store_in_cache(part)
    key = next(iter(ram.global_cache.getStatistics()))['path']
    assert key.endswith('.part')
    cache['Products.PageCacheManager.tests.reads.test_ram.part:always'] = '!'
    assert '!' in client.get(SECOND).text
    edit(site, 'new text')
    assert client.get(SECOND).outcome == 'HIT'


def test_a_failure_is_no_value(site, client, made, monkeypatch):
    def fail(self):
        raise ValueError('not today')
    with monkeypatch.context() as patch:
        patch.setattr(Item, 'made', fail)
        with pytest.raises(ValueError):
            client.get(FIRST)
    assert 'inner text' in client.get(FIRST).text
    edit(site, 'new text')
    assert 'new text' in client.get(FIRST).text


def test_a_failure_of_ours_is_none_of_the_page(
        site, client, made, monkeypatch):
    def fail(*given):
        raise RuntimeError('of ours')
    with monkeypatch.context() as patch:
        patch.setattr(memoized, '_made_from', fail)
        assert 'inner text' in client.get(FIRST).text
    ram.global_cache.invalidateAll()
    client.get('/site/doc/show?n=3')
    with monkeypatch.context() as patch:
        patch.setattr(memoized, '_count', fail)
        for _ in range(2):  # its sources are unknown
            answer = client.get(SECOND)
            assert answer.outcome != 'HIT' and 'inner text' in answer.text
    assert client.get(SECOND).outcome == 'MISS'
    assert client.get(SECOND).outcome == 'HIT'


def test_values_that_are_never_kept_cost_little(
        site, client, made, monkeypatch):
    counts = []
    begin = Values.begin

    def look_in_vain(self):
        cache = ram.store_in_cache(part)
        for number in range(100):
            assert cache.get(f'{number}') is None
        made.append(1)

    def counted(self, *args):
        begin(self, *args)
        counts.append(len(self.makings))

    monkeypatch.setattr(Values, 'begin', counted)
    monkeypatch.setattr(Item, 'made', look_in_vain)
    client.get(FIRST)
    assert len(counts) == 101 and max(counts) == MAX_MAKINGS


def test_a_cache_of_another_kind_is_left_alone(site, client, made):
    class Other:
        def query(self, path, key, default):
            return default

        def set(self, value, path, key):
            raise RuntimeError('it is full')

    adapter = ram.RAMCacheAdapter(Other())
    assert adapter.get('key') is None
    with pytest.raises(RuntimeError):
        adapter['key'] = 'value'


def test_a_cache_of_a_site_has_an_unknown_past(site, client, made):
    """Each connection has a copy of it, and all have the same values."""
    site.cache = RAMCache()
    transaction.commit()
    assert doors._place(ram.RAMCacheAdapter(site.cache), 'key') is None
    adapter = ram.RAMCacheAdapter(site.cache, 'values')
    adapter['key'] = 'value'
    assert adapter['key'] == 'value' and adapter.get('other') is None


def test_few_are_known(site, client, made, monkeypatch):
    monkeypatch.setattr(doors, 'MAX_VALUES', 1)
    client.get(NESTED)
    assert len(doors._known) == 1
