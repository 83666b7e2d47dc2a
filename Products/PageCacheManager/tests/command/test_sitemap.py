"""Sitemaps, also hostile ones."""
import gzip
import zlib

import pytest

from ...command import sitemap
from ...command.usage import Failure


PAGES = b'''<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
  xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
  <url><loc> http://h.example/a?b=1&amp;c=2 </loc>
    <lastmod>2026-01-01</lastmod>
    <image:image><image:loc>http://h.example/i.png</image:loc></image:image>
  </url>
  <url><loc><![CDATA[http://h.example/b]]></loc></url>
</urlset>'''

INDEX = b'''<sitemapindex><sitemap><loc>http://h.example/1.xml</loc></sitemap>
<sitemap><loc>http://h.example/2.xml.gz</loc></sitemap></sitemapindex>'''

FOUND = ['http://h.example/a?b=1&c=2', 'http://h.example/b']


def test_pages():
    assert sitemap.read(PAGES) == (FOUND, [])


def test_pages_in_gzip():
    assert sitemap.read(gzip.compress(PAGES)) == (FOUND, [])


def test_an_index():
    assert sitemap.read(INDEX) == (
        [], ['http://h.example/1.xml', 'http://h.example/2.xml.gz'])


def test_another_encoding():
    text = '<urlset><url><loc>http://h.example/ä</loc></url></urlset>'
    assert sitemap.read(text.encode('utf-16')) == (
        ['http://h.example/ä'], [])


def bomb(size):
    """Return compressed bytes that unpack to `size` bytes."""
    pack = zlib.compressobj(9, wbits=31)
    return b''.join(
        [pack.compress(b' ' * (1 << 20)) for _ in range(size >> 20)]
        + [pack.flush()])


@pytest.mark.parametrize('data, message', [
    (b'', 'no sitemap: no element found'),
    (b'<html></html>', 'neither urlset nor sitemapindex'),
    (b'<urlset><url>', 'no sitemap: '),
    (b'<a><urlset></urlset></a>', 'neither urlset nor sitemapindex'),
    (gzip.compress(PAGES)[:-9], 'cut short'),
    (b'\x1f\x8bxyz', 'no sitemap: '),
    (b'<urlset>' + b'<a>' * 30, 'nested too deep'),
    (b'<!DOCTYPE x [<!ENTITY a "b">]><urlset>&a;</urlset>',
     'it has a document type'),
    (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><urlset></urlset>',
     'it has a document type')])
def test_what_is_no_sitemap(data, message):
    with pytest.raises(Failure, match=message):
        sitemap.read(data)


def test_what_unpacks_to_very_much():
    data = bomb(sitemap.MAX_BYTES + (1 << 20))
    assert len(data) < 100_000
    with pytest.raises(Failure, match='bytes, unpacked'):
        sitemap.read(data)


def test_more_urls_than_the_protocol_allows():
    one = b'<url><loc>http://h.example/</loc></url>'
    most = b'<urlset>' + one * sitemap.MAX_URLS
    assert len(sitemap.read(most + b'</urlset>')[0]) == sitemap.MAX_URLS
    with pytest.raises(Failure, match='more than 50000 URLs'):
        sitemap.read(most + one + b'</urlset>')
