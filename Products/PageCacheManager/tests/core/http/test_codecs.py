"""The libraries behind the codings, and which of them is used."""
import gzip as stdlib_gzip
import importlib
import sys
import threading
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from Products.PageCacheManager.core.http import codecs
from Products.PageCacheManager.core.http.content_coding import GZIP_HEADER
from Products.PageCacheManager.core.http.content_coding import gunzip
from Products.PageCacheManager.core.http.content_coding import gzip


each_codec = pytest.mark.parametrize('name', codecs.CODECS)


@pytest.fixture
def reload(monkeypatch):
    """Look for the libraries again, also once the test is over."""
    yield lambda: importlib.reload(codecs)
    monkeypatch.undo()
    importlib.reload(codecs)


@each_codec
@given(body=st.binary())
def test_every_codec_reads_what_it_writes(name, body):
    codec = codecs.CODECS[name]
    assert codec.decode(codec.encode(body)) == body


@each_codec
def test_codecs_give_the_same_bytes_for_the_same_body(name):
    """One strong tag names them (RFC 9110 section 8.8.3.3)."""
    body = b'The body of a page. ' * 3000
    encode = codecs.CODECS[name].encode
    assert encode(body) == encode(body)
    assert len(encode(body)) < 1000


@each_codec
def test_damaged_data_is_an_error(name):
    with pytest.raises(Exception):  # noqa: B017
        codecs.CODECS[name].decode(b'no such thing')


def test_gzip_is_that_of_zope():
    assert codecs.CODECS['gzip'].encode(b'body' * 99) == gzip(b'body' * 99)
    assert gunzip(codecs.CODECS['gzip'].encode(b'x'), 1) == b'x'


def test_gzip_of_others_is_read_too():
    data = stdlib_gzip.compress(b'body' * 999, 9)
    assert data[:10] != GZIP_HEADER
    assert codecs.CODECS['gzip'].decode(data) == b'body' * 999


@pytest.mark.parametrize('length', [10, 12, 17, 18, 30])
def test_gzip_cut_short_is_an_error(length):
    data = gzip(b'The body of a page.' * 9)[:length]
    with pytest.raises(zlib.error):
        codecs.CODECS['gzip'].decode(data)


@each_codec
def test_codecs_serve_many_threads(name):
    codec = codecs.CODECS[name]
    bodies = [b'%d, the body of a page. ' % n * 999 for n in range(8)]
    start = threading.Barrier(8)
    wrong = []

    def work(body):
        start.wait(10)
        for _ in range(50):
            if codec.decode(codec.encode(body)) != body:
                wrong.append(body)
    threads = [
        threading.Thread(target=work, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert wrong == []


@pytest.mark.parametrize(('absent', 'made'), [
    (('compression.zstd', 'zstandard', 'brotli'), {'gzip'}),
    (('compression.zstd', 'zstandard'), {'gzip', 'br'}),
    (('brotli',), {'gzip', 'zstd'}),
    ((), {'gzip', 'zstd'}),
])
def test_one_better_coding_is_made_where_there_is_one(
        monkeypatch, reload, absent, made):
    pytest.importorskip('zstandard')
    pytest.importorskip('brotli')
    for name in absent:
        monkeypatch.setitem(sys.modules, name, None)
    reload()
    assert codecs.MADE == made
    assert set(codecs.CODECS) >= made


def test_library_that_does_not_load_is_none(monkeypatch, reload):
    def load(name):
        raise OSError('a binary of another machine')
    monkeypatch.setattr(importlib, 'import_module', load)
    reload()
    assert set(codecs.CODECS) == {'gzip'}


def test_body_comes_from_the_quickest_coding_there_is(monkeypatch):
    asked = []
    monkeypatch.setattr(codecs, 'CODECS', {
        name: codecs.Codec(bytes, lambda data, name=name: (
            asked.append(name) or data))
        for name in ('zstd', 'gzip')})
    assert codecs.decoded([
        ('br', b'b'), ('gzip', b'g'), ('zstd', b'z')]) == b'z'
    assert codecs.decoded([('zstd', b''), ('gzip', b'g')]) == b'g'
    assert asked == ['zstd', 'gzip']
    with pytest.raises(ValueError, match='br'):
        codecs.decoded([('br', b'b'), ('gzip', b'')])
