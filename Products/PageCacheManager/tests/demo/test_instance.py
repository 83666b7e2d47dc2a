"""What `make start` runs: the instance is made, told of, and started."""
import socket
import sys

import pytest

from ...demo import instance


class Started(Exception):
    """Zope would run now, in place of this process."""


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run the program; it ends where Zope would be started."""
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
