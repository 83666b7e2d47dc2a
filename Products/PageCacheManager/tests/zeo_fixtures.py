"""Fixtures of tests with several Zope clients; a module takes them by name.
"""
import pytest

from .zeo import Cluster


def make_cluster(*options):
    """Return the fixture of a :class:`.zeo.Cluster` with these options."""
    @pytest.fixture(scope='module')
    def cluster(tmp_path_factory):
        cluster = Cluster(tmp_path_factory.mktemp('zeo'), *options)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
    return cluster


@pytest.fixture
def site(cluster):
    """The path of a site that no other test uses."""
    return cluster.new_site()


@pytest.fixture(params=['to the second', 'to the first'])
def pair(cluster, request):
    """The client that changes something, and the client that must see it."""
    first, second = cluster.zopes
    return (first, second) if 'second' in request.param else (second, first)


@pytest.fixture
def line(cluster):
    """The line between the second client and the server."""
    yield cluster.wire
    cluster.wire.mend()
    cluster.wire.release()
    cluster.settle()
