"""The contracts between the parts."""
from typing import NamedTuple

from zope.interface import Attribute
from zope.interface import Interface


class IStepOfRequest(Interface):
    """An event of a publication at which the cache takes a step.

    The ZCML adds it to the classes of these events, after Zope's own
    interfaces.  Handlers for the last interface of a class run first.
    """


class IPageEvent(Interface):
    """An event about a page in this process.

    It comes after the end of a request's transaction, so a handler must not
    write to the database.
    """

    manager = Attribute('The Page Cache Manager.')
    template_path = Attribute(
        "The path of the template, or '@@' and the name of the view.")
    context_path = Attribute('The path of the content.')
    url = Attribute('The URL, with the query string.')


class IPageStored(IPageEvent):
    """A page was stored."""


class IPageDropped(IPageEvent):
    """A request asked for a stored page that was out of date.

    There is no event for pages that were dropped for lack of memory, for
    their age, or by a purge.
    """

    reason = Attribute(
        "The reason, as in Cache-Status: 'content-changed' for instance.")


class IPagesPurged(Interface):
    """The current transaction purges or invalidates pages.

    A handler may join the transaction.  If it raises an error, no page is
    purged.
    """

    manager = Attribute('The Page Cache Manager.')
    names = Attribute(
        'A frozenset of paths, names of views and ids of rows, as '
        '`manage_invalidate` takes them; None for all pages.')


class Claim(NamedTuple):
    """The claim of another caching package on the page of a request."""

    #: Whether the package hands the page to one of our managers.  If not,
    #: the package sets headers of the page itself.
    is_ours: bool
    #: The id of this manager, '' for the nearest.
    manager_id: str = ''
    #: If the page is not ours: the reason why no manager may store it, ''
    #: if a manager may.  No page is in two caches.
    why_not: str = 'other-cache'


class ISurroundings(Interface):
    """Adapts a site: the effects of its kind on keys and headers of pages.
    """

    headers_of_all = Attribute(
        'Response headers that are set before the cache is asked, and by the '
        'page alone: a frozenset of names in lower case.')

    variant_names = Attribute(
        'A readable name for each string of a variant.')

    def claim(request):
        """Return the :class:`Claim` on the requested page, or None.

        It is called after traversal, before the template or view renders.
        """

    def silence(request):
        """Keep the package that has a claim from setting headers.

        It is called if a page of a template is sent with our headers.
        """

    def language(request):
        """Return the languages of the site's answer, the best first."""

    def variant(context, request):
        """Return more values of user and request that change the page.

        They are a tuple of strings, which has the same length in each call.
        """

    def chosen_by(language):
        """Return the request headers that choose language or variant.

        They are names in lower case.  All pages of the site count, but
        `language` is the value for this page.
        """

    def vary_by(request, language):
        """Return the names of the request headers for Vary.

        See RFC 9110 section 12.5.5.
        """

    def cookies(request):
        """Return the names of the cookies that are in the variant.

        A page that reads only these cookies may be stored.
        """


class IPageCacheManager(Interface):
    """A cache manager for whole pages, with screens in the ZMI."""

    title = Attribute('Title shown in the ZMI.')

    def setTitle(title):
        """Change the title."""

    def getSettings():
        """Return the settings as a dict of plain values."""

    def manage_editProps(title, settings=None, REQUEST=None):
        """Change title and settings.

        Settings that are left out keep their values.  If a value is wrong,
        nothing is changed.  Then this raises a ValueError that names field,
        value and range, or shows the form again to a browser.
        """

    def manage_dissociate(REQUEST=None):
        """Remove the associations of all templates that the user may change.

        A template in a file keeps the association in that file.
        """

    def manage_purge(REQUEST=None):
        """Drop all pages, on every client of the database."""

    def manage_invalidate(paths, REQUEST=None):
        """Drop the pages of some templates, contexts or report rows.

        `paths` is a list of physical paths, or of row ids from the report.
        A path that ends in a slash stands for all content below it, too.
        Raises ValueError for anything else.
        """

    def getViews():
        """Return the associated views, a list with a dict for each.

        The dict has ``name``, and ``kind``: a portal type or the dotted
        name of an interface, '' for all content.
        """

    def manage_editViews(views, REQUEST=None):
        """Associate these views and no others.

        `views` has the same shape as the result of `getViews`; a request
        through the web takes it from the form alone.  If a value is wrong,
        nothing is changed.  Then this raises a ValueError that names field,
        value and range, or shows the form again to a browser.
        """

    def getCacheReport():
        """Return the pages of this process, a list with a dict for each.

        The dict has ``template_path``, ``context_path``, ``url``; ``hits``
        and ``misses`` since the page was first stored; ``entries`` (their
        number); ``size`` (their bytes without spare bodies); ``created``
        (time of the newest entry, seconds since 1970); and ``row``, the id
        for `manage_invalidate`.
        """

    def enable(option='on_always'):
        """Switch caching on; `option` is one of the values of ``active``."""

    def disable():
        """Switch caching off.  Stored pages are not used meanwhile."""

    def isActive():
        """Return whether pages are cached now."""

    def ZCacheManager_getCache():
        """Return the OFS.Cache cache."""
