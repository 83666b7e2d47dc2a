"""Templates in a Plone site: hits pass the transforms, as renders do."""
import pytest
import transaction
from Products.PageTemplates.ZopePageTemplate import ZopePageTemplate

from .changes import has_frame_for_scripts
from .freshness import shown


THEMED = 'id="mainnavigation-wrapper"'

TEXT = '''<html metal:use-macro="context/main_template/macros/master">
<body><metal:main fill-slot="main">
<h1>Made by a template</h1>
<form method="post" action="x"><input name="a" /></form>
</metal:main></body></html>
'''


@pytest.fixture
def template(portal, page_cache):
    portal._setObject(
        'a_template', ZopePageTemplate('a_template', TEXT))
    template = portal['a_template']
    template.ZCacheable_setManagerId('page_cache')
    template.ZCacheable_setEnabled(1)
    transaction.commit()
    return template


@pytest.mark.parametrize('user', [None, 'bob', 'alice'])
def test_hit_is_themed_and_has_tokens(client, page_cache, template, user):
    client.get('/a_template', user)
    answers = [client.get('/a_template?new=1', user)
               for _ in range(3)]
    assert [answer.outcome for answer in answers] == ['MISS', 'HIT', 'HIT']
    assert len({shown(answer) for answer in answers}) == 1
    assert THEMED in answers[1].text
    assert 'Made by a template' in answers[1].text
    assert ('_authenticator' in answers[1].text) == (user is not None)


def test_hit_after_the_theme_was_switched_off(
        client, page_cache, template, portal):
    """The kept page of a template has no theme."""
    for _ in range(3):
        answer = client.get('/a_template')
    assert answer.outcome == 'HIT'
    client.host = '127.0.0.1:8080'
    assert THEMED not in client.get('/a_template').text


@pytest.mark.parametrize(('user', 'headers'), [
    (None, {'X_REQUESTED_WITH': 'XMLHttpRequest'}),
    ('alice', {'X_REQUESTED_WITH': 'XMLHttpRequest'}),
    ('alice', {'COOKIE': 'plone-toolbar={"expanded":false}'})])
@pytest.mark.parametrize('is_first', [True, False])
def test_what_a_client_asks_with_has_a_page_of_its_own(
        portal, client, page_cache, template, user, headers, is_first):
    """The frame of the site depends on it, also around a template's page."""
    if not has_frame_for_scripts(portal) and 'X_REQUESTED_WITH' in headers:
        pytest.skip('Plone 6.1 has one frame for all')
    client.get('/a_template', user)
    page_cache.disable()
    asked = [{}, headers] if is_first else [headers, {}]
    honest = [shown(client.get('/a_template?new=1', user, **each))
              for each in asked]
    assert honest[0] != honest[1]
    page_cache.enable()
    for _ in range(2):
        answers = [client.get('/a_template?new=1', user, **each)
                   for each in asked]
        assert list(map(shown, answers)) == honest
    assert {answer.outcome for answer in answers} == {'HIT'}
