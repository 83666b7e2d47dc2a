"""The methods that associate templates with a manager, or no longer."""
from AccessControl import getSecurityManager
from AccessControl.class_init import InitializeClass
from AccessControl.requestmethod import requestmethod
from AccessControl.SecurityInfo import ClassSecurityInfo
from OFS.Cache import CacheManager
from OFS.Cache import ChangeCacheSettingsPermission as change_cache_settings
from ZPublisher import zpublish

from .. import zmi
from ..manager.associated import take_all_away


postonly = requestmethod('POST')


class Associating:
    """Methods that change the associations of a manager."""

    security = ClassSecurityInfo()

    @zpublish(methods='POST')
    @security.protected(change_cache_settings)
    @postonly
    def ZCacheManager_setAssociations(self, props=None, REQUEST=None):
        """Associate templates with this manager, or no longer."""
        if REQUEST is not None:
            props = None  # what is meant is in the form
        return CacheManager.ZCacheManager_setAssociations(
            self, props, REQUEST)

    @zpublish(methods='POST')
    @security.protected(change_cache_settings)
    @postonly
    def manage_dissociate(self, REQUEST=None):
        """Take all associations away, as far as this user may."""
        check = getSecurityManager().checkPermission
        take_all_away(self, lambda ob: check(change_cache_settings, ob))
        if REQUEST is not None:
            zmi.show_tab(
                self, REQUEST, 'ZCacheManager_associate', 'dissociated')


InitializeClass(Associating)
