"""Rows of events as columns that lie together in memory: so they wait in a third of the room, and nothing walks them.

A row is some seventy Python objects. Whoever keeps thousands of rows until they are stored finds all of them cold, and
pays for that more than for storing them; so they are packed at once, while they are warm.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import numpy

from botproxy.store.events.batch import columns
from botproxy.store.events.columns import KINDS, Kind

Integers: TypeAlias = "numpy.ndarray[Any, numpy.dtype[numpy.int64]]"
Lengths: TypeAlias = "numpy.ndarray[Any, numpy.dtype[numpy.int32]]"


class Texts(NamedTuple):
    """Texts one behind the other, and how many bytes of UTF-8 each of them has."""

    lengths: Lengths
    data: bytes


Column: TypeAlias = "str | Texts | Integers | bytes"
"""A text that is the same in all rows, texts that are not, whole numbers, or 0 and 1."""


class Packed(NamedTuple):
    """At least one event: all columns but `sequence`."""

    number: int
    columns: dict[str, Column]
    size: int  # bytes, about


_WIDTHS: Final = {Kind.INTEGER: 8, Kind.MICROSECONDS: 8, Kind.BOOLEAN: 1}
_FIXED: Final = sum(_WIDTHS.get(kind, 0) for kind in KINDS.values())


def pack(rows: Sequence[Sequence[Any]], intervals: Sequence[int]) -> Packed:
    """Of at least one row, and how many requests each of them stands for. Raises TypeError, ValueError or OverflowError
    for a value that its column does not take."""
    packed: dict[str, Column] = {}
    number = len(rows)
    size = number * _FIXED
    for name, values in columns(rows, intervals).items():
        kind = KINDS[name]
        if kind is Kind.INTEGER or kind is Kind.MICROSECONDS:
            packed[name] = numpy.frombuffer(array("q", values), numpy.int64)
        elif kind is Kind.BOOLEAN:
            packed[name] = bytes(values)
        elif _same(values):
            packed[name] = values[0]
        else:
            packed[name] = texts = _texts(values)
            size += len(texts.data) + 4 * number
    return Packed(number, packed, size)


def _same(values: Sequence[Any]) -> bool:
    first = values[0]
    # Nearly every column that differs does so at its end or its middle.
    if values[-1] != first or values[len(values) // 2] != first or type(first) is not str:
        return False
    return values.count(first) == len(values)


def _texts(values: Sequence[str]) -> Texts:
    together = "".join(values)
    if together.isascii():
        return Texts(numpy.fromiter(map(len, values), numpy.int32, len(values)), together.encode())
    encoded = [each.encode() for each in values]
    return Texts(numpy.fromiter(map(len, encoded), numpy.int32, len(values)), b"".join(encoded))
