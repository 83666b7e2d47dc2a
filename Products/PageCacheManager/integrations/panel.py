"""Views of the cache in Plone: a panel in Site Setup, and the toolbar.

They are for users who may change the cache.
"""
from urllib.parse import urlencode

from AccessControl import Unauthorized
from plone.base.interfaces import IPloneSiteRoot
from Products.Five.browser import BrowserView
from Products.Five.browser.pagetemplatefile import ViewPageTemplateFile
from Products.statusmessages.interfaces import IStatusMessage
from zope.component.hooks import getSite

from ..core.reasons import Reason
from ..core.report import statistics as figures
from ..core.settings import stored
from ..key.versions import path_of
from ..manager import caches
from ..manager.find import managers
from ..zmi import set_up
from ..zmi import state
from ..zmi.statistics import summary
from ..zmi.translation import _
from ..zmi.translation import translated


class OfManager(BrowserView):
    """A view for the nearest manager of the context, if there is one."""

    @property
    def manager(self):
        """The nearest manager, None if there is none."""
        return next(iter(managers(self.context)), None)

    def told(self, text, url):
        """Redirect to `url`, with a message."""
        IStatusMessage(self.request).add(text)
        self.request.response.redirect(url)
        return ''


class ControlPanel(OfManager):
    """State and figures of the cache, and a button that purges."""

    index = ViewPageTemplateFile('www/panel.pt')

    def __call__(self):
        if 'purge' in self.request.form and self.manager is not None:
            only_by_post(self.request)
            self.manager.manage_purge()
            return self.told(
                _('All pages are purged.'),
                f'{self.context.absolute_url()}/@@page-cache-controlpanel')
        return self.index()

    def figures(self):
        """Return the content of the panel as plain values."""
        manager = self.manager
        cache, settings = caches.cache_of(manager), stored(manager._settings)
        counts = cache.tally.counts()
        totals = figures.totals(counts)
        return translated({
            'url': manager.absolute_url(),
            'state': state.state_of(
                manager, settings, set_up.steps_of(manager, self.request)),
            'summary': summary(totals, cache.journal.mean_secs()),
            'gauges': state.gauges(manager, settings),
            'others': figures.number_text(
                counts.get(('BYPASS', Reason.OTHER_CACHE), 0)),
            'has_others': ('BYPASS', Reason.OTHER_CACHE) in counts,
            'views': [
                {'name': view.name, 'kind': view.kind or _('any content')}
                for view in manager.associations()]}, self.request)


class Why(OfManager):
    """Redirects to the Explain screen for the page of the context."""

    def __call__(self):
        manager = self.manager
        if manager is None:
            return self.told(
                _('There is no Page Cache Manager here.'),
                self.context.absolute_url())
        query = urlencode({'path': page_url(self.context)})
        self.request.response.redirect(
            f'{manager.absolute_url()}/manage_explain?{query}')
        return ''


class Forget(OfManager):
    """Drops the pages of the context, or also of all content below it."""

    index = ViewPageTemplateFile('www/forget.pt')

    def __call__(self):
        wanted = {'page', 'below'} & {*self.request.form}
        if not wanted or self.manager is None:
            return self.index()
        only_by_post(self.request)
        path = path_of(self.context)
        self.manager.manage_invalidate(
            [f'{path}/'] if 'below' in wanted else [path])
        return self.told(
            _('The pages are made anew when they are asked for.'),
            page_url(self.context))


def only_by_post(request):
    """Raise Unauthorized for a request that may not change anything."""
    if request.environ.get('REQUEST_METHOD') != 'POST':
        raise Unauthorized('This takes a POST.')


def page_url(content):
    """Return the URL of the page for `content`.

    A file's own URL gives its bytes, not a page.
    """
    url = content.absolute_url()
    if IPloneSiteRoot.providedBy(content):
        return url
    registry = getSite().portal_registry
    kinds = registry.get('plone.types_use_view_action_in_listings') or ()
    return f'{url}/view' if content.portal_type in kinds else url
