"""Parts that are new in each render are hidden."""
import time

import pytest

from ....core.audit.ignored import is_ignored
from ....core.audit.ignored import pieces


def same(one, other, *names):
    return pieces(one, names) == pieces(other, names)


@pytest.mark.parametrize('text', [
    '<a token="{}">x</a>', "<a token='{}'>x</a>", '<a TOKEN="{}">x</a>',
    '<a token={}>x</a>', '<a href="/x?a=b&amp;token={}&amp;c=d">x</a>',
    '<a href="/x?token={}#y">x</a>', '<a href="/x?back=%2Fy%3Ftoken%3D{}">',
    '{{"token": "{}", "x": 1}}', '{{"token":{}}}', "{{token: '{}'}}",
    '<input type="hidden" name="token" value="{}" />',
    '<input value="{}" name="token">', '<meta name="token" content="{}">',
    '<i id="token">{}</i>', '<i class="a token b" title="{}">{}</i>',
    '<i id=token>{}</i>', '<td class="token">\n  {}\n</td>'])
def test_values_of_a_name(text):
    one, other = text.replace('{}', 'a1').format(), text.replace(
        '{}', 'b23').format()
    if '%3Ftoken' in text:
        one, other = one.replace('%3F', '?'), other.replace('%3F', '?')
    assert same(one, other, 'token')
    assert same(one, other, 'other', 'tok*')
    assert not same(one, other, 'other')
    assert not same(one, other)


@pytest.mark.parametrize(('one', 'other'), [
    ('<i id="token">1</i><b>1</b>', '<i id="token">1</i><b>2</b>'),
    ('<i id="my-token">1</i>', '<i id="my-token">2</i>'),
    ('<i id="tokens">1</i>', '<i id="tokens">2</i>'),
    ('<a x-token="1">', '<a x-token="2">'),
    ('<input name="token" value="1">one', '<input name="token" value="1">two'),
    ('<a token="1" href="1">', '<a token="1" href="2">'),
    ('a token of 1', 'a token of 2')])
def test_all_else_counts(one, other):
    assert not same(one, other, 'token')


def test_each_character_is_in_one_piece():
    text = 'a < b <<i\n\n<br/>>x</p'
    assert ''.join(pieces(text, ())) == text


def test_names_of_headers():
    assert is_ignored('x-render-id', ('other', 'X-Render-*'))
    assert not is_ignored('x-render-id', ('x-render',))
    assert not is_ignored('x-render-id', ())


@pytest.mark.parametrize('text', [
    'token=' * 100_000, '<i class="' + 'a ' * 200_000, 'a.' * 200_000,
    '<' * 400_000, '<i id=' * 50_000, 'token="' * 50_000 + 'x' * 100_000,
    ' class=' + 'a' * 400_000, ' id="' * 60_000 + 'a ' * 100_000])
def test_hostile_pages_take_no_time(text):
    started = time.perf_counter()
    pieces(text, ('token', 'x*', '*y'))
    assert time.perf_counter() - started < 5
