"""Where imported events go: the event store of a data directory, or the proxy that has it open."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import click

from botproxy.cli.operator import ask
from botproxy.cli.persons import masking_of

if TYPE_CHECKING:
    from botproxy.config import Config
    from botproxy.store.events import EventStore
    from botproxy.supervisor.directory import Directory
    from botproxy.telemetry import Settings
    from botproxy.telemetry.privacy import Masking

CLOSE_SECONDS: Final = 60.0
SEND_SECONDS: Final = 60.0
FORGET_SECONDS: Final = 300.0


class Sink(Protocol):
    """Takes rows of events."""

    zones: Sequence[str] | None  # that there are; None where any may be
    seconds: float  # for which single events are kept
    batch: int  # rows that it takes at once

    def put(self, rows: Sequence[Sequence[Any]]) -> None:
        """Store these rows. Raises `click.ClickException`."""
        ...

    def forget(self, zone: str | None) -> int:
        """Delete what was imported, of one zone or of all; how many events."""
        ...

    def close(self) -> None:
        """Everything is stored when this returns. Raises `click.ClickException` when it is not."""
        ...


class Running:
    """By the admin listener of a proxy that runs."""

    batch = 1_000

    def __init__(self, admin: str, token_file: Path | None) -> None:
        """Raises `click.ClickException` when no proxy answers there, or it has no store."""
        self._admin = admin
        self._token_file = token_file
        self._begun = False
        status = self._asked("GET", "/api/analytics/status", None, 10.0)
        if status.get("store") is None:
            raise click.ClickException("the running proxy has no event store: events.store is none")
        self.zones: Sequence[str] | None = [str(zone) for zone in status.get("zones") or ()]
        self.seconds = float(status.get("store_age") or 0.0)

    def _asked(self, method: str, path: str, body: dict[str, Any] | None, seconds: float) -> dict[str, Any]:
        status, said = ask(self._admin, self._token_file, method, path, body, seconds)
        if status != 200:
            raise click.ClickException(str(said.get("error", f"the proxy answered {status}")))
        return said

    def put(self, rows: Sequence[Sequence[Any]]) -> None:
        body = {"rows": list(rows), "goes_on": self._begun}  # so that one import is written down once
        self._asked("POST", "/api/import", body, SEND_SECONDS)
        self._begun = True

    def forget(self, zone: str | None) -> int:
        return int(self._asked("POST", "/api/import/forget", {"zone": zone}, FORGET_SECONDS)["forgotten"])

    def close(self) -> None:
        return


class Own:
    """A data directory that nobody else has open."""

    batch = 5_000

    def __init__(self, directory: Directory, settings: Settings, masking: Masking) -> None:
        """`directory` was claimed; `masking` is how zones record addresses. Raises `click.ClickException`."""
        from botproxy.errors import OperatorError
        from botproxy.supervisor.events import Events

        self.zones: Sequence[str] | None = None
        self.seconds = settings.store_age
        self._directory = directory
        self._masking = masking
        self._runner = asyncio.Runner()
        try:
            prepared = self._runner.run(Events().prepare(settings, directory.path))
        except OperatorError as error:
            self._end()
            raise click.ClickException(str(error)) from None
        if prepared.store is None:
            self._end()
            raise click.ClickException("there is no event store: events.store is none")
        self._store: EventStore = prepared.store
        status = self._store.status()
        if status.state == "away":
            self._store.close(1.0)
            self._end()
            raise click.ClickException(f"the event store cannot be opened: {status.detail}")

    def put(self, rows: Sequence[Sequence[Any]]) -> None:
        if self._masking:
            written = [list(row) for row in rows]
            self._masking.apply(written)
            rows = written
        self._store.put(rows)
        self._runner.run(self._store.flush())

    def forget(self, zone: str | None) -> int:
        from botproxy.store.events import StoreUnavailable

        try:
            return self._runner.run(self._store.forget_imported(zone))
        except StoreUnavailable as error:
            raise click.ClickException(str(error)) from None

    def close(self) -> None:
        whole = self._store.close(CLOSE_SECONDS)
        status = self._store.status()
        self._end()
        if not whole or status.dropped:
            raise click.ClickException(f"{status.dropped} events could not be stored: {status.detail}")

    def _end(self) -> None:
        self._runner.close()
        self._directory.release()


def open_sink(data: Path, config: Config, admin: str, token_file: Path | None) -> Sink:
    """The store of a data directory, or of the proxy that has it. Raises `click.ClickException`."""
    from botproxy.supervisor.directory import Directory
    from botproxy.supervisor.nursery import Refused

    directory = Directory()
    try:
        directory.claim(data)
    except Refused as refused:
        if "in use" not in str(refused):
            raise click.ClickException(str(refused)) from None
        return Running(admin, token_file)
    try:
        return Own(directory, config.events, masking_of(config))
    except BaseException:
        directory.release()
        raise
