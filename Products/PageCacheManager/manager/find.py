"""The Page Cache Managers around an object."""
from functools import partial

from Acquisition import aq_base
from Acquisition import aq_chain
from Acquisition import aq_inner
from OFS.Cache import ZCM_MANAGERS
from persistent import Persistent

from ..interfaces import IPageCacheManager


def managers(context):
    """Yield the Page Cache Managers around `context`, the nearest first."""
    for place in aq_chain(aq_inner(context)):
        base = aq_base(place)
        # loaded, to read its __dict__: getattr on content that lacks the
        # attribute would search its schema
        if isinstance(base, Persistent):
            base._p_activate()
        for name in getattr(base, '__dict__', {}).get(ZCM_MANAGERS, ()):
            # getattr may be slow on content, so it is the second choice
            find = getattr(place, '_getOb', partial(getattr, place))
            manager = find(name, None)
            if IPageCacheManager.providedBy(manager):
                yield manager
