"""A view of a test's own, and the same site with the cache off."""
import transaction
from Products.Five.browser import BrowserView


#: The path of the view that the fixture `register` registers.
V = '/site/doc/v-mine'


class Base(BrowserView):
    __allow_access_to_unprotected_subobjects__ = True


def off(site, ask):
    """Return the result of `ask` with the cache off."""
    site.page_cache.disable()
    transaction.commit()
    found = ask()
    site.page_cache.enable()
    transaction.commit()
    return found
