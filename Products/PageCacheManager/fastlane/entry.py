"""How a page was sent that may be sent again."""
import weakref
from typing import NamedTuple

from ..core.http.conditional import held_tag
from ..core.http.conditional import tag_for_304
from ..core.http.headers import not_modified_headers
from .commits import Moment
from .permit import Permit


#: What Zope and the server add to each response.
_OF_THE_SERVER = frozenset(['date', 'server', 'via', 'x-powered-by'])

#: What is said anew in each answer.
_OF_THE_MOMENT = frozenset(['date', 'cache-status'])

Line = tuple[str, str]


class Entry(NamedTuple):
    """A page, and what is sent with it."""

    #: Without the cache, which may go with its manager.
    permit: Permit
    cache: weakref.ref
    #: Read before Zope was asked.
    moment: Moment
    #: When Zope was asked, on the clock of the lane.
    asked_at: float
    headers: tuple[Line, ...]
    #: Those of them that a 304 has.
    headers_of_304: tuple[Line, ...]
    #: '' where the page has none, or is never answered with 304.
    tag: str
    says_status: bool

    def is_of(self, permit):
        """Return whether this is the page of a permit."""
        return (self.permit.key, self.permit.created) == (
            permit.key, permit.created)

    def held(self, tags):
        """Return the tag by which the client holds the page, '' if not."""
        return self.tag and held_tag(tags, (self.tag, *self.permit.tags))

    def lines_of_304(self, held):
        """Return the header lines of a 304 to a client with the tag `held`.
        """
        if held == self.tag:
            return self.headers_of_304
        tag = tag_for_304(held)
        return tuple(
            (name, tag if name.lower() == 'etag' else value)
            for name, value in self.headers_of_304)


def entry(permit, moment, asked_at, lines):
    """Return the entry of a page that was sent with these header lines."""
    return Entry(
        permit=permit._replace(body=b'', cache=None, databases=None),
        cache=weakref.ref(permit.cache),
        moment=moment,
        asked_at=asked_at,
        says_status=any(name == 'cache-status' for name, _ in permit.headers),
        **_sent(permit, _lasting(lines)))


def renewed(entry, moment, asked_at, lines):
    """Return `entry` after a 304 of Zope with these header lines.

    They say anew what the page is sent with (RFC 9111 section 4.3.4).  The
    tag may be that of another coding.
    """
    said = {name.lower(): value for name, value in _lasting(lines)}
    said.pop('etag', None)
    headers = tuple(
        (name, said.get(name.lower(), value)) for name, value in entry.headers)
    return entry._replace(
        moment=moment, asked_at=asked_at, **_sent(entry.permit, headers))


def are_as_permitted(lines, permit):
    """Return whether nobody added to the headers, or changed one."""
    lowered = [(name.lower(), value) for name, value in lines]
    lowered = [line for line in lowered if line[0] not in _OF_THE_SERVER]
    names = {name for name, _ in lowered}
    return len(names) == len(lowered) and permit.headers.issuperset(lowered)


def _lasting(lines):
    return tuple(
        line for line in lines if line[0].lower() not in _OF_THE_MOMENT)


def _sent(permit, headers):
    """Return what follows from the headers of a page."""
    values = {name.lower(): value for name, value in headers}
    kept = {
        *not_modified_headers(values), 'x-pagecache', *_OF_THE_SERVER}
    return {
        'headers': headers,
        'headers_of_304': tuple(
            line for line in headers if line[0].lower() in kept),
        'tag': values.get('etag', '') if permit.allows_304 else '',
    }
