"""The contracts: what each part promises to the others."""
from typing import NamedTuple

from zope.interface import Attribute
from zope.interface import Interface


class IStepOfRequest(Interface):
    """An event of a publication at which the cache takes a step.

    The classes of such events implement it beside Zope's own interfaces,
    since handlers for the interface named last are called first.
    """


class IPageEvent(Interface):
    """Something became of a page in this process.

    It comes once the transaction of a request is through, so whoever hears of
    it must not write to the database.
    """

    manager = Attribute('The Page Cache Manager.')
    template_path = Attribute(
        "The path of the template, or '@@' and the name of the view.")
    context_path = Attribute('The path of the content.')
    url = Attribute('The URL, with the query string.')


class IPageStored(IPageEvent):
    """A page was stored."""


class IPageDropped(IPageEvent):
    """A page was not up to date any more when a request asked for it.

    No event tells of pages that were dropped for lack of memory, for their
    age, or by a purge.
    """

    reason = Attribute(
        "The reason, as in Cache-Status: 'content-changed' for instance.")


class IPagesPurged(Interface):
    """Pages are being purged or invalidated, by the current transaction.

    Whoever hears of it may join the transaction.  An error that it raises
    keeps the pages from being purged.
    """

    manager = Attribute('The Page Cache Manager.')
    names = Attribute(
        'A frozenset of paths, names of views and ids of rows, as '
        '`manage_invalidate` takes them; None for all pages.')


class Claim(NamedTuple):
    """The claim of other machinery of the site on the page of a request."""

    #: Whether it is handed to a manager of ours; if not, it is in the
    #: charge of another machinery, which sets headers of its own.
    is_ours: bool
    #: Which manager, '' for the nearest.
    manager_id: str = ''
    #: Where it is not ours: the reason for which no manager may keep it
    #: all the same, since no page is in two caches; '' if one may.
    why_not: str = 'other-cache'


class ISurroundings(Interface):
    """Adapts a site: what its kind adds to the pages of views."""

    headers_of_all = Attribute(
        'Response headers that are set before the cache is asked, and by the '
        'page alone: a frozenset of names in lower case.')

    variant_names = Attribute(
        'What each string of a variant is, in words for people.')

    def claim(request):
        """Return the :class:`Claim` on the page that is asked for, or None.

        It is asked once traversal is over and before the view is called.
        """

    def silence(request):
        """Keep the machinery that has a claim from setting headers.

        It is called where a page of a template is sent with ours.
        """

    def language(request):
        """Return the languages in which the site would answer, best first.
        """

    def variant(context, request):
        """Return what else of user and request the page depends on.

        A tuple of strings, of one length in each call.
        """

    def chosen_by(language):
        """Return the names of request headers that language or variant of
        some page depend on, in lower case; `language` is this page's.
        """

    def vary_by(request, language):
        """Return the names of those that Vary has to name (RFC 9110 12.5.5).
        """

    def cookies(request):
        """Return the names of the cookies of which the variant tells.

        Rendering a page that is kept sees no others.
        """


class IPageCacheManager(Interface):
    """A cache manager for whole pages, seen in the ZMI."""

    title = Attribute('Title shown in the ZMI.')

    def setTitle(title):
        """Change the title."""

    def getSettings():
        """Return the settings as a dict of plain values."""

    def manage_editProps(title, settings=None, REQUEST=None):
        """Change title and settings.

        Settings that are left out keep their values.  Raises ValueError
        that names field, value and range where one is wrong, and then
        nothing is changed; through the web the form is shown again.
        """

    def manage_dissociate(REQUEST=None):
        """Take all associations of templates away, as far as one may.

        What is made from files keeps the association that is in its file.
        """

    def manage_purge(REQUEST=None):
        """Forget every page, on every client of the database."""

    def manage_invalidate(paths, REQUEST=None):
        """Forget the pages of some templates, contexts or report rows.

        `paths` is a list of physical paths, or of row ids from the report.
        A path that ends in a slash stands for all content below it, too.
        Raises ValueError for anything else.
        """

    def getViews():
        """Return the associated views, a list with a dict for each.

        ``name``, and ``kind``: a portal type or the dotted name of an
        interface, '' for all content.
        """

    def manage_editViews(views, REQUEST=None):
        """Associate these views and no others.

        `views` are as `getViews` gives them; through the web they come from
        the form alone.  Raises ValueError that names
        field, value and range where one is wrong, and then nothing is
        changed; through the web the form is shown again.
        """

    def getCacheReport():
        """Return the list of this process's pages, a dict for each.

        ``template_path``, ``context_path``, ``url``, ``hits`` and
        ``misses`` since the page came in, ``entries`` (number), ``size``
        (bytes that these count, without what is spare), ``created`` (of the
        newest entry, seconds since 1970), and ``row``, the id that
        `manage_invalidate` takes.
        """

    def enable(option='on_always'):
        """Switch caching on; `option` is one of the values of ``active``."""

    def disable():
        """Switch caching off.  Nothing that is stored is used meanwhile."""

    def isActive():
        """Return whether pages are cached now."""

    def ZCacheManager_getCache():
        """Return the OFS.Cache cache."""
