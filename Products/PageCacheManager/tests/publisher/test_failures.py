"""Failures that are caught while a page is rendered."""
import logging
import threading
import time

import pytest
from chameleon.tal import ErrorInfo as ChameleonErrorInfo
from Products.Five.viewlet.manager import ViewletManagerBase
from Products.Five.viewlet.viewlet import ViewletBase
from zope.component import getGlobalSiteManager
from zope.interface import Interface
from zope.tales.tales import ErrorInfo as TalesErrorInfo
from zope.viewlet.interfaces import IViewlet
from zope.viewlet.interfaces import IViewletManager

from ...core.http.conditional import format_date
from ...manager import caches
from ...publisher import failures
from ..lane_client import LaneClient
from ..lane_client import warm
from ..site import add_template
from ..site import set_policy
from ..view_cases import ACTING
from ..view_cases import ETAG
from ..view_cases import outcomes


pytestmark = pytest.mark.usefixtures('viewed')

TEMPLATE = '/site/doc/failing'
FSTEMPLATE = '/site/doc/fsfailing'
CALLING = '/site/doc/calling'

PATHS = (TEMPLATE, FSTEMPLATE, ACTING, CALLING)

BROKEN = 'PageCacheManager;fwd=uri-miss;stored;ttl=10;detail=render-error'

logger = logging.getLogger('some.package')


class Manager(ViewletManagerBase):
    """Puts a text in the place of a viewlet that fails, as Plone's does."""

    def render(self):
        return ''.join(map(self._shown, self.viewlets))

    def _shown(self, viewlet):
        try:
            return viewlet.render()
        except Exception:
            logger.exception('Error while rendering %s', viewlet.__name__)
            return 'No feed'


class Feed(ViewletBase):
    __allow_access_to_unprotected_subobjects__ = True

    def render(self):
        return self.context.feed()


class Source:
    """The source of the pages' text; `error` is raised if it is not None."""

    error = None

    def read(self, ob=None):
        if self.error is not None:
            raise self.error
        return 'news'


@pytest.fixture
def source(site, item):
    """A source of pages of each kind, which fails when it is told to."""
    source = Source()
    item('feed', source.read)
    item('act', _managed)
    item('calling', _calling)
    add_template(
        site.portal_skins.custom, 'failing',
        '<html><body><p tal:content="context/feed"'
        ' tal:on-error="string:No feed">feed</p></body></html>')
    components = getGlobalSiteManager()
    given = (Feed, [Interface] * 3 + [IViewletManager], IViewlet, 'feed')
    components.registerAdapter(*given)
    yield source
    components.unregisterAdapter(*given)


def _calling(content):
    """Return the text of a template."""
    return content.failing()


def _managed(content, request):
    manager = Manager(content, request, None)
    manager.update()
    return f'<html><body>{manager.render()}</body></html>'


@pytest.fixture
def later(site, monkeypatch):
    """Let time pass."""
    real, passed = time.time, [0]
    monkeypatch.setattr(time, 'time', lambda: real() + passed[0])
    pages = caches.cache_of(site.page_cache).pages
    monkeypatch.setattr(pages, '_clock', lambda: time.time())

    def wait(secs):
        passed[0] += secs
        caches.cache_of(site.page_cache).flights.forget()
    return wait


@pytest.fixture
def broken(client, source):
    """Give the answer to a request while the source fails."""
    def get(path, **headers):
        source.error = OSError('the source\nis away')
        answer = client.get(path, **headers)
        source.error = None
        assert answer.status == 200 and 'No feed' in answer.text
        return answer
    return get


def has_no_validator(answer):
    return not any(
        answer.all(name) for name in ('ETag', 'Last-Modified', 'Expires'))


# how long it is kept

@pytest.mark.usefixtures('template_engine')
@pytest.mark.parametrize('path', PATHS)
def test_page_with_a_failure_is_kept_for_ten_seconds(
        client, broken, later, path):
    miss = broken(path)
    assert miss['Cache-Status'] == BROKEN
    hit = client.get(path)
    assert hit.outcome == 'HIT' and hit.body == miss.body
    assert hit['Cache-Status'].startswith('PageCacheManager;hit;ttl=')
    assert hit['Cache-Status'].endswith(';detail=render-error')
    later(11)
    good = client.get(path)
    assert good.outcome == 'MISS' and 'news' in good.text
    assert good['ETag'] and 'detail' not in good['Cache-Status']
    later(11)
    assert outcomes(client, path) == ['HIT', 'HIT']


@pytest.mark.parametrize('path', PATHS)
def test_lasting_failure_is_not_rendered_with_each_request(
        client, source, later, path):
    source.error = OSError('away')
    assert outcomes(client, path) == ['MISS', 'HIT']
    later(11)
    assert outcomes(client, path) == ['MISS', 'HIT']


@pytest.mark.parametrize('path', PATHS)
def test_at_nought_it_is_not_kept(site, client, broken, path):
    site.page_cache.manage_editProps('', {'max_error_age': 0})
    answer = broken(path)
    assert answer.outcome == 'BYPASS' and has_no_validator(answer)
    assert answer['Cache-Status'].endswith(';detail=render-error')
    assert 'news' in client.get(path).text


def test_shorter_limit_of_all_pages_counts(site, broken):
    site.page_cache.manage_editProps('', {'max_age': 5})
    assert ';ttl=5;' in broken(ACTING)['Cache-Status']
    site.page_cache.manage_editProps('', {'max_age': 0})
    assert ';ttl=10;' in broken(f'{ACTING}?x=1')['Cache-Status']


@pytest.mark.parametrize(('age', 'outcome'), [(5, 'HIT'), (11, 'MISS')])
def test_who_waited_is_not_given_it_past_its_limit(
        site, client, source, monkeypatch, age, outcome):
    """Waiting requests do not get the page from the store."""
    cache = caches.cache_of(site.page_cache)
    landed = []
    monkeypatch.setattr(
        cache.pages, 'set', lambda key, page: landed.append(page))
    source.error = OSError('away')
    client.get(ACTING)
    page = landed[0]._replace(created=time.time() - age)
    monkeypatch.setattr(cache.flights, 'board', lambda *args: page)
    assert client.get(ACTING).outcome == outcome


# tags and dates

@pytest.mark.usefixtures('template_engine')
@pytest.mark.parametrize('path', PATHS)
@pytest.mark.parametrize('etag', [ETAG, ''])
def test_page_with_a_failure_has_no_tag_and_no_date(
        site, client, broken, path, etag):
    set_policy(site, etag=etag, max_age_secs=3600, last_modified=1)
    miss, stored = broken(path), ()
    if etag:
        stored = [client.get(path)]
        if path != CALLING:  # not seen as a page of ours
            stored.append(client.head(path))
        assert stored[0].body == miss.body
        assert stored[0].stable_headers() == miss.stable_headers()
    for answer in (miss, *stored):
        assert has_no_validator(answer)
        assert answer['Cache-Control'] == 'private, no-store'
        assert 'render-error' in answer['Cache-Status']


@pytest.mark.parametrize('path', PATHS)
def test_holder_of_the_good_page_is_given_the_page(
        site, client, broken, path):
    """The client holds the tag of another page than the stored one."""
    set_policy(site, etag=ETAG, last_modified=1)
    good = client.get(path)
    caches.forget_all()
    broken(path)
    for name, value in (
            ('If_None_Match', good['ETag']), ('If_None_Match', '*'),
            ('If_Modified_Since', format_date(time.time() + 60))):
        answer = client.get(path, **{name: value})
        assert (answer.status, answer.outcome) == (200, 'HIT')
        assert 'No feed' in answer.text
    caches.forget_all()
    assert client.get(path, If_None_Match=good['ETag']).status == 304


@pytest.mark.parametrize('path', PATHS)
def test_no_304_in_place_of_what_was_just_rendered(site, broken, path):
    set_policy(site, etag='', last_modified=1)
    broken(path, If_Modified_Since=format_date(time.time() + 60))
    set_policy(site, etag=ETAG, last_modified=1)
    broken(path, If_None_Match='*')


def test_own_tag_and_date_of_a_view_are_left_out(client, item):
    def act(self, request):
        request.response.setHeader('ETag', '"own"')
        request.response.setHeader('Last-Modified', format_date(0))
        request.response.setHeader('Expires', format_date(2 ** 31))
        request.response.setHeader('Cache-Control', 'public, max-age=60')
        _log_error()
        return 'No feed'

    item('act', act)
    miss, hit = client.get(ACTING), client.get(ACTING)
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    for answer in (miss, hit):
        assert has_no_validator(answer)
        assert answer['Cache-Control'] == 'private, no-store'


def test_fast_lane_does_not_give_it(source):
    lane = LaneClient()
    source.error = OSError('away')
    for _ in range(4):
        lane.get(TEMPLATE)
    assert not lane.is_fast(TEMPLATE)
    source.error = None
    caches.forget_all()
    warm(lane, TEMPLATE)


# failures that count

def _log_error(name='some.package', level=logging.ERROR, **how):
    try:
        raise OSError('away')
    except OSError as error:
        logging.getLogger(name).log(level, 'It failed: %s', error, **how)


def _quietly(level=logging.ERROR):
    quiet = logging.getLogger('some.quiet')
    quiet.propagate = False
    quiet.addHandler(logging.NullHandler())
    _log_error('some.quiet', level, exc_info=True)


def _afterwards():
    try:
        raise OSError('away')
    except OSError as error:
        caught = error
    logger.error('It failed', exc_info=caught)


def _in_another_thread():
    thread = threading.Thread(target=_log_error, kwargs={'exc_info': True})
    thread.start()
    thread.join(10)


def _warned():
    _log_error(level=logging.WARNING, exc_info=True)


def _received():
    """A record that another process made."""
    try:
        raise OSError('away')
    except OSError:
        logger.handle(logging.makeLogRecord(
            {'levelno': logging.ERROR, 'msg': 'It failed'}))


@pytest.mark.parametrize('log', [
    lambda: _log_error(exc_info=True), _log_error, _quietly, _afterwards,
    lambda: _quietly(logging.CRITICAL), _warned,
    lambda: _quietly(logging.WARNING)])
def test_logged_failure_counts(client, item, log):
    item('act', lambda self, request: log() or 'No feed')
    assert client.get(ACTING)['Cache-Status'] == BROKEN


@pytest.mark.parametrize('log', [
    lambda: _log_error(level=logging.WARNING),
    lambda: _log_error(level=logging.INFO, exc_info=True),
    lambda: _log_error(level=logging.DEBUG, exc_info=True),
    lambda: logger.warning('It failed', exc_info=True),
    lambda: logger.error('It failed'),
    lambda: logger.error('It failed', exc_info=True),  # with nothing caught
    lambda: _log_error('Products.PageCacheManager.x', exc_info=True),
    _in_another_thread, _received])
def test_other_records_do_not_count(client, item, log):
    item('act', lambda self, request: log() or 'text')
    answer = client.get(ACTING)
    assert answer['ETag'] and 'detail' not in answer['Cache-Status']


def test_failure_for_which_the_page_is_rendered_does_not_count(
        site, client, item):
    """The page is made in the handler of an earlier failure."""
    def calling(self):
        """Return the text of a template."""
        try:
            raise KeyError('the other page')
        except KeyError:
            return self.failing()

    add_template(
        site.portal_skins.custom, 'failing',
        '<p tal:content="context/feed">feed</p>')
    item('feed', lambda self: logger.error('unrelated') or 'news')
    item('calling', calling)
    answer = client.get(CALLING)
    assert answer['ETag'] and 'detail' not in answer['Cache-Status']


def test_failure_of_other_code_after_the_template_does_not_count(
        site, client, source, item):
    """The cache keeps the text of the template, which is whole."""
    def calling(self):
        """Return the text of a template."""
        text = self.failing()
        _log_error(exc_info=True)
        return text

    item('calling', calling)
    answer = client.get(CALLING)
    assert answer['ETag'] and 'detail' not in answer['Cache-Status']


def test_record_and_error_are_as_without_a_watch(
        client, item, caplog):
    def act(self, request):
        _log_error(exc_info=True)
        return 'No feed'

    item('act', act)
    client.get(ACTING)
    record = next(r for r in caplog.records if r.name == 'some.package')
    assert record.funcName == '_log_error'
    assert record.exc_info[0] is OSError and record.levelname == 'ERROR'


def test_error_without_a_text_is_named_by_its_kind():
    class Nameless(Exception):
        def __str__(self):
            raise ValueError

    for error in (OSError(), OSError('\n'), Nameless()):
        assert type(error).__name__ in failures.last_line(error)
    assert failures.last_line(OSError('a\nb')) == 'OSError: a'
    assert len(failures.last_line(OSError('a' * 9999))) == 500


# errors and records that are odd

class Odd(SyntaxError):
    """As parsers of others make them: Python itself can't show it."""

    def __init__(self):
        super().__init__('odd', ('file', 1, 1, b'text\n'))


def ask(client, path):
    answer = None
    try:
        answer = client.get(path)
    except Exception:
        pass  # pytest can't show an odd error either
    assert answer is not None
    return answer


@pytest.mark.usefixtures('template_engine')
@pytest.mark.parametrize('path', [TEMPLATE, FSTEMPLATE])
def test_error_that_can_not_be_shown_is_named_by_its_kind(
        client, source, caplog, path):
    source.error = Odd()
    answer = ask(client, path)
    assert answer.status == 200 and 'No feed' in answer.text
    assert answer['Cache-Status'] == BROKEN
    assert any(record.getMessage().endswith(' rendered: Odd')
               for record in caplog.records)


def _log_odd():
    try:
        raise Odd
    except Odd as error:
        logger.error('It failed: %s', error)


def _make_with(exc_info=None, level=logging.ERROR):
    """Make a record as code does that goes past loggers."""
    try:
        raise OSError('away')
    except OSError:
        logging.getLogRecordFactory()(
            'some.package', level, __file__, 1, 'It failed', (), exc_info)


@pytest.mark.parametrize('log', [
    _log_odd, lambda: _make_with(True), lambda: _make_with(1),
    lambda: _make_with(OSError())])
def test_odd_record_counts(client, item, log):
    item('act', lambda self, request: log() or 'No feed')
    answer = ask(client, ACTING)
    assert (answer.status, answer['Cache-Status']) == (200, BROKEN)


@pytest.mark.parametrize('log', [
    lambda: _make_with(()), lambda: _make_with(level='ERROR')])
def test_record_that_is_no_record_is_left_alone(client, item, log):
    item('act', lambda self, request: log() or 'text')
    assert ask(client, ACTING).status == 200


@pytest.mark.usefixtures('source')
@pytest.mark.parametrize('kind', [TalesErrorInfo, ChameleonErrorInfo])
def test_on_error_takes_the_arguments_that_it_took(client, item, kind):
    def act(self, request):
        assert kind(err=OSError('away'), position=(1, 2)).lineno == 1
        with pytest.raises(TypeError, match='err'):
            kind()
        return 'No feed'

    item('act', act)
    assert ask(client, ACTING)['Cache-Status'] == BROKEN


# nothing is left behind

@pytest.mark.parametrize('path', PATHS)
def test_nothing_is_watched_where_nothing_is_rendered(
        client, source, item, path):
    client.get(path)
    for ask in (client.get, client.head):
        ask(path)
        assert failures._watches.all == []
    for ask, other in (
            (client.head, f'{path}?x=1'),
            (client.get, f'/site/page_cache/manage_explain?path={path}?x=2')):
        assert ask(other, 'root').status == 200
        assert failures._watches.all == []


@pytest.mark.parametrize('path', [ACTING, CALLING])
def test_nothing_is_watched_after_an_error(client, source, path, item):
    def fail(self, request=None):
        """Fail once the page was begun."""
        self.failing()
        raise ValueError('on purpose')

    item('act', fail)
    item('calling', fail)
    with pytest.raises(ValueError):
        client.get(path)
    assert failures._watches.all == []


# reports of a failure

def test_it_is_counted_and_named(site, client, broken, caplog):
    broken(ACTING)
    client.get(ACTING)
    counts = caches.cache_of(site.page_cache).tally.counts()
    assert counts['MISS', 'render-error'] == 1
    assert counts['HIT', 'render-error'] == 1
    assert 'OSError: the source' in [
        record.getMessage() for record in caplog.records
        if record.name.startswith('Products.PageCacheManager')][-1]
    text = client.get('/site/page_cache/manage_stats', 'root').text
    assert 'render-error' in text and 'OSError: the source' in text


@pytest.mark.usefixtures('template_engine')
def test_on_error_is_named(client, broken, caplog):
    broken(TEMPLATE)
    assert any('OSError: the source' in record.getMessage()
               for record in caplog.records)


def test_explain_tells_it_of_the_stored_page(client, broken):
    explain = (
        f'/site/page_cache/manage_explain?visitor=anonymous&path={TEMPLATE}')
    broken(f'{TEMPLATE}?x=1')
    assert 'OSError' not in client.get(explain, 'root').text
    broken(TEMPLATE)
    text = client.get(explain, 'root').text
    assert 'OSError: the source' in text and 'render-error' in text


def test_other_reason_for_once_stays(client, item):
    def act(self, request):
        request.response.setCookie('a', 'b')
        _log_error(exc_info=True)
        return 'No feed'

    item('act', act)
    answer = client.get(ACTING)
    assert answer['Cache-Status'].endswith('detail=set-cookie')
    assert answer.all('ETag') == []


def test_failures_of_many_pages_are_forgotten(site, monkeypatch):
    cache = caches.cache_of(site.page_cache)
    for number in [*range(300), 250]:
        cache.page_failed(('template', 'context', str(number)), str(number))
    assert [*cache.failures.values()] == [
        *map(str, range(100, 250)), *map(str, range(251, 300)), '250']
