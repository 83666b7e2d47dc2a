"""Every two operations at once, in both orders, through the publisher.

One request stops at each of its steps in turn.  Another goes all the way
meanwhile, or as far as the database lets it.  Each has its own connection.
The page shows the state of the site, the user, and the number of the render.
"""
import itertools
import logging
import os
import re
import time
from collections import Counter
from typing import NamedTuple

import pytest
import transaction
from AccessControl.SecurityManagement import noSecurityManager
from App.config import getConfiguration
from OFS.Folder import Folder
from Products.CMFCore.Skinnable import SKINDATA
from ZODB.POSException import ConflictError
from zope.component.hooks import setSite
from ZPublisher.HTTPRequest import HTTPRequest

from ... import marks
from ...core.settings import stored
from ...manager import caches
from ...PageCacheManager import PageCacheManager
from .. import interleaving
from .. import layers
from ..client import Client
from ..interleaving import Actor
from ..interleaving import reach
from ..site import Item
from ..site import add_template
from ..site import set_policy


SHOWN = (
    '|<span tal:replace="context/shown" />'
    '|<span tal:replace="user/getId | nothing" />|')

#: The version of a filesystem page's own source, and of the macro in it.
FILE = '%s<tal:m metal:use-macro="context/main_template/macros/m" />' + SHOWN
MACRO = '<tal:m metal:define-macro="m">%s</tal:m>'

URLS = {'zodb': '/site/doc/zpage', 'file': '/site/doc/fspage'}
ROW = '/site/doc'
ELSEWHERE = '/site/folder/inner/zpage'

#: A page of another manager.
OWN = '/site/area/item/zarea'

#: Possible errors of a change if the manager went away meanwhile.
GONE = ('NotFound', 'BadRequest', 'KeyError', 'AttributeError')


class State(NamedTuple):
    """The parts of the site that a page shows."""

    template: str
    text: str
    purged: str
    invalidated: str


class World:
    """The site, the changes in it, and the renders and responses so far."""

    def __init__(self, app, source):
        self.site = app.site
        self.source = source
        self.numbers = itertools.count(1)
        self.committed = set()
        #: Whether pages name a header in Vary.
        self.varies = False
        self.content()
        set_policy(self.site, etag='object/tag')
        self.site._setObject('area', Folder('area'))
        self.site.area._setObject('page_cache', PageCacheManager('page_cache'))
        self.site.area._setObject('item', Item('item', 'of the area'))
        custom = self.site.portal_skins.custom
        add_template(custom, 'zpage', 'Z' + SHOWN)
        add_template(self.site.area, 'zarea', 'A' + SHOWN)
        add_template(custom, 'main_template', MACRO % 'M', associate=False)
        transaction.commit()

    def content(self):
        world = self

        def tag(self):
            reach('policy')
            return self.text

        def shown(self):
            text = self.text
            if world.varies:
                self.REQUEST.RESPONSE.setHeader('Vary', 'X-Theme')
            reach('render')
            number = str(next(world.numbers))
            transaction.get().addAfterCommitHook(
                lambda done: done and world.committed.add(number))
            return '|'.join((
                text, *generation(self.getPhysicalRoot().site), number,
                self.REQUEST.get_header('X-Tenant', '')))

        Item.tag, Item.shown = tag, shown

    def renew(self, kind, **settings):
        """Restore everything, and begin with a new manager."""
        site = self.change()
        if 'page_cache' in site.objectIds():
            site.manage_delObjects(['page_cache'])
        site._setObject('page_cache', PageCacheManager('page_cache'))
        site.page_cache.manage_editProps('', {'late_ms': 0, **settings})
        site.doc.text = self.new('text')
        transaction.commit()
        self.kind = kind
        self.url = URLS[kind]
        self.varies = False
        self.responses = []
        self.committed.clear()
        interleaving.forget()
        if kind == 'file':
            self.write_source()
        transaction.begin()

    def change(self):
        """Return the site, to be changed by the test itself."""
        transaction.begin()
        # a request leaves its own site and user behind
        setSite(self.site)
        noSecurityManager()
        return self.site

    def new(self, what):
        return f'{what}{next(self.numbers)}'

    def write_source(self):
        with open(self.source, 'w') as file:
            file.write(FILE % self.new('F'))
        now = next(self.numbers)
        os.utime(self.source, (now, now))

    def state(self):
        """Return the state that a page would show if it were rendered now."""
        transaction.begin()
        custom = self.site.portal_skins.custom
        if self.kind == 'zodb':
            template = custom.zpage._text.partition('|')[0]
        else:
            with open(self.source) as file:
                template = file.read().partition('<')[0]
            template += re.sub('<.*?>', '', custom.main_template._text)
        found = State(
            template, self.site.doc.text, *generation(self.site))
        transaction.abort()
        return found

    def get(self, url, user='alice', tenant='a'):
        response = Client().get(url, user, X_Tenant=tenant)
        self.responses.append((user, tenant, response))
        return response

    def check(self, response, states, user='alice', tenant='a'):
        """Check that the page shows one of `states`, the user and the tenant.
        """
        *state, number, of_tenant, of_user, _ = map(
            str.strip, response.text.split('|'))
        assert State(*state) in states
        assert (of_user, of_tenant) == (user or '', tenant)
        assert response.status == 200
        assert number in self.committed, 'made in a transaction that failed'


def generation(site):
    """Return the marks of purges and invalidations in the site."""
    manager = site._getOb('page_cache', None)
    if manager is None:
        return 'gone', 'gone'
    marks = manager._purged, manager._invalidated.anything
    for mark in marks:
        mark._p_activate()
    return tuple(mark._p_serial.hex() for mark in marks)


# operations

class Operation(NamedTuple):
    """An operation of a request, and the points where it may stop."""

    act: object
    stops: tuple = ()
    #: Settings that the operation needs.
    settings: dict = {}
    #: Errors that its commits raise.
    errors: tuple = ()
    #: Whether it gets the page, or changes something.
    gets: bool = False
    #: Whether the page is stored before.
    is_stored: bool = True


def get(world):
    return world.get(world.url)


def get_other(world):
    return world.get(world.url + '?x=1')


def get_elsewhere(world):
    return world.get(ELSEWHERE)


def post(path, **form):
    return lambda world: Client().post(path, form)


def set_to(**values):
    return post('/site/page_cache/manage_editProps', title='', **values)


def edit(world):
    if world.kind == 'file':
        name, text = 'main_template', MACRO % world.new('M')
    else:
        name, text = 'zpage', world.new('Z') + SHOWN
    return Client().post(f'/site/portal_skins/custom/{name}/pt_editAction', {
        'title': '', 'text': text, 'content_type': 'text/html'})


def change_content(world):
    return Client().post(
        '/site/doc/manage_changeProperties', {'text': world.new('text')})


def reload(world):
    world.write_source()
    return world.get(world.url + '?reload=1')


FAILS = (ValueError('no room on the disk'),)
CONFLICTS = (ConflictError('once'),)

HIT = ('policy', 'looked', 'captured', 'vote', 'committed')
MISS = (
    'policy', 'looked', 'boarded', 'render', 'captured', 'vote', 'committed',
    'stored', 'landed')
CHANGE = ('captured', 'vote', 'committed')

OPERATIONS = {
    'hit': Operation(get, HIT, gets=True),
    'recent': Operation(get, HIT[1:], {'late_ms': 60_000}, gets=True),
    'miss': Operation(get, MISS, gets=True, is_stored=False),
    'other': Operation(get_other, (), gets=True),
    'purge': Operation(
        post('/site/page_cache/manage_purge'),
        ('traversed', *CHANGE, 'purged')),
    'invalidate': Operation(
        post('/site/page_cache/manage_invalidate', **{'paths:list': ROW}),
        (*CHANGE, 'removed')),
    'evict': Operation(
        get_elsewhere, ('looked', 'render', 'committed', 'stored'),
        {'threshold': 1}, gets=True),
    'threshold': Operation(set_to(threshold='2'), CHANGE),
    'max_age': Operation(set_to(max_age='100'), ('committed',)),
    'partition': Operation(
        set_to(partition='user'), ('captured', 'committed'),
        {'partition': 'etag'}),
    'key': Operation(
        set_to(key_headers='X-Tenant'), ('captured', 'committed')),
    'off': Operation(set_to(active='off'), ('captured', 'committed')),
    'edit': Operation(edit, CHANGE),
    'reload': Operation(reload, ('uncooked', 'cooked', 'render', 'committed'),
                        gets=True),
    'abort': Operation(
        get_other, ('render', 'captured', 'vote', 'failing', 'failed'),
        errors=FAILS, gets=True),
    'conflict': Operation(
        get_other, ('render', 'vote', 'failing', 'failed'),
        errors=CONFLICTS, gets=True),
    'delete': Operation(
        post('/site/manage_delObjects', **{'ids:list': 'page_cache'}),
        (*CHANGE, 'succeeded')),
    'content': Operation(change_content, CHANGE),
}

#: Operations that change settings: between two of them the database decides.
SETTINGS = ('threshold', 'max_age', 'partition', 'key', 'off')


def pairs():
    for first, operation in OPERATIONS.items():
        for stop in operation.stops:
            for second in OPERATIONS:
                is_alike = second in SETTINGS[1:] and not operation.gets
                # the policy is not asked again while a recent answer counts
                is_alike |= (stop, second) == ('policy', 'recent')
                if second != 'miss' and not is_alike:
                    yield first, stop, second


# the oracle

class Watch:
    """Two requests at once, and the check of their results."""

    def __init__(self, world, *names):
        self.world = world
        self.names = names
        self.operations = [OPERATIONS[name] for name in names]
        settings = {}
        for operation in self.operations:
            settings.update(operation.settings)
        world.renew('file' if 'reload' in names else 'zodb', **settings)
        self.actors = []

    def fill(self):
        get(self.world)
        for _ in range(2):  # the second asks nothing, if it may
            assert get(self.world).outcome == 'HIT'

    def actor(self, name, stop_at=None, times=1):
        operation = OPERATIONS[name]
        actor = Actor(
            lambda: operation.act(self.world), stop_at, operation.errors,
            times)
        actor.operation = operation
        self.actors.append(actor)
        return actor

    def waiter(self, leader):
        """Return an actor that requests the page that `leader` renders."""
        actor = Actor(lambda: leader.operation.act(self.world))
        actor.operation = OPERATIONS['other']._replace(
            act=leader.operation.act)
        self.actors.append(actor)
        return actor

    def check_actor(self, actor, states):
        if actor.operation.errors == FAILS:
            # a request that found the page, or waited for it, fails too
            assert actor.error is FAILS[0]
        elif actor.operation.gets:
            assert actor.error is None, actor.error
            self.check_page(actor, states)
        elif actor.error is not None:
            assert 'delete' in self.names
            assert type(actor.error).__name__ in GONE
        else:
            assert actor.result.status in (200, 204, 302, 400, 404)
            assert actor.result.status < 400 or 'delete' in self.names

    def check_page(self, actor, states):
        if actor.operation.act is not get_elsewhere:
            self.world.check(actor.result, states)

    def after(self):
        """See that the site is as it should be, and goes on to be."""
        self.nothing_is_left()
        self.pages_are_new()
        self.nothing_is_left()
        self.counters_add_up()
        self.settings_hold()

    def nothing_is_left(self):
        for cache in interleaving.SeamCache.made:
            assert cache.flights.waiting == 0
            assert cache.flights._flights == {}
        assert interleaving.SeamStore.excesses == []

    def pages_are_new(self):
        world = self.world
        state = world.state()
        manager = world.site._getOb('page_cache', None)
        values = manager.getSettings() if manager is not None else {}
        for url in (world.url, world.url + '?x=1'):
            for _ in range(2):
                answer = world.get(url)
                world.check(answer, [state])
            assert answer.outcome == {
                None: None, 'off': 'OFF'}.get(values.get('active'), 'HIT')
        if values.get('partition') != 'etag':
            for user in ('bob', None):
                world.check(world.get(world.url, user), [state], user)
        if values.get('key_headers'):
            world.check(
                world.get(world.url, tenant='b'), [state], tenant='b')

    def counters_add_up(self):
        counted = Counter()
        for cache in interleaving.SeamCache.made:
            for (word, _), count in cache.tally.counts().items():
                counted[word] += count
            counts = cache.pages.counts()
            rows = cache.pages.report()
            assert counts.entries == sum(row['entries'] for row in rows)
            assert counts.bytes == sum(row['size'] for row in rows)
        failed = counted.pop('FAILED', 0)
        assert counted == Counter(
            answer.outcome for _, _, answer in self.world.responses
            if answer.outcome is not None)
        planned = sum(
            bool(actor.operation.errors) for actor in self.actors)
        assert failed == planned or 'delete' in self.names

    def settings_hold(self):
        transaction.begin()
        manager = self.world.site._getOb('page_cache', None)
        if manager is None:
            return
        settings = stored(manager._settings)
        cache = caches.cache_of(manager)
        assert cache.settings == settings
        assert cache.pages.counts().max_entries == settings.threshold
        if 'max_age' in self.names and settings.active != 'off':
            later = time.time() + 1000
            cache.pages._clock = lambda: later
            cache.flights.forget()
            assert self.world.get(self.world.url).outcome == 'MISS'


@pytest.fixture(scope='class')
def world(zope_class, tmp_path_factory):
    """One site for all pairs: to make a site takes longer than a pair."""
    layers.FUNCTIONAL.testSetUp()
    app = layers.FUNCTIONAL['app']
    setSite(app.site)
    source = str(tmp_path_factory.mktemp('skin') / 'fspage.pt')
    with pytest.MonkeyPatch.context() as patch:
        # each pair writes the marks of another manager
        patch.setattr(marks, 'SHARED_MARKS', 128)
        yield World(app, source)
    del Item.tag, Item.shown
    transaction.abort()
    SKINDATA.clear()
    setSite(None)
    layers.FUNCTIONAL.testTearDown()


@pytest.fixture
def seams(world, monkeypatch):
    """All seams, and no errors in the log."""
    interleaving.install(monkeypatch)
    monkeypatch.setattr(HTTPRequest, 'retry_max_count', 3)
    monkeypatch.setattr(HTTPRequest, 'delay_retry', lambda self: None)
    yield
    interleaving.remove()
    interleaving.forget()


@pytest.fixture
def file_page(world, monkeypatch):
    """A filesystem template with a file of the test."""
    # in debug mode CMF reads the folder anew at the first access
    monkeypatch.setattr(getConfiguration(), 'debug_mode', True)
    template = world.site.portal_skins.fs.fspage.aq_base
    before = dict(vars(template))
    cook = template._cook

    def _cook():
        reach('uncooked')
        cook()
        reach('cooked')
    vars(template).update(_filepath=world.source, _cook=_cook)
    yield
    vars(template).clear()
    vars(template).update(before)


@pytest.fixture
def no_errors(caplog):
    yield
    assert [
        record for record in caplog.get_records('call')
        if record.levelno >= logging.ERROR] == []


@pytest.mark.usefixtures('seams', 'file_page', 'no_errors')
class TestPairs:

    @pytest.mark.parametrize(('first', 'stop', 'second'), list(pairs()))
    def test_one_stops_while_the_other_goes(
            self, world, first, stop, second):
        watch = Watch(world, first, second)
        if OPERATIONS[first].is_stored:
            watch.fill()
        states = [world.state()]
        one = watch.actor(first, stop).begin()
        assert one.is_stopped, f'never came to {stop}'
        states.append(world.state())
        # after its vote a request holds the lock of the database
        locked = stop == 'vote' and not one.operation.gets
        other = watch.actor(second)
        if locked and not other.operation.gets:
            other.stop_at = 'captured'
        other.begin()
        had_ended = other.has_ended
        states.append(world.state())
        one.end()
        if not had_ended:
            states.append(world.state())
        other.end()
        states.append(world.state())
        is_free = one.errors != list(one.operation.errors) or (
            world.kind == 'file')
        watch.check_actor(one, states if is_free else states[:1])
        watch.check_actor(
            other, states[1:2] if had_ended and world.kind == 'zodb'
            else states[1:])
        watch.after()

    # a request leads, others wait, and another operation happens

    @pytest.mark.parametrize('second', [
        name for name in OPERATIONS if name not in ('hit', 'other')])
    @pytest.mark.parametrize('first', ['miss', 'abort', 'conflict'])
    def test_others_wait_for_one_that_stops(self, world, first, second):
        watch = Watch(world, first, second)
        states = [world.state()]
        leader = watch.actor(first, 'render').begin()
        waiting = [watch.waiter(leader).begin() for _ in range(2)]
        assert all(actor.waits for actor in waiting)
        third = watch.actor(second).begin()
        states.append(world.state())
        leader.end()
        for actor in (*waiting, third):
            actor.end()
        states.append(world.state())
        is_file = world.kind == 'file'
        for actor in waiting:
            watch.check_actor(actor, states if is_file else states[:1])
        is_free = is_file or leader.errors != list(leader.operation.errors)
        watch.check_actor(leader, states if is_free else states[:1])
        watch.check_actor(third, states)
        if not is_file:
            one, other = (actor.result.body for actor in waiting)
            assert one == other, 'both rendered'
            assert first != 'miss' or leader.result.body == one
        watch.after()

    def test_no_more_wait_than_may(self, world):
        watch = Watch(world, 'miss')
        world.change().page_cache.manage_editProps('', {'max_waiting': 2})
        transaction.commit()
        state = world.state()
        leader = watch.actor('miss', 'render').begin()
        waiting = [watch.waiter(leader).begin() for _ in range(2)]
        other = watch.waiter(leader).begin()
        assert [actor.waits for actor in waiting] == [True, True]
        assert other.has_ended and other.result.outcome == 'MISS'
        for actor in (leader, *waiting, other):
            actor.end()
            watch.check_actor(actor, [state])
        assert [a.result.outcome for a in waiting] == ['HIT', 'HIT']
        watch.after()

    # between looking for the page and boarding

    def test_who_looked_before_the_page_came_renders_nothing(self, world):
        watch = Watch(world, 'miss')
        state = world.state()
        late = [watch.actor('miss', 'looked').begin() for _ in range(4)]
        page = get(world)
        first, *others = late
        first.go_to('boarded')
        for actor in others:
            actor.go_to('boarded')
            assert actor.waits
        for actor in late:
            actor.end()
        assert {actor.result.body for actor in late} == {page.body}
        assert {actor.result.outcome for actor in late} == {'HIT'}
        world.check(page, [state])
        for cache in interleaving.SeamCache.made:
            assert not cache.flights._refused
        watch.after()

    def test_a_page_that_names_headers_in_vary_is_rendered_once(
            self, world):
        """Requests that wait for it send the same headers (I8)."""
        watch = Watch(world, 'miss')
        world.varies = True
        state = world.state()
        leader = watch.actor('miss', 'render').begin()
        waiting = [watch.waiter(leader).begin() for _ in range(2)]
        bodies = {actor.end().body for actor in (leader, *waiting)}
        assert len(bodies) == 1
        world.check(leader.result, [state])

    def test_a_page_that_names_headers_in_vary_while_it_is_stored(
            self, world):
        """The signpost is there, and the page is not yet."""
        watch = Watch(world, 'miss')
        world.varies = True
        state = world.state()
        leader = watch.actor('miss', 'stored').begin()
        other = watch.waiter(leader).begin()
        leader.end()
        other.end()
        for actor in (leader, other):
            watch.check_actor(actor, [state])
        watch.after()

    # settings come into force

    @pytest.mark.parametrize('times', [1, 2])
    @pytest.mark.parametrize('stop', ['configure', 'configured', 'assigned'])
    def test_settings_in_force_are_of_one_piece(self, world, stop, times):
        """A request that sees the new settings in force sees all of them."""
        watch = Watch(world, 'off')
        watch.fill()
        set_to(active='off')(world)
        one = watch.actor('hit', stop, times).begin()
        other = watch.actor('hit').begin()
        assert one.is_stopped or times > 1
        one.end()
        other.end()
        assert one.result.outcome == other.result.outcome == 'OFF'
        watch.after()

    @pytest.mark.parametrize('stop', ['traversed', 'configure', 'configured'])
    @pytest.mark.parametrize('is_known', [False, True])
    def test_older_settings_never_come_back(self, world, stop, is_known):
        """A request of before the change goes on after, or meanwhile."""
        watch = Watch(world, 'threshold')
        if is_known:
            watch.fill()
        else:
            interleaving.forget()
        older = watch.actor('hit', stop).begin()
        assert older.is_stopped is (stop == 'traversed' or not is_known)
        OPERATIONS['threshold'].act(world)
        newer = watch.actor('hit').begin()
        older.end()
        newer.end()
        cache, = interleaving.SeamCache.made
        assert cache.settings.threshold == 2
        assert cache.pages.counts().max_entries == 2
        watch.after()

    def test_bounds_of_one_manager_keep_no_other_waiting(self, world):
        """To evict a million entries takes seconds."""
        watch = Watch(world, 'threshold')
        watch.fill()
        OPERATIONS['threshold'].act(world)
        one = watch.actor('hit', 'configure').begin()
        other = Actor(lambda: world.get(OWN)).begin()
        had_ended = other.has_ended
        one.end()
        other.end()
        assert one.passed['configured'] and had_ended
        assert other.result.outcome == 'MISS'
        watch.after()

    # the table of caches

    def test_a_manager_goes_while_idle_ones_are_looked_for(self, world):
        watch = Watch(world, 'delete')
        names = ['first_cache', 'second_cache', 'third_cache']
        site = world.change()
        for name in names:
            site._setObject(name, PageCacheManager(name))
        transaction.commit()
        interleaving.forget()
        for name in names:
            caches.cache_of(world.site[name])
        gone = world.site.second_cache.cache_name()
        state = world.state()
        one = watch.actor('hit', 'idle?').begin()
        assert one.is_stopped
        other = Actor(lambda: post(
            '/site/manage_delObjects', **{'ids:list': names[1]})(world))
        other.begin()
        one.end()
        other.end()
        world.change().manage_delObjects([names[0], names[2]])
        transaction.commit()
        assert gone not in list(caches._caches)
        assert one.result.outcome == 'MISS'
        world.check(one.result, [state])
        watch.after()

    @pytest.mark.parametrize('change', ['purge', 'invalidate'])
    def test_a_manager_goes_while_it_is_to_forget(self, world, change):
        watch = Watch(world, change, 'delete')
        watch.fill()
        one = watch.actor(change, 'found').begin()
        assert one.is_stopped
        other = watch.actor('delete').begin()
        one.end()
        other.end()
        watch.check_actor(one, [])
        watch.after()

