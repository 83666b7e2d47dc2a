"""An answer of Zope that the lane may send again."""
import weakref
from typing import NamedTuple

from ..core.http.conditional import held_tag
from ..core.http.conditional import tag_for_304
from ..core.http.headers import not_modified_headers
from .commits import Moment
from .permit import Permit


#: Headers that Zope and the server add to each response.
_OF_THE_SERVER = frozenset(['date', 'server', 'via', 'x-powered-by'])

#: Headers that are new in each answer.
_OF_THE_MOMENT = frozenset(['date', 'cache-status'])

Line = tuple[str, str]


class Entry(NamedTuple):
    """A page, and its headers as Zope sent them."""

    #: It has no reference to the cache, so that a cache can be freed.
    permit: Permit
    cache: weakref.ref
    #: The moment before Zope was asked.
    moment: Moment
    #: When Zope was asked, on the clock of the lane.
    asked_at: float
    headers: tuple[Line, ...]
    #: The headers of a 304.
    headers_of_304: tuple[Line, ...]
    #: '' if the page has no tag, or never a 304.
    tag: str
    says_status: bool

    def is_of(self, permit):
        """Return whether the entry and a permit have the same page."""
        return (self.permit.key, self.permit.created) == (
            permit.key, permit.created)

    def held(self, tags):
        """Return the tag by which the client holds the page, '' if not."""
        return self.tag and held_tag(tags, (self.tag, *self.permit.tags))

    def lines_of_304(self, held):
        """Return the header lines of a 304 for the tag `held`."""
        if held == self.tag:
            return self.headers_of_304
        tag = tag_for_304(held)
        return tuple(
            (name, tag if name.lower() == 'etag' else value)
            for name, value in self.headers_of_304)


def entry(permit, moment, asked_at, lines):
    """Return the entry of a page that Zope sent with these headers."""
    return Entry(
        permit=permit._replace(body=b'', cache=None, databases=None),
        cache=weakref.ref(permit.cache),
        moment=moment,
        asked_at=asked_at,
        says_status=any(name == 'cache-status' for name, _ in permit.headers),
        **_sent(permit, _lasting(lines)))


def renewed(entry, permit, moment, asked_at, lines):
    """Return `entry` with the headers of Zope's 304 and its `permit`.

    They update the stored headers (RFC 9111 section 4.3.4), except the tag,
    which may be that of another coding.
    """
    said = {name.lower(): value for name, value in _lasting(lines)}
    said.pop('etag', None)
    headers = tuple(
        (name, said.get(name.lower(), value)) for name, value in entry.headers)
    return entry._replace(
        permit=entry.permit._replace(reads=permit.reads),
        moment=moment, asked_at=asked_at, **_sent(entry.permit, headers))


def are_as_permitted(lines, permit):
    """Return whether no other code added or changed a header."""
    lowered = [(name.lower(), value) for name, value in lines]
    lowered = [line for line in lowered if line[0] not in _OF_THE_SERVER]
    names = {name for name, _ in lowered}
    return len(names) == len(lowered) and permit.headers.issuperset(lowered)


def _lasting(lines):
    return tuple(
        line for line in lines if line[0].lower() not in _OF_THE_MOMENT)


def _sent(permit, headers):
    """Return the fields of an entry that depend on the page's headers."""
    values = {name.lower(): value for name, value in headers}
    kept = {
        *not_modified_headers(values), 'x-pagecache', *_OF_THE_SERVER}
    return {
        'headers': headers,
        'headers_of_304': tuple(
            line for line in headers if line[0].lower() in kept),
        'tag': values.get('etag', '') if permit.allows_304 else '',
    }
