"""Rich text: Plone keeps its output in memory."""
import pytest
import transaction
from plone.app.testing import TEST_USER_ID
from plone.app.testing import setRoles
from plone.registry.interfaces import IRegistry
from zope.component import getUtility

from ...demo.plone_site import rich_text
from .conftest import act_in


FIRST, SECOND = '/a-document?n=1', '/a-document?n=2'


@pytest.fixture
def linking(addon, client):
    """A document with a link to another one, and two pages of it."""
    act_in(addon)
    uid = addon['a-news-item'].UID()
    addon['a-document'].text = rich_text(
        f'<p>See <a href="resolveuid/{uid}">this</a></p>'
        '<p>A <em>word</em></p>')
    transaction.commit()
    for path in FIRST, SECOND:
        answer = client.get(path)
        assert answer.outcome == 'MISS'
        assert client.get(path).outcome == 'HIT'
    return addon


def move(site):
    site.manage_renameObject('a-news-item', 'elsewhere')


def forbid(site):
    getUtility(IRegistry)['plone.valid_tags'] = ['p', 'a']


@pytest.mark.parametrize('path', [FIRST, SECOND])
@pytest.mark.parametrize(('change', 'old', 'new'), [
    (move, '/a-news-item">this', '/elsewhere">this'),
    (forbid, '<em>word', 'A word')])
def test_what_it_was_made_from_counts_for_each_page(
        linking, client, path, change, old, new):
    assert old in client.get(path).text
    act_in(linking)
    setRoles(linking, TEST_USER_ID, ['Manager'])
    change(linking)
    transaction.commit()
    answer = client.get(path)
    assert answer.outcome == 'MISS'
    assert new in answer.text and old not in answer.text
    assert client.get(path).outcome == 'HIT'


