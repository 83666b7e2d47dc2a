"""Comparison of a stored page with a new render."""
import pytest

from ....core.audit import compare
from ....core.audit.compare import Content
from ....core.audit.compare import difference
from ....core.audit.compare import parts


def of(text, names=(), **headers):
    return parts(Content(headers, text.encode()), names)


def diff(stored, first, second=None, is_private=False):
    return difference(
        of(stored), of(first), of(first if second is None else second),
        is_private)


def test_two_equal_renders_show_a_difference():
    found = diff('<p>one</p>', '<p>two</p>')
    assert found == (False, ['- one', '+ two'])


def test_two_renders_that_differ_say_nothing():
    assert diff('<p>1</p>', '<p>2</p>', '<p>3</p>') == (
        True, ['- 2', '+ 3'])


def test_a_render_that_is_as_stored_differs_by_itself():
    assert diff('<p>1</p>', '<p>2</p>', '<p>1</p>').is_by_itself


def test_what_is_steady_counts_beside_what_is_not():
    assert diff(
        '<p>1</p><b>old</b>', '<p>2</p><b>new</b>', '<p>3</p><b>new</b>'
    ) == (False, ['- old', '+ new'])


def test_another_number_of_parts():
    assert diff('<p>1</p>', '<p>1</p><p>2</p>') == (
        False, ['+ <p>', '+ 2', '+ </p>'])
    # text that is new in each render is part of all of them
    assert not diff('<i>1</i>', '<i>2</i><b>', '<i>3</i><b>').is_by_itself
    assert diff('<i>1</i>', '<i>2</i>', '<i>3</i><b>').is_by_itself


def test_headers():
    assert difference(
        of('x', a='1', b='1'), of('x', a='1', b='2'), of('x', a='1', b='2'),
        False) == (False, ['- b: 1', '+ b: 2'])
    assert of('x', etag='1', date='1', **{'last-modified': '1'}) == of('x')
    assert of('x', ('b',), b='1') == of('x', ('b',), b='2')


def test_a_body_that_is_no_text():
    one = parts(Content({}, b'\xff\x00\x01'), ())
    other = parts(Content({}, b'\xff\x00\x02'), ())
    assert not difference(one, other, other, False).is_by_itself


def test_a_diff_is_short():
    found = diff(
        ''.join(f'<p>{n}</p>' for n in range(5000)),
        ''.join(f'<p>x{n}</p>' for n in range(5000))).lines
    assert len(found) == compare.MAX_LINES + 1
    assert found[-1] == '\u2026 and more'
    found = diff('a' * 9000 + 'b' * 9000, 'a' * 9000 + 'c' * 9000).lines
    assert max(map(len, found)) <= compare.MAX_LENGTH + 4
    assert ('ab' in found[0], 'ac' in found[1]) == (True, True)


def test_a_line_is_one_line_and_plain():
    found = diff('<p>a\x1b[31m\r\x00</p>', '<p>b\u2028c\u202ed</p>').lines
    assert len(found) == 2
    assert all(line.isprintable() for line in found)


@pytest.mark.parametrize(('old', 'new', 'lines'), [
    ('<p>secret</p>', '<p>secrets</p>', ['- (6 characters)',
                                         '+ (7 characters)']),
    ('<a id="x" href="/secret">', '<a id="x" href="/secrets">',
     ['- <a id="x" (25)', '+ <a id="x" (26)']),
    ('< secret">', '< secrets">', ['- (10 characters)', '+ (11 characters)']),
    ('salary: 1000', 'salary: 20000', [
        '- (12 characters)', '+ (13 characters)']),
    ('<secret', '<secrets', ['- (7 characters)', '+ (8 characters)'])])
def test_the_diff_of_a_private_page_has_no_text(old, new, lines):
    assert diff(old, new, is_private=True).lines == lines


def test_the_headers_of_a_private_page_have_no_value():
    assert difference(
        of('x', b='secret'), of('x', b='secrets'), of('x', b='secrets'), True
    ).lines == ['- b: (6 characters)', '+ b: (7 characters)']
