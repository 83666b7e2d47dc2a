"""The Page Cache Managers around a place."""
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
        # an attribute that it lacks would be looked for in its schema
        if isinstance(base, Persistent):
            base._p_activate()
        for name in getattr(base, '__dict__', {}).get(ZCM_MANAGERS, ()):
            # content may look far for an attribute
            find = getattr(place, '_getOb', partial(getattr, place))
            manager = find(name, None)
            if IPageCacheManager.providedBy(manager):
                yield manager
