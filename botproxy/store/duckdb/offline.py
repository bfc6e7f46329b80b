"""What is stored of one visitor, in the file of a proxy that does not run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb

from botproxy.store.duckdb import file
from botproxy.store.duckdb.dialect import DuckdbWriter
from botproxy.store.events import sql
from botproxy.store.events.contract import StoreUnavailable
from botproxy.store.events.query import Condition, Events, Order, Span

_MEMORY = 256 * 1024**2


def forget(path: Path, addresses: Sequence[str]) -> int:
    """Delete every event of these addresses; how many there were. Raises StoreUnavailable, NewerSchema."""
    connection = file.open_file(path, _MEMORY, 1).connection
    try:
        return delete(connection, addresses)
    except duckdb.Error as error:
        raise StoreUnavailable(str(error).splitlines()[0]) from None
    finally:
        connection.close()


def delete(connection: Any, addresses: Sequence[str]) -> int:
    """The same on an open connection. Raises what DuckDB raises."""
    execute = connection.execute
    execute("BEGIN")
    try:
        listed = [list(addresses)]
        number = execute("DELETE FROM events WHERE client_ip IN (SELECT unnest(?))", listed).fetchone()[0]
        execute("DELETE FROM tops_client_ip WHERE value IN (SELECT unnest(?))", listed)
        execute("COMMIT")
    except duckdb.Error:
        execute("ROLLBACK")
        raise
    execute("CHECKPOINT")  # what was deleted leaves the log as well
    return int(number)


def export(path: Path, addresses: Sequence[str], fields: Sequence[str]) -> Iterator[dict[str, Any]]:
    """These fields of every event of these addresses, in the order in which they were stored. Raises as `forget`."""
    connection = file.open_file(path, _MEMORY, 1).connection
    try:
        part = Condition("client_ip", "in", tuple(addresses))
        query = Events(Span(0, 2**62), tuple(fields), filter=part, order=(Order("sequence"),), limit=2**62)
        writer = DuckdbWriter()
        cursor = connection.execute(sql.events(query, writer), writer.values)
        while rows := cursor.fetchmany(1000):
            yield from sql.answer(query, rows).records()
    except duckdb.Error as error:
        raise StoreUnavailable(str(error).splitlines()[0]) from None
    finally:
        connection.close()
