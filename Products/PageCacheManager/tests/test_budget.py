"""How many Python functions a request calls: exact on every machine.

A bound falls with each step that saves calls, and never rises.  Newer versions
of Python call less: they inline comprehensions, and the floor has more of them
than a hit.
"""
import gc
import sys
from collections import Counter
from pathlib import Path

import pytest

import Products.PageCacheManager

from ..manager import caches
from . import view_cases
from .lane_client import LaneClient
from .lane_client import warm


ROOT = str(Path(Products.PageCacheManager.__file__).parent)
TESTS = str(Path(__file__).parent)
PAGE = '/site/doc/page'

#: Whether the floor saves calls by that.
INLINES = sys.version_info >= (3, 12)


class Calls:
    """The calls of Python functions that a function makes."""

    def __init__(self, function, *arguments, **keywords):
        self._names = Counter()
        gc.disable()  # garbage of other tests would call functions
        sys.setprofile(self._note)
        try:
            self.result = function(*arguments, **keywords)
        finally:
            sys.setprofile(None)
            gc.enable()

    def _note(self, frame, event, _):
        if event == 'call':
            self._names[frame.f_code.co_filename] += 1

    @property
    def all(self):
        """The number of calls, without those of the tests."""
        return sum(
            count for name, count in self._names.items()
            if not name.startswith(TESTS))

    @property
    def ours(self):
        """The number of calls of functions of the product."""
        return sum(
            count for name, count in self._names.items()
            if name.startswith(ROOT) and not name.startswith(TESTS))


def calls(client, path, outcome, user=None, **headers):
    """Return the calls of a request that follows equal requests."""
    client.get(path, user, **headers)
    client.get(path, user, **headers)
    # one of two may be the first in its second, which formats the ttl anew
    found = [Calls(client.get, path, user, **headers) for _ in range(2)]
    assert {one.result.outcome for one in found} == {outcome}
    return min(found, key=lambda one: one.all)


@pytest.fixture
def floor(site, client, item):
    """The calls of a method that gives the same as a hit, without a cache."""
    hit = client.get(PAGE)

    def method(self, REQUEST):
        """Give the page."""
        for name, value in hit.lines:
            if name.lower() not in ('content-length', 'x-powered-by'):
                REQUEST.RESPONSE.setHeader(name, value)
        return hit.text

    item('floor', method)
    found = calls(client, '/site/doc/floor', hit.outcome)
    assert found.result.body == hit.body
    return found


def test_a_request_without_a_page_of_ours(floor):
    # one call is `opaque_items`, which replaces a function of CMF with more
    # calls; one is a wrapper of `DB.open`
    assert floor.ours <= 10


def test_hit(client, floor):
    found = calls(client, PAGE, 'HIT')
    assert found.ours <= 40
    assert found.all - floor.all <= 13 + 2 * INLINES


def test_hit_that_asks(site, client, floor):
    site.page_cache.manage_editProps('', {'late_ms': 0})
    caches.recent_answers.clear()  # it stays empty if nothing is remembered
    found = calls(client, PAGE, 'HIT')
    assert found.ours <= 125
    assert found.all - floor.all <= 167 + INLINES


def test_hit_of_a_new_client(client, floor):
    client.get(PAGE)
    found = [
        Calls(client.get, PAGE, User_Agent=f'client {n}') for n in range(2)]
    assert {one.result.outcome for one in found} == {'HIT'}
    assert min(one.ours for one in found) <= 128
    assert min(one.all for one in found) - floor.all <= 207 + INLINES


def test_hit_of_a_user(client, floor):
    found = calls(client, PAGE, 'HIT', 'alice')
    assert found.ours <= 42


def test_304(client, floor):
    tag = client.get(PAGE)['ETag']
    found = calls(client, PAGE, 'HIT', If_None_Match=tag)
    assert found.result.status == 304
    assert found.ours <= 40
    assert found.all - floor.all <= 7 + 5 * INLINES


def test_miss(client, site):
    client.get(PAGE)
    client.get(f'{PAGE}?a=1')
    # some of the misses also free the room of earlier pages, or share parts
    # with them
    found = [Calls(client.get, f'{PAGE}?a={n}') for n in range(2, 12)]
    assert {one.result.outcome for one in found} == {'MISS'}
    assert min(one.ours for one in found) <= 337


def test_hit_of_a_view(client, viewed):
    client.get(view_cases.COUNTING)
    found = calls(client, view_cases.COUNTING, 'HIT')
    assert found.ours <= 88


def test_hit_of_the_fast_lane(site):
    lane = LaneClient()
    warm(lane)
    # one of two may be the first in its second, which formats the date anew
    found = [Calls(lane.get, PAGE) for _ in range(2)]
    assert [one.result.outcome for one in found] == ['HIT', 'HIT']
    assert min(one.ours for one in found) <= 25
