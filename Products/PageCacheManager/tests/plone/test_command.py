"""The command at a Plone site, where forms need tokens."""
import pytest

from ...command.main import main
from ..browser import zope_server


@pytest.fixture
def run(client, page_cache, monkeypatch, capsys):
    """Run a sub-command as a user; return exit code, output and errors."""
    with zope_server() as url:
        client.host = url.removeprefix('http://')

        def call(name, *arguments, user='root'):
            monkeypatch.setenv('PAGECACHE_PASSWORD', user)
            code = main([
                name, *arguments, '--user', user,
                '--manager', f'{url}/plone/page_cache'])
            return code, *capsys.readouterr()
        yield call


def fill(client):
    for _ in range(3):
        page = client.get('/a-document')
    assert page.outcome == 'HIT'


@pytest.mark.parametrize('arguments', [
    (), ('/plone/a-document',), ('/plone', '--below')])
def test_purge_sends_the_token(client, run, arguments):
    fill(client)
    code, out, err = run('purge', *arguments)
    assert (code, err) == (0, '')
    assert client.get('/a-document').outcome == 'MISS'


def test_who_may_not_purge_is_told_so(client, run):
    fill(client)
    code, out, err = run('purge', user='bob')
    assert (code, out) == (1, '')
    assert 'may this user do that' in err
    assert client.get('/a-document').outcome == 'HIT'


def test_explain_and_stats(client, run):
    fill(client)
    code, out, _ = run('explain', '/plone/a-document')
    assert code == 0 and out.startswith('HIT: ')
    code, out, _ = run('stats')
    assert code == 0 and '  HIT\n' in out
