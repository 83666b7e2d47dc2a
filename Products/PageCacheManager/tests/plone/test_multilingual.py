"""Translated content, if plone.app.multilingual is installed."""
import pytest
import transaction
from plone.app.contenttypes.behaviors.richtext import IRichTextBehavior
from plone.app.testing import TEST_USER_ID
from plone.app.testing import setRoles
from plone.registry.interfaces import IRegistry
from zope.component import getUtility
from zope.component.hooks import setSite
from zope.interface import alsoProvides
from zope.interface import noLongerProvides

from ...demo.plone_site import add
from ...demo.plone_site import rich_text
from .changes import text
from .changes import transition
from .conftest import act_in
from .freshness import Freshness
from .freshness import shown
from .test_members import warm


pytest.importorskip('plone.app.multilingual')

PAGES = ('/en/doc', '/de/doc')


@pytest.fixture
def site(portal, client, page_cache):
    """A site with a document in each of two languages."""
    setSite(portal)
    settings = getUtility(IRegistry)
    settings['plone.available_languages'] = ['en', 'de']
    setRoles(portal, TEST_USER_ID, ['Manager'])
    portal.portal_setup.runAllImportStepsFromProfile(
        'plone.app.multilingual:default')
    settings['plone.always_show_selector'] = True
    for language in 'en', 'de':
        add(portal[language], 'Document', 'doc', f'In {language}',
            text=rich_text('x'), language=language)
    transaction.commit()
    return portal


def translate(site):
    from plone.app.multilingual.interfaces import ITranslationManager

    act_in(site)
    manager = ITranslationManager(site['en']['doc'])
    manager.register_translation('de', site['de']['doc'])
    transaction.commit()
    return manager


def test_selector_of_languages_follows_the_translations(
        site, client, page_cache):
    fresh = Freshness(client, page_cache, PAGES, (None, 'alice'))
    fresh.warm()
    manager = translate(site)
    assert len(fresh.after()) == 4
    fresh.warm()
    act_in(site)
    manager.remove_translation('de')
    transaction.commit()
    assert len(fresh.after()) == 4
    translate(site)
    fresh.warm()
    transition('/de/doc', 'retract')(client, site)
    assert fresh.after()


def test_field_of_all_languages_shows_at_once(site, client, page_cache):
    from plone.app.multilingual.dx.interfaces import ILanguageIndependentField

    translate(site)
    fresh = Freshness(client, page_cache, PAGES, (None, 'alice'))
    field = IRichTextBehavior['text']
    alsoProvides(field, ILanguageIndependentField)
    try:
        text('/en/doc', '<p>Before</p>')(client, site)
        fresh.warm()
        text('/en/doc', '<p>For both</p>')(client, site)
        assert ('/de/doc', None) in fresh.after()
        assert 'For both' in client.get('/de/doc').text
    finally:
        noLongerProvides(field, ILanguageIndependentField)


def test_root_leads_each_visitor_to_their_language(site, client, page_cache):
    for _ in range(2):
        for language in 'en', 'de':
            for headers in ({'ACCEPT_LANGUAGE': language},
                            {'COOKIE': f'I18N_LANGUAGE="{language}"'}):
                answer = client.get('', **headers)
                assert answer.status == 302 and answer.outcome is None


@pytest.mark.parametrize('query', ['', '?set_language=de'])
@pytest.mark.parametrize('user', [None, 'alice'])
def test_page_is_in_its_language_whoever_asks(
        site, client, page_cache, query, user):
    wishes = [{}, {'ACCEPT_LANGUAGE': 'de'}, {'ACCEPT_LANGUAGE': 'en'},
              {'COOKIE': 'I18N_LANGUAGE="de"'}]
    asked = [(path, wish) for path in PAGES for wish in wishes]
    warm(client, PAGES[0], user)
    got = [client.get(path + query, user, **wish)
           for _ in range(2) for path, wish in asked]
    page_cache.disable()
    honest = [client.get(path + query, user, **wish)
              for _ in range(2) for path, wish in asked]
    for one, other in zip(got, honest, strict=True):
        assert shown(one) == shown(other)
        assert one.all('Set-Cookie') == other.all('Set-Cookie')
