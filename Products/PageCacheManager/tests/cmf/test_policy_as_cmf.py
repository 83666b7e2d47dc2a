"""A policy gives us the same answer as CMF, with fewer calls."""
from DateTime import DateTime
from hypothesis import given
from hypothesis import strategies as st
from Products.CMFCore.CachingPolicyManager import CachingPolicy

from Products.PageCacheManager.cmf import expressions
from Products.PageCacheManager.cmf import policy as module
from Products.PageCacheManager.core.http.conditional import parse_date


FLAGS = (
    'no_cache', 'no_store', 'must_revalidate', 'proxy_revalidate', 'public',
    'private', 'no_transform', 'enable_304s', 'last_modified')
SECONDS = ('max_age_secs', 's_max_age_secs', 'pre_check', 'post_check')

#: Attributes that policies of an old CMF lack.
LATER = (
    '_s_max_age_secs', '_proxy_revalidate', '_public', '_private',
    '_no_transform', '_vary', '_etag_func', '_enable_304s', '_last_modified',
    '_pre_check', '_post_check')

POLICIES = st.fixed_dictionaries({
    **{name: st.sampled_from([0, 1]) for name in FLAGS},
    **{name: st.sampled_from([None, 0, 90]) for name in SECONDS},
    'predicate': st.sampled_from(['', 'python: True', 'nothing']),
    'mtime_func': st.sampled_from([
        'nothing', 'string:2020-01-02 03:04:05 GMT',
        "python: modules['DateTime'].DateTime(1_600_000_000.7)"]),
    'etag_func': st.sampled_from([
        '', ' ', 'string:tag', 'nothing', 'python: 7']),
    'vary': st.sampled_from(['', 'Accept-Language, Cookie'])})


NOW = 1_700_000_000


def context_of(policy):
    """Return a context with a fixed time."""
    found = expressions.context(
        object(), 'view', {}, {}, expressions.named_by([('', policy)]))
    if found.vars['time'] is not None:
        found.vars['time'] = DateTime(NOW)
    return found


def context_of_cmf(policy):
    """Return the same, with the time that CMF works Expires out from."""
    found = context_of(policy)
    found.vars['time'] = DateTime(NOW)
    return found


@given(options=POLICIES, lacking=st.sets(st.sampled_from(LATER)))
def test_a_policy_says_what_it_says_to_cmf(options, lacking):
    policy = CachingPolicy('p', **options)
    for name in lacking:
        del policy.__dict__[name]
    expected = {
        name.lower(): value
        for name, value in policy.getHeaders(context_of_cmf(policy))}
    answer = module._answer(policy, context_of(policy))
    if not expected:
        assert answer is None
        return
    date = expected.pop('last-modified', '')
    tag = expected.pop('etag', None)
    assert list(answer.headers_at(NOW).items()) == list(expected.items())
    assert answer.etag == ('' if tag is None else str(tag))
    assert answer.date() == parse_date(date)
    assert answer.allows_304 == bool(policy.getEnable304s())


@given(options=POLICIES)
def test_time_is_there_where_it_counts(options):
    named = expressions.named_by([('', CachingPolicy('p', **options))])
    # Expires is worked out when it is sent
    assert ('time' in named) == ('DateTime' in options['mtime_func'])


def test_time_is_there_for_an_expression_that_names_it():
    for name in ('predicate', 'mtime_func', 'etag_func'):
        policy = CachingPolicy('p', **{name: 'time/hour'})
        assert 'time' in expressions.named_by([('', policy)])
