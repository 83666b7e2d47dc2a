"""What the output of Plone's transforms was made from.

portal_transforms keeps the output with the text: a page that shows it later
reads neither the settings of the transforms nor what the text links to.

plone.app.textfield keeps the output in memory.  Before it gives that, it looks
at a counter of all changes of the catalog; if that moved, it looks for images
of the text that were modified.  So each edit would make all pages with rich
text new.  Here its images count, not the counter.
"""
from functools import partial
from weakref import ref

from Acquisition import aq_base
from plone.app.textfield import transform
from Products.PortalTransforms.cache import Cache

from ..core.doors import put_before
from ..reads import memoized
from ..reads.recording import noted
from ..reads.recording import thread
from ..reads.recording import unrecorded


#: What is known of the outputs of each text, by id: texts have no hash.
_known = {}


def install():
    """Put functions before the methods that keep outputs, once."""
    put_before(Cache, 'getCache', partial(noted, _get))
    put_before(Cache, 'setCache', _noted_set)
    put_before(
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
    """Look for images that were modified; let these count for a page."""
    with thread.recording.aside(), unrecorded():
        plain(self, value, target_mimetype, cache_obj)
    uids = transform.imguid_re.findall(value)
    if uids:
        # a search that is asked again, with the dates that it found
        for brain in self.catalog(UID=uids):
            brain.modified  # noqa: B018


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
