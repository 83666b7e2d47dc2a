"""The cache that Zope's ZCacheable machinery talks to.

One request goes: `ZCache_get` asks the policy and looks for the page; if it
is missing the template renders; `ZCache_set` notes the output.  What then
becomes of it is decided when the whole response is there, in `finish`.
"""
import logging

from AccessControl.class_init import InitializeClass
from AccessControl.SecurityInfo import ClassSecurityInfo
from Acquisition import aq_base
from OFS.Cache import Cache

from ..cmf import guard
from ..interfaces import IPageCacheManager
from ..key.versions import path_of
from ..origin.template import TemplateCall
from ..publisher import request
from .lookup import answer
from .lookup import give_up
from .visit import current_visit


logger = logging.getLogger(__name__)


class PageCache(Cache):
    """Joins the parts.  It holds nothing itself: one serves all managers."""

    security = ClassSecurityInfo()

    @security.private
    def ZCache_get(self, ob, view_name='', keywords=None, mtime_func=None,
                   default=None):
        """Return the page to send, or `default` if `ob` is to render it."""
        visit = current_visit(ob)
        if visit is None or not _is_page_template_call(keywords):
            return default
        if visit.call is not None:
            # a fragment of the page that is being made
            if visit.call.headers_before is not None:
                visit.quieten(keywords)
            return default
        manager = _manager_of(ob)
        if manager is None:
            return default
        try:
            call = visit.call = TemplateCall(ob, keywords, manager, visit)
            result = answer(call)
        except Exception:
            logger.exception('Page is made without the cache')
            result = give_up(visit)
        if result is None:
            return '' if visit.is_head else default
        return result

    @security.private
    def ZCache_set(self, ob, data, view_name='', keywords=None,
                   mtime_func=None):
        """Note what `ob` rendered; nothing is stored before the commit."""
        if data is None:  # a file or an image, which is no page
            guard.set_headers_of_file(ob)
            return
        visit = current_visit(ob)
        call = visit.call if visit is not None else None
        if call is None:
            return
        visit.unquieten(keywords)
        if call.has_ended or call.keywords is not keywords:
            return
        call.has_ended = True
        call.put_back()
        if call.headers_before is not None and isinstance(data, str):
            call.text = data
            call.look_for_user()
            call.note_headers()
            call.own_headers = request.changed_headers(
                call.request.response, call.headers_before)

    @security.private
    def ZCache_invalidate(self, ob):
        """Drop the pages of `ob`.

        An edit of a template calls this, and needs to reach no other client,
        since there the template has another version as well.  Somebody who
        presses the button on its Cache tab means all clients.
        """
        manager = _manager_of(ob)
        if manager is None:
            return None
        visit = current_visit(ob)
        if visit is not None and visit.is_post_to('ZCacheable_invalidate'):
            manager.manage_invalidate([path_of(ob)])
            return 'Invalidated on every client.'
        return f'{manager.forget_template(ob)} entries dropped.'


InitializeClass(PageCache)

#: The only instance.
page_cache = PageCache()


def _is_page_template_call(keywords):
    return isinstance(keywords, dict) and isinstance(
        keywords.get('bound_names'), dict)


def _manager_of(ob):
    """Return the manager of `ob` in the calling connection."""
    manager = ob.ZCacheable_getManager()
    if IPageCacheManager.providedBy(manager):
        return manager
    # another one stands under its name: let ob ask that for its cache
    aq_base(ob)._v_ZCacheable_cache = None
    return None
