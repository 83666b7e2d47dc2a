"""Cache-Status (RFC 9211), written as a structured field (RFC 8941)."""
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from Products.PageCacheManager.core.http.cache_status import Outcome
from Products.PageCacheManager.core.http.cache_status import cache_status
from Products.PageCacheManager.core.http.cache_status import forward_reason
from Products.PageCacheManager.core.http.cache_status import read
from Products.PageCacheManager.core.reasons import Reason


WORDS = ('HIT', 'MISS', 'NO-ETAG', 'OFF', 'BYPASS')

#: RFC 9211 2.2
STANDARD = {'bypass', 'method', 'uri-miss', 'vary-miss', 'miss', 'request',
            'stale', 'partial'}

TOKEN = "[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*"
STRING = r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"'
INTEGER = '-?[0-9]{1,15}'
# RFC 8941 3.1.2: parameters = *( ";" *SP parameter )
PARAMETER = re.compile(
    f'; *([a-z*][a-z0-9_.*-]*)(?:=({TOKEN}|{STRING}|{INTEGER}))?')


def parsed(value):
    """Return the name and the parameters of a Cache-Status of one member."""
    name = re.match(f'{TOKEN}|{STRING}', value)
    assert name, value
    position, parameters = name.end(), {}
    while position < len(value):
        parameter = PARAMETER.match(value, position)
        assert parameter, value[position:]
        assert parameter[1] not in parameters
        parameters[parameter[1]] = parameter[2]
        position = parameter.end()
    return name[0], parameters


@pytest.mark.parametrize(('outcome', 'expected', 'clause'), [
    (Outcome('HIT'), 'hit', '9211 2.1'),
    (Outcome('HIT', ttl=300), 'hit;ttl=300', '9211 2.4'),
    (Outcome('HIT', ttl=-1), 'hit;ttl=-1', '9211 2.4: past its time'),
    (Outcome('HIT', ttl=0), 'hit;ttl=0', '9211 2.4'),
    (Outcome('MISS', forward='uri-miss', stored=True, ttl=3600),
     'fwd=uri-miss;stored;ttl=3600', '9211 2.2, 2.5'),
    (Outcome('MISS', forward='uri-miss'), 'fwd=uri-miss', '9211 2.2'),
    (Outcome('MISS', forward='vary-miss', stored=True),
     'fwd=vary-miss;stored',
     '9211 2.2'),
    (Outcome('MISS'), 'fwd=miss', '9211 2.2'),
    (Outcome('MISS', forward='uri-miss', forward_status=404,
             detail='status'),
     'fwd=uri-miss;fwd-status=404;detail=status', '9211 2.3'),
    (Outcome('MISS', forward='uri-miss', collapsed=True, stored=True),
     'fwd=uri-miss;stored;collapsed', '9211 2.6'),
    (Outcome('NO-ETAG', 'no-etag'), 'fwd=bypass;detail=no-etag', '9211 2.8'),
    (Outcome('OFF', 'off'), 'fwd=bypass;detail=off', '9211 2.8'),
    (Outcome('BYPASS', 'set-cookie'), 'fwd=bypass;detail=set-cookie',
     '9211 2.8'),
    (Outcome('BYPASS', 'request-cookie'),
     'fwd=request;detail=request-cookie', '9211 2.2'),
    (Outcome('BYPASS', 'method'), 'fwd=method', '9211 2.2'),
    (Outcome('BYPASS', 'of our own'), 'fwd=bypass;detail="of our own"',
     '9211 2.8, 8941 4.1.6'),
    (Outcome('BYPASS'), 'fwd=bypass', '9211 2.2'),
    (Outcome('HIT', stored=True, collapsed=True, forward_status=200,
             forward='miss'),
     'hit', '9211 2.1, 2.3, 2.5, 2.6: only beside fwd'),
    (Outcome('HIT', 'fragment'), 'hit;detail=fragment', '9211 2.8'),
    (Outcome('HIT', ttl=10**20), 'hit;ttl=999999999999999', '8941 3.3.1'),
    (Outcome('HIT', ttl=-10**20), 'hit;ttl=-999999999999999', '8941 3.3.1'),
])
def test_cache_status_of_outcome(outcome, expected, clause):
    assert cache_status(outcome) == f'PageCacheManager;{expected}', clause


@pytest.mark.parametrize(('name', 'expected', 'clause'), [
    ('Cache', 'Cache', '8941 3.3.4'),
    ('*', '*', '8941 3.3.4'),
    ('a:b/c~1', 'a:b/c~1', '8941 3.3.4'),
    ('1st', '"1st"', '8941 3.3.4: a letter first'),
    ('my cache', '"my cache"', '8941 3.3.3'),
    ('a,b;c=d', '"a,b;c=d"', '8941 3.3.3'),
    ('', '""', '8941 3.3.3'),
    ('a"b\\c', '"a\\"b\\\\c"', '8941 4.1.6: escaped'),
])
def test_cache_status_of_name(name, expected, clause):
    assert cache_status(Outcome('HIT'), name) == f'{expected};hit', clause


@pytest.mark.parametrize('text', [
    'caf\xe9', 'a\nb', 'a\r\nSet-Cookie: b', '\x7f', 'a\n', '\t'])
def test_cache_status_refuses_what_no_header_may_hold(text):
    # RFC 8941 4.1.6: serialisation fails
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        cache_status(Outcome('HIT'), text)
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        cache_status(Outcome('BYPASS', text))


OUTCOMES = st.builds(
    Outcome,
    word=st.sampled_from(WORDS),
    detail=st.sampled_from(['', *Reason]) | st.text(
        st.characters(min_codepoint=0x20, max_codepoint=0x7e)),
    forward=st.sampled_from(['', *sorted(STANDARD)]),
    stored=st.booleans(),
    collapsed=st.booleans(),
    ttl=st.none() | st.integers(),
    forward_status=st.none() | st.integers(100, 599))


@given(OUTCOMES)
def test_cache_status_says_what_outcome_holds(outcome):
    name, parameters = parsed(cache_status(outcome))
    assert name == 'PageCacheManager'
    # 9211 2.2: one of the two
    assert ('hit' in parameters) == (outcome.word == 'HIT')
    assert ('fwd' in parameters) == (outcome.word != 'HIT')
    assert parameters.get('fwd', 'bypass') in STANDARD
    forwarded = 'fwd' in parameters
    assert ('stored' in parameters) == (forwarded and outcome.stored)
    assert ('collapsed' in parameters) == (forwarded and outcome.collapsed)
    assert ('ttl' in parameters) == (outcome.ttl is not None)
    # 8941 4.1.1.2: a true value is sent as the bare name
    for flag in ('hit', 'stored', 'collapsed'):
        assert parameters.get(flag) is None


@given(OUTCOMES)
def test_cache_status_tells_detail_once(outcome):
    _name, parameters = parsed(cache_status(outcome))
    told = parameters.get('detail', '')
    if told.startswith('"'):
        told = re.sub(r'\\(.)', r'\1', told[1:-1])
    expected = outcome.detail
    if expected == parameters.get('fwd', ''):
        expected = ''
    assert told == expected


def test_forward_reason_is_the_outcomes_own_first():
    assert forward_reason(Outcome('MISS', 'status', 'uri-miss')) == 'uri-miss'
    assert forward_reason(Outcome('MISS', 'status')) == 'bypass'


@pytest.mark.parametrize(('detail', 'forward'), [
    ('no-etag', 'bypass'),
    ('off', 'bypass'),
    ('unkeyed-arguments', 'bypass'),
    ('policy-error', 'bypass'),
    ('store-error', 'bypass'),
    ('session', 'bypass'),
    ('set-cookie', 'bypass'),
    ('fragment', 'bypass'),
    ('status', 'bypass'),
    ('no-store', 'bypass'),
    ('vary-any', 'bypass'),
    ('nonce', 'bypass'),
    ('empty', 'bypass'),
    ('request-cookie', 'request'),
    ('method', 'method'),
])
def test_forward_of_detail(detail, forward):
    assert Reason(detail).forward == forward


def test_forward_holds_tokens_and_standard_words():
    assert {reason.forward for reason in Reason} <= STANDARD
    assert all(re.fullmatch('[a-z-]+', reason) for reason in Reason)


HARD = st.text('ab",;\\ =', min_size=1)


@given(HARD, HARD)
def test_what_is_written_is_read(name, detail):
    value = cache_status(Outcome('MISS', detail, 'miss', stored=True), name)
    assert read(value) == [
        (name, {'fwd': 'miss', 'stored': '', 'detail': detail})]


@pytest.mark.parametrize(('value', 'found'), [
    ('', []), (' , ,', []), ('a', [('a', {})]),
    ('a;hit, b ; fwd=miss;stored', [
        ('a', {'hit': ''}), ('b', {'fwd': 'miss', 'stored': ''})]),
    ('"a, b";hit;detail="x;\\"y\\\\"', [
        ('a, b', {'hit': '', 'detail': 'x;"y\\'})]),
    ('a;detail="open, b;hit', [
        ('a', {'detail': '', 'open': ''}), ('b', {'hit': ''})]),
])
def test_values_are_read(value, found):
    assert read(value) == found


def test_a_long_value_is_read_in_good_time():
    value = 'a;detail="' + '\\' * 100_000 + ',' * 100_000
    began = time.perf_counter()
    read(value)
    assert time.perf_counter() - began < 2
