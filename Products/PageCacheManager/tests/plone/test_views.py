"""Views of a Plone site: their pages are kept for each user."""
import pytest
import transaction

from ...PageCacheManager import PageCacheManager
from ..site import add_policy


PAGES = ['/a-document', '/a-news-item', '/a-folder', '/a-collection', '',
         '/a-shown-folder', '/a-document/view', '/a-document/@@document_view',
         '/@@search?SearchableText=harbour']
USERS = [None, 'bob', 'alice']

ETAG = (
    "python: '%s|%s|%s' % (member and member.getId() or '',"
    " object.modified().timeTime(), int(time.timeTime() // 3600))")


@pytest.fixture(autouse=True)
def cache(portal):
    """A manager with associated views and a policy."""
    portal._setObject('page_cache', PageCacheManager('page_cache'))
    portal.page_cache.manage_editViews([
        ('document_view',), ('newsitem_view',), ('listing_view', '', 'site'),
        ('listing_view', 'Folder', 'folder'), ('search', '', 'site')])
    add_policy(portal.caching_policy_manager, etag=ETAG)
    transaction.commit()
    return portal.page_cache


@pytest.mark.parametrize('path', PAGES)
@pytest.mark.parametrize('user', USERS)
def test_page_is_kept(portal, client, path, user):
    client.get(path, user)  # the first request makes a site write
    fresh = path + ('&x=1' if '?' in path else '?x=1')
    miss, hit = client.get(fresh, user), client.get(fresh, user)
    assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
    assert hit.body == miss.body
    assert hit.stable_headers() == miss.stable_headers()
    assert b'</html>' in hit.body


@pytest.mark.parametrize('path', [
    '', '/a-document', '/a-folder', '/a-shown-folder', '/a-document/view'])
@pytest.mark.parametrize('user', [None, 'alice'])
def test_head_says_what_get_says(client, path, user):
    client.get(path, user)  # the first request makes a site write
    client.get(path, user)
    page, head = client.get(path, user), client.head(path, user)
    assert (page.outcome, head.outcome) == ('HIT', 'HIT')
    assert (head.status, head.body) == (200, b'')
    assert head.stable_headers() == page.stable_headers()
