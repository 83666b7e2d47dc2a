"""A page is slow: an administrator finds out why, and mends it on screen."""
import pytest
import transaction
from OFS.Folder import Folder

from ...PageCacheManager import PageCacheManager
from ..site import add_template
from .test_browser import outcome
from .test_browser import page  # noqa: F401  (fixture)
from .test_browser import server  # noqa: F401  (fixture)
from .test_browser import visit


SHOP = '''<html><body><p id="theme"
  tal:define="theme python:request.cookies.get('theme', 'light')"
  tal:content="theme">light</p>
<ul><li tal:repeat="number python:range(3000)"
        tal:content="number">1</li></ul></body></html>'''


@pytest.fixture
def shop(app, server):  # noqa: F811
    """The URL of a folder with a slow page, and a manager without policies."""
    app._setObject('shop', Folder('shop'))
    app.shop._setObject('page_cache', PageCacheManager('page_cache'))
    app.shop._setObject(
        'caching_policy_manager',
        app.site.caching_policy_manager.__class__())
    add_template(app.shop, 'front', SHOP, associate=False)
    app.shop.front.ZCacheable_setManagerId('page_cache')
    transaction.commit()
    return server.removesuffix('/site') + '/shop'


def explain_from_statistics(page, shop, reason):  # noqa: F811
    """Follow the way from a reason on Statistics to the page's explanation.
    """
    visit(page, f'{shop}/page_cache/manage_stats')
    row = page.locator('.pcm-reasons tr', has_text=reason).first
    row.locator('summary').first.click()
    with page.expect_navigation():
        row.locator('.pcm-requests a', has_text='/shop/front').first.click()
    return page.inner_text('main')


def test_a_slow_page_becomes_a_hit(page, shop):  # noqa: F811
    page.context.add_cookies([
        {'name': 'theme', 'value': 'dark', 'url': shop}])
    front = f'{shop}/front'
    assert outcome(visit(page, front)) == 'NO-ETAG'
    assert page.inner_text('#theme') == 'dark'

    # Statistics shows it, Explain says why: there is no policy
    assert 'policy' in explain_from_statistics(page, shop, 'no-policy')

    # the Policies tab adds a policy that is ready for use
    page.click('#tabs >> text=Policies')
    page.select_option('#preset', label='Any page')
    page.fill('#path', '/shop/front')
    page.click('input[value=Try]')
    page.wait_for_selector('text=The ETag of this page is: root|')
    page.click('input[value=Add]')
    page.wait_for_selector('text=The policy is added behind all others.')

    # the page reads a cookie: Explain names it
    for _ in range(2):
        assert outcome(visit(page, front)) == 'BYPASS'
    said = explain_from_statistics(page, shop, 'cookie')
    assert 'theme' in said

    # each value of the cookie gets other pages
    page.click('#tabs >> text=Properties')
    page.fill('#key_cookies', 'theme')
    page.click('input[value="Save Changes"]')
    page.wait_for_selector('text=Saved')
    assert [outcome(visit(page, front)) for _ in range(3)] == [
        'MISS', 'HIT', 'HIT']
    assert page.inner_text('#theme') == 'dark'

    # Statistics has a picture of it
    visit(page, f'{shop}/page_cache/manage_stats')
    bar = page.locator('svg.pcm-plot .pcm-hits').last
    assert float(bar.get_attribute('height')) > 0
    pair = page.locator('svg.pcm-pair').first.get_attribute('aria-label')
    assert 'hit' in pair
