"""Read sets of pages, and the changes of their objects.

`freshness` has what other packages call.  A :class:`.recording.Recording` puts
a marker into the ring of each connection (`ring`), and reads back what was
used since (`walk`, by `pointers` where that may be done).  `commits` hears of
all commits to the databases.  When a recording stops, what it read is looked
up among the commits that its connections did not show yet; if none of it was
changed it becomes a read set of the table (`core.reads`), in which commits
are noted from then on.  `catalog` notes searches, which `search` asks again
once what they read was changed.  A page is current while nothing in its read
set was committed up to the moment that the asking connection shows.
`sharing` does the same for pages that other processes made, `memoized` for
values that code keeps in memory.  Whatever is not known for certain is
:class:`~..core.reads.unknown.Unknown`, which is a miss.
"""
