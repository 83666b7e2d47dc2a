"""A template that writes what it shows is rendered each time.

Its page is not good for later requests: the commit of its own request
changed it.
"""
import time

import pytest
import transaction

from ..site import add_template
from ..site import set_policy


PATH = '/site/doc/shown'


def show(site, item, act):
    item('show_it', lambda self: act(self.aq_parent.folder.inner))
    add_template(
        site.portal_skins.custom, 'shown',
        '<p tal:content="context/show_it">text</p>')
    set_policy(site, etag="python: 'x'")


def test_what_is_shown_and_then_written(site, client, item):
    def act(inner):
        shown, inner.text = inner.text, 'read'
        return shown
    site.folder.inner.text = 'unread'
    show(site, item, act)
    assert [client.get(PATH).text for _ in range(3)] == [
        '<p>unread</p>', '<p>read</p>', '<p>read</p>']


def test_a_counter(site, client, item):
    def act(inner):
        inner.text = str(int(inner.text) + 1)
        return inner.text
    site.folder.inner.text = '0'
    show(site, item, act)
    assert [client.get(PATH).text for _ in range(3)] == [
        '<p>1</p>', '<p>2</p>', '<p>3</p>']


@pytest.mark.parametrize('commits', [False, True])
def test_a_date_of_before_gives_no_304(site, client, item, commits):
    """The new text is younger than all transactions that were visible."""
    due = []

    def act(inner):
        if due:
            inner.text = 'new'
            if commits:
                transaction.commit()
        return inner.text
    site.folder.inner.text = 'old'
    show(site, item, act)
    item('due', lambda self: str(len(due)))
    set_policy(site, etag='object/due')
    client.get('/site/folder/inner/page')
    time.sleep(1.1)  # dates have whole seconds
    first = client.get(PATH)
    due.append(True)
    time.sleep(1.1)
    second = client.get(PATH, If_Modified_Since=first['Last-Modified'])
    assert (second.status, second.text) == (200, '<p>new</p>')
