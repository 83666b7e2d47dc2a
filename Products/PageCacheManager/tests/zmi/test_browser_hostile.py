"""A hostile URL on the screens of an administrator, in a real browser."""
from urllib.parse import quote

import pytest

from ..client import Client


#: Each sets a flag if the browser takes it for more than text.
SCRIPTS = (
    '<script>window.stolen=1</script>',
    '"><script>window.stolen=1</script>',
    "'><img src=x onerror=window.stolen=1>",
    '</td></table></main><svg onload=window.stolen=1>',
    '" autofocus onfocus=window.stolen=1 x="',
    'javascript:window.stolen=1',
    '{{window.stolen=1}}${window.stolen=1}')

SCREENS = (
    'page_cache/manage_main', 'page_cache/manage_stats',
    'page_cache/manage_stats?find={}', 'page_cache/manage_stats?sort={}',
    'page_cache/manage_views', 'page_cache/manage_explain?path={}',
    'page_cache/manage_explain?path=/site/doc/page?{}',
    'page_cache/ZCacheManager_associate',
    'manage_addProduct/PageCacheManager/manage_addPageCacheManagerForm')


@pytest.fixture
def tab(browser, server):
    """A tab of an administrator's browser."""
    context = browser.new_context(
        http_credentials={'username': 'root', 'password': 'root'})
    page = context.new_page()
    page.set_default_timeout(15_000)
    # actions of the browser itself must not run a script either
    page.on('dialog', lambda dialog: dialog.dismiss())
    yield page
    context.close()


def test_a_stored_script_is_text_and_does_not_run(tab, server):
    host = server.rpartition('/')[2]
    for script in SCRIPTS:
        for form in (script, quote(script)):
            path = f'/site/doc/page?{form}'
            assert Client(host).get(path).outcome == 'MISS'
    for path in SCREENS:
        for script in SCRIPTS:
            tab.goto(f'{server}/site/{path.format(quote(script))}')
            assert tab.locator('main').count() == 1
            assert tab.evaluate('window.stolen') is None, (path, script)
            if '{}' not in path:
                break
    tab.goto(f'{server}/site/page_cache/manage_stats')
    shown = tab.locator('form table tbody').inner_text()
    for script in SCRIPTS:
        assert script in shown
    tab.check('#all')
    tab.click('input[value="Invalidate selected pages"]')
    tab.wait_for_selector('text=The selected pages are invalidated')
    assert tab.evaluate('window.stolen') is None


def test_the_flag_would_be_seen(tab, server):
    """A script that does run sets the flag that the other tests check."""
    tab.goto(f'{server}/site/page_cache/manage_stats')
    tab.evaluate('''() => {
        const script = document.createElement('script');
        script.textContent = 'window.stolen = 1';
        document.body.append(script);
    }''')
    assert tab.evaluate('window.stolen') == 1


def test_bad_input_is_text_and_does_not_run(tab, server):
    tab.goto(f'{server}/site/page_cache/manage_main')
    tab.fill('#title', SCRIPTS[1])
    tab.fill('#max_mib', SCRIPTS[2])
    tab.fill('#key_headers', SCRIPTS[3])
    tab.click('input[value="Save Changes"]')
    tab.wait_for_selector('text=Nothing was changed')
    assert tab.input_value('#max_mib') == SCRIPTS[2]
    assert 'onerror' in tab.inner_text('#max_mib-error')
    assert tab.evaluate('window.stolen') is None
