"""The tabs of a manager, and the methods that show them."""
from AccessControl.class_init import InitializeClass
from AccessControl.Permissions import view_management_screens
from AccessControl.requestmethod import requestmethod
from AccessControl.SecurityInfo import ClassSecurityInfo
from OFS.Cache import CacheManager
from OFS.Cache import ChangeCacheSettingsPermission as change_cache_settings
from OFS.SimpleItem import SimpleItem
from ZPublisher import zpublish

from .associate import associate
from .explain.screen import explain
from .explain.screen import explain_json
from .properties import properties
from .statistics import statistics
from .views import views


postonly = requestmethod('POST')


class ManagerTabs:
    """The tabs of a Page Cache Manager in the ZMI; they change nothing."""

    security = ClassSecurityInfo()

    manage_options = (
        {'label': 'Properties', 'action': 'manage_main'},
        {'label': 'Statistics', 'action': 'manage_stats'},
        {'label': 'Views', 'action': 'manage_views'},
        {'label': 'Policies', 'action': 'manage_policies'},
        {'label': 'Explain', 'action': 'manage_explain'},
    ) + CacheManager.manage_options + SimpleItem.manage_options

    @zpublish
    @security.protected(view_management_screens)
    def manage_main(self, REQUEST=None):
        """Show the Properties screen."""
        return properties(self, REQUEST or self.REQUEST)

    @zpublish
    @security.protected(view_management_screens)
    def manage_stats(self, REQUEST=None):
        """Show the Statistics screen."""
        return statistics(self, REQUEST or self.REQUEST)

    @zpublish
    @security.protected(view_management_screens)
    def manage_views(self, REQUEST=None):
        """Show the Views screen."""
        return views(self, REQUEST or self.REQUEST)

    @zpublish
    @security.protected(view_management_screens)
    def manage_explain(self, REQUEST=None):
        """Show the Explain screen."""
        return explain(self, REQUEST or self.REQUEST)

    @zpublish(methods='POST')
    @security.protected('Change cache managers')
    @postonly
    def manage_renderNow(self, REQUEST):
        """Show the Explain screen, and what rendering the page gives now."""
        return explain(self, REQUEST, renders=True)

    @zpublish(methods='GET')
    @security.protected(view_management_screens)
    def manage_explainJSON(self, REQUEST=None):
        """Return what the Explain screen shows as JSON."""
        return explain_json(self, REQUEST or self.REQUEST)

    @zpublish
    @security.protected(change_cache_settings)
    def ZCacheManager_associate(self, client=None, REQUEST=None, **options):
        """Show the Associate screen; `options` are those of Zope's own."""
        return associate(
            self, REQUEST or self.REQUEST,
            done=options.get('manage_tabs_message', ''))


InitializeClass(ManagerTabs)
