"""Content of the demo site: the site, its folders and documents."""

from AccessControl.class_init import InitializeClass
from AccessControl.SecurityInfo import ClassSecurityInfo
from DateTime import DateTime
from OFS.PropertyManager import PropertyManager
from Products.CMFCore.permissions import ModifyPortalContent
from Products.CMFCore.permissions import View
from Products.CMFCore.PortalContent import PortalContent
from Products.CMFCore.PortalFolder import PortalFolder
from Products.CMFCore.PortalObject import PortalObjectBase
from zope.component.factory import Factory
from ZPublisher import zpublish


class DemoFolder(PortalFolder):

    meta_type = 'Demo Folder'
    security = ClassSecurityInfo()

    @security.protected(View)
    def modified(self):
        """Return the last change of a property or of the list of children.

        Both change this object in the database; an edit of a child does
        not.
        """
        return DateTime(self._p_mtime)


InitializeClass(DemoFolder)


class DemoDocument(PortalContent, PropertyManager):

    meta_type = 'Demo Document'
    zmi_icon = 'far fa-file-alt'
    security = ClassSecurityInfo()

    _properties = (
        {'id': 'title', 'type': 'string', 'mode': 'w', 'label': 'Title'},
        {'id': 'description', 'type': 'text', 'mode': 'w',
         'label': 'Description'},
        {'id': 'text', 'type': 'text', 'mode': 'w', 'label': 'Text'},
        {'id': 'subject', 'type': 'lines', 'mode': 'w', 'label': 'Subject'},
        {'id': 'creator', 'type': 'string', 'mode': 'w', 'label': 'Author'},
        {'id': 'effective_date', 'type': 'date', 'mode': 'w',
         'label': 'Published'},
    )
    manage_options = (
        PropertyManager.manage_options
        + ({'label': 'View', 'action': 'document_view'},)
        + PortalContent.manage_options[3:])

    title = ''
    description = ''
    text = ''
    subject = ()
    creator = ''
    effective_date = None

    def __init__(self, id, **properties):
        self.id = id
        self.effective_date = DateTime()
        for name, value in properties.items():
            setattr(self, name, value)
        self.modification_date = self.effective_date

    def _setPropValue(self, id, value):
        # every form calls this, also in the ZMI; reindexing calls
        # notifyModified
        super()._setPropValue(id, value)
        self.reindexObject()

    @security.protected(ModifyPortalContent)
    def notifyModified(self):
        self.modification_date = DateTime()

    @security.protected(View)
    def Title(self):
        return self.title

    @security.protected(View)
    def Description(self):
        return self.description

    @security.protected(View)
    def Subject(self):
        return tuple(self.subject)

    @security.protected(View)
    def Creator(self):
        return self.creator

    @security.protected(View)
    def Type(self):
        return self.getTypeInfo().Title()

    @security.protected(View)
    def paragraphs(self):
        # browsers send other line ends
        text = '\n'.join(self.text.splitlines())
        return [part for part in text.split('\n\n') if part.strip()]

    @security.protected(View)
    def effective(self):
        return self.effective_date

    @security.protected(View)
    def modified(self):
        return self.modification_date

    @security.protected(View)
    def SearchableText(self):
        return f'{self.title} {self.description} {self.text}'

    @security.protected(ModifyPortalContent)
    @zpublish(methods='POST')
    def save(self, title, description, text, REQUEST=None):
        """Change the document; through the web redirect to its page."""
        self.manage_changeProperties(
            title=title, description=description, text=text)
        if REQUEST is not None:
            REQUEST.RESPONSE.redirect(self.absolute_url(), status=303)


InitializeClass(DemoDocument)


class DemoSite(PortalObjectBase):

    meta_type = 'Demo Site'
    zmi_icon = 'fas fa-globe'
    security = ClassSecurityInfo()

    @security.protected(View)
    def modified(self):
        """Return the last change of the list of children."""
        return DateTime(self._p_mtime)


InitializeClass(DemoSite)

folder_factory = Factory(DemoFolder)
document_factory = Factory(DemoDocument)
