"""The headers of a response, from those of rendering and of the policy.

All mappings here have lower-case names.
"""
from collections.abc import Mapping

from ..remembered import remembered
from .conditional import format_date
from .conditional import parse_date
from .lists import directives
from .lists import joined
from .lists import listed


Headers = dict[str, str]

#: What a 304 repeats of the 200 (RFC 9110 section 15.4.5).
_OF_A_304 = (
    'cache-control', 'content-location', 'etag', 'expires', 'vary')


def last_modified(moment: int, now: float) -> str:
    """Return the Last-Modified of a page that changed at `moment`.

    What was changed in this very second may change once more in it, so such
    a date is sent as the second before: it will not validate.
    """
    return format_date(min(moment, int(now) - 1))


def page_headers(
        own: Mapping[str, str],
        policy: Mapping[str, str],
        tag: str,
        modified: str | None,
        age: float = 0,
        vary_by: tuple[str, ...] = ()) -> Headers:
    """Return the headers of a 200.

    `own` are those that rendering set `age` seconds ago, `policy` those of
    the caching policy, `tag` the entity-tag or '', `modified` the date to
    send, None where the policy has none.  The policy wins, but for what
    rendering said to keep a page private; Vary has the names of both, and
    those in `vary_by`.
    """
    rendered, said = {**own}, {**policy}
    # these differ from page to page, from moment to moment
    of_page, of_now = rendered.pop('expires', None), said.pop('expires', None)
    values = dict(_combined(
        tuple(rendered.items()), tuple(said.items()), vary_by))
    if of_now is not None:
        values['expires'] = of_now
    elif of_page is not None:
        values['expires'] = _later(of_page, age)
    if modified is not None:
        values['last-modified'] = modified
    if tag:
        values['etag'] = tag
    return values


@remembered(256, 2000, is_spelled=True)
def _combined(
        own: tuple[tuple[str, str], ...],
        policy: tuple[tuple[str, str], ...],
        vary_by: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return the headers that are the same on many pages, at any time."""
    rendered, said = dict(own), dict(policy)
    values = {**rendered, **said}
    values.update(_more_private(rendered, values))
    vary = joined(
        rendered.get('vary', ''), [*listed(said.get('vary', '')), *vary_by])
    if may_be_coded(values.get('content-type', '')):
        vary = joined(vary, ['Accept-Encoding'])
    values['vary'] = vary
    return tuple(item for item in values.items() if item != ('vary', ''))


def _later(date: str, secs: float) -> str:
    """Return a date so many seconds later, of which fractions do not count.
    """
    moment = parse_date(date) if secs >= 1 else None
    return date if moment is None else format_date(moment + int(secs))


def may_be_coded(content_type: str) -> bool:
    """Return whether Zope compresses bodies of this type."""
    return not content_type.startswith('image/')


def is_private(cache_control: str) -> bool:
    """Return whether a Cache-Control value keeps shared caches out."""
    return bool(directives(cache_control) & {'no-store', 'private'})


def without_later(
        values: Mapping[str, str],
        present: Mapping[str, str],
        before: Mapping[str, str],
        own: Mapping[str, str]) -> Headers:
    """Return `values` without those that other code set since the call.

    `present` are the headers of the response now, `before` those at the
    call, `own` those that rendering set.  The entity-tag is the page's
    whatever happens, and Vary is merged.
    """
    kept = {}
    for name, value in values.items():
        now = present.get(name)
        if now is None or name in ('etag', 'vary') or now in (
                before.get(name), own.get(name)):
            kept[name] = value
    return kept


def merged(
        values: Mapping[str, str],
        present: Mapping[str, str]) -> Headers:
    """Return `values` with the Vary and privacy that other code set.

    Its Vary counts as well, and what it said to keep the answer private.
    """
    if 'vary' not in present and 'cache-control' not in present:
        return dict(values)
    result = dict(values)
    if 'vary' in present:
        result['vary'] = joined(
            values.get('vary', ''), listed(present['vary']))
    return {**result, **_more_private(present, result)}


#: What lets shared caches keep an answer.
_SHARING = frozenset(['public', 's-maxage'])


def _more_private(
        said: Mapping[str, str], values: Mapping[str, str]) -> Headers:
    """Return a Cache-Control as private as that in `said`.

    What else `values` says of caching stays: without a lifetime a client
    guesses how long the page is fresh (RFC 9111 section 4.2.2).
    """
    control = said.get('cache-control', '')
    present = values.get('cache-control', '')
    if not is_private(control) or 'no-store' in directives(present):
        return {}
    if 'no-store' in directives(control):
        return {'cache-control': control}
    known = directives(control) | _SHARING
    kept = [part for part in listed(present)
            if not directives(part) & known]
    return {'cache-control': ', '.join([*listed(control), *kept])}


def not_modified_headers(values: Mapping[str, str]) -> Headers:
    """Return the headers of a 304; `values` are those of the 200.

    The date serves clients where there is no entity-tag.
    """
    kept = {}
    for name in _OF_A_304:
        if name in values:
            kept[name] = values[name]
    if 'etag' not in kept and 'last-modified' in values:
        kept['last-modified'] = values['last-modified']
    return kept
