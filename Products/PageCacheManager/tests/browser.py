"""A real browser in front of a real server with the layer's Zope."""
import fcntl
import os
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from waitress import create_server
from ZPublisher.httpexceptions import HTTPExceptionHandler
from ZPublisher.WSGIPublisher import publish_module


CHROMIUM = '/usr/bin/chromium'

#: Nothing is fetched but from the server of the test.
ARGUMENTS = [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update',
    '--disable-sync']

SCREENSHOTS = Path(__file__).parents[3] / 'docs' / 'screenshots'


@contextmanager
def zope_server():
    """Serve the layer's Zope on a port of this machine; give its URL."""
    server = create_server(
        HTTPExceptionHandler(publish_module), host='127.0.0.1', port=0,
        threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f'http://127.0.0.1:{server.effective_port}'
    finally:
        server.task_dispatcher.shutdown()
        server.close()
        thread.join(5)


@contextmanager
def chromium():
    """Start Chromium, or skip the test if it is missing.

    Tests that run side by side take turns: two browsers at once are too much
    for two cores.
    """
    reason = _what_is_missing()
    if reason and os.environ.get('PCM_REQUIRE_BROWSER') == '1':
        pytest.fail(f'PCM_REQUIRE_BROWSER is set, but {reason}')
    if reason:
        pytest.skip(f'no browser test: {reason}')

    from playwright.sync_api import sync_playwright

    with open(__file__) as turn, sync_playwright() as playwright:
        fcntl.flock(turn, fcntl.LOCK_EX)  # until it is closed
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def _what_is_missing():
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return 'the Python package playwright is not installed'
    if not os.access(CHROMIUM, os.X_OK):
        return f'there is no {CHROMIUM}'
    return ''


def findings(page, context):
    """Return the problems that axe-core finds: rule, element, remedy.

    `context` selects parts of the page, as axe-core's documentation says.
    """
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, context).response
    return [
        (rule['id'], node['html'], node['failureSummary'])
        for rule in found['violations'] for node in rule['nodes']]


def take(page, name, part=None):
    """Write a screenshot of a page, or of the part that a selector names,
    into the docs, if the environment asks for it.
    """
    if os.environ.get('PCM_SCREENSHOTS') == '1':
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        # the path of the package on this machine is of no use to readers
        page.evaluate(
            '''roots => {
                const texts = document.createTreeWalker(
                    document.body, NodeFilter.SHOW_TEXT)
                while (texts.nextNode())
                    for (const root of roots)
                        texts.currentNode.data =
                            texts.currentNode.data.replace(root, '/zope')
            }''', [str(SCREENSHOTS.parents[1]), sys.prefix])
        path = SCREENSHOTS / f'{name}.png'
        if part is None:
            page.screenshot(path=path, full_page=True)
        else:
            page.locator(part).screenshot(path=path)
