"""The management screens: functions that return HTML, and the tabs."""
from .page import MANY
from .page import show
from .page import show_tab
from .page import template
from .properties import properties
from .properties import typed_settings
from .statistics import statistics
from .tabs import ManagerTabs
from .translation import _
from .views import typed_views
from .views import views


__all__ = [
    'MANY', 'ManagerTabs', 'add_form', 'properties', 'show_tab',
    'statistics', 'typed_settings', 'typed_views', 'views']

_add_form = template('add.zpt')


def add_form(container, request, id=None, title='', error=None):
    """Return the form that adds a manager."""
    if id is None:
        is_free = 'page_cache' not in container.this().objectIds()
        id = 'page_cache' if is_free else ''
    return show(
        _add_form, container, form_title=_('Add Page Cache Manager'), id=id,
        title=title, error=str(error or ''))
