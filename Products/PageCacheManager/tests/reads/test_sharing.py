"""Pages of other processes: their sources, and whether these changed."""
from contextlib import contextmanager

import pytest
from ZODB.POSException import POSKeyError

from Products.PageCacheManager.core.page import Page
from Products.PageCacheManager.core.page_bytes import from_bytes
from Products.PageCacheManager.core.page_bytes import to_bytes
from Products.PageCacheManager.core.reads.made_from import Answers
from Products.PageCacheManager.core.reads.made_from import MadeFrom
from Products.PageCacheManager.core.reads.portable import MAX_QUESTIONS
from Products.PageCacheManager.core.reads.unknown import Changed
from Products.PageCacheManager.reads import freshness
from Products.PageCacheManager.reads import memoized
from Products.PageCacheManager.reads import search
from Products.PageCacheManager.reads import sharing
from Products.PageCacheManager.reads.recording import Recording
from Products.PageCacheManager.reads.search import Search
from Products.PageCacheManager.reads.thread import thread
from Products.PageCacheManager.reads.zodb import mark_rings

from .databases import Client
from .databases import edit
from .databases import file_db
from .databases import make_commits
from .test_catalog import Site
from .test_catalog import installed  # noqa: F401
from .test_catalog import site  # noqa: F401


PAGE = Page(b'body', (), (), 1_600_000_000, 1.0)


@pytest.fixture
def process(monkeypatch):
    """Return a function that begins another process, which hears of commits
    from then on.
    """
    def begin():
        commits = make_commits()
        for name, value in (
                ('commits', commits), ('table', commits._table),
                ('answers', Answers())):
            monkeypatch.setattr(freshness, name, value)
            monkeypatch.setattr(sharing, name, value)
        return commits
    begin()
    return begin


@pytest.fixture
def databases(tmp_path):
    """Two databases; the first one mounts the second."""
    databases = {}
    for name in ('main', 'other'):
        file_db(tmp_path / f'{name}.fs', databases=databases,
                database_name=name)
        edit(databases[name], **{letter: letter for letter in 'abcd'})
    yield databases
    for one in databases.values():
        one.close()


@contextmanager
def client_of(databases):
    client = Client(databases['main'])
    client.connection.get_connection('other')
    client.begin()
    yield client
    client.close()


@pytest.fixture
def client(databases):
    with client_of(databases) as client:
        yield client


def made(client, main='', other=''):
    """Return the sources of a page that reads these documents."""
    client.begin()
    recording = Recording(freshness.commits, mark_rings(client.connection))
    for name, letters in (('main', main), ('other', other)):
        root = client.connection.connections[name].root()
        for letter in letters:
            root[letter].read()
    found = recording.made_from(freshness.answers)
    assert isinstance(found, MadeFrom)
    return found


def shared(made, connection):
    """Return a page with its sources, as another process reads it."""
    reads = sharing.portable(made, connection)
    assert reads is not None
    return from_bytes(to_bytes(PAGE._replace(made_from=reads), 'e'), 'e')


def adopted(page, client, ask=None):
    recording = Recording(freshness.commits, mark_rings(client.connection))
    return sharing.adopted(page, client.connection, lambda: recording, ask)


def what_changed(page, client, ask=None):
    recording = Recording(freshness.commits, mark_rings(client.connection))
    return freshness.what_changed(
        page.made_from, client.connection, lambda: recording, ask)


@pytest.fixture(params=['hears of the page', 'begins later'])
def other(request, process, client, databases):
    """Return a function that adopts a page of the first process in another.
    """
    before = 'begins' not in request.param
    page = shared(made(client, 'ab', 'c'), client.connection)
    if before:
        commits = process()
        commits.watch(databases['main'])
        commits.watch(databases['other'])

    def adopt(client=client):
        if not before:
            process()
        return adopted(page, client)
    return adopt


def test_a_page_is_adopted(other, client):
    page = other()
    assert page == PAGE._replace(made_from=page.made_from)
    assert page.made_from.changed_at == PAGE.modified
    assert page.made_from.objects.object_count == 5  # with the roots
    assert what_changed(page, client) is None


def test_it_becomes_stale_with_what_it_was_made_from(
        other, client, databases):
    page = other()
    edit(databases['main'], d='new')
    client.begin()
    assert what_changed(page, client) is None
    edit(databases['other'], c='new')
    client.begin()
    assert isinstance(what_changed(page, client), Changed)


@pytest.mark.parametrize('name, letter, is_current', [
    ('main', 'b', False), ('other', 'c', False), ('main', 'c', True)])
def test_an_edit_before_it_is_adopted(
        other, client, databases, name, letter, is_current):
    edit(databases[name], **{letter: 'new'})
    client.begin()
    page = other()
    assert (page is not None) is is_current


@pytest.mark.parametrize('is_loaded', [False, True])
def test_an_edit_that_is_in_no_cache(
        process, client, databases, is_loaded):
    page = shared(made(client, 'ab'), client.connection)
    edit(databases['main'], b='new')
    process()
    with client_of(databases) as later:
        if is_loaded:
            later.root['b'].read()
        else:
            later.connection.cacheMinimize()
        assert adopted(page, later) is None


def test_commits_that_are_heard_of_together(process, client, databases):
    """An idle process hears at once of commits before and after the page."""
    commits = process()
    commits.watch(databases['main'])
    edit(databases['main'], b='new')
    first = process()
    page = shared(made(client, 'ab'), client.connection)
    edit(databases['main'], d='new')
    assert first is not commits
    for name, value in ('commits', commits), ('table', commits._table):
        setattr(freshness, name, value)
        setattr(sharing, name, value)
    client.begin()
    assert adopted(page, client)


def test_a_page_of_a_later_moment_is_a_miss(process, client, databases):
    with client_of(databases) as ahead:
        edit(databases['main'], d='new')
        ahead.begin()
        page = shared(made(ahead, 'ab'), ahead.connection)
        # the client shows an earlier state
        assert adopted(page, client) is None
        client.begin()
        assert adopted(page, client)


def test_the_edit_of_a_moment_that_is_not_shown_yet(
        other, client, databases):
    edit(databases['main'], b='new')
    page = other()
    # the page is right, but other pages may be unknown
    assert page is None or what_changed(page, client) is None


def test_a_database_that_only_has_the_name_is_a_miss(
        process, client, databases, tmp_path):
    page = shared(made(client, 'a'), client.connection)
    twins = {}
    for name in databases:
        file_db(tmp_path / f'twin{name}.fs', databases=twins,
                database_name=name)
        edit(twins[name], **{letter: letter for letter in 'abcd'})
    process()
    with client_of(twins) as twin:
        assert adopted(page, twin) is None
    for one in twins.values():
        one.close()


@pytest.mark.parametrize('change', [
    {'name': 'unknown'}, {'tid': 2**64 - 1}, {'tid': 2**70}, {'tid': -1},
    {'tid': 0}, {'root_tid': 0}, {'oids': (b'\x7f' * 8,)},
    {'oids': (b'\xff' * 8,)}], ids=repr)
def test_reads_of_others_are_a_miss(process, client, databases, change):
    page = shared(made(client, 'ab'), client.connection)
    edit(databases['main'], d='new')  # so that all is looked at
    client.begin()
    reads = page.made_from
    assert len(reads.sources) == 1
    foreign = page._replace(made_from=reads._replace(
        sources=(reads.sources[0]._replace(**change),)))
    process()
    assert adopted(foreign, client) is None
    assert adopted(page, client)


@pytest.mark.parametrize('most, is_taken', [(2, True), (1, False)])
def test_few_objects_are_loaded(
        process, client, databases, monkeypatch, most, is_taken):
    page = shared(made(client, 'ab'), client.connection)
    edit(databases['main'], d='new')
    process()
    monkeypatch.setattr(sharing, 'MAX_LOADS', most)
    with client_of(databases) as cold:
        cold.connection.root()._p_activate()  # as each request does
        assert (adopted(page, cold) is not None) is is_taken


def test_a_storage_that_fails_is_a_miss(
        process, client, databases, monkeypatch):
    page = shared(made(client, 'ab'), client.connection)
    edit(databases['main'], d='new')
    client.begin()
    process()

    def fail(oid):
        raise POSKeyError(oid)
    client.connection.cacheMinimize()
    monkeypatch.setattr(client.connection._normal_storage, 'load', fail)
    assert adopted(page, client) is None


def test_no_object_is_put_into_the_cache(process, client, databases):
    page = shared(made(client, 'ab'), client.connection)
    edit(databases['main'], d='new')
    process()
    with client_of(databases) as cold:
        cold.connection.root()._p_activate()
        cold.connection.connections['other'].root()._p_activate()
        before = cold.connection._cache.cache_non_ghost_count
        assert adopted(page, cold)
        # but for the marker of the recording
        assert cold.connection._cache.cache_non_ghost_count == before + 1


def test_a_page_of_which_the_reads_are_not_known_is_not_shared(
        process, client):
    recording = Recording(freshness.commits, mark_rings(client.connection))
    client.root['a'].read()
    client.connection.cacheMinimize()
    found = recording.made_from(freshness.answers)
    assert sharing.portable(found, client.connection) is None


def test_a_page_without_reads_is_a_miss(process, client):
    assert adopted(PAGE, client) is None
    found = made(client, 'a')
    assert adopted(PAGE._replace(made_from=found), client) is None


# values that code keeps in memory

@contextmanager
def recorded(client):
    client.begin()
    thread.recording = Recording(
        freshness.commits, mark_rings(client.connection))
    try:
        yield thread.recording
    finally:
        thread.recording = None


def with_value(client, known):
    """Return the sources of a page that used a memoized value."""
    with recorded(client) as recording:
        client.root['a'].read()
        memoized.given(known, may_be_dear=False)
        return recording.made_from(freshness.answers)


@pytest.fixture
def known(process, client):
    """The sources of a value, known to this process alone."""
    with recorded(client):
        memoized.missing('key')
        client.root['b'].read()
        return memoized.made('key', 'name')


@pytest.mark.parametrize('letter, is_current', [
    ('a', False), ('b', False), ('c', True)])
def test_what_a_value_was_made_from_counts(
        process, client, databases, known, letter, is_current):
    page = shared(with_value(client, known), client.connection)
    assert page.made_from.asked == ()
    process()
    edit(databases['main'], **{letter: 'new'})
    client.begin()
    assert (adopted(page, client) is not None) is is_current


def test_a_page_with_a_value_of_before_is_not_shared(
        client, databases, known):
    """It is dear, and no other is made in its place."""
    edit(databases['main'], b='new')
    found = with_value(client, known._replace(secs=memoized.CHEAP_SECS))
    assert len(found.asked) == 1
    assert sharing.portable(found, client.connection) is None


# searches

def ask(site):  # noqa: F811
    return lambda question: search.ask(question, site.root)


def render(root):
    return [brain.title for brain in root.catalog(kind='even')]


@pytest.fixture
def page(site, process):  # noqa: F811
    """A page with a search, as another process reads it."""
    found = shared(site.made(render), site.connection)
    process()
    return found


def test_a_search_is_asked_again(site, page):  # noqa: F811
    found = adopted(page, site, ask(site))
    question, = found.made_from.asked
    assert isinstance(question.question, Search)
    assert what_changed(found, site, ask(site)) is None
    site.edit('doc-03', title='another title')
    assert what_changed(found, site, ask(site)) is None
    site.edit('doc-02', title='another title')
    assert what_changed(found, site, ask(site)) == question.question


@pytest.mark.parametrize('name, values, is_current', [
    ('doc-02', {'title': 'another title'}, False),
    ('doc-02', {'kind': 'odd'}, False), ('doc-03', {'kind': 'even'}, False),
    ('doc-03', {'title': 'another title'}, True)])
def test_an_answer_that_changed_before(
        site, page, name, values, is_current):  # noqa: F811
    site.edit(name, **values)
    assert (adopted(page, site, ask(site)) is not None) is is_current


def test_an_answer_that_this_process_knows_is_not_asked_twice(
        site, page):  # noqa: F811
    first = adopted(page, site, ask(site))
    second = adopted(page, site, None)
    assert second.made_from.asked == first.made_from.asked
    site.edit('doc-02', title='another title')
    assert what_changed(second, site, ask(site)) is not None


def test_answers_are_the_same_for_who_wrote_and_who_loads_them(
        site, process):  # noqa: F811
    """In the process that indexed, two equal strings are one object."""
    title = ''.join(['a ', 'title'])
    site.begin()
    item = site.root['doc-02']
    item.title = item.text = title
    site.catalog.catalog_object(item, '/doc-02')
    site.manager.commit()
    thread.recording = Recording(
        freshness.commits, mark_rings(site.connection))
    try:
        render(site.root)
        found = thread.recording.made_from(freshness.answers)
    finally:
        thread.recording = None
    page = shared(found, site.connection)
    process()
    reader = Site(site.database)
    reader.begin()
    assert adopted(page, reader, ask(reader))
    reader.close()


def test_without_a_recording_no_question_is_asked(site, page):  # noqa: F811
    assert sharing.adopted(
        page, site.connection, lambda: None, ask(site)) is None


@pytest.mark.parametrize('change', [
    lambda text: '', lambda text: '[]', lambda text: '[' * 100_000,
    lambda text: 'null', lambda text: text[:-1],
    lambda text: text.replace('"unnamed"', '"other"'),
    lambda text: text.replace('"catalog"', '"gone"'),
    lambda text: text.replace('"catalog"', '"doc-01"'),
    lambda text: text.replace('"catalog"', '"@@view"'),
    lambda text: text.replace('"catalog"', '5'),
    lambda text: text.replace('kind', 'other'),
    lambda text: text.replace('title', 'other'),
    lambda text: text.replace('title', '_p_jar'),
    lambda text: text.replace('even', 'odd')], ids=range(14))
def test_a_question_of_others_is_a_miss(site, page, change):  # noqa: F811
    (text, answer), = page.made_from.asked
    assert change(text) != text
    foreign = page._replace(made_from=page.made_from._replace(
        asked=((change(text), answer),)))
    try:
        assert adopted(foreign, site, ask(site)) is None
    except (TypeError, ValueError, AttributeError):
        pass  # of the search, which counts as a miss
    assert adopted(page, site, ask(site))


def test_a_page_that_asked_too_much_is_not_shared(
        site, process):  # noqa: F811
    found = site.made(render)
    found.asked = found.asked * (MAX_QUESTIONS + 1)
    assert sharing.portable(found, site.connection) is None


def test_text_of_a_question(site, process):  # noqa: F811
    asked, = site.made(render).asked
    text = search.to_text(asked.question, 'main')
    again = search.from_text(text, {'main': asked.question.source})
    assert again == asked.question
    assert search.from_text(text, {'other': 1}) is None


