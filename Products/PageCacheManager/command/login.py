"""User and password; the password is never on the command line."""
import base64
import getpass
import os
import sys
from pathlib import Path

from .usage import UsageError


#: The environment variable with the password.
VARIABLE = 'PAGECACHE_PASSWORD'

#: The maximum size of a file with a password.
_MAX_BYTES = 4096


def add_login(parser):
    """Add the options for a login."""
    parser.add_argument('--user', metavar='NAME', help=(
        'log in; the password comes from --password-file, from the variable '
        f'{VARIABLE}, or from a prompt'))
    parser.add_argument(
        '--password-file', metavar='FILE',
        help='a file with the password on its first line')


def login(options):
    """Return the headers of a login, an empty dict without a user.

    Raises UsageError.
    """
    if options.user is None:
        if options.password_file is not None:
            raise UsageError('--password-file needs --user.')
        return {}
    if not options.user or ':' in options.user:
        raise UsageError('--user takes a name without a colon.')
    given = f'{options.user}:{_password(options)}'
    return {'Authorization': 'Basic ' + base64.b64encode(
        given.encode('utf-8', 'surrogateescape')).decode('ascii')}


def _password(options):
    if options.password_file is not None:
        return _read(options.password_file)
    if os.environ.get(VARIABLE):
        return os.environ[VARIABLE]
    if not sys.stdin.isatty():
        raise UsageError(
            f'There is no password: set {VARIABLE}, or use --password-file.')
    return getpass.getpass(f'Password of {options.user}: ')


def _read(path):
    try:
        with Path(path).open('rb') as file:
            data = file.read(_MAX_BYTES + 1)
        text = data.decode('utf-8')
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f'--password-file: {error}') from None
    password = text.partition('\n')[0].rstrip('\r')
    if not password or len(data) > _MAX_BYTES:
        raise UsageError(
            f'--password-file: {path} has no password on its first line.')
    return password
