"""The origin of a page (RFC 9110 section 3.6): a template or a view."""


class Origin:
    """A published template or view, or a template that other code calls.

    `is_alone_until_delivery` is true only for published templates,
    `is_called` only for called templates, `is_captured_last` only for views.
    """

    #: The content of the page.
    context = None
    #: The parent, as Zope names it in the description of the transaction.
    parent = None
    #: The name of the origin for policies, and its path for statistics.
    name = path = ''
    #: The same under all paths of a template; '' for a view.
    identity = ''
    #: The kind of the origin, a part of the key.
    kind = ''
    #: The object that rendering adds to the security context, or None.
    executable = None
    #: Whether other code calls the origin.  That code gets the text, and may
    #: change it.
    is_called = False
    #: Whether the page is captured after all other handlers have seen it.  If
    #: not, it is captured before all other handlers.
    is_captured_last = False
    #: The module of handlers that never see a stored page.
    unseen_by = None
    #: Whether no other code sets headers between look-up and capture.
    is_alone_until_delivery = False
    #: Whether a running process reads changed files again, also without debug
    #: mode.
    reads_files_again = False
    #: Whether the base of URLs is known before rendering.
    has_base = False
    #: Whether a page may be stored although its request wrote to the database.
    may_write = True
    #: Whether the date of a page covers everything that the page shows.
    dates_count = True
    #: Names for screens: of the strings that `versions` and `variant` return.
    version_names = ()
    variant_names = ()
    #: Response headers that the origin sets before the look-up.
    headers_of_all = frozenset()

    def find_manager(self, claim):
        """Return the manager that keeps the pages, or None.

        `claim` is the claim of other machinery on the page, or None.
        """
        raise NotImplementedError

    def association(self):
        """Return the association of a template, None for a view.

        It may be in a file, so a snapshot of the database does not cover it.
        """

    def note_unkept(self, secs):
        """Record an origin without a manager; screens offer to associate it.

        `secs` is the time of rendering.
        """

    def keywords(self, request):
        """Return the ``keywords`` that CMF gives to expressions."""
        return {}

    def content_type(self, response):
        """Return the Content-Type as it is when rendering begins."""
        return response.headers.get('content-type', '')

    def templates(self):
        """Return the templates that count for the date of the page."""
        return ()

    def versions(self):
        """Return the versions of template, code and content, as strings.

        None stands for a part that this transaction changed.
        """
        raise NotImplementedError

    def version_in_files(self):
        """Return the version of its code and files, None if not known now.
        """
        return ''

    def variant(self, request):
        """Return further parts of the variant in the key, as strings."""
        return ()

    def arguments(self, request):
        """Return the arguments of the call as a string.

        None if they have no unambiguous spelling.
        """
        return ''

    def own_headers(self, rendering, response, settings):
        """Return the headers that a hit repeats, with lower-case names."""
        raise NotImplementedError

    def forget_conditions(self, request):
        """Remove the conditions, so that other code makes no wrong 304."""

    def body(self, response, text):
        """Return the rendered body without a coding, None if not a page.

        `text` is the text of a called template.
        """
        raise NotImplementedError
