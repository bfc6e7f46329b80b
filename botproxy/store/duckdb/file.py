"""Opening the file: a damaged one is moved aside, an older one is copied and brought up, a newer one is left alone."""

from __future__ import annotations

import logging
import os
import shutil
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb

from botproxy.store.duckdb import tables
from botproxy.store.events.contract import NewerSchema, StoreUnavailable

_log = logging.getLogger(__name__)

NAME: Final = "events.duckdb"
DATABASE: Final = "store"
"""The file as statements call it."""

GROUP: Final = 24_576
"""Rows that are packed, written and given up together: the last such group is written anew whenever the log is taken
into the file. As large as DuckDB makes them by itself, an event was written two or three times, and a store that had
grown too large gave up a hundred thousand events at once."""


_DAMAGED: Final = (
    "not a valid duckdb",
    "corrupt",
    "checksum",
    "serializ",
    "failed to read",
    "replaying wal",
    "wal file",
    "unexpected end",
    "catalog entry",
    "internal error",
    "incorrect",
)
_NEWER: Final = ("newer version", "version number", "can only read versions", "storage version")
KEPT_DAMAGED: Final = 2


class Opened(NamedTuple):
    """An open file. `said` is what was done about a damaged one."""

    connection: Any  # duckdb.DuckDBPyConnection
    said: str


def open_file(path: Path, memory: int, threads: int) -> Opened:
    """Open the file, or make it. Raises NewerSchema, or StoreUnavailable when it cannot be opened now."""
    said = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = _connect(path, memory, threads)
    except OSError as error:
        raise StoreUnavailable(f"{path}: {error.strerror or error}") from None
    except duckdb.Error as error:
        text = str(error)
        if any(word in text.lower() for word in _NEWER):
            raise NewerSchema(f"{path} was written by a newer version: {text.splitlines()[0]}") from None
        if not path.exists() or not _is_damaged(text):
            raise StoreUnavailable(_short(text)) from None
        said = _move_aside(path, text)
        try:
            connection = _connect(path, memory, threads)
        except duckdb.Error as again:
            raise StoreUnavailable(_short(str(again))) from None
    try:
        _bring_up(connection, path)
    except BaseException as error:
        connection.close()
        if isinstance(error, duckdb.Error):
            raise StoreUnavailable(_short(str(error))) from None
        raise
    return Opened(connection, said)


def move_aside(path: Path, why: str) -> str:
    """A file that opened and cannot be worked with; what was done, in words."""
    return _move_aside(path, why)


def use(connection: Any) -> None:
    """Have this connection, or a cursor of it, work in the file."""
    connection.execute(f"USE {DATABASE}")


def _connect(path: Path, memory: int, threads: int) -> Any:
    created = not path.exists()
    connection = duckdb.connect(
        config={
            "memory_limit": f"{max(64, memory // 1024**2)}MiB",
            "threads": threads,
            "temp_directory": str(path.with_name("events.tmp")),
            "max_temp_directory_size": "1GiB",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "preserve_insertion_order": "true",
            "wal_autocheckpoint": "32MiB",  # some forty thousand events
        },
    )
    try:
        quoted = str(path).replace("'", "''")
        connection.execute(f"ATTACH '{quoted}' AS {DATABASE} (TYPE duckdb, ROW_GROUP_SIZE {GROUP})")
        use(connection)
        if created:
            # It holds addresses of visitors: for the owner and the group alone.
            os.chmod(path, 0o640)
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
    except BaseException:
        connection.close()
        raise
    return connection


def _is_damaged(text: str) -> bool:
    lower = text.lower()
    if "could not set lock" in lower or "permission" in lower or "no space" in lower or "too large" in lower:
        return False
    return any(word in lower for word in _DAMAGED)


def _move_aside(path: Path, why: str) -> str:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    number = 0
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    log = path.with_name(path.name + ".wal")
    try:
        os.rename(path, aside)
        if log.exists():
            os.rename(log, aside.with_name(aside.name + ".wal"))
    except OSError as error:
        raise StoreUnavailable(f"{path} is damaged and cannot be moved aside: {error.strerror}") from None
    for old in sorted(path.parent.glob(f"{path.name}.damaged-*"))[: -2 * KEPT_DAMAGED]:
        old.unlink(missing_ok=True)
    said = f"the file was damaged ({_short(why)}); it was moved to {aside.name} and a new one was begun"
    _log.error("the event store was damaged", extra={"fields": {"error": _short(why), "moved_to": str(aside)}})
    return said


def _bring_up(connection: Any, path: Path) -> None:
    execute = connection.execute
    there = execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'meta'").fetchone()[0]
    found = execute("SELECT value FROM meta WHERE name = 'schema'").fetchone() if there else None
    schema = tables.SCHEMA if found is None else int(found[0])
    if schema > tables.SCHEMA:
        raise NewerSchema(
            f"{path} has schema {schema}, this version knows {tables.SCHEMA}: run the version that wrote it, or move "
            "the file away to begin a new one"
        )
    if schema < tables.SCHEMA:
        _migrate(connection, path, schema)
    execute("BEGIN")
    tables.create(execute)
    if found is None:
        execute("INSERT INTO meta VALUES ('schema', ?)", [tables.SCHEMA])
    execute("COMMIT")


def _migrate(connection: Any, path: Path, schema: int) -> None:
    connection.execute("CHECKPOINT")  # everything is in the file itself, and the copy is whole
    copy = path.with_name(f"{path.name}.schema-{schema}")
    try:
        shutil.copyfile(path, copy)
        os.chmod(copy, 0o640)
    except OSError as error:
        raise StoreUnavailable(f"no copy of {path} can be made before it is changed: {error.strerror}") from None
    _log.info("the event store is brought up", extra={"fields": {"schema": tables.SCHEMA, "copy": str(copy)}})
    connection.execute("BEGIN")
    try:
        for each in range(schema, tables.SCHEMA):
            for statement in tables.MIGRATIONS[each]:
                connection.execute(statement)
        connection.execute("UPDATE meta SET value = ? WHERE name = 'schema'", [tables.SCHEMA])
        connection.execute("COMMIT")
    except duckdb.Error:
        connection.execute("ROLLBACK")
        raise


def _short(text: str) -> str:
    return (text.strip().splitlines() or ["unknown"])[0][:300]
