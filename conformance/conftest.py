"""Fixtures: the demo site as a process, pages for each test, policies."""
import pytest

from .demo import DemoSite


@pytest.fixture(scope='session')
def site(tmp_path_factory):
    demo = DemoSite(tmp_path_factory.mktemp('demo') / 'instance')
    yield demo
    demo.stop()


@pytest.fixture
def document(site):
    """The path of a document's page that no other test asks for."""
    return site.new_page()


@pytest.fixture
def set_policy(site):
    """Change a policy of the site for this test."""
    changed = set()

    def change(name='documents', **changes):
        changed.add(name)
        site.set_policy(name, **changes)

    yield change
    for name in changed:
        site.set_policy(name)


@pytest.fixture
def seen(site):
    """A function that returns the site's requests since the test began."""
    start = len(site.seen())
    return lambda: site.seen()[start:]
