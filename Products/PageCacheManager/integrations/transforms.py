"""The sources of the outputs of Plone's transforms.

portal_transforms stores the output with the text.  A page that shows the
output later reads neither the settings of the transforms nor the objects to
which the text links.

plone.app.textfield keeps the output in memory.  Before it returns the output,
it checks a counter of all changes of the catalog.  If the counter changed, it
looks for modified images of the text.  So each edit would invalidate all pages
with rich text.  Here the images count, not the counter.
"""
from functools import partial
from weakref import ref

from Acquisition import aq_base
from plone.app.textfield import transform
from Products.PortalTransforms.cache import Cache

from ..core.wrapping import wrap
from ..reads import memoized
from ..reads.recording import noted
from ..reads.recording import unrecorded
from ..reads.thread import thread


#: The sources of the outputs of each text, by ``id()``: texts have no hash.
_known = {}


def install():
    """Put functions before the methods that store and find outputs, once."""
    wrap(Cache, 'getCache', partial(noted, _get))
    wrap(Cache, 'setCache', _noted_set)
    wrap(
        transform.PortalTransformsTransformer, 'check_referenced_images',
        partial(noted, _check_images))


def _get(plain, self, key):
    found = plain(self, key)
    if found is not None and memoized.given(
            _known_of(self.obj).get(key), may_be_dear=True):
        return found
    memoized.missing((id(self.obj), key))
    return None


def _noted_set(plain):
    def setCache(self, key, value):
        known = memoized.made((id(self.obj), key), f'output as {key}')
        of_text = _known_of(self.obj)
        if known is not None:
            of_text[key] = known
        else:
            of_text.pop(key, None)
        return plain(self, key, value)
    return setCache


def _check_images(plain, self, value, target_mimetype, cache_obj):
    """Look for modified images, and record the search for the page.

    Reads of the plain method do not count.
    """
    with thread.recording.aside(), unrecorded():
        plain(self, value, target_mimetype, cache_obj)
    uids = transform.imguid_re.findall(value)
    if uids:
        # the recorded search is repeated later, with the dates that it found
        for brain in self.catalog(UID=uids):
            brain.modified  # noqa: B018


def _known_of(text):
    """Return the known sources of the outputs of a text, by content type.

    The outputs are in the memory of one connection, as the text is.
    """
    text = aq_base(text)
    number = id(text)
    found = _known.get(number)
    if found is None or found[0]() is not text:
        try:
            held = ref(text, lambda _: _known.pop(number, None))
        except TypeError:  # it cannot have weak references
            return {}
        found = _known[number] = held, {}
    return found[1]
