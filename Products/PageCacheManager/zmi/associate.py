"""The Associate screen: Zope's own, with a hint."""
from Acquisition import aq_inner
from Acquisition import aq_parent
from OFS.Cache import CacheManager

from ..cmf import guard
from ..manager.associated import count
from .page import DONE
from .page import STYLE
from .page import escape_title
from .page import template


#: Where the content of Zope's screen begins.
MAIN = '<main class="container-fluid">'

_hint = template('hint.zpt')


def associate(manager, request, results=(), **options):
    """Return Zope's own screen, with a hint on templates in files.

    Zope's form has its URL in ``target`` by mistake; it belongs in
    ``action``.
    """
    done = DONE.get(str(request.form.get('done')))
    if done:
        options['manage_tabs_message'] = done
    page = CacheManager.ZCacheManager_associate.__of__(manager)(
        manager, request, results=results, **options)
    parent = aq_parent(aq_inner(manager))
    hint = _hint.__of__(manager)(
        id=manager.getId(), style=STYLE, url=manager.absolute_url(),
        count=count(manager),
        files=list(_files(parent, results)))
    page = escape_title(page, manager)
    page = page.replace('<form target="', '<form action="')
    return page.replace(MAIN, MAIN + hint, 1)


def _files(parent, results):
    """Yield those objects of the results that are made from files."""
    for result in results:
        found = parent.unrestrictedTraverse(result['path'], None)
        path = guard.file_of(found)
        if path:
            yield {'path': result['path'], 'file': f'{path}.metadata'}
