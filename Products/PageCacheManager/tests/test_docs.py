"""The documentation agrees with the code."""
import ast
import pkgutil
import re
import time
from functools import cache
from pathlib import Path

import pytest
import transaction
from DateTime import DateTime
from docutils.core import publish_doctree

import Products.PageCacheManager

from ..core.defaults import IGNORED_PARAMETERS
from ..core.reasons import Reason
from ..core.settings import FIELDS
from .site import set_policy
from .wire.test_hostile import KEYED
from .wire.test_hostile import RULED_OUT
from .wire.test_hostile import YOURS


PACKAGE = Path(Products.PageCacheManager.__file__).parent
ROOT = PACKAGE.parent.parent

pytestmark = pytest.mark.skipif(
    not (ROOT / 'docs').is_dir(), reason='installed without docs')

#: Functions that return the reason against something, or ''.
WHY_NOT = {
    'why_not', '_why_not_stored', '_why_no_page', 'why_of_one_visitor',
    'look_up'}


def read(name):
    return (ROOT / name).read_text(encoding='utf-8')


def flat(text):
    """Return `text` with each run of white space as one blank."""
    return ' '.join(text.split())


@pytest.mark.parametrize('name', sorted(
    path.name for path in ROOT.glob('*.rst')))
def test_a_document_outside_of_docs_has_no_errors(name):
    tree = publish_doctree(
        read(name), settings_overrides={'report_level': 5})
    assert not [*tree.findall(lambda node: node.tagname == 'system_message')]


# settings

def documented_settings():
    """Return the paragraphs of each setting by its name in code."""
    parts = re.split(r'^(.+) \(``(\w+)``\)\n~+\n', read('docs/settings.rst'),
                     flags=re.MULTILINE)
    titles, names, texts = parts[1::3], parts[2::3], parts[3::3]
    return {
        name: (title, flat(text.partition('\n\n:')[2] or text))
        for title, name, text in zip(titles, names, texts, strict=True)}


def shown(field):
    """Return a field's default and range as the documentation has them."""
    unit = f' {field.unit}' if field.kind == 'number' else ''
    if field.kind == 'switch':
        default = 'on' if field.default else 'off'
    elif field.kind == 'names':
        default = ', '.join(f'``{n}``' for n in field.default) or 'none'
    elif field.kind == 'choice':
        default = f'``{field.default}``'
    else:
        default = f'{field.default}{unit}'
    values = field.range
    if field.kind == 'choice':
        values = ', '.join(f'``{word}``' for word, _ in field.choices)
    elif field.kind == 'names':
        values = values.replace(field.example, f'``{field.example}``')
    return f':Default: {default} :Range: {values}{unit} '


def test_the_settings_are_those_of_the_code():
    assert list(documented_settings()) == [field.name for field in FIELDS]


@pytest.mark.parametrize('field', FIELDS, ids=lambda field: field.name)
def test_a_setting_has_its_default_its_range_and_a_reason(field):
    title, text = documented_settings()[field.name]
    assert title == field.title
    assert text.startswith(shown(field))
    assert len(text) > len(shown(field)) + 40


def test_each_ignored_parameter_says_who_appends_it():
    table = read('docs/settings.rst').partition('- Appended by')[2]
    table = re.split(r'\n\n(?=\S)', table)[0]  # the next paragraph
    for name in IGNORED_PARAMETERS:
        assert f'``{name}``' in table, name


# reasons

def explained():
    """Return the words that have their own text in the list."""
    text = read('docs/troubleshooting.rst').partition('\nReasons\n')[2]
    headings = re.findall(
        r'^(``\S+(?: NAME)?``(?:, ``\S+``)*)\n    \S', text,
        flags=re.MULTILINE)
    named = re.findall('``([a-zA-Z-]+)(?: NAME)?``', ' '.join(headings))
    also = re.findall('``([a-zA-Z-]+)``', text.partition(
        'In the statistics')[2].partition('Not trouble')[0])
    return {*named, *also}


#: Other words of Cache-Status and of the statistics.
OTHER_WORDS = {
    'bypass', 'method', 'request', 'miss', 'uri-miss', 'vary-miss', 'stale',
    'not-modified', 'fast', 'ERROR', 'FAILED', 'answer', 'finish', 'store',
    'head', 'retry', 'error'}


def test_every_reason_is_explained():
    assert {str(reason) for reason in Reason} <= explained()


def test_every_reason_is_given_somewhere():
    code = ''.join(
        path.read_text(encoding='utf-8') for path in PACKAGE.rglob('*.py')
        if 'tests' not in path.relative_to(PACKAGE).parts)
    by_word = {  # in words of contracts, and with a name behind
        Reason.OTHER_CACHE: "'other-cache'", Reason.COOKIE: "'cookie"}
    missing = [
        reason for reason in Reason
        if not re.search(rf'\bReason\.{reason.name}\b', code)
        and by_word.get(reason, '\0') not in code]
    assert missing == []


def test_what_is_explained_exists():
    assert explained() - OTHER_WORDS <= {str(reason) for reason in Reason}


# the README

def readme_etag():
    """Return the ETag expression that the README recommends."""
    blocks = re.findall(
        r'^The ETag\n-+\n\n::\n\n    (.+)$', read('README.rst'),
        flags=re.MULTILINE)
    assert len(blocks) == 1
    return blocks[0]


@pytest.mark.parametrize('path', [
    '/site/doc/page', '/site/doc/fspage', '/site/doc'])
def test_the_etag_of_the_readme(site, client, path):
    set_policy(site, etag=readme_etag())
    for user in (None, 'alice', 'bob'):
        miss, hit = client.get(path, user), client.get(path, user)
        assert (miss.outcome, hit.outcome) == ('MISS', 'HIT')
        assert hit['ETag'].startswith(f'"{user or ""}|')
        assert client.get(
            path, user, If_None_Match=hit['ETag']).status == 304
    tag = client.get(path)['ETag']
    site.doc.text = 'edited text'
    site.doc.changed = DateTime('2021/01/01')
    transaction.commit()
    answer = client.get(path, If_None_Match=tag)
    assert (answer.status, answer.outcome) == (200, 'MISS')
    assert 'edited text' in answer.text


def test_the_etag_of_the_readme_changes_with_the_hour(
        site, client, monkeypatch):
    set_policy(site, etag=readme_etag())
    tag = client.get('/site/doc/page')['ETag']
    now = time.time()
    monkeypatch.setattr(time, 'time', lambda: now + 3600)
    assert client.get('/site/doc/page')['ETag'] != tag


def test_the_make_targets_that_are_named_exist():
    makefile = read('Makefile')
    targets = re.search(r'^\.PHONY: ((?:.*\\\n)*.*)$', makefile,
                        flags=re.MULTILINE)[1].replace('\\', ' ').split()
    documents = [
        path for path in (*ROOT.glob('*.rst'), *(ROOT / 'docs').glob('*.rst'))]
    named = set()
    for path in documents:
        named |= set(re.findall(
            r'(?:``|^ +)make ([a-z-]+)', path.read_text(encoding='utf-8'),
            flags=re.MULTILINE))
    assert {'start', 'test', 'docs'} <= named <= set(targets)


@pytest.mark.parametrize('name', ['README.rst', 'docs/usage.rst'])
def test_files_that_are_named_exist(name):
    text = read(name)
    named = re.findall(r'(?:``|:: )(docs/[\w./-]+|[A-Z]+\.(?:rst|txt))', text)
    for path in named:
        assert (ROOT / path).exists(), path


def test_places_to_change_exist():
    table = read('CONTRIBUTING.rst').partition('\nWhere do I change X\n')[2]
    table = table.partition('\nVersions\n')[0]
    found = re.findall('``([\\w./]+)``', table)
    assert len(found) > 20
    for path in found:
        assert (PACKAGE / path).exists() or (ROOT / path).exists(), path


def named_in_code(text):
    """Return the dotted names of our modules and of their members."""
    folders = '|'.join(path.parent.name for path in PACKAGE.glob(
        '*/__init__.py') if path.parent.name != 'tests')
    return set(re.findall(rf'``((?:{folders})(?:\.\w+)+)(?:\(\))?``', text))


def exists(name):
    """Return whether a module, or an attribute of a module, exists."""
    try:
        pkgutil.resolve_name(f'Products.PageCacheManager.{name}')
    except (AttributeError, ImportError):
        return False
    return True


@cache
def names_of_the_code():
    """Return the dotted names of all modules, classes and functions."""
    found = set()

    def add(place, node):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.ClassDef, ast.FunctionDef)):
                found.add(f'{place}.{child.name}')
                add(f'{place}.{child.name}', child)

    for path in PACKAGE.rglob('*.py'):
        module = '.'.join(
            ('', *path.relative_to(PACKAGE).with_suffix('').parts))
        found.add(module)
        add(module, ast.parse(path.read_text(encoding='utf-8')))
    return found


def roles():
    """Return each name that a role in a docstring has, without dots before.
    """
    return {
        name.lstrip('.') for path in PACKAGE.rglob('*.py')
        for name in re.findall(
            r':(?:mod|func|class|meth):`~?([\w.]+)`',
            path.read_text(encoding='utf-8'))}


def test_names_in_roles_exist():
    known = names_of_the_code()
    assert len(roles()) > 30
    assert [
        name for name in sorted(roles())
        if not any(one.endswith(f'.{name}') for one in known)] == []


def test_names_of_the_code_in_the_design_exist():
    named = named_in_code(read('docs/design.rst'))
    assert len(named) > 20
    assert [name for name in named if not exists(name)] == []


def steps_in_the_design():
    """Return the methods of classes that the ways of a request name."""
    text = read('docs/design.rst').partition('\nThe folders\n')[0]
    return set(re.findall(
        r'``(Exchange|Hit|NotModified|Miss|Captured|Bypass)\.(\w+)``', text))


def test_steps_in_the_design_exist():
    found = steps_in_the_design()
    assert {('Exchange', 'deliver'), ('Captured', 'commit')} <= found
    for kind, method in found:
        assert any(
            exists(f'request.{module}:{kind}.{method}')
            for module in ('exchange', 'hit', 'miss', 'rendered')), method


def test_folders_in_the_design_are_those_of_the_package():
    text = flat(read('docs/design.rst').partition('\nThe folders\n')[2]
                .partition('\nDecisions\n')[0])
    folders = {path.parent.name for path in PACKAGE.glob('*/__init__.py')}
    for name in folders - {'tests'}:
        assert f' {name}/ ' in text, name
    steps = {path.stem for path in (PACKAGE / 'request').glob('*.py')}
    for name in steps - {'__init__'}:
        assert re.search(rf'\b{name}\b', text), name


# the threat model

TESTS = Path(__file__).parent


@cache
def existing_tests():
    """Return the names of all tests of the package."""
    return {
        name for path in TESTS.rglob('*.py') for name in re.findall(
            r'^ *def (test_\w+)\(', path.read_text(encoding='utf-8'),
            flags=re.MULTILINE)}


def named_tests(text):
    return set(re.findall(r'``(test_\w+)``', text))


def attacks():
    """Return the paragraphs about each attack by its title."""
    text = read('docs/security.rst').partition('\nAttacks\n-------\n')[2]
    text = re.split(r'\n\n.+\n-+\n', text)[0]
    parts = re.split(r'^(.+)\n~+\n', text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize('title', attacks() if (
    ROOT / 'docs').is_dir() else ())
def test_each_attack_has_a_test_that_shows_the_defence(title):
    text = attacks()[title]
    assert text.count('Shown by ') == 1
    named = named_tests(text.partition('Shown by ')[2])
    assert named and named <= existing_tests()


def documentation():
    """Return the text of all pages."""
    return '\n'.join(
        path.read_text(encoding='utf-8')
        for path in (*ROOT.glob('*.rst'), *(ROOT / 'docs').glob('*.rst')))


def test_every_test_that_the_documentation_names_exists():
    named = named_tests(documentation())
    assert len(named) > 40
    assert not named - existing_tests()


def test_every_file_of_tests_that_the_documentation_names_exists():
    named = set(re.findall(r'``([\w/]*test_\w+\.py)``', documentation()))
    assert len(named) > 15
    for path in named:
        assert any(
            (place / path).exists() for place in (TESTS, PACKAGE, ROOT)), path


def test_the_inputs_of_a_page_are_those_that_were_tried():
    text = read('docs/security.rst').partition(
        'Parts of a request in a page\n')[2].partition('\nAttacks\n')[0]
    keyed, rest = text.split('**Ruled out**')
    ruled_out, yours = rest.split('**Yours to name**')
    for part, tried in (
            (keyed, KEYED), (ruled_out, RULED_OUT), (yours, YOURS)):
        named = {flat(name) for name in re.findall(
            r'``((?:request|context)/[^`]+)``', part)}
        # an alias, and an advice
        assert named - {'request/script', 'request/form/theme'} == set(tried)
