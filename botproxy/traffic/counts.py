"""The counters of rate limiting in one worker: exact here at once, merged with the other workers' counts, bounded.

The rule of this file: whatever the number of keys, memory stays below what `keys` allows, and whoever is counted
already is hard to push out. When all places are taken, a new key draws eight places at random. An expired one among
them is free. Else the lightest of the rule that has most keys gives way, with the chance that the new key's weight has
against its own; keys under mitigation never do. So a flood of new keys mostly pushes out itself, heavy keys stay, a
rule with few keys is not emptied by one with many, and nobody can tell beforehand which place will be drawn. Who finds
no place passes uncounted, which is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from struct import Struct
from typing import Final, NamedTuple, final

from botproxy.traffic.columns import Columns
from botproxy.traffic.heaviest import TOP, Heaviest, level_of
from botproxy.traffic.records import KEY_SIZE, MOST, RULE_SIZE, Record
from botproxy.traffic.window import rate, seconds_below

KEYS: Final = 100_000
"""Keys of all rules together in one worker, unless the operator says otherwise; about 330 bytes each."""

DRAWN: Final = 8
_DRAW: Final = Struct(f"{DRAWN + 1}I")
NOWHERE: Final = -1

SMALL_LIMIT: Final = 20
"""Up to this limit a first hit travels as well: one that each worker keeps to itself would be a large part of it."""


class CountedRule(NamedTuple):
    """What counting has to know of a rule. Two rules with the same `name` share their counters."""

    name: bytes  # anything; whoever counts alike under the same name goes on counting after a reload
    period: int  # seconds
    limit: int


@final
class RateCounts:
    """Counters by rule and key. `secret` keys the hashes that stand for what visitors send."""

    __slots__ = (
        "_at", "_free", "_hand", "_hashers", "_most", "_numbers", "_periods", "_places", "_randomness", "_secret",
        "_sizes", "_tags", "_travels_from", "_waiting", "evicted", "uncounted",
    )  # fmt: skip

    def __init__(self, secret: bytes, randomness: Callable[[int], bytes], keys: int = KEYS) -> None:
        """`randomness(n)` gives n unpredictable bytes; `keys` is how many are kept at most."""
        self._randomness: Final = randomness
        self._most: Final = keys
        # of rules, by number
        self._numbers: Final[dict[bytes, int]] = {}  # tag -> number
        self._tags: Final[list[bytes]] = []
        self._hashers: Final[list[blake2b]] = []
        self._periods: Final[list[int]] = []
        self._travels_from: Final[list[int]] = []  # the hit from which on a key is told
        self._sizes: Final[list[int]] = []  # how many keys it has
        # of keys, by place
        self._places: Final[dict[bytes, int]] = {}
        self._at: Final = Columns()
        self._free: Final[list[int]] = []  # none of them is left when a key has to give way, so all drawn hold one
        self._hand = 0
        self._waiting: Final = Heaviest(max(keys, 1))
        self.uncounted = 0
        """Hits whose key found no place."""
        self.evicted = 0
        """Keys that gave way to another while they still counted."""
        self.share_secret(secret)

    def __len__(self) -> int:
        """How many keys are kept now."""
        return len(self._places)

    # Rules and keys

    def register(self, rule: CountedRule) -> int:
        """The number under which this rule counts."""
        tag = blake2b(b"%d:%b%d" % (len(rule.name), rule.name, rule.period), digest_size=RULE_SIZE).digest()
        known = self._numbers.get(tag)
        if known is not None:
            return known
        number = len(self._tags)
        self._numbers[tag] = number
        self._tags.append(tag)
        self._hashers.append(self._hasher(tag))
        self._periods.append(rule.period)
        self._travels_from.append(1 if rule.limit <= SMALL_LIMIT else 2)
        self._sizes.append(0)
        return number

    def share_secret(self, secret: bytes) -> None:
        """Hash with this secret from now on, as all workers do whose counts are merged; at most 64 bytes."""
        self._secret = secret
        self._hashers[:] = [self._hasher(tag) for tag in self._tags]

    def key(self, rule: int, values: bytes) -> bytes:
        """The key of these values of the rule's characteristics."""
        hasher = self._hashers[rule].copy()
        hasher.update(values)
        return hasher.digest()

    def _hasher(self, tag: bytes) -> blake2b:
        return blake2b(tag, digest_size=KEY_SIZE, key=self._secret)

    # Places

    def find(self, rule: int, key: bytes, now: float) -> int:
        """The place of a key, or NOWHERE. It holds until the next call that takes a place."""
        place = self._places.get(key, NOWHERE)
        if place >= 0:
            at = self._at
            window = int(now // self._periods[rule])
            if window < at.window[place] - 1:
                # The clock was set back; what was counted in its future would stay for as long as that lasts.
                at.empty(place)
                at.window[place] = window
            at.turn(place, window)
        return place

    def admit(self, rule: int, key: bytes, now: float, weight: int = 1) -> int:
        """A place for a key that has none and is hit, or NOWHERE when none gives way."""
        place = self._settle(rule, key, now, weight)
        if place < 0:
            self.uncounted += 1
        return place

    def _settle(self, rule: int, key: bytes, now: float, weight: int) -> int:
        at, free = self._at, self._free
        if not free and len(at) < self._most:
            free.extend(reversed(at.grow(self._most)))
        if not free and not self._make_way(now, weight):
            return NOWHERE
        place = free.pop()
        self._places[key] = place
        self._sizes[rule] += 1
        at.keys[place] = key
        at.rule[place] = rule
        at.window[place] = int(now // self._periods[rule])
        return place

    def _make_way(self, now: float, weight: int) -> bool:
        """Free one of some places drawn at random; False when a new key of this weight is not to have any of them."""
        at = self._at
        number = len(at)
        if not number:
            return False
        lightest = NOWHERE
        most = light = 0
        *drawn, chance = _DRAW.unpack(self._randomness(_DRAW.size))
        for each in drawn:
            place: int = each % number
            if at.until[place] > now:
                continue
            rule = at.rule[place]
            if (at.window[place] + 2) * self._periods[rule] <= now:
                self._release(place)
                return True
            size = self._sizes[rule]
            if size < most:
                continue
            load = at.weight(place)
            if size > most or load < light:
                lightest, most, light = place, size, load
        if lightest < 0 or chance % (light + weight) >= weight:
            return False
        self.evicted += 1
        self._release(lightest)
        return True

    def _release(self, place: int) -> None:
        at = self._at
        key = at.keys[place]
        if key is None:
            return
        del self._places[key]
        self._sizes[at.rule[place]] -= 1
        at.keys[place] = None
        at.levels[place] = 0
        at.passed[place] = 0.0
        at.empty(place)
        self._free.append(place)

    def sweep(self, now: float, number: int) -> None:
        """Free what has expired among the next `number` places."""
        at = self._at
        places = len(at)
        for _ in range(min(number, places)):
            place = self._hand = self._hand + 1 if self._hand + 1 < places else 0
            end = (at.window[place] + 2) * self._periods[at.rule[place]]
            if at.keys[place] is not None and end <= now and at.until[place] <= now:
                self._release(place)

    # What a place says

    def rate(self, place: int, now: float) -> int:
        """Hits of the last period, those of other workers included as far as they are known."""
        at = self._at
        if not at.previous_count[place] and not at.previous_others[place]:
            return at.count[place] + at.others[place]
        period = self._periods[at.rule[place]]
        return rate(now, period, at.window[place], at.current(place), at.previous(place))

    def seconds_below(self, place: int, now: float, limit: int) -> int:
        """Whole seconds after which one more hit would keep to the limit."""
        at = self._at
        period = self._periods[at.rule[place]]
        return seconds_below(now, period, limit, at.window[place], at.current(place), at.previous(place))

    def until(self, place: int) -> float:
        """When its mitigation ends; in the past or 0.0 without one."""
        return self._at.until[place]

    def passed(self, place: int) -> float:
        """Expiry of the clearance that last set it to zero; 0.0 when none did."""
        return self._at.passed[place]

    # What happens to a place

    def hit(self, rule: int, key: bytes, now: float, limit: int) -> bool:
        """Count one hit more when that keeps to the limit and no mitigation runs; whether it does.

        The way of almost every request: the same as `find`, `until`, `rate` and `add`, at a third of their cost.
        """
        place = self._places.get(key, NOWHERE)
        if place < 0:
            place = self.admit(rule, key, now)
            if place >= 0:
                self.add(place, now)
            return True
        at = self._at
        if int(now // self._periods[rule]) != at.window[place]:
            place = self.find(rule, key, now)
        if at.until[place] > now:
            return False
        own = at.count[place]
        total = own + at.others[place]
        if at.previous_count[place] or at.previous_others[place]:
            total = self.rate(place, now)
        if total >= limit:
            return False
        if own == 0:
            self.add(place, now)
            return True
        own += 1
        at.count[place] = own
        at.last[place] = now
        if own >= self._travels_from[rule] and own.bit_length() > at.levels[place]:
            self._changed(place, own)
        return True

    def add(self, place: int, now: float, number: int = 1) -> None:
        """Count `number` hits more."""
        at = self._at
        count = at.count[place]
        if (count == 0 and at.others[place] == 0) or now < at.first[place]:
            at.first[place] = now
        at.last[place] = max(at.last[place], now)
        count = min(count + number, MOST)
        at.count[place] = count
        if count >= self._travels_from[at.rule[place]] or at.previous_count[place] > 1:
            self._changed(place, count)

    def _changed(self, place: int, count: int) -> None:
        """It is to be told, and waits for that at the level of its weight."""
        self._tell(place, level_of(count))

    def mitigate(self, place: int, until: float) -> None:
        """Have the rule's action done until then; every other worker is to know first of all."""
        if until > self._at.until[place]:
            self._at.until[place] = until
            self._tell(place, TOP)

    def start_over(self, place: int, passed: float) -> None:
        """Back to zero, because a challenge was passed; `passed` is when the clearance for it expires."""
        self._at.empty(place)
        self._at.passed[place] = passed
        self._tell(place, TOP)

    def _tell(self, place: int, level: int) -> None:
        levels = self._at.levels
        if level > levels[place] and self._waiting.put(place, level):
            levels[place] = level

    # What travels

    @property
    def waiting(self) -> int:
        """Keys that changed and have not been taken by `take`; some may be counted twice."""
        return len(self._waiting)

    def take(self, most: int) -> Iterator[Record]:
        """What is to be told of at most `most` keys, heaviest first. To be used up before anything else is called."""
        at = self._at
        for place in self._waiting.take(at.levels, most):
            key = at.keys[place]
            if key is None:
                continue
            rule = at.rule[place]
            tag, period = self._tags[rule], self._periods[rule]
            window, passed, until = at.window[place], at.passed[place], at.until[place]
            if at.previous_unsent[place]:
                at.previous_unsent[place] = 0
                first, last = at.previous_first[place], at.previous_last[place]
                yield Record(tag, key, period, window - 1, at.previous_count[place], first, last, passed, until)
            first, last = at.first[place], at.last[place]
            yield Record(tag, key, period, window, at.count[place], first, last, passed, until)

    def merge(self, records: Iterable[Record], now: float) -> None:
        """Take what all others counted."""
        for record in records:
            self._merge(record, now)

    def _merge(self, record: Record, now: float) -> None:
        rule = self._numbers.get(record.rule)
        if rule is None:
            return
        current = int(now // self._periods[rule])
        if record.until <= now and not current - 1 <= record.window <= current + 1:
            return
        at = self._at
        place = self._places.get(record.key, NOWHERE)
        if place < 0:
            place = self._settle(rule, record.key, now, max(record.hits, 1))
            if place < 0:
                return
            at.window[place] = min(record.window, current)
        if record.passed != at.passed[place]:
            if record.passed < at.passed[place]:
                return
            at.empty(place)
            at.passed[place] = record.passed
        at.until[place] = max(at.until[place], record.until)
        at.turn(place, record.window)
        at.merge(place, record.window, record.hits, record.first, record.last)
