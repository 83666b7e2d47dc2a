"""Pages of Plone in a cache that several processes share."""
import pytest
import transaction
from plone.memoize.interfaces import ICacheChooser
from zope.component import getGlobalSiteManager

from ...manager import caches


PAGES = ['', '/a-document', '/a-news-item', '/a-folder', '/a-collection',
         '/sitemap', '/@@search?SearchableText=harbour']


@pytest.fixture(autouse=True)
def shared(addon):
    """The cache that processes share."""
    addon.page_cache.manage_editProps('', {'store': 'memoize'})
    transaction.commit()
    cache = {}

    def chooser(name):
        return cache
    registry = getGlobalSiteManager().__bases__[0]
    registry.registerUtility(chooser, ICacheChooser)
    yield cache
    registry.unregisterUtility(chooser, ICacheChooser)


def another_process():
    """Forget the pages in the memory of this process."""
    caches.forget_all()


@pytest.mark.parametrize('user', [None, 'alice'])
def test_pages_of_another_process(client, user):
    bodies = {}
    for path in PAGES:
        client.get(path, user)  # reads more objects than the next one
        bodies[path] = client.get(path, user).body
    another_process()
    for path in PAGES:
        page = client.get(path, user)
        assert (page.outcome, page.body) == ('HIT', bodies[path]), path
        assert client.get(path, user).outcome == 'HIT'


@pytest.mark.parametrize('user', [None, 'bob'])
def test_edit_before_another_process_takes_a_page(client, user):
    for path in PAGES:
        for _ in range(2):
            client.get(path, user)
    client.edit('/a-document', 'alice', title='Open on Sundays')
    another_process()
    for path in PAGES:
        page = client.get(path, user)
        if path != '/@@search?SearchableText=harbour':
            assert 'Open on Sundays' in page.text, path
    another_process()
    assert client.get('/a-document', user).outcome == 'HIT'
