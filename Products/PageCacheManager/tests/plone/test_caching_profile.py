"""The profile that the caching control panel offers to import."""
import pytest
import transaction
from plone.namedfile.file import NamedBlobImage
from plone.registry.interfaces import IRegistry
from zope.component import getUtility

from .conftest import act_in
from .test_addon import PIXEL
from .test_addon import author  # noqa: F401


PROFILE = 'Products.PageCacheManager:caching'
PREFIX = 'plone.caching.interfaces.ICacheSettings'


@pytest.fixture
def profiled(addon, client):
    """The site with the profile, but without associated views."""
    addon.portal_setup.runAllImportStepsFromProfile(PROFILE)
    registry = getUtility(IRegistry, context=addon)
    registry[f'{PREFIX}.enabled'] = True
    addon.page_cache.manage_editViews([])
    transaction.commit()
    return addon


def test_control_panel_offers_it(addon, client):
    page = client.get('/@@caching-controlpanel-import', 'root').text
    assert 'With Page Cache Manager' in page and PROFILE in page


def test_it_is_no_add_on(addon, client):
    page = client.get('/prefs_install_products_form', 'root').text
    assert 'With Page Cache Manager' not in page


@pytest.mark.parametrize('user', [None, 'alice'])
@pytest.mark.parametrize('path', ['/a-document', '/a-folder'])
def test_pages_of_content_are_ours(profiled, client, path, user):
    client.get(path, user)
    assert [client.get(f'{path}?x', user).outcome for _ in range(2)] == [
        'MISS', 'HIT']


def test_pages_of_before_are_as_fresh(profiled, client):
    for _ in range(2):
        client.get('/a-document')
    act_in(profiled)
    profiled['a-document'].title = 'Another title'
    transaction.commit()
    assert 'Another title' in client.get('/a-document').text


def test_browsers_keep_images(profiled, client, author):  # noqa: F811
    profiled.invokeFactory('Image', 'an-image', image=NamedBlobImage(
        PIXEL, 'image/gif', 'pixel.gif'))
    transaction.commit()
    answer = client.get('/an-image/@@images/image')
    assert answer.status == 200
    assert 'max-age=300' in answer['Cache-Control']


def test_browsers_keep_resources(profiled, client):
    page = client.get('/a-document').text
    start = page.index('++webresource++')
    path = page[start:page.index('"', start)]
    answer = client.get(f'/{path}')
    assert answer.status == 200
    assert 'max-age=31536000' in answer['Cache-Control']
