"""Places for what is known of keys: numbers that fade and small sketches, packed. Bounded, and hard to push out of.

The rule of this file: memory does not depend on how many keys there are. When all places are taken, a new key draws
four at random and takes the lightest of them, with the chance that its one request has against that one's faded
weight. So a flood of new keys mostly pushes out itself, what is busy stays, and nobody can tell which place is drawn.

Numbers that fade are kept in the scale of a moment: an addition is made larger the later it comes, so that nothing has
to be touched to let it fade, and sums of several processes can simply be added. A moment's scale holds for an epoch.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from math import exp, log
from struct import Struct
from typing import Final, NamedTuple, final

EPOCH: Final = 900
"""Seconds for which one scale holds; also how often sketches begin anew, which are kept for one epoch more."""

SLOW: Final = 300.0 / log(2)
"""Seconds in which a number fades to 1/e: to a half in five minutes."""

FAST: Final = 5.0 / log(2)

NOWHERE: Final = -1
FORGOTTEN: Final = 0.01
"""A faded weight that counts for nothing: one request half an hour ago."""

DRAWN: Final = 4
GROWTH: Final = 1024
_DRAW: Final = Struct(f"{DRAWN + 1}I")


class Scale(NamedTuple):
    """How much one addition is at a moment, in the scale of its epoch."""

    epoch: int
    slow: float
    fast: float


def scale_at(now: float, epoch: int | None = None) -> Scale:
    """The scale of this moment, in seconds since 1970; of another epoch than its own where one is given."""
    if epoch is None:
        epoch = int(now // EPOCH)
    passed = now - epoch * EPOCH
    if passed > 2.0 * EPOCH:
        passed = 2.0 * EPOCH
    return tuple.__new__(Scale, (epoch, exp(passed / SLOW), exp(passed / FAST)))


def estimates(bits: int) -> tuple[float, ...]:
    """How many different things set this many bits, by linear counting (Whang and others, 1990): n = -m ln(1 - s/m)."""
    return tuple(
        [-bits * log(1.0 - each / bits) if each < bits else bits * log(2.0 * bits) for each in range(bits + 1)]
    )


@final
class Layout:
    """What a place holds. `fast` is the number of the one figure that fades fast, or -1."""

    __slots__ = (
        "bytes", "estimates", "fast", "figures", "first_mask", "fixed", "last_mask", "nothing", "sketches",
        "starts", "width",
    )  # fmt: skip

    def __init__(self, fixed: int, width: int, fast: int, sketches: tuple[int, ...]) -> None:
        """`fixed` numbers that do not fade, then those up to `width` that do; `sketches` have so many bits each, a
        power of two."""
        self.fixed: Final = fixed
        self.width: Final = width
        self.figures: Final = width - fixed
        self.fast: Final = fast
        self.sketches: Final = sketches
        starts: list[int] = []
        total = 0
        for bits in sketches:
            starts.append(total)
            total += bits // 8
        self.starts: Final = tuple(starts)
        self.bytes: Final = total
        self.nothing: Final = bytes(total)
        self.estimates: Final = tuple([estimates(bits) for bits in sketches])
        self.first_mask: Final = sketches[0] // 8 - 1
        self.last_mask: Final = sketches[-1] // 8 - 1


@final
class Slots:
    """Keys are 64-bit numbers that nobody outside can choose. `weight` is the figure by which keys are heavy."""

    __slots__ = (
        "_free", "_most", "_no_counts", "_no_numbers", "_randomness", "_weight", "bits",
        "bytes", "counts", "epochs", "evicted", "first", "first_mask", "keys", "last", "last_mask",
        "layout", "numbers", "older", "places", "refused", "row", "told", "untold", "width",
    )  # fmt: skip

    def __init__(self, layout: Layout, most: int, weight: int, randomness: Callable[[int], bytes]) -> None:
        """`most` places; `randomness(n)` gives n unpredictable bytes."""
        self.layout: Final = layout
        self.width: Final = layout.width
        self.bytes: Final = layout.bytes
        self.first_mask: Final = layout.first_mask
        self.last_mask: Final = layout.last_mask
        self.row: Final = 8 * layout.width  # bytes of a place in `numbers`
        self.first: Final = layout.estimates[0]  # by how many bits of the first sketch are set
        self.last: Final = layout.estimates[-1]
        self._no_numbers: Final = array("d", bytes(self.row))
        self._no_counts: Final = array("H", bytes(2 * len(layout.sketches)))
        self._most: Final = most
        self._weight: Final = weight
        self._randomness: Final = randomness
        self._free: Final[list[int]] = []
        self.places: Final[dict[int, int]] = {}
        self.keys: Final = array("Q")
        self.epochs: Final = array("q")
        self.numbers: Final = array("d")  # `layout.width` of each place
        self.bits: Final = bytearray()  # sketches of this epoch, `layout.bytes` of each place
        self.older: Final = bytearray()  # of the one before
        self.counts: Final = array("H")  # how many bits are set in either, one of each sketch
        self.untold: Final[dict[int, array[float]]] = {}  # place -> its numbers as others know them
        self.told: Final = bytearray()  # whether others know of the key at this place
        self.evicted = 0
        """Keys that gave way to others while they still counted."""
        self.refused = 0
        """Keys that found no place."""

    def __len__(self) -> int:
        return len(self.places)

    def admit(self, key: int, scale: Scale) -> int:
        """A place for a key that has none; NOWHERE when it finds none."""
        free = self._free
        if not free and len(self.keys) < self._most:
            self._grow()
        if not free and not self._make_way(scale):
            self.refused += 1
            return NOWHERE
        place = free.pop()
        self.places[key] = place
        self.keys[place] = key
        self.epochs[place] = scale.epoch
        return place

    def turn(self, place: int, epoch: int) -> None:
        """Go on to the scale of a later epoch."""
        passed = epoch - self.epochs[place]
        if passed <= 0:
            return
        self.epochs[place] = epoch
        layout = self.layout
        base = place * layout.width
        numbers = self.numbers
        slow = exp(-passed * EPOCH / SLOW) if passed < 100 else 0.0
        fast = exp(-EPOCH / FAST) if passed == 1 else 0.0
        for at in range(base + layout.fixed, base + layout.width):
            numbers[at] *= fast if at == base + layout.fast else slow
        known = self.untold.get(place)
        if known is not None:
            for at in range(layout.fixed, layout.width):
                known[at] *= fast if at == layout.fast else slow
        size = layout.bytes
        begin = place * size
        end = begin + size
        if passed == 1:
            self.older[begin:end] = self.bits[begin:end]
        else:
            self.older[begin:end] = bytes(size)
        self.bits[begin:end] = bytes(size)
        self.recount(place)

    def recount(self, place: int) -> None:
        """Count the bits of all sketches of a place."""
        layout = self.layout
        begin = place * layout.bytes
        number = len(layout.sketches)
        for which in range(number):
            start = begin + layout.starts[which]
            end = start + layout.sketches[which] // 8
            both = int.from_bytes(self.bits[start:end], "little") | int.from_bytes(self.older[start:end], "little")
            self.counts[place * number + which] = both.bit_count()

    def _grow(self) -> None:
        begin = len(self.keys)
        more = min(GROWTH, self._most - begin)
        layout = self.layout
        self.keys.frombytes(bytes(8 * more))
        self.epochs.frombytes(bytes(8 * more))
        self.told.extend(bytes(more))
        self.numbers.frombytes(bytes(8 * layout.width * more))
        self.bits.extend(bytes(layout.bytes * more))
        self.older.extend(bytes(layout.bytes * more))
        self.counts.frombytes(bytes(2 * len(layout.sketches) * more))
        self._free.extend(range(begin + more - 1, begin - 1, -1))

    def _make_way(self, scale: Scale) -> bool:
        number = len(self.keys)
        if not number:
            return False
        lightest = NOWHERE
        light = 0.0
        *drawn, chance = _DRAW.unpack(self._randomness(_DRAW.size))
        numbers, epochs = self.numbers, self.epochs
        width, weight, epoch = self.layout.width, self._weight, scale.epoch
        for each in drawn:
            place: int = each % number
            load = numbers[place * width + weight]
            if epochs[place] < epoch:
                load *= exp((epochs[place] - epoch) * EPOCH / SLOW)
            if lightest < 0 or load < light:
                lightest, light = place, load
        light /= scale.slow
        if light > FORGOTTEN:
            if chance % 65536 >= 65536.0 / (1.0 + light):
                return False
            self.evicted += 1
        self.release(lightest)
        return True

    def release(self, place: int) -> None:
        """Forget what is at this place."""
        layout = self.layout
        del self.places[self.keys[place]]
        self.untold.pop(place, None)
        self.told[place] = 0
        base = place * layout.width
        self.numbers[base : base + layout.width] = self._no_numbers
        begin = place * layout.bytes
        self.bits[begin : begin + layout.bytes] = layout.nothing
        self.older[begin : begin + layout.bytes] = layout.nothing
        first = place * len(layout.sketches)
        self.counts[first : first + len(layout.sketches)] = self._no_counts
        self._free.append(place)
