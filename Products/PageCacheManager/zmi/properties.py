"""The Properties screen, made from the table of settings."""
from ..core.fields import Names
from ..core.fields import Networks
from ..core.report.statistics import number_text
from ..core.settings import BY_NAME
from ..core.settings import FIELDS
from ..core.settings import stored
from . import set_up
from .page import render
from .page import template
from .state import gauges
from .state import state_of
from .translation import _


GROUPS = ('Main', 'Safety', 'Key', 'Advanced')

#: The values that a setting with a list accepts.
_LISTS = {
    Names: _('up to ${most} names such as ${example}, one per line'),
    Networks: _(
        'up to ${most} addresses or networks such as ${example}, one per '
        'line')}

_page = template('properties.zpt')


def typed_settings(request):
    """Return the settings in a form, as they were typed."""
    if request is None:
        return {}
    return {n: v for n, v in request.form.items() if n in BY_NAME}


def properties(manager, request, message='', errors=None, title=None):
    """Return the Properties screen.

    With `errors`, it shows the typed values, with a message at each wrong
    field.
    """
    errors = errors or {}
    typed = typed_settings(request) if errors else {}
    settings = stored(manager._settings)
    if errors:
        message = _('Nothing was changed. Please correct the marked fields.')
    steps = set_up.steps_of(manager, request)
    return render(
        _page, manager, request, 'Properties', message,
        'danger' if errors else 'success',
        title=str(manager.title if title is None else title),
        groups=[
            {'title': _(group),
             'fields': [
                 _control(field, settings, typed, errors)
                 for field in FIELDS if field.group == group]}
            for group in GROUPS],
        state=state_of(manager, settings, steps),
        steps=steps,
        may_take_all=sum(bool(step['button']) for step in steps) > 1,
        gauges=gauges(manager, settings))


def _control(field, settings, typed, errors):
    value = typed.get(field.name, getattr(settings, field.name))
    return {
        'name': field.name,
        'title': _(field.title),
        'kind': field.kind,
        'help': _(field.help),
        'unit': _(getattr(field, 'unit', '')),
        'range': _range(field),
        'default': _default(field),
        'choices': [
            (word, _(title)) for word, title in getattr(field, 'choices', ())],
        'value': _shown(field, value),
        'is_on': value in (True, 'on'),
        'error': errors.get(field.name, ''),
    }


def _shown(field, value):
    if isinstance(value, str):
        return value
    if isinstance(field, Names) and isinstance(value, (tuple, list)):
        return field.show(map(str, value))
    return str(value)


def _range(field):
    if field.kind == 'number':
        low, high = map(number_text, (field.low, field.high))
        return _('${low} to ${high} ${unit}', mapping={
            'low': low, 'high': high, 'unit': _(field.unit)})
    text = _LISTS.get(type(field))
    return '' if text is None else _(text, mapping={
        'most': field.most, 'example': field.example})


def _default(field):
    value = field.default
    if field.kind == 'choice':
        return _(dict(field.choices)[value])
    if field.kind == 'switch':
        return _('on') if value else _('off')
    if isinstance(field, Names):
        return ', '.join(value) or _('none')
    return number_text(value)
