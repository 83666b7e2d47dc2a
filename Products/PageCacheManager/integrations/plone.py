"""Parts of the key that only a Plone site has.

Pages of members show the toolbar, and a lock with its age.
"""
import time

from AccessControl import getSecurityManager
from Acquisition import aq_base
from plone.base.interfaces import IPloneSiteRoot
from plone.caching.hooks import IStreamedResponse
from plone.locking.interfaces import ILockable
from plone.registry.interfaces import IRegistry
from zope.component import adapter
from zope.component import queryUtility
from zope.interface import alsoProvides
from zope.interface import implementer

from ..interfaces import ISurroundings
from ..key import visitor
from ..publisher import request as http_request
from . import caching
from . import transforms


#: Cookies that change pages of members: the state of the toolbar, and the
#: clipboard.
COOKIES = ('plone-toolbar', '__cp')

_LOCKS = 'plone.locking'

DAY = 86400


@implementer(ISurroundings)
@adapter(IPloneSiteRoot)
class PloneSurroundings:
    """The effects of a Plone site on keys and headers of pages."""

    # plone.caching sets them for the ruleset of the page
    headers_of_all = frozenset(['x-cache-rule', 'x-cache-operation'])
    variant_names = (
        'Kind of client', 'Groups', 'Cookies of the site', 'Lock')

    def __init__(self, site):
        pass

    def claim(self, request):
        """Return the claim of plone.app.caching, or None."""
        return caching.claim(request)

    def silence(self, request):
        """Keep plone.caching from a change of the response."""
        alsoProvides(request, IStreamedResponse)

    def language(self, request):
        """Return the languages that the site chose for the request."""
        binding = request.other.get('LANGUAGE_TOOL')
        if binding is None:
            return visitor.language(request)
        return repr(binding.getLanguageBindings())

    def chosen_by(self, language):
        """Return the request headers that choose kind of client and language.
        """
        if _has_one_language():
            return ('x-requested-with',)
        return ('x-requested-with', 'accept-language')

    def vary_by(self, request, language):
        """Return the request headers for Vary.

        They are the headers that choose kind of client and language by the
        settings of the site, and Cookie for members.
        """
        cookie = ('Cookie',) if self.cookies(request) else ()
        return ('X-Requested-With', *_language_headers(), *cookie)

    def cookies(self, request):
        """Return the names of the cookies that are in the variant."""
        return () if visitor.current_user() is None else COOKIES

    def variant(self, context, request):
        """Return kind of client, groups, cookies and lock."""
        # main_template is different for scripts
        asked_by = http_request.header(request, 'X-Requested-With') or ''
        kind = 'script' if asked_by == 'XMLHttpRequest' else ''
        if visitor.current_user() is None:
            return kind, '', '', ''
        return (
            kind, _groups(), repr(http_request.cookies(request, COOKIES)),
            _lock(context))


def _has_one_language():
    registry = queryUtility(IRegistry)
    return registry is not None and len({
        # the available languages may not include it
        registry.get('plone.default_language'),
        *(registry.get('plone.available_languages') or ())}) == 1


def _language_headers():
    """Return the request headers that choose the language on this site."""
    if _has_one_language():
        return ()
    registry = queryUtility(IRegistry)
    return tuple(
        name for name, setting in (
            ('Accept-Language', 'plone.use_request_negotiation'),
            ('Cookie', 'plone.use_cookie_negotiation'))
        if registry is None or registry.get(setting))


def _groups():
    """Return the groups of the user as a string: a group may view content.

    The groups in an external user folder change without an event.
    """
    find = getattr(getSecurityManager().getUser(), 'getGroups', None)
    return repr(sorted(find())) if find is not None else ''


def _lock(context):
    """Return the locks of the content as pages show them, '' for none."""
    annotations = getattr(aq_base(context), '__annotations__', None)
    if not annotations or not annotations.get(_LOCKS):
        return ''
    lockable = ILockable(context, None)
    info = lockable.lock_info() if lockable is not None else ()
    now = time.time()
    told = [(lock, _told(now - lock['time'])) for lock in info]
    return repr(told) if told else ''


def _told(secs):
    """Return `secs` rounded as pages show the time of a lock.

    Pages show minutes, at least one, and after the first day hours.
    """
    return max(60, secs // 60 * 60) if secs < DAY else secs // 3600 * 3600


transforms.install()
