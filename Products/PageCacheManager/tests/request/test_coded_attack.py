"""Faults found by twenty minutes of attacks on pages in codings."""
import time

import pytest
from ZPublisher import pubevents

from ...core.http.conditional import format_date
from ..lane_client import LaneClient
from ..lane_client import warm
from .test_compression import BROWSER
from .test_compression import PATH
from .test_compression import handler
from .test_compression import listing  # noqa: F401
from .test_compression import made  # noqa: F401
from .test_compression import pages  # noqa: F401
from .test_compression import template


@pytest.fixture
def lane(listing):  # noqa: F811
    return LaneClient()


# the setting

@pytest.mark.parametrize('accepts', ['gzip', 'zstd', BROWSER])
@pytest.mark.parametrize('method', ['GET', 'HEAD'])
def test_what_was_compressed_is_no_more_once_the_setting_leaves_it_to_zope(
        listing, client, method, accepts):  # noqa: F811
    """Administrators change the setting because of pages with a secret."""
    for accept in ('gzip', 'zstd'):
        for _ in range(2):
            client.get(PATH, Accept_Encoding=accept)
    listing.page_cache.manage_editProps('', {'compression': 'zope'})
    for _ in range(3):
        answer = client.request(method, PATH, Accept_Encoding=accepts)
        assert answer.all('Content-Encoding') == []
    client.get(PATH)
    answer = client.get(PATH, Accept_Encoding=accepts)
    assert answer.outcome == 'HIT' and answer.all('Content-Encoding') == []


def test_lane_gives_nothing_compressed_once_it_is_left_to_zope(
        lane, listing):  # noqa: F811
    warm(lane, PATH, Accept_Encoding=BROWSER)
    listing.page_cache.manage_editProps('', {'compression': 'zope'})
    for _ in range(5):
        answer = lane.get(PATH, Accept_Encoding=BROWSER)
        assert answer.all('Content-Encoding') == []


# the fast lane, and a coding that went

@pytest.mark.parametrize('accepts', ['zstd', BROWSER])
def test_lane_answers_head_as_get_when_the_coding_went(
        lane, pages, accepts):  # noqa: F811
    warm(lane, PATH, Accept_Encoding='gzip')
    warm(lane, PATH, Accept_Encoding=accepts)
    while pages.counts().spare:
        pages._contents.shed()
    head = lane.head(PATH, Accept_Encoding=accepts)
    page = lane.get(PATH, Accept_Encoding=accepts)
    assert head.stable_headers() == page.stable_headers()


@pytest.mark.parametrize('accepts', ['zstd', BROWSER])
def test_lane_says_of_any_page_the_tag_of_what_there_is(
        lane, pages, accepts):  # noqa: F811
    """RFC 9110 section 15.4.5."""
    warm(lane, PATH, Accept_Encoding='gzip')
    warm(lane, PATH, Accept_Encoding=accepts)
    while pages.counts().spare:
        pages._contents.shed()
    answer = lane.get(PATH, Accept_Encoding=accepts, If_None_Match='*')
    page = lane.get(PATH, Accept_Encoding=accepts)
    assert (answer.status, answer['ETag']) == (304, page['ETag'])


# a 304 before anybody got the coding

@pytest.mark.parametrize('method', ['GET', 'HEAD'])
@pytest.mark.parametrize('condition', ['star', 'date'])
@pytest.mark.parametrize('accepts', ['gzip', 'zstd'])
def test_304_has_the_tag_of_a_coding_that_is_still_to_be_made(
        listing, client, method, condition, accepts):  # noqa: F811
    """RFC 9110 section 15.4.5: the tag that a 200 would have."""
    headers = (
        {'If_None_Match': '*'} if condition == 'star'
        else {'If_Modified_Since': format_date(time.time() + 60)})
    client.get(PATH)
    answer = client.request(
        method, PATH, Accept_Encoding=accepts, **headers)
    page = client.get(PATH, Accept_Encoding=accepts)
    assert (answer.status, answer['ETag']) == (304, page['ETag'])


# headers of other code about the bytes

@pytest.mark.parametrize('name', [
    'Content-MD5', 'Content-Digest', 'Digest'])
def test_a_digest_that_other_code_made_of_the_body_stays_right(
        listing, client, name):  # noqa: F811
    def digest(event):
        event.request.response.setHeader(name, 'of the body as it is')
    client.get(PATH)
    with handler(digest, pubevents.PubBeforeCommit):
        for _ in range(2):
            answer = client.get(PATH, Accept_Encoding='gzip')
            assert (answer.all('Content-Encoding') == []
                    or not answer.all(name))


def test_a_digest_that_a_template_says_stays_right(
        listing, client):  # noqa: F811
    path = template(listing, 'sure', '''<p tal:define="x python:
        request.RESPONSE.setHeader('Content-MD5', 'of the body')"
        tal:content="python: 'text ' * 500">t</p>''')
    for _ in range(3):
        answer = client.get(path, Accept_Encoding='gzip')
        assert answer['Content-MD5'] == 'of the body'
        assert answer.all('Content-Encoding') == []
