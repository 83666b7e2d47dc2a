"""The persistent object: settings, views, and methods for code and forms."""
import html
from collections.abc import Mapping
from functools import lru_cache

from AccessControl.class_init import InitializeClass
from AccessControl.Permissions import view_management_screens
from AccessControl.requestmethod import postonly
from AccessControl.SecurityInfo import ClassSecurityInfo
from OFS.Cache import CacheManager
from OFS.ObjectManager import checkValidId
from OFS.SimpleItem import SimpleItem
from zExceptions import BadRequest
from zope.event import notify
from zope.interface import implementer
from ZPublisher import zpublish

from . import zmi
from .core import associations
from .core import settings as fields
from .core.associations import Association
from .core.key import row_id
from .core.settings import Settings
from .interfaces import IPageCacheManager
from .manager import caches
from .manager.events import PagesPurged
from .manager.generation import Generation
from .marks import write
from .request.zcache import page_cache


@implementer(IPageCacheManager)
class PageCacheManager(
        Generation, zmi.ManagerTabs, CacheManager, SimpleItem):
    """Stores whole rendered pages in memory, and finds them by their ETag."""

    meta_type = 'Page Cache Manager'
    zmi_icon = 'fas fa-bolt'
    title = ''

    security = ClassSecurityInfo()
    security.setPermissionDefault('Change cache managers', ('Manager',))

    # defaults for objects of older versions
    _settings = None
    _views = ()

    def __init__(self, id, title=''):
        self.id = id
        self.title = title
        self._settings = fields.as_dict(Settings())
        self.renew()

    def __setstate__(self, state):
        """Load the state that any version has stored."""
        super().__setstate__({**state, 'title': _text(state.get('title'))})

    # for the engine

    @security.private
    def associations(self):
        """Return the associated views."""
        return _associations(self._views)

    @security.private
    def ZCacheManager_getCache(self):
        return page_cache

    @security.private
    def forget_template(self, template):
        """Drop the pages under a template's own path from this process.

        Pages of a template in ``portal_skins`` have another path.  No request
        finds them any more, because the key has a new version.
        """
        return caches.cache_of(self).forget_template(template)

    # for administrators and code

    @zpublish(False)
    @security.protected(view_management_screens)
    def getSettings(self):
        """Return the settings as a dict of plain values."""
        return fields.as_dict(fields.stored(self._settings))

    @zpublish(False)
    @security.protected(view_management_screens)
    def getViews(self):
        """Return the associated views, a list with a dict for each."""
        return [found._asdict() for found in self.associations()]

    @zpublish(False)
    @security.protected(view_management_screens)
    def getCacheReport(self):
        """Return the pages of this process, a list with a dict for each."""
        pages = caches.cache_of(self).pages
        return [dict(row, row=row_id(
            (row['template_path'], row['context_path'], row['url'])))
            for row in pages.report()]

    @zpublish(False)
    @security.protected(view_management_screens)
    def isActive(self):
        """Return whether pages are cached now."""
        return caches.is_active(fields.stored(self._settings))

    @zpublish(False)
    @security.protected('Change cache managers')
    def enable(self, option='on_always'):
        """Switch caching on, always or in production only."""
        self._change({'active': option})

    @zpublish(False)
    @security.protected('Change cache managers')
    def disable(self):
        """Switch caching off."""
        self._change({'active': 'off'})

    @zpublish(False)
    @security.protected('Change cache managers')
    def setTitle(self, title):
        """Change the title."""
        self.title = _text(title)

    @zpublish(methods='POST')
    @security.protected('Change cache managers')
    @postonly
    def manage_editProps(self, title, settings=None, REQUEST=None):
        """Change title and settings; if any is wrong, change nothing."""
        if not isinstance(settings, Mapping):  # from a form, of any type
            if REQUEST is None and settings is not None:
                raise ValueError(
                    'settings: expected a mapping of names to values, not '
                    f'{settings!r:.60}.')
            settings = zmi.typed_settings(REQUEST)
        try:
            self._change(settings)
        except fields.SettingsError as error:
            if REQUEST is None:
                raise
            return zmi.properties(
                self, REQUEST, errors=error.errors, title=title)
        self.setTitle(title)
        if REQUEST is not None:
            zmi.show_tab(self, REQUEST, 'manage_main', 'saved')

    @zpublish(methods='POST')
    @security.protected('Change cache managers')
    @postonly
    def manage_editViews(self, views=(), REQUEST=None):
        """Associate these views and no others."""
        if REQUEST is None:
            found = associations.read(views)
        else:
            typed = zmi.typed_views(REQUEST)  # a form may send any type
            if typed.message:
                return zmi.views(self, REQUEST, typed)
            found = typed.found
        self._modernize()
        self._views = tuple(tuple(one) for one in found)
        if REQUEST is not None:
            zmi.show_tab(self, REQUEST, 'manage_views', 'views')

    @zpublish(methods='POST')
    @security.protected('Change cache managers')
    @postonly
    def manage_purge(self, REQUEST=None):
        """Drop all pages, on every client of the database."""
        self._modernize()
        write(self._purged)
        notify(PagesPurged(self, None))
        caches.after_commit(self.cache_name(), caches.ManagerCache.purge)
        if REQUEST is not None:
            zmi.show_tab(self, REQUEST, 'manage_main', 'purged')

    @zpublish(methods='POST')
    @security.protected('Change cache managers')
    @postonly
    def manage_invalidate(self, paths=(), REQUEST=None):
        """Drop the pages of some templates, contexts or report rows.

        A path that ends in a slash stands for all content below it, too.
        """
        try:
            names = self._names_of(paths)
        except ValueError as error:
            if REQUEST is None:
                raise
            return zmi.statistics(self, REQUEST, str(error), 'warning')
        self.invalidate(names, {*self._templates_of(names)} - {''})
        if REQUEST is not None:
            zmi.show_tab(
                self, REQUEST, 'manage_stats', 'invalidated_many'
                if len(names) > zmi.MANY else 'invalidated')

    def _change(self, values):
        self._settings = fields.as_dict(
            fields.changed(fields.stored(self._settings), values))
        self._modernize()


InitializeClass(PageCacheManager)


@lru_cache(maxsize=64)
def _associations(rows):
    # rows of earlier releases have more items
    return tuple(Association(*row[:2]) for row in rows)


def _text(title):
    """Return a title of any version as text.

    zodbupdate leaves bytes if a string of Python 2 had an unexpected
    encoding.
    """
    if isinstance(title, bytes):
        try:
            return title.decode('utf-8')
        except UnicodeDecodeError:
            return title.decode('latin-1')
    return str(title or '')


def _why_not(folder, id):
    """Return the reason why a folder does not accept an id, '' if it does.
    """
    if isinstance(id, str) and id and id != id.strip():
        return 'The id is blank, or begins or ends with a blank.'
    try:
        checkValidId(folder, id)
    except BadRequest as error:
        return html.unescape(str(error.args[0]))  # it is escaped for HTML
    return ''


@zpublish
def manage_addPageCacheManagerForm(self, REQUEST=None):
    """Show the form that adds a manager."""
    return zmi.add_form(self, REQUEST or self.REQUEST)


@zpublish(methods='POST')
@postonly
def manage_addPageCacheManager(self, id, title='', REQUEST=None):
    """Add a Page Cache Manager to a folder.

    Raises ValueError for an id that the folder does not accept.
    """
    why = _why_not(self.this(), id)
    if why:
        if REQUEST is None:
            raise ValueError(why)
        return zmi.add_form(self, REQUEST, id, title, why)
    self._setObject(id, PageCacheManager(id, str(title)))
    if REQUEST is not None:
        manager = self._getOb(id)
        REQUEST.RESPONSE.redirect(f'{manager.absolute_url()}/manage_main')
