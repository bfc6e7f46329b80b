"""One worker as the supervisor sees it: the end of its link, its process, how far its life is."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from contextlib import suppress
from typing import Any, Protocol, final

from botproxy.link import Downlink
from botproxy.supervisor.anomalies import Anomalies
from botproxy.supervisor.bots import Bots
from botproxy.supervisor.passed_over import PassedOver
from botproxy.supervisor.profiles import SharedProfiles
from botproxy.supervisor.rates import Rates
from botproxy.supervisor.reports import Reports
from botproxy.supervisor.state import SharedState
from botproxy.telemetry import Totals


class House(Protocol):
    """Where what a worker says goes."""

    totals: Totals
    rates: Rates
    profiles: SharedProfiles
    anomalies: Anomalies
    bots: Bots
    reports: Reports
    passed_over: PassedOver

    store: SharedState

    def on_events(self, payload: bytes) -> None:
        """Event rows of a worker."""
        ...


class Keeper(Protocol):
    """Who decides what follows from a worker's life."""

    def on_state(self, worker: Worker) -> None:
        """It went on in its life."""
        ...

    def on_gone(self, worker: Worker) -> None:
        """Its link is closed; everything that it had sent was read."""
        ...


@final
class Worker:
    """One worker as the supervisor sees it."""

    def __init__(self, keeper: Keeper, number: int, slot: int, link: socket.socket, house: House) -> None:
        self._keeper = keeper
        self._house = house
        self.number = number
        self.slot = slot
        self.process = 0
        self.born = time.monotonic()
        self.state = "starting"
        self.status: int | None = None  # once the nursery has reaped it
        self.silent = 0  # seconds, as the supervisor counts them, since it last said something
        self.link = Downlink(link, self, house.store, asyncio.get_running_loop())

    def on_state(self, word: str) -> None:
        """See `link.Reader`."""
        self.state = word
        self._keeper.on_state(self)

    def on_events(self, payload: bytes) -> None:
        """See `link.Reader`."""
        self.silent = 0
        self._house.on_events(payload)

    def on_counters(self, snapshot: dict[str, Any]) -> None:
        """See `link.Reader`."""
        self.silent = 0
        self._house.totals.update(self.number, snapshot)

    def on_rates(self, payload: bytes) -> None:
        """See `link.Reader`."""
        self.silent = 0
        self._house.rates.take(self.number, payload)

    def on_profiles(self, payload: bytes) -> None:
        """See `link.Reader`."""
        self.silent = 0
        self._house.profiles.take(self.number, payload)

    def on_bot_question(self, payload: bytes) -> None:
        """See `link.Reader`."""
        self._house.bots.take(self.number, payload)

    def on_report(self, payload: bytes) -> None:
        """See `link.Reader`."""
        self._house.reports.take(payload)

    def on_passed_over(self, payload: bytes) -> None:
        """See `link.Reader`."""
        self._house.passed_over.take(payload)

    def on_gone(self) -> None:
        """See `link.Reader`."""
        self._house.bots.leave(self.number)
        self._house.rates.leave(self.number)
        self._house.profiles.leave(self.number)
        self._house.anomalies.leave(self.number)
        self._house.store.leave(self.number)
        if self.state != "draining":
            self.state = "gone"
        self._house.totals.retire(self.number)
        self._keeper.on_gone(self)

    @property
    def about(self) -> dict[str, object]:
        """What a log line says of it."""
        about: dict[str, object] = {"worker": self.number, "process": self.process}
        if self.status is not None:
            about["ending"] = ending(self.status)
        return about

    def kill(self) -> None:
        """End it at once. As long as its link is open or its end was not told, its process id is its own."""
        if self.process and self.status is None:
            with suppress(ProcessLookupError):
                os.kill(self.process, signal.SIGKILL)


def ending(status: int | None) -> str:
    """How a process ended, in words."""
    if status is None:
        return "unknown"
    return f"signal {-status}" if status < 0 else f"status {status}"
