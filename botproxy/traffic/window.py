"""How many hits lie in the last `period` seconds, told from two counts, each with the times of its first and last hit.

Time is cut into windows of one period, aligned to the epoch. All hits of the current window lie in the last period; of
the previous window's hits some do. They are taken as evenly spread between the first and the last one, so the answer is
exact for one or two of them and for bursts, and never off by more than what lies between two of its hits elsewhere.
"""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

_SLACK = 1e-9
"""Of a division that would be whole were it not for binary fractions."""


class Span(NamedTuple):
    """Hits of one window. Times in seconds since the epoch; without hits they mean nothing."""

    hits: int
    first: float
    last: float


def window_of(now: float, period: int) -> int:
    """The number of the window that `now` lies in; window n begins at n times `period`."""
    return int(now // period)


def still_counted(since: float, count: int, first: float, last: float) -> int:
    """How many of `count` hits came after `since`."""
    if count <= 0 or last <= since:
        return 0
    if first > since:
        return count
    return max(1, ceil((count - 1) * (last - since) / (last - first) - _SLACK))


def rate(now: float, period: int, window: int, current: Span, previous: Span) -> int:
    """Hits in the last `period` seconds before `now`; `current` belongs to `window`, `previous` to the one before."""
    passed = window_of(now, period) - window
    since = now - period
    if passed <= 0:
        return current.hits + still_counted(since, previous.hits, previous.first, previous.last)
    if passed == 1:
        return still_counted(since, current.hits, current.first, current.last)
    return 0


def seconds_below(now: float, period: int, limit: int, window: int, current: Span, previous: Span) -> int:
    """Whole seconds, at least 1, after which one more hit would keep to `limit` if none comes in between."""
    low, high = 1, 2 * period
    while low < high:
        middle = (low + high) // 2
        if rate(now + middle, period, window, current, previous) < limit:
            high = middle
        else:
            low = middle + 1
    return low
