"""Mappings and keys that record the names that code reads."""
import sys
from collections.abc import MutableMapping
from typing import Any

from AccessControl.SimpleObjectPolicies import ContainerAssertions
from zope.event import notify
from ZPublisher import WSGIPublisher
from ZPublisher.BaseRequest import BaseRequest
from ZPublisher.BeforeTraverse import MultiHook
from ZPublisher.mapply import mapply


#: Stands for any name.
ANY = '*'

#: The code that calls event handlers and traversal hooks.  Before rendering,
#: their reads do not count.  (Comparison by identity: a hash of code is slow.)
_NOTIFY = notify.__code__
_CALL_HOOKS = MultiHook.__call__.__code__
_HOOK = '__before_publishing_traverse__'

#: Zope's traversal, which calls user folders itself; its step to a name; and
#: the two functions that call the published object after it.
_TRAVERSE = BaseRequest.traverse.__code__
_TRAVERSE_NAME = BaseRequest.traverseName.__code__
_MAPPLY = mapply.__code__
_PUBLISH = WSGIPublisher.publish.__code__


def _is_to_log_in(frame):
    """Return whether Zope's traversal called a user folder, which led here.

    Forms have methods of the name `validate`, too.  The traversal calls the
    constructor of a form below `traverseName`.
    """
    below, is_in_folder = None, False
    while frame is not None and frame.f_code is not _TRAVERSE:
        code = frame.f_code
        is_in_folder = is_in_folder or code.co_name == 'validate' and (
            'request' in code.co_varnames[:2])
        frame, below = frame.f_back, frame
    return is_in_folder and frame is not None and (
        below.f_code is not _TRAVERSE_NAME)


class State:
    """Holds whether reads count.

    To save time its creation calls no function.
    """

    #: None at first.  True once the published object is called or rendering
    #: is watched.  False after the end of rendering.
    is_rendering = None
    #: Whether reads do not count at the moment.
    is_paused = False
    #: While a copy is traversed: the reads of its user folder, as pairs of a
    #: set of names that code read and a name that may be added.  Else None.
    read_to_log_in = None


class Noting(MutableMapping, dict):
    """Has the items of another mapping, and records the names that are read.

    It is a dict too, because some code requires one.  As a dict it is never
    empty, because the json module checks that before it calls methods.  As a
    dict it has no items, because C code could read them without a call of our
    methods.
    """

    #: For code in restricted Python, as for dict.
    _guarded_writes = True

    #: The other mapping, the set of names that code read, and the state.
    #: Path expressions look for attributes first, so attributes without an
    #: underscore would hide form fields.
    _plain: Any = None
    _names: Any = None
    _state: Any = None

    __init__ = dict.__init__

    @classmethod
    def fromkeys(cls, names, value=None):
        return dict.fromkeys(names, value)

    def get(self, name, default=None):
        """Record a name, and return its value.

        Before rendering, only reads by the page's own code count.  During
        rendering all reads count, except those that `State.read_to_log_in`
        takes.  To save time this calls no other function of ours: each
        request of a site comes here, also for pages that are not stored.
        """
        state, names = self._state, self._names
        if state.read_to_log_in is not None and not state.is_paused and (
                _is_to_log_in(sys._getframe(1))):
            state.read_to_log_in.append((names, name))
            return self._plain.get(name, default)
        frame = sys._getframe(1) if state.is_rendering is None else None
        while frame is not None:
            code = frame.f_code
            if (code is _NOTIFY or code is _CALL_HOOKS
                    or code.co_name == _HOOK
                    or code.co_name == 'validate' and _is_to_log_in(frame)):
                break
            frame = frame.f_back
            if code is _MAPPLY and frame and frame.f_code is _PUBLISH:
                # traversal is over: later calls skip this search
                frame, state.is_rendering = None, True
        else:
            if state.is_rendering is not False and not state.is_paused:
                names.add(name)
        return self._plain.get(name, default)

    def __getitem__(self, name):
        self.get(name)
        return self._plain[name]

    def __iter__(self):
        return iter([name for name, _ in self.items()])

    def items(self):
        self.get(ANY)
        return self._plain.items()

    def keys(self):
        self.get(ANY)
        return self._plain.keys()

    def values(self):
        self.get(ANY)
        return self._plain.values()

    def __len__(self):
        return len(self.items())

    def __setitem__(self, name, value):
        self._plain[name] = value

    def __delitem__(self, name):
        del self._plain[name]

    def copy(self):
        return dict(self.items())

    def __reduce_ex__(self, protocol):
        return dict, (self.copy(),)

    def __repr__(self):
        return repr(self.copy())

    def __or__(self, other):
        return self.copy() | other

    def __ror__(self, other):
        return other | self.copy()

    def __ior__(self, other):
        self.update(other)
        return self

    def __ne__(self, other):
        return not self == other

    def __reversed__(self):
        return reversed(self.copy())


ContainerAssertions[Noting] = ContainerAssertions[dict]


class NotingKey(str):
    """A key that is equal to no other key, and records reads of its name.

    A WSGI environment must be exactly a dict (PEP 3333).  To find a name, a
    dict compares it with all keys of the same hash, in the order of their
    insertion.  This key stands before the variable of the same name, so each
    read of the variable calls its ``__eq__``.  That works without the
    variable and in copies, too.
    """

    #: A :class:`Noting` without items that records the name.  None to record
    #: nothing.
    noting: Any = None

    __hash__ = str.__hash__

    def __eq__(self, other):
        if self.noting is not None and str.__eq__(self, other) is True:
            self._note()
        return self is other

    def __ne__(self, other):
        return not self == other

    def __str__(self):
        return self._note()

    def __repr__(self):
        return repr(self._note())

    def __format__(self, spec):
        return format(self._note(), spec)

    def _note(self):
        """Record the name, and return it."""
        name = str.__str__(self)
        if self.noting is not None:
            self.noting.get(name)
        return name


def _noted(method):
    """Return a method of str that records the name of its key first."""
    return lambda self, *args, **keywords: method(
        self._note(), *args, **keywords)


# A loop over all variables compares no name, but looks at parts of it.
for _name, _method in vars(str).items():
    if _name in ('__add__', '__contains__', '__getitem__', '__iter__',
                 '__mod__') or not _name.startswith('_'):
        if _name != 'maketrans':
            setattr(NotingKey, _name, _noted(_method))


def put_keys(environ, keys, noting):
    """Put keys into `environ`, each before the variable of its name.

    `noting` records the names that are read from now on.
    """
    for key in keys:
        key.noting = None
        name = str.__str__(key)
        value = environ.pop(name, key)
        environ[key] = ''
        if value is not key:
            environ[name] = value
        key.noting = noting
