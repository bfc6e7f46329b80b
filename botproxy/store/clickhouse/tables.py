"""The tables on the server, made and brought up by whichever node comes first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from botproxy.store.clickhouse.dialect import literal
from botproxy.store.events.columns import COLUMNS, Kind
from botproxy.store.events.contract import NewerSchema

SCHEMA: Final = 1

_TYPES: Final = {
    Kind.TEXT: "String",
    Kind.TEXTS: "String",
    Kind.INTEGERS: "String",
    Kind.INTEGER: "Int64",
    Kind.MICROSECONDS: "Int64",
    Kind.BOOLEAN: "UInt8",
}

MIGRATIONS: Final[dict[int, tuple[str, ...]]] = {}
"""Schema -> the statements that make the next one of it; each of them can be run twice."""

Run = Callable[[str], Awaitable[list[list[Any]]]]


async def bring_up(run: Run) -> None:
    """Make what is not there. Raises NewerSchema, and what `run` raises."""
    await run("CREATE TABLE IF NOT EXISTS botproxy_schema (version Int64) ENGINE = TinyLog")
    found = await run("SELECT max(version), count() FROM botproxy_schema")
    version, number = int(found[0][0]), int(found[0][1])
    if version > SCHEMA:
        raise NewerSchema(
            f"the tables in ClickHouse have schema {version}, this version knows {SCHEMA}: run the version that made "
            "them"
        )
    columns = ", ".join(f"`{column.name}` {_TYPES[column.kind]}" for column in COLUMNS)
    await run(
        f"CREATE TABLE IF NOT EXISTS events ({columns}) ENGINE = MergeTree "
        "PARTITION BY toYYYYMMDD(toDateTime(intDiv(`start`, 1000000))) ORDER BY (zone, `start`)"
    )
    if number:
        for each in range(version, SCHEMA):
            for statement in MIGRATIONS[each]:
                await run(statement)
    if not number or version < SCHEMA:
        await run(f"INSERT INTO botproxy_schema VALUES ({SCHEMA})")
    there = {
        row[0]
        for row in await run("SELECT name FROM system.columns WHERE database = currentDatabase() AND table = 'events'")
    }
    for column in COLUMNS:
        if column.name not in there:
            default = literal("") if _TYPES[column.kind] == "String" else "0"
            kind = f"{_TYPES[column.kind]} DEFAULT {default}"
            await run(f"ALTER TABLE events ADD COLUMN `{column.name}` {kind}")
