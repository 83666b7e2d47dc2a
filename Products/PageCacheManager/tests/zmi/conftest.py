"""Fixtures: a browser, and a server with the site."""
import pytest

from .. import browser as browsers
from .. import engine


@pytest.fixture(scope='module')
def browser():
    with browsers.chromium() as browser:
        yield browser


@pytest.fixture
def server(site):
    """The URL of a server."""
    with engine.chameleon(), browsers.zope_server() as url:
        yield url
