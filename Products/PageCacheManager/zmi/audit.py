"""The audit on the Statistics screen: its counts, findings and advice."""
from ..core.report.statistics import number_text
from .page import cut
from .page import moment
from .translation import _


#: Words of the tally, with title and note.
_WORDS = (
    ('same', _('Same'), _('as the stored page')),
    ('differs', _('Different'), _('and dropped')),
    ('by-itself', _('Always new'), _('in each render')),
    ('overtaken', _('Changed meanwhile'), _('not compared')),
    ('failed', _('Failed'), _('to render')),
    ('busy', _('Left out'), _('because the audit was busy')))

_BY_ITSELF = _(
    'Two renders in a row differ, so the page shows something new each time: '
    'the time, or a random value. It stays stored. If that is right, add the '
    'id or class of the element, or the name of the attribute, to "Not '
    'compared by the audit". If not, let the ETag of policy ${policy} name a '
    'period, such as int(time.timeTime() // 300), or do not associate the '
    'page.')
_CHANGED = _(
    'An object changed that the first render did not read, although a new '
    'render reads it: code kept a value of it, for instance in memory. Name '
    'that value in the ETag of policy ${policy}.')
_OUTSIDE = _(
    'The page depends on something outside of the database: the time, a file, '
    'another server, a value that code keeps in memory, or a part of the '
    'request that is not in the key. Name it in the ETag of policy ${policy}, '
    'or let that name a period, such as int(time.timeTime() // 300). A header '
    'or cookie can be added to the key on the Properties tab.')


def of_manager(cache, settings, counts):
    """Return counters and findings.

    None if the audit is off and there are none.
    """
    findings = cache.audits.findings()
    found = {
        detail: count for (word, detail), count in counts.items()
        if word == 'AUDIT'}
    if not (settings.audit_every or found or findings):
        return None
    return {
        'tiles': [
            {'title': title, 'value': number_text(found.get(word, 0)),
             'note': note} for word, title, note in _WORDS],
        'findings': [_shown(finding) for finding in findings]}


def _shown(finding):
    return {
        'at': moment(finding.at),
        'url': cut(finding.url),
        'whose': _('seen by ${visitor}', mapping={
            'visitor': finding.whose}) if finding.whose else (
                _('seen by any visitor')),
        'lines': finding.lines,
        'created': moment(finding.created),
        'changed': cut(', '.join(finding.changed)) or (
            _('nothing that the page reads')),
        'advice': _(_advice(finding), mapping={'policy': finding.policy})}


def _advice(finding):
    if finding.is_by_itself:
        return _BY_ITSELF
    return _CHANGED if finding.changed else _OUTSIDE
