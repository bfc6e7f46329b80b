"""The event store as the supervisor keeps it: opened before a configuration is taken, changed when it is."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, final

from botproxy.store.events import EventStatus, EventStore, NewerSchema, Retention
from botproxy.supervisor.logpush import waited
from botproxy.supervisor.nursery import Refused
from botproxy.telemetry import Settings
from botproxy.telemetry.counters import Key

CLOSE_SECONDS = 10.0
PASSWORD_VARIABLE = "BOTPROXY_CLICKHOUSE_PASSWORD"  # noqa: S105 - the name of a variable, not a password


class Prepared(NamedTuple):
    """A store that is taken with a configuration."""

    place: tuple[str, ...]  # what makes it another store than before
    store: EventStore | None
    retention: Retention
    rate: int


@final
class Events:
    """At most one store; without one, rows that are put are gone."""

    def __init__(self) -> None:
        self.store: EventStore | None = None
        self.seconds = 0.0
        """For which single events are kept."""
        self._place: tuple[str, ...] = ()
        self._closing: set[asyncio.Task[bool]] = set()

    def put(self, rows: Sequence[Sequence[Any]]) -> None:
        """Rows of events, on the thread that reads them. Never waits."""
        store = self.store
        if store is not None:
            store.put(rows)

    async def prepare(self, settings: Settings, data: Path, zones: tuple[tuple[str, float], ...] = ()) -> Prepared:
        """Open what these settings name, unless it is open. Raises `Refused` when a newer version wrote it."""
        retention = Retention(settings.store_age, settings.store_counts_age, settings.store_size, zones)
        place = (settings.store, str(data), str(settings.store_memory), str(settings.store_spill))
        if settings.store == "none":
            return Prepared(place, None, retention, 0)
        if place == self._place:
            return Prepared(place, self.store, retention, settings.store_rate)
        try:
            begin = _open_duckdb if settings.store == "duckdb" else _open_clickhouse
            store = await asyncio.to_thread(begin, settings, data, retention)
        except NewerSchema as error:
            raise Refused([f"events.store: {error}"]) from None
        return Prepared(place, store, retention, settings.store_rate)

    def take(self, prepared: Prepared) -> None:
        """Store there from now on."""
        before, self.store, self._place = self.store, prepared.store, prepared.place
        self.seconds = prepared.retention.seconds
        if self.store is not None:
            self.store.configure(prepared.retention, prepared.rate)
        if before is not None and before is not self.store:
            self._close(before)

    def discard(self, prepared: Prepared) -> None:
        """The configuration was not taken after all."""
        if prepared.store is not None and prepared.store is not self.store:
            self._close(prepared.store)

    def close(self, seconds: float) -> bool:
        """Store what waits, for at most so long. Blocks. Whether everything was stored."""
        return self.store is None or self.store.close(seconds)

    def status(self) -> EventStatus | None:
        """How the store is; None without one."""
        return None if self.store is None else self.store.status()

    def counts(self) -> dict[Key, int]:
        """For metrics."""
        status = self.status()
        if status is None:
            return {}
        return {
            ("events_stored",): status.stored,
            ("events_sampled_out",): status.left_out,
            ("events_dropped", "store"): status.dropped,
        }

    def gauges(self) -> dict[str, float]:
        """For metrics."""
        status = self.status()
        if status is None:
            return {}
        return {
            "event_store_open": status.state == "open",
            "event_store_bytes": status.size,
            "event_store_waiting": status.waiting,
            "event_store_spilled": status.spilled,
            "event_store_spilled_bytes": status.spilled_bytes,
            "event_store_spilled_seconds": waited(status.spilled_since, time.time()),
            "event_store_interval": status.interval,
        }

    def _close(self, store: EventStore) -> None:
        closing = asyncio.create_task(asyncio.to_thread(store.close, CLOSE_SECONDS))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


def _open_duckdb(settings: Settings, data: Path, retention: Retention) -> EventStore:
    # Whoever has no store has no use for a database, and no worker ever has one.
    from botproxy.store.duckdb.backend import DuckdbStore
    from botproxy.store.duckdb.file import NAME

    store = DuckdbStore(data / NAME, retention, settings.store_rate, settings.store_memory)
    try:
        store.started()
    except NewerSchema:
        store.close(1.0)
        raise
    return store


def _open_clickhouse(settings: Settings, data: Path, retention: Retention) -> EventStore:
    from botproxy.store.clickhouse.backend import ClickhouseStore

    store = ClickhouseStore(
        settings.store,
        data / "events.spill",
        retention,
        settings.store_rate,
        password=os.environ.get(PASSWORD_VARIABLE, ""),
        max_spill=settings.store_spill,
    )
    try:
        store.started()
    except NewerSchema:
        store.close(1.0)
        raise
    return store
