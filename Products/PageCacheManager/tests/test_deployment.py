"""Which code it is: the same for the same, another for any other."""
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from .. import deployment


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package that is worked on, with a template and a test."""
    for name, text in (
            ('worked_on/__init__.py', ''), ('worked_on/page.pt', '<p/>'),
            ('worked_on/data.bin', 'x'), ('worked_on/tests/test.py', ''),
            ('worked_on/.hidden/x.py', ''),
            ('worked_on/node_modules/x.py', ''),
            ('worked_on/deep/er/x.py', '')):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    module = ModuleType('worked_on')
    module.__file__ = str(tmp_path / 'worked_on' / '__init__.py')
    module.__path__ = [str(tmp_path / 'worked_on')]
    monkeypatch.setitem(sys.modules, 'worked_on', module)
    deployment.code_version.cache_clear()
    yield tmp_path / 'worked_on'
    deployment.code_version.cache_clear()


def version():
    deployment.code_version.cache_clear()
    return deployment.code_version()


def test_version_is_short_and_stays(package):
    first = version()
    assert len(first) == 16 and version() == first
    assert deployment.code_version() == first


def test_version_is_worked_out_once(package):
    first = version()
    (package / 'page.pt').write_text('<i/>')
    assert deployment.code_version() == first


@pytest.mark.parametrize(('name', 'counts'), [
    ('page.pt', True), ('__init__.py', True), ('deep/er/x.py', True),
    ('new.zcml', True), ('locales.mo', True), ('data.bin', False),
    ('tests/test.py', False), ('.hidden/x.py', False),
    ('node_modules/x.py', False), ('__pycache__/x.py', False)])
def test_edited_file_is_another_version(package, name, counts):
    before = version()
    path = package / name
    path.parent.mkdir(exist_ok=True)
    path.write_text('edited')
    assert (version() != before) is counts


def test_deleted_or_renamed_file_is_another_version(package):
    seen = {version()}
    (package / 'page.pt').rename(package / 'other.pt')
    seen.add(version())
    (package / 'other.pt').unlink()
    seen.add(version())
    assert len(seen) == 3


def test_package_that_moved_is_the_same(package, tmp_path):
    """Clients of one database may have it in different folders."""
    before = version()
    package.rename(tmp_path / 'moved')
    sys.modules['worked_on'].__file__ = str(
        tmp_path / 'moved' / '__init__.py')
    assert version() == before


def test_file_that_can_not_be_read_does_no_harm(package):
    """Some editors leave links that lead nowhere."""
    os.symlink('someone@somewhere.1234', package / '.#page.py')
    assert len(version()) == 16


def test_distribution_without_metadata_does_no_harm(
        package, tmp_path, monkeypatch):
    """A broken removal leaves such a folder."""
    for name, text in (('a', ''), ('b', 'Version: 1\n')):
        folder = tmp_path / f'~{name}-1.dist-info'
        folder.mkdir()
        (folder / 'METADATA').write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert len(version()) == 16


def test_new_distribution_is_another_version(package, tmp_path, monkeypatch):
    before = version()
    folder = tmp_path / 'new-1.dist-info'
    folder.mkdir()
    (folder / 'METADATA').write_text('Name: new\nVersion: 1\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    first = version()
    (folder / 'METADATA').write_text('Name: new\nVersion: 2\n')
    assert len({before, first, version()}) == 3


def test_number_of_files_is_bounded(package, monkeypatch):
    monkeypatch.setattr(deployment, 'MAX_FILES', 0)
    before = version()
    (package / 'page.pt').write_text('edited')
    assert version() == before


def test_installed_packages_are_not_read(package):
    folders = deployment._packages()
    assert str(package) in folders
    assert not [folder for folder in folders if 'site-packages' in folder]


def test_folders_in_others_are_read_once():
    assert deployment._outermost(['/a/b', '/a', '/ab', '/a/c/d', '/b']) == [
        '/a', '/ab', '/b']
    assert deployment._outermost([]) == []


@pytest.mark.parametrize('seed', ['1', '2'])
def test_version_is_the_same_in_another_process(seed):
    code = ('from Products.PageCacheManager import deployment;'
            'import Products.PageCacheManager.core;'
            'print(deployment.code_version())')
    root = str(Path(deployment.__file__).parents[2])
    environ = {**os.environ, 'PYTHONHASHSEED': seed, 'PYTHONPATH': root}
    found = {
        subprocess.run(
            [sys.executable, '-c', code], env=environ, cwd='/', timeout=60,
            check=True, capture_output=True, text=True).stdout
        for _ in range(2)}
    assert len(found) == 1 and len(found.pop().strip()) == 16


# templates

def test_template_that_is_edited_has_another_version(tmp_path):
    path = tmp_path / 'page.pt'
    path.write_text('<p/>')
    before = deployment.template_version(str(path))
    path.write_text('<i/>')
    os.utime(path, (1, 1))
    after = deployment.template_version(str(path))
    path.write_text('<p/>')
    os.utime(path, (2, 2))
    assert len(before) == 16 and before != after
    assert deployment.template_version(str(path)) == before


@pytest.mark.parametrize('filename', [None, '', '/no/such.pt', 'a\0b', b''])
def test_template_without_a_file_has_no_version(filename):
    assert deployment.template_version(filename) == ''
