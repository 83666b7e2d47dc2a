"""The management screens: functions that return HTML, and the tabs."""
from ..core.report.statistics import read_view
from .page import show
from .page import template
from .properties import properties
from .properties import typed_settings
from .statistics import statistics
from .tabs import ManagerTabs
from .views import typed_views
from .views import views


__all__ = [
    'ManagerTabs', 'add_form', 'properties', 'show_tab', 'statistics',
    'typed_settings', 'typed_views', 'views']

_add_form = template('add.zpt')


def add_form(container, request, id='', title='', error=None):
    """Return the form that adds a manager."""
    return show(
        _add_form, container, id=id, title=title, error=str(error or ''))


def show_tab(manager, request, tab, done):
    """Redirect to a tab, which then shows the committed state."""
    query = f'done={done}&{read_view(request.form).query()}'.rstrip('&')
    request.response.redirect(f'{manager.absolute_url()}/{tab}?{query}')
