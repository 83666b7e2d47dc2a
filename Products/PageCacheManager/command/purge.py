"""Drops pages, on every client of the database."""
from .manager import RemoteManager
from .usage import UsageError
from .web import printable


def run(options):
    """Drop all pages, or the pages of a path; return the exit code.

    Raises UsageError and Failure.
    """
    path = options.path
    if path is not None and not path.startswith(('/', '@@')):
        raise UsageError('PATH begins with / or @@.')
    if options.below and not (path or '').startswith('/'):
        raise UsageError('--below needs a PATH that begins with /.')
    if path is not None:
        # a slash at the end stands for all content below, too
        path = path.rstrip('/') + '/' * options.below
        if not path:
            raise UsageError('/ has no page of its own: add --below.')
    manager = RemoteManager(options)
    if path is None:
        manager.post('manage_purge')
    else:
        manager.post('manage_invalidate', **{'paths:list': path})
    print('All pages are purged.' if path is None else
          f'The pages of {printable(path)} are invalidated.')
    return 0
