"""What an edit by Plone's own form leaves in the cache."""
import pytest
import transaction
from plone.registry.interfaces import IRegistry
from zope.component import getUtility
from zope.component.hooks import setSite

from ...integrations.caching import MAPPING
from ...integrations.caching import NAME
from ...PageCacheManager import PageCacheManager
from ..site import add_policy


EDITED, OTHER = '/a-document', '/a-news-item'


@pytest.fixture(autouse=True)
def cache(portal, client):
    """A manager with associated views and a policy."""
    portal._setObject('page_cache', PageCacheManager('page_cache'))
    portal.page_cache.manage_editViews([
        ('document_view',), ('newsitem_view',)])
    add_policy(portal.caching_policy_manager)
    transaction.commit()
    # what was not made by the form lacks fields, which saving adds
    client.edit(EDITED, 'alice')


@pytest.mark.parametrize('user', [None, 'bob'])
@pytest.mark.parametrize(('field', 'outcome'), [
    ('text', 'HIT'), ('title', 'MISS')])
def test_page_of_other_content_when_a_form_is_saved(
        client, user, field, outcome):
    """A title stands in menus of any page, a text does not."""
    for path in EDITED, OTHER:
        for _ in range(2):
            client.get(path, user)
        assert client.get(path, user).outcome == 'HIT'
    client.edit(EDITED, 'alice', **{field: 'Open on Sundays'})
    page = client.get(EDITED, user)
    assert page.outcome == 'MISS' and 'Open on Sundays' in page.text
    assert client.get(OTHER, user).outcome == outcome


@pytest.mark.parametrize('path', ['/a-folder', OTHER])
def test_form_that_locks_is_opened_at_once(client, path):
    """What the cache writes besides is no reason to ask for a token."""
    assert client.get(f'{path}/edit', 'alice').status == 200


# how much an edit writes

@pytest.fixture
def writes(portal):
    """Return how many objects of ours an edit writes."""
    manager = portal.page_cache
    content, names = manager._contents, manager._invalidated
    ours = [
        manager, manager._purged, content, names, content.site,
        content.listed, content.anything, *content.changed, names.anything,
        *names.changed, *names.templates]

    def serials():
        portal._p_jar.sync()
        for ob in ours:
            ob._p_activate()
        return [ob._p_serial for ob in ours]

    def count(edit):
        before = serials()
        edit()
        return sum(map(bytes.__ne__, before, serials()))
    return count


@pytest.fixture
def shared(portal):
    """Pages are in a store that processes share: only these need marks."""
    portal.page_cache.manage_editProps('', {'store': 'memoize'})
    transaction.commit()


def test_an_edit_writes_nothing_where_pages_are_in_the_process(
        client, writes):
    for field in 'text', 'title':
        assert writes(lambda field=field: client.edit(
            EDITED, 'alice', **{field: 'Open on Sundays'})) == 0


@pytest.mark.usefixtures('shared')
@pytest.mark.parametrize(('field', 'most'), [('text', 3), ('title', 5)])
def test_an_edit_writes_few_marks(client, writes, field, most):
    """A text shows on the page, in its folder, and in what shows all."""
    edit = {field: 'Open on Sundays'}
    assert 0 < writes(lambda: client.edit(EDITED, 'alice', **edit)) <= most


@pytest.mark.parametrize('field', ['text', 'title'])
@pytest.mark.parametrize('path', [EDITED, OTHER])
def test_an_edit_writes_nothing_where_no_view_is_kept(
        portal, client, writes, field, path):
    """A news item is purged from proxies when it is edited."""
    portal.page_cache.manage_editViews([])
    transaction.commit()
    client.edit(path, 'alice', **{field: 'Open'})
    assert writes(
        lambda: client.edit(path, 'alice', **{field: 'Open on Sundays'})) == 0


def map_rules(portal, mapping):
    setSite(portal)
    getUtility(IRegistry)[MAPPING] = mapping
    transaction.commit()


@pytest.mark.usefixtures('shared')
def test_an_edit_is_marked_where_a_ruleset_is_ours(portal, client, writes):
    portal.page_cache.manage_editViews([])
    transaction.commit()
    edits = iter('abcdef')

    def edit():
        client.edit(EDITED, 'alice', text=f'Open {next(edits)}')

    assert writes(edit) == 0
    assert writes(lambda: map_rules(
        portal, {'plone.content.itemView': NAME})) == 1
    assert writes(edit) > 0
    # undo may bring it back, and what was edited meanwhile has no mark
    assert writes(lambda: map_rules(portal, {})) == 1
    assert writes(edit) == 0


def test_view_that_is_associated_again_has_no_page_of_before(
        portal, client):
    """While it was not, no edit left a mark."""
    manager = portal.page_cache
    views = [('listing_view', '', 'site')]
    manager.manage_editViews(views)
    transaction.commit()
    for _ in range(2):
        page = client.get('/a-folder/listing_view')
    assert page.outcome == 'HIT'
    manager.manage_editViews([])
    transaction.commit()
    client.edit('/a-folder/item-1', 'alice', title='Open on Sundays')
    manager.manage_editViews(views)
    transaction.commit()
    page = client.get('/a-folder/listing_view')
    assert page.outcome == 'MISS' and 'Open on Sundays' in page.text
