"""The tabs of a manager, and the methods that they and programs call."""
from AccessControl import getSecurityManager
from AccessControl.class_init import InitializeClass
from AccessControl.Permissions import view_management_screens
from AccessControl.requestmethod import postonly
from AccessControl.SecurityInfo import ClassSecurityInfo
from OFS.Cache import CacheManager
from OFS.Cache import ChangeCacheSettingsPermission as change_cache_settings
from OFS.SimpleItem import SimpleItem
from zExceptions import BadRequest
from ZPublisher import zpublish

from ..manager import caches
from ..manager.associated import take_all_away
from .associate import associate
from .associate import show_again
from .associate import typed_associations
from .explain.screen import explain
from .explain.screen import explain_json
from .export import stats_csv
from .export import stats_json
from .metrics import metrics
from .page import show_tab
from .policies import add_policy
from .policies import policies
from .properties import properties
from .set_up import take
from .statistics import statistics
from .views import views


class ManagerTabs:
    """The tabs of a Page Cache Manager in the ZMI, with their exports."""

    security = ClassSecurityInfo()
    security.setPermissionDefault('View page cache metrics', ('Manager',))

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

    @zpublish(methods='POST')
    @security.protected('Change cache managers')
    @postonly
    def manage_setUp(self, step='all', REQUEST=None):
        """Carry out a step, or all: ``policies``, ``policy``, ``templates``.

        Raises ValueError for an unknown step; through the web BadRequest.
        Raises Unauthorized if this user may not add policies.
        """
        try:
            take(self, step, REQUEST or self.REQUEST)
        except ValueError as error:
            if REQUEST is None:
                raise
            raise BadRequest(str(error)) from error
        if REQUEST is not None:
            show_tab(self, REQUEST, 'manage_main', 'set_up')

    @zpublish
    @security.protected(view_management_screens)
    def manage_stats(self, REQUEST=None):
        """Show the Statistics screen."""
        return statistics(self, REQUEST or self.REQUEST)

    @zpublish(methods='GET')
    @security.protected(view_management_screens)
    def manage_statsCSV(self, REQUEST=None):
        """Return the pages of the Statistics screen as CSV."""
        return stats_csv(self, REQUEST or self.REQUEST)

    @zpublish(methods='GET')
    @security.protected(view_management_screens)
    def manage_statsJSON(self, REQUEST=None):
        """Return all numbers of the Statistics screen as JSON."""
        return stats_json(self, REQUEST or self.REQUEST)

    @zpublish(methods='GET')
    @security.protected('View page cache metrics')
    def manage_metrics(self, REQUEST=None):
        """Return metrics of this process in Prometheus' text format."""
        return metrics(self, (REQUEST or self.REQUEST).response)

    @zpublish(methods='POST')
    @security.protected('Change cache managers')
    @postonly
    def manage_resetStats(self, REQUEST=None):
        """Reset the counters of this process; stored pages stay."""
        caches.after_commit(self.cache_name(), caches.ManagerCache.reset)
        if REQUEST is not None:
            show_tab(self, REQUEST, 'manage_stats', 'stats_reset')

    @zpublish
    @security.protected(view_management_screens)
    def manage_views(self, REQUEST=None):
        """Show the Views screen."""
        return views(self, REQUEST or self.REQUEST)

    @zpublish
    @security.protected(view_management_screens)
    def manage_policies(self, REQUEST=None):
        """Show the Policies screen."""
        return policies(self, REQUEST or self.REQUEST)

    @zpublish(methods='POST')
    @security.protected('Change cache managers')
    @postonly
    def manage_addPolicy(self, preset, REQUEST=None):
        """Add a preset after all policies of the site.

        Raises ValueError if `preset` is no preset, or if there is no caching
        policy manager; through the web the screen shows the error.  Raises
        Unauthorized if this user may not add policies.
        """
        try:
            add_policy(self, preset)
        except ValueError as error:
            if REQUEST is None:
                raise
            return policies(self, REQUEST, str(error), 'danger')
        if REQUEST is not None:
            show_tab(self, REQUEST, 'manage_policies', 'policy_added')

    @zpublish
    @security.protected(view_management_screens)
    def manage_explain(self, REQUEST=None):
        """Show the Explain screen."""
        return explain(self, REQUEST or self.REQUEST)

    @zpublish(methods='GET')
    @security.protected(view_management_screens)
    def manage_explainJSON(self, REQUEST=None):
        """Return the content of the Explain screen as JSON."""
        return explain_json(self, REQUEST or self.REQUEST)

    @zpublish(methods='POST')
    @security.protected('Change cache managers')
    @postonly
    def manage_renderNow(self, REQUEST):
        """Render the page now, and show the result on the Explain screen."""
        return explain(self, REQUEST, renders=True)

    @zpublish
    @security.protected(change_cache_settings)
    def ZCacheManager_associate(self, client=None, REQUEST=None, **options):
        """Show the Associate screen; `options` are those of Zope's method."""
        return associate(
            self, REQUEST or self.REQUEST,
            done=options.get('manage_tabs_message', ''))

    @zpublish(methods='POST')
    @security.protected(change_cache_settings)
    @postonly
    def ZCacheManager_setAssociations(self, props=None, REQUEST=None):
        """Associate templates with this manager, or dissociate them."""
        if REQUEST is not None:
            props = None  # Zope reads them from the form
        return CacheManager.ZCacheManager_setAssociations(
            self, props, REQUEST)

    @zpublish(methods='POST')
    @security.protected('Change cache managers')
    @postonly
    def manage_editAssociations(self, REQUEST):
        """Associate or dissociate the templates with a changed mark."""
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
            show_tab(self, REQUEST, 'ZCacheManager_associate', 'dissociated')


InitializeClass(ManagerTabs)
