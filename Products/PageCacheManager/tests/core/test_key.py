"""Which two requests may share a page, and which may not."""
import subprocess
import sys

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from Products.PageCacheManager.core.key import MAX_ARGUMENT_DEPTH
from Products.PageCacheManager.core.key import MAX_ARGUMENT_LENGTH
from Products.PageCacheManager.core.key import MAX_ARGUMENT_VALUES
from Products.PageCacheManager.core.key import MAX_FIELDS
from Products.PageCacheManager.core.key import KeyParts
from Products.PageCacheManager.core.key import arguments_key
from Products.PageCacheManager.core.key import digest
from Products.PageCacheManager.core.key import page_id
from Products.PageCacheManager.core.key import query_key
from Products.PageCacheManager.core.key import row_id
from Products.PageCacheManager.core.key import secondary
from Products.PageCacheManager.core.key import slot


ANY_TEXT = st.text(st.characters(exclude_categories=()))

PARTS = KeyParts(
    template_path='/templates/page',
    context_path='/site/front',
    url='http://localhost/site/front',
    variant=('en', 'jane'),
    versions=('generation', 'serial'),
    etag='policy value')

OTHERS = [
    PARTS._replace(template_path='/templates/other'),
    PARTS._replace(context_path='/site/other'),
    PARTS._replace(url='http://localhost/site/front?a=1'),
    PARTS._replace(variant=('en', 'john')),
    PARTS._replace(variant=('enjane',)),
    PARTS._replace(variant=('en', 'jane', '')),
    PARTS._replace(versions=('generation', 'newer')),
    PARTS._replace(versions=('generation',)),
    PARTS._replace(versions=()),
    PARTS._replace(etag='other value'),
    PARTS._replace(etag='generation', versions=('serial',)),
]


# Keys

@pytest.mark.parametrize('other', OTHERS)
def test_key_differs_where_a_part_differs(other):
    assert PARTS.key() != other.key()


def test_key_is_same_where_parts_are_same():
    again = KeyParts(*PARTS)
    assert PARTS.key() == again.key()
    assert hash(PARTS.key()) == hash(again.key())


DENSE = st.lists(st.sampled_from(['', 'a', 'b', 'ab', "',"]), max_size=3)
DENSE_PARTS = st.builds(
    KeyParts,
    template_path=st.sampled_from(['', 'a', 'ab']),
    context_path=st.sampled_from(['', 'b', 'ab']),
    url=st.just('u'),
    variant=DENSE.map(tuple),
    versions=DENSE.map(tuple),
    etag=st.sampled_from(['', 'a', 'b', 'ab']))


@given(DENSE_PARTS, DENSE_PARTS)
def test_keys_are_equal_as_their_parts_are(one, other):
    assert (one.key() == other.key()) == (one == other)


def test_digest_is_the_same_in_every_process():
    program = (
        'from Products.PageCacheManager.core.key import digest;'
        "print(digest('headers', b'body'))")
    root = __file__.rpartition('/Products/')[0]
    for seed in ('1', '2'):
        found = subprocess.run(
            [sys.executable, '-c', program], cwd=root, check=True,
            capture_output=True, text=True,
            env={'PYTHONHASHSEED': seed, 'PYTHONPATH': root}).stdout
        assert found.strip() == digest('headers', b'body')


@given(ANY_TEXT)
@example('\ud800')
def test_digest_is_16_characters_fit_for_a_tag(text):
    found = digest(text)
    assert len(found) == 16
    assert set(found) <= set('0123456789abcdef')


def test_key_names_page_and_slot():
    key = PARTS.key()
    assert page_id(key) == (
        '/templates/page', '/site/front', 'http://localhost/site/front')
    newer = PARTS._replace(etag='newer', versions=('x',)).key()
    assert page_id(newer) == page_id(key)
    assert slot(newer) == slot(key)
    other = PARTS._replace(variant=('en', 'john')).key()
    assert page_id(other) == page_id(key)
    assert slot(other) != slot(key)


@pytest.mark.parametrize('values', [('a', 'b'), ('ab',), ('b', 'a'), ()])
def test_secondary_differs_by_values(values):
    # RFC 9111 4.1
    key = PARTS.key()
    found = secondary(key, values)
    assert found != key
    assert found != secondary(key, ('a', 'c'))
    assert secondary(key, tuple(values)) == found
    assert page_id(found) == page_id(key)
    # it is as current as the page
    assert found[4] == key[4]
    assert slot(found) != slot(key)
    # and as much that user's as the page is
    assert found[3] == (*key[3], 'vary', *values)
    other = PARTS._replace(variant=('en', 'john')).key()
    assert secondary(other, values) != found


def test_row_id_is_plain_and_differs_by_page():
    rows = {row_id(page_id(parts.key())) for parts in [PARTS, *OTHERS[:3]]}
    assert len(rows) == 4
    assert all(row.startswith('page:') and row[5:].isalnum() for row in rows)
    assert row_id(('a', 'bc', '')) != row_id(('ab', 'c', ''))


# Queries

IGNORED = ('utm_*', 'fbclid', 'a b', '\xe4', 'x?', 'list[[]]')


@pytest.mark.parametrize(('query', 'expected'), [
    ('', ''),
    ('a=1', 'a=1'),
    ('a=1&b=2', 'a=1&b=2'),
    ('b=2&a=1', 'b=2&a=1'),
    ('utm_source=x', ''),
    ('utm_=x', ''),
    ('utm=x', 'utm=x'),
    ('my_utm_source=x', 'my_utm_source=x'),
    ('a=1&utm_source=x&b=2', 'a=1&b=2'),
    ('utm_source=x&a=1&utm_medium=y', 'a=1'),
    ('fbclid', ''),
    ('fbclid=', ''),
    ('fbclid=a=b', ''),
    ('fbclids=1', 'fbclids=1'),
    ('FBCLID=1', 'FBCLID=1'),
    # names are compared as they are read, kept as they were sent
    ('%66bclid=1', ''),
    ('a+b=1&c+d=2', 'c+d=2'),
    ('a%20b=1', ''),
    ('%C3%A4=1&%C3%B6=2', '%C3%B6=2'),
    ('xy=1&xyz=2', 'xyz=2'),
    ('list[]=1', ''),
    # a value is no name
    ('a=fbclid', 'a=fbclid'),
    ('a=%26fbclid%3D1', 'a=%26fbclid%3D1'),
    # Zope splits at & alone
    ('a=1;fbclid=2', 'a=1;fbclid=2'),
    ('fbclid=1;a=2', ''),
    # a colon may choose the method
    ('utm_x:method=1', 'utm_x:method=1'),
    ('utm_x%3Amethod=1', 'utm_x%3Amethod=1'),
    ('utm_x%3amethod', 'utm_x%3amethod'),
    ('&&', '&&'),
])
def test_query_key_leaves_out_ignored_names(query, expected):
    assert query_key(query, IGNORED) == expected


def test_query_key_is_query_where_nothing_is_ignored():
    assert query_key('utm_source=x&a=%41', ()) == 'utm_source=x&a=%41'


@given(st.text('abu%3A:&=+_*;\xe9', max_size=30))
@example('utm_a=1&b')
def test_query_key_keeps_the_other_fields_in_order(query):
    kept = query_key(query, ('u*', 'b'))
    fields = iter(query.split('&'))
    assert kept == '' or all(field in fields for field in kept.split('&'))
    assert query_key(kept, ('u*', 'b')) == kept
    assert query_key(query, ('nothing',)) == query


# Arguments

@pytest.mark.parametrize('value', [
    None, True, False, 0, 1, -1, '', 'text', '\xe9\ud800', b'', b'bytes',
    (), (1,), [], [1], {}, {'a': 1}, {1: 'a', None: b'b', (1, 2): []},
    ((), [{}]), ('x' * 10_000,), list(range(MAX_ARGUMENT_VALUES - 1)),
])
def test_arguments_key_spells_plain_values(value):
    assert isinstance(arguments_key(value), str)


class Text(str):
    pass


class Number(int):
    pass


class Many(list):
    pass


@pytest.mark.parametrize('value', [
    object(), 1.0, 1j, float('nan'), set(), frozenset(), bytearray(), range(3),
    ..., object, len, iter(()), {}.items(),
    Text('a'), Number(1), Many(), PARTS,
], ids=lambda value: type(value).__name__)
@pytest.mark.parametrize('wrap', [
    lambda value: value,
    lambda value: (1, value),
    lambda value: [[value]],
    lambda value: {'a': value},
], ids=['bare', 'tuple', 'list', 'dict'])
def test_arguments_key_has_no_spelling_for_other_objects(value, wrap):
    assert arguments_key(wrap(value)) is None


@pytest.mark.parametrize('name', [1.0, Text('a'), (Text('a'),), frozenset()])
def test_arguments_key_looks_at_names_too(name):
    assert arguments_key({name: 1}) is None


DIFFERENT = [
    None, 'None', True, 1, '1', b'1', 'True', False, 0, '', b'', -1,
    (), [], {}, (1,), [1], {1: 1}, {'1': 1}, {True: 1}, (True,), (1, 1),
    ((1,), 1), (1, (1,)), ([1],), [(1,)], "b'1'", '(1,)', ('a', 'b'),
    ("a', 'b",), ('a,b',), {'a': 'b'}, {'a': ['b']}, '\xe9', 'e\u0301',
    b'\xc3\xa9', '\U00010000', '\ud800\udc00',
    'x' * 300, 'x' * 301, b'x' * 300, ['x' * 300], ('x' * 300,),
]


def test_arguments_key_differs_where_type_or_value_differs():
    spellings = [arguments_key(value) for value in DIFFERENT]
    assert None not in spellings
    assert len(set(spellings)) == len(DIFFERENT)


SCALARS = (
    st.none() | st.booleans() | st.integers(-2, 2)
    | st.sampled_from(['', '1', 'a', "'", 'None', '\ud800'])
    | st.sampled_from([b'', b'1', b'a']))
NAMES = st.sampled_from(['a', 'b', 1, True, None, b'a', (1,), (True,)])
PLAIN = st.recursive(SCALARS, lambda inner: (
    st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple)
    | st.dictionaries(NAMES, inner, max_size=3)), max_leaves=6)


def alike(one, other):
    """Return whether two values are equal, also in types and in order."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return alike(list(one.items()), list(other.items()))
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    return one == other


@given(PLAIN, PLAIN)
@example((1,), (True,))
@example({1: 'a'}, {True: 'a'})
def test_arguments_key_is_the_same_for_the_same_arguments(one, other):
    assert (arguments_key(one) == arguments_key(other)) == alike(one, other)


def test_arguments_key_digests_long_spelling():
    short = 'x' * (MAX_ARGUMENT_LENGTH - 2)
    assert arguments_key(short) == repr(short)
    found = arguments_key(short + 'x')
    assert found.startswith('sha256:')
    assert len(found) == len('sha256:') + 64
    # a value equal to the text of the digest has another key
    assert arguments_key(found) != found


def test_arguments_key_digest_is_no_number():
    # 64 digits may all be decimal, and then spell a number.
    found = arguments_key('\ud800' * 1000)
    assert not found[0].isdigit()


def nested(depth, wrap):
    value = wrap()
    for _level in range(depth - 1):
        value = wrap([value])
    return value


@pytest.mark.parametrize('wrap', [list, tuple, lambda inner=(): {1: inner}])
def test_arguments_key_ends_where_nesting_is_deep(wrap):
    levels = 2 if wrap not in (list, tuple) else 1
    assert arguments_key(nested(MAX_ARGUMENT_DEPTH // levels, wrap))
    assert arguments_key(nested(MAX_ARGUMENT_DEPTH + 1, wrap)) is None
    assert arguments_key(nested(10_000, wrap)) is None


def test_arguments_key_ends_where_list_holds_itself():
    loop = []
    loop.append(loop)
    assert arguments_key(loop) is None
    loop.extend([loop] * 100)
    assert arguments_key(loop) is None
    assert arguments_key({'a': (loop,)}) is None
    names = {}
    names['a'] = names
    assert arguments_key(names) is None


def test_arguments_key_ends_where_list_holds_one_list_many_times():
    # 10 ** 12 values in 13 lists: to spell them would take for ever.
    value = [1]
    for _level in range(12):
        value = [value] * 10
    assert arguments_key(value) is None


def test_arguments_key_counts_values_at_every_depth():
    # values that wait for their inspection count too
    half = MAX_ARGUMENT_VALUES // 2
    assert arguments_key([[1] * (half - 2), [1] * (half - 1)]) is not None
    assert arguments_key([[1] * (half - 1), [1] * (half - 1)]) is None
    assert arguments_key([[1] * half, *[1] * half]) is None
    assert arguments_key([*[1] * half, [1] * half]) is None


def test_arguments_key_bounds_number_of_values():
    assert arguments_key([1] * (MAX_ARGUMENT_VALUES - 1)) is not None
    assert arguments_key([1] * MAX_ARGUMENT_VALUES) is None
    assert arguments_key({n: n for n in range(MAX_ARGUMENT_VALUES)}) is None


def test_arguments_key_has_no_spelling_for_endless_number():
    assert arguments_key(10 ** 100) == repr(10 ** 100)
    assert arguments_key(10 ** 10_000) is None
    assert arguments_key(('a', [10 ** 10_000])) is None


def test_query_keeps_a_name_with_a_colon_behind_a_line_end():
    query = 'utm_%0Ax:method=page'
    assert query_key(query, ('utm_*',)) == query
    assert query_key('utm_%0Ax=page', ('utm_*',)) == ''


def test_query_of_very_many_fields_is_taken_as_it_is():
    query = '&'.join(['utm_a=1'] * (MAX_FIELDS + 1))
    assert query_key(query, ('utm_*',)) == query
    assert query_key(query[:79], ('utm_*',)) == ''
