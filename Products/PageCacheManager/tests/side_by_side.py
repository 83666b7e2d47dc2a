"""Which tests share a process, where several run side by side."""
from xdist.scheduler import LoadFileScheduling


class BrowsersTogether(LoadFileScheduling):
    """A module's tests share a process, and so do all with a browser.

    Two browsers at once are too much for two cores, and one that waits for
    its turn keeps a process idle.
    """

    def _split_scope(self, nodeid):
        scope = super()._split_scope(nodeid)
        return 'browsers' if '/test_browser' in scope else scope
