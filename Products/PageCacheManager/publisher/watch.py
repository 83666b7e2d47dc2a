"""Records the names that code reads in a request, until its page is captured.

It begins before traversal: a view may read cookies in its constructor, or keep
a mapping of the request and read it later.  Mappings that record names replace
the mappings of the request.  Keys that record names are added to its
environment.  Other code sees no difference.
"""
from .noting import ANY
from .noting import put_keys


#: Attribute of a request with its :class:`Watch`.
WATCH = '_page_cache_watch'

#: Attribute of a request with a mark for each connection.  Objects that the
#: request reads stand behind the mark in the ring of the connection.
RING_MARKS = '_page_cache_ring_marks'

COOKIE = 'HTTP_COOKIE'
ORIGIN_HEADER = 'HTTP_ORIGIN'
QUERY = 'QUERY_STRING'

#: All other watched variables belong to sessions of WSGI filters.
OF_NO_SESSION = frozenset([COOKIE, ORIGIN_HEADER, QUERY])

#: Stands for the whole header Cookie; some of its parts may be no cookies.
HEADER = ' header'


class Watch:
    """The names that code reads in one request, and in its copies.

    `request.traversal` sets its other attributes.
    """

    #: Whether all subrequests so far had the same user as the request.
    is_of_one_user = True

    def begin(self, request):
        """Begin to watch rendering."""
        self.state.is_rendering = True
        own = vars(request)
        for name, noting in self.mappings.items():
            if own[name] is not noting:
                noting._plain, own[name] = own[name], noting
        # the environment, and Zope's copy of the original one
        for environ in request.environ, own.get('_orig_env', {}):
            put_keys(environ, self.keys, self.noting)

    def pause(self, request):
        """Give the request its own mappings back; reads do not count then.
        """
        own = vars(request)
        for name, noting in self.mappings.items():
            # a mapping that other code put there stays
            if own.get(name) is noting:
                own[name] = noting._plain
        for environ in request.environ, own.get('_orig_env', {}):
            for key in self.keys:
                key.noting = None
                environ.pop(key, None)

    def end(self, request):
        """Stop watching.  A second call does nothing."""
        if self.state.is_rendering:
            self.state.is_rendering = False
            self.pause(request)
            vars(request).pop('clone', None)

    @property
    def field_names(self):
        """The names of the form fields that code read."""
        return {ANY} if QUERY in self.variables else self.fields
