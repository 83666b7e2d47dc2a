"""Associations of views: read whole or refused whole, and chosen from."""
import pytest

from Products.PageCacheManager.core.associations import MAX_ASSOCIATIONS
from Products.PageCacheManager.core.associations import Association
from Products.PageCacheManager.core.associations import AssociationError
from Products.PageCacheManager.core.associations import is_associated
from Products.PageCacheManager.core.associations import read


@pytest.mark.parametrize(('row', 'expected'), [
    (('view',), ('view', '')),
    (['view'], ('view', '')),
    (('@@view', 'Document'), ('view', 'Document')),
    ((' view ', ' News Item '), ('view', 'News Item')),
    ({'name': 'view'}, ('view', '')),
    ({'name': '@@view', 'kind': 'A'}, ('view', 'A')),
    (('++add++Item',), ('++add++Item', '')),
    (('index.html',), ('index.html', '')),
    (('x' * 200, 'y' * 200), ('x' * 200, 'y' * 200)),
    (Association('view', 'A'), ('view', 'A')),
    # of earlier releases
    (('view', 'a.b.IDocument', 'site'), ('view', 'a.b.IDocument')),
    (('view', '', None), ('view', '')),
    ({'name': 'view', 'kind': 'A', 'shows': 'folder'}, ('view', 'A')),
    ({'name': 'view', 'shows': ['<']}, ('view', ''))])
def test_row_is_read(row, expected):
    found, = read([row])
    assert found == Association(*expected)
    assert read([found]) == (found,) == read([found._asdict()])


@pytest.mark.parametrize(('row', 'field'), [
    ((), 'not an association'),
    (('a', 'b', 'item', 'd'), 'not an association'),
    ('view', 'not an association'), (None, 'not an association'),
    (1, 'not an association'), ({'view'}, 'not an association'),
    ({}, 'View name'), (('',), 'View name'), (('a b',), 'View name'),
    (('a/b/c',), 'View name'), (('a/',), 'View name'),
    (('/b',), 'View name'), (('@@',), 'View name'),
    (('@@@@x',), 'View name'), (('x' * 201,), 'View name'),
    (('a\nb',), 'View name'), (('\xe4',), 'View name'),
    (('<b>',), 'View name'), ((1,), 'not text'), ((b'view',), 'not text'),
    (('view', None), 'not text'),
    (('view', 'a/b'), 'Content of view'),
    (('view', 'y' * 201), 'Content of view'),
    (('view', 'a\nb'), 'Content of view'),
    ({'name': 'view', 'type': 'A'}, "no field 'type'")])
def test_row_is_refused(row, field):
    with pytest.raises(AssociationError) as caught:
        read([('fine',), row])
    assert field in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_message_is_short_whatever_was_given():
    with pytest.raises(AssociationError) as caught:
        read([('x' * 100_000,)])
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize('rows', ['view', b'view', None, 1])
def test_what_is_no_list_is_refused(rows):
    with pytest.raises(AssociationError):
        read(rows)


def test_any_iterable_is_read():
    assert read(iter([('a',)])) == read({('a',): 1}) == read([('a',)])
    assert read([]) == read(()) == ()


def test_last_of_two_rows_counts_and_stands_last():
    rows = [('a', 'K'), ('b',), ('@@a', 'K', 'site')]
    assert read(rows) == (Association('b'), Association('a', 'K'))


def test_one_view_for_several_kinds():
    rows = [('a',), ('a', 'K'), ('a', 'L')]
    assert [found.kind for found in read(rows)] == ['', 'K', 'L']


def test_number_of_associations_is_bounded():
    rows = [(f'v{number}',) for number in range(MAX_ASSOCIATIONS)]
    assert len(read(rows)) == MAX_ASSOCIATIONS
    with pytest.raises(AssociationError):
        read([*rows, ('more',)])
    assert len(read([*rows, rows[0]])) == MAX_ASSOCIATIONS


GENERAL = Association('view')
KIND = Association('view', 'K')
LATER = Association('view', 'L')


@pytest.mark.parametrize(('associations', 'kinds', 'expected'), [
    ([], 'K', False),
    ([Association('other')], 'K', False),
    ([Association('other', 'K')], 'K', False),
    ([GENERAL], '', True),
    ([KIND], '', False),
    ([KIND], 'K', True),
    ([GENERAL, KIND], '', True),
    ([KIND, LATER], 'L', True),
    ([KIND, LATER], 'M', False)])
def test_view_is_associated(associations, kinds, expected):
    assert is_associated(
        associations, 'view', lambda kind: kind in kinds) is expected


def test_kinds_are_not_looked_at_for_other_views():
    def is_of(kind):
        raise AssertionError(kind)

    assert is_associated([Association('other', 'K'), GENERAL], 'view', is_of)
