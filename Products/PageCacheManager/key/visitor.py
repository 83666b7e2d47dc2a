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

#: The translation domain of our own screens, which are never stored.
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

    Other code may switch to another user, or to no user.
    """
    user = getSecurityManager().getUser()
    own = request.other.get('AUTHENTICATED_USER')
    return user is own or who(user, context) == who(own, context)


def is_user_of_copy(request, copy):
    """Return whether a request, its copy and running code have the same user.

    A user folder was asked again for the user of the copy.
    """
    context = request.other['PARENTS'][0]
    users = request.other, copy.other
    own, other = [
        who(one.get('AUTHENTICATED_USER'), context) for one in users]
    return own == other and is_of_request(request, context)


def who(user, context):
    """Return identity and roles of `user`, None if not logged in."""
    if user is None or aq_base(user) is nobody:
        return None
    return (
        # a user of another class may have rights besides its roles
        type(aq_base(user)), _folder_path(user), _name(user),
        tuple(sorted(user.getRolesInContext(context))))


def goes_by_address(request):
    """Return whether a user folder may identify a visitor by address alone.

    Zope asks the user folder of each object that it traversed.
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
    """Return the rights of the current user on `context`, two booleans.

    The first one: the user may view it.  The second one: the user may access
    its contents information.
    """
    may = getSecurityManager().checkPermission
    return bool(may('View', context)), bool(
        may('Access contents information', context))


def partition(user, exchange):
    """Return the group of visitors that shares the page, as a string.

    The setting ``partition`` may widen the group.  It does not for a request
    with an Authorization header, unless the policy allows sharing.
    """
    request, context = exchange.request, exchange.origin.context
    session = http_request.session(
        request, exchange.session_cookies) if request.cookies else ''
    if user is None:
        given = ''
        visitor = getSecurityManager().getUser()
        if visitor is not None and aq_base(visitor) is not nobody:
            given = _given_roles(visitor, context)
        # only code of the site knows the owner of these credentials
        unknown = http_request.credentials(request) if (
            request._auth or request.environ.get('REMOTE_USER')) else ''
        parts = session, given, unknown
        return repr(parts) if any(parts) else ''
    kind = sharing(
        request, exchange.settings, exchange.policy)
    if kind == 'etag':
        return session
    # `exchange.who` saves a search for roles, which is slow in Plone
    _, folder, name, roles = exchange.who or who(user, context)
    if kind == 'roles':
        # a Manager of one user folder has no rights above that folder
        return repr((session, folder, roles))
    return repr((session, folder, name, roles))


def session_cookies(context, request, settings):
    """Return the names of the cookies that identify a session.

    These are the cookies of the settings, and the cookie of a Browser Id
    Manager (Products.Sessions).
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

    The result is a value of the setting ``partition``.
    """
    if http_request.is_authorized(request):
        control = directives(answer.headers.get('cache-control', ''))
        if not control & _SHAREABLE:
            return 'user'
    return settings.partition


def _given_roles(user, context):
    """Return the roles that a user folder gave to an anonymous visitor.

    The result is a string with folder and roles, '' without roles.
    """
    roles = user.getRolesInContext(context)
    if set(roles) <= {'Anonymous'}:
        return ''
    return repr((_folder_path(user), sorted(roles)))


def _folder_path(user):
    folder = aq_parent(aq_inner(user))
    return '/'.join(folder.getPhysicalPath()) if folder is not None else ''


def _name(user):
    # the name too: it may change, and tokens in pages are made from it; the
    # emergency user has no id
    return user.getId(), user.getUserName()


def language(request):
    """Return the languages that the site would answer in, best first.

    The names are separated by commas.  The whole order counts, because each
    translation domain uses the client's first language that it has.  None
    for a site of one language, '' for a site without a negotiator.  The
    domain of our own screens does not count.
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
    if type(negotiator) is Negotiator:  # it uses nothing else
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

    One pass over `wanted` is enough for all languages, since a client may
    send a very long list.
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
    """Return the languages by the normalized name that clients send."""
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
