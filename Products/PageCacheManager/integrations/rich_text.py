"""Rich text of Plone: its images count, not the catalog's counter.

plone.app.textfield keeps the output of its transforms in memory.  Before it
gives that, it looks at a counter of all changes of the catalog; if that moved,
it looks for images of the text that were modified.  So each edit would make
all pages with rich text new.
"""
from plone.app.textfield import transform

from ..core.doors import put_before
from ..reads.recording import thread
from ..reads.recording import unrecorded


def install():
    """Put a function before the method that looks for images, once."""
    put_before(
        transform.PortalTransformsTransformer, 'check_referenced_images',
        _noting)


def _noting(plain):
    def check_referenced_images(self, value, target_mimetype, cache_obj):
        """Look for images that were modified; let these count for a page."""
        recording = thread.recording
        if recording is None:
            return plain(self, value, target_mimetype, cache_obj)
        with recording.aside(), unrecorded():
            plain(self, value, target_mimetype, cache_obj)
        uids = transform.imguid_re.findall(value)
        if uids:
            # a search that is asked again, with the dates that it found
            for brain in self.catalog(UID=uids):
                brain.modified  # noqa: B018
        return None
    return check_referenced_images
