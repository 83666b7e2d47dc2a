"""What the output of Plone's transforms was made from.

portal_transforms keeps the output with the text: a page that shows it later
reads neither the settings of the transforms nor what the text links to.
"""
from weakref import ref

from Acquisition import aq_base
from Products.PortalTransforms.cache import Cache

from ..reads import kept
from ..reads.recording import thread


#: What is known of the outputs of each text, by id: texts have no hash.
_known = {}


def install():
    """Put functions before the methods that keep outputs, once."""
    if Cache.getCache.__module__ == __name__:
        return
    get, put = Cache.getCache, Cache.setCache

    def getCache(self, key):
        found = get(self, key)
        if thread.recording is None or (
                found is not None
                and kept.given(
                    _known_of(self.obj).get(key), may_be_dear=True)):
            return found
        kept.missing((id(self.obj), key))
        return None

    def setCache(self, key, value):
        known = kept.made((id(self.obj), key), f'output as {key}')
        of_text = _known_of(self.obj)
        if known is not None:
            of_text[key] = known
        else:
            of_text.pop(key, None)
        return put(self, key, value)

    Cache.getCache, Cache.setCache = getCache, setCache


def _known_of(text):
    """Return what is known of the outputs of a text, by content type.

    They are in the memory of one connection, as the text is.
    """
    text = aq_base(text)
    number = id(text)
    found = _known.get(number)
    if found is None or found[0]() is not text:
        try:
            held = ref(text, lambda _: _known.pop(number, None))
        except TypeError:  # of a kind that nobody can watch
            return {}
        found = _known[number] = held, {}
    return found[1]
