"""Hides from rendering the parameters that the key leaves out."""
from ..core.key import is_ignored
from ..core.key import query_key
from .noting import ANY


class Hidden:
    """The ignored parameters of a request, hidden until `end`.

    Otherwise a stored page could show one visitor's parameters to the next.
    The page is made as if they had not been sent.
    """

    def __init__(self, request, ignored_parameters):
        self._request = request
        self._was = None
        query = request.environ.get('QUERY_STRING', '')
        kept = query_key(query, ignored_parameters)
        if kept == query:
            return
        self._was = request.form, request.taintedform, query
        copy = type(request).clone(request)  # without the watch
        copy.environ['QUERY_STRING'] = request.environ['QUERY_STRING'] = kept
        copy.processInputs()
        request.form, request.taintedform = (
            {**{name: value for name, value in fields.items()
                if not is_ignored(name, ignored_parameters)},
             # the key has these with a converter, as in ``name:int``
             **{name: value for name, value in read.items()
                if is_ignored(name, ignored_parameters)}}
            for fields, read in (
                (request.form, copy.form),
                (request.taintedform, copy.taintedform)))
        self._given = {**request.form}, {**request.taintedform}
        copy.clear()

    def end(self):
        """Restore the request, but keep the fields that code set meanwhile.

        A second call does nothing.
        """
        request = self._request
        if self._was is not None:
            written = request.form, request.taintedform
            request.form, request.taintedform, query = self._was
            for fields, given, now in zip(
                    self._was, self._given, written, strict=False):
                fields.update({
                    name: value for name, value in now.items()
                    if name not in given or given[name] is not value})
            request.environ['QUERY_STRING'] = query
            self._was = None


def ignored_field(request, looked, ignored_parameters):
    """Return an ignored parameter of `request` that code read, '' for none.

    `looked` are the names of the fields that code read.
    """
    for name in request.form:
        if is_ignored(name, ignored_parameters) and (
                ANY in looked or name in looked):
            query = request.environ.get('QUERY_STRING', '')
            # without ignored parameters in the query, code set the field
            kept = query_key(query, ignored_parameters)
            return '' if kept == query else name
    return ''
