"""What processes tell each other of `Slots`: increments since the last time, so that sums can simply be added.

A payload is one byte for the table and records of one size. What is told of a moment is worth the same everywhere,
because it says when it was; the ways it goes are all in order and without loss, but for the one over the network, where
a loss costs some of what another node would have known.

The rule of this file: a payload is written and taken in as a whole, by columns. One record after the other costs ten
times as much, in every worker, in the supervisor, and once more on every node.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from heapq import nlargest
from typing import Any, Final, NamedTuple, final

import numpy as np

from botproxy.errors import BotproxyError
from botproxy.traffic.slots import EPOCH, NOWHERE, Slots, scale_at

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

    __slots__ = ("_head", "_layout", "_slots", "_starts", "_weight", "size")

    def __init__(self, number: int, slots: Slots, weight: int) -> None:
        layout = slots.layout
        self._head: Final = bytes((number,))
        self._slots: Final = slots
        self._weight: Final = weight
        self._starts: Final[Any] = np.array(layout.starts, np.intp)  # of the sketches
        fixed: list[tuple[Any, ...]] = [("fixed", "<f8", (layout.fixed,))] if layout.fixed else []
        self._layout: Final[Any] = np.dtype(
            [("key", "<u8"), ("when", "<f8"), *fixed, ("figures", "<f4", (layout.figures,)),
             ("bits", "u1", (layout.bytes,))]
        )  # fmt: skip
        self.size: Final[int] = self._layout.itemsize

    # Writing

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
        self._turn(places, now)
        known = b"".join([untold.pop(place) for place in places])
        return self._head + self._records(places, known, now)

    def all(self, least: float, now: float, slice_: int) -> Iterator[bytes]:
        """Everything that is known of keys of at least this weight, in payloads of so many; counting may go on."""
        slots = self._slots
        layout = slots.layout
        keys = list(slots.places)
        enough = least * scale_at(now).slow
        for begin in range(0, len(keys), slice_):
            places = [slots.places[key] for key in keys[begin : begin + slice_] if key in slots.places]
            self._turn(places, now)
            numbers = slots.numbers
            places = [place for place in places if numbers[place * layout.width + self._weight] >= enough]
            if places:
                nothing = bytes(8 * layout.width * len(places))
                yield self._head + self._records(places, nothing, now)
                before = self._before(places)
                if before:
                    yield self._head + before

    def _turn(self, places: list[int], now: float) -> None:
        slots = self._slots
        epoch = int(now // EPOCH)
        for place in places:
            if slots.epochs[place] < epoch:
                slots.turn(place, epoch)

    def _records(self, places: list[int], known: bytes, now: float) -> bytes:
        """Of these places, at this moment, what is more than others know: their numbers, one after the other."""
        slots = self._slots
        layout = slots.layout
        first = layout.fixed
        at: Any = np.array(places, np.intp)
        records: Any = np.empty(len(places), self._layout)
        numbers = _rows(slots.numbers, np.float64, layout.width)[at]
        more = numbers[:, first:] - np.frombuffer(known, np.float64).reshape(-1, layout.width)[:, first:]
        slow, fast = _scales(np.full(len(places), now), _rows(slots.epochs, np.int64, 1)[at, 0])
        if layout.fast >= 0:
            more[:, layout.fast - first : layout.fast - first + 1] *= slow / fast
        more /= slow
        records["key"] = _rows(slots.keys, np.uint64, 1)[at, 0]
        records["when"] = now
        if first:
            records["fixed"] = numbers[:, :first]
        records["figures"] = more
        records["bits"] = _rows(slots.bits, np.uint8, layout.bytes)[at]
        written: bytes = records.tobytes()
        return written

    def _before(self, places: list[int]) -> bytes:
        """The sketches of the epoch before, of those of these places that have any."""
        slots = self._slots
        layout = slots.layout
        at: Any = np.array(places, np.intp)
        older = _rows(slots.older, np.uint8, layout.bytes)[at]
        there = older.any(axis=1)
        at = at[there]
        records: Any = np.zeros(len(at), self._layout)
        records["key"] = _rows(slots.keys, np.uint64, 1)[at, 0]
        records["when"] = _rows(slots.epochs, np.int64, 1)[at, 0] * float(EPOCH) - 1.0
        if layout.fixed:
            records["fixed"] = _rows(slots.numbers, np.float64, layout.width)[at, : layout.fixed]
        records["bits"] = older[there]
        written: bytes = records.tobytes()
        return written

    # Reading

    def check(self, payload: bytes) -> None:
        """Raises ToldError when a payload is cut."""
        if (len(payload) - 1) % self.size:
            raise ToldError(f"{len(payload)} bytes are no whole number of records")

    def read(self, payload: bytes) -> Iterator[Told]:
        """The records of a payload, after its first byte. Raises ToldError when it is cut."""
        self.check(payload)
        for row in np.frombuffer(payload, self._layout, offset=1):
            fixed = tuple(row["fixed"].tolist()) if self._slots.layout.fixed else ()
            yield Told(
                int(row["key"]), float(row["when"]), fixed, tuple(row["figures"].tolist()), row["bits"].tobytes()
            )

    def merge(self, payload: bytes, now: float) -> None:
        """Add what another process counted. Raises ToldError when the payload is cut."""
        self.check(payload)
        records: Any = np.frombuffer(payload, self._layout, offset=1)
        while len(records):
            records = self._merge(records, now)

    def _merge(self, records: Any, now: float) -> Any:
        """Add records of different keys, each of the first there is; the others."""
        slots = self._slots
        near = np.abs(records["when"] - now) < FAR
        if not near.all():
            records = records[near]
        keys: list[int] = records["key"].tolist()
        again = records[:0]
        if len(set(keys)) < len(keys):
            first = np.sort(np.unique(records["key"], return_index=True)[1])
            again = np.delete(records, first)
            records = records[first]
            keys = records["key"].tolist()
        known = slots.places
        places = [known.get(key, NOWHERE) for key in keys]
        if NOWHERE in places:
            records, places = self._admit(records, keys, places, now)
        if places:
            self._add(records, places, now)
        return again

    def _admit(self, records: Any, keys: list[int], places: list[int], now: float) -> tuple[Any, list[int]]:
        """Find places for those that have none; the records that have one then, and where."""
        slots = self._slots
        current = scale_at(now)
        for row, key in enumerate(keys):
            if places[row] < 0:
                places[row] = slots.admit(key, current)
        # Who found a place may have it from one that came before.
        kept = [row for row, key in enumerate(keys) if places[row] >= 0 and slots.keys[places[row]] == key]
        return records[kept], [places[row] for row in kept]

    def _add(self, records: Any, places: list[int], now: float) -> None:
        """Add records to these places, each to its own."""
        slots = self._slots
        layout = slots.layout
        first = layout.fixed
        at: Any = np.array(places, np.intp)
        whens = records["when"]
        told = (whens // EPOCH).astype(np.int64)
        epochs = _rows(slots.epochs, np.int64, 1)[at, 0]
        for row in np.flatnonzero(epochs < told).tolist():
            slots.turn(places[row], int(told[row]))
            epochs[row] = told[row]
        numbers = _rows(slots.numbers, np.float64, layout.width)
        if first:
            fixed = records["fixed"]
            before = numbers[at, :first]
            later = (before < fixed) & (fixed < now + FAR)
            later[:, 0] = (fixed[:, 0] > 0.0) & ((before[:, 0] == 0.0) | (fixed[:, 0] < before[:, 0]))
            numbers[at, :first] = np.where(later, fixed, before)
        # What little was counted here before is nobody else's business any more: told now, it would count twice there.
        _rows(slots.told, np.uint8, 1)[at] = 1
        slow, fast = _scales(whens, epochs)
        more = records["figures"].astype(np.float64)
        more[~(more > 0.0)] = 0.0
        np.minimum(more, MOST_FIGURE, out=more)
        if layout.fast >= 0:
            more[:, layout.fast - first : layout.fast - first + 1] *= fast / slow
        more *= slow
        numbers[at, first:] += more
        untold = slots.untold
        if untold:
            for row, place in enumerate(places):
                known = untold.get(place)
                if known is not None:
                    np.frombuffer(known, np.float64)[first:] += more[row]
        passed = epochs - told
        bits = records["bits"]
        young, old = _rows(slots.bits, np.uint8, layout.bytes), _rows(slots.older, np.uint8, layout.bytes)
        for where, those in ((young, passed == 0), (old, passed == 1)):
            if those.all():
                where[at] |= bits
            elif those.any():
                where[at[those]] |= bits[those]
        counted = np.add.reduceat(np.bitwise_count(young[at] | old[at]), self._starts, axis=1, dtype=np.uint16)
        _rows(slots.counts, np.uint16, len(layout.sketches))[at] = counted


def _scales(whens: Any, epochs: Any) -> tuple[Any, Any]:
    """How much one addition was at these moments, in the scales of these epochs: slow and fast, numbers or columns."""
    if (whens == whens[0]).all() and (epochs == epochs[0]).all():
        _, slow, fast = scale_at(float(whens[0]), int(epochs[0]))
        return slow, fast
    rows = [scale_at(when, epoch) for when, epoch in zip(whens.tolist(), epochs.tolist(), strict=True)]
    both: Any = np.array([row[1:] for row in rows], np.float64)
    return both[:, :1], both[:, 1:]


def _rows(column: array[float] | array[int] | bytearray, kind: Any, width: int) -> Any:
    """A column of `Slots` as rows of a matrix, in place. To be forgotten before the column grows."""
    return np.frombuffer(column, kind).reshape(-1, width)
