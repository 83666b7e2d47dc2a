"""Tags that a filter of Apache changed when it coded a page."""
import pytest

from ...manager import caches
from ..lane_client import LaneClient
from ..lane_client import warm
from ..site import Item
from ..site import set_policy
from ..view_cases import COUNTING


pytestmark = pytest.mark.usefixtures('viewed')

TEMPLATE = '/site/doc/page'


@pytest.fixture(params=[COUNTING, TEMPLATE])
def path(request):
    return request.param


def marked(tag, coding):
    return f'{tag[:-1]}-{coding}"'


@pytest.mark.parametrize('is_stored', [True, False])
@pytest.mark.parametrize('compression', ['hits', 'zope'])
@pytest.mark.parametrize(('coding', 'accepts'), [
    ('gzip', 'gzip'), ('gzip', 'gzip, deflate, br, zstd'), ('gzip', '*'),
    ('br', 'gzip, br'), ('zstd', 'zstd;q=0.5, gzip')])
def test_tag_of_an_accepted_coding_holds(
        site, client, path, compression, is_stored, coding, accepts):
    site.page_cache.manage_editProps('', {'compression': compression})
    held = marked(client.get(path)['ETag'], coding)
    if not is_stored:
        caches.forget_all()
        Item.renders -= 1  # the page shows it
    before = Item.renders
    for form in ('{}', 'W/{}', '"x", {}'):
        answer = client.get(
            path, Accept_Encoding=accepts, If_None_Match=form.format(held))
        assert (answer.status, answer.body) == (304, b'')
        # 15.4.5: the client goes by the tag that it has
        assert answer['ETag'] == held
    # the tag is the same, but only a render can tell
    assert Item.renders == before + (not is_stored)
    head = client.head(path, Accept_Encoding=accepts, If_None_Match=held)
    assert (head.status, head['ETag']) == (304, held)


@pytest.mark.parametrize(('coding', 'accepts'), [
    ('gzip', None), ('gzip', 'identity'), ('gzip', 'gzip;q=0'),
    ('gzip', 'br'), ('br', 'gzip'), ('zstd', '*'), ('deflate', 'deflate'),
    ('GZIP', 'gzip'), ('', 'gzip')])
def test_tag_of_another_coding_holds_nothing(
        client, path, coding, accepts):
    held = marked(client.get(path)['ETag'], coding)
    headers = {'Accept_Encoding': accepts} if accepts else {}
    assert client.get(path, If_None_Match=held, **headers).status == 200


def test_what_is_coded_already_has_no_other_mark(client, path):
    """Apache changes neither this body nor its tag."""
    tag = client.get(path)['ETag'][:-1]
    for end in (';gzip-gzip', '-gzip;gzip', '-br-gzip', '-gzip' * 3):
        held = f'{tag}{end}"'
        answer = client.get(
            path, Accept_Encoding='gzip', If_None_Match=held)
        assert answer.status == 200, held


@pytest.mark.parametrize('coding', ['gzip', 'br', 'zstd'])
def test_second_mark_is_of_a_filter_that_marks_each_304(
        client, path, coding):
    """So the 304 has the tag with one mark; the filter marks it again."""
    once = marked(client.get(path)['ETag'], coding)
    answer = client.get(
        path, Accept_Encoding=coding, If_None_Match=marked(once, coding))
    assert (answer.status, answer['ETag']) == (304, once)


def test_value_of_a_policy_is_no_mark(site, client, path):
    """The page had one value first; the other value is sent unchanged."""
    site.page_cache.manage_editProps('', {'validator': 'policy'})
    set_policy(site, etag='string:one-gzip', mtime_func='nothing')
    older = client.get(path)['ETag']
    set_policy(site, etag='string:one', mtime_func='nothing')
    tag = client.get(path)['ETag']
    assert marked(tag, 'gzip') != older
    assert client.get(path, Accept_Encoding='gzip',
                      If_None_Match=older).status == 200


@pytest.mark.parametrize('compression', ['hits', 'zope'])
def test_fast_lane_knows_them(site, path, compression):
    set_policy(site, etag='string:same')
    site.page_cache.manage_editProps('', {'compression': compression})
    lane = LaneClient()
    slow, _ = warm(lane, path, Accept_Encoding='gzip')
    tag = slow['ETag'].replace(';gzip', '')
    before = lane.asked
    for held in (tag, f'{tag[:-1]};gzip"', marked(tag, 'gzip')):
        answer = lane.get(path, Accept_Encoding='gzip', If_None_Match=held)
        assert (answer.status, answer['ETag']) == (304, held)
    twice = marked(held, 'gzip')
    answer = lane.get(path, Accept_Encoding='gzip', If_None_Match=twice)
    assert (answer.status, answer['ETag']) == (304, held)
    assert lane.asked == before
    for held in (marked(tag, 'br'), marked(tag[:-1] + ';gzip"', 'gzip')):
        answer = lane.get(path, Accept_Encoding='gzip', If_None_Match=held)
        assert answer.status == 200
    warm(lane, path)
    answer = lane.get(path, If_None_Match=marked(tag, 'gzip'))
    assert answer.status == 200
