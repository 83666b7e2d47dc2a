"""The tasks of an administrator, with a real browser and a real server."""

import pytest
import transaction
from OFS.Folder import Folder

from .. import browser as browsers
from ..site import TEMPLATE
from ..site import add_template
from ..site import set_policy


DESKTOP = {'width': 1280, 'height': 800}
NARROW = {'width': 375, 'height': 800}

ETAG = 'string:v1'


@pytest.fixture
def server(server):
    """The URL of the site."""
    return f'{server}/site'


@pytest.fixture
def page(browser, server):
    """A tab of an administrator's browser; script errors fail the test.

    Playwright's own way to log in would switch off the browser's cache.
    """
    context = browser.new_context(viewport=DESKTOP)
    tab = context.new_page()
    tab.set_default_timeout(15_000)
    visit(tab, server.replace('//', '//root:root@') + '/manage_main')
    errors = []
    tab.on('pageerror', lambda error: errors.append(error))
    yield tab
    context.close()
    assert errors == []


def visit(page, url):
    """Go to `url`; return the response."""
    response = page.goto(url)
    assert response.status == 200, (url, response.status)
    return response


def outcome(response):
    return response.headers['x-pagecache']


def has_no_sideways_scrolling(page):
    return page.evaluate(
        'document.documentElement.scrollWidth'
        ' <= document.documentElement.clientWidth')


def alert(page):
    return page.locator('.alert[role=alert]').inner_text()


def fill(page, server, count=3):
    """Fill the site's own manager with some pages, and hit them."""
    for number in range(count):
        url = f'{server}/doc/page?n={number}'
        visit(page, url)
        for _ in range(number):
            visit(page, url)


def rows(page):
    """Return the texts of the rows of the report."""
    return page.locator('form table tbody tr').all_inner_texts()


def test_an_administrator_sets_up_caching(page, server, site):
    add_template(site.portal_skins.custom, 'fresh', TEMPLATE, associate=False)
    transaction.commit()

    # add the manager from Zope's list of addable objects
    visit(page, f'{server}/manage_main')
    page.select_option('#addItemSelect', label='Page Cache Manager')
    page.wait_for_selector('input#id:visible')
    if page.locator('#zmi-modal.show').count():
        page.wait_for_timeout(400)  # it slides in
    browsers.take(page, 'add')
    page.fill('#id:visible', 'my_cache')
    page.fill('#title:visible', 'Pages of my site')
    page.click('input[value=Add]:visible')
    page.wait_for_selector('text=Save Changes')
    assert page.title() == 'Pages of my site'

    # associate a template
    page.click('#tabs >> text=Associate')
    page.wait_for_selector('text=.metadata')
    page.fill('#name', 'FRESH')
    page.press('#name', 'Enter')
    box = '[aria-label="Associate portal_skins/custom/fresh"]'
    page.wait_for_selector('a:text-is("portal_skins/custom/fresh")')
    browsers.take(page, 'associate')
    page.focus(box)
    page.keyboard.press('Space')
    page.click('input[value="Save Changes"]')
    page.wait_for_selector('text=Associations saved.')
    assert page.is_checked(box)
    assert page.input_value('#name') == 'FRESH'

    # set a policy in CMF's own form
    visit(page, f'{server}/caching_policy_manager/manage_cachingPolicies')
    form = page.locator('form', has=page.locator('[name=policy_id]')).last
    form.locator('[name=policy_id]').fill('fresh')
    form.locator('[name=predicate]').fill("python: view == 'fresh'")
    form.locator('[name=etag_func]').fill(ETAG)
    form.locator('[name="enable_304s:int"]').check()
    form.locator('[name="addPolicy:method"]').click()
    page.wait_for_load_state()
    assert page.locator('form [name=policy_id][value=fresh]').count() == 1

    url = f'{server}/doc/fresh'
    first = visit(page, url)
    assert outcome(first) == 'MISS'
    text = page.inner_text('#render')
    assert outcome(visit(page, url)) == 'HIT'
    assert page.inner_text('#render') == text
    assert 304 in statuses_of_reload(page)
    assert page.inner_text('#render') == text


def test_a_bare_folder_needs_five_clicks(page, server, app):
    """From an empty folder with a template to a hit, with nothing typed."""
    app._setObject('plain', Folder('plain'))
    add_template(app.plain, 'news', '<p id="p">news</p>', associate=False)
    transaction.commit()
    place = server.removesuffix('/site') + '/plain'
    visit(page, f'{place}/manage_main')

    # 1: choose it from the list, 2: add it
    page.select_option('#addItemSelect', label='Page Cache Manager')
    page.wait_for_selector('input#id:visible')
    if page.locator('#zmi-modal.show').count():
        page.wait_for_timeout(400)  # it slides in
    assert page.input_value('#id:visible') == 'page_cache'
    page.click('input[value=Add]:visible')
    page.wait_for_selector('.pcm-set-up')
    assert 'Not active' in page.inner_text('.pcm-state')
    browsers.take(page, 'set-up', '.pcm-set-up')

    # 3
    page.click('input[value="Set all up"]')
    page.wait_for_selector('text=Set up. Open a page now.')
    assert 'Not active' not in page.inner_text('.pcm-state')

    # 4: open the page
    with page.expect_response(f'{place}/news') as first:
        page.click('text=Open news')
    assert outcome(first.value) == 'MISS'
    assert page.inner_text('#p') == 'news'
    # 5: reload it
    assert outcome(page.reload()) == 'HIT'

    visit(page, f'{place}/page_cache/manage_main')
    assert page.locator('.pcm-set-up').count() == 0
    for viewport in NARROW, DESKTOP:
        page.set_viewport_size(viewport)
        assert has_no_sideways_scrolling(page)


def test_a_policy_is_tried_and_added(page, server, site):
    fill(page, server)
    visit(page, f'{server}/page_cache/manage_policies')
    page.select_option('#preset', label='Any page')
    page.fill('#path', '/site/doc/page')
    page.click('input[value=Try]')
    page.wait_for_selector('text=The ETag of this page is: root|')
    browsers.take(page, 'policies')
    page.click('input[value=Add]')
    page.wait_for_selector('text=The policy is added behind all others.')
    assert 'page_cache_pages' in page.inner_text('.pcm-reasons')
    page.set_viewport_size(NARROW)
    assert has_no_sideways_scrolling(page)


def statuses_of_reload(page):
    """Reload; return the statuses of the server's answers.

    To scripts and to Playwright, a browser shows its own copy as 200.
    """
    session = page.context.new_cdp_session(page)
    session.send('Network.enable')
    statuses = []
    session.on(
        'Network.responseReceivedExtraInfo',
        lambda event: statuses.append(event['statusCode']))
    page.reload()
    return statuses


def test_statistics(page, server):
    fill(page, server)
    visit_with_a_message(page, server)
    visit(page, f'{server}/doc/v-counting')
    visit(page, f'{server}/page_cache/manage_stats')
    assert len(rows(page)) == 3
    assert 'n=2' in rows(page)[0]
    assert 'request-cookie' in page.locator('.pcm-reasons').last.inner_text()
    browsers.take(page, 'statistics')

    page.click('th >> text=URL')
    page.wait_for_selector('th[aria-sort=ascending] >> text=URL')
    assert 'n=0' in rows(page)[0]
    page.click('th >> text=URL')
    page.wait_for_selector('th[aria-sort=descending] >> text=URL')
    assert 'n=2' in rows(page)[0]

    page.fill('#find', 'n=1')
    page.press('#find', 'Enter')
    page.wait_for_selector('text=show all')
    shown, = rows(page)
    assert 'n=1' in shown

    page.check('input.pcm-row')
    page.click('input[value="Invalidate selected pages"]')
    page.wait_for_selector('text=The selected pages are invalidated')
    assert rows(page) == []
    assert page.input_value('#find') == 'n=1'
    page.click('text=show all')
    page.wait_for_selector('text=2 of 2 pages')
    assert outcome(visit(page, f'{server}/doc/page?n=1')) == 'MISS'
    assert outcome(visit(page, f'{server}/doc/page?n=0')) == 'HIT'


def test_search_and_order_survive_a_reload(page, server):
    fill(page, server)
    visit(page, f'{server}/doc/page?q=日本')
    visit(page, f'{server}/page_cache/manage_stats')
    page.fill('#find', '日本')
    page.press('#find', 'Enter')
    page.wait_for_selector('text=1 of 4 pages')
    page.click('th >> text=Size')
    page.wait_for_selector('th[aria-sort=descending] >> text=Size')
    assert page.url.endswith('#pages')
    assert page.evaluate('scrollY') > 0
    page.reload()
    page.wait_for_selector('th[aria-sort=descending] >> text=Size')
    assert page.input_value('#find') == '日本'
    shown, = rows(page)
    assert '日本' in shown
    with page.expect_response('**/doc/page?q=*') as opened:
        page.click('text=Open', strict=True)
    assert outcome(opened.value) == 'HIT'
    page.go_back()
    page.click('form table >> text=Explain')
    page.wait_for_selector('.badge >> text=HIT')


def test_the_counters_are_reset(page, server):
    fill(page, server)
    visit(page, f'{server}/doc/v-counting')
    visit(page, f'{server}/page_cache/manage_stats')
    page.click('figure >> nth=0 >> summary')
    assert page.is_visible('figure >> nth=0 >> td >> text=3')
    page.click('a >> text=Views tab')
    page.wait_for_selector('text=Recently published views')
    assert page.url.endswith('/manage_views#recent')
    page.go_back()
    page.once('dialog', lambda dialog: dialog.accept())
    page.click('input[value="Reset counters"]')
    page.wait_for_selector('text=The counters of this process are reset.')
    assert len(rows(page)) == 3
    assert 'too early' in page.inner_text('main')
    page.reload()
    assert len(rows(page)) == 3
    assert 'The counters of this process' not in page.content()


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_pictures_are_seen_on_their_background(page, server, scheme):
    page.emulate_media(color_scheme=scheme)
    fill(page, server)
    visit(page, f'{server}/page_cache/manage_stats')
    colors = page.evaluate(
        '''() => [
            getComputedStyle(document.querySelector('.pcm-plot')).color,
            getComputedStyle(document.querySelector('.pcm-plot line')).stroke,
            getComputedStyle(document.querySelector('.pcm-hits')).fill,
            getComputedStyle(document.body).backgroundColor]''')
    text, line, hits, background = colors
    assert line == text != background
    assert hits not in (text, background)


def test_report_shows_all_columns_on_a_small_window(page, server):
    fill(page, server)
    page.set_viewport_size({'width': 800, 'height': 800})
    visit(page, f'{server}/page_cache/manage_stats')
    assert page.locator('form .pcm-scroll').evaluate(
        'part => part.scrollWidth <= part.clientWidth')


def visit_with_a_message(page, server):
    """Send a request that carries a cookie which rules caching out."""
    cookie = {'name': 'statusmessages', 'value': 'saved', 'url': server}
    page.context.add_cookies([cookie])
    assert outcome(visit(page, f'{server}/doc/page?n=0')) == 'BYPASS'
    page.context.clear_cookies()


def test_select_all_on_this_page(page, server):
    fill(page, server)
    visit(page, f'{server}/page_cache/manage_stats')
    page.check('#all')
    assert page.locator('input.pcm-row:checked').count() == 3
    page.click('input[value="Invalidate selected pages"]')
    page.wait_for_selector('text=The selected pages are invalidated')
    page.wait_for_selector('text=No page is stored now')


def test_bad_input_keeps_what_was_typed(page, server, site):
    visit(page, f'{server}/page_cache/manage_main')
    page.fill('#title', 'A new title')
    page.fill('#max_mib', 'plenty')
    page.fill('#max_age', '60')
    page.select_option('#partition', 'roles')
    page.uncheck('#show_outcome')
    page.click('input[value="Save Changes"]')
    page.wait_for_selector('text=Nothing was changed')
    assert page.input_value('#title') == 'A new title'
    assert page.input_value('#max_mib') == 'plenty'
    assert page.input_value('#max_age') == '60'
    assert page.input_value('#partition') == 'roles'
    assert not page.is_checked('#show_outcome')
    assert page.inner_text('#max_mib-error').startswith('Maximum memory')
    assert page.locator('.is-invalid').count() == 1
    browsers.take(page, 'properties-error')

    page.fill('#max_mib', '64')
    page.click('input[value="Save Changes"]')
    page.wait_for_selector('text=Settings saved')
    assert page.input_value('#max_mib') == '64'
    assert 'of 64.0' in page.inner_text('.pcm-state')
    transaction.abort()
    settings = site.page_cache.getSettings()
    assert (settings['max_mib'], settings['max_age']) == (64, 60)
    assert not settings['show_outcome']


def test_purge(page, server):
    fill(page, server)
    visit(page, f'{server}/page_cache/manage_main')
    assert '3 of' in page.inner_text('.pcm-state')
    browsers.take(page, 'properties')

    page.once('dialog', lambda dialog: dialog.dismiss())
    page.click('input[value="Purge all pages"]')
    assert outcome(visit(page, f'{server}/doc/page?n=1')) == 'HIT'

    visit(page, f'{server}/page_cache/manage_main')
    page.once('dialog', lambda dialog: dialog.accept())
    page.click('input[value="Purge all pages"]')
    page.wait_for_selector('text=All pages are purged')
    assert '0 of' in page.inner_text('.pcm-state')
    assert 'never' not in page.inner_text('.pcm-purged')
    assert outcome(visit(page, f'{server}/doc/page?n=1')) == 'MISS'


def test_a_view_is_associated_and_explained(page, server, site):
    set_policy(site, etag='python: object.getId()', last_modified=0)
    for name in ('v-counting', 'v-by-method'):
        visit(page, f'{server}/doc/{name}')
    visit(page, f'{server}/page_cache/manage_stats')
    page.click('#tabs >> text=Views')
    page.wait_for_selector('text=Recently published views')
    page.check('[aria-label="Associate v-counting for Item"]')
    page.locator('.pcm-name').first.fill('not a name')
    page.click('input[value="Save Changes"]')
    page.wait_for_selector('text=Nothing was changed')
    assert page.locator('.is-invalid').count() == 1
    assert 'not a name' in page.inner_text('#view-1-error')
    assert page.is_checked('[aria-label="Associate v-counting for Item"]')
    page.locator('.pcm-name').first.fill('v-listing')
    page.click('input[value="Save Changes"]')
    page.wait_for_selector('text=Views saved.')
    names = page.locator('.pcm-name')
    assert [names.nth(n).input_value() for n in range(names.count())] == [
        'v-listing', 'v-counting', '', '']
    browsers.take(page, 'views')

    page.click('#tabs >> text=Explain')
    page.fill('#path', f'{server}/doc/v-counting')
    page.press('#path', 'Enter')
    page.wait_for_selector('.badge >> text=MISS')
    assert outcome(visit(page, f'{server}/doc/v-counting')) == 'MISS'
    visit(page, f'{server}/page_cache/manage_explain')
    page.fill('#path', '/site/doc/v-counting')
    page.press('#path', 'Enter')
    page.wait_for_selector('.badge >> text=HIT')
    assert 'root only, with the roles' not in page.inner_text('main')
    page.focus('summary')
    page.keyboard.press('Enter')  # unfolds the key
    assert 'root only, with the roles' in page.inner_text('main')
    browsers.take(page, 'explain')
    page.select_option('#visitor', 'anonymous')
    page.click('input[value=Explain]')
    page.wait_for_selector('.badge >> text=MISS')
    assert 'all anonymous visitors' in page.text_content('main')
    assert page.input_value('#path') == '/site/doc/v-counting'
    page.click('input[value="Render it now"]')
    page.wait_for_selector('text=Would be stored')
    assert page.input_value('#path') == '/site/doc/v-counting'
    assert page.input_value('#visitor') == 'anonymous'


@pytest.mark.parametrize('path', [
    'manage_main', 'manage_stats', 'manage_views', 'manage_explain',
    'manage_explain?path=/site/doc/page', 'ZCacheManager_associate'])
def test_narrow_screens_do_not_scroll_sideways(page, server, path):
    fill(page, server)
    visit_with_a_message(page, server)
    visit(page, f'{server}/doc/v-counting')
    page.set_viewport_size(NARROW)
    visit(page, f'{server}/page_cache/{path}')
    assert has_no_sideways_scrolling(page)
    name = path.partition('?')[0].rpartition('_')[2]
    browsers.take(page, f'narrow-{name}')


def test_a_narrow_add_form_does_not_scroll_sideways(page, server):
    page.set_viewport_size(NARROW)
    visit(page, f'{server}/manage_addProduct/PageCacheManager/'
                'manage_addPageCacheManagerForm')
    assert has_no_sideways_scrolling(page)


def test_a_url_with_a_script_runs_nothing(page, server):
    hostile = '"><script>window.pwned=1</script><img src=x onerror=pwned=1>'
    visit(page, f'{server}/doc/page?x={hostile}')
    visit(page, f'{server}/page_cache/manage_stats')
    assert 'script' in rows(page)[0]
    assert page.evaluate('window.pwned') is None
