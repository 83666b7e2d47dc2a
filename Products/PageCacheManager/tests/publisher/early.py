"""A view of a test's own, and the same site with the cache off."""
import transaction
from Products.Five.browser import BrowserView


#: Where the view is that the fixture `register` registers.
V = '/site/doc/v-mine'


class Base(BrowserView):
    __allow_access_to_unprotected_subobjects__ = True


def off(site, ask):
    """Return what `ask` returns with the cache off."""
    site.page_cache.disable()
    transaction.commit()
    found = ask()
    site.page_cache.enable()
    transaction.commit()
    return found
