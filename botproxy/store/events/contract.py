"""What an event store promises, whichever backend is behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from botproxy.errors import BotproxyError, OperatorError
from botproxy.store.events.query import Answer, Events, Groups


class StoreUnavailable(BotproxyError):  # noqa: N818 - a state of the store, not a fault in itself
    """The store is not there, or did not answer in time; the text says which."""


class NewerSchema(OperatorError):  # noqa: N818
    """The store was written by a newer version of this program. Nothing was changed."""


class Retention(NamedTuple):
    """How much is kept. 0 bytes is without a bound."""

    seconds: float  # of single events
    rollup_seconds: float  # of counts by minute and hour
    size: int  # bytes
    zones: tuple[tuple[str, float], ...] = ()  # zones whose events are kept for another time, in seconds


class EventStatus(NamedTuple):
    """How a store is, for operators."""

    backend: str
    state: str  # "open", "opening", "away", "closed"
    detail: str  # why it is away; or what was done about a damaged file
    stored: int  # events since the start
    dropped: int  # events that could not be stored, since the start
    left_out: int  # events that the sampling left out, since the start
    interval: int  # of the sampling now; 1 when everything is stored
    waiting: int  # events that wait to be stored
    size: int  # bytes
    oldest: int | None = None  # microseconds; None without events
    spilled: int = 0  # those of the waiting events that wait on disk
    spilled_bytes: int = 0
    spilled_since: float = 0.0  # since when the oldest of these waits, in seconds since 1970; 0 without any


class EventStore(Protocol):
    """Where events are kept and asked for."""

    def put(self, rows: Sequence[Sequence[Any]]) -> None:
        """Hand over rows of events (`tuple(Event)`, lists where it has tuples). From any thread; never waits: when too
        much waits already the oldest are dropped and counted."""
        ...

    async def ask(self, query: Groups | Events, seconds: float = 10.0) -> Answer:
        """Answer a query. Raises QueryError, or StoreUnavailable when it takes longer than `seconds`."""
        ...

    async def flush(self) -> None:
        """Return once everything that was handed over before can be asked for, or was dropped."""
        ...

    async def forget(self, *addresses: str) -> int:
        """Delete every event of these client addresses, waiting or stored; how many there were. Raises
        StoreUnavailable."""
        ...

    async def forget_imported(self, zone: str | None) -> int:
        """Delete every event that was imported, of one zone or of all; how many there were. Raises StoreUnavailable."""
        ...

    def configure(self, retention: Retention, rate: int) -> None:
        """Keep this much from now on, and sample above so many events a second (0: never)."""
        ...

    def status(self) -> EventStatus:
        """How it is now; never waits."""
        ...

    def close(self, seconds: float) -> bool:
        """Store what waits, for at most so long, and close. Blocks. Whether everything was stored."""
        ...
