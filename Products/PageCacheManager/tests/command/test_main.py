"""The command line: usage, help and exit codes."""
import subprocess
import sys

import pytest

from Products.PageCacheManager.tests.test_structure import ROOT


COMMANDS = ['warm', 'explain', 'stats', 'purge', 'check']


def test_help_names_all_commands(run):
    code, out, _ = run('--help')
    assert code == 0
    for name in COMMANDS:
        assert f'\n    {name} ' in out


@pytest.mark.parametrize('name', COMMANDS)
def test_each_command_has_help(run, name):
    code, out, _ = run(name, '--help')
    assert code == 0 and out.startswith(f'usage: pagecache {name} ')


@pytest.mark.parametrize('arguments, message', [
    ([], 'the following arguments are required: COMMAND'),
    (['wash'], "invalid choice: 'wash'"),
    (['purge', '/a'], 'the following arguments are required: --manager'),
    (['warm', 'x', '--rate', '0'], "'0' is no number from 0.01 to 1000"),
    (['warm', 'x', '--rate', 'nan'], "'nan' is no number"),
    (['warm', 'x', '--concurrency', '33'], 'is no number from 1 to 32'),
    (['warm', 'x', '--concurrency', '1.5'], 'is no number from 1 to 32'),
    (['warm', 'x', '--limit', '0'], 'is no number from 1 to 100000'),
    (['warm', 'x', '--timeout', '601'], 'is no number from 1 to 600'),
    (['warm', 'http://x/', '--header', 'X'], "--header takes 'NAME: VALUE'"),
    (['warm', 'http://x/', '--header', 'X y: z'], '--header takes'),
    (['warm', 'http://x/', '--header', 'X: a\r\nY: b'], '--header takes'),
    (['warm', 'http://jo:secret@x/'], 'is no URL with http:// or https://'),
    (['warm', 'file:///etc/passwd'], 'is no URL with http:// or https://'),
    (['warm', 'http://x:99999/'], 'is no URL'),
    (['stats', '--manager', 'ftp://x/site/page_cache'], '--manager takes'),
    (['stats', '--manager', 'http://a:b@x/site/page_cache'],
     '--manager takes'),
    (['purge', 'news', '--manager', 'http://x/'], 'PATH begins with / or @@'),
    (['purge', '--below', '--manager', 'http://x/'], '--below needs a PATH'),
    (['purge', '@@v', '--below', '--manager', 'http://x/'],
     '--below needs a PATH'),
    (['purge', '/', '--manager', 'http://x/'], '/ has no page of its own'),
])
def test_bad_usage_is_2_with_a_message(run, arguments, message):
    code, out, err = run(*arguments)
    assert (code, out) == (2, '')
    assert message in err and 'Traceback' not in err
    assert err.count('pagecache') >= 1


def test_a_module_runs_where_no_script_is():
    found = subprocess.run(
        [sys.executable, '-m', 'Products.PageCacheManager.command', 'warm',
         '/no/such/file'], capture_output=True, text=True, timeout=60,
        cwd=ROOT.parents[1])
    assert found.returncode == 2
    assert found.stderr.startswith('pagecache warm: /no/such/file can not')


def test_help_needs_no_zope():
    found = subprocess.run(
        [sys.executable, '-c', 'import sys\n'
         'from Products.PageCacheManager.command import main, warm\n'
         'print(sorted(name for name in sys.modules if name in '
         '("Zope2", "ZODB", "OFS", "AccessControl")))'],
        capture_output=True, text=True, timeout=60, cwd=ROOT.parents[1])
    assert found.stdout == '[]\n'
