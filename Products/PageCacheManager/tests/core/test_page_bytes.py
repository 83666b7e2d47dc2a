"""The bytes of a page: reading gives the written page, and nothing else."""
import json
import math
import struct

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from Products.PageCacheManager.core.page import Page
from Products.PageCacheManager.core.page_bytes import from_bytes
from Products.PageCacheManager.core.page_bytes import to_bytes
from Products.PageCacheManager.core.reads.portable import Portable
from Products.PageCacheManager.core.reads.portable import Source
from Products.PageCacheManager.tests.core.test_page import PAGE


#: As several processes share it.
SHARED = PAGE._replace(codings=(), made_from=Portable(
    (Source('main', 5, 7, (b'12345678', b'87654321')),
     Source('other', 1, 2, ())),
    (('["main", "question"]', b'answer'),)))

ENVELOPE = "('/templates/page', ('en',))"

#: A pair of lone surrogates is the one thing that JSON reads back as another.
TEXT = st.text()

OIDS = st.lists(st.binary(min_size=8, max_size=8), max_size=3).map(tuple)

READS = st.builds(
    Portable,
    sources=st.lists(st.builds(
        Source, name=TEXT, root_tid=st.integers(0, 2**64),
        tid=st.integers(0, 2**64), oids=OIDS), max_size=3).map(tuple),
    asked=st.lists(st.tuples(TEXT, st.binary()), max_size=3).map(tuple))

PAGES = st.builds(
    Page, body=st.binary(), codings=st.just(()),
    made_from=st.none() | READS,
    headers=st.lists(st.tuples(TEXT, TEXT), max_size=4).map(tuple),
    modified=st.integers(-2**62, 2**62),
    created=st.floats(allow_nan=False, allow_infinity=False),
    varies=st.lists(TEXT, max_size=3).map(tuple),
    absent_cookies=st.lists(TEXT, max_size=3).map(tuple),
    max_age_secs=st.integers(0, 2**31))


@given(PAGES, TEXT)
@example(SHARED, ENVELOPE)
def test_from_bytes_reads_what_to_bytes_writes(page, envelope):
    found = from_bytes(to_bytes(page, envelope), envelope)
    assert found == page
    assert [type(part) for part in found] == [type(part) for part in page]


@given(TEXT, TEXT)
@example(ENVELOPE, ENVELOPE + ' ')
@example('', '1')
def test_from_bytes_reads_under_its_own_envelope_alone(written, read):
    found = from_bytes(to_bytes(SHARED, written), read)
    assert found == (SHARED if written == read else None)


DATA = to_bytes(SHARED, ENVELOPE)


def test_from_bytes_refuses_what_is_cut_short():
    for length in range(len(DATA)):
        assert from_bytes(DATA[:length], ENVELOPE) is None


def test_from_bytes_refuses_what_is_too_long():
    assert from_bytes(DATA + b'\0', ENVELOPE) is None
    assert from_bytes(DATA + DATA, ENVELOPE) is None


@pytest.mark.parametrize('position', range(16))
def test_from_bytes_refuses_damaged_magic_and_lengths(position):
    damaged = bytearray(DATA)
    for bit in range(8):
        damaged[position] ^= 1 << bit
        assert from_bytes(bytes(damaged), ENVELOPE) is None
        damaged[position] ^= 1 << bit


def test_from_bytes_never_raises_where_bits_are_flipped():
    damaged = bytearray(DATA)
    for position in range(16, len(DATA)):
        for bit in range(8):
            damaged[position] ^= 1 << bit
            found = from_bytes(bytes(damaged), ENVELOPE)
            assert found is None or isinstance(found, Page)
            damaged[position] ^= 1 << bit


@pytest.mark.parametrize('data', [
    None, '', 'PCM3', 1, [], (), PAGE, tuple(PAGE), bytearray(DATA),
    memoryview(DATA), DATA.decode('latin-1'), b'', b'PCM4', b'PCM3' + DATA[4:],
], ids=lambda data: type(data).__name__)
def test_from_bytes_refuses_what_is_foreign(data):
    assert from_bytes(data, ENVELOPE) is None


def test_a_page_is_written_without_its_codings():
    data = to_bytes(PAGE, ENVELOPE)
    assert from_bytes(data, ENVELOPE) == PAGE._replace(codings=())


def framed(head, oids=b''):
    """Return `head` in a frame with a body of 3 bytes."""
    lengths = struct.pack('>III', len(head), 3, len(oids))
    return b'PCM4' + lengths + head + b'bod' + oids


def test_framed_head_is_read():
    head = json.dumps(
        ['e', [['a', 'b']], 1, 2.5, ['c'], ['f'], 9,
         [[['d', 3, 4, 1]], [['q', '61']]]]).encode()
    assert from_bytes(framed(head, b'12345678'), 'e') == Page(
        b'bod', (), (('a', 'b'),), 1, 2.5, ('c',), ('f',), 9,
        Portable((Source('d', 3, 4, (b'12345678',)),), (('q', b'a'),)))


def test_oids_without_reads_are_refused():
    head = b'["e", [], 1, 1, [], [], 0, null]'
    assert from_bytes(framed(head), 'e')
    assert from_bytes(framed(head, b'12345678'), 'e') is None


@pytest.mark.parametrize(('reads', 'size'), [
    ('1', 8), ('[]', 8), ('[[]]', 8), ('[[], []]', 8), ('[[], [], []]', 8),
    ('[[["d", 1, 2, 1]], []]', 0), ('[[["d", 1, 2, 1]], []]', 7),
    ('[[["d", 1, 2, 1]], []]', 16), ('[[["d", 1, 2, -1]], []]', 8),
    ('[[["d", 1, 2, -1], ["e", 1, 2, 2]], []]', 8),
    ('[[["d", 1, 2, 1.0]], []]', 8), ('[[["d", 1, 2, null]], []]', 8),
    ('[[["d", 1, 2]], []]', 8), ('[[["d", 1, 2, 1, 1]], []]', 8),
    ('[[["d", "x", 2, 1]], []]', 8), ('[[["d", 1, null, 1]], []]', 8),
    ('[[["d", 1, 1e999, 1]], []]', 8), ('[[["d", 1, NaN, 1]], []]', 8),
    ('[[["d", 1, 2, 1' + '0' * 30 + ']], []]', 8),
    ('[[["d", 1, 2, 1]], [["q"]]]', 8), ('[[["d", 1, 2, 1]], [["q", 5]]]', 8),
    ('[[["d", 1, 2, 1]], [["q", "x"]]]', 8),
    ('[[["d", 1, 2, 1]], [["q", "61", 1]]]', 8),
    ('[[["d", 1, 2, 1]], [' + ', '.join(['["q", "61"]'] * 501) + ']]', 8)],
    ids=lambda part: str(part)[:40])
def test_foreign_reads_are_refused(reads, size):
    head = f'["e", [], 1, 1, [], [], 0, {reads}]'.encode()
    assert from_bytes(framed(head, bytes(size)), 'e') is None


@pytest.mark.parametrize('head', [
    b'',
    b'{',
    b'\xff\xfe',
    b'null',
    b'1',
    b'"ebcde"',
    b'[]',
    b'["e", [], 1, 1, [], 0, null]',
    b'["e", [], 1, 1, [], 1, [], 0, null]',
    b'{"e": 1, "b": 2, "c": 3, "d": 4, "f": 5}',
    b'["x", [], 1, 1, [], [], 0, null]',
    b'[["e"], [], 1, 1, [], [], 0, null]',
    b'["e", null, 1, 1, [], [], 0, null]',
    b'["e", [1], 1, 1, [], [], 0, null]',
    b'["e", [["a"]], 1, 1, [], [], 0, null]',
    b'["e", [["a", "b", "c"]], 1, 1, [], [], 0, null]',
    b'["e", [], null, 1, [], [], 0, null]',
    b'["e", [], "x", 1, [], [], 0, null]',
    b'["e", [], NaN, 1, [], [], 0, null]',
    b'["e", [], Infinity, 1, [], [], 0, null]',
    b'["e", [], 1e999, 1, [], [], 0, null]',
    b'["e", [], 1, [], [], [], 0, null]',
    b'["e", [], 1, 1, null, [], 0, null]',
    b'["e", [], 1, 1, 1, [], 0, null]',
    b'["e", [], 1, 1' + b'0' * 400 + b', [], [], 0, null]',
    b'["e", [], 1' + b'0' * 10_000 + b', 1, [], [], 0, null]',
    b'["e", [], 1, 1, [], null, 0, null]',
    b'["e", [], 1, 1, [], [], null, null]',
    b'["e", [], 1, 1, [], [], NaN, null]',
    b'[' * 100_000,
    b'["e", ' + b'[' * 100_000 + b']' * 100_000 + b', 1, 1, []]',
    b'{"e":' * 100_000,
], ids=lambda head: head[:32].decode('latin-1'))
def test_from_bytes_refuses_foreign_head(head):
    assert from_bytes(framed(head), 'e') is None


@given(st.one_of(
    st.binary(),
    st.binary().map(lambda data: b'PCM4' + data),
    st.binary().map(framed)))
def test_from_bytes_never_raises_on_random_bytes(data):
    assert from_bytes(data, ENVELOPE) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=2), inner, max_size=3)))


@given(st.lists(JSON, min_size=7, max_size=7))
@example([[], math.inf, 1, [], [], 0, []])
@example([[], 1, 1, [], [], 0, [[['d', 1, 2, 0]], []]])
def test_from_bytes_never_raises_on_foreign_json(parts):
    found = from_bytes(framed(json.dumps(['e', *parts]).encode()), 'e')
    assert found is None or isinstance(found, Page)
