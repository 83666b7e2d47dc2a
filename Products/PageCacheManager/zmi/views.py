"""The Views screen: which browser views are kept, and which could be."""
from dataclasses import dataclass
from dataclasses import field

from ..core.associations import MAX_ASSOCIATIONS
from ..core.associations import SHOWS
from ..core.associations import Association
from ..core.associations import AssociationError
from ..core.associations import choose
from ..core.associations import read
from ..core.report.statistics import number_text
from ..manager import caches
from ..publisher import request as http_request
from .page import cut
from .page import render
from .page import template


#: How many views that were published lately are offered.
MAX_OFFERS = 50

#: How many empty rows there are to fill in.
EMPTY_ROWS = 2

#: What is chosen where nobody chose yet: no page is ever stale with it.
SAFE = 'site'

NOT_CHANGED = 'Nothing was changed: please look at what is marked below.'
NOT_THIS_FORM = (
    'Nothing was changed: what was sent is not the form of this tab.')

_page = template('views.zpt')


@dataclass
class Row:
    """A row of the form as it was typed, whatever that is."""

    values: dict
    is_marked: bool = False
    #: What is wrong, and the field that it is wrong with.
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

    #: Rows of the table; the mark takes one away.
    rows: list = field(default_factory=list)
    #: Views published lately; the mark associates one.
    offers: list = field(default_factory=list)
    #: What is wrong, '' if nothing is.
    message: str = ''
    #: The associations that are meant, where nothing is wrong.
    found: tuple = ()


def typed_views(request):
    """Return the form in `request`, with a message beside each wrong row."""
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
    except ValueError as error:  # too many, or not what was offered
        typed.message = f'Nothing was changed. {error}'
    return typed


def _rows(value, mark):
    """Return the rows in what a form has for them, None if it has none."""
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
    """Return the Views screen, as it is or as it was `typed`."""
    associations = manager.associations()
    is_wrong = typed is not None
    if is_wrong and typed.rows:
        rows, marks = typed.rows, _marks(typed.offers)
    else:
        rows, marks = [Row(one._asdict()) for one in associations], {}
    spare = 0 if is_wrong and typed.rows else EMPTY_ROWS
    rows = [*rows, *(Row({'shows': SAFE}) for _ in range(spare))]
    return render(
        _page, manager, request, 'Views',
        typed.message if is_wrong else '', 'danger' if is_wrong else 'success',
        rows=[_shown(n, row, 'view') for n, row in enumerate(rows, 1)],
        offers=[
            {**_shown(n, marks.get(offer[:2], _offered(offer)), 'offer'),
             'count': number_text(offer[2])}
            for n, offer in enumerate(_offers(manager, associations), 1)],
        has_views=bool(associations))


def _marks(offers):
    return {
        (row.values.get('name'), row.values.get('kind')): row
        for row in offers if isinstance(row.values.get('name'), str)
        and isinstance(row.values.get('kind'), str)}


def _offered(offer):
    return Row({'name': offer[0], 'kind': offer[1], 'shows': SAFE})


def _offers(manager, associations):
    """Yield name, portal type and count of views that could be associated.
    """
    counts = caches.cache_of(manager).lately.counts()
    found = [
        (name, kind, count) for name, kind, count in counts
        if _can_be_associated(name, kind)
        and choose(associations, name, kind.__eq__) is None]
    return found[:MAX_OFFERS]


def _can_be_associated(name, kind):
    row = Row({'name': name, 'kind': kind})
    _check(row)
    return not row.error


def _shown(number, row, prefix):
    """Return a row as plain values; `number` makes ids of it."""
    values = row.values
    name, kind = (_text(values.get(n, '')) for n in ('name', 'kind'))
    error_id = f'{prefix}-{number}-error'
    shows = values.get('shows', 'item')
    return {
        'name': name,
        'kind': kind,
        'content': kind or 'all content',
        'number': number,
        'subject': name or f'row {number}',
        'is_marked': row.is_marked,
        'is_empty': row.is_empty,
        'error': row.error,
        'error_id': error_id,
        'fields': {
            field: {
                'class': 'is-invalid' if row.wrong == field else '',
                'invalid': 'true' if row.wrong == field else None,
                'describedby': error_id if row.wrong == field else None}
            for field in Association._fields},
        'choices': [
            {'word': word, 'text': text, 'selected': word == shows}
            for word, text in SHOWS.items()]}


def _text(value):
    return cut(value if isinstance(value, str) else str(value))
