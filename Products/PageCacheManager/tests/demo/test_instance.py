"""The parts of `make start`: it makes, announces and starts an instance."""
import socket
import sys
from configparser import ConfigParser

import pytest
import zc.lockfile

from ...demo import instance


class Started(Exception):
    """Zope would run now, in place of this process."""


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run the program; it ends instead of starting Zope."""
    def start(program, arguments):
        raise Started(program, arguments)

    def main(*arguments):
        monkeypatch.setattr(
            sys, 'argv', ['instance', str(tmp_path / 'home'), *arguments])
        instance.main()

    monkeypatch.setattr(instance.os, 'execv', start)
    return main


def free_port():
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        return server.getsockname()[1]


def test_it_may_be_made_without_a_start(run, tmp_path, capsys):
    run('--no-start', '--user', 'jo:secret')
    inituser = (tmp_path / 'home' / 'inituser').read_text()
    assert inituser.startswith('jo:')
    assert (tmp_path / 'home' / 'etc' / 'zope.ini').exists()
    assert capsys.readouterr().out == ''


@pytest.mark.parametrize('user', ['admin', 'admin:', ':admin', ''])
def test_a_user_needs_a_password(run, tmp_path, capsys, user):
    with pytest.raises(SystemExit) as stop:
        run('--user', user)
    assert stop.value.code == 2
    assert '--user takes NAME:PASSWORD' in capsys.readouterr().err
    assert not (tmp_path / 'home').exists()


def test_a_port_that_is_taken_is_named(run):
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        server.listen()
        port = server.getsockname()[1]
        with pytest.raises(SystemExit) as stop:
            run('--port', str(port))
    assert f'127.0.0.1:{port} cannot be used' in stop.value.code
    assert f'make start PORT={port + 1}' in stop.value.code


@pytest.mark.parametrize('port', [
    '99999', '65536', '0', '-1', 'http', '', '8080.0', '٨٠٨٠'])
def test_a_port_out_of_range_is_named(run, tmp_path, capsys, port):
    with pytest.raises(SystemExit) as stop:
        run(f'--port={port}')
    assert stop.value.code == 2
    assert f'PORT={port}: use a number from 1 to 65535.' in (
        capsys.readouterr().err)
    assert not (tmp_path / 'home').exists()


def test_the_last_port_leads_to_the_first(run, monkeypatch):
    monkeypatch.setattr(instance, 'is_taken', lambda *given: 'in use')
    with pytest.raises(SystemExit) as stop:
        run('--port', '65535')
    assert 'make start PORT=8080' in stop.value.code


def test_users_of_a_database_stay(run, tmp_path):
    """Zope replaces the only user by the user in `inituser`."""
    run('--no-start')
    home = tmp_path / 'home'
    (home / 'inituser').unlink()  # as Zope does when it has read it
    (home / 'var' / 'Data.fs').touch()
    for user in 'admin:admin', 'jo:secret':
        run('--no-start', '--user', user)
        assert not (home / 'inituser').exists()


def test_an_instance_that_never_started_takes_its_user(run, tmp_path):
    run('--no-start')
    (tmp_path / 'home' / 'inituser').unlink()
    run('--no-start', '--user', 'jo:secret')
    assert (tmp_path / 'home' / 'inituser').read_text().startswith('jo:')


def test_an_instance_that_runs_is_named(run, tmp_path):
    run('--no-start')
    lock = zc.lockfile.LockFile(str(tmp_path / 'home/var/Data.fs.lock'))
    try:
        with pytest.raises(SystemExit) as stop:
            run('--port', str(free_port()))
    finally:
        lock.close()
    assert 'Another process runs the instance' in stop.value.code
    assert 'make start INSTANCE=' in stop.value.code
    with pytest.raises(Started):
        run('--port', str(free_port()))


def test_a_file_in_the_place_of_the_instance_is_named(run, tmp_path):
    (tmp_path / 'home').write_text('mine')
    with pytest.raises(SystemExit) as stop:
        run()
    assert 'home is a file. Name a folder: make start INSTANCE=' in (
        stop.value.code)
    assert (tmp_path / 'home').read_text() == 'mine'


def test_a_place_that_can_not_be_written_is_named(monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['instance', '/proc/demo'])
    with pytest.raises(SystemExit) as stop:
        instance.main()
    assert 'The instance cannot be written: ' in stop.value.code
    assert '/proc/demo' in stop.value.code


def test_no_half_of_an_instance_stays(run, tmp_path, monkeypatch):
    def fail(*given):
        raise OSError(28, 'No space left on device')
    monkeypatch.setattr(instance, 'write_inituser', fail)
    with pytest.raises(SystemExit) as stop:
        run()
    assert 'No space left' in stop.value.code
    assert not (tmp_path / 'home').exists()
    (tmp_path / 'home').mkdir()
    (tmp_path / 'home' / 'mine').touch()
    with pytest.raises(SystemExit):
        run()
    assert (tmp_path / 'home' / 'mine').exists()


@pytest.mark.parametrize('kind', [[], ['--plone']])
def test_requests_that_wait_are_logged(run, tmp_path, kind):
    run('--no-start', *kind)
    settings = ConfigParser(interpolation=None)
    settings.read(tmp_path / 'home' / 'etc' / 'zope.ini')
    assert 'waitress.queue' in settings['loggers']['keys']
    assert settings['logger_waitress.queue']['handlers'] == 'eventlog'


@pytest.mark.parametrize('kind, lane', [
    ([], []), (['--plone'], ['egg:Products.PageCacheManager#fastlane'])])
def test_plone_has_the_fast_lane(run, tmp_path, kind, lane):
    run('--no-start', *kind)
    settings = ConfigParser(interpolation=None)
    settings.read(tmp_path / 'home' / 'etc' / 'zope.ini')
    assert settings['pipeline:main']['pipeline'].split() == [
        'egg:Zope#httpexceptions', 'translogger', *lane, 'zope']


def test_it_tells_where_the_site_is_and_starts_it(run, tmp_path, capsys):
    port = free_port()
    with pytest.raises(Started) as started:
        run('--port', str(port), '--user', 'jo:a:b')
    program, arguments = started.value.args
    assert program == sys.executable
    assert arguments == [
        sys.executable, '-m', 'Zope2.Startup.serve',
        str(tmp_path / 'home' / 'etc' / 'zope.ini'),
        'http_address=127.0.0.1', f'http_port={port}']
    told = capsys.readouterr().out
    assert f'http://127.0.0.1:{port}/demo/news\n' in told
    assert 'jo/a:b' in told
    assert 'WARNING' not in told and 'only on your own machine' in told


def test_it_warns_where_others_may_come_in(run, capsys):
    with pytest.raises(Started):
        run('--address', '0.0.0.0', '--port', str(free_port()))
    told = capsys.readouterr().out
    assert 'WARNING: other machines can reach 0.0.0.0' in told
    assert 'only on your own machine' not in told


def test_an_address_of_ipv6_stands_in_brackets(run, capsys):
    try:
        with socket.socket(socket.AF_INET6) as server:
            server.bind(('::1', 0))
            port = server.getsockname()[1]
    except OSError:
        pytest.skip('no IPv6 on this machine')
    with pytest.raises(Started) as started:
        run('--address', '::1', '--port', str(port))
    assert 'http_address=::1' in started.value.args[1]
    assert f'http://[::1]:{port}/demo' in capsys.readouterr().out


def test_plone_is_told_of_under_a_name_that_it_themes(run, tmp_path, capsys):
    run('--plone', '--no-start')
    etc = tmp_path / 'home' / 'etc'
    assert 'file="plone.zcml"' in (
        etc / 'package-includes' / 'demo-configure.zcml').read_text()
    assert 'blob-dir' in (etc / 'zope.conf').read_text()
    port = free_port()
    with pytest.raises(Started) as started:
        run('--plone', '--port', str(port))
    assert 'http_address=127.0.0.1' in started.value.args[1]
    told = capsys.readouterr().out
    assert f'http://localhost:{port}/Plone/a-document\n' in told
    assert 'http://127.0.0.1' not in told
