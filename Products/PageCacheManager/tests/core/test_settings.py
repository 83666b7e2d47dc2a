"""Settings: read whole or refused whole, and never in the way of loading."""
import logging
import pickle
import re
from collections import OrderedDict
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from Products.PageCacheManager.core.fields import Choice
from Products.PageCacheManager.core.fields import Names
from Products.PageCacheManager.core.fields import Networks
from Products.PageCacheManager.core.fields import Number
from Products.PageCacheManager.core.fields import Switch
from Products.PageCacheManager.core.settings import BY_NAME
from Products.PageCacheManager.core.settings import FIELDS
from Products.PageCacheManager.core.settings import Settings
from Products.PageCacheManager.core.settings import SettingsError
from Products.PageCacheManager.core.settings import as_dict
from Products.PageCacheManager.core.settings import changed
from Products.PageCacheManager.core.settings import stored


LOGGER = 'Products.PageCacheManager.core.settings'

NUMBERS = [field for field in FIELDS if isinstance(field, Number)]
CHOICES = [field for field in FIELDS if isinstance(field, Choice)]
SWITCHES = [field for field in FIELDS if isinstance(field, Switch)]
LISTS = [field for field in FIELDS if type(field) is Names]
NETWORKS = [field for field in FIELDS if isinstance(field, Networks)]

#: The settings in a pickle of version 1.2.
OLD = {
    'threshold': 2000, 'cleanup_interval': 300, 'max_age': 7200,
    'active': 'on_in_production'}

#: Values that are no whole numbers in any range.
NO_NUMBERS = [
    None, True, False, 1.0, 60.0, float('nan'), float('inf'), 1j, b'60',
    '', ' ', 'x', '1_0', '6O', '1e3', '0x10', '60.0', '--5', '5 5', 'NaN',
    '\u0663\u0660', '\uff16\uff10', '\u00b2', '1' * 10**5, 10**5000, [60],
    {}, ()]

NO_LISTS = [None, 5, 1.5, True, b'name', {'name': 1}, object()]

NO_NAMES = ['a\n', 'a\x00b', 'a\r\nb', 'n\xe4me', 'x' * 201, b'a', None, 5]


def each(some):
    """Run a test with each field."""
    return pytest.mark.parametrize(
        'field', some, ids=[field.name for field in some])


def shown(value):
    return f'{value!r:.20}' if not isinstance(value, int) else ''


def values_of(field):
    """Return a strategy for the values that `field` accepts and keeps."""
    if isinstance(field, Number):
        return st.integers(field.low, field.high)
    if isinstance(field, Choice):
        return st.sampled_from([word for word, _ in field.choices])
    if isinstance(field, Switch):
        return st.booleans()
    if isinstance(field, Networks):
        return st.lists(
            st.ip_addresses().map(str), max_size=6, unique=True).map(tuple)
    names = st.from_regex(field.pattern, fullmatch=True).filter(
        lambda name: len(name) <= 200)
    return st.lists(names, max_size=6, unique=True).map(tuple)


ANY_SETTINGS = st.fixed_dictionaries(
    {}, optional={field.name: values_of(field) for field in FIELDS}
).map(lambda values: changed(Settings(), values))

GARBAGE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner)
    | st.dictionaries(st.text(), inner), max_leaves=10)


# the table

def test_every_setting_has_one_field():
    assert sorted(BY_NAME) == sorted(f.name for f in fields(Settings))
    assert len(BY_NAME) == len(FIELDS)


@each(FIELDS)
def test_a_default_is_valid_and_is_kept_as_it_is(field):
    default = getattr(Settings(), field.name)
    assert field.default == default
    assert field.read(default) == default
    assert type(field.read(default)) is type(default)


@each(FIELDS)
def test_a_field_tells_people_what_it_is(field):
    assert field.title and field.help.endswith('.') and field.range
    assert field.group in ('Main', 'Safety', 'Key', 'Advanced')
    assert field.kind in ('number', 'choice', 'switch', 'names')


@each(NUMBERS)
def test_a_number_has_a_unit(field):
    assert field.unit
    assert field.low < field.high


# reading one value

@each(NUMBERS)
def test_numbers_at_both_ends_of_the_range(field):
    for number in (field.low, field.high):
        for spelling in (number, str(number), f' {number} ', f'+{number}'):
            assert field.read(spelling) == number
            assert type(field.read(spelling)) is int


@each(NUMBERS)
def test_numbers_out_of_range(field):
    for number in (
            field.low - 1, field.high + 1, -1, -10**9, 10**12, 10**5000):
        with pytest.raises(ValueError) as caught:
            field.read(number)
        says_all(str(caught.value), field)


@each(NUMBERS)
@pytest.mark.parametrize('value', NO_NUMBERS, ids=shown)
def test_what_is_no_whole_number(field, value):
    with pytest.raises(ValueError) as caught:
        field.read(value)
    says_all(str(caught.value), field)


@each(CHOICES)
@pytest.mark.parametrize('value', [
    None, '', 'On_Always', ' off', 'off ', 'nothing', b'off', 0, True,
    ['off'], ('off',), float('nan'), 'x' * 10**5])
def test_what_is_no_choice(field, value):
    with pytest.raises(ValueError) as caught:
        field.read(value)
    says_all(str(caught.value), field)


@each(CHOICES)
def test_every_choice_is_taken(field):
    for word, label in field.choices:
        assert field.read(word) == word
        assert label


@each(SWITCHES)
def test_a_switch_is_on_or_off(field):
    for value in (True, 1, '1', 'on', 'true', 'True'):
        assert field.read(value) is True
    for value in (False, 0, '0', '', 'off', 'false', 'False', None):
        assert field.read(value) is False


@each(SWITCHES)
@pytest.mark.parametrize('value', [
    2, -1, 'yes', 'ON ', 'x' * 10**5, [], {}, b'1', float('nan')])
def test_what_is_no_switch(field, value):
    with pytest.raises(ValueError) as caught:
        field.read(value)
    says_all(str(caught.value), field)


@each(LISTS)
def test_names_as_a_form_sends_them(field):
    assert field.read('one\r\ntwo, three\n\n') == ('one', 'two', 'three')
    assert field.read('') == field.read([]) == field.read(('',)) == ()


@each(LISTS)
def test_names_are_kept_once_and_in_order(field):
    assert field.read(['b', 'a', 'b']) == ('b', 'a')
    assert sorted(field.read({'b', 'a'})) == ['a', 'b']


@each(LISTS)
@pytest.mark.parametrize('value', NO_LISTS, ids=shown)
def test_what_is_no_list(field, value):
    with pytest.raises(ValueError, match=field.name):
        field.read(value)


@each(LISTS)
@pytest.mark.parametrize('name', NO_NAMES, ids=shown)
def test_what_is_no_name(field, name):
    with pytest.raises(ValueError) as caught:
        field.read(['fine', name])
    says_all(str(caught.value), field)


@each(LISTS)
@pytest.mark.parametrize('name', [['x'], {}, set()], ids=shown)
def test_what_is_no_name_and_has_no_hash(field, name):
    with pytest.raises(ValueError) as caught:
        field.read(['fine', name])
    says_all(str(caught.value), field)


@each(LISTS)
def test_a_star_is_refused_where_it_stands_for_nothing(field):
    if '* stands for any characters' in field.help:
        assert field.read('x-*') == ('x-*',)
    else:
        with pytest.raises(ValueError, match=r"'x-\*' is not a valid name"):
            field.read('fine x-*')


@each(LISTS)
def test_more_names_than_there_is_room_for(field):
    names = [f'n{number}' for number in range(field.most)]
    assert field.read(names) == tuple(names)
    with pytest.raises(ValueError) as caught:
        field.read([*names, 'one-more'])
    assert field.name in str(caught.value)
    assert str(field.most) in str(caught.value)
    assert str(field.most + 1) in str(caught.value)


@each(NETWORKS)
def test_networks_are_kept_as_they_are_given(field):
    assert field.read('10.0.0.0/8, ::1\n127.0.0.1 2001:db8::/32 ::1') == (
        '10.0.0.0/8', '::1', '127.0.0.1', '2001:db8::/32')
    with pytest.raises(ValueError, match='at most 50 names, not 51'):
        field.read([f'10.0.0.{number}' for number in range(51)])


@each(NETWORKS)
@pytest.mark.parametrize('wrong', [
    'localhost', '*', '10.0.0', '10.0.0.1/8', '10.0.0.0/33', '256.1.1.1',
    '10.0.0.0/', '::g', '010.0.0.1', '127.0.0.1:80', *NO_NAMES])
def test_what_is_no_network_is_named(field, wrong):
    with pytest.raises(ValueError) as caught:
        field.read(['127.0.0.1', wrong])
    says_all(str(caught.value), field)
    assert 'is not a valid address or network.' in str(caught.value)


def says_all(message, field):
    """Check that a message names field and range, and is short."""
    assert field.title in message
    assert f'({field.name})' in message
    assert field.range in message
    assert len(message) < 400
    assert not re.search('[\x00-\x1f]', message)


def test_a_message_names_the_value():
    with pytest.raises(ValueError, match='not 10000001[.]'):
        BY_NAME['threshold'].read(10_000_001)
    with pytest.raises(ValueError, match="not 'sometimes'"):
        BY_NAME['active'].read('sometimes')
    with pytest.raises(ValueError, match="'b\xe4d' is not a valid name"):
        BY_NAME['key_headers'].read('b\xe4d')
    with pytest.raises(ValueError, match='a list of names, not 5[.]'):
        BY_NAME['key_headers'].read(5)
    with pytest.raises(ValueError, match="on or off, not 'maybe'[.]"):
        BY_NAME['show_outcome'].read('maybe')
    with pytest.raises(ValueError, match='not a very large number[.]'):
        BY_NAME['threshold'].read(10 ** 10_000)


@pytest.mark.parametrize('length,shown', [
    (58, "'" + 'x' * 58 + "'"), (59, "'" + 'x' * 56 + '...')])
def test_a_message_cuts_a_long_value_off(length, shown):
    with pytest.raises(ValueError) as caught:
        BY_NAME['active'].read('x' * length)
    assert str(caught.value).endswith(f', not {shown}.')


def test_a_name_of_two_hundred_characters_is_the_longest():
    field = BY_NAME['key_headers']
    assert field.read('x' * 200) == ('x' * 200,)
    with pytest.raises(ValueError):
        field.read('x' * 201)


def test_settings_that_shape_keys_or_keep_users_apart_make_other_keys():
    before = Settings().key_rules
    for field in FIELDS:
        other = {
            'Choice': lambda field: field.choices[-1][0],
            'Number': lambda field: field.default + 1,
            'Switch': lambda field: not field.default,
            'Names': lambda field: ['other'],
            'Networks': lambda field: ['127.0.0.1'],
        }[type(field).__name__](field)
        if other == field.default:
            other = field.choices[0][0]
        after = changed(
            Settings(), {field.name: other}).key_rules
        assert (after != before) == (
            field.group in ('Safety', 'Key')
            # pages in a coding must not be sent after the setting changed
            or field.name == 'compression'), field.name


@each(FIELDS)
@given(data=st.data())
def test_what_is_shown_is_read_back(field, data):
    value = data.draw(values_of(field))
    assert field.read(value) == value
    assert field.read(field.show(value)) == value


@each(FIELDS)
@given(value=GARBAGE)
def test_whatever_comes_is_read_or_refused(field, value):
    try:
        kept = field.read(value)
    except ValueError as error:
        assert field.name in str(error)
    else:
        assert field.read(kept) == kept
        assert type(kept) is type(field.default)


# changing many

@given(base=ANY_SETTINGS, values=ANY_SETTINGS)
def test_changed_takes_all(base, values):
    assert changed(base, as_dict(values)) == values


def test_changed_leaves_what_is_not_named():
    base = changed(Settings(), {'max_age': 7})
    settings = changed(base, {'threshold': 9})
    assert (settings.max_age, settings.threshold) == (7, 9)
    assert base.threshold == Settings().threshold


def test_changed_refuses_whole_and_names_each_wrong_field():
    base = Settings()
    with pytest.raises(SettingsError) as caught:
        changed(base, {
            'max_age': 5, 'threshold': -1, 'active': 'perhaps', 'colour': 1})
    error = caught.value
    assert isinstance(error, ValueError)
    with pytest.raises(SettingsError) as again:
        changed(base, {'colour': 1, 'threshold': -1})
    assert sorted(again.value.errors) == ['colour', 'threshold']
    assert sorted(error.errors) == ['active', 'colour', 'threshold']
    assert '-1' in error.errors['threshold']
    assert '1 to 10000000' in error.errors['threshold']
    assert 'perhaps' in error.errors['active']
    assert 'colour' in error.errors['colour']
    assert str(error) == ' '.join(error.errors.values())
    assert base == Settings()


@pytest.mark.parametrize('name', [
    'Threshold', 'threshold ', '', 'max_bytes', '__class__', 5, None])
def test_a_setting_that_does_not_exist(name):
    with pytest.raises(SettingsError, match='There is no setting'):
        changed(Settings(), {name: 1})


@given(values=st.dictionaries(
    st.sampled_from(sorted(BY_NAME)) | st.text(), GARBAGE, max_size=4))
def test_changed_takes_all_or_nothing(values):
    base = Settings()
    try:
        settings = changed(base, values)
    except SettingsError as error:
        assert error.errors and set(error.errors) <= set(values)
    else:
        assert stored(as_dict(settings)) == settings
    assert base == Settings()


def test_settings_cannot_be_changed_in_place():
    with pytest.raises(AttributeError):
        Settings().threshold = 5


@pytest.mark.parametrize('mib,kib', [(1, 1), (128, 4096)])
def test_limits_in_bytes(mib, kib):
    settings = changed(Settings(), {'max_mib': mib, 'max_page_kib': kib})
    assert settings.max_bytes == mib * 1024 * 1024
    assert settings.max_page_bytes == kib * 1024


# pickled settings

@given(settings=ANY_SETTINGS)
def test_what_is_pickled_is_read_back(settings):
    state = pickle.loads(pickle.dumps(as_dict(settings)))
    assert type(state) is dict
    assert set(map(type, state.values())) <= {str, int, bool, tuple}
    assert stored(state) == settings


def test_stored_takes_what_was_pickled_by_an_old_version(caplog):
    settings = stored(OLD)
    assert {name: getattr(settings, name) for name in OLD} == OLD
    assert changed(settings, {
        name: BY_NAME[name].default for name in OLD}) == Settings()
    assert not caplog.records


@pytest.mark.parametrize('state', [
    None, 5, 'threshold', b'', [], ['threshold'], object(), {}])
def test_stored_of_what_is_no_mapping(state):
    assert stored(state) == Settings()


def test_stored_leaves_out_what_it_does_not_know(caplog):
    assert stored({'colour': 'red', 5: 6, None: 1}) == Settings()
    assert not caplog.records


def test_stored_takes_any_mapping():
    assert stored(OrderedDict(OLD)) == stored(OLD)


@each(FIELDS)
def test_stored_of_a_bad_value_logs_it_and_keeps_the_rest(field, caplog):
    bad = {'threshold': 77, 'max_age': 78, field.name: [[object()]]}
    with caplog.at_level(logging.WARNING, LOGGER):
        settings = stored(bad)
    assert getattr(settings, field.name) == field.default
    for name in {'threshold', 'max_age'} - {field.name}:
        assert getattr(settings, name) == bad[name]
    record, = caplog.records
    assert record.levelname == 'WARNING'
    assert record.getMessage().startswith('Default used instead: ')
    assert field.name in record.getMessage()


@given(state=GARBAGE | st.dictionaries(
    st.sampled_from(sorted(BY_NAME)) | st.integers(), GARBAGE))
def test_stored_gives_usable_settings_whatever_it_finds(state):
    settings = stored(state)
    assert changed(Settings(), as_dict(settings)) == settings
