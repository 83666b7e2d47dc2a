"""Bad input and faults: the page as without a cache, and nothing lost."""
import logging
import re
import time

import pytest
import transaction
from AccessControl.unauthorized import Unauthorized
from zExceptions import NotFound
from zExceptions import Redirect
from ZODB.POSException import ConflictError
from zope.component import getGlobalSiteManager
from zope.interface import Interface
from ZPublisher.HTTPRequest import HTTPRequest
from ZPublisher.pubevents import PubAfterTraversal

from ...core.http.conditional import format_date
from ...key import key
from ...manager import caches
from ...publisher import sending
from ...request import lookup
from ..counts import total
from ..site import Item
from ..site import add_policy
from ..site import add_template
from ..site import set_policy


PATHS = ('/site/doc/page', '/site/doc/fspage', '/site/doc')
PAGE = PATHS[0]

#: RFC 9110 section 8.8.3, without obs-text.
TAG = re.compile('(W/)?"[\x21\x23-\x7e]*"')

#: Headers that the cache or the policy adds to a response.
OURS = (
    'ETag', 'Last-Modified', 'Cache-Control', 'Expires', 'Vary',
    'X-PageCache', 'Cache-Status')

LONG = 'x' * 8192


def method(name):
    """Return a decorator that gives content a method for one test."""
    def add(function):
        setattr(Item, name, function)
        setattr(Item, f'{name}__roles__', None)
        return function
    return add


@pytest.fixture(autouse=True)
def content_as_before():
    before = dict(vars(Item))
    yield
    for name in set(vars(Item)) - set(before):
        delattr(Item, name)


@pytest.fixture
def custom(site):
    return site.portal_skins.custom


@pytest.fixture
def cache(site):
    return caches.cache_of(site.page_cache)


def twice(client, path=PAGE, **headers):
    transaction.commit()
    return client.get(path, **headers), client.get(path, **headers)


def is_clean(response):
    """See that no header can be taken for two."""
    for name, value in response.lines:
        assert re.fullmatch("[!#$%&'*+.^_`|~0-9A-Za-z-]+", name), name
        assert not re.search('[\x00-\x08\x0a-\x1f\x7f]', value), value
        value.encode('latin-1')
    names = [name.lower() for name, _ in response.lines]
    for name in ('etag', 'last-modified', 'cache-status', 'x-pagecache'):
        assert names.count(name) <= 1, name
    return True


def failures(caplog):
    """Return the log records of ours, each with its traceback."""
    records = [
        record for record in caplog.records
        if record.name.startswith('Products.PageCacheManager')
        and record.levelno >= logging.ERROR]
    for record in records:
        assert record.exc_info is not None
        assert record.exc_info[1].__traceback__ is not None
    return records


# policies

BROKEN = [
    'python: 1/0', 'object/no/such/name', 'python: object.nothing',
    'python: {}["x"]', 'object/raising']


@pytest.mark.parametrize('path', PATHS)
@pytest.mark.parametrize('expression', BROKEN)
@pytest.mark.parametrize('part', ['etag', 'predicate'])
def test_a_policy_that_raises(
        site, client, cache, caplog, path, expression, part):
    @method('raising')
    def raising(self):
        raise ValueError('on purpose')
    plain = client.get(path)
    set_policy(site, **{part: expression})
    caplog.clear()
    answer = client.get(path)
    assert (answer.status, answer.outcome) == (200, 'BYPASS')
    assert 'detail=policy-error' in answer['Cache-Status']
    assert 'first text' in answer.text
    assert answer['Content-Type'] == plain['Content-Type']
    assert answer.all('ETag') == []
    assert is_clean(answer)
    record, = failures(caplog)
    template = 'fspage' if 'fspage' in path else 'page'
    assert template in record.getMessage()
    name = 'ETag' if part == 'etag' else 'Predicate'
    assert f'The {name} of caching policy all failed for' in (
        record.getMessage())
    assert cache.tally.counts()['BYPASS', 'policy-error'] == 1


@pytest.mark.parametrize('path', PATHS)
@pytest.mark.parametrize('expression', BROKEN)
def test_a_date_that_raises_costs_the_date_alone(
        site, client, caplog, path, expression):
    @method('raising')
    def raising(self):
        raise ValueError('on purpose')
    set_policy(site, etag='string:x', mtime_func=expression)
    caplog.clear()
    for outcome in 'MISS', 'HIT':
        answer = client.get(path)
        assert (answer.status, answer.outcome) == (200, outcome)
        assert answer.all('Last-Modified') == []
        assert client.get(
            path, If_Modified_Since=format_date(int(time.time()))
        ).status == 200
        assert client.get(path, If_None_Match=answer['ETag']).status == 304
    record, = failures(caplog)
    assert 'page' in record.getMessage()


def test_a_policy_that_raises_again_and_again_is_rendered_each_time(
        site, client, cache):
    set_policy(site, etag='python: 1/0')
    before = Item.renders
    for _ in range(3):
        assert client.get(PAGE).status == 200
    assert Item.renders == before + 3
    assert cache.pages.counts().entries == 0
    assert cache.flights.waiting == 0


def test_a_policy_that_raises_for_some_pages_serves_the_others(
        site, client):
    set_policy(
        site, etag="python: object.getId() == 'inner' and 1/0 or 'tag'")
    assert client.get('/site/folder/inner/page').outcome == 'BYPASS'
    miss, hit = twice(client)
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')


def test_a_policy_mended_is_used_again(site, client):
    set_policy(site, etag='python: 1/0')
    client.get(PAGE)
    set_policy(site)
    miss, hit = twice(client)
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')


def test_a_later_policy_is_not_asked_in_place_of_one_that_raises(
        site, client):
    manager = site.caching_policy_manager
    manager.removePolicy('all')
    add_policy(manager, 'first', predicate='python: 1/0')
    add_policy(manager, 'second', etag='string:second')
    answer = client.get(PAGE)
    assert answer.outcome == 'BYPASS'
    assert answer.all('ETag') == []


def test_a_policy_that_says_unauthorized(site, client, caplog):
    @method('secret')
    def secret(self):
        raise Unauthorized('not for you')
    set_policy(site, etag='object/secret')
    for answer in twice(client):
        assert (answer.status, answer.outcome) == (200, 'BYPASS')
        assert answer.all('ETag') == []


@pytest.mark.parametrize('path', PATHS)
def test_a_time_of_none_is_no_last_modified(site, client, path):
    set_policy(site, etag='string:tag', mtime_func='nothing')
    miss, hit = twice(client, path)
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    for answer in (miss, hit):
        assert answer.all('Last-Modified') == []
    answer = client.get(
        path, If_Modified_Since='Sat, 01 Jan 2050 00:00:00 GMT')
    assert answer.status == 200


def test_a_time_that_is_spelled_out(site, client):
    set_policy(
        site, etag='string:tag', mtime_func='string:2020/01/02 03:04:05 GMT')
    miss, hit = twice(client)
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    # the header has the newest date of all parts of the page, so not this one
    assert re.fullmatch(
        r'\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT', hit['Last-Modified'])


@pytest.mark.parametrize('expression', [
    'string:garbage', 'string:9999/99/99', 'python: 5', 'python: [1]',
    'python: b"2020/01/01"', 'python: object'])
def test_a_time_that_is_none(site, client, caplog, expression):
    set_policy(site, etag='string:tag', mtime_func=expression)
    miss, hit = twice(client)
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert miss.all('Last-Modified') == hit.all('Last-Modified') == []
    assert miss['ETag'] == hit['ETag']
    assert len(failures(caplog)) == 1


@pytest.mark.parametrize('date', [
    '1601/01/02', '1899/12/31', '1970/01/01', '2038/01/20', '2500/06/01',
    '9998/12/31'])
def test_a_time_far_away(site, client, date):
    set_policy(
        site, etag='string:tag', mtime_func=f'string:{date} 00:00:00 GMT')
    for answer in twice(client):
        assert answer.status == 200 and 'first text' in answer.text
        assert is_clean(answer)


@pytest.mark.parametrize('path', PATHS)
@pytest.mark.parametrize('expression', [
    'nothing', "python: ''", 'python: None', 'python: False'])
def test_no_etag(site, client, path, expression):
    set_policy(site, etag=expression)
    for answer in twice(client, path):
        assert (answer.status, answer.outcome) == (200, 'NO-ETAG')
        assert answer.all('ETag') == []
        assert answer['Last-Modified'] and answer['Cache-Control']


ETAGS = {
    'zero': 'python: 0',
    'number': 'python: 12',
    'float': 'python: 1.5',
    'true': 'python: True',
    'bytes': "python: b'abc'",
    'bytes that are no text': "python: b'\\xff\\xfe\\x00'",
    'list': 'python: [1, 2]',
    'NUL': "python: 'a\\x00b'",
    'line ends': "python: 'a\\r\\nSet-Cookie: b=c\\r\\n\\r\\nbody'",
    'line feed': "python: 'a\\nX-Injected: 1'",
    'other line ends': "python: 'a\\x0b\\x0c\\x1c\\x1d\\x85\\u2028b'",
    'all controls': "python: ''.join([chr(n) for n in range(32)])",
    'quotes': "python: 'a\"b\"'",
    'a tag already': "python: '\"abc\"'",
    'a weak tag already': "python: 'W/\"abc\"'",
    'star': "python: '*'",
    'commas': "python: 'a, b, \"c\"'",
    'blanks': "python: '  '",
    'backslash': "python: 'a\\\\'",
    'latin': "python: 'M\\xfcller'",
    'not latin': "python: '\\u65e5\\u672c \\U0001f600'",
    'surrogate': "python: 'a\\udc80b'",
    'long': "python: 'x' * 10240",
    'long and not latin': "python: '\\u65e5' * 10240"}


@pytest.mark.parametrize('path', PATHS[:2])
@pytest.mark.parametrize('name', ETAGS)
def test_any_etag_is_made_a_valid_one(site, client, path, name):
    set_policy(site, etag=ETAGS[name])
    miss, hit = twice(client, path)
    assert (miss.status, miss.outcome) == (200, 'MISS')
    assert (hit.status, hit.outcome) == (200, 'HIT')
    assert hit.body == miss.body
    assert hit['ETag'] == miss['ETag']
    assert TAG.fullmatch(hit['ETag']) and len(hit['ETag']) < 300
    for answer in (miss, hit):
        assert is_clean(answer)
        assert answer.all('Set-Cookie') == answer.all('X-Injected') == []
    answer = client.get(path, If_None_Match=hit['ETag'])
    assert (answer.status, answer.body) == (304, b'')
    assert answer['ETag'] == hit['ETag']


@pytest.mark.parametrize('validator', ['page', 'policy'])
def test_different_etags_stay_different(site, client, validator):
    site.page_cache.manage_editProps('', {'validator': validator})
    sent = {}
    for name, expression in ETAGS.items():
        set_policy(site, etag=expression)
        sent[name] = client.get(PAGE)['ETag']
        assert TAG.fullmatch(sent[name])
    assert len(set(sent.values())) == len(ETAGS)


@pytest.mark.parametrize('vary', [
    'X\r\nSet-Cookie: a=b', 'X-\x00Y', 'X,\nY', '\r\n', '\x7f', 'M\xfcller',
    '\u65e5\u672c', ',,,', 'x' * 8192])
def test_no_other_header_of_a_policy_ends_early(site, client, vary):
    set_policy(site, etag='string:tag', vary=vary)
    for answer in twice(client):
        assert answer.status == 200 and 'first text' in answer.text
        assert is_clean(answer)
        assert answer.all('Set-Cookie') == []


# headers of clients

@pytest.mark.parametrize('name', [
    'If_None_Match', 'If_Modified_Since', 'Accept_Encoding', 'Cookie',
    'Accept_Language', 'Cache_Control', 'User_Agent', 'X_Tenant'])
@pytest.mark.parametrize('value', [
    LONG, '"' * 8192, ',' * 8192, '\xff' * 8192, '\x00\x01\x02', 'W/' * 4096,
    '=;' * 4096, 'gzip;q=' + '1' * 8000, '%0d%0aX: y', ''],
    ids=lambda value: f'{value!r:.12}')
def test_header_values_of_any_sort(site, client, name, value):
    site.page_cache.manage_editProps('', {'key_headers': ['X-Tenant']})
    plain = client.get(PAGE)
    first, second = twice(client, **{name: value})
    for answer in (first, second):
        assert answer.status == 200
        assert answer.body == plain.body or name == 'X_Tenant'
        assert is_clean(answer)
        assert len(answer['ETag']) < 300
    assert second.outcome == 'HIT'


@pytest.mark.parametrize('path', PATHS)
def test_a_thousand_tags(site, client, path):
    tag = client.get(path)['ETag']
    many = ', '.join(f'"{n}"' for n in range(1000))
    assert client.get(path, If_None_Match=many).status == 200
    assert client.get(path, If_None_Match=f'{many},{tag}').status == 304


def test_a_header_in_the_key_keeps_long_values_apart(site, client):
    site.page_cache.manage_editProps('', {'key_headers': ['X-Tenant']})
    for value in (LONG, LONG + 'y', ''):
        assert client.get(PAGE, X_Tenant=value).outcome == 'MISS'
    for value in (LONG, LONG + 'y', ''):
        assert client.get(PAGE, X_Tenant=value).outcome == 'HIT'


@pytest.mark.parametrize('query', [
    'q=%C3%BC', 'q=%FC', 'q=\xfc', 'q=%', 'q=%ZZ', 'q=%00', 'q=%0D%0AX:y',
    '&&&', '===', 'a&b&=c', 'q=' + LONG, '%E6%97%A5=1', 'x:int=1', 'x:list=1',
    'x.y:record=1', 'REQUEST=1', 'RESPONSE=1', 'URL=1', 'SESSION=1',
    '_page_cache_visit=1', '__SUBTEMPLATE__=1', 'other=1', 'environ=1',
    'cookies=1', 'PUBLISHED=1', 'response=1', 'skey=1', '-C', 'ACTUAL_URL=x'],
    ids=lambda query: query[:24])
def test_query_strings_of_any_sort(client, cache, query):
    plain, _ = twice(client)
    miss, hit = twice(client, f'{PAGE}?{query}')
    assert (miss.status, miss.outcome) == (200, 'MISS')
    assert (hit.status, hit.outcome) == (200, 'HIT')
    assert hit.body == miss.body
    assert hit.stable_headers() == miss.stable_headers()
    assert is_clean(hit)
    assert client.get(PAGE).body == plain.body
    assert cache.pages.counts().entries == 2


def test_queries_are_told_apart_by_their_bytes(site, client):
    queries = ['q=%C3%BC', 'q=%FC', 'q=\xfc', 'q=%c3%bc', 'q=', 'q', '']
    for query in queries:
        assert client.get(f'{PAGE}?{query}').outcome == 'MISS', query
    for query in queries:
        assert client.get(f'{PAGE}?{query}').outcome == 'HIT', query


@pytest.mark.parametrize('name', ['d\xf6c', '\u65e5\u672c', '\U0001f600'])
def test_urls_that_are_not_ascii(site, client, name):
    item = Item(name, 'text of it')
    site._setOb(name, item)
    site._objects += ({'id': name, 'meta_type': 'Item'},)
    path = '/site/' + ''.join(
        f'%{byte:02X}' for byte in name.encode()) + '/page'
    miss, hit = twice(client, path)
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert 'text of it' in hit.text
    assert is_clean(hit)
    assert client.get(path, If_None_Match=hit['ETag']).status == 304
    row, = site.page_cache.getCacheReport()
    assert row['context_path'] == f'/site/{name}'
    site.page_cache.manage_invalidate([row['row']])
    assert client.get(path).outcome == 'MISS'


@pytest.mark.parametrize('path', [
    '/site/d%C3%B6c/page', '/site/doc/%0D%0ASet-Cookie:a=b',
    '/site/doc/' + LONG])
def test_urls_that_lead_nowhere(client, cache, path):
    with pytest.raises(NotFound):
        client.get(path)
    assert cache.pages.counts().entries == 0
    assert cache.flights.waiting == 0


def test_urls_that_go_on_behind_the_template(client, cache):
    paths = [PAGE, *(
        f'{PAGE}/{rest}' for rest in ('%00', 'x', 'x/y', '%C3%BC', LONG))]
    for path in paths:
        miss, hit = twice(client, path)
        assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
        assert is_clean(hit)
    assert cache.pages.counts().entries == len(paths)


# templates that fail

class View:
    """The page that is shown for an error."""

    def __init__(self, error, request):
        self.request = request

    def __call__(self):
        self.request.response.setHeader('X-View', 'error')
        return '<p>an error page</p>'


@pytest.fixture
def error_view(app):
    """Show errors as a page, as most sites do."""
    registry = getGlobalSiteManager()
    arguments = View, (Exception, Interface), Interface, 'index.html'
    registry.registerAdapter(*arguments)
    yield
    registry.unregisterAdapter(*arguments)


def is_error_page(answer, status=500):
    assert answer.status == status
    assert answer.body == b'<p>an error page</p>'
    assert answer['X-View'] == 'error'
    assert answer['Content-Length'] == str(len(answer.body))
    assert answer.all('Content-Encoding') == []
    for name in OURS:
        assert answer.all(name) == [], name
    return True


def fail(custom, action, name='failing'):
    """Add a template that does `action` in its middle."""
    method('fail')(lambda self: action() or 'went well')
    add_template(
        custom, name, '<p>before</p><p tal:content="context/fail">x</p>')
    transaction.commit()
    return f'/site/doc/{name}'


def raiser(error):
    def action():
        raise error
    return action


def test_a_template_that_raises(custom, client, cache):
    path = fail(custom, raiser(ValueError('on purpose')))
    for _ in range(2):
        with pytest.raises(ValueError, match='on purpose'):
            client.get(path)
    assert cache.pages.counts().entries == 0
    assert cache.tally.counts()['FAILED', 'error'] == 2
    assert not cache.flights._flights


def test_a_template_that_raises_with_an_error_page(
        custom, client, cache, error_view):
    path = fail(custom, raiser(ValueError('on purpose')))
    for headers in ({}, {'If_None_Match': '"x"'}, {'Accept_Encoding': '*'}):
        assert is_error_page(client.get(path, **headers))
    assert cache.pages.counts().entries == 0
    assert not cache.flights._flights


@pytest.mark.parametrize('header', ['If_None_Match', 'If_Modified_Since'])
@pytest.mark.parametrize('status', [404, 500])
def test_no_304_for_what_would_be_no_200(
        custom, client, error_view, header, status):
    action = raiser(ValueError('on purpose'))
    if status == 404:
        action = raiser(NotFound('on purpose'))
    path = fail(custom, action)
    value = {'If_None_Match': '*', 'If_Modified_Since': format_date(
        time.time() + 60)}[header]
    assert client.get(path).status == status
    assert client.get(path, **{header: value}).status == status


def test_a_template_that_recovers_is_stored(custom, client, error_view):
    errors = [ValueError('on purpose')]
    path = fail(custom, lambda: errors and raiser(errors.pop())())
    assert is_error_page(client.get(path))
    miss, hit = twice(client, path)
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert 'went well' in hit.text and hit['ETag']


@pytest.mark.parametrize('path', PATHS)
def test_a_template_of_any_kind_that_raises(
        site, client, path, error_view, cache):
    def count_render(self):
        raise ValueError('on purpose')
    before = vars(Item)['count_render']
    Item.count_render = count_render
    Item.text = property(count_render)
    try:
        assert is_error_page(client.get(path))
    finally:
        Item.count_render = before
        del Item.text
    assert cache.pages.counts().entries == 0
    assert outcomes(client, path) == ('MISS', 'HIT')


def outcomes(client, path):
    return tuple(answer.outcome for answer in twice(client, path))


def test_cmf_asks_its_policies_again_after_a_failure(
        site, custom, client, error_view):
    """For the error page, nothing keeps CMF from asking any more."""
    path = fail(custom, raiser(ValueError('on purpose')))
    assert is_error_page(client.get(path))
    site.portal_skins.fs.fspage.ZCacheable_setManagerId(None)
    try:
        answer = client.get('/site/doc/fspage')
        assert answer.all('X-PageCache') == []
        assert answer['ETag'] and answer['Cache-Control']
    finally:
        site.portal_skins.fs.fspage.ZCacheable_setManagerId('page_cache')


def test_unauthorized_in_a_template(custom, client, cache):
    path = fail(custom, raiser(Unauthorized('not for you')))
    for answer in twice(client, path):
        assert answer.status == 401
        assert answer['WWW-Authenticate']
        for name in OURS:
            assert answer.all(name) == [], name
    assert cache.pages.counts().entries == 0
    assert not cache.flights._flights


def test_unauthorized_for_one_is_not_so_for_another(site, client):
    site.doc.manage_permission('View', ['Member'], 0)
    transaction.commit()
    assert client.get(PAGE, 'alice').outcome == 'MISS'
    assert client.get(PAGE, 'alice').outcome == 'HIT'
    for answer in twice(client, PAGE):
        assert answer.status == 401
        assert answer.all('ETag') == []
    assert client.get(PAGE, 'alice').outcome == 'HIT'


def test_a_redirect_raised_in_a_template(custom, client, cache, error_view):
    path = fail(custom, raiser(Redirect('http://localhost:8080/site/doc')))
    for answer in twice(client, path):
        assert answer.status == 302
        assert answer['Location'] == 'http://localhost:8080/site/doc'
        for name in OURS:
            assert answer.all(name) == [], name
    assert cache.pages.counts().entries == 0


def test_a_redirect_set_in_a_template(custom, client, cache):
    add_template(custom, 'away', '''<p tal:define="
        x python: request.RESPONSE.redirect('http://localhost:8080/x')"
        >x</p>''')
    for answer in twice(client, '/site/doc/away'):
        assert answer.status == 302
        assert answer['Location'] == 'http://localhost:8080/x'
        assert answer.all('ETag') == answer.all('Last-Modified') == []
    assert cache.pages.counts().entries == 0


def test_a_template_that_writes_to_the_response(custom, client, cache):
    add_template(custom, 'writes', '''<p tal:define="
        x python: request.RESPONSE.write(b'written')">x</p>''')
    for answer in twice(client, '/site/doc/writes'):
        assert answer.status == 200
        assert b'written' in answer.body
        assert answer.all('ETag') == answer.all('Content-Encoding') == []
    assert cache.pages.counts().entries == 0
    assert not cache.flights._flights


# transactions that fail

@pytest.fixture
def retries(monkeypatch):
    """Retry as Zope does, but at once."""
    monkeypatch.setattr(HTTPRequest, 'retry_max_count', 3)
    monkeypatch.setattr(HTTPRequest, 'delay_retry', lambda self: None)


def test_a_conflict_in_content_code_is_retried(
        custom, client, cache, retries):
    errors = [ConflictError('once'), ConflictError('twice')]
    calls = []

    def action():
        calls.append(1)
        if errors:
            raise errors.pop()
    path = fail(custom, action)
    miss = client.get(path)
    assert (miss.status, miss.outcome) == (200, 'MISS')
    assert len(calls) == 3
    counts = cache.tally.counts()
    assert counts['FAILED', 'retry'] == 2
    assert total(cache.tally, 'MISS') == 1
    assert cache.pages.counts().entries == 1
    hit = client.get(path)
    assert (hit.outcome, hit.body) == ('HIT', miss.body)
    assert len(calls) == 3
    assert not cache.flights._flights


def elsewhere(app, change):
    """Commit a change of the site in another connection."""
    manager = transaction.TransactionManager()
    connection = app._p_jar.db().open(manager)
    try:
        change(connection.root()['Application'].site)
        manager.commit()
    finally:
        manager.abort()
        connection.close()


def test_a_conflict_at_commit_is_retried(
        app, site, custom, client, cache, retries):
    tries = []

    @method('write')
    def write(self):
        tries.append(1)
        if len(tries) < 3:
            self.title = f'try {len(tries)}'
        if len(tries) == 1:
            elsewhere(app, lambda site: setattr(site.doc, 'title', 'there'))
        return self.title
    add_template(
        custom, 'writing', '<p tal:content="context/write">x</p>')
    miss = client.get('/site/doc/writing')
    assert (miss.status, miss.outcome) == (200, 'MISS')
    assert b'try 2' in miss.body and len(tries) == 2
    counts = cache.tally.counts()
    assert counts['FAILED', 'retry'] == 1
    assert total(cache.tally, 'MISS') == 1
    assert cache.pages.counts().entries == 1
    # a page whose request wrote is good until that commit alone
    for outcome in 'MISS', 'HIT':
        answer = client.get('/site/doc/writing')
        assert (answer.outcome, answer.body) == (outcome, miss.body)


def test_a_conflict_that_never_ends(custom, client, cache, retries):
    path = fail(custom, raiser(ConflictError('always')))
    with pytest.raises(ConflictError):
        client.get(path)
    assert cache.tally.counts() == {
        ('FAILED', 'retry'): 3, ('FAILED', 'error'): 1}
    assert cache.pages.counts().entries == 0
    assert not cache.flights._flights


class FailingCommit:
    """Lets the commit of the transaction that joins it fail."""

    transaction_manager = transaction.manager

    def __init__(self, error):
        self.error = error

    def join(self):
        transaction.get().join(self)

    def tpc_vote(self, txn):
        raise self.error

    def nothing(self, txn):
        pass

    abort = commit = tpc_begin = tpc_finish = tpc_abort = nothing

    def sortKey(self):
        return '~failing'


@pytest.fixture(params=['policy', 'traversal'])
def failing(request, site, subscribe):
    """A list of errors: each lets the commit of a request fail.

    The policy joins the failing commit, or a subscriber does it before; then
    the policy need not be asked.
    """
    errors = []

    def let_fail(_=None):
        if errors:
            FailingCommit(errors.pop(0)).join()

    @method('etag')
    def etag(self):
        if request.param == 'policy':
            let_fail()
        return 'tag'
    if request.param == 'traversal':
        subscribe(let_fail, PubAfterTraversal)
    site.page_cache.manage_editProps('', {
        'late_ms': 0 if request.param == 'policy' else 60_000})
    set_policy(site, etag='object/etag', max_age_secs=60, vary='X-Theme')
    return errors


@pytest.mark.parametrize('path', PATHS)
@pytest.mark.parametrize('headers', [
    {}, {'Accept_Encoding': 'gzip'}, {'If_None_Match': '*'}],
    ids=['page', 'gzip', 'not modified'])
@pytest.mark.parametrize('is_stored', [False, True])
def test_a_commit_that_fails_takes_everything_back(
        client, cache, failing, error_view, path, headers, is_stored):
    if is_stored:
        twice(client, path)
    entries = cache.pages.counts().entries
    failing.append(ValueError('no room on the disk'))
    assert is_error_page(client.get(path, **headers))
    assert cache.tally.counts()['FAILED', 'error'] == 1
    assert cache.pages.counts().entries == entries
    assert not cache.flights._flights
    # and the next request is as if nothing had been
    answer = client.get(path)
    assert answer.outcome == ('HIT' if is_stored else 'MISS')
    assert answer.status == 200 and answer['ETag']


def test_a_commit_that_conflicts_after_a_hit_is_retried(
        client, cache, failing, retries):
    miss, hit = twice(client)
    hits = total(cache.tally, 'HIT')
    failing.append(ConflictError('once'))
    again = client.get(PAGE)
    assert again.outcome == 'HIT' and again.body == hit.body
    assert again.stable_headers() == hit.stable_headers()
    assert cache.tally.counts()['FAILED', 'retry'] == 1
    assert total(cache.tally, 'HIT') == hits + 1


def test_a_commit_that_fails_after_a_head(client, failing, error_view):
    failing.append(ValueError('no room on the disk'))
    answer = client.head(PAGE)
    assert answer.status == 500
    assert answer.all('ETag') != ['of nothing']
    for name in ('X-PageCache', 'Cache-Status', 'Expires', 'Vary'):
        assert answer.all(name) == [], name


# an association that is switched off

@pytest.mark.parametrize('path', ['/site/doc/page', '/site/doc/fspage'])
def test_a_template_that_is_switched_off(site, client, cache, path):
    template = getattr(
        site.portal_skins, 'fs' if 'fspage' in path else 'custom')[
            path.rpartition('/')[2]]
    assert outcomes(client, path) == ('MISS', 'HIT')
    entries = cache.pages.counts().entries
    template.ZCacheable_setEnabled(0)
    try:
        before = Item.renders
        for answer in twice(client, path):
            assert answer.status == 200
            assert answer.all('X-PageCache') == []
            assert answer.all('Cache-Status') == []
        assert Item.renders == before + 2
        assert client.head(path).status == 200
        assert cache.pages.counts().entries == entries
    finally:
        template.ZCacheable_setEnabled(1)
    assert client.get(path).outcome in ('MISS', 'HIT')
    assert client.get(path).outcome == 'HIT'


# faults of our own

def test_a_fault_before_rendering(client, cache, caplog, monkeypatch):
    def broken(*args):
        raise RuntimeError('a fault')
    plain = client.get(PAGE)
    monkeypatch.setattr(key, 'key_parts', broken)
    for path in PATHS:
        answer = client.get(path)
        assert (answer.status, answer.outcome) == (200, 'BYPASS')
        assert 'first text' in answer.text and is_clean(answer)
        assert answer['Content-Type'] == plain['Content-Type']
    # the same failure is logged once a minute
    assert len(failures(caplog)) == 1
    assert cache.tally.counts()['ERROR', 'answer'] == len(PATHS)
    monkeypatch.undo()
    assert client.get(PAGE).status == 200
    assert client.get(PAGE).outcome == 'HIT'


def test_what_ends_a_thread_in_the_look_up_goes_on(
        client, cache, caplog, monkeypatch):
    def end(*args):
        raise SystemExit
    monkeypatch.setattr(lookup, 'next_step', end)
    with pytest.raises(SystemExit):
        client.get(PAGE)
    assert failures(caplog) == []
    monkeypatch.undo()
    assert [answer.outcome for answer in twice(client)] == ['MISS', 'HIT']


@pytest.mark.parametrize('path', PATHS)
def test_a_fault_after_rendering(client, cache, caplog, monkeypatch, path):
    def broken(*args):
        raise RuntimeError('a fault')
    monkeypatch.setattr(sending, 'send_page', broken)
    answer = client.get(path)
    assert (answer.status, answer.outcome) == (200, 'BYPASS')
    assert 'first text' in answer.text and is_clean(answer)
    assert answer['Content-Length'] == str(len(answer.body))
    assert len(failures(caplog)) == 1
    assert cache.tally.counts()['ERROR', 'finish'] == 1
    assert cache.pages.counts().entries == 0
    assert not cache.flights._flights


@pytest.mark.parametrize('path', PATHS)
def test_a_fault_after_a_hit(client, cache, caplog, monkeypatch, path):
    miss, hit = twice(client, path)

    def broken(*args):
        raise RuntimeError('a fault')
    monkeypatch.setattr(sending, 'send_page', broken)
    answer = client.get(path, X_Any='1')  # no repetition
    assert (answer.status, answer.outcome) == (200, 'BYPASS')
    assert answer.body == hit.body and is_clean(answer)
    assert len(failures(caplog)) == 1


@pytest.mark.parametrize('path', PATHS)
def test_a_fault_in_a_not_modified_gives_no_empty_page(
        client, cache, caplog, monkeypatch, path):
    """The body is gone by then; that must not pass for a page."""
    miss, hit = twice(client, path)

    def broken(*args):
        raise RuntimeError('a fault')
    monkeypatch.setattr(sending, 'send_not_modified', broken)
    answer = client.get(path, If_None_Match=hit['ETag'])
    assert (answer.status, answer.body) != (200, b'')
    assert len(failures(caplog)) == 1
