"""The screens in the language of the browser, and the catalogs."""
import re
from io import BytesIO

import pytest
from OFS.Folder import Folder
from pythongettext.msgfmt import Msgfmt

from ...core.settings import FIELDS
from ...PageCacheManager import PageCacheManager
from ...zmi.page import STYLE
from ...zmi.translation import _
from ...zmi.translation import translated
from .. import texts
from ..screens import own
from ..screens import text_of
from ..site import add_template


pytestmark = pytest.mark.usefixtures('errors_are_responses')

MANAGER = '/site/page_cache'

#: Accept-Language of browsers.
GERMAN = 'de-AT,de;q=0.8,en;q=0.5'
ENGLISH = 'en-GB,en;q=0.8,de;q=0.5'
FRENCH = 'fr'


def source(language):
    return (texts.LOCALES / language / 'LC_MESSAGES'
            / f'{texts.DOMAIN}.po')


def read(language):
    """Return the catalog of a language, and its messages by name."""
    catalog = Msgfmt(BytesIO(source(language).read_bytes()))
    compiled = catalog.get()
    return compiled, {
        as_text(name): as_text(text)
        for name, text in catalog.messages.items() if name}


def as_text(value):
    return value.decode() if isinstance(value, bytes) else value


@pytest.fixture(scope='module')
def german():
    return read('de')[1]


def test_catalog_has_each_text_of_the_screens_and_no_other(german):
    found = texts.msgids()
    assert len(found) > 300
    assert sorted(found - german.keys()) == []
    assert sorted(german.keys() - found) == []


@pytest.mark.parametrize('language', ['de', 'en'])
def test_compiled_catalog_is_up_to_date(language):
    assert source(language).with_suffix('.mo').read_bytes() == (
        read(language)[0])


def test_translations_have_the_variables_of_their_texts(german):
    def variables(text):
        return sorted(re.findall(r'\$\{\w+\}', text))

    for name, text in german.items():
        assert text and variables(name) == variables(text), name


def test_translations_quote_settings_by_their_translated_labels(german):
    for name, text in german.items():
        for field in FIELDS:
            if f'"{field.title}"' in name:
                assert f'„{german[field.title]}“' in text, name


def shown(client, path, language, user='root'):
    return own(client.get(path, user, Accept_Language=language))


@pytest.mark.usefixtures('template_engine')
@pytest.mark.parametrize('path, text', [
    (f'{MANAGER}/manage_main', 'Begrenzt die Zahl der gespeicherten'),
    (f'{MANAGER}/manage_main', 'Bereich: 1 bis 10 000 000 Einträge.'),
    (f'{MANAGER}/manage_main', 'Eine Seite zweimal öffnen'),
    (f'{MANAGER}/manage_main?done=saved', 'Alle Seiten löschen'),
    (f'{MANAGER}/manage_stats', 'Gezählt von Prozess'),
    (f'{MANAGER}/manage_stats', 'wurden aus dem Speicher beantwortet.'),
    (f'{MANAGER}/manage_stats', 'Die Anfrage war weder GET noch HEAD.')])
def test_screen_is_german_for_those_who_prefer_it(site, client, path, text):
    client.post('/site/doc/page')
    html = shown(client, path, GERMAN)
    assert html.problems == []
    assert html.all('main')[0]['lang'] == 'de'
    content = text_of(html).replace('\u202f', ' ')
    values = ' '.join(found.get('value', '') for found in html.all('input'))
    assert text in f'{content} {values}'


@pytest.fixture
def plain(app):
    """A folder with a manager that is not set up, and a template."""
    app._setObject('plain', Folder('plain'))
    app.plain._setObject('page_cache', PageCacheManager('page_cache'))
    add_template(app.plain, 'news', '<p>news</p>', associate=False)


#: Words that are in most English sentences, and in no German sentence.
ENGLISH_WORDS = re.compile(
    r'\b(the|and|of|is|are|this|that|which|with|from|not|by|or)\b',
    re.IGNORECASE)


#: The names of a status and of tabs, which Zope's frame shows.
NAMES = {'304 Not Modified', 'Associate', 'Properties', 'Views'}


def read_out(html):
    """Return all texts that a screen shows, or that are read out."""
    return [
        ' '.join(text.split()) for text in html.texts
        if text.strip() and text != STYLE
        and not text.startswith('python:')] + [
        value for tag, found in html.elements
        for name, value in found.items()
        if name in ('aria-label', 'title', 'placeholder', 'data-confirm',
                    'data-label')
        or name == 'value' and found.get('type') == 'submit']


@pytest.mark.usefixtures('template_engine')
@pytest.mark.parametrize('path', [
    f'{MANAGER}/manage_main', f'{MANAGER}/manage_stats',
    f'{MANAGER}/manage_views', f'{MANAGER}/manage_policies',
    f'{MANAGER}/ZCacheManager_associate',
    '/site/manage_addProduct/PageCacheManager/manage_addPageCacheManagerForm',
    '/plain/page_cache/manage_main'])
def test_no_english_is_left_on_a_german_screen(
        site, plain, client, german, path):
    for _number in range(2):
        client.get('/site/doc/page')
    client.get('/site/doc/v-counting')
    html = shown(client, path, GERMAN)
    for text in {*read_out(html)} - NAMES:
        assert not ENGLISH_WORDS.search(text), text
        assert german.get(text, text) == text


@pytest.mark.usefixtures('template_engine')
@pytest.mark.parametrize('language', [ENGLISH, FRENCH, ''])
@pytest.mark.parametrize('path, text', [
    (f'{MANAGER}/manage_main', 'Limits the number of stored entries.'),
    (f'{MANAGER}/manage_stats', 'Counted by process')])
def test_screen_is_english_for_others(site, client, path, text, language):
    html = shown(client, path, language)
    assert html.all('main')[0]['lang'] == 'en'
    assert text in text_of(html)


def test_message_after_a_change_is_german(site, client):
    answer = client.get(
        f'{MANAGER}/manage_main?done=saved', 'root', Accept_Language=GERMAN)
    assert 'Einstellungen gespeichert.' in answer.text


def test_explain_is_in_english_for_all(site, client):
    client.get('/site/doc/page')
    html = shown(client, f'{MANAGER}/manage_explain?path=/site/doc/page',
                 GERMAN)
    assert 'anonymer Besucher' not in text_of(html)
    assert 'Last requests that Zope rendered' in text_of(html)


def test_pages_of_the_site_are_not_translated(site, client):
    """The catalogs concern texts of our own domain alone."""
    add_template(
        site.portal_skins.custom, 'words',
        '<p i18n:translate="">Save Changes</p>'
        '<p i18n:domain="plone" i18n:translate="">Save Changes</p>')
    answer = client.get('/site/doc/words', Accept_Language=GERMAN)
    assert answer.text.count('>Save Changes<') == 2


def test_pages_of_the_site_are_not_kept_by_language(site, client):
    """A site does not have several languages only because of our catalogs."""
    answers = [
        client.get('/site/doc/page', Accept_Language=language)
        for language in (GERMAN, ENGLISH, FRENCH)]
    assert [answer.outcome for answer in answers] == ['MISS', 'HIT', 'HIT']
    assert not [value for answer in answers for value in answer.all('Vary')
                if 'language' in value.lower()]


def test_values_are_translated_wherever_they_are(app):
    request = app.REQUEST
    request.environ['HTTP_ACCEPT_LANGUAGE'] = GERMAN
    value = {
        'label': _('never'), 'number': 1, 'nothing': None, 'id': 'never',
        'rows': [(_('Title'), 'x')],
        'nested': _('Range: ${range}.', mapping={'range': _('never')})}
    assert translated(value, request) == {
        'label': 'nie', 'number': 1, 'nothing': None, 'id': 'never',
        'rows': [['Titel', 'x']], 'nested': 'Bereich: nie.'}
