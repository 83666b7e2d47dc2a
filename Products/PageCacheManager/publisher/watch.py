"""Notes the names that code reads in a request, until its page is captured.

That begins before traversal: a view may read cookies in its constructor, or
keep a mapping of the request and read it later.  Mappings that note names
replace those of the request, and keys that note replace those of its
environment.  Other code sees no difference.
"""
from .noting import ANY
from .noting import put_keys


#: Where a request keeps its watch.
WATCH = '_page_cache_watch'

#: Where it keeps one mark for each connection: what the request reads stands
#: behind it in the ring.
RING_MARKS = '_page_cache_ring_marks'

COOKIE = 'HTTP_COOKIE'
ORIGIN_HEADER = 'HTTP_ORIGIN'
QUERY = 'QUERY_STRING'

#: All others that are watched are of the sessions of WSGI filters.
OF_NO_SESSION = frozenset([COOKIE, ORIGIN_HEADER, QUERY])

#: Stands for the whole header, of which not all need be cookies.
HEADER = ' header'


class Watch:
    """The names that code reads in one request, and in its copies.

    `request.traversal` makes it whole.
    """

    #: Whether all subrequests so far were of the user of the request.
    is_of_one_user = True

    def begin(self, request):
        """Watch rendering from now on."""
        self.state.is_rendering = True
        own = vars(request)
        for name, noting in self.mappings.items():
            if own[name] is not noting:
                noting._plain, own[name] = own[name], noting
        # as Zope made it, and as it came
        for environ in request.environ, own.get('_orig_env', {}):
            put_keys(environ, self.keys, self.noting)

    def pause(self, request):
        """Give the request its own mappings back; reads do not count.
        """
        own = vars(request)
        for name, noting in self.mappings.items():
            # what other code put in its place stays
            if own.get(name) is noting:
                own[name] = noting._plain
        for environ in request.environ, own.get('_orig_env', {}):
            for key in self.keys:
                key.noting = None
                environ.pop(key, None)

    def end(self, request):
        """Watch no longer.  A second call does nothing."""
        if self.state.is_rendering:
            self.state.is_rendering = False
            self.pause(request)
            vars(request).pop('clone', None)

    @property
    def field_names(self):
        """Names of fields of the form that were looked for."""
        return {ANY} if QUERY in self.variables else self.fields
