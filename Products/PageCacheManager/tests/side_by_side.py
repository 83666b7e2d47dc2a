"""The tests that share a process, if several run side by side."""
from xdist.scheduler import LoadFileScheduling


#: Parts of the names of modules whose tests share a process.
TOGETHER = (
    # two browsers at once are too much for two cores, and a test that waits
    # for its turn keeps a process idle
    '/test_browser',
    # these show templates in files, which some of them edit
    '/test_views')


class SomeTogether(LoadFileScheduling):
    """Runs a module's tests in one process, and some modules together."""

    def _split_scope(self, nodeid):
        scope = super()._split_scope(nodeid)
        return next((name for name in TOGETHER if name in scope), scope)
