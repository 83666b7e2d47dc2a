"""Bad notes and warnings that are not for the cache to mend, each explained.

docs/conformance.rst lists the same; a test holds it to this table.
"""
from typing import NamedTuple


class Allowed(NamedTuple):
    """A note that may show up."""

    note_id: str
    #: What the note's summary contains.
    about: str
    #: Tells by the kind of an exchange whether it may show up there.
    where: object
    #: Whose it is.
    owner: str
    reason: str


ALLOWED = (
    Allowed(
        'BAD_SYNTAX', 'Via field', lambda kind: True, 'waitress',
        'It sends "Via: waitress", without the protocol version, wherever'
        ' the application names a server of its own, as Zope does.'),
    Allowed(
        'EXTRA_DATA', '', lambda kind: kind.method == 'HEAD' and not kind.held,
        'waitress',
        'An answer to HEAD without a length ends in an empty chunk. The'
        ' length of a page that is not stored is not known, and 0 would be'
        ' wrong. The connection is closed after it, so no client takes the'
        ' chunk for the next answer.'),
    Allowed(
        'IMS_FULL', '',
        lambda kind: kind.user or (
            kind.method == 'HEAD' and kind.is_miss), 'by design',
        'A date alone gives 304 to anonymous visitors only, since it does'
        ' not tell users apart, and only where the page is known to be one:'
        ' nothing is rendered for HEAD. Tags give 304 to all.'),
)


def owner_of(note_id, summary, kind):
    """Return the entry that allows the note there, or None."""
    for entry in ALLOWED:
        if (entry.note_id == note_id and entry.about in summary
                and entry.where(kind)):
            return entry
    return None
