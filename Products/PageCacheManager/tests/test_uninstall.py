"""A Zope without the package after its removal; the command before it."""
import os
import subprocess
import sys

import pytest

from .test_structure import ROOT


#: Makes a template that names a manager.
MAKE = '''
import transaction
import Zope2
from Products.PageCacheManager.PageCacheManager import PageCacheManager
from Products.PageTemplates.ZopePageTemplate import ZopePageTemplate
app = Zope2.app()
app._setObject('page_cache', PageCacheManager('page_cache'))
app._setObject('page', ZopePageTemplate('page', '<p>rendered</p>'))
app.page.ZCacheable_setManagerId('page_cache')
transaction.commit()
'''

#: Asks for it.
ASK = '''
from io import BytesIO
said = []
environ = {
    'REQUEST_METHOD': 'GET', 'SERVER_NAME': 'localhost',
    'SERVER_PORT': '80', 'SERVER_PROTOCOL': 'HTTP/1.1', 'SCRIPT_NAME': '',
    'PATH_INFO': '/page', 'wsgi.url_scheme': 'http',
    'wsgi.input': BytesIO()}
try:
    result = zope(environ, lambda status, *rest: said.append(status))
    print('answered', said[-1], b''.join(result))
except AttributeError as error:  # no view is there to show it
    print('answered 500', error)
'''

#: The actions of a Manager in the ZMI.
DELETE = '''
import transaction
import Zope2
app = Zope2.app()
app.manage_delObjects(['page_cache'])
transaction.commit()
'''

#: Starts Zope, with the package or without.
START = '''
import sys
import OFS.Application
found = OFS.Application.get_products
if {is_gone}:
    OFS.Application.get_products = lambda: [
        product for product in found() if product[1] != 'PageCacheManager']
    sys.modules['Products.PageCacheManager'] = None
from Zope2.Startup.run import make_wsgi_app
from ZPublisher.httpexceptions import HTTPExceptionHandler
zope = HTTPExceptionHandler(make_wsgi_app({{}}, {conf!r}))
'''

CONF = '''
%define INSTANCE {home}
instancehome $INSTANCE
debug-mode off
<zodb_db main>
    <filestorage>
      path $INSTANCE/Data.fs
    </filestorage>
    mount-point /
</zodb_db>
'''


class Instance:
    """A database; processes use it one after the other."""

    def __init__(self, home):
        self.conf = home / 'zope.conf'
        self.conf.write_text(CONF.format(home=home))

    def data(self):
        """Return the bytes of the database on disk."""
        return self.conf.with_name('Data.fs').read_bytes()

    def run(self, script, is_gone=False):
        start = START.format(is_gone=is_gone, conf=str(self.conf))
        return self._python('-c', start + script)

    def check(self, *options):
        return self._python(
            '-m', 'Products.PageCacheManager.command', 'check', *options,
            str(self.conf))

    def ask(self, before=''):
        """Return the answer after the package is gone."""
        found = self.run(before + ASK, is_gone=True)
        assert found.returncode == 0, found.stderr
        assert 'answered' in found.stdout, found.stderr
        return found.stdout.partition('answered ')[2]

    @staticmethod
    def _python(*arguments):
        path = os.pathsep.join([str(ROOT.parents[1]), *sys.path])
        return subprocess.run(
            [sys.executable, *arguments], capture_output=True, text=True,
            timeout=120, env={**os.environ, 'PYTHONPATH': path})


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """The database of an instance; a template in it names a manager."""
    instance = Instance(tmp_path_factory.mktemp('made'))
    found = instance.run(MAKE)
    assert found.returncode == 0, found.stderr
    return instance.data()


@pytest.fixture
def instance(made, tmp_path):
    (tmp_path / 'Data.fs').write_bytes(made)
    return Instance(tmp_path)


def test_package_is_removed_while_a_template_names_a_manager(instance):
    answer = instance.ask()
    assert answer.startswith('500 ') and 'ZCacheManager_getCache' in answer
    before = instance.data()
    found = instance.check()
    assert found.returncode == 1, found.stderr
    assert "/page names 'page_cache', which is /page_cache." in found.stdout
    assert instance.data() == before  # to look changes nothing
    found = instance.check('--remove')
    assert found.returncode == 0, found.stderr
    assert "/page named 'page_cache'" in found.stdout
    assert "200 OK b'<p>rendered</p>" in instance.ask()
    assert instance.check().returncode == 0


def test_manager_that_is_broken_is_deleted(instance):
    assert "200 OK b'<p>rendered</p>" in instance.ask(before=DELETE)
