"""The parts of a key that depend on the visitor: user, language, skin."""
from functools import lru_cache

from AccessControl import getSecurityManager
from AccessControl.users import nobody
from Acquisition import aq_base
from Acquisition import aq_get
from Acquisition import aq_inner
from Acquisition import aq_parent
from zope.component import getSiteManager
from zope.component import queryUtility
from zope.i18n.interfaces import INegotiator
from zope.i18n.interfaces import ITranslationDomain
from zope.i18n.interfaces import IUserPreferredLanguages
from zope.i18n.negotiator import Negotiator
from zope.i18n.negotiator import normalize_lang

from ..core.http.lists import directives
from ..publisher import request as http_request
from .versions import container_of


#: Directives that let a shared cache keep the answer to a request with
#: Authorization (RFC 9111 section 3.5).
_SHAREABLE = frozenset(['public', 's-maxage', 'must-revalidate'])

#: The translation domain of our own screens, which are never kept.
OWN_DOMAIN = 'PageCacheManager'


def is_anonymous(user):
    """Return whether `user` is not logged in."""
    return user is None or (
        user.getUserName() == 'Anonymous User' and user.getId() is None)


def current_user():
    """Return the user of this request, None if anonymous."""
    user = getSecurityManager().getUser()
    if user is None or aq_base(user) is nobody or is_anonymous(user):
        return None
    return user


def is_of_request(request, context):
    """Return whether code runs as the user of the request.

    Other code may lend the rights of another user, or take them away.
    """
    user = getSecurityManager().getUser()
    own = request.other.get('AUTHENTICATED_USER')
    return user is own or who(user, context) == who(own, context)


def is_user_of_copy(request, copy):
    """Return whether code runs as the user of a request in a copy of it,
    for which a user folder was asked anew.
    """
    context = request.other['PARENTS'][0]
    users = request.other, copy.other
    own, other = [
        who(one.get('AUTHENTICATED_USER'), context) for one in users]
    return own == other and is_of_request(request, context)


def who(user, context):
    """Return the identity of `user` and its rights, None if not logged in.
    """
    if user is None or aq_base(user) is nobody:
        return None
    return (
        # a user of another class may have rights beside roles
        type(aq_base(user)), _folder_path(user), _name(user),
        tuple(sorted(user.getRolesInContext(context))))


def goes_by_address(request):
    """Return whether a user folder may know a visitor by the address alone.

    Zope asks those of all that it traversed.
    """
    return any(
        _folder_goes_by_address(getattr(
            aq_base(place), '__allow_groups__', None))
        for place in request.other['PARENTS'])


def _folder_goes_by_address(folder):
    if getattr(folder, '_domain_auth_mode', 0):
        return True
    # a folder of plugins (Products.PluggableAuthService)
    list_plugins = getattr(aq_base(folder), 'objectValues', None)
    return list_plugins is not None and bool(
        list_plugins('Domain Authentication Plugin'))


def rights(context):
    """Return whether the user of this request may view `context`, and
    whether that user may look into it.
    """
    may = getSecurityManager().checkPermission
    return bool(may('View', context)), bool(
        may('Access contents information', context))


def partition(user, exchange):
    """Return the group of visitors that shares the page, as a string.

    A setting relaxes it, but not for a request with credentials of its own
    unless the policy says that the page may be shared.
    """
    request, context = exchange.request, exchange.origin.context
    session = http_request.session(
        request, exchange.session_cookies) if request.cookies else ''
    if user is None:
        given = ''
        visitor = getSecurityManager().getUser()
        if visitor is not None and aq_base(visitor) is not nobody:
            given = _given_roles(visitor, context)
        # only code of the site knows whose these are
        unknown = http_request.credentials(request) if (
            request._auth or request.environ.get('REMOTE_USER')) else ''
        parts = session, given, unknown
        return repr(parts) if any(parts) else ''
    kind = sharing(
        request, exchange.settings, exchange.policy)
    if kind == 'etag':
        return session
    # in Plone roles are dear to find
    _, folder, name, roles = exchange.who or who(user, context)
    if kind == 'roles':
        # a Manager of a folder has no power above it
        return repr((session, folder, roles))
    return repr((session, folder, name, roles))


def session_cookies(context, request, settings):
    """Return the names of cookies that stand for a session.

    Beside those of the settings that is the one by which a Browser Id
    Manager knows the browser (Products.Sessions).
    """
    if not request.cookies:
        return settings.session_cookies
    ids = aq_get(container_of(context), 'browser_id_manager', None)
    if (getattr(aq_base(ids), 'meta_type', '') != 'Browser Id Manager'
            or 'cookies' not in ids.getBrowserIdNamespaces()):
        return settings.session_cookies
    return tuple({
        **dict.fromkeys(settings.session_cookies), ids.getBrowserIdName(): 1})


def sharing(request, settings, answer):
    """Return which users share a logged-in user's page.

    It is a value of the setting ``partition``.
    """
    if http_request.is_authorized(request):
        control = directives(answer.headers.get('cache-control', ''))
        if not control & _SHAREABLE:
            return 'user'
    return settings.partition


def _given_roles(user, context):
    """Return the roles that a user folder gave to an anonymous visitor."""
    roles = user.getRolesInContext(context)
    if set(roles) <= {'Anonymous'}:
        return ''
    return repr((_folder_path(user), sorted(roles)))


def _folder_path(user):
    folder = aq_parent(aq_inner(user))
    return '/'.join(folder.getPhysicalPath()) if folder is not None else ''


def _name(user):
    # tokens are made of the name, which may change; the emergency user has
    # no id
    return user.getId(), user.getUserName()


def language(request):
    """Return the languages in which the site would answer, best first.

    Each translation domain takes the first language that it has of those
    that the client prefers, so the whole order counts.  A site of one
    language does not split its pages: None.  The domain of our own screens
    does not count.
    """
    remaining = set()
    for name, domain in getSiteManager().utilities.lookupAll(
            (), ITranslationDomain):
        if name == OWN_DOMAIN:
            continue
        catalogs = getattr(domain, 'getCatalogsInfo', None)
        if catalogs is not None:
            remaining.update(catalogs())
        else:
            remaining.update(
                [lang for lang, _ in getattr(domain, 'messages', ())])
    if len(remaining) < 2:
        return None
    negotiator = queryUtility(INegotiator)
    if negotiator is None:
        return ''
    if type(negotiator) is Negotiator:  # which looks at nothing else
        wanted = IUserPreferredLanguages(request).getPreferredLanguages()
        return ','.join(_order_of(wanted, frozenset(remaining)))
    return _order(negotiator, remaining, request)


def _order(negotiator, remaining, request):
    order = []
    while remaining:
        best = negotiator.getLanguage(sorted(remaining), request)
        if best not in remaining:
            break
        order.append(best)
        remaining = remaining - {best}
    return ','.join(order)


def _order_of(wanted, languages):
    """Return the languages in the order of Zope's negotiator.

    It is asked for each of them in one pass: `wanted` is as long as a client
    likes.
    """
    remaining = dict(_spellings(languages))
    order = []
    for name in wanted:
        for form in (name, name.partition('-')[0]):
            order += remaining.pop(form, ())
        if not remaining:
            break
    return order


@lru_cache(maxsize=64)
def _spellings(languages):
    """Return the languages by the form in which clients name them."""
    found = {}
    for language in sorted(languages, reverse=True):
        found.setdefault(normalize_lang(language), []).append(language)
    return found


def wants_skin(context, request):
    """Return whether a cookie may choose the CMF skin of this request."""
    if not request.cookies:
        return False
    skins = aq_get(container_of(context), 'portal_skins', None)
    return getattr(aq_base(skins), 'request_varname', '') in request.cookies


def skin(context):
    """Return the name of the CMF skin in use, '' outside a CMF site."""
    find = aq_get(container_of(context), 'getCurrentSkinName', None)
    return (find() or '') if find is not None else ''
