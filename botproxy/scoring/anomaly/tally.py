"""What one caller or one group does: three figures that fade within a minute, and the same within an hour."""

from __future__ import annotations

from math import exp
from typing import Final

PAGES: Final = 0
TRIES: Final = 1
FAILS: Final = 2
HOURLY: Final = 3
"""Added to a figure: the same in the last hour."""

SPANS: Final = (60, 60, 60, 3600, 3600, 3600)


class Tally:
    """A steady pace of one a second stands at 60 after some minutes, and at 3,600 after some hours."""

    __slots__ = ("at", "figures", "peaks")

    def __init__(self, now: float) -> None:
        self.at = now
        self.figures = [0.0] * 6
        self.peaks = [0.0] * 6
        """The highest that each figure was."""

    def fade(self, now: float) -> None:
        """Bring the figures to this moment."""
        gap = now - self.at
        if gap <= 0.0:
            return
        self.at = now
        minute = exp(gap / -60.0)
        hour = exp(gap / -3600.0)
        one, two, three, four, five, six = self.figures
        self.figures = [one * minute, two * minute, three * minute, four * hour, five * hour, six * hour]

    def add(self, figure: int, now: float, number: float = 1.0) -> None:
        """Count so many of one figure."""
        self.fade(now)
        for at in (figure, figure + HOURLY):
            value = self.figures[at] + number
            self.figures[at] = value
            if value > self.peaks[at]:
                self.peaks[at] = value
