"""The languages and users of pages, on a site with several languages."""
from io import BytesIO

import pytest
from pythongettext.msgfmt import Msgfmt
from zope.component import getGlobalSiteManager
from zope.i18n.gettextmessagecatalog import GettextMessageCatalog
from zope.i18n.interfaces import INegotiator
from zope.i18n.interfaces import ITranslationDomain
from zope.i18n.translationdomain import TranslationDomain

from ..site import add_template
from ..site import set_policy


PAGE = '/site/doc/page'
TEXT = '/site/doc/spoken'


@pytest.fixture
def components():
    return getGlobalSiteManager()


@pytest.fixture
def catalogs(components, tmp_path):
    """A domain with compiled catalogs, in German and French."""
    domain = TranslationDomain('zoo')
    for language, text in (('de', 'Affe'), ('fr', 'singe')):
        source = (
            'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n'
            f'\nmsgid "monkey"\nmsgstr "{text}"\n')
        path = tmp_path / f'{language}.mo'
        path.write_bytes(Msgfmt(BytesIO(source.encode())).get())
        domain.addCatalog(
            GettextMessageCatalog(language, 'zoo', str(path)))
    components.registerUtility(domain, ITranslationDomain, 'zoo')
    yield
    components.unregisterUtility(domain, ITranslationDomain, 'zoo')


@pytest.fixture
def page(site):
    set_policy(site, etag='string:same')
    add_template(
        site.portal_skins.custom, 'spoken',
        '<p i18n:domain="zoo" i18n:translate="">monkey</p>')


def ask(client, languages):
    answer = client.get(TEXT, Accept_Language=languages)
    return answer.text.strip(), answer.outcome


def test_catalogs_keep_languages_apart(page, catalogs, client):
    german, french = '<p>Affe</p>', '<p>singe</p>'
    assert ask(client, 'de') == (german, 'MISS')
    assert ask(client, 'fr') == (french, 'MISS')
    assert ask(client, 'es, de') == (german, 'HIT')
    assert ask(client, 'fr;q=0.9, en') == (french, 'HIT')


def test_the_whole_order_counts(page, catalogs, client):
    """Another domain may lack the language that is wanted most."""
    for languages in ('de, fr', 'fr, de', 'de', 'fr', 'es'):
        assert ask(client, languages)[1] == 'MISS'
    assert ask(client, 'es, de, fr, it')[1] == 'HIT'


def test_without_a_negotiator_there_is_one_language(
        site, catalogs, client, components):
    set_policy(site, etag='string:same')
    negotiator = components.getUtility(INegotiator)
    components.unregisterUtility(negotiator, INegotiator)
    try:
        outcomes = [
            client.get(PAGE, Accept_Language=language).outcome
            for language in ('de', 'fr')]
    finally:
        components.registerUtility(negotiator, INegotiator)
    assert outcomes == ['MISS', 'HIT']


def test_a_domain_that_names_no_languages_splits_nothing(
        page, client, components):
    class Silent:
        """Neither catalogs nor messages, as a domain may have it."""
        def translate(self, msgid, default=None, **options):
            return default

    domain = Silent()
    components.registerUtility(domain, ITranslationDomain, 'silent')
    try:
        assert ask(client, 'de')[1] == 'MISS'
        assert ask(client, 'fr')[1] == 'HIT'
    finally:
        components.unregisterUtility(domain, ITranslationDomain, 'silent')
