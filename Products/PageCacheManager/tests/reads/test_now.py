"""Searches for the current time that a page cannot ask again.

The page is good until the clock may change them.
"""
import pytest
from DateTime import DateTime

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
