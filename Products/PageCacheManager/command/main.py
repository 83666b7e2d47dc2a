"""The command line: its sub-commands, their options, and exit codes.

A sub-command is a module with a function ``run``, which takes the options and
returns the exit code.  It is imported when it is called: only ``check`` needs
Zope, which takes seconds to load.
"""
import argparse
import sys
from importlib import import_module

from .login import add_login
from .usage import Failure
from .usage import UsageError
from .web import printable


def main(arguments=None):
    """Run the command; return its exit code.

    It is 2 for bad usage, as in argparse, and 1 for a failure.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    run = import_module(f'.{options.command}', __package__).run
    try:
        return run(options)
    except UsageError as error:
        print(f'pagecache {options.command}: {error}', file=sys.stderr)
        return 2
    except Failure as error:  # its text may come from a server
        print(printable(f'pagecache {options.command}: {error}'),
              file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f'pagecache {options.command}: interrupted', file=sys.stderr)
        return 1
    except BrokenPipeError:  # for instance in `pagecache stats | head -1`
        sys.stdout = None  # at exit Python would write the rest
        return 1


def number(low, high, kind=int):
    """Return a function that reads a number from `low` to `high`."""
    def read(text):
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:  # nan is in no range
            raise argparse.ArgumentTypeError(
                f'{text!r:.40} is no number from {low} to {high}')
        return value

    return read


def _parser():
    parser = argparse.ArgumentParser(
        prog='pagecache', description='Works on a Page Cache Manager of a '
        'running Zope, over HTTP.', epilog='Exit code: 0 if all went well, '
        '1 if something failed, 2 for bad usage. Passwords come from '
        'PAGECACHE_PASSWORD, a file or a prompt.')
    commands = parser.add_subparsers(
        dest='command', required=True, metavar='COMMAND')
    for add in _warm, _explain, _stats, _purge, _check:
        add(commands)
    return parser


def _command(commands, name, text):
    return commands.add_parser(name, help=text, description=text)


def _add_request(parser):
    """Add the options of all sub-commands that send requests."""
    add_login(parser)
    parser.add_argument(
        '--timeout', metavar='SECONDS', default=30, type=number(1, 600),
        help='for each request; default 30')
    parser.add_argument(
        '--header', metavar="'NAME: VALUE'", action='append', default=[],
        help='a header of each request; may be given several times')


def _add_manager(parser):
    parser.add_argument(
        '--manager', metavar='URL', required=True, help='of the manager, '
        'such as http://127.0.0.1:8080/site/page_cache')
    _add_request(parser)


def _warm(commands):
    parser = _command(
        commands, 'warm', 'Ask for pages, so that they are stored.')
    parser.add_argument(
        'source', metavar='SITEMAP|FILE|URL', help='the URL of a sitemap or '
        'sitemap index (.xml, .gz), the URL of one page, or a file with a '
        'URL on each line; - is standard input')
    parser.add_argument(
        '--concurrency', metavar='N', default=2, type=number(1, 32),
        help='requests at the same time, 1 to 32; default 2')
    parser.add_argument(
        '--rate', metavar='N', default=10, type=number(0.01, 1000, float),
        help='requests per second at most, 0.01 to 1000; default 10')
    parser.add_argument(
        '--limit', metavar='N', default=10_000, type=number(1, 100_000),
        help='pages at most, 1 to 100000; default 10000')
    parser.add_argument(
        '--verbose', action='store_true', help='print a line for each page')
    _add_request(parser)


def _explain(commands):
    parser = _command(
        commands, 'explain', 'Tell how the cache would answer a '
        'request for a page now, and why.')
    parser.add_argument(
        'url', metavar='URL', help='of a page, or its path, as visitors use '
        'it at the address of the manager')
    parser.add_argument(
        '--visitor', choices=('anonymous', 'me'), default='anonymous',
        help='who asks: an anonymous visitor, or you; default anonymous')
    parser.add_argument(
        '--json', action='store_true', help='print JSON')
    _add_manager(parser)


def _stats(commands):
    _add_manager(_command(
        commands, 'stats', 'Print the counters of the process that '
        'answers.'))


def _purge(commands):
    parser = _command(
        commands, 'purge', 'Forget pages, on every client of the '
        'database.')
    parser.add_argument(
        'path', metavar='PATH', nargs='?', help='physical path of content or '
        'of a template, such as /site/news, or a view such as @@view; '
        'without it all pages are forgotten')
    parser.add_argument(
        '--below', action='store_true',
        help='forget the pages of all content below PATH, too')
    _add_manager(parser)


def _check(commands):
    parser = _command(
        commands, 'check', 'List the objects that name a Page Cache '
        'Manager in a database, before the package is removed.')
    parser.add_argument('zope_conf', help='path to zope.conf')
    parser.add_argument(
        '--remove', action='store_true', help='take the associations away')
