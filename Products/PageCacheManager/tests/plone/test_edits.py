"""What an edit by Plone's own form leaves in the cache."""
import pytest
import transaction

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
