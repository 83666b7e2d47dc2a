"""The demo site in a real browser.

The server is that of `make plone-start`, in a process of its own.
"""
import os
import signal
import socket
import subprocess
import sys
import time
from base64 import b64encode
from urllib.request import Request
from urllib.request import urlopen

import pytest

from .. import browser as browsers


#: Limit in seconds; a new site takes half a minute on a slow machine.
START_SECS = 180

#: Limit for a page, in milliseconds.
PAGE_MS = 60_000


@pytest.fixture(scope='module')
def site(tmp_path_factory):
    """Start the demo site; give its URL."""
    home = tmp_path_factory.mktemp('instance')
    port = free_port()
    with (home / 'log').open('wb') as log:
        server = subprocess.Popen(
            [sys.executable, '-m', 'Products.PageCacheManager.demo.instance',
             str(home / 'plone'), '--plone', '--port', str(port)],
            stdout=log, stderr=log, start_new_session=True)
    try:
        url = f'http://localhost:{port}/Plone'
        wait_for(url, server, home / 'log')
        yield url
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def wait_for(url, server, log):
    end = time.monotonic() + START_SECS
    while time.monotonic() < end:
        if server.poll() is not None:
            break
        try:
            urlopen(url, timeout=START_SECS).close()
            return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f'No server:\n{log.read_text()[-3000:]}')


@pytest.fixture
def page(site):
    """A browser's page, logged in as alice."""
    with browsers.chromium() as browser:
        page = browser.new_page(viewport={'width': 1280, 'height': 900})
        page.set_default_timeout(PAGE_MS)
        log_in(page, site, 'alice')
        yield page


def log_in(page, site, user, password=None):
    page.goto(f'{site}/login')
    page.fill('[name=__ac_name]', user)
    page.fill('[name=__ac_password]', password or user)
    page.click('[name="buttons.login"]')
    page.wait_for_selector('#portal-logout, #personaltools-logout, '
                           '#edit-zone, #portal-toolbar')


def look(page, url):
    """Visit `url`; return the outcome in X-PageCache."""
    answer = page.goto(url)
    assert answer.status == 200
    return answer.header_value('X-PageCache')


def until_kept(page, url):
    """Visit `url` until its page is a hit; return all outcomes.

    The first page of a thread may read the login, and then is not kept.
    """
    outcomes = [look(page, url)]
    while outcomes[-1] != 'HIT':
        assert len(outcomes) < 8, outcomes
        outcomes.append(look(page, url))
    return outcomes


def test_edit_is_seen_at_once(site, page):
    document = f'{site}/a-document'
    until_kept(page, document)
    assert 'A document' in page.inner_text('h1')
    page.goto(f'{document}/edit')
    page.fill('[name="form.widgets.IDublinCore.title"]', 'A changed document')
    page.click('[name="form.buttons.save"]')
    page.wait_for_url(document)
    assert 'A changed document' in page.inner_text('h1')
    assert 'Changes saved' in page.content()
    assert look(page, document) in ('MISS', 'BYPASS')
    assert 'A changed document' in page.inner_text('h1')
    assert 'Changes saved' not in page.content()
    until_kept(page, document)
    assert 'A changed document' in page.inner_text('h1')
    assert 'Changes saved' not in page.content()


def test_each_visitor_sees_pages_of_their_own(site, page):
    document = f'{site}/a-news-item'
    until_kept(page, document)
    assert page.query_selector('#edit-zone')
    other = page.context.browser.new_page()
    other.set_default_timeout(PAGE_MS)
    until_kept(other, document)
    assert not other.query_selector('#edit-zone')


def test_anonymous_visitors_are_answered_by_the_fast_lane(site):
    asked = Request(f'{site}/a-news-item', headers={'Accept': 'text/html'})
    said = []
    for _ in range(10):
        with urlopen(asked, timeout=START_SECS) as answer:
            said.append(answer.headers['Cache-Status'])
        if 'detail=fast' in said[-1]:
            return
    pytest.fail(f'{said}')


@pytest.fixture
def admin_page(site):
    """A browser's page of Zope's own manager."""
    with browsers.chromium() as browser:
        context = browser.new_context(
            viewport={'width': 1280, 'height': 900},
            # Plone asks for a login by a form, Zope by a challenge
            extra_http_headers={
                'Authorization': 'Basic ' + b64encode(b'admin:admin').decode()
            })
        page = context.new_page()
        page.set_default_timeout(PAGE_MS)
        yield page


def test_page_is_explained(site, admin_page):
    # the browser also asks for the site's icon, which is scaled once
    admin_page.goto(f'{site}/page_cache/manage_explain')
    for _ in range(3):
        urlopen(f'{site}/a-document', timeout=PAGE_MS / 1000).close()
    admin_page.fill('[name=path]', '/Plone/a-document')
    admin_page.select_option('[name=visitor]', 'anonymous')
    admin_page.press('[name=path]', 'Enter')
    admin_page.wait_for_selector('text=document_view')
    text = admin_page.inner_text('main')
    assert 'document_view' in text
    assert 'page_cache_visitors' in text
    assert 'HIT' in text
    browsers.take(admin_page, 'plone-explain')


def test_panel_in_site_setup(site, admin_page):
    for _ in range(3):
        urlopen(f'{site}/a-document', timeout=PAGE_MS / 1000).close()
    admin_page.goto(f'{site}/@@overview-controlpanel')
    admin_page.click('a[href$="@@page-cache-controlpanel"]:visible')
    admin_page.wait_for_selector('#page-cache-state.alert-success')
    browsers.take(admin_page, 'plone-panel')
    for width in 1280, 390:
        admin_page.set_viewport_size({'width': width, 'height': 900})
        assert browsers.findings(admin_page, '#page-cache') == []
    admin_page.fill('#page-cache-path', f'{site}/a-document')
    admin_page.click('button:has-text("Explain")')
    admin_page.wait_for_selector('text=document_view')


def test_page_is_forgotten_from_the_toolbar(site, admin_page):
    address = f'{site}/a-document'
    for _ in range(3):
        kept = urlopen(address, timeout=PAGE_MS / 1000)
        kept.close()
    assert kept.headers['X-PageCache'] == 'HIT'
    admin_page.goto(f'{address}/@@page-cache-forget')
    admin_page.click('button:has-text("Forget this page and all below it")')
    admin_page.wait_for_selector('text=The pages are made anew')
    with urlopen(address, timeout=PAGE_MS / 1000) as page:
        assert page.headers['X-PageCache'] == 'MISS'


def test_ruleset_is_handed_to_the_manager_in_the_control_panel(
        site, admin_page):
    admin_page.goto(f'{site}/@@caching-controlpanel')
    chosen = 'Products.PageCacheManager'
    admin_page.evaluate('''value => {
        document.querySelectorAll('fieldset').forEach(
            one => one.classList.add('active', 'show'))
        const select = [...document.querySelectorAll('select')].find(
            one => one.name.includes('itemView'))
        select.value = value
    }''', chosen)
    admin_page.click('[name="form.button.Save"], [name="form.buttons.save"]')
    admin_page.wait_for_load_state()
    selected = admin_page.eval_on_selector(
        'select[name*="itemView"]', 'one => one.value')
    assert selected == chosen
    admin_page.click('a:has-text("Caching operations"), '
                     'legend:has-text("Caching operations")')
    browsers.take(admin_page, 'plone-caching')
