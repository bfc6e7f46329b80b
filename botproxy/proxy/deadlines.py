"""One coarse clock for every timeout of a worker, so that a request costs no timer of its own.

A deadline is a number on the object. Moving it later costs a comparison: the object stays where it is filed, and is
filed anew when its old place comes up. Kept to one tick (a quarter of a second), never early.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final, Protocol

_TICK: Final = 0.25
NEVER: Final = float("inf")


class Timed(Protocol):
    """Something with a deadline. Both numbers belong to `Deadlines`; start with NEVER."""

    deadline: float
    filed: float

    def on_deadline(self, now: float) -> None:
        """The deadline has passed; set another one or do without. `now` is `time.monotonic()`."""


class Deadlines:
    """Objects filed by the tick at which to look at them. Holds no more than the objects that were given a deadline."""

    __slots__ = ("_filed", "_next", "_timer")

    def __init__(self) -> None:
        self._filed: Final[dict[int, list[Timed]]] = {}
        self._next = int(time.monotonic() / _TICK)
        self._timer: asyncio.TimerHandle | None = None

    def set(self, item: Timed, deadline: float) -> None:
        """Move the deadline of `item` (`time.monotonic()` seconds; NEVER takes it away)."""
        item.deadline = deadline
        if deadline < item.filed:
            self._file(item, deadline)

    @property
    def filed(self) -> int:
        """How many places are taken; an object that was moved earlier takes two for a while."""
        return sum(map(len, self._filed.values()))

    def _file(self, item: Timed, deadline: float) -> None:
        tick = max(int(deadline / _TICK) + 1, self._next)
        item.filed = tick * _TICK
        items = self._filed.get(tick)
        if items is None:
            self._filed[tick] = [item]
            if self._timer is None:
                self._next = max(self._next, int(time.monotonic() / _TICK))
                self._timer = asyncio.get_running_loop().call_later(_TICK, self._sweep)
        else:
            items.append(item)

    def _sweep(self) -> None:
        now = time.monotonic()
        current = int(now / _TICK)
        for tick in range(self._next, current + 1):
            self._next = tick + 1
            for item in self._filed.pop(tick, ()):
                if item.filed != tick * _TICK:
                    continue  # filed earlier since, and looked at there
                item.filed = NEVER
                if item.deadline <= now:
                    item.deadline = NEVER
                    self._pass(item, now)
                elif item.deadline != NEVER:
                    self._file(item, item.deadline)
        self._timer = asyncio.get_running_loop().call_later(_TICK, self._sweep) if self._filed else None

    def _pass(self, item: Timed, now: float) -> None:
        try:
            item.on_deadline(now)
        except Exception as problem:
            # One object's fault must not stop the clock of all.
            asyncio.get_running_loop().call_exception_handler({"message": "a deadline failed", "exception": problem})

    def close(self) -> None:
        """Stop the clock."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._filed.clear()
