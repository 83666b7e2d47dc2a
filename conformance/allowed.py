"""Bad notes and warnings that the cache need not mend, each explained.

docs/conformance.rst lists the same; a test holds it to this table.
"""
from typing import NamedTuple


class Allowed(NamedTuple):
    """A note that may show up."""

    note_id: str
    #: A text in the summary of the note.
    about: str
    #: Returns whether the note may show up for a kind of exchange.
    where: object
    #: The program that causes the note, or the reason for it.
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
    """Return the entry that allows the note for the kind, or None."""
    for entry in ALLOWED:
        if (entry.note_id == note_id and entry.about in summary
                and entry.where(kind)):
            return entry
    return None
