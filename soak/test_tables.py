import pkgutil
from importlib import import_module

import Products.PageCacheManager
from Products.PageCacheManager.origin import view

from . import tables


def test_every_module_of_the_engine_can_be_looked_at():
    package = Products.PageCacheManager
    prefix = f'{package.__name__}.'
    for folder in ('request', 'origin', 'key', 'manager', 'publisher', 'core'):
        found = import_module(f'{prefix}{folder}')
        for module in pkgutil.walk_packages(
                found.__path__, f'{found.__name__}.'):
            import_module(module.name)
    assert tables.sizes()


def test_table_is_found_inside_another(monkeypatch):
    monkeypatch.setattr(
        view, 'deep', {'a': [1, 2], 'b': [3]}, raising=False)
    found = tables.sizes()
    name = 'origin.view.deep'
    assert (found[name], found[f'{name}[]']) == (2, 3)


def test_class_of_classes_with_a_property_for_its_module(monkeypatch):
    class Kind(type):
        __module__ = property(lambda self: 'elsewhere')

    class Found(metaclass=Kind):
        pass

    monkeypatch.setattr(view, 'found', Found, raising=False)
    assert not [
        name for name in tables.sizes() if 'origin.view.found' in name]
