"""Docstrings, comments and documents are in plain words.

A clause in the place of a noun ("what the page was made from") makes a reader
search for the thing that is meant; a noun ("the sources of the page") names
it.
"""
import ast
import re
import tokenize
from pathlib import Path

import pytest

import Products.PageCacheManager


PACKAGE = Path(Products.PageCacheManager.__file__).parent
ROOT = PACKAGE.parent.parent

#: Begin such a clause.
CLAUSES = re.compile(
    r'\b(?:what|whatever|whom|whoever|whichever)\b|\btell whether\b',
    re.IGNORECASE)

#: Names in documents: code and labels.
NAMES = re.compile(r'``[^`]*``|\*[^*\n]*\*')

MODULES = sorted(
    path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob('*.py')
    if 'tests' not in path.parts)

#: Documents that people write; tables of figures are made by programs.
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob('*.rst'), *ROOT.glob('docs/*.rst'))
    if not path.name.endswith('_table.rst'))


def prose_of(path):
    """Yield line numbers and texts of a module's docstrings and comments."""
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield node.body[0].lineno, text
    with tokenize.open(path) as lines:
        for token in tokenize.generate_tokens(lines.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def clauses(prose):
    """Return where `prose` has words that begin such a clause."""
    return [
        f'{line}: {found.group()}' for line, text in prose
        for found in CLAUSES.finditer(text)]


def test_clauses_are_found(tmp_path):
    path = tmp_path / 'module.py'
    path.write_text(
        '"""What it does."""\n\n\ndef f():\n    """Tell whether."""\n'
        "    return 'what'  # what a string says does not count\n")
    assert clauses(prose_of(path)) == [
        '1: What', '5: Tell whether', '6: what']


@pytest.mark.parametrize('name', MODULES)
def test_a_module_is_in_plain_words(name):
    assert clauses(prose_of(PACKAGE / name)) == []


@pytest.mark.parametrize('name', DOCUMENTS)
def test_a_document_is_in_plain_words(name):
    text = NAMES.sub('', (ROOT / name).read_text(encoding='utf-8'))
    assert clauses(enumerate(text.splitlines(), 1)) == []
