"""Mappings and keys that note the names which code looks for."""
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

#: Code that may read without a note before rendering, with all that it calls:
#: handlers of events, and hooks of traversal.
_OTHERS = frozenset([notify.__code__, MultiHook.__call__.__code__])
_HOOK = '__before_publishing_traverse__'

#: Zope's traversal, which calls user folders itself, and what calls the
#: published object once it is over.
_TRAVERSE = BaseRequest.traverse.__code__
_MAPPLY = mapply.__code__
_PUBLISH = WSGIPublisher.publish.__code__


class State:
    """Holds whether looks count; its creation calls no function."""

    #: None until the published object is called, or rendering is watched;
    #: False when that has ended.
    is_rendering = None
    #: Whether nothing counts for the moment.
    is_paused = False
    #: While a copy is traversed, what its user folder reads: pairs of the
    #: names that were looked for and the name; else None.
    read_to_log_in = None


class Noting(MutableMapping, dict):
    """Has the items of another mapping, and notes the names that are read.

    It is a dict too, for code that asks for one.  As such it is never empty,
    since the json module looks at that before it calls methods, and holds
    nothing of the other, since code in C might read it past the notes.
    """

    #: For code in restricted Python, as for dict.
    _guarded_writes = True

    #: The other mapping, the names that were looked for, and the state.  Other
    #: names would hide fields of a form from path expressions, which look for
    #: attributes first.
    _plain: Any = None
    _names: Any = None
    _state: Any = None

    __init__ = dict.__init__

    @classmethod
    def fromkeys(cls, names, value=None):
        return dict.fromkeys(names, value)

    def get(self, name, default=None):
        """Note a name, and return its value.

        Before rendering those count that the page's own code looks for, while
        it renders all, but for what `State.read_to_log_in` takes.  This calls
        no other function, since each request of a site comes here, also one
        for a page that nobody keeps.
        """
        state, names = self._state, self._names
        if state.read_to_log_in is not None and not state.is_paused:
            frame = inner = sys._getframe(1)
            while frame is not None and frame.f_code is not _TRAVERSE:
                frame, inner = frame.f_back, frame
            if frame is not None and inner.f_code.co_name == 'validate':
                state.read_to_log_in.append((names, name))
                return self._plain.get(name, default)
        frame = sys._getframe(1) if state.is_rendering is None else None
        while frame is not None:
            code = frame.f_code
            if (code in _OTHERS or code.co_name == _HOOK
                    # of a user folder
                    or code.co_name == 'validate' and (
                        'request' in code.co_varnames[:2])):
                break
            frame = frame.f_back
            if code is _MAPPLY and frame and frame.f_code is _PUBLISH:
                # traversal is over, and nobody has to look again
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
    """A key that is equal to none, and notes that its name is looked for.

    A WSGI environment has to be a dict and nothing else (PEP 3333).  A dict
    compares a key with all of the same hash, in the order in which they came
    in.  So this one, before a variable of the same name, hears of each that
    asks for it, also where there is no such variable, and in copies.
    """

    #: A :class:`Noting` of nothing that notes the name, None to note none.
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
        """Note the name, and return it."""
        name = str.__str__(self)
        if self.noting is not None:
            self.noting.get(name)
        return name


def put_keys(environ, keys, noting):
    """Put keys before the variables of their names, if these are there."""
    for key in keys:
        key.noting = None
        name = str.__str__(key)
        value = environ.pop(name, key)
        environ[key] = ''
        if value is not key:
            environ[name] = value
        key.noting = noting
