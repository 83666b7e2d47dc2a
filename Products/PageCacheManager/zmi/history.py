"""Requests that were not answered from memory: time, user and reason."""
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


#: The maximum numbers of requests that are shown for a page and for a reason.
MAX_OF_PAGE = 10
MAX_OF_REASON = 5

#: The maximum number of changes of an object that are searched.
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

    With a `word` only requests with this outcome count.
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
    """Return whether the user may see requests and edits of other users."""
    return getSecurityManager().checkPermission(
        'Change cache managers', manager)


def _dropped(manager, entry):
    """Return the reason why a stored page was dropped, '' for none."""
    if entry.dropped and not may_know(manager):
        return 'not shown'
    if not isinstance(entry.dropped, Changed):
        return entry.dropped or ''
    found = attempt(None, 'explain', partial(
        _changed, manager._p_jar, entry.dropped, entry.at))
    return 'an object that is not known any more' if (
        found is FAILED) else found


def _changed(connection, changed, before):
    """Return a changed object with time, user and request of its change."""
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
    """Return the names of the parts of the key that changed.

    They are compared with the previous request for the same URL.  '' if no
    part differs, or if there is no previous request.
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
    """Return readable names of parts of a key."""
    return [name.replace('_', ' ') for name in names]


def differing(parts, others):
    """Return the names of the parts that differ between two keys.

    A part that is only in one key counts, too.
    """
    missing = object()
    return [
        name for name in {**parts, **others}
        if parts.get(name, missing) != others.get(name, missing)]
