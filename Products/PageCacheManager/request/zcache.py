"""The cache that Zope's ZCacheable machinery talks to.

It is for templates that other code calls.  A published one has a stand-in,
and is told here that there is nothing in the cache.
"""
from AccessControl.class_init import InitializeClass
from AccessControl.SecurityInfo import ClassSecurityInfo
from Acquisition import aq_get
from OFS.Cache import Cache

from ..cmf import guard
from ..core.attempt import FAILED
from ..core.attempt import attempt
from ..key.versions import path_of
from ..origin.template import CalledTemplate
from ..origin.template import manager_of_template
from ..publisher import request as http_request
from .exchange import exchange_of
from .exchange import new_exchange


class PageCache(Cache):
    """Joins the parts.  It holds nothing itself: one serves all managers."""

    security = ClassSecurityInfo()

    @security.private
    def ZCache_get(self, ob, view_name='', keywords=None, mtime_func=None,
                   default=None):
        """Return the page to send, or `default` if `ob` is to render it."""
        request = aq_get(ob, 'REQUEST', None)
        if not (http_request.has_arrived(request)
                and _is_page_template_call(keywords)):
            return default
        exchange = exchange_of(request)
        result = None
        if exchange is None:
            exchange = attempt(
                None, 'answer', _new_exchange, ob, keywords, request)
            if exchange is None or exchange is FAILED:
                return default
            result = exchange.look_up()
        if result is not None:
            return result
        # the page, or a fragment of the page that is made
        exchange.begin_call(keywords)
        return default

    @security.private
    def ZCache_set(self, ob, data, view_name='', keywords=None,
                   mtime_func=None):
        """Note what `ob` rendered; nothing is stored before the commit."""
        if data is None:  # a file or an image, which is no page
            guard.set_headers_of_file(ob)
            return
        exchange = exchange_of(aq_get(ob, 'REQUEST', None))
        if exchange is not None and _is_page_template_call(keywords):
            exchange.end_call(keywords, data)

    @security.private
    def ZCache_invalidate(self, ob):
        """Drop the pages under the path of `ob`.

        An edit of a template calls this, and needs to reach no other client,
        since there the template has another version as well.  Code that means
        all pages of a template calls `manage_invalidate`.  Somebody who
        presses the button on its Cache tab means all clients.
        """
        manager = manager_of_template(ob)
        if manager is None:
            return None
        request = aq_get(ob, 'REQUEST', None)
        if http_request.is_post_to(request, 'ZCacheable_invalidate'):
            manager.manage_invalidate([path_of(ob)])
            return 'Invalidated on every client.'
        return f'{manager.forget_template(ob)} entries dropped.'


InitializeClass(PageCache)

#: The only instance.
page_cache = PageCache()


def _new_exchange(template, keywords, request):
    return new_exchange(request, CalledTemplate(template, keywords))


def _is_page_template_call(keywords):
    return isinstance(keywords, dict) and isinstance(
        keywords.get('bound_names'), dict)
