"""The audit on the Statistics screen."""
import pytest

from ...core.audit.audits import Finding
from ...manager import caches
from ..screens import get
from ..screens import own
from ..screens import text_of


pytestmark = pytest.mark.usefixtures(
    'template_engine', 'errors_are_responses')

STATS = '/site/page_cache/manage_stats'
HOSTILE = '<script>alert("x")</script>'


def finding(**values):
    return Finding(**{
        'at': 1.0, 'url': 'http://host/page', 'whose': '', 'policy': 'all',
        'created': 0.0, 'is_by_itself': False, 'lines': ['- one', '+ two'],
        'changed': [], **values})


@pytest.fixture
def found(site):
    return caches.cache_of(site.page_cache).audits.found


def test_a_site_without_an_audit_sees_nothing_of_it(site, client):
    assert 'Audit' not in text_of(own(get(client, STATS)))


def test_counters_are_shown_once_it_is_on(site, client):
    site.page_cache.manage_editProps('', {'audit_every': 5})
    caches.cache_of(site.page_cache).tally.add('AUDIT', 'same')
    html = own(get(client, STATS))
    assert 'Audit' in text_of(html)
    assert 'Same 1 as the stored page' in text_of(html)
    assert html.problems == []


def test_a_finding_is_shown_with_what_to_do(site, client, found):
    found(finding(changed=['Item /site/doc']))
    html = own(get(client, STATS))
    text = text_of(html)
    assert html.problems == []
    for part in (
            'http://host/page', '- one', '+ two', 'Item /site/doc',
            'seen by any visitor', 'in the ETag of policy all'):
        assert part in text


@pytest.mark.parametrize(('values', 'advice'), [
    ({}, 'outside of the database'),
    ({'changed': ['Item /x']}, 'the first render did not read'),
    ({'is_by_itself': True}, 'Two renders in a row differ')])
def test_the_advice_fits(site, client, found, values, advice):
    found(finding(**values))
    assert advice in text_of(own(get(client, STATS)))


def test_whatever_a_page_contains_is_escaped(site, client, found):
    found(finding(
        url=f'http://host/{HOSTILE}', whose=f'the user {HOSTILE}',
        policy=HOSTILE, lines=[f'- {HOSTILE}'], changed=[HOSTILE]))
    answer = get(client, STATS)
    assert HOSTILE not in answer.text
    assert text_of(own(answer)).count(HOSTILE) == 5


def test_who_may_not_see_the_screen_sees_no_finding(site, client, found):
    found(finding())
    for user in (None, 'alice'):
        answer = get(client, STATS, user)
        assert (answer.status, '+ two' in answer.text) == (401, False)
