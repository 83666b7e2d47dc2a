"""Finds objects that made pages new without showing on them.

Objects are named by their path from the root of the database, and by the parts
of their state that changed.  For this, records are unpickled without classes.
"""
import io
import re
from collections import Counter
from collections import deque
from pickle import Unpickler
from typing import NamedTuple

from Products.PageCacheManager.reads import freshness


#: Differs between labels of one question.
_ADDRESS = re.compile(' at 0x[0-9a-f]+')


class Reference(NamedTuple):
    """Stands for a persistent object in the state of another."""

    oid: bytes


class Plain:
    """Stands for an instance of any class."""

    args = ()
    state = None

    def __init__(self, *args):
        self.args = args

    def __setstate__(self, state):
        self.state = state

    def __call__(self, *args):
        return Plain(self, *args)

    def __reduce__(self):
        return Plain, self.args, self.state

    # called by pickles of lists and dicts
    def append(self, one):
        self.args += one,

    def extend(self, several):
        self.args += *several,

    def __setitem__(self, name, value):
        self.args += (name, value),

    def __eq__(self, other):
        return isinstance(other, Plain) and (
            self.args, self.state) == (other.args, other.state)

    def __hash__(self):
        return hash(repr(self.args))

    def __repr__(self):
        return f'{self.args}{self.state}'


class _Unpickler(Unpickler):

    def find_class(self, module, name):
        kind = type(name, (Plain,), {'__module__': module})
        _CLASSES[module, name] = kind = _CLASSES.get((module, name), kind)
        return kind

    def persistent_load(self, reference):
        if isinstance(reference, tuple):
            reference = reference[0]
        # weak references, and those to other databases
        return Reference(reference if isinstance(reference, bytes) else b'')


_CLASSES = {}


def class_and_state(record):
    """Return the name of the class of a record, and its state."""
    unpickler = _Unpickler(io.BytesIO(record))
    kind = unpickler.load()
    if isinstance(kind, tuple):
        kind = kind[0]
    if isinstance(kind, tuple):
        name = kind[1]
    else:
        name = getattr(kind, '__name__', repr(kind))
    return name, unpickler.load()


def parts(value, name='', depth=0):
    """Yield names and persistent objects of a state."""
    if isinstance(value, Reference):
        yield name, value.oid
    elif depth > 9:
        return
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from parts(key, f'{name}.key', depth + 1)
            yield from parts(one, f'{name}.{shortened(key)}', depth + 1)
    elif isinstance(value, Plain):
        yield from parts(value.state, name, depth + 1)
        yield from parts(value.args, name, depth + 1)
    elif isinstance(value, (tuple, list, set, frozenset)):
        before = ''
        for one in value:
            # in buckets a key precedes each value
            yield from parts(one, f'{name}{before}', depth + 1)
            before = f'.{one}' if isinstance(one, str) else ''


def shortened(key):
    return str(key)[:40]


class Names:
    """Paths from the root of a database to its objects."""

    def __init__(self, storage):
        self._storage = storage
        self._names = {}

    def look(self):
        """Find the paths to all present objects; old paths stay known."""
        queue, late, seen = deque([('', bytes(8))]), deque(), set()
        while queue or late:
            # references back, or to copies, give no good name: they come last
            way, oid = (queue or late).popleft()
            if oid in seen:
                continue
            seen.add(oid)
            try:
                record, _ = self._storage.load(oid)
            except KeyError:
                continue
            kind, state = class_and_state(record)
            self._names[oid] = f'{kind} {way}'
            is_split = kind.endswith(('BTree', 'TreeSet')) and (
                isinstance(state, tuple) and len(state) == 2)
            for name, part in parts(state):
                if is_split:  # the name is a key from somewhere inside
                    name = ''
                is_late = name.endswith((
                    '__parent__', 'aq_parent', '__bases__', '.key')) or (
                        'portal_historiesstorage' in way)
                (late if is_late else queue).append((way + name, part))

    def of(self, oid):
        found = self._names.get(oid)
        if found is None:
            found = f'{class_and_state(self._storage.load(oid)[0])[0]} ?'
        return found


class Roots:
    """Counts the causes that made pages new which show no change."""

    def __init__(self, database):
        self._storage = database.storage
        self._names = Names(database.storage)
        self._names.look()
        self._changed = {}
        self.counts = Counter()
        #: Only pages for which it was the only reason.
        self.alone = Counter()

    def begin(self):
        """Record the last transaction before a change."""
        self._since = self._storage.lastTransaction()

    def changed(self):
        """Record the objects that the change wrote."""
        self._changed = {
            record.oid
            for transaction in self._storage.iterator(
                (int.from_bytes(self._since) + 1).to_bytes(8))
            for record in transaction}

    def count(self, change, made, unknown, asked):
        """Count a page; `asked` are labels of questions with new answers.
        """
        if unknown is not None:
            reasons = [f'unknown: {unknown.name}']
        else:
            oids = {one.oid for one in freshness.table.objects(made.objects)}
            reasons = [
                self._told(oid) for oid in oids & self._changed]
            reasons += [_ADDRESS.sub('', label) for label in asked]
        for reason in {*reasons}:
            self.counts[change, reason] += 1
            if len({*reasons}) == 1:
                self.alone[change, reason] += 1

    def _told(self, oid):
        return f'{self._names.of(oid)} [{self._difference(oid)}]'

    def _difference(self, oid):
        """Return the names of the parts of an object's state that changed."""
        old = self._storage.loadBefore(
            oid, (int.from_bytes(self._since) + 1).to_bytes(8))
        new, _ = self._storage.load(oid)
        if old is None:
            return 'new'
        if old[0] == new:
            return 'the same'
        return ', '.join(sorted({*_differing(
            class_and_state(old[0])[1], class_and_state(new)[1])})[:6]) or (
                'equal')

    def lines(self):
        """Yield the counts of reasons over all changes, the highest first."""
        self._names.look()
        total, alone = Counter(), Counter()
        changes = {}
        for (change, reason), number in self.counts.items():
            total[reason] += number
            alone[reason] += self.alone[change, reason]
            changes.setdefault(reason, Counter())[change] += number
        for reason, number in total.most_common():
            yield f'{number:5} {alone[reason]:5} {reason}'
            yield '            ' + ', '.join(
                f'{change} {count}' for change, count
                in changes[reason].most_common(6))


def _differing(old, new, depth=0):
    """Yield names of parts of two states that differ."""
    old, new = _as_dict(old), _as_dict(new)
    if old is None or new is None:
        yield '(whole)'
        return
    for name in old.keys() | new.keys():
        if name not in old or name not in new or old[name] != new[name]:
            inner = old.get(name), new.get(name)
            if depth < 2 and all(isinstance(one, dict) for one in inner):
                for one in _differing(*inner, depth + 1):
                    yield f'{shortened(name)}.{one}'
            else:
                yield shortened(name)


def _as_dict(state):
    if isinstance(state, dict):
        return state
    while isinstance(state, tuple) and len(state) in (1, 2) and (
            isinstance(state[0], tuple)):
        state = state[0]
    if isinstance(state, tuple) and len(state) % 2 == 0:
        try:
            return dict(zip(state[::2], state[1::2], strict=True))
        except TypeError:
            return None
    return None

