"""The choice of the entry to evict when room is needed: S3-FIFO.

Yang, Zhang, Qiu, Yue, Rashmi: FIFO queues are all you need for cache
eviction, SOSP 2023.  A new entry waits in a small queue.  If it is requested
again meanwhile, it moves to the main queue.  Otherwise it is evicted, but its
hash is remembered as a ghost: if the entry comes back, it enters the main
queue at once.  The main queue gives an entry one more round for each request,
up to three.  So entries that are requested once never displace entries that
are requested often.
"""
from array import array

from .tables import SHARDS
from .tables import Rings


SMALL = 0
MAIN = 1

HALF = 1 << 32

#: The small queue may take one tenth of the room.
SMALL_SHARE = 10

#: Uses are counted up to this.
MAX_USES = 3

#: Places for each ghost.  There are more places than ghosts, because a new
#: ghost may overwrite another ghost.
PLACES = 2

#: One search for a victim moves at most this number of entries.  The paper has
#: no such bound: if all entries were used, the search would move them all.
MAX_MOVES = 256


class S3Fifo:
    """The order in which numbered entries are evicted.

    `hashes` is the column of the entries' hashes.  Every method takes
    constant time.
    """

    def __init__(self, hashes: 'array[int]') -> None:
        self.sizes = array('Q', [0])
        self._hashes = hashes
        self._uses = array('B', [0])
        self._queue_of = array('B', [0])
        self._rings = Rings(2)
        #: They have an item for each entry; `Numbers` extends them.
        self.columns = (
            self.sizes, self._uses, self._queue_of, *self._rings.columns)
        self.entries = 0
        self.bytes = 0
        self._bytes = [0, 0]
        # The queue of ghosts is a table by hash, as in the paper.  An item is
        # half of the hash, and the number of the ghost.  The table is in
        # parts, because a large array takes long to make.
        self._ghosts = [array('Q', [0]) for _ in range(SHARDS)]
        self._remembered = 0

    def queue_for(self, hashed: int) -> int:
        """Return the queue for a new entry."""
        ghosts = self._ghosts[hashed >> 40 & SHARDS - 1]
        half, came = divmod(ghosts[hashed & len(ghosts) - 1], HALF)
        since = (self._remembered - came) % HALF
        known = half == (hashed >> 8) % HALF and since < self.entries
        return MAIN if known else SMALL

    def add(self, number: int, size: int, queue: int) -> None:
        """Make the entry the newest of a queue."""
        self.sizes[number] = size
        self._uses[number] = 0
        self._queue_of[number] = queue
        self._rings.add(number, queue)
        self._bytes[queue] += size
        self.entries += 1
        self.bytes += size

    def resize(self, number: int, size: int) -> None:
        """Note the new size of the entry; it keeps its place."""
        more = size - self.sizes[number]
        self._bytes[self._queue_of[number]] += more
        self.bytes += more
        self.sizes[number] = size

    def touch(self, number: int) -> None:
        """Note that the entry was requested."""
        if self._uses[number] < MAX_USES:
            self._uses[number] += 1

    def remove(self, number: int) -> int:
        """Take the entry out; return the queue that it was in."""
        queue = self._queue_of[number]
        self._rings.remove(number, queue)
        self._bytes[queue] -= self.sizes[number]
        self.entries -= 1
        self.bytes -= self.sizes[number]
        return queue

    def victim(
            self, max_entries: int, max_bytes: int, found: int = 0) -> int:
        """Return the entry to evict next; the caller must remove it.

        `found` is the number of victims that the same operation had already.
        If it is higher, the search is shorter.
        """
        number, queue = self._next(max_entries, max_bytes)
        for _ in range(MAX_MOVES // (found + 1)):
            uses = self._uses[number]
            if not uses:
                break
            self.remove(number)
            self.add(number, self.sizes[number], MAIN)
            self._uses[number] = 0 if queue == SMALL else uses - 1
            number, queue = self._next(max_entries, max_bytes)
        if queue == SMALL:
            self._remember(self._hashes[number])
        return number

    def _next(self, max_entries: int, max_bytes: int) -> tuple[int, int]:
        is_small_over = (
            self._rings.lengths[SMALL] * SMALL_SHARE > max_entries
            or self._bytes[SMALL] * SMALL_SHARE > max_bytes)
        queue = SMALL if is_small_over or (
            not self._rings.lengths[MAIN]) else MAIN
        return self._rings.oldest(queue), queue

    def _remember(self, hashed: int) -> None:
        self._remembered += 1
        part = hashed >> 40 & SHARDS - 1
        ghosts = self._ghosts[part]
        if len(ghosts) * SHARDS < PLACES * self.entries:
            room = 1 << (PLACES * self.entries // SHARDS).bit_length()
            ghosts = self._ghosts[part] = array('Q', [0]) * room
        ghosts[hashed & len(ghosts) - 1] = (
            (hashed >> 8) % HALF * HALF + self._remembered % HALF)
