"""Bodies that are no bytes: files, iterators, blobs, written data."""
import io

import pytest
import transaction
from ZODB.blob import Blob
from ZODB.blob import BlobFile
from ZODB.POSException import ConflictError
from zope.interface import implementer
from ZPublisher.HTTPRequest import HTTPRequest
from ZPublisher.interfaces import IPubAfterTraversal
from ZPublisher.interfaces import IPubBeforeCommit
from ZPublisher.Iterators import IStreamIterator
from ZPublisher.Iterators import IUnboundStreamIterator
from ZPublisher.Iterators import filestream_iterator

from ...publisher import sending
from ..events import handler
from ..site import set_policy
from ..view_cases import ACTING
from ..view_cases import COUNTING
from ..view_cases import VIEWS
from ..view_cases import associate
from ..view_cases import reason
from ..wire.test_faults import error_view  # noqa: F401


DATA = b'\x1f\x8b of a file ' * 10_000


@implementer(IUnboundStreamIterator)
class Unbound:
    """Gives bytes, and nothing else: not even a length."""

    def __init__(self, path):
        self._parts = iter([DATA])

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._parts)


@implementer(IStreamIterator)
class Bound(Unbound):
    def __len__(self):
        return len(DATA)


#: Possible bodies: functions that make them from a file's name.
BODIES = {
    'filestream_iterator': filestream_iterator,
    'file': lambda path: open(path, 'rb'),
    'raw file': io.FileIO,
    'blob': lambda path: BlobFile(path, 'r', Blob()),
    'bytes in memory': lambda path: io.BytesIO(DATA),
    'iterator': Unbound,
    'iterator with a length': Bound,
}


@pytest.fixture(params=BODIES)
def make(request, tmp_path):
    path = tmp_path / 'file'
    path.write_bytes(DATA)
    return lambda: BODIES[request.param](str(path))


@pytest.fixture(autouse=True)
def retries(monkeypatch):
    """Retry as Zope does, but at once."""
    monkeypatch.setattr(HTTPRequest, 'retry_max_count', 3)
    monkeypatch.setattr(HTTPRequest, 'delay_retry', lambda self: None)


def said(answer):
    """Return all that the client receives, but for our two headers and Date.
    """
    return answer.status, sorted(
        line for line in answer.lines if line[0].lower() not in (
            'date', 'x-pagecache', 'cache-status')), answer.body


def leave(site):
    """Take templates and views off the manager."""
    associate(site)
    site.portal_skins.custom.page.ZCacheable_setManagerId(None)
    transaction.commit()


def switch_off(site):
    site.page_cache.disable()
    transaction.commit()


def conflicts(times):
    """Return a method that raises so often that others came first."""
    left = [times]

    def conflict(*args):
        if left[0]:
            left[0] -= 1
            raise ConflictError
    return conflict


#: When a transaction meets a conflict that the request is repeated for.
def at_commit(act):
    transaction.get().addBeforeCommitHook(act)


# code that calls a template, and answers with something else

@pytest.mark.parametrize('prepare', [
    lambda site: None, switch_off, leave], ids=['on', 'off', 'left'])
@pytest.mark.parametrize('method', ['get', 'post'])
@pytest.mark.parametrize('times', [0, 1, 3])
def test_file_after_a_call_of_a_template(
        site, client, item, make, prepare, method, times):
    def download(self, REQUEST):
        """Give a file."""
        self.page()
        at_commit(conflict)
        REQUEST.RESPONSE.setHeader('Content-Type', 'image/x-own')
        return make()

    conflict = conflicts(0)
    item('download', download)
    send = getattr(client, method)
    leave(site)
    expected = said(send('/site/doc/download'))
    assert expected[2] == DATA and expected[0] == 200
    site.portal_skins.custom.page.ZCacheable_setManagerId('page_cache')
    prepare(site)
    for _ in range(2):
        conflict = conflicts(times)
        assert said(send('/site/doc/download')) == expected


@pytest.mark.parametrize('prepare', [
    lambda site: None, switch_off], ids=['on', 'off'])
@pytest.mark.parametrize('method', ['get', 'post'])
def test_what_is_written_after_a_call_of_a_template(
        site, client, item, prepare, method):
    def download(self, REQUEST):
        """Write piece by piece."""
        self.page()
        REQUEST.RESPONSE.setHeader('Content-Length', str(len(DATA)))
        REQUEST.RESPONSE.write(DATA)

    item('download', download)
    prepare(site)
    send = getattr(client, method)
    answers = [send('/site/doc/download') for _ in range(2)]
    leave(site)
    assert [said(answer) for answer in answers] == [
        said(send('/site/doc/download'))] * 2


@pytest.mark.parametrize('prepare', [
    lambda site: None, switch_off, leave], ids=['on', 'off', 'left'])
@pytest.mark.parametrize('method', ['get', 'post'])
def test_error_after_a_body_in_a_coding_of_its_own(
        site, client, item, error_view, prepare, method):  # noqa: F811
    """The cache must not remove headers that it did not set."""
    def download(self, REQUEST):
        """Fail at the last moment."""
        self.page()
        at_commit(fail)
        REQUEST.RESPONSE.setHeader('Content-Encoding', 'x-own')
        REQUEST.RESPONSE.setHeader('Content-Length', '7')
        return 'a text '

    def fail():
        raise ValueError('at the last moment')

    item('download', download)
    send = getattr(client, method)
    leave(site)
    expected = said(send('/site/doc/download'))
    assert expected[0] == 500
    site.portal_skins.custom.page.ZCacheable_setManagerId('page_cache')
    prepare(site)
    assert said(send('/site/doc/download')) == expected


# a view, and a handler that answers in its place

@pytest.mark.parametrize('event', [IPubBeforeCommit, IPubAfterTraversal])
@pytest.mark.parametrize('times', [0, 1])
def test_file_that_a_handler_puts_in_place_of_a_view(
        viewed, client, make, event, times):
    def put(event):
        at_commit(conflict)
        response = event.request.response
        response.setHeader('Content-Type', 'image/x-own')
        response.setHeader('Content-Length', str(len(DATA)))
        response.setBody(make(), lock=1)

    conflict = conflicts(0)
    leave(viewed)
    with handler(put, event):
        expected = said(client.get(COUNTING))
    associate(viewed, *VIEWS)
    client.get(COUNTING)
    assert client.get(COUNTING).outcome == 'HIT'
    for _ in range(2):
        conflict = conflicts(times)
        with handler(put, event):
            answer = client.get(COUNTING)
        assert said(answer) == expected
        assert answer.outcome == 'BYPASS'
    assert client.get(COUNTING).outcome == 'HIT'


def test_what_a_handler_writes_in_place_of_a_view(viewed, client):
    def write(event):
        event.request.response.write(DATA)

    client.get(COUNTING)
    with handler(write, IPubBeforeCommit):
        answer = client.get(COUNTING)
    assert answer.status == 200 and answer.body.startswith(DATA)
    assert reason(answer) == 'streamed'


@pytest.mark.parametrize('times', [0, 1])
def test_view_that_gives_a_file(viewed, client, item, make, times):
    def act(self, request):
        at_commit(conflict)
        request.response.setHeader('Content-Type', 'image/x-own')
        return make()

    conflict = conflicts(0)
    item('act', act)
    leave(viewed)
    expected = said(client.get(ACTING))
    associate(viewed, *VIEWS)
    for _ in range(2):
        conflict = conflicts(times)
        answer = client.get(ACTING)
        assert said(answer) == expected
        assert reason(answer) == 'streamed'


# responses that are not the cache's

@pytest.mark.parametrize('path', ['/site/doc/page', COUNTING])
def test_nothing_is_done_to_a_response_that_is_not_ours(
        viewed, client, monkeypatch, path):
    def refuse(response):
        raise AssertionError('touched')

    monkeypatch.setattr(sending, 'Changes', refuse)
    switch_off(viewed)
    assert client.get(path).outcome == 'OFF'
    assert client.post(path).outcome == 'OFF'
    viewed.page_cache.enable()
    assert client.post(path).outcome == 'BYPASS'
    set_policy(viewed)
    leave(viewed)
    for answer in client.get(path), client.post(path):
        assert answer.status == 200 and answer.outcome is None
