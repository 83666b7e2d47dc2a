"""Finds all tables of the engine by a walk through its modules.

There is no list of them, so a table that is added later is found too.
"""
import sys
from array import array
from collections import deque
from functools import _lru_cache_wrapper
from types import FunctionType
from types import ModuleType


PACKAGE = 'Products.PageCacheManager'

#: Packages that are not the engine, or hold test data.
_LEFT_OUT = (f'{PACKAGE}.tests', f'{PACKAGE}.demo')

#: Kinds of functions that may remember results, also by `core.memo`.
_FUNCTIONS = (_lru_cache_wrapper, FunctionType)

_CONTAINERS = (dict, list, set, frozenset, tuple, deque, array)


def sizes():
    """Return the lengths of all tables by name.

    Tables of one kind, such as the shards of a store, count as one: the name
    of an item of a list or a dict has ``[]`` in place of the index or key.
    """
    found = {}
    for name, module in sorted(sys.modules.items()):
        if _is_engine(name) and isinstance(module, ModuleType):
            short = name.removeprefix(PACKAGE).lstrip('.') or '__init__'
            for attribute, value in list(vars(module).items()):
                _look(value, f'{short}.{attribute}', found, set())
    return found


def _is_engine(name):
    # the name of a metaclass's module may be a property
    return isinstance(name, str) and (name == PACKAGE or (
        name.startswith(f'{PACKAGE}.') and not name.startswith(_LEFT_OUT)))


def _look(value, name, found, seen):
    if id(value) in seen or name.rpartition('.')[2].startswith('__'):
        return
    seen.add(id(value))
    if isinstance(value, _FUNCTIONS) and hasattr(value, 'cache_info'):
        found[name] = value.cache_info().currsize
    elif isinstance(value, _CONTAINERS):
        found[name] = found.get(name, 0) + len(value)
        inner = value.values() if isinstance(value, dict) else value
        if not isinstance(value, array):
            for item in list(inner):
                if _may_hold(item):
                    _look(item, f'{name}[]', found, seen)
    elif _is_engine(type(value).__module__):
        for attribute, part in _parts(value):
            _look(part, f'{name}.{attribute}', found, seen)


def _may_hold(item):
    # records are flat tuples, and there may be a million of them
    return not isinstance(item, (str, bytes, int, float, tuple))


def _parts(value):
    """Return names and values of an instance's attributes."""
    if isinstance(value, type):
        return []
    slots = [
        name for kind in type(value).__mro__
        for name in getattr(kind, '__slots__', ())]
    return [
        *getattr(value, '__dict__', {}).items(),
        *((name, getattr(value, name, None)) for name in slots)]
