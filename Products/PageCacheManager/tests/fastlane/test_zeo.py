"""The fast lane before Zope clients on one ZEO server.

The lane trusts a page for a minute here, so that no answer is right because of
the clock: only changes of the databases close the lane.
"""
import re
import threading

import pytest

from .. import zeo_fixtures
from ..wire.test_zeo import HELD
from ..wire.test_zeo import edit
from ..wire.test_zeo import edit_template
from ..wire.test_zeo import edit_unseen
from ..wire.test_zeo import in_threads
from ..wire.test_zeo import invalidate
from ..wire.test_zeo import post
from ..wire.test_zeo import purge
from ..zeo import until


LATE_MS = 60_000

cluster = zeo_fixtures.make_cluster(LATE_MS)
site = zeo_fixtures.site
pair = zeo_fixtures.pair
line = zeo_fixtures.line


def is_fast(answer):
    return answer.status == 200 and 'detail=fast' in answer['Cache-Status']


def warm(zope, path):
    """Ask until the lane answers; return the page."""
    for _ in range(4):
        page = zope.get(path)
        if is_fast(page):
            return page
    raise AssertionError(f'the lane of {zope.name} does not answer {path}')


def forbid(zope, site):
    post(zope, f'{site}/doc/manage_permission', 200, **{
        'permission_to_manage': 'View', 'roles:list': 'Manager'})


def switch_off(zope, site):
    post(zope, f'{site}/page_cache/manage_editProps', title='', active='off')


#: Changes of a page, and the expected page then: its status, its outcome, a
#: text in it.
CHANGES = {
    'edit': (
        lambda zope, site: edit(zope, site, 'new text'),
        200, 'MISS', 'new text'),
    'permission': (forbid, 401, None, ''),
    'purge': (purge, 200, 'MISS', 'first text'),
    'template': (
        lambda zope, site: edit_template(
            zope, f'{site}/portal_skins/custom/held', '<b>another</b>'),
        200, 'MISS', '<b>another</b>'),
    'settings': (switch_off, 200, 'OFF', 'first text'),
    'invalidation': (
        lambda zope, site: invalidate(zope, site, f'{site}/doc'),
        200, 'MISS', 'first text'),
}
SEEN_AFTERWARDS = {name: change[1:] for name, change in CHANGES.items()}


def assert_seen(answer, what):
    status, outcome, text = SEEN_AFTERWARDS[what]
    assert (answer.status, answer.outcome) == (status, outcome)
    assert text in answer.text


@pytest.mark.parametrize('what', CHANGES)
def test_change_counts_when_the_other_client_hears_of_it(
        cluster, site, line, what):
    """Until then the lane answers, as the Zope behind it would."""
    writer, reader = cluster.zopes
    page = warm(reader, site + HELD)
    line.hold()
    CHANGES[what][0](writer, site)
    between = reader.get(site + HELD)
    assert is_fast(between) and between.body == page.body
    line.release()
    cluster.settle()
    assert_seen(reader.get(site + HELD), what)


@pytest.mark.parametrize('what', CHANGES)
def test_own_change_counts_at_once(cluster, site, pair, what):
    """And on the other client as soon as the server told it."""
    writer, reader = pair
    for zope in pair:
        warm(zope, site + HELD)
    CHANGES[what][0](writer, site)
    assert_seen(writer.get(site + HELD), what)
    cluster.settle()
    assert_seen(reader.get(site + HELD), what)


def test_lane_answers_again_after_a_change(cluster, site, pair):
    writer, reader = pair
    warm(reader, site + HELD)
    edit_unseen(writer, site, 'new text')
    invalidate(writer, site, f'{site}/doc')
    cluster.settle()
    for zope in pair:
        page = warm(zope, site + HELD)
        assert 'new text' in page.text
        held = zope.get(site + HELD, If_None_Match=page['ETag'])
        assert (held.status, held.body) == (304, b'')


def test_client_that_asks_the_server_first_does_so_in_the_lane(
        cluster, site):
    """With ``server-sync`` a client knows all commits that were made before
    its request; the lane must know them too."""
    reader, writer = cluster.zopes
    wire = cluster.wires[0]
    warm(reader, site + HELD)
    wire.hold()
    try:
        edit(writer, site, 'new text')
        before = wire.sent_bytes
        with reader.background('get', site + HELD) as answers:
            until(lambda: answers or wire.sent_bytes > before, 'the question')
            wire.release()
    finally:
        wire.release()
    assert not is_fast(answers[0])
    assert 'new text' in answers[0].text


@pytest.mark.parametrize('commits', [0, 1, 15])
def test_lane_is_closed_while_the_line_is_cut(cluster, site, line, commits):
    """After few commits the server tells the client which objects changed;
    after many the client drops its whole cache."""
    first, second = cluster.zopes
    page = warm(second, site + HELD)
    line.cut()
    until(lambda: not is_fast(second.get(site + HELD)), 'the lane to close')
    for _ in range(commits):
        edit(first, site, 'new text')
    for _ in range(3):
        # without the server Zope shows the last state that it knew
        answer = second.get(site + HELD)
        assert answer.outcome == 'HIT' and not is_fast(answer)
        assert answer.body == page.body
    line.mend()
    cluster.settle()
    answer = second.get(site + HELD)
    if commits:
        assert (answer.outcome, is_fast(answer)) == ('MISS', False)
    again = warm(second, site + HELD)
    assert ('new text' in again.text) == bool(commits)


def test_nothing_of_a_member_enters_the_lane(cluster, site, pair):
    path = f'{site}/doc/page'
    for zope in pair:
        for _ in range(4):
            answer = zope.get(path, 'alice')
            assert 'alice' in answer.text and not is_fast(answer)
        assert 'alice' not in zope.get(path).text
        assert 'alice' not in warm(zope, path).text
        for _ in range(2):
            answer = zope.get(path, 'alice')
            assert 'alice' in answer.text and not is_fast(answer)
        held = zope.get(path, If_None_Match=answer['ETag'])
        assert held.status == 200 and 'alice' not in held.text


def test_readers_see_texts_in_the_order_they_were_written(cluster, site):
    """And each editor sees his own last text, on any client."""
    writer, _ = cluster.zopes
    edit(writer, site, 'number 0')
    cluster.settle()
    done = threading.Event()
    fast = []

    def number(zope):
        answer = zope.get(site + HELD)
        if is_fast(answer):
            fast.append(zope.name)
        return int(re.search(r'number (\d+)', answer.text)[1])

    def write():
        try:
            for written in range(1, 21):
                edit(writer, site, f'number {written}')
                assert number(writer) == written
                assert number(writer) == written
                until(lambda n=written: len(fast) >= n, 'a lane to answer')
        finally:
            done.set()

    def read(zope):
        seen = [0]
        while not done.is_set():
            seen.append(number(zope))
        assert seen == sorted(seen)

    in_threads([write, *(
        lambda zope=zope: read(zope) for zope in cluster.zopes * 2)])
    cluster.settle()
    assert {number(zope) for zope in cluster.zopes} == {20}
    assert set(fast) == {'first', 'second'}
