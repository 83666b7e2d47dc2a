"""How a page was sent, and its changes by a 304 of Zope."""
import pytest

from ...fastlane import entry as lane_entry
from ...fastlane.permit import Permit
from ...manager.caches import cache_of
from ..client import Client
from ..lane_client import PATH
from ..lane_client import LaneClient
from ..lane_client import warm


LINES = [
    ('Content-Type', 'text/html'), ('ETag', '"a;gzip"'), ('Expires', 'soon'),
    ('Vary', 'Accept-Encoding'), ('X-PageCache', 'HIT'), ('Date', 'now'),
    ('Cache-Status', 'x'), ('Server', 'y')]


class Cache:
    """A substitute for the cache of a manager."""


@pytest.fixture
def permit():
    permit = Permit(*[None] * len(Permit._fields))
    return permit._replace(
        cache=Cache(), allows_304=True, body=b'page', tags=(),
        headers=frozenset(
            (name.lower(), value) for name, value in LINES[:-3]))


def entry(permit):
    return lane_entry.entry(permit, (), 1.0, LINES)


def test_entry_holds_neither_the_page_nor_its_cache(permit):
    assert entry(permit).permit.body == b''
    assert entry(permit).permit.cache is None
    assert entry(permit).cache() is permit.cache


@pytest.mark.parametrize('other', [{'key': ('b',)}, {'created': 2.0}])
def test_entry_is_of_its_page_alone(permit, other):
    permit = permit._replace(key=('a',), created=1.0)
    assert entry(permit).is_of(permit)
    assert not entry(permit).is_of(permit._replace(**other))


def test_what_is_said_anew_is_not_kept(permit):
    names = [name for name, _ in entry(permit).headers]
    assert 'Date' not in names and 'Cache-Status' not in names
    assert 'Server' in names


def test_304_has_its_headers_alone(permit):
    names = [name for name, _ in entry(permit).headers_of_304]
    assert names == ['ETag', 'Expires', 'Vary', 'X-PageCache', 'Server']


def test_page_held_under_its_tag_alone(permit):
    assert entry(permit).held('W/"a;gzip"')
    assert not entry(permit).held('"a"')
    assert not entry(permit._replace(allows_304=False)).held('"a;gzip"')


def test_304_of_zope_renews_all_but_the_tag(permit):
    """It may be that of another coding."""
    renewed = lane_entry.renewed(
        entry(permit), permit._replace(reads='new'), (('main', b'1'),), 2.0,
        [('Etag', '"a"'), ('expires', 'later'), ('X-New', 'x')])
    assert (renewed.moment, renewed.asked_at) == ((('main', b'1'),), 2.0)
    assert renewed.permit.reads == 'new'
    assert renewed.tag == '"a;gzip"'
    assert dict(renewed.headers)['ETag'] == '"a;gzip"'
    assert dict(renewed.headers)['Expires'] == 'later'
    assert dict(renewed.headers_of_304)['Expires'] == 'later'
    assert 'X-New' not in dict(renewed.headers)


@pytest.mark.parametrize('lines', [
    [('ETag', '"b"')], [('Set-Cookie', 'x')],
    [('Vary', 'Accept-Encoding'), ('vary', 'Accept-Encoding')]])
def test_headers_of_others_are_seen(permit, lines):
    assert lane_entry.are_as_permitted(LINES[:5], permit)
    assert lane_entry.are_as_permitted([LINES[5], LINES[7]], permit)
    assert not lane_entry.are_as_permitted(lines, permit)


def test_page_that_was_rendered_anew_asks_zope(site):
    """It has the same key, but the entry has the headers of the old page."""
    lane = LaneClient()
    warm(lane)
    cache_of(site.page_cache).pages.purge()
    assert Client().get(PATH).outcome == 'MISS'
    assert not lane.is_fast()
