"""What is known of each counter, in columns: one array for each thing, one place for each counter.

Numbers in arrays take a third of what objects take, and no collector of garbage has to look at them.
"""

from __future__ import annotations

from array import array
from typing import Final, final

from botproxy.traffic.window import Span

GROWTH: Final = 1024
"""Places that are made at once, because each step of making them costs as much for one."""


@final
class Columns:
    """Places from 0 on. Times in seconds since the epoch; those of windows without hits mean nothing."""

    __slots__ = (
        "count", "first", "keys", "last", "levels", "others", "passed", "previous_count", "previous_first",
        "previous_last", "previous_others", "previous_unsent", "rule", "until", "window",
    )  # fmt: skip

    def __init__(self) -> None:
        self.keys: Final[list[bytes | None]] = []  # None when the place is free
        self.rule: Final = array("I")
        self.window: Final = array("q")  # the current one: its number
        self.count: Final = array("q")  # hits in it that this worker counted
        self.others: Final = array("q")  # that all others did
        self.first: Final = array("d")
        self.last: Final = array("d")
        self.previous_count: Final = array("q")  # the same of the window before
        self.previous_others: Final = array("q")
        self.previous_first: Final = array("d")
        self.previous_last: Final = array("d")
        self.previous_unsent: Final = bytearray()  # whether the last of it was not told yet
        self.until: Final = array("d")  # the end of mitigation
        self.passed: Final = array("d")  # expiry of the clearance that last set it to zero
        self.levels: Final = bytearray()  # at which it waits to be told; 0 when it does not

    def __len__(self) -> int:
        return len(self.keys)

    def grow(self, most: int) -> range:
        """Make more places, but no more than `most` in all; those that are new."""
        begin = len(self.keys)
        more = max(min(GROWTH, most - begin), 0)
        self.keys.extend([None] * more)
        self.rule.frombytes(bytes(self.rule.itemsize * more))
        nothing = bytes(8 * more)
        for numbers in (self.window, self.count, self.others, self.previous_count, self.previous_others):
            numbers.frombytes(nothing)
        for moments in (
            self.first, self.last, self.previous_first, self.previous_last, self.until, self.passed,
        ):  # fmt: skip
            moments.frombytes(nothing)
        self.previous_unsent.extend(bytes(more))
        self.levels.extend(bytes(more))
        return range(begin, begin + more)

    def empty(self, place: int) -> None:
        """Nothing was counted, nothing is mitigated."""
        self.count[place] = 0
        self.others[place] = 0
        self.previous_count[place] = 0
        self.previous_others[place] = 0
        self.previous_unsent[place] = 0
        self.until[place] = 0.0

    def turn(self, place: int, window: int) -> None:
        """Go on to a later window."""
        passed = window - self.window[place]
        if passed <= 0:
            return
        if passed == 1:
            self.previous_count[place] = self.count[place]
            self.previous_others[place] = self.others[place]
            self.previous_first[place] = self.first[place]
            self.previous_last[place] = self.last[place]
            self.previous_unsent[place] = self.levels[place] > 0
        else:
            self.previous_count[place] = self.previous_others[place] = 0
            self.previous_unsent[place] = 0
        self.count[place] = self.others[place] = 0
        self.window[place] = window

    def current(self, place: int) -> Span:
        """Hits of the current window."""
        return Span(self.count[place] + self.others[place], self.first[place], self.last[place])

    def previous(self, place: int) -> Span:
        """Hits of the window before."""
        hits = self.previous_count[place] + self.previous_others[place]
        return Span(hits, self.previous_first[place], self.previous_last[place])

    def weight(self, place: int) -> int:
        """Hits of both windows."""
        return self.count[place] + self.others[place] + self.previous_count[place] + self.previous_others[place]

    def merge(self, place: int, window: int, hits: int, first: float, last: float) -> None:
        """Take what all others counted in this window, or in the one before; older ones say nothing any more."""
        passed = self.window[place] - window
        if passed == 0:
            if self.count[place] == 0 and self.others[place] == 0:
                self.first[place] = first
                self.last[place] = last
            else:
                self.first[place] = min(self.first[place], first)
                self.last[place] = max(self.last[place], last)
            self.others[place] = max(self.others[place], hits)
        elif passed == 1:
            if self.previous_count[place] == 0 and self.previous_others[place] == 0:
                self.previous_first[place] = first
                self.previous_last[place] = last
            else:
                self.previous_first[place] = min(self.previous_first[place], first)
                self.previous_last[place] = max(self.previous_last[place], last)
            self.previous_others[place] = max(self.previous_others[place], hits)
