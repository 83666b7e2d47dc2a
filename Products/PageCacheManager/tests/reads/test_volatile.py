"""Pages with values that plone.memoize keeps in attributes of objects."""
import pytest
import transaction
from plone.memoize import volatile

from ...reads import volatile as doors
from ...reads.making import Values
from ..site import Item
from ..site import add_template
from ..site import set_policy


FIRST, SECOND = '/site/doc/show?n=1', '/site/doc/show?n=2'


def in_memory(method, context):
    return context.aq_base.__dict__.setdefault(
        volatile.ATTR, volatile.CONTAINER_FACTORY())


@volatile.cache(lambda method, context: 'always', in_memory)
def part(context):
    """Return a part of pages that is made of another object."""
    return context.aq_parent.folder.inner.text


@pytest.fixture
def shown(site, client, monkeypatch):
    """Two pages that show the value; the first one made it."""
    monkeypatch.setattr(Item, 'part', part, raising=False)
    monkeypatch.setattr(Item, 'part__roles__', None, raising=False)
    add_template(site.portal_skins.custom, 'show',
                 '<p tal:content="context/part">text</p>')
    set_policy(site, etag="python: 'x'")
    for path in FIRST, SECOND:
        assert 'inner text' in client.get(path).text
    assert client.get(SECOND).outcome == 'HIT'
    return site


def edit(site):
    site.folder.inner.text = 'new text'
    transaction.commit()


@pytest.mark.parametrize('path', [FIRST, SECOND])
def test_what_it_was_made_from_counts_for_each_page(shown, client, path):
    edit(shown)
    answer = client.get(path)
    assert (answer.outcome, 'new text' in answer.text) == ('MISS', True)
    assert client.get(path).outcome == 'HIT'


def test_a_page_is_new_when_such_a_value_is_gone(shown, client):
    edit(shown)
    shown._p_jar.db().cacheMinimize()
    assert 'new text' in client.get(SECOND).text


def test_a_value_that_was_made_outside_of_pages_is_made_anew(
        site, client, monkeypatch):
    monkeypatch.setattr(Item, 'part', part, raising=False)
    monkeypatch.setattr(Item, 'part__roles__', None, raising=False)
    add_template(site.portal_skins.custom, 'show',
                 '<p tal:content="context/part">text</p>')
    set_policy(site, etag="python: 'x'")
    for _ in range(3):  # by all connections
        client.post(FIRST)
    client.get(FIRST)
    edit(site)
    assert 'new text' in client.get(FIRST).text


def test_outside_of_pages_it_is_the_dict_that_it_was():
    found = volatile.CleanupDict()
    found['f:1'] = 'value'
    assert found.get('f:1') == 'value' and found.get('f:2', 3) == 3
    assert dict(found) == {'f:1': 'value'}


def test_dicts_know_nothing_of_values_that_they_dropped(shown, client):
    found = volatile.CleanupDict(cleanup_period=-1)
    for number in range(10):
        found[f'f:{number}'] = number
    assert not found and not vars(found).get(doors._MADE_FROM)


def test_a_failure_of_ours_is_none_of_the_page(
        site, shown, client, monkeypatch):
    def fail(*given):
        raise ValueError('on purpose')
    monkeypatch.setattr(Values, 'count', fail)
    shown._p_jar.db().cacheMinimize()
    for number in range(5, 8):
        answer = client.get(f'/site/doc/show?n={number}')
        assert answer.status == 200 and 'inner text' in answer.text
