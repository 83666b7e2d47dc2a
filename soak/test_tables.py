import pkgutil
from importlib import import_module

import Products.PageCacheManager
from Products.PageCacheManager.origin import published

from . import tables


def test_every_module_of_the_engine_can_be_looked_at():
    package = Products.PageCacheManager
    for module in pkgutil.iter_modules(
            package.__path__, f'{package.__name__}.'):
        if not module.ispkg:
            import_module(module.name)
    assert tables.sizes()


def test_table_is_found_inside_another(monkeypatch):
    monkeypatch.setattr(
        published, 'deep', {'a': [1, 2], 'b': [3]}, raising=False)
    found = tables.sizes()
    assert (found['views.deep'], found['views.deep[]']) == (2, 3)


def test_class_of_classes_with_a_property_for_its_module(monkeypatch):
    class Kind(type):
        __module__ = property(lambda self: 'elsewhere')

    class Found(metaclass=Kind):
        pass

    monkeypatch.setattr(published, 'found', Found, raising=False)
    assert not [name for name in tables.sizes() if 'views.found' in name]
