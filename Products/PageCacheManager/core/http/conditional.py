"""Entity-tags, dates and preconditions: strings in, results out.

Clauses are those of RFC 9110.  Headers of clients are parsed strictly and in
linear time.  If a header is invalid, the client gets the page and no error.
"""
import datetime
import hashlib
import math
import re
import time
from calendar import timegm
from collections.abc import Collection
from collections.abc import Iterable
from email.utils import formatdate
from functools import lru_cache
from urllib.parse import quote

from .content_coding import CODINGS
from .content_coding import IDENTITY


#: A longer opaque part of a tag, counted as sent, is replaced by a digest.
MAX_OPAQUE_LENGTH = 128

#: A date further in the future than this is not a date that we sent.
MAX_SKEW_SECS = 24 * 60 * 60

# ASCII characters of etagc that are not encoded in a tag, besides letters,
# digits and ``_.-~``.  Left out are ``%``, which escapes; backslash, which
# some recipients take for an escape (8.8.3); comma and ``*``, which careless
# recipients take for a list and for the wildcard; ``;`` and ``#``, which are
# our own separators.
_SAFE = "!$&'()+/:<=>?@[]^`{|}"

_CODING_MARK = ';'
_DIGEST_MARK = '#'
_SUFFIX_MARK = '-'
_FILTER_MARK = '-'

# 8.8.3: etagc = %x21 / %x23-7E / obs-text
# 5.6.1.2: a recipient reads and ignores empty elements of a list.  No part
# after the blanks can make a match backtrack twice over them.
_ELEMENT = re.compile(
    '(?:(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")[ \t]*)?(?:,[ \t]*|\\Z)')

_DAYS = ('Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun')
_LONG_DAYS = ('Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday',
              'Saturday', 'Sunday')
_MONTHS = ('Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep',
           'Oct', 'Nov', 'Dec')
_DAY = f'(?P<weekday>{"|".join(_DAYS)})'
_LONG_DAY = f'(?P<weekday>{"|".join(_LONG_DAYS)})'
_MONTH = f'(?P<month>{"|".join(_MONTHS)})'
_TIME = '(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})'

# 5.6.7: IMF-fixdate, rfc850-date, asctime-date; all case-sensitive.
_DATES = tuple(re.compile(pattern) for pattern in (
    f'{_DAY}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT',
    f'{_LONG_DAY}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) '
    f'{_TIME} GMT',
    f'{_DAY} {_MONTH} (?P<day>[0-9 ][0-9]) {_TIME} (?P<year>[0-9]{{4}})'))


def entity_tag(value: str, suffix: str = '') -> str:
    """Return a strong entity-tag (8.8.3) for a policy's raw `value`.

    Different values give different tags.  Characters that a tag must not
    contain are percent-encoded, and a digest replaces a value that is too
    long.  A value in the syntax of a tag is treated like any other value.
    With a `suffix` the tag ends in ``-suffix``, and different pairs of value
    and suffix give different tags.  A site must send all its tags with a
    suffix, or all without.
    """
    opaque = _opaque(value)
    if suffix:
        # Hyphens of the suffix are encoded, so the last one ends the value.
        opaque += _SUFFIX_MARK + _opaque(suffix).replace('-', '%2D')
    head, mark, tail = opaque.rpartition(_FILTER_MARK)
    if mark and tail in CODINGS:  # our tags must not end as a filter's tags
        opaque = f'{head}%2D{tail}'
    return f'"{opaque}"'


def _opaque(value: str) -> str:
    data = value.encode('utf-8', 'surrogatepass')
    encoded = quote(data, safe=_SAFE)
    if len(encoded) <= MAX_OPAQUE_LENGTH:
        return encoded
    # Short values have this mark encoded, so none looks like a digest.
    return _DIGEST_MARK + hashlib.sha256(data).hexdigest()


def coded_tag(tag: str, coding: str) -> str:
    """Return the tag of a coded body; `tag` belongs to the plain body.

    8.8.3.3: a strong tag names one sequence of bytes, so the two bodies need
    different tags.  No value of a policy gives a tag of this form.
    """
    return f'{tag[:-1]}{_CODING_MARK}{coding}"'


def filtered_tag(tag: str, coding: str) -> str:
    """Return `tag` as a filter of Apache marks it when it codes a body.

    mod_deflate and mod_brotli send this tag to the client.  If the client asks
    with it, they pass it on unchanged.  They do not touch a body that is coded
    already, but mod_brotli marks the tag of a 304 once more.
    """
    return f'{tag[:-1]}{_FILTER_MARK}{coding}"'


def tag_variants(
        tag: str,
        codings: Iterable[str] = (IDENTITY, 'gzip')) -> tuple[str, ...]:
    """Return all tags that clients may have for a page in some codings."""
    found: list[str] = []
    for coding in codings:
        if coding == IDENTITY:
            found.append(tag)
        else:
            marked = filtered_tag(tag, coding)
            found += (
                coded_tag(tag, coding), marked, filtered_tag(marked, coding))
    return tuple(found)


def tag_for_304(held: str) -> str:
    """Return the tag to send in a 304 to a client that has the tag `held`.

    15.4.5: the client must get that tag.  A second mark comes from a filter
    that marks each 304, so the tag is sent with one mark.
    """
    head, _, coding = held[:-1].rpartition(_FILTER_MARK)
    return f'{head}"' if coding in CODINGS and head.endswith(
        f'{_FILTER_MARK}{coding}') else held


def held_tag(header: str, tags: Collection[str]) -> str:
    """Return the first of `tags` that If-None-Match (13.1.2) matches.

    '' if it matches no tag.  Several header lines must be joined by commas.
    ``*`` alone matches any page.  A list that is invalid at any place matches
    nothing.  Cost: linear in the length of `header`.
    """
    text = header.strip(' \t')
    if text == '*':  # the grammar allows it only alone
        return next(iter(tags), '')
    found = _opaque_tags(text)
    # 8.8.3.2: weak comparison compares the opaque parts; either tag may be
    # weak.
    for tag in tags:
        if tag.removeprefix('W/') in found:
            return tag
    return ''


def _opaque_tags(text: str) -> frozenset[str]:
    """Return the tags of a list, without W/; no tags if it is malformed."""
    found: set[str] = set()
    position = 0
    while position < len(text):
        element = _ELEMENT.match(text, position)
        if element is None:
            return frozenset()
        if element[1]:
            found.add(element[1])
        position = element.end()
    return frozenset(found)


def parse_date(text: str, now: float | None = None) -> int | None:
    """Return the seconds since 1970 of an HTTP-date (5.6.7), or None.

    Parameters after a semicolon, which old browsers append, do not count.
    `now` decides the century of two-digit years.  A date with a wrong weekday
    is invalid.
    """
    date = text.partition(';')[0].strip(' \t')
    for pattern in _DATES:
        if match := pattern.fullmatch(date):
            return _seconds(match, time.time() if now is None else now)
    return None


def _seconds(match: re.Match[str], now: float) -> int | None:
    month = _MONTHS.index(match['month']) + 1
    day = int(match['day'])
    hour, minute, second = map(int, match.group('hour', 'minute', 'second'))
    year = int(match['year'])
    if len(match['year']) == 2:
        year = _full_year((year, month, day, hour, minute, second), now)
    # 5.6.7: from 00:00:00 to 23:59:60, the last for a leap second.
    if (hour, minute, second) != (23, 59, 60) and not (
            hour < 24 and minute < 60 and second < 60):
        return None
    try:
        weekday = datetime.date(year, month, day).weekday()
    except ValueError:
        return None
    if match['weekday'][:3] != _DAYS[weekday]:
        return None
    return timegm((year, month, day, hour, minute, second))


def _full_year(moment: tuple[int, ...], now: float) -> int:
    """Return the full year of a `moment` with a two-digit year.

    5.6.7: a time that appears to be more than 50 years in the future means
    the most recent past year with the same last two digits.
    """
    present = time.gmtime(now)[:6]
    year = present[0] - present[0] % 100 + moment[0]
    if (year, *moment[1:]) > (present[0] + 50, *present[1:]):
        return year - 100
    return year


@lru_cache(maxsize=64)
def format_date(secs: float) -> str:
    """Return seconds since 1970 as an IMF-fixdate (5.6.7), rounded down.

    The result is remembered, so all requests of a second share it.
    """
    return formatdate(math.floor(secs), usegmt=True)


def not_modified_since(value: str, modified: int, now: float) -> bool:
    """Return whether a page is no newer than If-Modified-Since (13.1.3).

    `modified` is its Last-Modified, in seconds since 1970.
    """
    since = parse_date(value, now)
    # An invalid HTTP-date is ignored.  So is a date too far in the future: a
    # clock that is a little wrong does not explain it.
    if since is None or since > now + MAX_SKEW_SECS:
        return False
    # A page of an earlier date, or of the same date, is not modified.
    return modified <= since
