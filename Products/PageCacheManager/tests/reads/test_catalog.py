"""Searches of a catalog, as questions that pages have in common."""
import time
from datetime import UTC
from datetime import datetime
from types import SimpleNamespace

import pytest
import transaction
from Acquisition import aq_base
from DateTime import DateTime
from OFS.Application import Application
from OFS.SimpleItem import SimpleItem
from Products.PluginIndexes.DateIndex.DateIndex import DateIndex
from Products.PluginIndexes.DateRangeIndex.DateRangeIndex import DateRangeIndex
from Products.PluginIndexes.FieldIndex.FieldIndex import FieldIndex
from Products.PluginIndexes.KeywordIndex.KeywordIndex import KeywordIndex
from Products.ZCatalog.ZCatalog import ZCatalog
from Testing.makerequest import makerequest

from Products.PageCacheManager.core.reads.made_from import MadeFrom
from Products.PageCacheManager.core.reads.read_set import ReadSet
from Products.PageCacheManager.core.reads.unknown import Changed
from Products.PageCacheManager.core.reads.unknown import Unknown
from Products.PageCacheManager.core.reads.unknown import Why
from Products.PageCacheManager.reads import catalog as module
from Products.PageCacheManager.reads import dates as of_dates
from Products.PageCacheManager.reads import freshness
from Products.PageCacheManager.reads import packing
from Products.PageCacheManager.reads import pointers
from Products.PageCacheManager.reads import search
from Products.PageCacheManager.reads import walk
from Products.PageCacheManager.reads.recording import Recording
from Products.PageCacheManager.reads.search import Search
from Products.PageCacheManager.reads.thread import thread
from Products.PageCacheManager.reads.zodb import mark_rings

from .databases import as_in_another_thread
from .databases import file_db


NAMES = [f'doc-{number:02}' for number in range(60)]

MINUTE = 60
HOUR = 60 * MINUTE


class Content(SimpleItem):
    """Content that searches find."""

    effective = expires = start = None

    def __init__(self, name):
        self.id = name
        self.title = f'Title of {name}'
        self.text = f'Text of {name}'
        self.kind = 'even' if int(name[-2:]) % 2 == 0 else 'odd'
        self.keywords = ['all', name]


class Site:
    """A site with a catalog; it edits content and renders pages."""

    def __init__(self, database):
        self.database = database
        self.manager = transaction.TransactionManager()
        self.connection = database.open(self.manager)

    @property
    def root(self):
        return makerequest(self.connection.root()['Application'])

    @property
    def catalog(self):
        return self.root.catalog

    def begin(self):
        self.manager.begin()

    def close(self):
        self.manager.abort()
        self.connection.close()

    def edit(self, name, **values):
        """Commit new values of a document, and index it, in a connection of
        its own.
        """
        self.edit_meanwhile(name, **values)
        self.begin()

    def edit_meanwhile(self, name, **values):
        """Do the same, but leave the snapshot of this connection as it is."""
        with as_in_another_thread():
            with_other = Site(self.database)
            with_other.begin()
            item = with_other.root[name]
            for key, value in values.items():
                setattr(item, key, value)
            with_other.catalog.catalog_object(item, f'/{name}')
            with_other.manager.commit()
            with_other.begin()
            freshness.commits.listen(with_other.connection)
            with_other.close()

    def made(self, render):
        """Return the sources of a page that `render` makes."""
        self.begin()
        render(self.root)  # loads the objects that only the first render reads
        made = self.recorded(render)
        assert isinstance(made, MadeFrom), made
        assert isinstance(made.objects, ReadSet), made.objects
        return made

    def recorded(self, render):
        """Return the sources, or the reason why they are unknown."""
        self.begin()
        recording = Recording(freshness.commits, mark_rings(self.connection))
        thread.recording = recording
        try:
            render(self.root)
        finally:
            thread.recording = None
        return recording.made_from(freshness.answers)

    def changed(self, made):
        """Return the change that a request in the connection finds, or None.
        """
        recording = Recording(freshness.commits, mark_rings(self.connection))
        root = self.root
        return freshness.what_changed(
            made, self.connection, lambda: recording,
            lambda question: search.ask(question, root))


@pytest.fixture(scope='module', autouse=True)
def installed():
    module.install()
    assert walk.is_cheap()


@pytest.fixture
def site(tmp_path):
    database = file_db(tmp_path / 'Data.fs')
    site = Site(database)
    root = site.connection.root()['Application'] = Application()
    catalog = root._setObject('catalog', ZCatalog('catalog')) and root.catalog
    for index in (
            FieldIndex('kind'), FieldIndex('id'), KeywordIndex('keywords'),
            DateIndex('start'),
            DateRangeIndex('range', 'effective', 'expires')):
        catalog._catalog.addIndex(index.getId(), index)
    for column in 'id', 'title', 'text':
        catalog.addColumn(column)
    for name in NAMES:
        root._setObject(name, Content(name))
        catalog.catalog_object(root[name], f'/{name}')
    site.manager.commit()
    site.begin()
    yield site
    site.close()
    database.close()


def titles(root):
    return [brain.title for brain in root.catalog(kind='even', sort_on='id')]


def paths(root):
    return [brain.getPath() for brain in root.catalog(kind='even')]


def test_only_the_columns_that_were_read_count(site):
    made = site.made(titles)
    site.edit('doc-02', text='another text')
    assert site.changed(made) is None
    site.edit('doc-02', title='another title')
    found = site.changed(made)
    assert isinstance(found, Search)
    assert found.label == "search in /catalog for kind: 'even', sort_on: 'id'"


@pytest.mark.parametrize('render', [titles, paths])
@pytest.mark.parametrize('values, is_current', [
    ({'kind': 'odd'}, False),
    ({'keywords': ['other']}, True),
    ({'text': 'other'}, True),
])
def test_what_a_search_finds_counts(site, render, values, is_current):
    made = site.made(render)
    site.edit('doc-04', **values)
    assert (site.changed(made) is None) is is_current


def test_what_was_committed_during_the_render_is_good_for_the_moment(site):
    def render(root):
        titles(root)
        site.edit_meanwhile('doc-02', title='another title')

    site.made(titles)
    made = site.recorded(render)
    assert made.objects.why == Why.COMMITTED
    assert site.changed(made) is None
    site.begin()
    assert site.changed(made) == Unknown(Why.COMMITTED)


def test_an_answer_that_can_not_be_compared_is_good_for_the_moment(
        site, monkeypatch):
    def fail(value):
        raise TypeError('no pickle')

    with monkeypatch.context() as patch:
        patch.setattr(search, '_pickle_of', fail)
        made = site.recorded(titles)
    assert made.objects.why == Why.ANSWER
    assert site.changed(made) is None
    site.edit('doc-05', text='other')
    assert site.changed(made) == Unknown(Why.ANSWER)


def test_what_it_does_not_find_does_not(site):
    made = site.made(titles)
    site.edit('doc-05', title='another title', text='another text')
    assert site.changed(made) is None
    site.edit('doc-05', kind='even')
    assert isinstance(site.changed(made), Search)


def test_records_beyond_the_first_count_if_they_are_shown(
        site, monkeypatch):
    monkeypatch.setattr(module, 'MAX_ROWS', 3)
    made = site.made(titles)
    few = site.made(lambda root: [
        brain.title for brain in root.catalog(kind='even', sort_on='id')[:5]])
    assert len(made.asked) == len(few.asked) == 1
    site.edit('doc-50', text='other')
    assert site.changed(made) is site.changed(few) is None
    site.edit('doc-50', title='other')
    assert isinstance(site.changed(made), Search)
    assert site.changed(few) is None


def test_the_order_counts(site):
    made = site.made(titles)
    swapped = site.made(lambda root: [
        brain.title for brain in root.catalog(kind='even')])
    site.edit('doc-06', id='zzz')
    assert isinstance(site.changed(made), Search)
    assert site.changed(swapped) is None


def test_a_path_counts(site):
    made = site.made(paths)
    other = Site(site.database)
    other.begin()
    catalog = other.catalog
    rid = catalog.getrid('/doc-08')
    catalog._catalog.paths[rid] = '/moved'
    other.manager.commit()
    other.close()
    site.begin()
    assert isinstance(site.changed(made), Search)


def test_objects_that_brains_give_count_as_objects(site):
    made = site.made(lambda root: [
        brain.getObject().text for brain in root.catalog(id='doc-10')])
    site.edit('doc-12', text='other')
    assert site.changed(made) is None
    site.edit('doc-10', text='other')
    assert isinstance(site.changed(made), Changed)


def test_the_number_of_all_counts_beyond_a_batch(site):
    """Pages say how many there are, and show a few."""
    made = site.made(lambda root: root.catalog(
        kind='even', b_size=5, b_start=0).actual_result_count)
    site.edit('doc-58', text='other')
    assert site.changed(made) is None
    site.edit('doc-58', kind='odd')
    assert isinstance(site.changed(made), Search)


def test_scores_count_if_they_are_read(site):
    """They depend on the order of the indexes in a query."""
    shown = (('title',), (1,))
    one, other = [[(score, 1), (score, 2)] for score in (4, 5)]
    for has_scores, is_same in ((False, True), (True, False)):
        question = Search(1, b'', (), b'', (shown,), has_scores)
        digests = {
            search.digest_of(
                items, 2, {'title': 0}, question, lambda rid: ['x'], None)
            for items in (one, other)}
        assert (len(digests) == 1) is is_same


@pytest.mark.parametrize(('use', 'expected'), [
    (lambda brain: brain.title, False),
    (lambda brain: brain.data_record_score_, True),
    (lambda brain: brain.data_record_normalized_score_, True),
    (lambda brain: brain.getRID(), False)])
def test_it_is_known_whether_scores_are_read(site, use, expected):
    made = site.made(lambda root: [
        use(brain) for brain in root.catalog(kind='even')])
    assert made.asked[0].question.has_scores is expected


def test_a_search_that_finds_nothing_counts(site):
    made = site.made(lambda root: len(root.catalog(kind='none')))
    site.edit('doc-14', title='other')
    assert site.changed(made) is None
    site.edit('doc-14', kind='none')
    assert isinstance(site.changed(made), Search)


@pytest.mark.parametrize('use', [
    lambda brain: brain[0], lambda brain: list(brain.__data__),
    lambda brain: aq_base(brain) == aq_base(brain),
    lambda brain: aq_base(brain) < aq_base(brain),
    lambda brain: brain.__data__[:2], lambda brain: repr(brain.__data__),
    lambda brain: setattr(brain, 'title', 'x') or brain.id])
def test_however_a_brain_is_read_it_counts(site, use):
    made = site.made(lambda root: [
        use(brain) for brain in root.catalog(kind='even')])
    site.edit('doc-16', id='other')
    assert isinstance(site.changed(made), Search)


def test_a_brain_has_a_type_that_nobody_notices(site):
    def render(root):
        brain = root.catalog(id='doc-18')[0]
        assert brain.title == brain['title'] == 'Title of doc-18'
        assert 'title' in brain and brain.has_key('text')  # noqa: W601
        assert brain.getPath() == '/doc-18'
        assert brain.getRID() == root.catalog.getrid('/doc-18')
        assert tuple(brain.__data__)[:1] == ('doc-18',)
        assert isinstance(brain.__data__, tuple)
    site.made(render)


def test_pages_share_a_question_and_its_answer(site):
    one, two = site.made(titles), site.made(titles)
    assert one.asked == two.asked and len(one.asked) == 1
    assert two.size < one.size
    asked = []

    def ask(question):
        asked.append(question)
        return search.ask(question, root)
    site.edit('doc-20', text='other')
    root = site.root
    recording = Recording(freshness.commits, mark_rings(site.connection))
    for made in one, two, one:
        assert freshness.what_changed(
            made, site.connection, lambda: recording, ask) is None
    assert len(asked) == 1


def test_what_an_answer_rests_on_is_worked_out_once(site, monkeypatch):
    """Most pages of Plone do the same searches."""
    added = []
    add = freshness.table.add
    monkeypatch.setattr(
        freshness.table, 'add',
        lambda reads: added.append(reads) or add(reads))
    one = site.made(titles)
    assert len(added) == 2  # of the search, and of the page
    two = site.made(titles)
    assert len(added) == 3 and one.asked == two.asked


def test_known_answer_of_a_page_that_shows_what_changed_meanwhile(site):
    """The known answer is as old as the page that it comes from."""
    def render(root):
        titles(root)
        site.edit_meanwhile('doc-22', title='another title')

    known = site.made(titles)
    made = site.recorded(render)
    assert made.asked == known.asked
    assert site.changed(made) is None
    site.begin()
    assert isinstance(site.changed(made), Search)


def test_an_answer_of_an_older_snapshot_is_none_of_later_ones(site):
    """A connection with an old snapshot keeps its answers to itself."""
    made = site.made(titles)
    other = Site(site.database)
    other.edit('doc-22', text='other')
    other.begin()
    later = Site(site.database)
    later.edit('doc-22', title='another title')
    later.begin()
    # it hears of all commits before `other` asks
    assert isinstance(later.changed(site.made(titles)), type(None))
    assert other.changed(made) is None
    assert isinstance(later.changed(made), Search)
    assert other.changed(made) is None
    for one in other, later:
        one.close()


def test_without_a_recording_it_is_asked_all_the_same(site):
    made = site.made(titles)
    site.edit('doc-24', text='other')
    root = site.root
    for _ in range(2):
        assert freshness.what_changed(
            made, site.connection, lambda: None,
            lambda question: search.ask(question, root)) is None
    site.edit('doc-24', title='other')
    root = site.root
    assert freshness.what_changed(
        made, site.connection, lambda: None,
        lambda question: search.ask(question, root)) is not None


def test_who_can_not_ask_takes_it_for_changed(site):
    made = site.made(titles)
    assert freshness.what_changed(
        made, site.connection, lambda: None, lambda question: None) is None
    site.edit('doc-26', text='other')
    assert isinstance(freshness.what_changed(
        made, site.connection, lambda: None, lambda question: None), Search)


def test_a_catalog_that_is_gone_or_another_one_is_a_change(site):
    for act in (
            lambda root: root._delObject('catalog'),
            lambda root: root._setObject('catalog', ZCatalog('catalog'))):
        made = site.made(lambda root: len(root.catalog(kind='even')) if (
            'catalog' in root.objectIds()) else None)
        other = Site(site.database)
        other.begin()
        act(other.root)
        other.manager.commit()
        other.close()
        site.begin()
        assert site.changed(made) is not None


def test_without_the_walk_objects_count(site, monkeypatch):
    monkeypatch.setattr(pointers, '_layouts', [None])
    made = site.made(titles)
    assert made.asked == ()
    site.edit('doc-28', text='other')
    assert isinstance(site.changed(made), Changed)


@pytest.mark.parametrize('query', [
    {'keywords': {'query': ['doc-30', 'all'], 'operator': 'and'}},
    {'keywords': ('doc-30', 'doc-31')},
    {'kind': 'even', 'sort_on': 'id', 'sort_order': 'reverse',
     'sort_limit': 5},
    {'kind': 'even', 'sort_on': ['kind', 'id']},
    {'kind': 'even', 'b_size': 5, 'b_start': 0},
    {'id': {'not': 'doc-30'}},
])
def test_kinds_of_query(site, query):
    found = []

    def render(root):
        found[:] = [brain.title for brain in root.catalog(**query)]
    made = site.made(render)
    assert found and len(made.asked) == 1
    site.edit('doc-59', text='other')
    assert site.changed(made) is None
    shown = found[0].rpartition(' ')[2]
    site.edit(shown, title='another title')
    assert isinstance(site.changed(made), Search)


def test_a_query_that_can_not_be_asked_again_counts_by_objects(site):
    made = site.made(lambda root: len(root.catalog(kind=object())))
    assert made.asked == ()
    made = site.made(lambda root: [
        brain.title for brain in root.catalog.search({'kind': 'even'},
                                                     merge=False)])
    assert made.asked == ()


def test_a_search_within_an_answer_that_is_asked_again_counts_for_it(site):
    made = site.made(lambda root: [
        other.title for brain in root.catalog(id='doc-32')
        for other in root.catalog(keywords=brain.id)])
    assert len(made.asked) == 2
    site.edit('doc-34', keywords=['doc-32'])
    assert isinstance(site.changed(made), Search)


# dates

@pytest.fixture
def clock(monkeypatch):
    """Let the clock go on; times of DateTime follow it."""
    real = time.time
    clock = SimpleNamespace(ahead=0.0, gmtime=time.gmtime)
    clock.time = lambda: real() + clock.ahead
    monkeypatch.setattr(module, 'time', clock)
    monkeypatch.setattr(freshness, 'time', clock)
    monkeypatch.setattr(
        packing, 'time_of_now',
        lambda kind, zone: DateTime(clock.time()) if kind == 'DateTime'
        else datetime.fromtimestamp(clock.time(), UTC))
    return clock


@pytest.mark.parametrize('dates', [
    {'effective': 2}, {'expires': 2}, {'effective': 2, 'expires': 3}])
@pytest.mark.parametrize('edits', [False, True])
def test_an_answer_ends_with_the_next_date(site, clock, dates, edits):
    site.edit('doc-36', **{
        name: DateTime() + hours / 24 for name, hours in dates.items()})
    made = site.made(lambda root: [
        brain.title for brain in root.catalog(range=DateTime())])
    for ahead, is_current in (
            (0, True), (HOUR, True), (2 * HOUR - 2 * MINUTE, True),
            (2 * HOUR + 2 * MINUTE, False)):
        clock.ahead = ahead
        if edits:  # so that it is asked again
            site.edit('doc-38', text=f'after {ahead} seconds')
        site.begin()
        assert (site.changed(made) is None) is is_current, ahead


@pytest.mark.parametrize('now', [
    DateTime, lambda: datetime.now(UTC)])
@pytest.mark.parametrize('range_', ['min', 'max'])
def test_a_date_in_a_date_index(site, clock, now, range_):
    site.edit('doc-40', start=DateTime() + 2 / 24)
    made = site.made(lambda root: [brain.title for brain in root.catalog(
        start={'query': now(), 'range': range_})])
    for ahead, is_current in (
            (HOUR, True), (2 * HOUR + 2 * MINUTE, False)):
        clock.ahead = ahead
        site.begin()
        assert (site.changed(made) is None) is is_current, ahead


def test_a_date_of_content_is_no_time_of_now(site, clock):
    """It is asked again as it was, however young it is."""
    site.edit('doc-42', start=DateTime())
    def later(root):
        return [brain.title for brain in root.catalog(
            start={'query': root['doc-42'].start, 'range': 'min'})]
    made = site.made(later)
    clock.ahead = 10 * MINUTE
    site.edit('doc-44', start=DateTime() + 1 / 24 / 12)
    assert isinstance(site.changed(made), Search)


@pytest.mark.parametrize('moment', [
    (2026, 1, 1, 0, 0), (2026, 1, 31, 23, 59), (2026, 12, 31, 12, 30),
    (2024, 2, 29, 1, 2), (2026, 12, 1, 0, 0)])
def test_the_key_of_a_date_index(moment):
    secs = datetime(*moment, tzinfo=UTC).timestamp()
    index = DateIndex('start')
    assert of_dates._minute_key(secs) == index._convert(DateTime(secs))
    assert of_dates._secs_of(of_dates._minute_key(secs)) == secs
