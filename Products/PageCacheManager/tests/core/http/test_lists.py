"""Header values that are lists, RFC 9110 5.6.1."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from Products.PageCacheManager.core.http.lists import directives
from Products.PageCacheManager.core.http.lists import joined
from Products.PageCacheManager.core.http.lists import listed
from Products.PageCacheManager.core.http.lists import names


@pytest.mark.parametrize(('value', 'expected'), [
    ('max-age=60, public', {'max-age', 'public'}),
    ('Max-Age = 60 ,\tPUBLIC', {'max-age', 'public'}),
    ('no-cache="set-cookie"', {'no-cache'}),
])
def test_directives_are_names_in_lower_case(value, expected):
    assert directives(value) == expected


@pytest.mark.parametrize(('value', 'expected'), [
    ('', ()),
    (' , ,', ()),
    ('Accept', ('accept',)),
    ('Cookie, accept', ('accept', 'cookie')),
    ('Accept,ACCEPT , accept', ('accept',)),
    ('*', ('*',)),
])
def test_names_are_sorted_in_lower_case(value, expected):
    # RFC 9110 5.1: names have no case; 5.6.1.2: empty elements
    assert names(value) == expected


@pytest.mark.parametrize(('value', 'more', 'expected'), [
    ('', [], ''),
    ('', ['Cookie'], 'Cookie'),
    (' ', ['Cookie'], 'Cookie'),
    ('Accept', [], 'Accept'),
    ('Accept', ['Cookie'], 'Accept, Cookie'),
    ('Accept', ['accept'], 'Accept'),
    ('accept,COOKIE', ['Cookie', 'Accept', 'Range'],
     'accept, COOKIE, Range'),
    ('', ['Cookie', 'cookie'], 'Cookie'),
    ('*', ['Cookie'], '*'),
    ('Accept, *', ['Cookie'], 'Accept, *'),
    (',Accept ,, Cookie,', ['Range'], 'Accept, Cookie, Range'),
])
def test_joined_adds_what_is_lacking(value, more, expected):
    # RFC 9110 12.5.5
    assert joined(value, more) == expected


FIELDS = st.sampled_from(['Accept', 'accept', 'Cookie', 'X-A', 'x-a'])


@pytest.mark.parametrize(('value', 'expected'), [
    ('', []),
    (',, ,', []),
    ('Cookie,accept , *', ['Cookie', 'accept', '*']),
])
def test_listed_keeps_order_and_spelling(value, expected):
    # RFC 9110 5.6.1.2: empty elements
    assert listed(value) == expected


@given(st.lists(FIELDS), st.lists(FIELDS))
def test_joined_names_all_and_each_once(present, more):
    value = joined(', '.join(dict.fromkeys(present)), more)
    assert set(names(value)) == {name.lower() for name in present + more}
    added = value.split(', ')[len(set(present)):]
    assert len({name.lower() for name in added}) == len(added)
