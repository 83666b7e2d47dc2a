"""The Views screen: the associated browser views, and candidates."""
from dataclasses import dataclass
from dataclasses import field

from ..cmf.presets import portal_types
from ..core.associations import MAX_ASSOCIATIONS
from ..core.associations import Association
from ..core.associations import AssociationError
from ..core.associations import is_associated
from ..core.associations import read
from ..core.report.statistics import number_text
from ..manager import caches
from ..publisher import request as http_request
from .page import NOT_THIS_FORM
from .page import cut
from .page import render
from .page import template
from .translation import _


#: Maximum number of recently published views on the screen.
MAX_OFFERS = 50

#: Number of empty rows to fill in.
EMPTY_ROWS = 2

NOT_CHANGED = _('Nothing was changed. Please correct the marked fields.')

_page = template('views.zpt')


@dataclass
class Row:
    """A row of the form with its values as they were sent, of any type."""

    values: dict
    is_marked: bool = False
    #: An error message and the name of the wrong field, '' for no error.
    error: str = ''
    wrong: str = ''

    @property
    def is_empty(self):
        return all(
            isinstance(self.values.get(name, ''), str)
            and not self.values.get(name, '').strip()
            for name in ('name', 'kind'))


@dataclass
class Typed:
    """The form as it was sent."""

    #: Rows of the table; a marked one is removed.
    rows: list = field(default_factory=list)
    #: Recently published views; a marked one is associated.
    offers: list = field(default_factory=list)
    #: The error message, '' for none.
    message: str = ''
    #: The new associations, if nothing is wrong.
    found: tuple = ()


def typed_views(request):
    """Return the form in `request`, with a message in each wrong row."""
    rows = _rows(request.form.get('views'), 'remove')
    offers = _rows(request.form.get('offers', []), 'associate')
    if not rows or offers is None:
        return Typed(message=NOT_THIS_FORM)
    typed = Typed(rows, offers)
    wanted = [row for row in rows if not (row.is_marked or row.is_empty)]
    for row in wanted:
        _check(row)
    if any(row.error for row in wanted):
        typed.message = NOT_CHANGED
        return typed
    wanted += [offer for offer in offers if offer.is_marked]
    try:
        typed.found = read([row.values for row in wanted])
    except ValueError as error:  # too many rows, or a wrong offer
        typed.message = _('Nothing was changed. ${error}', mapping={
            'error': str(error)})
    return typed


def _rows(value, mark):
    """Return the rows in a value of the form, None if it has none."""
    records = http_request.records(value)
    if records is None or len(records) > 2 * MAX_ASSOCIATIONS:
        return None
    return [
        Row({name: record[name] for name in Association._fields
             if name in record}, bool(record.get(mark)))
        for record in records]


def _check(row):
    try:
        read([row.values])
    except AssociationError as error:
        row.error, row.wrong = str(error), error.field


def views(manager, request, typed=None):
    """Return the Views screen, with the `typed` form if it was wrong."""
    associations = manager.associations()
    if typed is not None and typed.rows:
        rows = typed.rows
    else:
        rows = [
            *(Row(one._asdict()) for one in associations),
            *(Row({}) for _ in range(EMPTY_ROWS))]
    message = '' if typed is None else typed.message
    types = portal_types()
    marked = {} if typed is None else {
        _view_of(row): row for row in typed.offers or ()}
    return render(
        _page, manager, request, 'Views', message,
        'danger' if message else 'success',
        rows=[{**_shown(row, number), 'warning': _warning(row, types)}
              for number, row in enumerate(rows, 1)],
        offers=[
            {**_shown(marked.get((name, kind), Row(
                {'name': name, 'kind': kind}))),
             'count': number_text(count)}
            for name, kind, count in _offers(manager, associations)])


def _offers(manager, associations):
    """Return name, portal type and count of each candidate."""
    counts = caches.cache_of(manager).lately.counts()
    return [
        (name, kind, count) for name, kind, count in counts
        if is_offered(associations, name, kind)][:MAX_OFFERS]


def is_offered(associations, name, kind):
    """Return whether a view can be associated, and is not yet."""
    row = Row({'name': name, 'kind': kind})
    _check(row)
    return not row.error and not is_associated(
        associations, name, kind.__eq__)


def _shown(row, number=0):
    """Return a row as plain values."""
    name, kind = _view_of(row)
    return {
        'name': name,
        'kind': kind,
        **_hints(name, kind, number),
        'is_marked': row.is_marked,
        'is_empty': row.is_empty,
        'error': row.error,
        'wrong': row.wrong}


def _hints(name, kind, number):
    """Return the labels of a row's controls for screen readers."""
    content = kind or _('all content')
    row = {'view': name or _('row ${number}', mapping={'number': number})}
    return {
        'name_hint': _('Name of the view in row ${number}', mapping={
            'number': number}),
        'content': content,
        'kind_hint': _('Content for ${view}', mapping=row),
        'remove_hint': _('Remove ${view}', mapping=row),
        'associate_hint': _('Associate ${view} for ${content}', mapping={
            **row, 'content': content})}


def _warning(row, types):
    """Return a warning if a correct row would have no effect, else ''."""
    kind = _view_of(row)[1]
    if row.error or not kind or '.' in kind:  # the name of an interface
        return ''
    if types is None or kind in types:
        return ''
    return _(
        'This site has no portal type ${kind}, so this row has no effect.',
        mapping={'kind': kind})


def _view_of(row):
    return tuple(
        cut(str(row.values.get(field, ''))) for field in ('name', 'kind'))
