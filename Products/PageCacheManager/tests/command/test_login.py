"""The source of a password."""
import base64
import getpass
from types import SimpleNamespace

import pytest

from ...command import login as logins
from ...command.login import login
from ...command.usage import UsageError


def options(user='jo', password_file=None):
    return SimpleNamespace(user=user, password_file=password_file)


def given(found):
    return base64.b64decode(
        found['Authorization'].removeprefix('Basic ')).decode()


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch):
    monkeypatch.delenv(logins.VARIABLE, raising=False)
    monkeypatch.setattr(
        logins.sys, 'stdin', SimpleNamespace(isatty=lambda: False))


def test_without_a_user_there_is_no_login(monkeypatch):
    monkeypatch.setenv(logins.VARIABLE, 'secret')
    assert login(options(user=None)) == {}


def test_the_environment(monkeypatch):
    monkeypatch.setenv(logins.VARIABLE, 'a:pässword ')
    assert given(login(options())) == 'jo:a:pässword '


def test_a_file_counts_before_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv(logins.VARIABLE, 'other')
    file = tmp_path / 'password'
    file.write_text('sécret\r\nnext line\n')
    assert given(login(options(password_file=file))) == 'jo:sécret'


def test_a_prompt(monkeypatch):
    monkeypatch.setattr(
        logins.sys, 'stdin', SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(getpass, 'getpass', lambda prompt: 'typed')
    assert given(login(options())) == 'jo:typed'


@pytest.mark.parametrize('text', [b'', b'\nsecret', b'\xff', b'x' * 5000])
def test_a_file_without_a_password(tmp_path, text):
    file = tmp_path / 'password'
    file.write_bytes(text)
    with pytest.raises(UsageError, match='--password-file: '):
        login(options(password_file=file))


@pytest.mark.parametrize('wrong, message', [
    (options(), 'PAGECACHE_PASSWORD'), (options(user='a:b'), 'colon'),
    (options(user=''), 'colon'),
    (options(password_file='/no/such/file'), '--password-file: '),
    (options(user=None, password_file='/x'), 'needs --user')])
def test_what_is_missing_is_named(wrong, message):
    with pytest.raises(UsageError, match=message):
        login(wrong)
