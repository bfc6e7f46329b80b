"""What the admin listener may ask about events: the store, and the sites that there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Protocol

from aiohttp import web

from botproxy.store.events import EventStore

ANSWER_SECONDS: Final = 10.0
"""For one question to the store."""

Source = Literal["files", "exports", "notes"]
"""Where lines about an address are."""


class Persons(Protocol):
    """What is recorded of one visitor."""

    def forms(self, address: str) -> tuple[str, ...]:
        """Every text under which this address alone may stand in what is kept."""
        ...

    def mask(self, rows: Sequence[list[Any]]) -> None:
        """Replace addresses in rows of events, in place, as their zones want it."""
        ...

    def lines(self, address: str, source: Source = "files") -> Iterator[bytes]:
        """The lines of one address in the files of events; the records of it that log exports have on this machine; or
        what reports, operators, alerts and changes say of it. Blocks. Raises OSError or ConfigError."""
        ...

    async def forget(self, address: str) -> dict[str, Any]:
        """Take out everything of this address. Raises StoreUnavailable or OSError."""
        ...


class Analytics(NamedTuple):
    """Everything that questions about events need."""

    store: EventStore | None
    zones: tuple[str, ...]
    seconds: float = 30 * 86400.0  # that single events are kept
    location: str = "BOT"
    lists: Callable[[], Any] | None = None  # reads the named lists of the configuration in use (`rules.Lists`); blocks
    persons: Persons | None = None
    data: Path | None = None  # the data directory
    exports: Callable[[], list[dict[str, Any]]] | None = None  # how each log export is
    model: Path | None = None  # the model that the configuration names


ANALYTICS: Final[web.AppKey[Any]] = web.AppKey("analytics", object)
"""A function without arguments that gives the `Analytics` of now."""
