"""axe-core's findings on the management screens, in a real browser."""
import pytest
import transaction
from OFS.Folder import Folder

from ...core.audit.audits import Finding
from ...manager import caches
from ...PageCacheManager import PageCacheManager
from .. import browser as browsers
from ..client import Client
from ..site import add_template
from ..site import set_policy
from .test_browser import has_no_sideways_scrolling
from .test_browser import visit


#: Parts of Zope's own frame, which a product can not change: the bar at the
#: top with the list of addable objects, the tabs, and the breadcrumbs.
FRAME = ('header.bd-navbar', '#tabs', 'nav[aria-label=breadcrumb]')

#: Width in pixels, and colour scheme. Colours do not depend on the width.
LOOKS = ((1280, 'light'), (390, 'light'), (390, 'dark'))

#: For a variant of a screen.
NARROW = ((390, 'light'),)


@pytest.fixture
def locale():
    """The language of the administrator's browser."""
    return 'en-GB'


@pytest.fixture
def tab(browser, server, locale):
    """A tab of an administrator's browser."""
    context = browser.new_context(locale=locale, http_credentials={
        'username': 'root', 'password': 'root', 'send': 'always'})
    tab = context.new_page()
    tab.set_default_timeout(15_000)
    yield tab
    context.close()


@pytest.fixture
def plain(app):
    """A plain folder with a manager and one page template."""
    app._setObject('plain', Folder('plain'))
    app.plain._setObject('page_cache', PageCacheManager('page_cache'))
    add_template(app.plain, 'news', '<p>news</p>', associate=False)
    transaction.commit()
    return app.plain


def findings(tab):
    return browsers.findings(tab, {'exclude': [[part] for part in FRAME]})


def check(tab, looks=LOOKS):
    """Assert that axe-core finds nothing on the tab."""
    # also check folded parts
    tab.evaluate("document.querySelectorAll('details').forEach("
                 'one => { one.open = true })')
    for width, scheme in looks:
        look(tab, width, scheme)
        assert has_no_sideways_scrolling(tab), width
        assert findings(tab) == [], (width, scheme)


def look(tab, width, scheme):
    tab.set_viewport_size({'width': width, 'height': 800})
    tab.emulate_media(color_scheme=scheme)


def keep_pages(server, count=3):
    """Fill the site's own manager with some pages, and hit one of them."""
    client = Client(server.rpartition('/')[2])
    for number in [*range(count), 0]:
        client.get(f'/site/doc/page?n={number}', 'root')


def fill(server, site):
    """Give each part of the screens some content."""
    client = Client(server.rpartition('/')[2])
    keep_pages(server)
    client.get('/site/doc/page', 'root', Cookie='statusmessages=saved')
    client.get('/site/doc/v-counting', 'root')
    caches.cache_of(site.page_cache).audits.found(Finding(
        at=1.0, url='http://host/page', whose='', policy='all', created=0.0,
        is_by_itself=False, lines=['- one', '+ two'], changed=['Item doc']))


def test_add_form(tab, server):
    visit(tab, f'{server}/site/manage_addProduct/PageCacheManager/'
               'manage_addPageCacheManagerForm')
    check(tab)
    tab.fill('#id', 'a/b')
    tab.click('input[value=Add]')
    tab.wait_for_selector('.is-invalid')
    check(tab)


def test_properties_of_a_new_manager(tab, server, plain):
    """Each state of the card that sets a manager up."""
    url = f'{server}/plain/page_cache/manage_main'
    visit(tab, url)
    check(tab)
    for button in 'Add one here', 'Add one for each user and hour':
        tab.click(f'input[value="{button}"]')
        tab.wait_for_selector('text=Set up. Open a page now.')
        check(tab)
    transaction.begin()
    set_policy(plain, etag='python: 1/0')
    visit(tab, url)
    check(tab, NARROW)


def test_properties(tab, server, site):
    keep_pages(server)
    visit(tab, f'{server}/site/page_cache/manage_main')
    check(tab)
    for name in 'max_mib', 'key_headers', 'audit_every':
        tab.fill(f'#{name}', ':')
    tab.click('input[value="Save Changes"]')
    tab.wait_for_selector('text=Nothing was changed')
    check(tab)


def test_statistics(tab, server, site):
    url = f'{server}/site/page_cache/manage_stats'
    visit(tab, url)
    check(tab)
    fill(server, site)
    visit(tab, url)
    check(tab)
    visit(tab, f'{url}?find=n%3D1&sort=url&order=asc')
    check(tab, NARROW)


def test_statistics_on_many_pages(tab, server, site):
    keep_pages(server, 51)
    visit(tab, f'{server}/site/page_cache/manage_stats')
    check(tab, NARROW)


def test_invalidate(tab, server, site):
    keep_pages(server)
    visit(tab, f'{server}/site/page_cache/manage_stats')
    tab.check('input.pcm-row >> nth=0')
    tab.click('input[value="Invalidate selected pages"]')
    tab.wait_for_selector('text=The selected pages are invalidated')
    check(tab, NARROW)


def test_policies(tab, server, site, plain):
    visit(tab, f'{server}/plain/page_cache/manage_policies')
    check(tab)
    keep_pages(server)
    url = f'{server}/site/page_cache/manage_policies'
    for path in '/site/doc/page', '/site/nowhere':
        visit(tab, f'{url}?path={path}')
        check(tab)


def test_views(tab, server, site):
    fill(server, site)
    visit(tab, f'{server}/site/page_cache/manage_views')
    check(tab)
    tab.fill('.pcm-name >> nth=0', 'not a name')
    tab.click('input[value="Save Changes"]')
    tab.wait_for_selector('text=Nothing was changed')
    check(tab)


def test_associate(tab, server, site):
    url = f'{server}/site/page_cache/ZCacheManager_associate'
    visit(tab, url)
    check(tab)
    visit(tab, f'{url}?below=nowhere')
    check(tab)


def test_explain(tab, server, site):
    url = f'{server}/site/page_cache/manage_explain'
    visit(tab, url)
    check(tab)
    fill(server, site)
    page = f'{url}?path=/site/doc/page%3Fn%3D0'
    for query in '', '&other=/site/doc/page&other_visitor=anonymous':
        visit(tab, f'{page}&made_from=on{query}')
        check(tab)
    tab.click('input[value="Render it now"]')
    tab.wait_for_selector('text=Would be')
    check(tab)
    visit(tab, f'{url}?path=/site/nowhere&user=nobody')
    check(tab)


@pytest.mark.parametrize('locale', ['de-DE'])
def test_german_screens(tab, server, site):
    """German words are longer."""
    fill(server, site)
    for path in 'manage_main', 'manage_stats', 'manage_policies':
        visit(tab, f'{server}/site/page_cache/{path}')
        assert tab.locator('main').get_attribute('lang') == 'de'
        check(tab, NARROW)


@pytest.mark.parametrize('path', [
    'manage_main', 'manage_stats', 'manage_explain?path=/site/doc/page'])
def test_dark_scheme_looks_like_the_light_one(tab, server, site, path):
    """Zope's screens are light, also if the browser asks for dark ones."""
    fill(server, site)
    visit(tab, f'{server}/site/page_cache/{path}')
    seen = []
    for scheme in 'light', 'dark':
        look(tab, 1280, scheme)
        seen.append(tab.locator('main').screenshot())
    assert seen[0] == seen[1]


def test_findings_are_seen(tab, server, site):
    """The other tests rely on this: axe-core runs, and checks our part."""
    visit(tab, f'{server}/site/page_cache/manage_main')
    tab.evaluate('''() => {
        document.querySelector('label[for=title]').remove()
        document.querySelector('.pcm-help').style.color = '#ccc'
    }''')
    assert {rule for rule, _, _ in findings(tab)} == {
        'label', 'color-contrast'}
