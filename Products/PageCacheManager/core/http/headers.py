"""The headers of a response, from those of rendering and of the policy.

All mappings here have lower-case names.
"""
from collections.abc import Mapping

from ..memo import remembered
from .conditional import format_date
from .conditional import parse_date
from .lists import directives
from .lists import joined
from .lists import listed


Headers = dict[str, str]

#: The headers of a 200 that a 304 repeats (RFC 9110 section 15.4.5).
_OF_A_304 = (
    'cache-control', 'content-location', 'etag', 'expires', 'vary')


def last_modified(moment: int, now: float) -> str:
    """Return the Last-Modified of a page that changed at `moment`.

    A page that changed in the current second may change again in it.  So the
    second before is sent, which never validates the page.
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

    `own` are the headers that rendering set `age` seconds ago, `policy` the
    headers of the caching policy, `tag` the entity-tag or '', `modified` the
    date to send, None if the policy has none.  The policy wins, but rendering
    may make the page more private.  Vary has the names of both, and the names
    in `vary_by`.
    """
    rendered, said = {**own}, {**policy}
    # Expires differs by page and time, so it is not remembered
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
    """Return the headers that many pages have in common, at any time."""
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
    """Return `date` plus the whole seconds of `secs`."""
    moment = parse_date(date) if secs >= 1 else None
    return date if moment is None else format_date(moment + int(secs))


def may_be_coded(content_type: str) -> bool:
    """Return whether Zope compresses bodies of this type."""
    return not content_type.startswith('image/')


def is_private(cache_control: str) -> bool:
    """Return whether a Cache-Control value forbids storing by shared caches.
    """
    return bool(directives(cache_control) & {'no-store', 'private'})


def without_later(
        values: Mapping[str, str],
        present: Mapping[str, str],
        before: Mapping[str, str],
        own: Mapping[str, str]) -> Headers:
    """Return `values` without the headers that other code set since the call.

    `present` are the headers of the response now, `before` the headers at the
    call, `own` the headers that rendering set.  The page's entity-tag always
    stays.  Vary stays too, and is merged later.
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

    `present` are the headers of the response, with those of other code.
    """
    if 'vary' not in present and 'cache-control' not in present:
        return dict(values)
    result = dict(values)
    if 'vary' in present:
        result['vary'] = joined(
            values.get('vary', ''), listed(present['vary']))
    return {**result, **_more_private(present, result)}


#: Directives that let shared caches store a response.
_SHARING = frozenset(['public', 's-maxage'])


def _more_private(
        said: Mapping[str, str], values: Mapping[str, str]) -> Headers:
    """Return a Cache-Control that is as private as the one in `said`.

    It keeps the other directives of `values`: without a lifetime a client
    guesses one (RFC 9111 section 4.2.2).  Empty if nothing has to change.
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

    Last-Modified is there only if there is no entity-tag.
    """
    kept = {}
    for name in _OF_A_304:
        if name in values:
            kept[name] = values[name]
    if 'etag' not in kept and 'last-modified' in values:
        kept['last-modified'] = values['last-modified']
    return kept
