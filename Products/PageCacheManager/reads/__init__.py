"""Read sets of pages, and the changes of their objects.

`freshness` has the functions that other packages call.  A
:class:`.recording.Recording` puts a marker into the ring of each connection
(`ring`).  Later it reads the objects behind the marker (`walk`, with
`pointers` if that is allowed).  `commits` receives all commits to the
databases.

When a recording stops, its objects are compared with the commits that its
connections did not see yet.  If none of these objects changed, they become a
read set of the table (`core.reads`).  From then on the table notes each
commit.  `catalog` notes searches.  `search` repeats a search after the objects
that it read have changed.  A page is current if no object of its read set
was committed up to the snapshot of the asking connection.

`sharing` does the same for pages of other processes, `memoized` for values
that code keeps in memory.  A fact that is not certain is
:class:`~..core.reads.unknown.Unknown`, and counts as a miss.
"""
