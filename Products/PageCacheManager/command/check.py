"""Lists the objects that name a Page Cache Manager.

It is for use before the package is removed: without the package a template
that names a manager fails.  Without --remove nothing is changed.  The exit
code is 1 if an object still names a manager.
"""
import transaction
import Zope2
from Testing.makerequest import makerequest
from Zope2.Startup.run import make_wsgi_app

from ..interfaces import IPageCacheManager
from ..key.versions import path_of
from ..manager.associated import below
from ..manager.associated import naming
from ..manager.associated import take_away


#: After so many objects the connection may free the loaded objects.
_BATCH = 10_000


def check(app, remove=False, say=print):
    """Report the objects below `app` that name a manager.

    With `remove` take the names away.  Return the number of objects that
    still name a manager.
    """
    left = 0
    for number, ob in enumerate(below(app), 1):
        if IPageCacheManager.providedBy(ob):
            say(f'{path_of(ob)} is a Page Cache Manager.')
        found = naming(ob)
        if found is not None:
            is_gone = remove and take_away(found)
            left += not is_gone
            say(f'{found.path} {_about(found, is_gone)}')
        if number % _BATCH == 0:
            app._p_jar.cacheGC()
    return left


def _about(found, is_gone):
    where = (
        'where there is no manager' if found.manager is None
        else f'which is {path_of(found.manager)}')
    return f'{"named" if is_gone else "names"} {found.name!r}, {where}' + (
        f': take it out of {found.file}' if found.file else '.')


def run(options):
    """Start Zope, and check its database; return the exit code."""
    make_wsgi_app({}, options.zope_conf)
    app = makerequest(Zope2.app())
    try:
        left = check(app, options.remove)
        if options.remove:
            transaction.get().note('Page Cache Manager: associations removed')
            transaction.commit()
    finally:
        transaction.abort()
        app._p_jar.close()
    print(f'{left} objects name a Page Cache Manager.')
    return 1 if left else 0
