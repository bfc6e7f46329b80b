"""Integer literals, ranges and sets of integers."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Final, final

from botproxy.rules.cursor import HEX_DIGITS, Cursor

SMALLEST: Final = -(2**63)
LARGEST: Final = 2**63 - 1


@final
class IntSet:
    """An immutable set of integers, as sorted, disjoint, inclusive ranges."""

    __slots__ = ("ends", "ranges", "starts")

    def __init__(self, ranges: Iterable[tuple[int, int]]) -> None:
        merged: list[tuple[int, int]] = []
        for start, end in sorted(ranges):
            if merged and start <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        self.ranges: Final = tuple(merged)
        self.starts: Final = [start for start, _ in merged]
        self.ends: Final = [end for _, end in merged]

    def __contains__(self, value: int) -> bool:
        at = bisect_right(self.starts, value) - 1
        return at >= 0 and value <= self.ends[at]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IntSet) and self.ranges == other.ranges

    def __hash__(self) -> int:
        return hash(self.ranges)


def int_literal(cursor: Cursor) -> int:
    """Read an i64: decimal with optional minus, `0x` hexadecimal, or octal behind a leading zero."""
    start = cursor.at
    negative = cursor.take("-")
    radix = 10
    if not negative and cursor.take("0x"):
        radix = 16
    elif not negative and cursor.ahead("0"):
        radix = 8
    begin = cursor.at
    # Hexadecimal digits are taken whatever the radix, so `1a` is one bad number and not a number and a rest.
    digits = cursor.take_while(HEX_DIGITS)
    if not digits:
        cursor.fail("expected digit", begin)
    try:
        value = int(digits, radix)
    except ValueError:
        cursor.fail(f"invalid digit found in string while parsing with radix {radix}", start, cursor.at)
    if negative:
        value = -value
    if value > LARGEST:
        cursor.fail(f"number too large to fit in target type while parsing with radix {radix}", begin, cursor.at)
    if value < SMALLEST:
        cursor.fail(f"number too small to fit in target type while parsing with radix {radix}", start, cursor.at)
    return value


def int_item(cursor: Cursor) -> tuple[int, int]:
    """Read one member of a set: an integer, or a range `first..last` with both ends included."""
    start = cursor.at
    first = int_literal(cursor)
    if not cursor.take(".."):
        return first, first
    last = int_literal(cursor)
    if first > last:
        cursor.fail("incompatible range bounds", start, cursor.at)
    return first, last
