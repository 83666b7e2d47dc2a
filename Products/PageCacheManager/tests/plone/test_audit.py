"""Each hit of a Plone site is rendered again and compared."""
import pytest
import transaction
from plone.app.layout.viewlets.common import GlobalSectionsViewlet

from ...core.attempt import log_limit
from ...manager import caches
from ...request import audit
from .changes import text
from .conftest import act_in
from .test_addon import PAGES


USERS = (None, 'alice', 'bob', 'root')

MORE = [
    '/a-news-item/view', '/a-shown-folder/front', '/a-folder/view',
    '/a-folder?b_start:int=5', '/a-collection?b_start:int=10',
    '/a-document?utm_source=x', '/@@search', '/sitemap?set_language=en']


@pytest.fixture
def words(addon):
    """A function that counts audits by result; each hit is audited."""
    addon.page_cache.manage_editProps(
        '', {'audit_every': 1, 'audit_per_minute': 6000})
    transaction.commit()
    log_limit.forget()
    act_in(addon)

    def found():
        assert audit.worker.wait(60)
        transaction.abort()
        cache = caches.cache_of(addon.page_cache)
        return {
            detail: count for (word, detail), count
            in cache.tally.counts().items() if word == 'AUDIT'}

    yield found
    assert audit.worker.wait(60)


def browse(client, words, paths, user, **headers):
    """Ask for pages until each is a hit; return the number of audits."""
    before = sum(words().values())
    for path in paths:
        for _ in range(4):
            answer = client.get(path, user, **headers)
            if answer.outcome == 'HIT':
                break
        assert answer.outcome == 'HIT', (path, answer.get('Cache-Status'))
        words()  # waits for each audit, so that none is left out
    return sum(words().values()) - before


@pytest.mark.parametrize('user', USERS)
def test_no_page_depends_on_what_is_not_known(addon, client, words, user):
    paths = [*PAGES, *MORE]
    assert browse(client, words, paths, user) >= len(paths)
    findings = caches.cache_of(addon.page_cache).audits.findings()
    assert findings == []
    assert set(words()) == {'same'}


def test_who_logged_in_by_a_cookie_is_audited_as_that_member(
        addon, client, words):
    cookie = client.log_in('alice')
    assert 'Alice Arden' in client.get(
        '/a-document', Cookie=cookie).text
    assert browse(client, words, PAGES, None, Cookie=cookie) >= len(PAGES)
    assert set(words()) == {'same'}


def test_pages_after_an_edit_are_the_same(addon, client, words):
    for user in (None, 'alice'):
        browse(client, words, PAGES, user)
    text('/a-document', '<p>Another text</p>')(client, addon)
    for user in (None, 'alice'):
        browse(client, words, PAGES, user)
    assert set(words()) == {'same'}


def test_what_code_keeps_in_memory_is_found(
        addon, client, words, monkeypatch):
    kept = ['first']
    before = GlobalSectionsViewlet.render_globalnav
    monkeypatch.setattr(
        GlobalSectionsViewlet, 'render_globalnav',
        lambda self: f'{before(self)}<b>{kept[0]}</b>')
    browse(client, words, ['/a-document'], None)
    assert set(words()) == {'same'}
    kept[0] = 'second'
    assert client.get('/a-document').outcome == 'HIT'
    assert words()['differs'] == 1
    found, = caches.cache_of(addon.page_cache).audits.findings()
    assert 'second' in ''.join(found.lines)
