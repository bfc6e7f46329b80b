"""How many lines may be written in a second, and how many more there would have been."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, final


@final
class LineBudget:
    """How many lines may be written in a second."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit: Final = limit
        self._clock: Final = clock
        self._second = -1
        self._lines = 0
        self.suppressed = 0

    def allows(self) -> bool:
        """Whether one more may be written; those that may not are counted in `suppressed`."""
        second = int(self._clock())
        if second != self._second:
            self._second = second
            self._lines = 0
        self._lines += 1
        if self._lines > self._limit:
            self.suppressed += 1
            return False
        return True

    def taken(self) -> int:
        """How many were suppressed since this was last asked."""
        number, self.suppressed = self.suppressed, 0
        return number
