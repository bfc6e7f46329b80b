"""Settings of what is recorded of requests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from botproxy.schema import Seconds, Section, Size

STORE = r"^(duckdb|none|clickhouses?://[^\s/]+(/[0-9A-Za-z_]+)?/?)$"

Timestamps = Literal["rfc3339", "rfc3339ms", "rfc3339ns", "unix", "unixnano"]


class Settings(Section):
    """The `events` section: one JSON line for every request, under Cloudflare Logpush names."""

    enabled: bool = True
    """Whether events are written to a file at all. Counters and metrics are kept in any case."""

    file: Path | None = None
    """The file; left out, `events.jsonl` in the data directory. Rotated files stand beside it."""

    rotate_size: Annotated[Size, Field(ge=64 * 1024)] = 100 * 1024**2
    """The file is rotated before it grows beyond this."""

    rotate_age: Annotated[Seconds, Field(ge=60, le=366 * 86400)] = 86400.0
    """The file is rotated whenever a period of this length ends, counted from 1970 in UTC: `1d` is at midnight."""

    keep_files: Annotated[int, Field(ge=0, le=10_000)] = 30
    """Rotated files that are kept; the oldest are deleted."""

    keep_size: Size = 1024**3
    """Rotated files are deleted, oldest first, until all of them together are no larger than this."""

    store: Annotated[str, Field(pattern=STORE, max_length=2048)] = "duckdb"
    """Where events are kept to be asked for, beside the file: `duckdb`, a database in the data directory;
    `clickhouse://USER@HOST:PORT/DATABASE`, a server for several machines (`clickhouses://` with TLS; its password is
    read from the environment variable BOTPROXY_CLICKHOUSE_PASSWORD); or `none`: no analytics."""

    store_spill: Annotated[Size, Field(ge=1024**2)] = 1024**3
    """How much waits in the data directory while a ClickHouse is away; beyond, the oldest events are dropped."""

    store_age: Annotated[Seconds, Field(ge=3600, le=3660 * 86400)] = 30 * 86400.0
    """How long single events are kept in the store."""

    store_counts_age: Annotated[Seconds, Field(ge=3600, le=3660 * 86400)] = 400 * 86400.0
    """How long counts by hour are kept in it, which hold nobody's address; those by minute at least eight days."""

    store_size: Annotated[Size, Field(ge=64 * 1024**2)] = 5 * 1024**3
    """The oldest events are deleted from the store until it is no larger than this."""

    store_rate: Annotated[int, Field(ge=0, le=1_000_000)] = 2000
    """Above so many events a second the store keeps a sample: of requests that were neither blocked, challenged, solved
    nor failed, one of several, which says how many it stands for; every number is scaled by that. 0 keeps all."""

    store_memory: Annotated[Size, Field(ge=64 * 1024**2)] = 256 * 1024**2
    """Memory that the store may use to answer questions."""

    redact_query: bool = True
    """Whether values in query strings are replaced by `*` before they are recorded; names stay."""

    timestamps: Timestamps = "rfc3339"
    """How times are written; the words are Logpush's `timestamp_format`."""
