"""Searches for the current time that a page cannot ask again.

The page is good until the clock may change them.
"""
import math
import time

import pytest
from DateTime import DateTime

from ...core.reads.unknown import Unknown
from ...core.reads.unknown import Why
from ...reads import catalog
from ...reads import freshness
from ...reads import memoized
from ...reads import sharing
from .test_catalog import HOUR
from .test_catalog import MINUTE
from .test_catalog import clock  # noqa: F401 - a fixture
from .test_catalog import installed  # noqa: F401 - a fixture
from .test_catalog import site  # noqa: F401 - a fixture


def search_and_let_go(root):
    for brain in root.catalog(range=DateTime()):
        assert brain.title
    assert root['doc-02'].title
    root['doc-02']._p_deactivate()


class Odd(str):
    """A value that is no question."""


def search_oddly(root):
    for brain in root.catalog(range=DateTime(), kind=Odd('even')):
        assert brain.title


@pytest.mark.parametrize('render', [search_and_let_go, search_oddly])
def test_it_ends_with_the_next_date(site, clock, render):  # noqa: F811
    site.edit('doc-36', effective=DateTime() + 2 / 24)
    site.begin()
    render(site.root)
    made = site.recorded(render)
    site.begin()
    assert site.changed(made) is None
    clock.ahead = 2 * HOUR + 2 * MINUTE
    site.begin()
    assert site.changed(made) is not None


def keep_oddly(root):
    """Search for the time now, and keep the value in memory."""
    if not memoized.given(known.get('value')) or 'value' not in known:
        memoized.missing('value')
        search_oddly(root)
        known['value'] = memoized.made('value', 'value')


known = {}


@pytest.fixture
def ends(site):  # noqa: F811
    """A site where a search for now changes in two hours."""
    known.clear()
    site.edit('doc-36', effective=DateTime() + 2 / 24)
    site.begin()
    return site


def test_a_value_that_is_kept_ends_too(ends, clock):  # noqa: F811
    ends.recorded(keep_oddly)
    made = ends.recorded(keep_oddly)
    assert freshness.until(made) < math.inf
    assert freshness.are_unmoved(made)
    clock.ahead = 2 * HOUR + 2 * MINUTE
    assert not freshness.are_unmoved(made)


@pytest.mark.parametrize('render', [
    search_oddly, keep_oddly, search_and_let_go])
def test_other_processes_do_not_get_it(ends, clock, render):  # noqa: F811
    ends.recorded(render)
    made = ends.recorded(render)
    assert sharing.portable(made, ends.connection) is None


@pytest.mark.parametrize('render', [search_oddly, search_and_let_go])
def test_it_is_not_remembered_longer(ends, clock, render):  # noqa: F811
    made = ends.recorded(render)
    assert time.time() < freshness.until(made) < time.time() + 3 * HOUR


def let_value_go(root):
    keep_oddly(root)
    root['doc-02']._p_deactivate()


@pytest.mark.parametrize('render', [
    search_oddly, search_and_let_go, let_value_go])
def test_its_date_is_that_of_the_search(ends, clock, render):  # noqa: F811
    before = time.time()
    assert ends.recorded(render).changed_at >= before


def test_an_index_that_fails_makes_the_page_unknown(
        ends, monkeypatch):
    def fail(*args):
        raise ZeroDivisionError
    monkeypatch.setattr(catalog, 'until_of', fail)
    assert ends.recorded(search_oddly) == Unknown(Why.LOST)
