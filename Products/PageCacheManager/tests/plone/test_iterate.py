"""Working copies, if plone.app.iterate is installed."""
import pytest
import transaction

from .changes import edit
from .changes import submit
from .freshness import Freshness


pytest.importorskip('plone.app.iterate')

ORIGINAL, COPY = '/a-document', '/copy_of_a-document'


@pytest.fixture
def fresh(portal, client, page_cache):
    portal.portal_setup.runAllImportStepsFromProfile(
        'plone.app.iterate:default')
    transaction.commit()
    return Freshness(client, page_cache, [ORIGINAL, '/a-folder', ''],
                     (None, 'alice', 'root'))


def check_out(client):
    answer = submit(client, f'{ORIGINAL}/@@content-checkout', 'root',
                    'form.button.Checkout')
    assert answer.get('Location').endswith(COPY)


def test_check_out_and_in_show_at_once(portal, client, page_cache, fresh):
    fresh.warm()
    check_out(client)
    assert (ORIGINAL, 'alice') in fresh.after()
    fresh.warm()
    of_copy = Freshness(client, page_cache, [COPY, ORIGINAL],
                        ('alice', 'root'))
    of_copy.warm()
    edit(COPY, 'root', **{
        'form.widgets.IDublinCore.title': 'Another name',
        'form.widgets.IRichTextBehavior.text': '<p>Quite another</p>'})(
        client, portal)
    assert (COPY, 'root') in of_copy.after()
    assert 'Quite another' not in client.get(ORIGINAL).text
    fresh.warm()
    submit(client, f'{COPY}/@@content-checkin', 'root',
           'form.button.Checkin')
    assert (ORIGINAL, None) in fresh.after()
    assert 'Quite another' in client.get(ORIGINAL).text


def test_cancelled_check_out_shows_at_once(
        portal, client, page_cache, fresh):
    check_out(client)
    fresh.warm()
    submit(client, f'{COPY}/@@content-cancel-checkout', 'root',
           'form.button.Cancel')
    assert (ORIGINAL, 'alice') in fresh.after()
