"""The counts of all workers, living and dead, by key; what each of them has to be told of the others. Bounded.

Each worker's counts are absolute, so what it sends replaces what it had sent. What a worker is told is the sum of all
others, which again replaces what it was told before. Other nodes are like workers: what one of them says is the sum of
its own, and what they are told of here is the sum of ours, never what came from another node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, final

from botproxy.traffic.counts import DRAWN
from botproxy.traffic.heaviest import TOP, Heaviest, level_of
from botproxy.traffic.records import MOST, Record

NODES: Final = 0
"""The listener that stands for all other nodes. Each of them has a number of its own below it, workers have those
above."""


@final
class _Window:
    """One key in one window."""

    __slots__ = ("counts", "first", "last")

    def __init__(self) -> None:
        self.counts: list[int] = []  # worker, its count, worker, its count …
        self.first = 0.0
        self.last = 0.0

    def take(self, worker: int, record: Record) -> bool:
        """Whether it said something new."""
        counts = self.counts
        changed = record.first < self.first or record.last > self.last
        if not counts:
            self.first, self.last = record.first, record.last
        else:
            self.first = min(self.first, record.first)
            self.last = max(self.last, record.last)
        for at in range(0, len(counts), 2):
            if counts[at] == worker:
                if record.hits > counts[at + 1]:
                    counts[at + 1] = record.hits
                    return True
                return changed
        counts.append(worker)
        counts.append(record.hits)
        return True

    def sum(self, but: int) -> int:
        """Of all workers and nodes but this one."""
        counts = self.counts
        total = 0
        for at in range(0, len(counts), 2):
            if counts[at] != but:
                total += counts[at + 1]
        return min(total, MOST)

    def own(self) -> int:
        """Of all workers of this node."""
        counts = self.counts
        return min(sum([counts[at + 1] for at in range(0, len(counts), 2) if counts[at] > NODES]), MOST)


@final
class _Key:
    """What is known of one key."""

    __slots__ = (
        "current",
        "key",
        "passed",
        "period",
        "previous",
        "rule",
        "until",
        "window",
    )

    def __init__(self, record: Record) -> None:
        self.rule: Final = record.rule
        self.key: Final = record.key
        self.period: Final = record.period
        self.window = record.window
        self.current = _Window()
        self.previous = _Window()
        self.passed = record.passed
        self.until = record.until

    def weight(self) -> int:
        return self.current.sum(NODES) + self.previous.sum(NODES)

    def expired(self, now: float) -> bool:
        return self.until <= now and (self.window + 2) * self.period <= now

    def take(self, worker: int, record: Record) -> bool:
        """Whether it said something new."""
        changed = False
        if record.passed != self.passed:
            if record.passed < self.passed:
                return False
            self.passed = record.passed
            self.current = _Window()
            self.previous = _Window()
            self.until = 0.0
            changed = True
        if record.until > self.until:
            self.until = record.until
            changed = True
        if record.window > self.window:
            self.previous = self.current if record.window == self.window + 1 else _Window()
            self.current = _Window()
            self.window = record.window
        if record.window == self.window:
            return self.current.take(worker, record) or changed
        if record.window == self.window - 1:
            return self.previous.take(worker, record) or changed
        return changed

    def tell(self, worker: int) -> Iterator[Record]:
        """What a worker is to know."""
        for window, held in (
            (self.window - 1, self.previous),
            (self.window, self.current),
        ):
            count = held.own() if worker == NODES else held.sum(worker)
            if count or (window == self.window and (self.until or self.passed)):
                yield Record(
                    self.rule,
                    self.key,
                    self.period,
                    window,
                    count,
                    held.first,
                    held.last,
                    self.passed,
                    self.until,
                )


@final
class _Listener:
    """What one worker has still to be told."""

    __slots__ = ("levels", "waiting")

    def __init__(self, places: int, keys: int) -> None:
        self.levels: Final = bytearray(places)
        self.waiting: Final = Heaviest(max(keys, 1))


@final
class MergedCounts:
    """`random()` is from 0 up to 1; `keys` is how many are kept at most. Workers are numbered from 1, nodes from -1
    downwards."""

    def __init__(self, random: Callable[[], float], keys: int) -> None:
        self._random: Final = random
        self._most = keys
        self._numbers: Final[dict[bytes, int]] = {}  # key -> place
        self._places: Final[list[_Key | None]] = []
        self._free: Final[list[int]] = []
        self._sizes: Final[dict[bytes, int]] = {}  # keys of each rule
        self._listeners: Final[dict[int, _Listener]] = {}
        self._hand = 0
        self.refused = 0
        """Records whose key found no place."""
        self.evicted = 0
        """Keys that gave way to another while they still counted."""

    def __len__(self) -> int:
        """How many keys are kept now."""
        return len(self._numbers)

    def make_room(self, keys: int) -> None:
        """Keep so many keys at most from now on, but never less than before: their places may be taken."""
        self._most = max(self._most, keys)

    def join(self, worker: int) -> None:
        """A worker that is told from now on what others count; `all_but` has what was counted before."""
        self._listeners[worker] = _Listener(len(self._places), self._most)

    def leave(self, worker: int) -> None:
        """It is gone; what it counted stays."""
        self._listeners.pop(worker, None)

    def take(self, worker: int, records: Iterable[Record], now: float) -> None:
        """What a worker counted."""
        for record in records:
            place = self._place(record, now)
            if place is None:
                self.refused += 1
                continue
            entry = self._places[place]
            if entry is not None and entry.take(worker, record):
                urgent = entry.until > now or record.passed > 0.0
                level = TOP if urgent else max(level_of(record.hits), 1)
                for number, listener in self._listeners.items():
                    if number == NODES and worker < NODES:
                        continue
                    if number != worker and level > listener.levels[place] and listener.waiting.put(place, level):
                        listener.levels[place] = level

    def tell(self, worker: int, most: int) -> list[Record]:
        """What a worker has to be told of at most `most` keys that changed, heaviest first."""
        listener = self._listeners.get(worker)
        if listener is None:
            return []
        told: list[Record] = []
        for place in listener.waiting.take(listener.levels, most):
            entry = self._places[place]
            if entry is not None:
                told.extend(entry.tell(worker))
        return told

    def tell_again(self, listener: int) -> None:
        """Have everything told to this one that it may not have heard."""
        heard = self._listeners.get(listener)
        if heard is None:
            return
        for place, entry in enumerate(self._places):
            if entry is None:
                continue
            level = max(level_of(entry.current.own() if listener == NODES else entry.weight()), 1)
            if level > heard.levels[place] and heard.waiting.put(place, level):
                heard.levels[place] = level

    def waiting(self, worker: int) -> int:
        """Keys that this worker has still to be told of; some may be counted twice."""
        listener = self._listeners.get(worker)
        return len(listener.waiting) if listener is not None else 0

    def all_but(self, worker: int) -> Iterator[Record]:
        """Everything that others counted; while it is being read, counting may go on."""
        for place in range(len(self._places)):
            entry = self._places[place]
            if entry is not None:
                yield from entry.tell(worker)

    def sweep(self, now: float, number: int) -> None:
        """Free what has expired among the next `number` places."""
        places = len(self._places)
        for _ in range(min(number, places)):
            self._hand = self._hand + 1 if self._hand + 1 < places else 0
            entry = self._places[self._hand]
            if entry is not None and entry.expired(now):
                self._release(self._hand, entry)

    def _place(self, record: Record, now: float) -> int | None:
        place = self._numbers.get(record.key)
        if place is not None:
            return place
        if self._free:
            place = self._free.pop()
        elif len(self._places) < self._most:
            place = len(self._places)
            self._places.append(None)
            for listener in self._listeners.values():
                listener.levels.append(0)
        else:
            place = self._give_way(record, now)
            if place is None:
                return None
            self._free.pop()
        self._places[place] = _Key(record)
        self._numbers[record.key] = place
        self._sizes[record.rule] = self._sizes.get(record.rule, 0) + 1
        return place

    def _give_way(self, record: Record, now: float) -> int | None:
        """As in `RateCounts`: of some drawn at random the lightest of the rule that has most, by chance, and none under
        mitigation."""
        lightest: int | None = None
        most = light = 0
        for _ in range(DRAWN if self._places else 0):
            place = int(self._random() * len(self._places))
            entry = self._places[place]
            if entry is None:
                continue
            if entry.expired(now):
                self._release(place, entry)
                return place
            if entry.until > now:
                continue
            size, weight = self._sizes[entry.rule], entry.weight()
            if size > most or (size == most and weight < light):
                lightest, most, light = place, size, weight
        weight = max(record.hits, 1)
        if lightest is None or self._random() * (light + weight) >= weight:
            return None
        giving = self._places[lightest]
        if giving is not None:
            self.evicted += 1
            self._release(lightest, giving)
        return lightest

    def _release(self, place: int, entry: _Key) -> None:
        del self._numbers[entry.key]
        self._sizes[entry.rule] -= 1
        if not self._sizes[entry.rule]:
            del self._sizes[entry.rule]
        self._places[place] = None
        self._free.append(place)
        for listener in self._listeners.values():
            listener.levels[place] = 0
