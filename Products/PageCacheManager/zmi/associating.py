"""Methods that associate templates with a manager, or dissociate them."""
from AccessControl import getSecurityManager
from AccessControl.class_init import InitializeClass
from AccessControl.requestmethod import requestmethod
from AccessControl.SecurityInfo import ClassSecurityInfo
from OFS.Cache import CacheManager
from OFS.Cache import ChangeCacheSettingsPermission as change_cache_settings
from ZPublisher import zpublish

from .. import zmi
from ..manager.associated import take_all_away
from .associate import associate
from .associate import show_again
from .associate import typed_associations


postonly = requestmethod('POST')


class Associating:
    """Methods that change the associations of a manager."""

    security = ClassSecurityInfo()

    @zpublish(methods='POST')
    @security.protected(change_cache_settings)
    @postonly
    def ZCacheManager_setAssociations(self, props=None, REQUEST=None):
        """Associate templates with this manager, or dissociate them."""
        if REQUEST is not None:
            props = None  # the form has them
        return CacheManager.ZCacheManager_setAssociations(
            self, props, REQUEST)

    @zpublish(methods='POST')
    @security.protected('Change cache managers')
    @postonly
    def manage_editAssociations(self, REQUEST):
        """Associate or dissociate the templates whose mark changed."""
        typed = typed_associations(self, REQUEST)
        if typed.message:
            return associate(self, REQUEST, typed)
        for ob in typed.add:
            ob.ZCacheable_setManagerId(self.getId())
        for ob in typed.remove:
            ob.ZCacheable_setManagerId(None)
        show_again(self, REQUEST)

    @zpublish(methods='POST')
    @security.protected(change_cache_settings)
    @postonly
    def manage_dissociate(self, REQUEST=None):
        """Remove all associations that this user may change."""
        check = getSecurityManager().checkPermission
        take_all_away(self, lambda ob: check(change_cache_settings, ob))
        if REQUEST is not None:
            zmi.show_tab(
                self, REQUEST, 'ZCacheManager_associate', 'dissociated')


InitializeClass(Associating)
