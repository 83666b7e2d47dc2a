"""Which entry goes, beside the algorithm as the paper tells it."""
import random
from array import array

import pytest

from Products.PageCacheManager.core.store.eviction import HALF
from Products.PageCacheManager.core.store.eviction import MAIN
from Products.PageCacheManager.core.store.eviction import MAX_MOVES
from Products.PageCacheManager.core.store.eviction import MAX_USES
from Products.PageCacheManager.core.store.eviction import PLACES
from Products.PageCacheManager.core.store.eviction import SMALL
from Products.PageCacheManager.core.store.eviction import S3Fifo
from Products.PageCacheManager.core.store.tables import SHARDS


def hash_of(name):
    """Return a hash for a name from 1: no two share a place for ghosts."""
    return name << 40 | name << 8 | name & 255


class Queue(S3Fifo):
    """A queue with named entries, numbered in the order of their arrival."""

    def __init__(self):
        super().__init__(array('q', [0]))

    def take(self, hashed):
        """Return the number of a new entry."""
        self._hashes.append(hashed)
        for column in self.columns:
            column.append(0)
        return len(self._hashes) - 1

    def come(self, name, size=1):
        """Let an entry come in; return its number."""
        number = self.take(hash_of(name))
        self.add(number, size, self.queue_for(hash_of(name)))
        return number

    def go(self, entries, size=1 << 30, found=0):
        """Let the next one go; return its number and its queue."""
        number = self.victim(entries, size, found)
        return number, self.remove(number)


def test_it_counts_entries_and_bytes():
    queue = Queue()
    assert (queue.entries, queue.bytes) == (0, 0)
    one, two = queue.come(1, 10), queue.come(2, 300)
    assert (queue.entries, queue.bytes) == (2, 310)
    assert queue.remove(one) == SMALL
    assert (queue.entries, queue.bytes) == (1, 300)
    queue.add(one, 7, MAIN)
    assert (queue.entries, queue.bytes) == (2, 307)
    assert (queue.remove(one), queue.remove(two)) == (MAIN, SMALL)
    assert (queue.entries, queue.bytes) == (0, 0)


def test_one_that_changes_its_size_keeps_its_place_and_its_uses():
    queue = Queue()
    one, two, three = (queue.come(name, 10) for name in (1, 2, 3))
    queue.touch(two)
    for number, size in ((one, 25), (two, 3), (three, 0)):
        queue.resize(number, size)
    assert queue.bytes == 28
    assert [queue.go(3) for _ in range(3)] == [
        (one, SMALL), (three, SMALL), (two, MAIN)]
    assert queue.bytes == 0


def test_of_those_that_nobody_asked_for_the_oldest_goes():
    queue = Queue()
    numbers = [queue.come(name) for name in range(1, 6)]
    assert [queue.go(5) for _ in numbers] == [
        (number, SMALL) for number in numbers]


@pytest.mark.parametrize('gone', [0, 2, 4])
def test_one_that_is_taken_out_is_no_victim(gone):
    queue = Queue()
    numbers = [queue.come(name) for name in range(1, 6)]
    queue.remove(numbers.pop(gone))
    numbers.append(queue.come(9))
    assert [queue.go(5)[0] for _ in numbers] == numbers


def test_one_that_was_asked_for_moves_to_the_main_queue():
    queue = Queue()
    one, two, three = (queue.come(name) for name in (1, 2, 3))
    queue.touch(one)
    assert queue.go(3) == (two, SMALL)
    queue.touch(three)
    # in the main queue its uses are counted anew
    assert queue.go(3) == (one, MAIN)
    assert queue.go(3) == (three, MAIN)


@pytest.mark.parametrize('uses', range(MAX_USES + 3))
def test_the_main_queue_gives_a_round_for_each_use(uses):
    queue = Queue()
    used = queue.come(1)
    queue.remove(used)
    queue.add(used, 1, MAIN)
    others = [queue.come(name) for name in range(2, 12)]
    for number in others:
        queue.remove(number)
        queue.add(number, 1, MAIN)
    for _ in range(uses):
        queue.touch(used)
    order = []
    while queue.entries:
        number, _ = queue.go(100)
        order.append(number)
        if number in others:
            # replace each evicted entry, so that rounds go on
            name = 12 + len(order)
            other = queue.come(name)
            queue.remove(other)
            queue.add(other, 1, MAIN)
            others.append(other)
        if number == used:
            break
    # each round lets the ten others go before it comes to it again
    assert len(order) == min(uses, MAX_USES) * 10 + 1


@pytest.mark.parametrize('small,size,goes', [
    # up to the tenth part of entries and of bytes is small enough
    (2, 1, MAIN), (3, 1, SMALL), (1, 20, MAIN), (1, 21, SMALL)])
def test_the_small_queue_has_a_tenth_of_the_room(small, size, goes):
    queue = Queue()
    main = queue.come(1)
    queue.remove(main)
    queue.add(main, 1, MAIN)
    numbers = [queue.come(name, size) for name in range(2, 2 + small)]
    assert queue.go(20, 200) == (
        (main, MAIN) if goes == MAIN else (numbers[0], SMALL))


def test_the_small_queue_gives_where_there_is_no_other():
    queue = Queue()
    one = queue.come(1)
    assert queue.go(1000) == (one, SMALL)


def test_what_comes_back_soon_enters_the_main_queue():
    queue = Queue()
    for name in range(1, 5):
        queue.come(name)
    assert queue.queue_for(hash_of(1)) == SMALL
    queue.go(4)
    assert queue.queue_for(hash_of(1)) == MAIN
    assert queue.queue_for(hash_of(2)) == SMALL
    # another one in its place with another hash is not taken for it
    assert queue.queue_for(hash_of(1) ^ 1 << 9) == SMALL
    queue.come(5)
    queue.go(4)
    queue.come(6)
    queue.go(4)
    queue.come(7)
    queue.go(4)
    assert queue.entries == 3
    # so many went since, as there are entries
    assert queue.queue_for(hash_of(1)) == SMALL
    assert queue.queue_for(hash_of(2)) == MAIN


def test_what_went_from_the_main_queue_is_not_remembered():
    queue = Queue()
    for name in range(1, 5):
        number = queue.come(name)
        queue.remove(number)
        queue.add(number, 1, MAIN)
    assert queue.go(4) == (1, MAIN)
    assert queue.queue_for(hash_of(1)) == SMALL


def test_what_is_moved_by_a_search_is_not_remembered():
    queue = Queue()
    for name in range(1, 5):
        queue.come(name)
    queue.touch(1)
    assert queue.go(4) == (2, SMALL)
    assert queue.queue_for(hash_of(1)) == SMALL
    assert queue.queue_for(hash_of(2)) == MAIN


def test_ghosts_are_counted_round_the_clock():
    queue = Queue()
    queue._remembered = HALF - 2
    for name in range(1, 5):
        queue.come(name)
    for name in range(1, 4):
        queue.go(4)
        assert queue.queue_for(hash_of(name)) == MAIN
        queue.come(10 + name)
        assert queue.queue_for(hash_of(name)) == MAIN


def test_there_are_more_places_for_ghosts_than_entries():
    queue = Queue()
    count = 5 * SHARDS
    for name in range(1, count + 1):
        queue.come(name)
    for _ in range(SHARDS):
        queue.go(count)
        queue.come(len(queue._hashes))
    places = [len(part) for part in queue._ghosts]
    assert min(places) * SHARDS >= PLACES * count
    assert max(places) * SHARDS <= 2 * PLACES * count
    assert not any(length & length - 1 for length in places)


@pytest.mark.parametrize('found,moved', [
    (0, MAX_MOVES), (1, MAX_MOVES // 2), (MAX_MOVES - 1, 1), (MAX_MOVES, 0)])
def test_a_search_ends_though_all_were_used(found, moved):
    queue = Queue()
    for name in range(1, MAX_MOVES + 11):
        queue.touch(queue.come(name))
    number, queue_of = queue.go(10_000, 1, found)
    assert (number, queue_of) == (moved + 1, SMALL)


def test_a_search_is_whole_unless_told_otherwise():
    queue = Queue()
    for name in range(1, MAX_MOVES + 11):
        queue.touch(queue.come(name))
    assert queue.victim(10_000, 1) == MAX_MOVES + 1


def in_one_part(queue, count):
    """Add entries whose ghosts all fall into one part of the table."""
    for number in range(1, count + 1):
        queue.add(queue.take(number << 8 | number), 1, SMALL)


def test_ghosts_of_one_part_stay_side_by_side():
    queue = Queue()
    in_one_part(queue, 5 * SHARDS)
    for _ in range(3):
        queue.go(5 * SHARDS)
    assert [queue.queue_for(queue._hashes[number]) for number in (
        1, 2, 3, 4)] == [MAIN, MAIN, MAIN, SMALL]


@pytest.mark.parametrize('count,places', [
    (SHARDS // PLACES, 1), (SHARDS // PLACES + 1, 2)])
def test_places_for_ghosts_grow_only_when_they_are_too_few(count, places):
    queue = Queue()
    in_one_part(queue, count)
    queue.go(count)
    assert len(queue._ghosts[0]) == places
    assert len(queue._ghosts[1]) == 1


@pytest.mark.parametrize('hashed', [
    -1, -5 << 40, (1 << 61) - 2, -(1 << 61), 1 << 39, (1 << 40) - 1])
@pytest.mark.parametrize('count', [1, 5 * SHARDS])
def test_any_hash_is_remembered(hashed, count):
    queue = Queue()
    for number in range(1, count + 1):
        queue.add(
            queue.take(hashed if number == 1 else number << 8), 1, SMALL)
    assert queue.victim(count, 1) == 1
    assert queue.queue_for(hashed) == MAIN


class Paper:
    """S3-FIFO with plain lists."""

    def __init__(self, entries, size):
        self.limits = entries, size
        self.small, self.main, self.ghosts = [], [], []
        self.sizes, self.uses = {}, {}

    def ask(self, name, size):
        """Ask for an entry; return the entries that are evicted for it."""
        if name in self.sizes:
            self.uses[name] = min(self.uses[name] + 1, 3)
            return []
        entries = len(self.sizes)
        soon = self.ghosts[-entries:] if entries else []
        queue = self.main if name in soon else self.small
        gone = []
        while (len(self.sizes) >= self.limits[0]
               or sum(self.sizes.values()) + size > self.limits[1]):
            gone.append(self.evict())
        queue.append(name)
        self.sizes[name], self.uses[name] = size, 0
        return gone

    def evict(self):
        while True:
            is_over = (
                len(self.small) * 10 > self.limits[0]
                or sum(self.sizes[n] for n in self.small) * 10
                > self.limits[1])
            is_small = is_over or not self.main
            name = (self.small if is_small else self.main).pop(0)
            if not self.uses[name]:
                if is_small:
                    self.ghosts.append(name)
                del self.sizes[name]
                return name
            self.uses[name] = 0 if is_small else self.uses[name] - 1
            self.main.append(name)


@pytest.mark.parametrize('seed', range(6))
@pytest.mark.parametrize('entries,size', [
    (1, 1000), (5, 1000), (20, 1000), (40, 60)])
def test_it_does_what_the_paper_says(seed, entries, size):
    dice = random.Random(seed)
    paper, queue, numbers = Paper(entries, size), Queue(), {}
    for _ in range(400):
        # some are asked for often
        name = min(dice.randrange(1, 100), dice.randrange(1, 100))
        taken = dice.randrange(1, 6)
        expected = paper.ask(name, taken)
        if name in numbers:
            queue.touch(numbers[name])
            continue
        into = queue.queue_for(hash_of(name))
        gone = []
        while queue.entries >= entries or queue.bytes + taken > size:
            number = queue.victim(entries, size)
            queue.remove(number)
            [was] = [n for n, known in numbers.items() if known == number]
            del numbers[was]
            gone.append(was)
        assert gone == expected
        numbers[name] = queue.take(hash_of(name))
        queue.add(numbers[name], taken, into)
        assert queue.bytes == sum(paper.sizes.values())
        assert into == (MAIN if name in paper.main else SMALL)
