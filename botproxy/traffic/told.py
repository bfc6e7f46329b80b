"""What processes tell each other of `Slots`: increments since the last time, so that sums can simply be added.

A payload is one byte for the table and records of one size. What is told of a moment is worth the same everywhere,
because it says when it was; the ways it goes are all in order and without loss, but for the one over the network, where
a loss costs some of what another node would have known.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from heapq import nlargest
from struct import Struct
from typing import Final, NamedTuple, final

from botproxy.errors import BotproxyError
from botproxy.traffic.slots import EPOCH, Slots, scale_at

MOST_FIGURE: Final = 1e9
"""No honest figure comes near it: what is above is cut, so that nothing told can spoil sums for good."""

FAR: Final = 2 * EPOCH
"""Seconds by which what is told may be older than the receiver's clock, or ahead of it, before it says nothing."""


class ToldError(BotproxyError):
    """A payload that is not made of records."""


class Told(NamedTuple):
    """One record."""

    key: int
    when: float  # seconds since the epoch
    fixed: tuple[float, ...]
    figures: tuple[float, ...]  # worth at that moment
    bits: bytes


@final
class Teller:
    """Writes and reads records of one table, whose number goes before them."""

    __slots__ = ("_layout", "_number", "_slots", "_weight", "size")

    def __init__(self, number: int, slots: Slots, weight: int) -> None:
        layout = slots.layout
        self._number: Final = number
        self._slots: Final = slots
        self._weight: Final = weight
        self._layout: Final = Struct(f"<Qd{layout.fixed}d{layout.figures}f{layout.bytes}s")
        self.size: Final = self._layout.size

    def take(self, most: int, now: float) -> bytes:
        """What is to be told of at most `most` keys, the heaviest first; b"" for nothing."""
        slots = self._slots
        untold = slots.untold
        if not untold:
            return b""
        places = list(untold)
        if len(places) > most:
            width, weight, numbers = slots.layout.width, self._weight, slots.numbers
            places = nlargest(most, places, lambda place: numbers[place * width + weight])
        records: list[bytes] = [bytes((self._number,))]
        for place in places:
            records.append(self._record(place, untold.pop(place), now))
        return b"".join(records)

    def all(self, least: float, now: float, slice_: int) -> Iterator[bytes]:
        """Everything that is known of keys of at least this weight, in payloads of so many; counting may go on."""
        slots = self._slots
        layout = slots.layout
        nothing = array("d", bytes(8 * layout.width))
        head = bytes((self._number,))
        records: list[bytes] = [head]
        for key in list(slots.places):
            place = slots.places.get(key, -1)
            if place < 0:
                continue
            scale = scale_at(now)
            slots.turn(place, scale.epoch)
            if slots.numbers[place * layout.width + self._weight] < least * scale.slow:
                continue
            records.append(self._record(place, nothing, now))
            begin = place * layout.bytes
            older = bytes(slots.older[begin : begin + layout.bytes])
            if any(older):
                fixed = slots.numbers[place * layout.width : place * layout.width + layout.fixed]
                when = slots.epochs[place] * EPOCH - 1.0
                records.append(self._layout.pack(key, when, *fixed, *([0.0] * layout.figures), older))
            if len(records) > slice_:
                yield b"".join(records)
                records = [head]
        if len(records) > 1:
            yield b"".join(records)

    def _record(self, place: int, known: array[float], now: float) -> bytes:
        slots = self._slots
        layout = slots.layout
        scale = scale_at(now)
        slots.turn(place, scale.epoch)
        if slots.epochs[place] > scale.epoch:
            scale = scale_at(now, slots.epochs[place])
        base = place * layout.width
        numbers = slots.numbers[base : base + layout.width]
        one = 1.0 / scale.slow
        first = layout.fixed
        figures = [(numbers[at] - known[at]) * one for at in range(first, layout.width)]
        if layout.fast >= 0:
            figures[layout.fast - first] = (numbers[layout.fast] - known[layout.fast]) / scale.fast
        begin = place * layout.bytes
        bits = bytes(slots.bits[begin : begin + layout.bytes])
        return self._layout.pack(slots.keys[place], now, *numbers[:first], *figures, bits)

    def read(self, payload: bytes) -> Iterator[Told]:
        """The records of a payload, after its first byte. Raises ToldError when it is cut."""
        if (len(payload) - 1) % self.size:
            raise ToldError(f"{len(payload)} bytes are no whole number of records")
        first = 2 + self._slots.layout.fixed
        for row in self._layout.iter_unpack(memoryview(payload)[1:]):
            yield Told(row[0], row[1], row[2:first], row[first:-1], row[-1])

    def merge(self, told: Told, now: float) -> None:
        """Add what another process counted."""
        slots = self._slots
        layout = slots.layout
        key, when, fixed, figures, bits = told
        if not -FAR < when - now < FAR:
            return
        scale = scale_at(when)
        place = slots.places.get(key, -1)
        if place < 0:
            place = slots.admit(key, scale_at(now))
            if place < 0:
                return
        slots.turn(place, scale.epoch)
        epoch = slots.epochs[place]
        if epoch > scale.epoch:
            scale = scale_at(when, epoch)
        numbers = slots.numbers
        base = place * layout.width
        if layout.fixed:
            before = numbers[base]
            if fixed[0] > 0.0 and (before == 0.0 or fixed[0] < before):
                numbers[base] = fixed[0]
            for at in range(1, layout.fixed):
                if numbers[base + at] < fixed[at] < now + FAR:
                    numbers[base + at] = fixed[at]
        # What little was counted here before is nobody else's business any more: told now, it would count twice there.
        slots.told[place] = 1
        known = slots.untold.get(place)
        slow = scale.slow
        at = layout.fixed
        for figure in figures:
            if figure > 0.0:
                more = min(figure, MOST_FIGURE) * (scale.fast if at == layout.fast else slow)
                numbers[base + at] += more
                if known is not None:
                    known[at] += more
            at += 1
        self._merge_bits(place, bits, epoch - int(when // EPOCH))

    def _merge_bits(self, place: int, bits: bytes, passed: int) -> None:
        """Bits of an epoch so many before that of the place."""
        if not 0 <= passed <= 1:
            return
        slots = self._slots
        layout = slots.layout
        begin = place * layout.bytes
        end = begin + layout.bytes
        where = slots.bits if passed == 0 else slots.older
        before = int.from_bytes(where[begin:end], "little")
        both = before | int.from_bytes(bits, "little")
        if both != before:
            where[begin:end] = both.to_bytes(layout.bytes, "little")
            slots.recount(place)
