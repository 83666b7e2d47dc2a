"""The cost of an invalidation: the pages it drops, not the whole store."""
import pytest

from Products.PageCacheManager.core.key import row_id
from Products.PageCacheManager.core.page import Page
from Products.PageCacheManager.core.settings import Settings
from Products.PageCacheManager.manager.caches import ManagerCache
from Products.PageCacheManager.tests.test_budget import Calls


NOW = 1_700_000_000


def key(template, context):
    return (template, context, f'http://nohost{context}', (), ('etag',))


def filled(count):
    """Return a cache with `count` pages; ten are of one template."""
    cache = ManagerCache(Settings())
    page = Page(b'body', (), (), modified=NOW, created=NOW)
    for number in range(count):
        template = '/few' if number % (count // 10) == 0 else '/many'
        assert cache.pages.set(key(template, f'/{number}'), page)
    return cache


@pytest.fixture(scope='module')
def costs():
    """The calls that each of some acts takes, in a small and a large store."""
    acts = {
        'template': {'/few'}, 'context': {'/7'}, 'nothing': {'/absent'},
        'several': {'/few', '/7', '/8'}}
    found = {}
    for count in (100, 4000):
        for act, names in acts.items():
            cache = filled(count)
            calls = Calls(cache.forget, names)
            found[act, count] = calls.result, calls.all
    return found


@pytest.mark.parametrize('act, dropped', [
    ('template', 10), ('context', 1), ('nothing', 0), ('several', 12)])
def test_forgetting_costs_what_is_dropped(costs, act, dropped):
    small, large = costs[act, 100], costs[act, 4000]
    assert small[0] == large[0] == dropped
    # a settled entry takes one call more to find
    assert large[1] <= small[1] + 2 * dropped <= 40 + 40 * dropped


def test_a_row_is_dropped_alone():
    cache = filled(100)
    row = row_id(key('/many', '/7')[:3])
    assert cache.forget({row, 'page:absent'}) == 1
    assert {found['context_path'] for found in cache.pages.report()} == {
        f'/{number}' for number in range(100)} - {'/7'}


def test_what_goes_for_lack_of_room_is_forgotten_by_path_as_well():
    cache = filled(100)
    cache.pages.configure(50, 1 << 30, 0, 60)
    left = sum(
        row['template_path'] == '/few' for row in cache.pages.report())
    assert cache.forget({'/few'}) == left
    assert cache.forget({'/many'}) == 50 - left


@pytest.mark.parametrize('name, left', [
    ('/', set()), ('/site/', {'/', '/sites/a'}),
    ('/site/a/', {'/', '/site', '/site/ab', '/sites/a'}),
    ('/absent/', {'/', '/site', '/site/a', '/site/a/b', '/site/ab',
                  '/sites/a'})])
def test_a_path_with_a_slash_drops_all_below(name, left):
    cache = ManagerCache(Settings())
    page = Page(b'body', (), (), modified=NOW, created=NOW)
    paths = {'/', '/site', '/site/a', '/site/a/b', '/site/ab', '/sites/a'}
    for path in paths:
        cache.pages.set(key('/page', path), page)
    assert cache.forget({name}) == len(paths) - len(left)
    assert {row['context_path'] for row in cache.pages.report()} == left
