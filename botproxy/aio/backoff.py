"""How long to wait before something that died is started again."""

from __future__ import annotations

from typing import final

FIRST_SECONDS = 0.1
LONGEST_SECONDS = 30.0
LIVED_SECONDS = 60.0
"""Who lived this long did not die of its start: the next wait is the first one again."""


@final
class Backoff:
    """Nothing for the first death, then doubling waits for as long as lives stay short."""

    def __init__(self) -> None:
        self._deaths = 0

    def died(self, lived: float) -> float:
        """Seconds to wait after a life of so many seconds."""
        self._deaths = 1 if lived >= LIVED_SECONDS else self._deaths + 1
        if self._deaths == 1:
            return 0.0
        return float(min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** min(self._deaths - 2, 16)))
