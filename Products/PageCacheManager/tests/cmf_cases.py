"""CMF's own tests, with a Page Cache Manager for the objects that they test.

The test classes are those of the installed CMFCore.  Each filesystem object
that a test makes is associated with a manager in the root.  Its ``.metadata``
file could do the same by ``cache = page_cache``.  Nothing is published, so the
cache must not interfere: CMF works as without it, and nothing is stored.

CMF's layers patch Zope's start and empty the component architecture, so no
other test can run in the same process.  `test_cmf` runs this module in a
separate process.  Its name keeps pytest from collecting it elsewhere.
"""
from Products.CMFCore.FSObject import FSObject
from Products.CMFCore.tests import test_CachingPolicyManager
from Products.CMFCore.tests import test_FSDTMLMethod
from Products.CMFCore.tests import test_FSFile
from Products.CMFCore.tests import test_FSImage
from Products.CMFCore.tests import test_FSPageTemplate

from ..manager import caches
from ..PageCacheManager import PageCacheManager
from ..request.zcache import PageCache
from ..request.zcache import page_cache


MANAGER_ID = 'page_cache'


class Associated:
    """Associates the objects of a test, and checks that the cache was asked.

    It precedes a test class of CMF in the bases.
    """

    #: Whether the tests render or send anything; the tests that do not.
    renders = True
    asks_nothing = frozenset()

    def setUp(self):
        caches.forget_all()
        self.made = []
        self.asked = []
        self._replace(FSObject, '__init__', self._making)
        self._replace(PageCache, 'ZCache_get', self._asking)
        self._replace(PageCache, 'ZCache_set', self._asking)
        super().setUp()
        self.app._setObject(MANAGER_ID, PageCacheManager(MANAGER_ID))
        self.manager = self.app[MANAGER_ID]
        # in a full Zope an event does this
        self.manager.manage_afterAdd(self.manager, self.app)

    def tearDown(self):
        # the base class takes the application away
        try:
            self._check()
        finally:
            super().tearDown()

    def _check(self):
        assert self.made
        for ob in self.made:
            if self._testMethodName == 'test_customize_caching':
                continue  # which associates it with another manager
            assert ob.ZCacheable_getManagerId() == MANAGER_ID
            assert ob.__of__(self.app).ZCacheable_getCache() is page_cache
        made = {id(ob) for ob in self.made}
        assert all(id(ob) in made for ob in self.asked)
        assert bool(self.asked) == (
            self.renders and self._testMethodName not in self.asks_nothing)
        assert self.manager.getCacheReport() == []
        for name, cache in caches._caches.items():
            counts = cache.pages.counts()
            assert (counts.entries, counts.bytes) == (0, 0), name

    def _replace(self, owner, name, wrap):
        original = getattr(owner, name)
        self.addCleanup(setattr, owner, name, original)
        setattr(owner, name, wrap(original))

    def _making(self, original):
        def __init__(ob, *args, **options):
            original(ob, *args, **options)
            ob.ZCacheable_setManagerId(MANAGER_ID)
            self.made.append(ob)
        return __init__

    def _asking(self, original):
        def ask(cache, ob, *args, **options):
            self.asked.append(ob.aq_base)
            return original(cache, ob, *args, **options)
        return ask


class CachingPolicyManager304Tests(
        Associated, test_CachingPolicyManager.CachingPolicyManager304Tests):
    pass


class NestedTemplateTests(
        Associated, test_CachingPolicyManager.NestedTemplateTests):
    pass


class FSPageTemplateTests(
        Associated, test_FSPageTemplate.FSPageTemplateTests):

    asks_nothing = frozenset([
        'test_CharsetFromFSMetadata', 'test_CharsetFrom2FSMetadata',
        'test_CharsetFromContentTypeMetadata', 'test_pt_properties'])


class FSPageTemplateCustomizationTests(
        Associated, test_FSPageTemplate.FSPageTemplateCustomizationTests):

    renders = False


class FSDTMLMethodTests(Associated, test_FSDTMLMethod.FSDTMLMethodTests):

    asks_nothing = frozenset([
        # CMF answers before it asks
        'test_304_response_from_cpm',
        'test_default_encoding', 'test_explicit_encoding', 'test_ownership'])


class FSDTMLMethodCustomizationTests(
        Associated, test_FSDTMLMethod.FSDTMLMethodCustomizationTests):

    renders = False


class FSFileTests(Associated, test_FSFile.FSFileTests):

    asks_nothing = frozenset([
        'test_bytes', 'test_ctor', 'test_str',
        'test_unnecessary_invalidation_avoidance'])


class FSImageTests(Associated, test_FSImage.FSImageTests):

    asks_nothing = frozenset([
        'test_ctor', 'test_tag_with_acquired_clashing_attrs',
        'test_unnecessary_invalidation_avoidance'])
