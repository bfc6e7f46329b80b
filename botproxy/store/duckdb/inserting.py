"""A batch as it is inserted: what differs from row to row as a table in memory, what is the same in all said once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy

from botproxy.store.duckdb.arrow import ArrowColumn, ArrowTable
from botproxy.store.events.columns import KINDS, Kind
from botproxy.store.events.packed import Packed, Texts


class Batch(NamedTuple):
    """The statement, with its values in their order, and the table `batch` that it reads."""

    insert: str
    constants: list[str]
    varied: ArrowTable

    @classmethod
    def of(cls, parts: Sequence[Packed], first: int) -> Batch:
        """Of at least one part; `first` is the sequence number of the first event."""
        number = sum(part.number for part in parts)
        varied: dict[str, ArrowColumn] = {}
        constants: dict[str, str] = {}
        for name in parts[0].columns:
            together: list[Any] = [part.columns[name] for part in parts]
            kind = KINDS[name]
            if kind is Kind.INTEGER or kind is Kind.MICROSECONDS:
                varied[name] = ArrowColumn(b"l", (numpy.concatenate(together),))
            elif kind is Kind.BOOLEAN:
                bits = numpy.packbits(numpy.frombuffer(b"".join(together), numpy.uint8), bitorder="little")
                varied[name] = ArrowColumn(b"b", (bits,))
            elif type(together[0]) is str and together.count(together[0]) == len(together):
                constants[name] = together[0]
            else:
                varied[name] = _texts(together, [part.number for part in parts], number)
        chosen = "".join(f', CAST(? AS VARCHAR) AS "{name}"' for name in constants)
        # Numbered here, and not in the table: joined by position the rows go where they belong one after the other. A
        # table alone is shared out among threads, each of which writes a table of its own that is copied in the end,
        # which costs twice as much.
        numbers = f"range({first}, {first + number}) AS numbers(sequence)"
        insert = f"INSERT INTO events BY NAME SELECT *{chosen} FROM batch POSITIONAL JOIN {numbers}"
        return cls(insert, list(constants.values()), ArrowTable(number, varied))


def _texts(parts: list[str | Texts], numbers: list[int], number: int) -> ArrowColumn:
    ends = numpy.zeros(number + 1, numpy.int64)
    data, at = [], 1
    for part, rows in zip(parts, numbers, strict=True):
        if isinstance(part, str):
            text = part.encode()
            ends[at : at + rows] = len(text)
            data.append(text * rows)
        else:
            ends[at : at + rows] = part.lengths
            data.append(part.data)
        at += rows
    numpy.cumsum(ends, out=ends)
    if ends[-1] > numpy.iinfo(numpy.int32).max:
        raise ValueError(f"{ends[-1]} bytes of text in one column")
    return ArrowColumn(b"u", (ends.astype(numpy.int32), numpy.frombuffer(b"".join(data) or b"\0", numpy.uint8)))
