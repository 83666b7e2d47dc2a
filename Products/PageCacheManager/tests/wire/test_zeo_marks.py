"""Editors at work on a ZEO server that has not installed the product.

This is usual: a server has ZEO alone.  Classes that every server has resolve
conflicts there, and let users undo an edit.
"""
import threading

import pytest

from .. import zeo_fixtures
from ..zeo import let_on
from ..zeo import until
from .test_zeo import HELD
from .test_zeo import fill
from .test_zeo import in_threads
from .test_zeo import invalidate
from .test_zeo import is_forgotten
from .test_zeo import post
from .test_zeo import purge
from .test_zeo import undo


#: Editors of each client, and how often each saves.
EDITORS, EDITS = 4, 6

cluster = zeo_fixtures.make_cluster(None, 'blind')


@pytest.fixture
def site(cluster):
    """The path of a site with an associated view, and content to edit."""
    path = cluster.new_site()
    post(cluster.zopes[0], f'{path}/page_cache/manage_editViews', **{
        'views.name:records': 'some_view', 'views.kind:records': ''})
    cluster.settle()
    yield path
    assert 'Traceback' not in cluster.server.log.read_text()


def retries(cluster):
    return sum(zope.state()['retries'] for zope in cluster.zopes)


def rewrite(zope, path, text):
    post(zope, f'{path}/rewrite', 200, text=text)


def test_two_edits_at_once(cluster, site):
    first, second = cluster.zopes
    before = retries(cluster)
    with first.background('post', f'{site}/doc/rewrite', {
            'text': 'one'}, X_Hold='commit') as answers:
        waiting = cluster.gate.arrival()
        rewrite(second, f'{site}/third', 'other')
        let_on(waiting)
        until(lambda: answers or cluster.gate.let_on_again(), 'the first')
    assert answers[0].status == 200
    cluster.settle()
    assert retries(cluster) == before
    assert 'one' in second.get(f'{site}/doc/page').text
    assert 'other' in first.get(f'{site}/third/page').text


def test_many_edits_at_once(cluster, site):
    """Each of an own document, as editors do."""
    post(cluster.zopes[0], '/make_documents', 200, site=site[1:],
         **{'count:int': 2 * EDITORS})
    cluster.settle()
    before = retries(cluster)
    at_once = threading.Barrier(2 * EDITORS)

    def work(number):
        for edit in range(EDITS):
            at_once.wait(60)
            rewrite(cluster.zopes[number % 2], f'{site}/document{number}',
                    f'edit {edit}')

    in_threads([
        lambda number=number: work(number) for number in range(2 * EDITORS)])
    assert retries(cluster) == before


def test_edit_is_undone_though_another_came_later(cluster, site):
    writer, reader = cluster.zopes
    rewrite(writer, f'{site}/doc', 'to be undone')
    rewrite(writer, f'{site}/third', 'to be kept')
    rewrite(reader, f'{site}/folder/inner', 'to be kept')
    cluster.settle()
    undo(writer, 'doc/rewrite', back=2)
    cluster.settle()
    for zope in cluster.zopes:
        assert 'first text' in zope.get(f'{site}/doc/page').text
        for path in ('third', 'folder/inner'):
            assert 'to be kept' in zope.get(f'{site}/{path}/page').text


def test_path_with_all_below_is_forgotten_on_every_client(cluster, site):
    path = f'{site}/folder/inner/page'
    page = fill(cluster, path)
    invalidate(cluster.zopes[0], site, f'{site}/folder/')
    cluster.settle()
    for zope in cluster.zopes:
        assert is_forgotten(zope, path, page)


def test_invalidation_is_undone_though_another_came_later(cluster, site):
    writer, _ = cluster.zopes
    page = fill(cluster, site + HELD)
    invalidate(writer, site, f'{site}/doc')
    invalidate(writer, site, f'{site}/third')
    purge(writer, site)
    undo(writer, 'manage_invalidate', back=2)
    cluster.settle()
    for zope in cluster.zopes:
        assert is_forgotten(zope, site + HELD, page)
