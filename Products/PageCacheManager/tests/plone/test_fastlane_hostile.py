"""Hostile requests: the lane must answer them as Plone does."""
import pytest
import transaction
from plone.protect import auto
from plone.registry.interfaces import IRegistry
from Products.PageTemplates.ZopePageTemplate import ZopePageTemplate
from zope.component import getUtility
from zope.component.hooks import setSite

from .changes import has_frame_for_scripts
from .freshness import TOKEN
from .test_fastlane import PAGE
from .test_fastlane import PloneLaneClient
from .test_fastlane import warm


@pytest.fixture
def lane(addon):
    return PloneLaneClient()


def set_registry(site, **values):
    setSite(site)
    registry = getUtility(IRegistry)
    for name, value in values.items():
        registry[f'plone.{name}'] = value
    transaction.commit()


@pytest.fixture
def notes(addon, monkeypatch):
    """A template that no transform changes."""
    monkeypatch.setattr(auto, 'X_FRAME_OPTIONS', '')
    addon._setObject(
        'notes', ZopePageTemplate('notes', 'a note', 'text/plain'))
    addon.notes.ZCacheable_setManagerId('page_cache')
    addon.notes.ZCacheable_setEnabled(1)
    addon.caching_policy_manager.addPolicy(
        'templates', predicate='python: True', mtime_func='object/modified',
        max_age_secs=0, no_cache=0, no_store=0, must_revalidate=1, vary='',
        etag_func='string:x', enable_304s=1)
    transaction.commit()
    return '/notes'


def test_template_is_not_given_to_who_asks_for_json(lane, client, notes):
    """Traversal looks for a service of plone.rest, and finds none."""
    warm(lane, notes)
    json = {'ACCEPT': 'application/json'}
    expected, answer = client.get(notes, **json), lane.get(notes, **json)
    assert expected.status == 404
    assert (answer.status, answer.body) == (expected.status, expected.body)


def test_default_language_counts_that_is_not_among_those_available(
        lane, client, addon):
    set_registry(
        addon, default_language='en', available_languages=['de'],
        use_request_negotiation=True)
    for language in ('de', 'en', 'de', 'en'):
        expected = client.get(PAGE, ACCEPT_LANGUAGE=language)
        assert f'lang="{language}"' in expected.text
        for _ in range(3):
            answer = lane.get(PAGE, ACCEPT_LANGUAGE=language)
        assert answer.text == expected.text


HEADERS = [
    {}, {'ACCEPT_ENCODING': 'gzip'}, {'ACCEPT': 'application/json'},
    {'ACCEPT': '*/*'}, {'ACCEPT': 'application/ld+json'},
    {'ACCEPT_LANGUAGE': 'de'}, {'RANGE': 'bytes=0-2'},
    {'IF_NONE_MATCH': '*'}, {'IF_NONE_MATCH': '"x"'},
    {'IF_MODIFIED_SINCE': 'Sat, 01 Jan 2028 00:00:00 GMT'},
    {'COOKIE': '_ga=1'}, {'COOKIE': 'plone_skin=x'}, {'HOST': 'x.org'},
    {'HOST': '127.0.0.1'}, {'X_REQUESTED_WITH': 'XMLHttpRequest'},
    {'X_REQUESTED_WITH': 'xmlhttprequest'}, {'X_THEME_ENABLED': '1'},
    {'TRANSLATE': 'f'}, {'DEPTH': '1'}, {'ORIGIN': 'http://x.org'},
    {'USER_AGENT': 'Microsoft Data Access Internet Publishing Provider'},
    {'X_CSRF_TOKEN': 'x'}, {'ACCEPT_CHARSET': 'latin-1'},
    {'REFERER': 'http://localhost:8080/plone/'},
    {'X_HTTP_METHOD_OVERRIDE': 'POST'},
    {'ACCESS_CONTROL_REQUEST_METHOD': 'GET', 'ORIGIN': 'x'},
    {'X_FORWARDED_PROTO': 'https'}]


def sent(answer):
    body = answer.body
    if not answer.all('Content-Encoding'):
        body = TOKEN.sub('', answer.text)
    return answer.status, body, answer.stable_headers()


@pytest.mark.parametrize('path', [
    '', '/a-folder/@@full_view', '/@@search?SearchableText=desk',
    '/++api++/@@search', '/a-document?ajax_load=1&utm_source=x'])
def test_whatever_header_comes_the_answer_is_that_of_plone(
        lane, client, addon, path):
    has_frame_for_scripts(addon)
    set_registry(
        addon, use_request_negotiation=True,
        use_cookie_negotiation=True, available_languages=['en', 'de'])
    fast = 0
    for headers in HEADERS * 2:
        before = lane.asked
        answer = lane.get(path, **headers)
        fast += lane.asked == before
        expected = client.get(path, **headers)
        assert sent(answer) == sent(expected), headers
    assert fast > len(HEADERS) / 2
