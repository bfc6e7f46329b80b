"""The tables of the file, and how a file of an older version becomes one of this.

`SCHEMA` counts changes that an older program could not live with. A column that is new is none of them: it is added
when the file is opened, with a default, and programs that do not know it pass over it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from botproxy.store.events.columns import COLUMNS, Kind

SCHEMA: Final = 1

TYPES: Final = {
    Kind.TEXT: "VARCHAR",
    Kind.TEXTS: "VARCHAR",
    Kind.INTEGERS: "VARCHAR",
    Kind.INTEGER: "BIGINT",
    Kind.MICROSECONDS: "BIGINT",
    Kind.BOOLEAN: "BOOLEAN",
}
_DEFAULTS: Final = {"VARCHAR": "''", "BIGINT": "0", "BOOLEAN": "false"}

ROLLED: Final = (
    "zone",
    "mode",
    "score",
    "score_source",
    "score_group",
    "action",
    "would",
    "verified_bot_category",
    "js_detection",
    "static_resource",
)
"""Columns of an event that counts by minute and hour are kept for."""

ROLLED_SUMS: Final = ("response_bytes", "page_view", "visit")
"""Columns of an event that are summed in them."""

TOP_FIELDS: Final = (
    "client_ip",
    "client_asn",
    "client_country",
    "host",
    "path",
    "method",
    "user_agent",
    "ja3",
    "ja4",
    "verified_bot_category",
    "browser",
    "os",
    "device",
    "rule_id",
    "status",
)
"""Columns of an event whose most frequent values are kept by hour."""

TOP_VALUES: Final = 250
"""Of each column in each hour, zone and group of scores."""

REST: Final = "\x00rest"
"""Instead of a value: all those beyond `TOP_VALUES` together."""

_KINDS: Final = {column.name: TYPES[column.kind] for column in COLUMNS}

Execute = Callable[..., Any]

MIGRATIONS: Final[dict[int, tuple[str, ...]]] = {}
"""Schema -> the statements that make the next one of it. Run in one transaction, after a copy was made."""


def create(execute: Execute) -> None:
    """Make the tables that are not there, and add the columns that are new. Raises what `execute` raises."""
    columns = ", ".join(_definition(name) for name in _KINDS)
    execute(f"CREATE TABLE IF NOT EXISTS events ({columns})")
    rolled = ", ".join(_definition(name) for name in ROLLED)
    sums = ", ".join(f'"{name}" BIGINT' for name in ROLLED_SUMS)
    for table in ("minutes", "hours"):
        counts = f"run BIGINT, time BIGINT, {rolled}, requests BIGINT, stored BIGINT, {sums}"
        execute(f"CREATE TABLE IF NOT EXISTS {table} ({counts})")
    for name in TOP_FIELDS:
        counts = "run BIGINT, time BIGINT, zone VARCHAR, score_group VARCHAR, value VARCHAR, requests BIGINT"
        execute(f"CREATE TABLE IF NOT EXISTS tops_{name} ({counts})")
    execute("CREATE TABLE IF NOT EXISTS meta (name VARCHAR, value BIGINT)")
    there = {
        name for (name,) in execute("SELECT column_name FROM duckdb_columns() WHERE table_name = 'events'").fetchall()
    }
    for name in _KINDS:
        if name not in there:
            execute(f"ALTER TABLE events ADD COLUMN {_definition(name)}")


def _definition(name: str) -> str:
    kind = _KINDS[name]
    return f'"{name}" {kind} DEFAULT {_DEFAULTS[kind]}'
