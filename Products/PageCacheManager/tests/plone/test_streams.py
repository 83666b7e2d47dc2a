"""Files of a Plone site, which are streamed from blobs."""
import pytest
import transaction
from plone.dexterity.utils import createContentInContainer
from plone.namedfile.file import NamedBlobFile
from ZODB.POSException import ConflictError
from ZPublisher.HTTPRequest import HTTPRequest
from ZPublisher.interfaces import IPubBeforeCommit

from ..events import handler


#: More than plone.namedfile reads into memory at once.
DATA = b'\x1f\x8b of a file ' * 20_000


@pytest.fixture(autouse=True)
def retries(monkeypatch):
    """Retry as Zope does, but at once."""
    monkeypatch.setattr(HTTPRequest, 'retry_max_count', 3)
    monkeypatch.setattr(HTTPRequest, 'delay_retry', lambda self: None)


@pytest.fixture
def path(portal, page_cache, client):
    createContentInContainer(
        portal, 'File', checkConstraints=False, id='a-file', title='A file',
        file=NamedBlobFile(
            DATA, contentType='application/pdf', filename='a.pdf'))
    transaction.commit()
    client.get('/a-file')  # the first request makes a site write
    return '/a-file/@@download/file'


def said(answer):
    return answer.status, sorted(
        line for line in answer.lines if line[0].lower() not in (
            'date', 'x-pagecache', 'cache-status')), answer.body


@pytest.mark.parametrize('times', [0, 1])
@pytest.mark.parametrize('byte_range', [{}, {'Range': 'bytes=5-99'}])
def test_file_of_an_associated_view(
        page_cache, client, path, times, byte_range):
    def conflict(event):
        if left[0]:
            left[0] -= 1
            raise ConflictError

    left = [0]
    expected = said(client.get(path, **byte_range))
    assert expected[0] in (200, 206) and expected[2] in (DATA, DATA[5:100])
    page_cache.manage_editViews([('download',)])
    for _ in range(2):
        left[0] = times
        with handler(conflict, IPubBeforeCommit):
            answer = client.get(path, **byte_range)
        assert said(answer) == expected
        assert answer.outcome == 'BYPASS'
