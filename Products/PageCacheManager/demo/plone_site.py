"""Builds a Plone site with content, members and theme.

It has the texts of the CMF demo site, so that both can be compared.
"""

from plone.app.textfield.value import RichTextValue
from Products.CMFCore.indexing import processQueue
from Products.CMFPlone.factory import addPloneSite
from zope.component import adapter
from zope.processlifetime import IDatabaseOpenedWithRoot

from .pages import BODY
from .pages import MEMBERS
from .pages import PAGES
from .pages import TITLE
from .start import add_missing
from .start import as_system


SITE_ID = 'Plone'

#: The profiles that Plone's form for a new site adds, and that of the add-on.
PROFILES = (
    'plone.app.contenttypes:default',
    'plone.app.caching:default',
    'plonetheme.barceloneta:default',
    'Products.PageCacheManager:default',
)

WORKFLOW = 'simple_publication_workflow'

LISTED = 30


@adapter(IDatabaseOpenedWithRoot)
def add_if_missing(event):
    """Add the site to a database without one, when Zope starts."""
    add_missing(event.database, SITE_ID, add_site)


def add_site(app, site_id=SITE_ID):
    """Build the site in the application root; the caller commits."""
    with as_system(app):
        site = addPloneSite(
            app, site_id, title=TITLE, extension_ids=PROFILES)
        fill(site)
    return app[site_id]


def fill(site):
    """Add members and published content to an empty site."""
    site.portal_workflow.setDefaultChain(WORKFLOW)
    for name, password, roles, fullname in MEMBERS:
        site.acl_users.userFolderAddUser(name, password, roles, ())
        site.portal_membership.getMemberById(name).setMemberProperties(
            {'fullname': fullname})
    add(site, 'Document', 'a-document', 'A document', text=rich_text(BODY))
    add(site, 'News Item', 'a-news-item', 'A news item',
        text=rich_text(BODY))
    folder = add(site, 'Folder', 'a-folder', 'A folder')
    for number, page in enumerate(PAGES[:LISTED]):
        add(folder, 'Document', f'item-{number}', page[2],
            description=page[6], text=rich_text(page[6], BODY))
    shown = add(site, 'Folder', 'a-shown-folder', 'A folder with a page')
    add(shown, 'Document', 'front', 'The page of a folder',
        text=rich_text(BODY))
    shown.setDefaultPage('front')
    add(site, 'Collection', 'a-collection', 'A collection', query=[
        {'i': 'portal_type', 'o': 'plone.app.querystring.operation'
         '.selection.any', 'v': ['Document']}], sort_on='sortable_title')
    processQueue()  # indexing at the commit would not find the site's tools


def rich_text(*paragraphs):
    """Return plain text as a value of a rich text field."""
    raw = ''.join(
        f'<p>{part}</p>'
        for text in paragraphs for part in text.split('\n\n'))
    return RichTextValue(raw, 'text/html', 'text/x-html-safe')


def add(container, kind, name, title, **fields):
    """Add content, publish it, and return it."""
    container.invokeFactory(kind, name, title=title, **fields)
    content = container[name]
    content.portal_workflow.doActionFor(content, 'publish')
    content.reindexObject()
    return content
