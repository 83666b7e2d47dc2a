"""The fast lane sends the same pages as the Plone site."""
import pytest
import transaction
from plone.registry.interfaces import IRegistry
from zope.component import getUtility
from zope.component.hooks import setSite

from ...integrations.caching import NAME
from ..lane_client import LaneClient
from .changes import dublin
from .changes import has_frame_for_scripts
from .changes import panel
from .changes import text
from .changes import transition
from .freshness import PAGES
from .freshness import Freshness
from .freshness import shown


PAGE = '/a-document'


class PloneLaneClient(LaneClient):
    """Client that asks for pages of the Plone site as a browser does."""

    def request(self, method, path, user=None, body='', **given):
        given.setdefault('ACCEPT', 'text/html')
        return super().request(
            method, f'/plone{path}', user, body, **given)


@pytest.fixture
def lane(addon):
    return PloneLaneClient()


def warm(lane, path, **given):
    """Ask until the lane answers; return Zope's answer and the lane's."""
    for _ in range(4):
        slow = lane.get(path, **given)
    before = lane.asked
    fast = lane.get(path, **given)
    assert lane.asked == before, slow.get('Cache-Status')
    return slow, fast


@pytest.mark.parametrize('path', ['', *PAGES])
def test_hit_is_that_of_plone(lane, path):
    slow, fast = warm(lane, path)
    assert fast.status == 200 and fast.body == slow.body
    assert b'mainnavigation-wrapper' in fast.body  # with the theme
    assert fast.stable_headers() == slow.stable_headers()
    assert 'detail=fast' in fast['Cache-Status']
    before = lane.asked
    answer = lane.get(path, If_None_Match=fast['ETag'])
    assert (answer.status, lane.asked) == (304, before)


@pytest.mark.parametrize('change', [
    text(PAGE, 'Open on Sundays'), dublin(PAGE, title='Opening hours'),
    transition(PAGE, 'retract'),
    panel('/@@site-controlpanel', **{'form__widgets__site_title': 'Other'})])
def test_nothing_is_late_when_something_changes(lane, client, addon, change):
    fresh = Freshness(lane, addon.page_cache, users=(None, 'bob'))
    for _ in range(2):
        fresh.warm()
    assert lane.is_fast(PAGE)
    change(client, addon)
    fresh.after()


def test_members_go_the_whole_way(lane, client):
    warm(lane, PAGE)
    before = lane.asked
    page = lane.get(PAGE, 'alice')
    assert lane.asked == before + 1 and 'personaltools-logout' in page.text
    cookie = client.log_in('bob')
    assert 'personaltools-logout' in lane.get(PAGE, COOKIE=cookie).text
    assert 'personaltools-logout' not in lane.get(PAGE).text


@pytest.mark.parametrize('headers', [
    {'ACCEPT': 'application/json'}, {'X_REQUESTED_WITH': 'XMLHttpRequest'},
    {'ACCEPT': '*/*'}, {'COOKIE': 'statusmessages=x'},
    {'COOKIE': 'I18N_LANGUAGE=de'}, {'X_FORWARDED_HOST': 'x.org'},
    {'HOST': '127.0.0.1:8080'}, {'RANGE': 'bytes=0-10'}])
def test_header_of_one_visitor_does_not_show_on_the_page_of_another(
        lane, client, addon, headers):
    has_frame_for_scripts(addon)
    slow, fast = warm(lane, PAGE)
    theirs = lane.get(PAGE, **headers)
    honest = client.get(PAGE, **headers)
    assert shown(theirs) == shown(honest)
    assert theirs['Content-Type'] == honest['Content-Type']
    for _ in range(3):
        lane.get(PAGE, **headers)
    assert lane.get(PAGE).body == fast.body


def test_language_that_a_client_accepts_counts_where_there_are_several(
        lane, addon):
    warm(lane, PAGE, ACCEPT_LANGUAGE='de')
    assert lane.is_fast(PAGE, ACCEPT_LANGUAGE='en')
    setSite(addon)
    registry = getUtility(IRegistry)
    registry['plone.available_languages'] = ['en', 'de']
    registry['plone.use_request_negotiation'] = True
    transaction.commit()
    for language in ('de', 'en', 'de', 'en'):
        slow, fast = warm(lane, PAGE, ACCEPT_LANGUAGE=language)
        assert f'lang="{language}"' in fast.text


def test_visitor_known_by_address_is_not_overlooked(lane, addon):
    tool = addon.acl_users.manage_addProduct['PluggableAuthService']
    tool.manage_addDomainAuthHelper('by_address')
    for _ in range(4):
        page = lane.get(PAGE)
    assert page.outcome == 'HIT'
    assert not lane.is_fast(PAGE)


RULE = 'plone.content.itemView'


@pytest.mark.parametrize(('mapping', 'is_fast'), [
    ({}, True), ({RULE: NAME}, True),
    # without options weakCaching keeps nothing, moderateCaching is for proxies
    ({RULE: 'plone.app.caching.weakCaching'}, True),
    ({RULE: 'plone.app.caching.moderateCaching'}, False)])
def test_page_of_which_the_ruleset_is_told(lane, addon, mapping, is_fast):
    """plone.caching names it in a header, and so does a stored page."""
    setSite(addon)
    registry = getUtility(IRegistry)
    settings = 'plone.caching.interfaces.ICacheSettings'
    registry[f'{settings}.enabled'] = True
    registry[f'{settings}.operationMapping'] = mapping
    transaction.commit()
    for _ in range(4):
        slow = lane.get(PAGE)
    assert slow['X-Cache-Rule'] == RULE
    assert lane.is_fast(PAGE) is is_fast
    assert lane.get(PAGE)['X-Cache-Rule'] == RULE
