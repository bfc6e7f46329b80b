"""The life of one worker: composed, told the modes, serving, draining, gone."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, final

import uvloop

from botproxy.link import Modes, Uplink
from botproxy.telemetry import log
from botproxy.worker.contract import Blueprint

SERVING = "serving"
DRAINING = "draining"
HELLO_SECONDS = 60.0
COLLECT = (10_000, 20, 100)
"""Containers that were made since the last collection of garbage, and collections between those of older objects. What
requests under way hold is no garbage: at Python's own 700, sixty at once have it walked several times."""

COUNTS_SECONDS = 10.0
"""For the counters of rate limits to come; a worker that serves without them is better than none."""

FAREWELL_SECONDS = 2.0

_log = logging.getLogger(__name__)


@final
class Process:
    """This worker. It ends when asked to, or when the supervisor is gone."""

    def __init__(self, number: int, uplink: Uplink, modes: Modes) -> None:
        self.uplink = uplink
        self.modes = modes
        self.draining = False
        self._number = number
        self._end = asyncio.Event()

    def on_drain(self, ending: bool) -> None:
        """Begin to end; `ending` when no other worker takes this one's place."""
        self.draining = self.draining or ending
        self._end.set()

    def on_lost(self) -> None:
        """Without a supervisor nobody would replace or reload this worker, so it ends as if asked to."""
        if not self._end.is_set():
            _log.warning("the supervisor is gone, draining", extra=log.fields(worker=self._number))
        self.on_drain(ending=True)

    async def run(self, blueprint: Blueprint, listening: Mapping[str, socket.socket]) -> None:
        """Serve until drained. What composing or starting raises ends the process."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.on_drain, False)
        self.uplink.start(self)
        service = blueprint.compose(self)
        self.uplink.sample = service.sample
        ended = loop.create_task(self._end.wait())
        # A mode that an operator chose holds from the first request on.
        first: list[asyncio.Future[Any]] = [self.uplink.first_modes, ended]
        await asyncio.wait(first, timeout=HELLO_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not self.uplink.first_modes.done():
            self.on_drain(ending=False)
        exchange = self.uplink.exchange
        if exchange is not None:
            # Limits that were reached before this worker began hold from its first request on, too.
            known: list[asyncio.Future[Any]] = [exchange.ready, ended]
            await asyncio.wait(known, timeout=COUNTS_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        profiles = self.uplink.profiles
        if profiles is not None:
            told: list[asyncio.Future[Any]] = [profiles.ready, ended]
            await asyncio.wait(told, timeout=COUNTS_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not self._end.is_set():
            await service.start(listening)
            # What serves from now on is no garbage; a full collection that walked it would hold up requests.
            gc.freeze()
            gc.set_threshold(*COLLECT)
            self.uplink.state(SERVING)
            await ended
            self.uplink.state(DRAINING)
            await service.drain(blueprint.plan.drain_seconds)
        await self.uplink.finish(FAREWELL_SECONDS)


def run(number: int, blueprint: Blueprint, link: socket.socket, listening: Mapping[str, socket.socket]) -> int:
    """Be worker `number` until the end; the exit status."""
    # SIGINT and SIGHUP reach the whole group and stay ignored, as the nursery has it; SIGTERM drains this worker.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    log.configure(f"worker-{number}")

    async def live() -> None:
        modes = Modes()
        uplink = Uplink(link, modes, asyncio.get_running_loop())
        await Process(number, uplink, modes).run(blueprint, listening)

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(live())
    except Exception:
        _log.exception("this worker failed")
        return 1
    return 0


def leave(status: int) -> None:
    """End a forked process without running what its parent registered for its own end."""
    with suppress(OSError):
        logging.shutdown()
    os._exit(status)
