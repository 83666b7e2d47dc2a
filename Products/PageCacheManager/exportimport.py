"""GenericSetup: title, settings and views of a manager as XML in a profile.

Each manager directly in the site has a file
``Products.PageCacheManager/ID.xml``.  A manager in a folder is exported with
that folder.
"""
from html import escape
from xml.dom.minidom import parseString

from Products.GenericSetup.interfaces import ISetupEnviron
from Products.GenericSetup.utils import XMLAdapterBase
from Products.GenericSetup.utils import exportObjects
from Products.GenericSetup.utils import importObjects
from zExceptions import BadRequest
from zope.component import adapter

from .core.associations import read
from .core.fields import Names
from .core.settings import BY_NAME
from .interfaces import IPageCacheManager
from .PageCacheManager import PageCacheManager


#: Name of the folder in a profile, and of the log.
NAME = 'Products.PageCacheManager'


class WrongProfile(BadRequest, ValueError):
    """A profile's file with a wrong value; the message names both."""

    title = 'The profile was not imported.'

    def __init__(self, message):
        super().__init__(message)
        # Zope does not escape it in the error page
        self.detail = f'<p>{escape(message)}</p>'


@adapter(IPageCacheManager, ISetupEnviron)
class PageCacheManagerXMLAdapter(XMLAdapterBase):
    """Exports and imports one manager."""

    _LOGGER_ID = NAME

    def _exportNode(self):
        node = self._getObjectNode('object', i18n=False)
        node.appendChild(self._text('title', self.context.title))
        for name, value in self.context.getSettings().items():
            if isinstance(BY_NAME[name], Names):
                node.appendChild(self._list(name, value))
            else:
                node.appendChild(self._text(name, BY_NAME[name].show(value)))
        for association in self.context.getViews():
            node.appendChild(self._view(association))
        # GenericSetup shows the message alone, without its arguments
        self._logger.info(f'{self.context.getId()} exported.')
        return node

    def _importNode(self, node):
        """Set title, settings and views; if any is wrong, change nothing.

        Values that the file leaves out stay.  If the import purges, they
        become the defaults.
        """
        title, settings = self._starting_point()
        for child in node.childNodes:
            if child.nodeName != 'property':
                continue
            name = child.getAttribute('name')
            if name == 'title':
                title = self._getNodeText(child)
            else:
                settings[name] = self._value(name, child)
        try:
            views = self._views(node)
            self.context.manage_editProps(title, settings)
        except ValueError as error:
            where = self.filename or self.context.getId()
            raise WrongProfile(f'{where}: {error}') from error
        if views is not None:
            self.context.manage_editViews(views)
        self._logger.info(f'{self.context.getId()} imported.')

    node = property(_exportNode, _importNode)

    def _starting_point(self):
        if not self.environ.shouldPurge():
            return self.context.title, {}
        return '', {name: field.default for name, field in BY_NAME.items()}

    def _views(self, node):
        """Return the new associations, None to leave them as they are.

        Raises AssociationError.
        """
        found = [child for child in node.childNodes
                 if child.nodeName == 'view']
        if not found:
            return () if self.environ.shouldPurge() else None
        rows = [dict(child.attributes.items()) for child in found]
        purges = [self._convertToBoolean(row.pop('purge', 'True'))
                  for row in rows]
        if not any(purges):
            rows = [*self.context.getViews(), *rows]
        return read(rows)

    def _view(self, association):
        node = self._doc.createElement('view')
        for name, value in association.items():
            node.setAttribute(name, value)
        return node

    def _text(self, name, text):
        node = self._doc.createElement('property')
        node.setAttribute('name', name)
        node.appendChild(self._doc.createTextNode(text))
        return node

    def _list(self, name, values):
        node = self._doc.createElement('property')
        node.setAttribute('name', name)
        for value in values:
            child = self._doc.createElement('element')
            child.setAttribute('value', value)
            node.appendChild(child)
        return node

    def _value(self, name, node):
        if not isinstance(BY_NAME.get(name), Names):
            return self._getNodeText(node)
        listed = [
            child.getAttribute('value') for child in node.childNodes
            if child.nodeName == 'element']
        # the rule of GenericSetup for properties with lists
        if self._convertToBoolean(node.getAttribute('purge') or 'True'):
            return listed
        return [*self.context.getSettings()[name], *listed]


def export_managers(context):
    """Write a file for each manager in the site."""
    for manager in _managers(context.getSite()):
        exportObjects(manager, f'{NAME}/', context)


def import_managers(context):
    """Read the file of each manager, and add missing managers."""
    site = context.getSite()
    for filename in context.listDirectory(NAME) or ():
        if filename.endswith('.xml'):
            _add_missing(site, context, f'{NAME}/{filename}')
    for manager in _managers(site):
        importObjects(manager, f'{NAME}/', context)


def _managers(site):
    return site.objectValues(PageCacheManager.meta_type)


def _add_missing(site, context, path):
    # the id may have spaces, the file name has none
    root = parseString(context.readDataFile(path)).documentElement
    name = str(root.getAttribute('name'))
    present = site._getOb(name, None)
    if present is None:
        site._setObject(name, PageCacheManager(name))
    elif not IPageCacheManager.providedBy(present):
        context.getLogger(NAME).warning(
            f'{path} is left out: another object stands at {name}.')
