"""The origin of a page (RFC 9110 section 3.6): a template or a view."""


class Origin:
    """A published template or view, or a template that other code calls.

    `is_alone_until_delivery` is true of published templates alone, `is_called`
    of called ones, `is_captured_last` of views.
    """

    #: The content that the page is of.
    context = None
    #: The parent that Zope reports for it.
    parent = None
    #: The origin as policies and statistics name it.
    name = path = ''
    #: The same under all paths of one template.
    identity = ''
    #: Separates the kinds of origins in the key.
    kind = ''
    #: The object that rendering adds to the security context, or None.
    executable = None
    #: Whether other code calls it: that code gets the text, and may change
    #: it.
    is_called = False
    #: Whether the page is captured after all other handlers, which are shown
    #: it, else before.
    is_captured_last = False
    #: The module of handlers that do not get to see a stored page.
    unseen_by = None
    #: Whether no other code sets headers between look-up and capture.
    is_alone_until_delivery = False
    #: Whether a file that changes is read again in a running process, not
    #: only in debug mode.
    reads_files_again = False
    #: Whether the base of URLs is known before rendering.
    has_base = False
    #: Whether the request may write to the database and its page be kept.
    may_write = True
    #: Whether a date covers everything that its pages show.
    dates_count = True
    #: The names of the strings that `versions` and `variant` return, for
    #: people.
    version_names = ()
    variant_names = ()
    #: Response headers that it sets before the look-up.
    headers_of_all = frozenset()

    def find_manager(self, claim):
        """Return the manager that keeps the pages, None for none.

        `claim` is what other machinery says of the page, or None.
        """
        raise NotImplementedError

    def association(self):
        """Return by what it is associated, beside the database."""

    def note_unkept(self, secs):
        """Note an origin without a manager, for the screens that offer to
        associate it.

        `secs` are what rendering took.
        """

    def keywords(self, request):
        """Return the ``keywords`` that CMF gives to expressions."""
        return {}

    def content_type(self, response):
        """Return the Content-Type as it is when rendering begins."""
        return response.headers.get('content-type', '')

    def templates(self):
        """Return templates that count for the date of pages of which it is
        not known what they are made from.
        """
        return ()

    def versions(self):
        """Return the versions of other parts of the page, as strings; None
        for a part that this transaction changed.
        """
        raise NotImplementedError

    def version_in_files(self):
        """Return the version of its code and files, None if it has none now.
        """
        return ''

    def variant(self, request):
        """Return the other parts that separate its pages, as strings."""
        return ()

    def arguments(self, request):
        """Return the arguments of the call as a key, None for none."""
        return ''

    def own_headers(self, rendering, response, settings):
        """Return the headers that a hit repeats, lower-case names."""
        raise NotImplementedError

    def forget_conditions(self, request):
        """Keep other code from a 304 where there must be none."""

    def body(self, response, text):
        """Return the rendered body without a coding, None if it is no page.

        `text` is the text of a called template.
        """
        raise NotImplementedError
