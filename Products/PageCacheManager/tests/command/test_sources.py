"""The sources of the URLs to warm."""
import pytest

from ...command import sources
from ...command.sources import Sources
from ...command.usage import Failure
from ...command.usage import UsageError


def listed(*urls):
    return ''.join(f'<url><loc>{url}</loc></url>' for url in urls)


def index(*urls):
    return ''.join(f'<sitemap><loc>{url}</loc></sitemap>' for url in urls)


class Web:
    """Sitemaps by their URLs; records the URLs that are fetched."""

    def __init__(self, **texts):
        self.texts = {
            f'http://h/{name}.xml': text for name, text in texts.items()}
        self.fetched = []

    def __call__(self, url):
        self.fetched.append(url)
        if url not in self.texts:
            raise Failure('404 Not Found')
        text = self.texts[url]
        name = 'sitemapindex' if '<sitemap>' in text else 'urlset'
        return f'<{name}>{text}</{name}>'.encode()


def found(web, source='http://h/first.xml', limit=100):
    return Sources(source, limit, web)


def test_a_url_is_a_page():
    pages = found(Web(), 'http://h/news?a=1#top')
    assert pages.urls == ['http://h/news?a=1']


def test_an_index_leads_to_pages():
    web = Web(
        first=index('http://h/a.xml', 'http://h/b.xml'),
        a=listed('http://h/1', 'http://h/2'),
        b=listed('http://h/2#x', 'http://h/3'))
    assert found(web).urls == ['http://h/1', 'http://h/2', 'http://h/3']


def test_an_index_that_leads_to_itself():
    web = Web(first=index('http://h/first.xml', 'http://h/a.xml'),
              a=index('http://h/first.xml'))
    pages = found(web)
    assert (pages.urls, pages.failed) == ([], [])
    assert web.fetched == ['http://h/first.xml', 'http://h/a.xml']


def test_other_origins_are_left_out():
    web = Web(
        first=index('http://other/a.xml', 'http://h/a.xml'),
        a=listed('https://h/1', 'http://h:81/2', 'file:///etc/passwd',
                 'http://h:80/3', 'http://u:p@h/4', 'nonsense'))
    pages = found(web)
    assert pages.urls == ['http://h:80/3']
    assert pages.foreign == 6
    assert 'http://other/a.xml' not in web.fetched


def test_a_sitemap_that_fails_is_named_and_others_are_read():
    web = Web(first=index('http://h/no.xml', 'http://h/a.xml'),
              a=listed('http://h/1'))
    pages = found(web)
    assert pages.urls == ['http://h/1']
    assert pages.failed == [('http://h/no.xml', '404 Not Found')]


def test_the_limit():
    web = Web(first=index('http://h/a.xml', 'http://h/b.xml'),
              a=listed('http://h/1', 'http://h/2', 'http://h/3'),
              b=listed('http://h/4'))
    pages = found(web, limit=2)
    assert pages.urls == ['http://h/1', 'http://h/2'] and pages.has_more
    assert 'http://h/b.xml' not in web.fetched
    assert not found(web, limit=4).has_more


def test_the_number_of_sitemaps_is_bounded(monkeypatch):
    monkeypatch.setattr(sources, 'MAX_SITEMAPS', 3)
    web = Web(first=index(*[f'http://h/{n}.xml' for n in range(9)]),
              **{str(n): listed(f'http://h/{n}') for n in range(9)})
    pages = found(web)
    assert pages.urls == ['http://h/0', 'http://h/1']
    assert pages.failed == [
        ('http://h/first.xml', 'leads to more than 3 sitemaps')]


def test_a_file(tmp_path):
    file = tmp_path / 'urls'
    file.write_text('# pages\n\n http://h/1 \nhttp://h/1\nhttp://x/2\n')
    pages = found(Web(), str(file))
    assert (pages.urls, pages.foreign) == (['http://h/1'], 1)


@pytest.mark.parametrize('text', [b'\xff', b'<urlset/>', b'/news'])
def test_a_file_that_is_no_list(tmp_path, text):
    file = tmp_path / 'urls'
    file.write_bytes(text)
    with pytest.raises(UsageError):
        found(Web(), str(file))


def test_a_file_that_is_very_long(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, '_MAX_BYTES', 10)
    file = tmp_path / 'urls'
    file.write_text('http://h/123')
    with pytest.raises(UsageError, match='longer than 10'):
        found(Web(), str(file))
