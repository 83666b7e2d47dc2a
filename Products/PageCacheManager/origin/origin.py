"""The origin of a page (RFC 9110 section 3.6): a template or a view."""


class Origin:
    """A published template or view, or a template that other code calls."""

    #: The content that the page is of.
    context = None
    #: Where Zope says that it is.
    parent = None
    #: The origin as policies and statistics name it.
    name = path = ''
    #: What stays the same under all paths that a template has.
    identity = ''
    #: What tells kinds of origins apart in the key.
    kind = ''
    #: What rendering adds to the security context, None for nothing.
    executable = None
    #: Whether other code calls it: that code is given the text, and may make
    #: something else of it.
    is_called = False
    #: Whether the page is captured after all other handlers, else before.
    is_captured_last = False
    #: The module of handlers that do not get to see a stored page.
    unseen_by = None
    #: Whether no other code sets headers between look-up and capture.
    is_alone_until_delivery = False
    #: Whether the base of URLs is known before rendering.
    has_base = False
    #: Whether the request may write to the database and its page be kept.
    may_write = True
    #: Whether a date tells of all that its pages show.
    dates_count = True
    #: What the strings are that `versions` and `variant` return.
    version_names = ()
    variant_names = ()
    #: Response headers that it sets before the look-up.
    headers_of_all = frozenset()

    def find_manager(self, claim):
        """Return the manager that keeps the pages, None for none.

        `claim` is what other machinery says of the page, or None.
        """
        raise NotImplementedError

    def note_unkept(self):
        """Note for those who associate views that nobody keeps this one."""

    def keywords(self, request):
        """Return what CMF gives to expressions as ``keywords``."""
        return {}

    def content_type(self, response):
        """Return the Content-Type as it is when rendering begins."""
        return response.headers.get('content-type', '')

    def templates(self, site, settings):
        """Return the templates that the page is made with, as found now."""
        raise NotImplementedError

    def versions(self, manager):
        """Return what else the page is made with, as strings; None in it
        stands for what this transaction changed.
        """
        raise NotImplementedError

    def version_in_files(self):
        """Return what changes with the code and files that it is made from,
        as a string; None if it has no version now.
        """
        return ''

    def variant(self, request):
        """Return what else splits the pages, as strings."""
        return ()

    def arguments(self, request):
        """Return the arguments of the call as a key, None for none."""
        return ''

    def marks(self, manager):
        """Return what is written when other content on the page changes."""
        return ()

    def own_headers(self, rendering, response, settings):
        """Return the headers that a hit repeats, lower-case names."""
        raise NotImplementedError

    def forget_conditions(self, request):
        """Keep other code from a 304 where there must be none."""

    def is_hit_whole(self, response, text):
        """Return whether nothing else was published but a stored page.

        `text` is what a caller was given, None for what is published.
        """
        raise NotImplementedError

    def body(self, response, text):
        """Return the rendered body in no coding, None where it is no page.

        `text` is what a called template gave.
        """
        raise NotImplementedError
