"""Tables in memory as DuckDB reads them, and that nothing of them stays."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy
import pytest

from botproxy.store.duckdb import arrow
from botproxy.store.duckdb.arrow import ArrowColumn, ArrowTable


def table(number: int = 3) -> ArrowTable:
    offsets = numpy.arange(number + 1, dtype=numpy.int32) * 2
    columns = {
        "whole": ArrowColumn(b"l", (numpy.arange(number, dtype=numpy.int64) - 1,)),
        "bit": ArrowColumn(b"b", (numpy.packbits(numpy.arange(number) % 2 == 0, bitorder="little"),)),
        "text": ArrowColumn(b"u", (offsets, numpy.frombuffer("ü".encode() * number, numpy.uint8))),
    }
    return ArrowTable(number, columns)


@pytest.fixture
def connection() -> Any:
    with duckdb.connect() as made:
        yield made


def test_a_table_is_read_as_often_as_one_likes_and_then_gone(connection: Any) -> None:
    made = table()
    connection.register("batch", made)
    for _ in range(2):
        found = connection.execute("SELECT * FROM batch").fetchall()
        assert found == [(-1, True, "ü"), (0, False, "ü"), (1, True, "ü")]
    connection.unregister("batch")
    made.close()
    assert (len(arrow._streams), len(arrow._kept)) == (0, 0)


def test_more_rows_than_are_read_at_once_stay_in_their_order(connection: Any) -> None:
    made = table(5000)
    connection.register("batch", made)
    found = connection.execute("SELECT * FROM batch POSITIONAL JOIN range(7, 5007) AS numbers(place)").fetchall()
    assert [(row[0], row[3]) for row in found] == [(at - 1, at + 7) for at in range(5000)]
    made.close()


def test_a_statement_that_fails_leaves_nothing_behind(connection: Any) -> None:
    made = table()
    connection.register("batch", made)
    with pytest.raises(duckdb.Error):
        connection.execute("SELECT CAST(text AS INTEGER) FROM batch").fetchall()
    connection.unregister("batch")
    made.close()
    assert (len(arrow._streams), len(arrow._kept)) == (0, 0)
