"""Requests that were not answered from memory: when, for whom, and why."""
from functools import partial

from AccessControl import getSecurityManager
from Acquisition import aq_base
from ZODB.POSException import POSError

from ..core.attempt import FAILED
from ..core.attempt import attempt
from ..core.report.journal import Changed
from ..core.report.statistics import readable_url
from ..core.report.statistics import span_text
from .page import cut
from .page import explain_url
from .page import moment
from .translation import _


#: So many requests are shown of one page, and of one reason.
MAX_OF_PAGE = 10
MAX_OF_REASON = 5

#: An object has at most so many later changes that are looked through.
MAX_CHANGES = 20


def of_page(manager, journal, page, part_names):
    """Return rows for the last requests of a page, the newest first."""
    entries = journal.of_page(page)
    return [
        {**_row(manager, entry),
         'dropped': cut(_dropped(manager, entry)),
         'differs': _differing(entry, entries[place:], part_names)}
        for place, entry in enumerate(entries[:MAX_OF_PAGE], 1)]


def of_reason(manager, journal, detail, word=None):
    """Return rows for the last requests with a reason, the newest first.

    With a `word` they are those of this outcome.
    """
    return [
        _row(manager, entry) for entry in journal.of_reason(detail)
        if word in (None, entry.word)][:MAX_OF_REASON]


def _row(manager, entry):
    return {
        'at': moment(entry.at),
        'shown_url': cut(readable_url(entry.page[2])),
        'explain': explain_url(manager, entry.page[2]),
        'secs': span_text(entry.secs) if entry.secs else '',
        'user': _user(manager, entry.user),
        'word': entry.word,
        'detail': entry.detail}


def _user(manager, name):
    if not name:
        return _('anonymous visitor')
    return name if may_know(manager) else _('a user')


def may_know(manager):
    """Return whether the user may know of requests and edits of others."""
    return getSecurityManager().checkPermission(
        'Change cache managers', manager)


def _dropped(manager, entry):
    """Return what became of a page that was stored, '' if none was."""
    if entry.dropped and not may_know(manager):
        return 'not shown'
    if not isinstance(entry.dropped, Changed):
        return entry.dropped or ''
    found = attempt(None, 'explain', partial(
        _changed, manager._p_jar, entry.dropped, entry.at))
    return 'an object that is not known any more' if (
        found is FAILED) else found


def _changed(connection, changed, before):
    """Return which object was committed, by whom, when, and where."""
    one = connection.get_connection(changed.database)
    try:
        name = _name(one.get(changed.oid))
    except POSError:
        return 'an object that is gone'
    # not every storage has a history
    changes = attempt(None, 'history', partial(
        one.db().history, changed.oid, size=MAX_CHANGES))
    for change in () if changes is FAILED else changes:
        if change['time'] <= before:
            who, where = change['user_name'], change['description']
            return ', '.join([
                name, f'changed at {moment(change["time"])}',
                *([f'by {who.rpartition(" ")[2]}'] if who else ()),
                *([f'through {where.splitlines()[0]}'] if where else ())])
    return f'{name}, changed since'


def _name(ob):
    base = aq_base(ob)
    kind = type(base).__name__
    for name in 'id', '__name__':
        found = getattr(base, name, None)
        if isinstance(found, str) and found:
            return f'{kind} {found}'
    return kind


def _differing(entry, earlier, names):
    """Return which parts of the key differ from the request before for the
    same URL, '' if none does or there was none.
    """
    for other in earlier:
        if other.page == entry.page:
            if not len(entry.parts) == len(other.parts) == len(names):
                return ''
            names = words_of(names)
            return ', '.join(differing(
                dict(zip(names, entry.parts, strict=True)),
                dict(zip(names, other.parts, strict=True))))
    return ''


def words_of(names):
    """Return names of parts of a key as people read them."""
    return [name.replace('_', ' ') for name in names]


def differing(parts, others):
    """Return the names of those parts of a key that differ from others, or
    are in one of them only.
    """
    missing = object()
    return [
        name for name in {**parts, **others}
        if parts.get(name, missing) != others.get(name, missing)]
