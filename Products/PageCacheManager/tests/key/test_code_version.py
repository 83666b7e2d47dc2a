"""Which code it is: the same for the same, another for any other."""
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest
from zope.event import notify
from zope.processlifetime import DatabaseOpenedWithRoot

from ...key import code_version
from ..site import forget_code_version


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
    forget_code_version()
    yield tmp_path / 'worked_on'
    forget_code_version()


def version():
    forget_code_version()
    return code_version.code_version()


def test_version_is_short_and_stays(package):
    first = version()
    assert len(first) == 16 and version() == first
    assert code_version.code_version() == first


def test_version_is_worked_out_once(package):
    first = version()
    (package / 'page.pt').write_text('<i/>')
    assert code_version.code_version() == first


@pytest.mark.parametrize(('name', 'counts'), [
    ('page.pt', True), ('__init__.py', True), ('deep/er/x.py', True),
    ('new.zcml', True), ('locales.mo', True), ('data.bin', False),
    ('static/bundle.js', True), ('static/main.css', True),
    ('static/icon.svg', True), ('static/manifest.json', True),
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
    """A broken removal leaves a folder like this."""
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
    monkeypatch.setattr(code_version, 'MAX_FILES', 0)
    before = version()
    (package / 'page.pt').write_text('edited')
    assert version() == before


def test_installed_packages_are_not_read(package):
    folders = code_version._packages()
    assert str(package) in folders
    assert not [folder for folder in folders if 'site-packages' in folder]


def test_folders_in_others_are_read_once():
    assert code_version._outermost(['/a/b', '/a', '/ab', '/a/c/d', '/b']) == [
        '/a', '/ab', '/b']
    assert code_version._outermost([]) == []


@pytest.mark.parametrize('seed', ['1', '2'])
def test_version_is_the_same_in_another_process(seed):
    code = ('from Products.PageCacheManager.key import code_version;'
            'import Products.PageCacheManager.core;'
            'print(code_version.code_version())')
    path = [str(Path(code_version.__file__).parents[3]), *sys.path]
    environ = {
        **os.environ, 'PYTHONHASHSEED': seed,
        'PYTHONPATH': os.pathsep.join(filter(None, path))}
    found = {
        subprocess.run(
            [sys.executable, '-c', code], env=environ, cwd='/', timeout=60,
            check=True, capture_output=True, text=True).stdout
        for _ in range(2)}
    assert len(found) == 1 and len(found.pop().strip()) == 16


# configuration outside of packages

class Context:
    """A substitute for the configuration context that loaded ZCML."""

    def __init__(self, *paths):
        self._seen_files = {str(path) for path in paths}


@pytest.fixture
def instance(package, tmp_path, monkeypatch):
    """An instance whose ZCML names locales, a theme and a template."""
    home = tmp_path / 'instance'
    for name, text in (
            ('etc/site.zcml',
             '<configure><include package="x" /></configure>'),
            ('etc/package-includes/001-locales-configure.zcml',
             '<configure><translations directory="../../locales" />'
             '</configure>'),
            ('etc/package-includes/002-resources-configure.zcml',
             f'<configure><static directory="{home}/resources" type="theme" />'
             '</configure>'),
            ('etc/package-includes/999-additional-overrides.zcml',
             '<configure><viewlet template="logo.pt" name="none.pt" />'
             '</configure>'),
            ('etc/package-includes/logo.pt', '<p/>'),
            ('etc/package-includes/unused.pt', '<p/>'),
            ('locales/de/LC_MESSAGES/plone.mo', 'messages'),
            ('resources/theme/my/index.html', '<html/>'),
            ('resources/theme/my/manifest.cfg', '[theme]'),
            ('resources/theme/my/picture.png', 'png'),
            ('Extensions/method.py', 'x'), ('var/Data.fs', 'data')):
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(
        code_version.zcml, '_context', Context(*home.rglob('*.zcml')))
    monkeypatch.setattr(code_version, 'getConfiguration', lambda: type(
        'Configuration', (), {'instancehome': str(home)}))
    return home


@pytest.mark.parametrize(('name', 'counts'), [
    ('etc/site.zcml', True),
    ('etc/package-includes/001-locales-configure.zcml', True),
    ('etc/package-includes/999-additional-overrides.zcml', True),
    ('etc/package-includes/logo.pt', True),
    ('etc/package-includes/unused.pt', False),
    ('locales/de/LC_MESSAGES/plone.mo', True),
    ('locales/fr/LC_MESSAGES/plone.mo', True),
    ('resources/theme/my/index.html', True),
    ('resources/theme/my/manifest.cfg', True),
    ('resources/theme/my/rules.xml', True),
    ('resources/theme/my/theme.css', True),
    ('resources/theme/my/picture.png', False),
    ('Extensions/method.py', True), ('var/Data.fs', False)])
def test_configuration_counts_as_code(instance, name, counts):
    before = version()
    path = instance / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        '<configure><edited /></configure>' if name.endswith('zcml')
        else 'edited')
    assert (version() != before) is counts


def test_configuration_that_was_not_loaded_does_not_count(instance):
    before = version()
    (instance / 'etc' / 'other.zcml').write_text('<configure />')
    assert version() == before


def test_more_configuration_is_another_version(instance, monkeypatch):
    before = version()
    more = instance / 'etc' / 'package-includes' / 'more-configure.zcml'
    more.write_text('<configure />')
    code_version.zcml._context._seen_files.add(str(more))
    assert version() != before


def test_configuration_that_can_not_be_read_does_no_harm(instance):
    code_version.zcml._context._seen_files.add(str(instance / 'gone.zcml'))
    (instance / 'etc' / 'site.zcml').write_text('<broken')
    assert len(version()) == 16


def test_configuration_of_packages_is_not_read_twice(
        instance, package, monkeypatch):
    path = package / 'configure.zcml'
    path.write_text('<configure />')
    installed = Path(pytest.__file__).parent / 'configure.zcml'
    code_version.zcml._context._seen_files |= {str(path), str(installed)}
    found = set(code_version._configuration_files())
    assert not found & {path, installed}


@pytest.mark.parametrize('name', [
    'PTS_LANGUAGES', 'zope_i18n_allowed_languages'])
def test_languages_that_are_read_count(package, monkeypatch, name):
    before = version()
    monkeypatch.setenv(name, 'de')
    assert version() != before


# once, at the start

def test_threads_that_come_together_wait_for_one(package, monkeypatch):
    count, found, arrived = [], [], threading.Semaphore(0)
    lock = threading.Lock()

    class Door:
        def __enter__(self):
            arrived.release()
            lock.acquire()

        def __exit__(self, *error):
            lock.release()

    def distributions():
        count.append(1)
        for _ in threads:  # all are there
            assert arrived.acquire(timeout=10)
        return []

    monkeypatch.setattr(code_version, '_lock', Door())
    monkeypatch.setattr(code_version, 'distributions', distributions)
    threads = [
        threading.Thread(
            target=lambda: found.append(code_version.code_version()))
        for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(count) == 1 and len(found) == 4 and len(set(found)) == 1


def test_it_is_worked_out_when_zope_starts(app, package):
    notify(DatabaseOpenedWithRoot(app._p_jar.db()))
    assert code_version._code_version.cache_info().currsize == 1


def test_zope_starts_all_the_same(app, package, monkeypatch, caplog):
    monkeypatch.setattr(code_version, 'distributions', None)
    notify(DatabaseOpenedWithRoot(app._p_jar.db()))
    assert 'code version' in caplog.text


# templates

def test_template_that_is_edited_has_another_version(tmp_path):
    path = tmp_path / 'page.pt'
    path.write_text('<p/>')
    before = code_version.template_version(str(path))
    path.write_text('<i/>')
    os.utime(path, (1, 1))
    after = code_version.template_version(str(path))
    path.write_text('<p/>')
    os.utime(path, (2, 2))
    assert len(before) == 16 and before != after
    assert code_version.template_version(str(path)) == before


@pytest.mark.parametrize('filename', [None, '', '/no/such.pt', 'a\0b', b''])
def test_template_without_a_file_has_no_version(filename):
    assert code_version.template_version(filename) == ''
