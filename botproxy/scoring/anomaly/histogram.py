"""How a figure is distributed over visits: counts in buckets that grow by a quarter, of which old ones fade."""

from __future__ import annotations

from math import log
from typing import Any, Final, final

_GROWTH: Final = 1.25
_LOG: Final = log(_GROWTH)
BUCKETS: Final = 64
"""From 1 to more than a million."""


@final
class Histogram:
    """Quantiles of it do not follow a few large values, as a mean does."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts: list[float] = [0.0] * BUCKETS
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count one visit."""
        bucket = 0 if value < 1.0 else min(BUCKETS - 1, 1 + int(log(value) / _LOG))
        self.counts[bucket] += 1.0
        self.total += 1.0

    def fade(self, by: float) -> None:
        """Multiply every count."""
        self.counts = [count * by for count in self.counts]
        self.total *= by

    def quantile(self, share: float) -> float:
        """The upper end of the bucket in which this share of all visits is reached; 0 without any."""
        if self.total <= 0.0:
            return 0.0
        wanted = share * self.total
        reached = 0.0
        for bucket, count in enumerate(self.counts):
            reached += count
            if reached >= wanted:
                return float(_GROWTH**bucket)
        return float(_GROWTH**BUCKETS)

    def to_json(self) -> list[float]:
        """Its counts, without empty ones at the end."""
        last = max((at for at, count in enumerate(self.counts) if count > 0.0), default=-1)
        return [round(count, 3) for count in self.counts[: last + 1]]

    @classmethod
    def from_json(cls, said: Any) -> Histogram:
        """What `to_json` gave. Raises ValueError for anything else."""
        if not isinstance(said, list) or len(said) > BUCKETS:
            raise ValueError("a distribution is a list of counts")
        made = cls()
        for at, count in enumerate(said):
            if isinstance(count, bool) or not isinstance(count, int | float) or not 0.0 <= count < 1e12:
                raise ValueError("a distribution has a count that is none")
            made.counts[at] = float(count)
        made.total = sum(made.counts)
        return made
