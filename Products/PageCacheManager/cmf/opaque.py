"""CMF's search for opaque items, without a use of each object of a site.

At each traversal of a site CMF notifies an event, and for it looks at every
object in the root of the site.  So each page would depend on all these
objects.  An object that is not in memory must be loaded, so it counts for the
page of that request.
"""
from functools import lru_cache

from Acquisition import aq_base
from persistent import Persistent
from Products.CMFCore import CMFCatalogAware
from Products.CMFCore.CMFCatalogAware import OpaqueItemManager
from Products.CMFCore.interfaces import ICallableOpaqueItem
from zope.interface import implementedBy
from zope.interface.declarations import objectSpecificationDescriptor


def install():
    """Replace CMF's method by ours, unless other code has replaced it."""
    plain = OpaqueItemManager.opaqueItems
    if plain.__module__ == CMFCatalogAware.__name__:
        OpaqueItemManager.opaqueItems = opaque_items


def opaque_items(self):
    """Return opaque items, pairs of id and object.

    They are objects in a container that is not an ObjectManager.
    """
    found = []
    base = aq_base(self)
    if getattr(base, 'talkback', None) is not None:
        found.append((self.talkback.id, self.talkback))
    for name, value in base.__dict__.items():
        if isinstance(value, Persistent) and value._p_changed is not None:
            # to read these is no use of the object
            said = value.__dict__.get('__provides__') or _said(value.__class__)
            if said is not None and not said.isOrExtends(ICallableOpaqueItem):
                continue
        one = getattr(self, name)
        if ICallableOpaqueItem.providedBy(one):
            found.append((one.getId(), one))
    return tuple(found)


@lru_cache(maxsize=1000)
def _said(kind):
    """Return the interfaces of an object without declarations of its own.

    They come from its class.  None if the class finds them in another way.
    """
    declared = implementedBy(kind)
    for base in kind.__mro__:
        if '__providedBy__' in vars(base):
            is_plain = (
                vars(base)['__providedBy__'] is objectSpecificationDescriptor)
            return declared if is_plain else None
    return None
