"""Sums and sorted rows for the Statistics screen."""
import re
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import replace
from math import ceil
from typing import Any
from typing import NamedTuple
from unicodedata import category
from urllib.parse import unquote
from urllib.parse import urlencode


#: One character beyond ASCII: its bytes in UTF-8, percent-encoded (RFC 3987
#: section 3.2).
_ESCAPED = re.compile(
    '%[Cc][0-9A-Fa-f]%[0-9A-Fa-f]{2}|%[Dd][0-9A-Fa-f]%[0-9A-Fa-f]{2}'
    '|%[Ee][0-9A-Fa-f](?:%[0-9A-Fa-f]{2}){2}'
    '|%[Ff][0-9A-Fa-f](?:%[0-9A-Fa-f]{2}){3}')

#: A row of the report, see `PageStore.report`.
Row = dict[str, Any]

#: Columns that sort as text, from A to Z at the first click.
TEXTS = ('template_path', 'context_path', 'url')

#: Columns that sort as numbers, the largest first at the first click.
NUMBERS = ('hits', 'misses', 'entries', 'size', 'age')

#: Choices for the number of rows per page.
SIZES = (50, 100, 200, 500)

#: A longer search text is cut off, in characters.
MAX_FIND = 200


@dataclass(frozen=True, slots=True)
class View:
    """The rows of the report to show, and their order."""

    sort: str = 'hits'
    order: str = 'desc'
    find: str = ''
    page: int = 1
    size: int = SIZES[0]

    def query(self, **changes: Any) -> str:
        """Return the query string of this view with `changes` in it."""
        values = asdict(replace(self, **changes))
        return urlencode({
            name: value for name, value in values.items()
            if value != getattr(View(), name)})

    def order_after_click(self, column: str) -> str:
        """Return the order after a click on a column's header."""
        if column == self.sort:
            return 'asc' if self.order == 'desc' else 'desc'
        return 'asc' if column in TEXTS else 'desc'


def read_view(form: Mapping[str, object]) -> View:
    """Return the view that a form describes.

    Missing and invalid values get their default.  No value raises an error,
    because a URL may contain any value.
    """
    default = View()
    sort, order = _text(form, 'sort'), _text(form, 'order')
    page, size = _number(form, 'page'), _number(form, 'size')
    return View(
        sort=sort if sort in TEXTS + NUMBERS else default.sort,
        order=order if order in ('asc', 'desc') else default.order,
        find=_text(form, 'find').strip()[:MAX_FIND],
        page=max(page, 1),
        size=size if size in SIZES else default.size)


def _text(form: Mapping[str, object], name: str) -> str:
    value = form.get(name)
    if not isinstance(value, str):
        return ''
    # a value that was not UTF-8 cannot be sent back
    return value.encode('utf-8', 'replace').decode('utf-8')


def _number(form: Mapping[str, object], name: str) -> int:
    text = _text(form, name)
    # int() takes foreign digits too, and fails for very many digits
    is_number = text.isascii() and text.isdigit() and len(text) <= 9
    return int(text) if is_number else 0


class Selection(NamedTuple):
    """The rows of one page, and their place among all."""

    rows: list[Row]
    #: Number of rows that match the search.
    matching: int
    #: Number of all rows.
    total: int
    #: The number of this page, from 1 to `pages`.
    page: int
    pages: int

    def neighbours(self) -> list[int]:
        """Return the page numbers to show: both ends and the neighbours."""
        near = range(self.page - 2, self.page + 3)
        return sorted(
            {1, self.pages} | {n for n in near if 1 <= n <= self.pages})


def select(rows: Iterable[Row], view: View) -> Selection:
    """Return the page of `rows` that `view` selects.

    A page number that is too high selects the last page.  Cost: n log n for n
    rows.
    """
    all_rows = list(rows)
    words = view.find.lower().split()
    found = [row for row in all_rows if _matches(row, words)]
    found.sort(key=_sort_key(view.sort), reverse=view.order == 'desc')
    pages = max(ceil(len(found) / view.size), 1)
    page = min(view.page, pages)
    first = (page - 1) * view.size
    return Selection(
        found[first:first + view.size], len(found), len(all_rows), page,
        pages)


def _matches(row: Row, words: list[str]) -> bool:
    if not words:
        return True
    text = ' '.join(
        [row[name] for name in TEXTS] + [readable_url(row['url'])]).lower()
    return all(word in text for word in words)


def _sort_key(column: str) -> Any:
    if column == 'age':
        return lambda row: (-row['created'], row['url'])
    return lambda row: (row[column], row['url'])


class Totals(NamedTuple):
    """The number of requests by outcome."""

    hits: int
    #: Hits that were answered with 304.
    not_modified: int
    misses: int
    no_etag: int
    bypassed: int
    off: int
    #: Requests that ended in an error or a redirect by exception.
    failed: int
    #: Attempts that were repeated after a conflict.
    retried: int
    #: Failures inside the cache; the pages were rendered without it.
    errors: int
    #: Hot pages that were rendered again before a visitor asked.
    ahead: int = 0

    @property
    def requests(self) -> int:
        """All requests that were answered."""
        return (self.hits + self.misses + self.no_etag + self.bypassed
                + self.off)

    @property
    def ratio(self) -> float | None:
        """The share of hits among hits and misses, None before the first."""
        looked_up = self.hits + self.misses
        return self.hits / looked_up if looked_up else None


def totals(counts: Mapping[tuple[str, str], int]) -> Totals:
    """Return the sums of a tally's counts."""
    def total(word: str) -> int:
        return sum(n for (what, _), n in counts.items() if what == word)

    return Totals(
        hits=total('HIT'),
        not_modified=counts.get(('HIT', 'not-modified'), 0),
        misses=total('MISS'),
        no_etag=total('NO-ETAG'),
        bypassed=total('BYPASS'),
        off=total('OFF'),
        failed=counts.get(('FAILED', 'error'), 0),
        retried=counts.get(('FAILED', 'retry'), 0),
        errors=total('ERROR'),
        ahead=total('AHEAD'))


def reasons(counts: Mapping[tuple[str, str], int]) -> list[tuple[str, int]]:
    """Return reasons and their counts, the most frequent first.

    A page with a failure counts for each request that gets it.
    """
    return _by_detail(counts, lambda word, detail: (
        word in ('NO-ETAG', 'BYPASS', 'OFF') or detail == 'render-error'))


def renders(counts: Mapping[tuple[str, str], int]) -> list[tuple[str, int]]:
    """Return the reasons for renders of storable pages, with their counts.

    The most frequent reason comes first.  '' stands for a page without any
    stored version.
    """
    return _by_detail(counts, lambda word, detail: (
        word == 'MISS' and detail != 'render-error'))


def _by_detail(
        counts: Mapping[tuple[str, str], int],
        is_meant: Callable[[str, str], bool]) -> list[tuple[str, int]]:
    found: dict[str, int] = {}
    for (word, detail), count in counts.items():
        if is_meant(word, detail):
            found[detail] = found.get(detail, 0) + count
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


def number_text(number: int) -> str:
    """Return a number with spaces between thousands."""
    return f'{number:,}'.replace(',', '\u202f')


def size_text(size: int) -> str:
    """Return a number of bytes in a suitable unit."""
    if size < 1024:
        return f'{size}\u00a0B'
    value, units = float(size), ('KiB', 'MiB', 'GiB', 'TiB')
    for unit in units:
        value /= 1024
        if value < 1023.95 or unit == units[-1]:
            break
    return f'{value:.1f}\u00a0{unit}'


def age_text(age_secs: float) -> str:
    """Return a time span in up to two suitable units."""
    secs = max(int(age_secs), 0)
    for unit, length, smaller, part in (
            ('d', 86_400, 'h', 3600), ('h', 3600, 'min', 60),
            ('min', 60, 's', 1)):
        if secs >= length:
            rest = secs % length // part
            text = f'{secs // length}\u00a0{unit}'
            return f'{text} {rest}\u00a0{smaller}' if rest else text
    return f'{secs}\u00a0s'


def span_text(secs: float) -> str:
    """Return a time span that may be shorter than a second."""
    if secs >= 10:
        return age_text(secs)
    if secs >= 1:
        return f'{secs:.1f}\u00a0s'
    return f'{secs * 1000:.{0 if secs >= 0.01 else 1}f}\u00a0ms'


def readable_url(url: str) -> str:
    """Return a URL for people, without escapes of letters and numbers.

    Signs, spaces and invisible characters stay escaped.
    """
    def plain(found: re.Match[str]) -> str:
        try:
            text = unquote(found[0], errors='strict')
        except UnicodeDecodeError:
            return found[0]
        # letters, their marks, and numbers
        return text if category(text)[0] in 'LMN' else found[0]
    return _ESCAPED.sub(plain, url)


def percent_text(part: float | None) -> str:
    """Return a fraction in percent."""
    return '\u2013' if part is None else f'{part * 100:.1f}\u00a0%'
