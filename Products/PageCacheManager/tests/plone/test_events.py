"""Events that begin and end: the clock changes results of searches."""
from datetime import UTC
from datetime import datetime
from datetime import timedelta

import transaction
from plone.app.event.base import get_events
from plone.app.event.base import localized_now
from plone.app.testing import TEST_USER_ID
from plone.app.testing import setRoles
from plone.event.utils import dt2int

from ...reads import dates
from .conftest import act_in


def test_when_the_next_event_ends_is_known(portal):
    """An event is found until the minute of its end is over."""
    act_in(portal)
    setRoles(portal, TEST_USER_ID, ['Manager'])
    minute = datetime.now(UTC).replace(second=0, microsecond=0)
    ends = {
        name: minute + timedelta(minutes=minutes)
        for name, minutes in (('soon', 5), ('later', 9))}
    for name, end in ends.items():
        portal.invokeFactory(
            'Event', name, start=end - timedelta(hours=1), end=end)
    transaction.commit()
    assert [brain.getId for brain in get_events(
        portal, start=localized_now())] == ['soon', 'later']
    index = portal.portal_catalog._catalog.indexes['end']
    assert index.meta_type == 'DateRecurringIndex'
    assert dates._minute_key(minute.timestamp()) == dt2int(minute)
    assert dates.next_change(index) == ends['soon'].timestamp()
    portal.soon.end = minute
    portal.soon.reindexObject()
    transaction.commit()
    # it is found until this minute is over, which may be so by now
    assert dates.next_change(index) in (
        minute.timestamp() + 60, ends['later'].timestamp())
