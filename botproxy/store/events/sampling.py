"""Which events are stored when there are more than the operator wants: those that matter all, the others by lot.

A stored event says how many it stands for. Whether one of a crowd is stored is read from its ray, which is random: so
the same event is stored by every node or by none, and no pattern of the traffic decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, final

from botproxy.model import IMPORTED, Event

MAX_INTERVAL: Final = 1000

_HARMLESS: Final = frozenset({"unknown", "log", "skip", "allow", "bypass"})
_RAY, _ACTION, _WOULD = (Event._fields.index(name) for name in ("ray", "action", "would"))
_MODE: Final = Event._fields.index("mode")
_STATUS, _FAILED, _ENDING = (Event._fields.index(name) for name in ("status", "scoring_failed", "ending"))


def ordinary(row: Sequence[Any]) -> bool:
    """Whether this event may be left out: it was not blocked, challenged or solved, nor would it have been, and nothing
    about it failed."""
    return (
        row[_ACTION] in _HARMLESS
        and not row[_WOULD]
        and 0 < row[_STATUS] < 500
        and not row[_FAILED]
        and row[_ENDING] == "finished"
    )


@final
class Sampler:
    """Keeps what is stored a second near `rate`. 0 stores everything."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.interval = 1
        self.left_out = 0
        self._began = 0.0
        self._seen = 0

    def sample(self, rows: Sequence[Sequence[Any]], now: float) -> tuple[list[Sequence[Any]], list[int]]:
        """The rows to store, and how many each of them stands for. `now` in seconds of a clock that never goes back.

        What is imported comes in batches of its own, whole and at once, and says nothing of how much there is now.
        """
        if rows and rows[0][_MODE] == IMPORTED:
            return list(rows), [1] * len(rows)
        self._measure(len(rows), now)
        interval = self.interval
        if interval == 1:
            return list(rows), [1] * len(rows)
        kept: list[Sequence[Any]] = []
        intervals: list[int] = []
        for row in rows:
            if not ordinary(row):
                kept.append(row)
                intervals.append(1)
            elif _lot(row[_RAY]) % interval == 0:
                kept.append(row)
                intervals.append(interval)
        self.left_out += len(rows) - len(kept)
        return kept, intervals

    def _measure(self, number: int, now: float) -> None:
        if not self.rate:
            self.interval = 1
            return
        self._seen += number
        elapsed = now - self._began
        if elapsed < 1.0:
            # A sudden crowd does not wait for its second to end.
            if self._seen > self.rate * self.interval * 2:
                self.interval = min(MAX_INTERVAL, self.interval * 2)
            return
        # Half a second of what was before, so that one quiet second does not let everything in.
        wanted = -(-self._seen // max(1, int(self.rate * min(elapsed, 10.0))))
        self.interval = max(1, min(MAX_INTERVAL, wanted if wanted >= self.interval else (wanted + self.interval) // 2))
        self._began = now
        self._seen = 0


def _lot(ray: str) -> int:
    try:
        return int(ray[-8:], 16)
    except ValueError:
        return 0
