"""Make a Zope instance with the demo site, and start it.

`make start` uses it.  An existing instance starts unchanged: its database,
its users and its configuration stay as they are.
"""

import argparse
import os
import re
import shutil
import socket
import sys
from pathlib import Path

import zc.lockfile
import Zope2
from Zope2.utilities.copyzopeskel import copyskel
from Zope2.utilities.mkwsgiinstance import write_inituser

from .site import SITE_ID


ABOUT = '''\
Zope starts on {url} in a few seconds; the next lines tell when it
is ready. Stop it with Ctrl-C.

  The site                      {site}
  A page                        {site}/news/harbour-maps
  A slow listing                {site}/news
  A page for each member        {site}/personal_home
                                alice/alice may edit, bob/bob may not
  Zope's management screens     {url}/manage     {user}/{password}
  The cache                     {site}/page_cache/manage_main
  Its statistics                {site}/page_cache/manage_stats
  The policies                  {policies}

The footer of each page has the time of its rendering. Reload, and the time
stays: the page came from the cache. On the command line:

  curl -si {site}/news | grep -iE '^(HTTP|ETag|X-Page|Cache-S)'
      MISS at first, then HIT
  curl -si -H 'If-None-Match: *' {site}/news | head -1
      304 Not Modified; a browser sends the ETag instead of the *
  curl -si -u alice:alice {site}/news | grep -i '^X-PageCache'
      MISS again: alice gets separate pages
  curl -si -u alice:alice -d title=Maps -d description=New -d text=New \\
      {site}/news/harbour-maps/save | head -1
      an edit; then the page and the listing are MISS, with the new text
'''

PASSWORDS = '''\
Everybody knows the passwords: use this instance only on your own machine.
'''

EXPOSED = '''\
WARNING: other machines can reach {address}, and everybody knows the
passwords of this demo.
'''


PLONE = '''\
Plone starts on {url}; a new site takes half a minute, and the
next lines tell when it is ready. Stop it with Ctrl-C.

  The site                      {site}
  A page                        {site}/a-document
  A listing                     {site}/a-folder
  Log in                        {site}/login
                                alice/alice may edit, bob/bob may not
  Zope's management screens     {url}/manage     {user}/{password}

Use localhost: Plone has no theme for 127.0.0.1.

'''


def database_of(home):
    """Return the path of the instance's database."""
    return home / 'var' / 'Data.fs'


def make(home, user, password, is_plone=False):
    """Make the instance; existing files and users stay.

    Raises OSError if it cannot be written.  Then a new instance is removed.
    """
    is_new = not home.exists()
    try:
        _make(home, user, password, is_plone)
    except OSError:
        if is_new:
            shutil.rmtree(home, ignore_errors=True)
        raise


def _make(home, user, password, is_plone):
    ours = Path(__file__).parent
    zope = Path(Zope2.__file__).parent / 'utilities'
    skeletons, lane = [ours / 'skel', zope / 'skel'], ''
    if is_plone:
        skeletons.insert(0, ours / 'skel_plone')
        lane = 'egg:Products.PageCacheManager#fastlane'
    home.mkdir(parents=True, exist_ok=True)  # copyskel only prints errors
    for skeleton in skeletons:  # a file of an earlier skeleton stays
        copyskel(
            str(skeleton), str(home), None, None,
            INSTANCE_HOME=str(home), FASTLANE=lane)
    # Zope would replace the only user of an existing database by this one
    inituser = home / 'inituser'
    if not database_of(home).exists() and not inituser.exists():
        write_inituser(str(inituser), user, password)


def is_in_use(home):
    """Return whether another process has the database open."""
    try:
        zc.lockfile.LockFile(f'{database_of(home)}.lock').close()
    except zc.lockfile.LockError:
        return True
    return False


def port_number(text):
    """Return the number of a port.  Raises ArgumentTypeError."""
    if not re.fullmatch('[0-9]{1,5}', text) or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(
            f'PORT={text}: use a number from 1 to 65535.')
    return int(text)


def is_taken(address, port):
    """Return the reason why the port cannot be used, '' for none."""
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            return str(error)
    return ''


def _another(port):
    return port + 1 if port < 65535 else 8080


def main():
    parser = argparse.ArgumentParser(
        prog='python -m Products.PageCacheManager.demo.instance',
        description=__doc__)
    parser.add_argument('home', type=Path, metavar='DIRECTORY')
    parser.add_argument('--address', default='127.0.0.1')
    parser.add_argument('--port', type=port_number, default=8080)
    parser.add_argument(
        '--user', default='admin:admin', metavar='NAME:PASSWORD',
        help='manager of a new instance (default: admin:admin)')
    parser.add_argument(
        '--plone', action='store_true', help='make a Plone site')
    parser.add_argument(
        '--no-start', action='store_true', help='make the instance only')
    options = parser.parse_args()
    user, colon, password = options.user.partition(':')
    if not (user and colon and password):
        parser.error('--user takes NAME:PASSWORD')

    home = options.home.expanduser().resolve()
    address, port = options.address, options.port
    if home.exists() and not home.is_dir():
        sys.exit(f'{home} is a file. Name a folder: make start INSTANCE=demo')
    try:
        make(home, user, password, options.plone)
    except OSError as error:
        sys.exit(f'The instance cannot be written: {error}\n'
                 f'Name another folder: make start INSTANCE=~/demo')
    if options.no_start:
        return
    if is_in_use(home):
        sys.exit(f'Another process runs the instance in {home}. Stop it, or '
                 f'name\nanother folder: make start INSTANCE=demo2')
    taken = is_taken(address, port)
    if taken:
        sys.exit(f'{address}:{port} cannot be used ({taken}).\n'
                 f'Take another port: make start PORT={_another(port)}')

    host = address
    if options.plone and address == '127.0.0.1':
        host = 'localhost'  # Plone has no theme for the address
    url = f'http://[{host}]:{port}' if ':' in host else (
        f'http://{host}:{port}')
    site = f'{url}/Plone' if options.plone else f'{url}/{SITE_ID}'
    print((PLONE if options.plone else ABOUT).format(
        url=url, site=site, user=user, password=password,
        policies=f'{site}/caching_policy_manager/manage_cachingPolicies'))
    if address in ('127.0.0.1', '::1', 'localhost'):
        print(PASSWORDS, flush=True)
    else:
        print(EXPOSED.format(address=address), flush=True)
    # in this process, so that Ctrl-C and signals of a supervisor reach it
    os.execv(sys.executable, [
        sys.executable, '-m', 'Zope2.Startup.serve',
        str(home / 'etc' / 'zope.ini'),
        f'http_address={address}', f'http_port={port}'])


if __name__ == '__main__':
    main()
