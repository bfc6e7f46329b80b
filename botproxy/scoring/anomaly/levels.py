"""How much of something a site usually has in a minute, for each hour of the week.

Hours are those of UTC. What is kept of an hour is the level that nine of ten of its minutes stay below.
"""

from __future__ import annotations

from statistics import median
from typing import Any, Final, final

HOURS: Final = 168
FEWEST: Final = 20
"""Minutes that an hour must have been watched to count."""

DAILY: Final = 1.1
"""How much what is usual may grow in a day, once it is relied on: who wants to be usual has to wait for months."""

_QUANTILE: Final = 0.9
_OTHERS: Final = 3.0
"""Times the median of the same hour of other days that an hour is believed at most."""


@final
class Levels:
    """`figures` are numbered from 0."""

    __slots__ = ("_hour", "_minutes", "_slots", "_when", "figures")

    def __init__(self, figures: int) -> None:
        self.figures: Final = figures
        self._slots: list[tuple[float, ...] | None] = [None] * HOURS
        self._when = [0] * HOURS  # day on which each was last learned
        self._hour = 0
        self._minutes: list[tuple[float, ...]] = []

    def minute(self, now: float, seen: tuple[float, ...], bounded: bool) -> bool:
        """One minute is over, at `now`; whether an hour was learned with it. `bounded` is whether it may grow by
        `DAILY` alone."""
        hour = int((now - 60.0) // 3600)
        learned = False
        if hour != self._hour:
            learned = len(self._minutes) >= FEWEST
            if learned:
                self._learn(self._hour, bounded)
            self._minutes = []
            self._hour = hour
        if len(self._minutes) < 60:
            self._minutes.append(seen)
        return learned

    def forget_hour(self) -> None:
        """The hour that runs was not watched as a whole."""
        self._minutes = []

    def forget(self) -> None:
        """What was learned counts something else than what comes."""
        self._slots = [None] * HOURS
        self._minutes = []

    def _learn(self, hour: int, bounded: bool) -> None:
        at = hour % HOURS
        day = hour // 24
        before = self._slots[at]
        fresh: list[float] = []
        for figure in range(self.figures):
            values = sorted(minute[figure] for minute in self._minutes)
            value = values[int(_QUANTILE * (len(values) - 1))]
            if bounded:
                usual = before[figure] if before is not None else self.expected(hour * 3600.0, figure)
                days = min(7, max(1, day - self._when[at])) if before is not None else 1
                value = min(value, max(usual, 1.0) * DAILY**days)
            fresh.append(value)
        self._slots[at] = tuple(fresh)
        self._when[at] = day

    def expected(self, now: float, figure: int) -> float:
        """What this figure stays below in a usual minute at this time; 0 where nothing is known."""
        at = int(now // 3600) % HOURS
        slot = self._slots[at]
        others = [other[figure] for day in range(1, 7) if (other := self._slots[(at + 24 * day) % HOURS]) is not None]
        if slot is not None:
            return min(slot[figure], _OTHERS * (median(others) + 1.0)) if len(others) >= 3 else slot[figure]
        if others:
            return float(median(others))
        known = [each[figure] for each in self._slots if each is not None]
        return float(median(known)) if known else 0.0

    def to_json(self) -> dict[str, Any]:
        """Everything but the hour that runs."""
        slots = [None if slot is None else [round(value, 2) for value in slot] for slot in self._slots]
        return {"slots": slots, "days": self._when}

    def read(self, said: Any) -> None:
        """Take what `to_json` gave. Raises ValueError for anything else."""
        slots, days = said["slots"], said["days"]
        if len(slots) != HOURS or len(days) != HOURS or not all(type(day) is int for day in days):
            raise ValueError("the hours of a week are 168")
        for slot in slots:
            if slot is not None and (
                len(slot) != self.figures or not all(type(each) in (int, float) and 0 <= each < 1e12 for each in slot)
            ):
                raise ValueError("an hour has figures that are none")
        self._slots = [None if slot is None else tuple(map(float, slot)) for slot in slots]
        self._when = list(days)
