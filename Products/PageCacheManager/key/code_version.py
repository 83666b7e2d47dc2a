"""The version of the code that renders the pages.

Templates, viewlets, scripts and transforms of many packages make a page, and
so does the configuration of the instance.  They are not in the database.  The
version covers the installed packages, the sources of packages in development,
and the ZCML files outside of packages with the files that they name.  It is
the same in every process that runs the same code.  Each process computes it
once, when Zope starts.
"""
import os
import site
import sys
import sysconfig
import threading
from functools import cache
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import distributions
from itertools import islice
from pathlib import Path
from xml.etree import ElementTree

from App.config import getConfiguration
from Zope2.App import zcml

from ..core.key import digest


#: Suffixes of files that may change a page.  A page links to scripts and style
#: sheets by a digest of their content, and contains icons.
_SUFFIXES = frozenset([
    '.cfg', '.cpt', '.cpy', '.css', '.dtml', '.htm', '.html', '.js', '.json',
    '.metadata', '.mo', '.props', '.pt', '.py', '.svg', '.vpy', '.xml',
    '.xsl', '.zcml', '.zpt', '.zsql'])

#: Attributes in ZCML that name files and folders.
_NAMING = ('directory', 'file', 'template')

#: Environment variables that choose the languages of message catalogs.
_LANGUAGES = ('PTS_LANGUAGES', 'zope_i18n_allowed_languages')

#: At most this many files are read: of all packages in development together,
#: and again of the configuration.
MAX_FILES = 20_000


_lock = threading.Lock()


@cache
def code_version():
    """Return 16 characters that identify all code of this process."""
    with _lock:  # other threads wait while one thread computes it
        return _code_version()


@cache
def _code_version():
    installed = sorted(
        # a removal that failed leaves folders without name and version
        (found.metadata['Name'] or '', found.version or '')
        for found in distributions())
    return digest(repr((
        sys.version_info[:3], installed,
        [os.environ.get(name) for name in _LANGUAGES],
        _digest_of(islice(_source_files(), MAX_FILES)),
        # sorted by digest, since folders differ from machine to machine
        sorted({
            _digest_of([path])
            for path in islice(_configuration_files(), MAX_FILES)}))))


def template_version(filename):
    """Return a digest of a template's file, '' if there is no file."""
    try:
        status = os.stat(filename)
    except (OSError, TypeError, ValueError):
        return ''
    return _file_digest(filename, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=2048)
def _file_digest(filename, mtime_ns, size):
    return sha256(Path(filename).read_bytes()).hexdigest()[:16]


def _digest_of(paths):
    """Return a digest of the names and contents of files."""
    found = sha256()
    for path in paths:
        try:
            data = path.read_bytes()
        except OSError:  # for example a lock of an editor, a dead link
            continue
        found.update(repr((path.name, len(data))).encode())
        found.update(data)
    return found.hexdigest()


def _source_files():
    """Yield the source files of the packages in development."""
    for folder in _outermost(_packages()):
        yield from _files_below(folder)


def _files_below(folder):
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(
            name for name in folders
            if not name.startswith('.')
            and name not in ('node_modules', 'tests', '__pycache__'))
        for name in sorted(names):
            if Path(name).suffix in _SUFFIXES:
                yield Path(place, name)


def _configuration_files():
    """Yield the files outside of packages: ZCML, the files that it names, and
    the scripts in the folder Extensions.
    """
    packages = tuple(f'{folder}{os.sep}' for folder in _packages())
    for name in getattr(zcml._context, '_seen_files', ()):
        if not _is_installed(name) and not name.startswith(packages):
            yield Path(name)
            yield from _named_by(Path(name))
    home = getattr(getConfiguration(), 'instancehome', None)
    if home:
        yield from _files_below(Path(home, 'Extensions'))


def _named_by(path):
    try:
        elements = list(ElementTree.parse(path).iter())
    except (OSError, ElementTree.ParseError):
        return
    for element in elements:
        for value in filter(None, map(element.get, _NAMING)):
            named = path.parent / value
            if named.is_dir():
                yield from _files_below(named)
            elif named.is_file():
                yield named


def _packages():
    """Return the folders of the packages in development."""
    files = {
        file for module in list(sys.modules.values())
        if (file := getattr(module, '__file__', None))
        and hasattr(module, '__path__')}
    return {
        str(Path(file).parent) for file in files if not _is_installed(file)}


def _is_installed(file):
    """Return whether a file belongs to an installed package.

    The version of such a package identifies its files.
    """
    return file.startswith(_installed_places()) or any(
        part.endswith('.egg') for part in Path(file).parts)


@cache
def _installed_places():
    return tuple(
        f'{path}{os.sep}' for path in {
            *site.getsitepackages(), site.getusersitepackages(),
            *(sysconfig.get_paths()[name]
              for name in ('stdlib', 'platstdlib', 'purelib', 'platlib'))})


def _outermost(folders):
    """Return the folders that lie in no other one of `folders`, sorted."""
    found = []
    for folder in sorted(folders):
        if not found or not folder.startswith(found[-1] + os.sep):
            found.append(folder)
    return found
