"""Which code renders the pages of views.

A view's page is made by templates, viewlets and transforms of many packages,
none of them in the database.  What stands for all of them is the list of
packages that are installed, and the sources of those that are worked on.  It
is the same in every process that runs the same code, and is worked out once.
"""
import os
import site
import sys
import sysconfig
from functools import cache
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import distributions
from pathlib import Path

from .core.keys import digest


#: What a page may be made from.
_SUFFIXES = frozenset([
    '.cpt', '.dtml', '.html', '.mo', '.pt', '.py', '.xml', '.xsl', '.zcml',
    '.zpt'])

#: Files of a package in development beyond this number are not read.
MAX_FILES = 20_000


@cache
def code_version():
    """Return 16 characters that name all code of this process."""
    installed = sorted(
        # a broken removal leaves folders without either
        (found.metadata['Name'] or '', found.version or '')
        for found in distributions())
    return digest(repr((sys.version_info[:3], installed, _sources())))


def template_version(filename):
    """Return what changes with a template's file, '' if there is none."""
    try:
        status = os.stat(filename)
    except (OSError, TypeError, ValueError):
        return ''
    return _file_digest(filename, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=2048)
def _file_digest(filename, mtime_ns, size):
    return sha256(Path(filename).read_bytes()).hexdigest()[:16]


def _sources():
    """Return a digest of the sources that are not installed packages."""
    found = sha256()
    for number, path in enumerate(_source_files()):
        if number == MAX_FILES:
            break
        try:
            found.update(repr((path.name, path.read_bytes())).encode())
        except OSError:  # such as a lock of an editor, which is a dead link
            continue
    return found.hexdigest()


def _source_files():
    for folder in _outermost(_packages()):
        for place, folders, names in os.walk(folder):
            folders[:] = sorted(
                name for name in folders
                if not name.startswith('.')
                and name not in ('node_modules', 'tests', '__pycache__'))
            for name in sorted(names):
                if Path(name).suffix in _SUFFIXES:
                    yield Path(place, name)


def _packages():
    """Return the folders of the packages in development."""
    installed = tuple(
        f'{path}{os.sep}' for path in {
            *site.getsitepackages(), site.getusersitepackages(),
            *(sysconfig.get_paths()[name]
              for name in ('stdlib', 'platstdlib', 'purelib', 'platlib'))})
    files = {
        file for module in list(sys.modules.values())
        if (file := getattr(module, '__file__', None))
        and hasattr(module, '__path__')}
    return {
        str(Path(file).parent) for file in files
        if not file.startswith(installed)
        and not any(part.endswith('.egg') for part in Path(file).parts)}


def _outermost(folders):
    """Return those of `folders` that lie in none of the others, in order."""
    found = []
    for folder in sorted(folders):
        if not found or not folder.startswith(found[-1] + os.sep):
            found.append(folder)
    return found
