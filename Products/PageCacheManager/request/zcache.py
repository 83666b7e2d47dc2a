"""The cache that Zope's ZCacheable machinery calls.

It is for templates that other code calls.  A published template has a
stand-in, so for it the answer here is always a miss.
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
    """Connects Zope with the cache.

    It has no state, so one instance serves all managers.
    """

    security = ClassSecurityInfo()

    @security.private
    def ZCache_get(self, ob, view_name='', keywords=None, mtime_func=None,
                   default=None):
        """Return the text of the page, or `default` if `ob` must render."""
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
        # `ob` is the page's template, or renders a fragment of the page
        exchange.begin_call(keywords)
        return default

    @security.private
    def ZCache_set(self, ob, data, view_name='', keywords=None,
                   mtime_func=None):
        """Take the text that `ob` rendered.

        Nothing is stored before the commit.
        """
        if data is None:  # a file or an image, which is no page
            guard.set_headers_of_file(ob)
            return
        exchange = exchange_of(aq_get(ob, 'REQUEST', None))
        if exchange is not None and _is_page_template_call(keywords):
            exchange.end_call(keywords, data)

    @security.private
    def ZCache_invalidate(self, ob):
        """Drop the pages under the path of `ob` in this process.

        An edit of a template calls this.  Other clients need no message, since
        the template has a new version there too.  Code that must drop all
        pages of a template calls `manage_invalidate`.  The button on the
        template's Cache tab drops the pages on all clients.
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
