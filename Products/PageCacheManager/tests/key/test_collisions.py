"""Requests that differ in anything that counts never share a page."""
import pytest
import transaction
from hypothesis import HealthCheck
from hypothesis import example
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ...core.http.conditional import coded_tag
from ...core.http.conditional import entity_tag
from ...core.http.conditional import held_tag
from ...core.key import KeyParts
from ...core.key import arguments_key
from ...core.key import digest
from ...core.key import query_key
from ...core.key import secondary
from ...core.page import Page
from ...core.page_bytes import from_bytes
from ...core.page_bytes import to_bytes
from ...manager import caches
from ...manager.memoize_store import MemoizeStore
from ...origin.template import CalledTemplate
from ...publisher import request as http_request
from ..request.test_whole import add_script
from ..site import Item
from ..site import add_template
from ..site import set_policy


#: Few letters, so that parts are often equal; separators are among them.
DENSE = st.text(st.sampled_from('a\'",()=-/ \\%é\x00\ud800'), max_size=6)
TUPLE = st.lists(DENSE, max_size=3).map(tuple)

PARTS = st.builds(
    KeyParts, DENSE, DENSE, DENSE, TUPLE, TUPLE, DENSE)

PLAIN = st.none() | st.booleans() | st.integers(-2, 2) | DENSE | st.binary(
    max_size=2)
ARGUMENTS = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3)
    | st.lists(inner, max_size=3).map(tuple)
    | st.dictionaries(DENSE | st.integers(0, 2), inner, max_size=3),
    max_leaves=6)


def same(one, other):
    """Return whether two values are equal at all levels, types included."""
    if type(one) is not type(other):
        return False
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return same(list(one.items()), list(other.items()))
    return one == other


# keys and digests

def moved(parts, where):
    """Return `parts` with a character moved from one string to the next."""
    flat = [*parts[:3], *parts.variant, *parts.versions, parts.etag]
    first, second = where % len(flat), (where + 1) % len(flat)
    flat[second] = flat[first][-1:] + flat[second]
    flat[first] = flat[first][:-1]
    variants = 3 + len(parts.variant)
    return KeyParts(
        *flat[:3], tuple(flat[3:variants]), tuple(flat[variants:-1]),
        flat[-1])


@given(PARTS, st.integers(0, 9))
@example(KeyParts('', '', '', (), ('a', 'b'), 'c'), 3)
@example(KeyParts('', '', '', ('a', 'b'), (), 'c'), 3)
@example(KeyParts('a', 'b', 'c', (), (), ''), 0)
@example(KeyParts('a', 'b', 'c', (), (), ''), 1)
def test_no_character_goes_from_one_part_to_another(parts, where):
    other = moved(parts, where)
    assert (parts.key() == other.key()) == (parts == other)


@given(PARTS, PARTS)
@example(KeyParts('', '', '', (), ('a', 'b'), ''),
         KeyParts('', '', '', (), ('ab',), ''))
@example(KeyParts('', '', '', ('a',), ('b',), ''),
         KeyParts('', '', '', ('a', 'b'), (), ''))
def test_keys_differ_where_parts_do(one, other):
    assert (one.key() == other.key()) == (one == other)


@given(PARTS, TUPLE, TUPLE)
def test_variants_by_headers_are_keys_of_their_own(parts, one, other):
    key = parts.key()
    assert (secondary(key, one) == secondary(key, other)) == (one == other)
    assert secondary(key, one) != key


@given(ARGUMENTS, ARGUMENTS)
@example(True, 1)
@example(False, 0)
@example(1, '1')
@example('a', b'a')
@example(('a', 'b'), ['a', 'b'])
@example([('a', 'b')], [('a',), 'b'])
@example({'a': 1}, (('a', 1),))
@example({1: 'a'}, {True: 'a'})
@example({1: 'a'}, {'1': 'a'})
@example((), [])
@example(None, 'None')
@example("a', 'b", ('a', 'b'))
@example('x' * 300, b'x' * 300)
def test_arguments_are_told_apart(one, other):
    assert (arguments_key(one) == arguments_key(other)) == same(one, other)


@given(st.dictionaries(DENSE, PLAIN, max_size=3),
       st.dictionaries(DENSE, PLAIN, max_size=3), TUPLE, TUPLE)
def test_arguments_of_a_call_are_told_apart(one, other, path, other_path):
    assert (spelled(one, path) == spelled(other, other_path)) == (
        same(one, other) and path == other_path)


def spelled(options, subpath):
    origin = CalledTemplate.__new__(CalledTemplate)
    origin._keywords = {
        'options': options, 'traverse_subpath': list(subpath)}
    return origin.arguments(None)


class Request:
    """The parts of a request that `exchange` reads."""

    _auth = None

    def __init__(self, values=(), cookies=()):
        self.environ = {f'HTTP_X_{n}': v for n, v in dict(values).items()}
        self.cookies = dict(cookies)


NAMED = st.dictionaries(st.sampled_from('AB'), DENSE)


@given(NAMED, NAMED)
def test_headers_and_cookies_are_told_apart(one, other):
    names = ('X-A', 'x-b')
    assert (http_request.headers(Request(one), names)
            == http_request.headers(Request(other), names)) == (one == other)
    requests = Request(cookies=one), Request(cookies=other)
    spelled = [http_request.cookies(request, 'AB') for request in requests]
    assert (spelled[0] == spelled[1]) == (one == other)
    digests = [http_request.session(request, 'AB') for request in requests]
    assert (digests[0] == digests[1]) == (one == other)


@given(st.lists(st.sampled_from([
    'a=1', 'a=2', 'b', '', 'utm_x=1', 'utm%5fx=2', 'utm_x:int=1', 'utm=1',
    'UTM_x=1']), max_size=5), st.randoms())
def test_queries_are_told_apart_but_for_what_is_ignored(fields, random):
    kept = [f for f in fields if f not in ('utm_x=1', 'utm%5fx=2')]
    key = query_key('&'.join(fields), ('utm_*',))
    assert key == '&'.join(kept)
    shuffled = random.sample(kept, len(kept))
    other = query_key('&'.join(shuffled), ('utm_*',))
    assert (key == other) == ('&'.join(kept) == '&'.join(shuffled))


# tags

@given(DENSE, DENSE, DENSE, DENSE)
@example('a-db', 'c', 'a', 'b-dc')
@example('a%2Db', '', 'a-b', '')
@example('#', 'a', '%23', 'a')
@example('x' * 129, 'a', 'x' * 130, 'a')
@example('a;gzip', 'b', 'a', 'b;gzip')
def test_tags_differ_where_value_or_digest_do(one, first, other, second):
    first, second = f'd{first}', f'd{second}'
    tags = entity_tag(one, first), entity_tag(other, second)
    assert (tags[0] == tags[1]) == ((one, first) == (other, second))
    assert coded_tag(tags[0], 'gzip') not in tags
    assert bool(held_tag(tags[1], [tags[0]])) == (tags[0] == tags[1])


@given(DENSE, st.binary(), DENSE, st.binary())
@example('', b'a', 'a', b'')
def test_digests_differ_where_headers_or_bodies_do(one, body, other, second):
    # the first is a representation, which ends in a bracket
    one, other = repr([one]), repr([other])
    assert (digest(one, body) == digest(other, second)) == (
        (one, body) == (other, second))


# the plone.memoize store

PAGE = Page(b'body', (), (), 1, 1.0)


@given(DENSE, PARTS, DENSE, PARTS)
def test_names_and_envelopes_are_told_apart(
        generation, one, other_generation, other):
    cache = {}
    stores = [MemoizeStore(cache, g, 0, 100)
              for g in (generation, other_generation)]
    keys = one.key(), other.key()
    stores[0].set(keys[0], PAGE)
    name, = cache
    assert len(name) == 16 and name.isalnum()
    is_same = (generation, keys[0]) == (other_generation, keys[1])
    found = stores[1].get(keys[1])
    assert (found == PAGE) if is_same else found is None


@given(DENSE, PARTS, DENSE, PARTS)
def test_two_keys_of_one_name_are_told_apart_by_the_envelope(
        generation, one, other_generation, other):
    """As if the digests were the same."""
    envelopes = [MemoizeStore({}, g, 0, 100)._envelope(parts.key())
                 for g, parts in ((generation, one),
                                  (other_generation, other))]
    data = to_bytes(PAGE, envelopes[0])
    assert (from_bytes(data, envelopes[1]) == PAGE) == (
        (generation, one.key()) == (other_generation, other.key()))


# through the publisher

READ = '/site/doc/read'

REQUESTS = st.fixed_dictionaries({
    'path': st.sampled_from(['/site/doc', '/site/folder/inner']),
    'template': st.sampled_from(['read', 'read2']),
    'query': st.sampled_from(
        ['', '?a=1', '?a=2', '?a=1&b=2', '?b=2&a=1', '?a:int=1']),
    'host': st.sampled_from(['localhost:8080', 'h.example']),
    'user': st.sampled_from([None, 'alice', 'bob', 'root']),
    'tenant': st.sampled_from([None, '', 'a', 'b']),
    'device': st.sampled_from([None, 'a', 'b']),
    'cookie': st.sampled_from([None, 'theme=a', 'theme=b', 'other=a']),
    'session': st.sampled_from([None, '_ZopeId=a', '_ZopeId=b']),
})


def shown(self):
    request = self.REQUEST
    return repr((
        self.absolute_url(), request['URL'], list(request.form.items()),
        str(request['AUTHENTICATED_USER']), request.get_header('X-Tenant'),
        request.get_header('X-Device'), request.cookies.get('theme'),
        request.cookies.get('_ZopeId')))


@pytest.fixture
def published(site):
    """A site with two templates that show all of a request in REQUESTS."""
    Item.shown, Item.shown__roles__ = shown, None
    for name in ('read', 'read2'):
        add_template(
            site.portal_skins.custom, name,
            f'<p>{name} <b tal:content="context/shown">x</b></p>')
    set_policy(site, etag='string:same', vary='X-Device')
    site.page_cache.manage_editProps(
        '', {'key_headers': ['X-Tenant'], 'key_cookies': ['theme']})
    transaction.commit()
    yield site
    del Item.shown, Item.shown__roles__


def ask(client, what):
    client.host = what['host']
    cookies = [what[n] for n in ('cookie', 'session') if what[n]]
    headers = {'Cookie': '; '.join(cookies)} if cookies else {}
    for name in ('tenant', 'device'):
        if what[name] is not None:
            headers[f'X_{name}'] = what[name]
    return client.get(
        f'{what["path"]}/{what["template"]}{what["query"]}', what['user'],
        **headers)


def seen(what):
    """Return the parts of a request that a page shows, without other cookies.
    """
    cookie = what['cookie']
    return {**what, 'cookie': None if cookie == 'other=a' else cookie}


@given(st.lists(REQUESTS, min_size=2, max_size=6))
@example([{
    'path': '/site/doc', 'template': 'read', 'query': query,
    'host': 'localhost:8080', 'user': None, 'tenant': None, 'device': None,
    'cookie': None, 'session': None} for query in ('?a=1&b=2', '?b=2&a=1')])
@settings(
    max_examples=40, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_requests_that_differ_get_pages_of_their_own(
        published, client, requests):
    caches.forget_all()
    pages, tags = [], []
    for what in requests:
        answer = ask(client, what)
        was_there = seen(what) in [request for request, _ in pages]
        assert answer.outcome == ('HIT' if was_there else 'MISS')
        pages.append((seen(what), answer.body))
        tags.append((seen(what), answer['ETag']))
    for request, body in pages:
        for other, other_body in pages:
            assert (body == other_body) == (request == other)
    told = [({**r, 'query': '', 'template': '', 'host': ''}, tag)
            for r, tag in tags]
    for request, tag in told:
        for other, other_tag in told:
            assert request == other or tag != other_tag


CHANGES = {
    'generation': lambda site: site.page_cache.manage_purge(),
    'template version': lambda site: site.portal_skins.custom.read.pt_edit(
        '<p>read <b tal:content="context/shown">x</b>!</p>', 'text/html'),
    'ETag': lambda site: set_policy(
        site, etag='string:other', vary='X-Device'),
    'key rules': lambda site: site.page_cache.manage_editProps(
        '', {'key_cookies': []}),
    'roles': lambda site: site.doc.manage_setLocalRoles('alice', ['Owner']),
    'user folder': lambda site: (
        site.acl_users.userFolderDelUsers(['alice']),
        site.aq_parent.acl_users.userFolderAddUser(
            'alice', 'alice', ['Member'], [])),
    'skin': lambda site: (
        site.portal_skins.addSkinSelection('Other', 'fs, custom'),
        site.portal_skins.manage_properties(default_skin='Other')),
}


@pytest.mark.parametrize('name', CHANGES)
def test_what_changed_since_is_another_page(published, client, name):
    first = client.get(READ, 'alice')
    assert client.get(READ, 'alice').outcome == 'HIT'
    CHANGES[name](published)
    again = client.get(READ, 'alice', If_None_Match=first['ETag'])
    assert again.outcome == 'MISS'
    # the browser may keep its copy if the same came out
    now = client.get(READ, 'alice')
    assert again.status == (304 if now['ETag'] == first['ETag'] else 200)
    assert (now['ETag'] == first['ETag']) <= (now.body == first.body)


SPELLINGS = (
    '1', 'True', '0', 'False', 'None', "'1'", "'None'", "b'1'", "''",
    "('a', 'b')", "['a', 'b']", "('a',)", "'a'", "\"a', 'b\"", '()', '[]',
    "{'a': 1}", "{'a': True}", "{'a': '1'}", "[('a', 1)]", "{'a': {}}",
    "{'a': []}", "[['a'], 'b']", "[['a', 'b']]", "'x' * 300", "b'x' * 300")


def test_calls_with_other_arguments_get_pages_of_their_own(
        published, client):
    custom = published.portal_skins.custom
    add_template(custom, 'given', '''<p tal:content="python: repr(
        options)">x</p>''')
    # one URL, so that only the arguments distinguish the pages
    add_script(custom, 'caller', f'''
values = [{', '.join(SPELLINGS)}]
return context.given(a=values[int(context.REQUEST.get_header('X-Number'))])
''')
    answers = [client.get('/site/doc/caller', X_Number=str(number))
               for number in range(len(SPELLINGS))]
    assert {answer.outcome for answer in answers} == {'MISS'}
    assert len({answer['ETag'] for answer in answers}) == len(SPELLINGS)
    assert client.get('/site/doc/caller', X_Number='1').body == (
        answers[1].body)
