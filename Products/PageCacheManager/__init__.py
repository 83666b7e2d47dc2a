"""Whole rendered pages, kept in memory and never served stale."""


def initialize(context):
    """Register the Page Cache Manager with Zope."""
    from . import PageCacheManager
    from .cmf import opaque
    from .reads import catalog
    from .reads import ram
    from .reads import thread
    from .reads import volatile

    catalog.install()
    opaque.install()
    ram.install()
    thread.install()
    volatile.install()

    context.registerClass(
        PageCacheManager.PageCacheManager,
        permission='Add Page Cache Managers',
        constructors=(
            PageCacheManager.manage_addPageCacheManagerForm,
            PageCacheManager.manage_addPageCacheManager))
