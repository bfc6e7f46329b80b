"""A batch as it is inserted: what differs from row to row as arrays, what is the same in all of them said once.

Most columns of most batches are the same everywhere: a site, a mode, texts that are empty. To turn a text of Python's
into one of the database is what an event costs most, so that a batch whose rows have much in common costs half.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy

from botproxy.store.events.columns import KINDS, Kind

_DTYPES: Final = {Kind.INTEGER: "int64", Kind.MICROSECONDS: "int64", Kind.BOOLEAN: "bool"}


class Batch(NamedTuple):
    """The statement, with its values in their order, and the table `batch` that it reads."""

    insert: str
    constants: list[Any]
    varied: dict[str, Any]  # column -> numpy array

    @classmethod
    def of(cls, columns: dict[str, list[Any]]) -> Batch:
        """Of columns of the same length, at least 1. Raises what numpy raises for a value that no column takes."""
        constants, varied = {}, {}
        for name, values in columns.items():
            kind = KINDS[name]
            # A number costs nothing to begin with, and has to be one for numpy to say so.
            if _DTYPES.get(kind) is None and _same(values):
                constants[name] = values[0]
            else:
                varied[name] = numpy.array(values, dtype=_DTYPES.get(kind, "object"))
        chosen = "".join(f', CAST(? AS VARCHAR) AS "{name}"' for name in constants)
        insert = f"INSERT INTO events BY NAME SELECT *{chosen} FROM batch"
        return cls(insert, list(constants.values()), varied)


def _same(values: list[Any]) -> bool:
    first = values[0]
    # Nearly every column that differs does so at its end or its middle.
    if values[-1] != first or values[len(values) // 2] != first or type(first) is not str:
        return False
    return values.count(first) == len(values)
