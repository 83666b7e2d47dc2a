"""Browser views of the test site: of each kind that ZCML can make."""
from Products.Five.browser import BrowserView
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from zope.interface import Interface
from zope.interface import implementer
from zope.publisher.interfaces.browser import IDefaultBrowserLayer

from ..site import Item


class IMobile(IDefaultBrowserLayer):
    """Marks requests of a layer that has its own view."""


class INote(Interface):
    """Marks content of a kind."""


class Counting(BrowserView):
    """Shows its sources, and how often it was rendered."""

    text = 'counting'

    def __call__(self):
        response = self.request.response
        response.setHeader('Content-Type', 'text/html; charset=utf-8')
        response.setHeader('X-View', 'as it is')
        return self.page()

    def page(self):
        """Return the page itself."""
        context = self.context
        return (
            f'<html><body><p id="text">{context.text}</p>'
            f'<p id="name">{self.text}</p>'
            f'<p id="query">{self.request.get("QUERY_STRING")}</p>'
            f'<p id="render">{context.count_render()}</p></body></html>')

    def other(self):
        """Return another page."""
        return f'<html><p>another {self.context.count_render()}</p></html>'


class Mobile(Counting):
    text = 'mobile'


class Listing(BrowserView):
    """Lists the content of a folder, by its own template."""

    def items(self):
        Item.renders += 1
        return [
            item for item in self.context.objectValues()
            if hasattr(item, 'text')]


class WithIndex(Listing):
    index = ViewPageTemplateFile('listing.pt')

    def __call__(self):
        return self.index()


class Writing(Counting):
    """Counts visits in the database."""

    def __call__(self):
        self.context.visits = getattr(self.context, 'visits', 0) + 1
        return super().__call__()


@implementer(Interface)
class Streaming(Counting):
    def __call__(self):
        self.request.response.write(b'piece by piece')
        return ''


class Acting(BrowserView):
    """Calls the method that a test adds to the content."""

    def __call__(self):
        return self.context.act(self.request)


class Silent(Acting):
    """Leaves the Content-Type to Zope."""


class WithArguments(Counting):
    """Has arguments, which Zope takes from the request."""

    def __call__(self, word='none', utm_source='none'):
        return f'<p>{word} {utm_source} {self.context.count_render()}</p>'


class Traversing(Counting):
    """Takes the names behind its own for itself."""

    names = ()

    def publishTraverse(self, request, name):
        self.names = (*self.names, name)
        return self

    def __call__(self):
        self.context.count_render()
        return f'<p>{"/".join(self.names)}</p>'


class ByTemplate(Listing):
    """Has a template that is published as one of its methods."""

    listing = ViewPageTemplateFile('listing.pt')


class Plain:
    """A class that knows nothing of views."""

    def __call__(self):
        return f'<p>plain {self.context.count_render()}</p>'

    def helper(self):
        """Return a text that is not a page by itself."""
        return f'<p>helper {self.context.count_render()}</p>'


class TwoTemplates(BrowserView):
    """Renders templates that have any names."""

    outer = ViewPageTemplateFile('listing-alone.pt')

    def __call__(self):
        return self.outer()
