"""The architecture: imports between modules, declarations of the object."""
import ast
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from types import FunctionType

import pytest
from ZPublisher import zpublish_mark

import Products.PageCacheManager
from Products.PageCacheManager.PageCacheManager import PageCacheManager


PACKAGE = 'Products.PageCacheManager'
ROOT = Path(Products.PageCacheManager.__file__).parent

#: A package imports from itself and from packages on earlier floors, never
#: from other packages on its own floor or on later ones.
FLOORS = [
    ['core', 'interfaces'],
    ['publisher', 'cmf'],
    ['key', 'reads'],
    ['marks'],
    ['manager', 'fastlane'],
    ['origin'],
    ['request'],
    ['zmi'],
    ['PageCacheManager'],
    ['integrations', 'exportimport', 'demo', 'command', '__init__'],
]

RANKS = {name: rank for rank, names in enumerate(FLOORS) for name in names}

#: The packages of ours that may import a package.
KNOWN_TO = {
    'Products.CMFCore': {'cmf', 'integrations', 'demo'},
    'Products.GenericSetup': {'exportimport', 'integrations', 'demo'},
    'ZPublisher': {
        'publisher', 'request', 'zmi', 'PageCacheManager', 'integrations',
        'demo'},
    'plone': {'reads', 'manager', 'integrations', 'demo'},
}


@cache
def modules():
    """Return the paths of all modules but tests."""
    return sorted(
        path for path in ROOT.rglob('*.py')
        if 'tests' not in path.relative_to(ROOT).parts
        and 'skins' not in path.relative_to(ROOT).parts)


@cache
def dotted_name(path):
    parts = path.relative_to(ROOT).with_suffix('').parts
    if parts[-1] == '__init__' and len(parts) > 1:
        parts = parts[:-1]
    return '.'.join((PACKAGE, *parts))


def room(dotted):
    """Return the module or the package directly in ours."""
    rest = dotted.removeprefix(PACKAGE).strip('.')
    return rest.partition('.')[0] or '__init__'


@cache
def imports(path):
    """Return the full names of all imports of a module, at any place in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.update(
                f'{absolute(path, node)}.{alias.name}'
                for alias in node.names)
    return found


def absolute(path, node):
    if not node.level:
        return node.module
    package = dotted_name(path.parent / '__init__.py').split('.')
    if path.parent == ROOT:
        package = PACKAGE.split('.')
    base = package[:len(package) - node.level + 1]
    return '.'.join([*base, *([node.module] if node.module else [])])


def is_in(name, package):
    return name == package or name.startswith(f'{package}.')


@cache
def own_imports(path):
    """Return the modules of ours that a module imports."""
    known = {dotted_name(module) for module in modules()}
    found = set()
    for name in imports(path):
        while is_in(name, PACKAGE) and name not in known:
            name = name.rpartition('.')[0]
        if is_in(name, PACKAGE):
            found.add(name)
    return found - {dotted_name(path)}


each_module = pytest.mark.parametrize(
    'path', modules(), ids=lambda path: str(path.relative_to(ROOT)))


def test_the_way_imports_are_read():
    """The other tests rely on this."""
    assert 'ZPublisher.pubevents.PubStart' in imports(
        ROOT / 'request' / 'events.py')
    assert f'{PACKAGE}.core.key' in own_imports(
        ROOT / 'manager' / 'caches.py')
    assert f'{PACKAGE}.key.code_version' in own_imports(
        ROOT / 'request' / 'events.py')
    assert own_imports(ROOT / 'core' / 'flights.py') == {
        f'{PACKAGE}.core.page'}
    assert own_imports(ROOT / '__init__.py') == {
        f'{PACKAGE}.PageCacheManager', f'{PACKAGE}.cmf.opaque',
        f'{PACKAGE}.reads.catalog', f'{PACKAGE}.reads.thread',
        f'{PACKAGE}.reads.ram', f'{PACKAGE}.reads.volatile'}


@each_module
def test_every_module_has_its_floor(path):
    assert room(dotted_name(path)) in RANKS


@each_module
def test_imports_point_one_way(path):
    own = room(dotted_name(path))
    for name in own_imports(path):
        assert room(name) == own or RANKS[room(name)] < RANKS[own], name


def test_imports_go_in_no_circle():
    graph = {
        dotted_name(path): own_imports(path) - {PACKAGE}
        for path in modules()}
    TopologicalSorter(graph).prepare()


@each_module
def test_packages_are_known_only_to_those_that_should(path):
    own = room(dotted_name(path))
    for package, known_to in KNOWN_TO.items():
        if own not in known_to:
            assert not [
                name for name in imports(path) if is_in(name, package)]


@each_module
def test_core_imports_the_standard_library_alone(path):
    if room(dotted_name(path)) != 'core':
        return
    for name in imports(path):
        if not is_in(name, f'{PACKAGE}.core'):
            assert name.partition('.')[0] in sys.stdlib_module_names, name


#: Runs in a separate Python, with only the standard library and the package.
WITHOUT_ZOPE = '''
import importlib
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        top = name.partition('.')[0]
        ours = name == 'Products' or name.startswith(PACKAGE)
        if not ours and top not in sys.stdlib_module_names:
            raise ImportError('blocked: ' + name)

PACKAGE = 'Products.PageCacheManager'
sys.meta_path.insert(0, Blocker())
sys.path.append(sys.argv[1])
for name in sys.argv[2:]:
    importlib.import_module(name)
print(*sorted(name for name in sys.modules if name.startswith('Products')))
try:
    importlib.import_module(PACKAGE + '.request.zcache')
except ImportError as error:
    assert 'blocked' in str(error), error
else:
    raise AssertionError('nothing was blocked')
'''


def test_core_needs_no_zope():
    names = [
        dotted_name(path) for path in modules()
        if room(dotted_name(path)) == 'core']
    assert len(names) > 5
    result = subprocess.run(
        [sys.executable, '-I', '-S', '-c', WITHOUT_ZOPE,
         str(ROOT.parents[1]), *names],
        capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert set(result.stdout.split()) == {'Products', PACKAGE, *names}


# declarations of the persistent object

def own_parts():
    """Return the manager's class and its bases in this package."""
    return [
        kind for kind in PageCacheManager.__mro__
        if is_in(kind.__module__, PACKAGE)]


def methods():
    """Return the names of the manager's own methods that code may call."""
    return sorted(
        name for kind in own_parts() for name, value in vars(kind).items()
        if isinstance(value, FunctionType) and not name.startswith('_'))


def test_methods_are_found():
    assert {
        'manage_purge', 'getSettings', 'renew', 'manage_main'
    } <= set(methods())


def test_parts_of_the_manager_come_first_and_share_no_method():
    names = methods()
    assert len(set(names)) == len(names)
    assert own_parts() == list(PageCacheManager.__mro__[:len(own_parts())])


@pytest.mark.parametrize('name', methods())
def test_every_method_has_a_declaration_of_its_own(name):
    part, = (kind for kind in own_parts() if name in vars(kind))
    assert f'{name}__roles__' in vars(part)


@pytest.mark.parametrize('name', methods())
def test_what_may_be_published_says_so(name):
    """A docstring alone would publish a method."""
    roles = getattr(PageCacheManager, f'{name}__roles__', None)
    is_private = roles == ()
    method = getattr(PageCacheManager, name)
    assert is_private or zpublish_mark(method) is not None


@pytest.mark.parametrize('name', [
    'manage_editProps', 'manage_editViews', 'manage_purge',
    'manage_invalidate', 'manage_dissociate', 'manage_resetStats',
    'manage_editAssociations', 'manage_renderNow'])
def test_what_changes_anything_is_published_by_post_alone(name):
    assert zpublish_mark(getattr(PageCacheManager, name)) == ('POST',)


@pytest.mark.parametrize('name', [
    'enable', 'disable', 'setTitle', 'getSettings', 'getViews',
    'getCacheReport', 'isActive'])
def test_what_code_calls_is_not_published(name):
    assert zpublish_mark(getattr(PageCacheManager, name)) is False


@pytest.mark.parametrize('name', [
    'manage_editProps', 'manage_editViews', 'manage_purge',
    'manage_invalidate', 'manage_setUp', 'manage_addPolicy',
    'manage_resetStats', 'manage_editAssociations', 'manage_renderNow',
    'enable', 'disable', 'setTitle'])
def test_changing_takes_the_permission_to_change(name):
    roles = getattr(PageCacheManager, f'{name}__roles__')
    assert tuple(roles.rolesForPermissionOn(PageCacheManager)) == ('Manager',)


def test_few_places_catch_whatever_comes():
    """The guard and its twin in the fast lane, expressions of policies, the
    way to a page that Explain walks, and modules that do not load.
    """
    found = [
        path.relative_to(ROOT).as_posix() for path in modules()
        if path.relative_to(ROOT).parts[0] != 'demo'
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8')))
        if isinstance(node, ast.ExceptHandler) and (
            node.type is None or getattr(node.type, 'id', '') == 'Exception')]
    assert found == [
        'core/attempt.py', 'core/http/codecs.py', 'fastlane/filter.py',
        'key/key.py', 'zmi/explain/inquiry.py']
