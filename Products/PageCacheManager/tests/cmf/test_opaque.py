"""CMF's search for opaque items, and the read sets that it causes."""
import pytest
import transaction
from OFS.SimpleItem import SimpleItem
from persistent import Persistent
from Products.CMFCore.CMFCatalogAware import OpaqueItemManager
from Products.CMFCore.interfaces import ICallableOpaqueItem
from zope.interface import directlyProvides
from zope.interface import implementer

from ...cmf import opaque
from ..site import Item


PAGE = '/site/doc/page'


class Plain(SimpleItem):
    """An object without opaque items."""

    def __init__(self, id):
        self.id = id


@implementer(ICallableOpaqueItem)
class ByClass(Plain):
    """An opaque item."""


class OfItsOwn(Plain):
    """An object that computes by itself which interfaces it provides."""

    @property
    def __providedBy__(self):
        made = ByClass('made')
        return made.__providedBy__


class NotPersistent:
    id = 'not-persistent'

    def getId(self):
        return self.id


def test_it_stands_in_the_place_of_cmfs(site):
    assert OpaqueItemManager.opaqueItems is opaque.opaque_items


def test_what_other_code_put_there_stays(monkeypatch):
    def others(self):
        return ()
    monkeypatch.setattr(OpaqueItemManager, 'opaqueItems', others)
    opaque.install()
    assert OpaqueItemManager.opaqueItems is others


def by_object():
    found = Plain('by-object')
    directlyProvides(found, ICallableOpaqueItem)
    return found


def in_a_module():
    found = NotPersistent()
    directlyProvides(found, ICallableOpaqueItem)
    return found


@pytest.mark.parametrize('make, is_found', [
    (lambda: Plain('plain'), False), (lambda: ByClass('by-class'), True),
    (by_object, True), (lambda: OfItsOwn('own'), True),
    (NotPersistent, False), (in_a_module, True)])
@pytest.mark.parametrize('is_loaded', [True, False])
def test_items(site, make, is_found, is_loaded):
    item = make()
    site.folder.one = item
    transaction.commit()
    if isinstance(item, Persistent) and not is_loaded:
        item._p_deactivate()
    assert site.folder.opaqueItems() == (
        ((item.getId(), site.folder.one),) if is_found else ())
    assert site.folder.opaqueIds() == [item.getId()] * is_found


def test_talkback(site):
    site.folder.talkback = Plain('talkback')
    assert site.folder.opaqueIds() == ['talkback']
    site.folder.talkback = None
    assert site.folder.opaqueIds() == []


def edit(site, text):
    site.other.text = text
    transaction.commit()


def test_a_page_is_not_made_from_all_that_is_in_the_sites_root(site, client):
    def after_an_edit(text):
        """Return the outcome of the page after another object was loaded."""
        site.other.text = text
        transaction.commit()
        client.get('/site/folder/inner/page')
        return client.get(PAGE).outcome

    site._setObject('other', Item('other', 'old'))
    assert after_an_edit('first') == 'MISS'
    assert after_an_edit('second') == 'HIT'
    assert after_an_edit('third') == 'HIT'
    site.doc.text = 'another'
    assert after_an_edit('fourth') == 'MISS'
