"""One configuration at work: its nursery and its workers, from loading to the last connection."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol, final

from botproxy.aio import Backoff
from botproxy.link import Plan
from botproxy.supervisor.children import Children
from botproxy.supervisor.nursery import Nursery, Refused
from botproxy.supervisor.switches import Effective
from botproxy.supervisor.worker import House, Worker, ending
from botproxy.telemetry import log

LOADING, STARTING, SERVING, DRAINING = "loading", "starting", "serving", "draining"

START_SECONDS = 60.0
RETRY_SECONDS = 1.0
SILENT_SECONDS = 30
GRACE_SECONDS = 5.0
"""Beyond the time to drain, for a worker to say the rest and exit."""

_log = logging.getLogger(__name__)


class Household(House, Protocol):
    """What generations share."""

    children: Children
    numbers: Iterator[int]

    def modes(self, plan: Plan) -> Effective:
        """The modes that hold now."""
        ...

    def under_attack(self, plan: Plan) -> list[str]:
        """The zones that are under attack now."""
        ...

    def listening(self, plan: Plan) -> dict[str, socket.socket]:
        """The plan's sockets, by address."""
        ...

    def on_sick(self, generation: Generation) -> None:
        """This generation can replace nobody any more."""
        ...

    def on_ended(self, generation: Generation) -> None:
        """Nothing of this generation is left."""
        ...


@final
class Generation:
    """Starts workers, replaces those that die, drains."""

    def __init__(self, number: int, house: Household, factory: str, source: Any) -> None:
        self.number = number
        self.house = house
        self.plan: Plan | None = None
        self.state = LOADING
        self.workers: dict[int, Worker] = {}
        self.ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._nursery = Nursery(self, house.children, self._loop, factory, source)
        self._backoffs: dict[int, Backoff] = {}
        self._timers: set[asyncio.TimerHandle] = set()
        self._started: asyncio.Future[None] = self._loop.create_future()

    async def load(self) -> Plan:
        """Load the configuration. Raises `Refused`."""
        self.plan = await self._nursery.load()
        return self.plan

    async def start(self) -> None:
        """Start all workers; done when every one of them serves. Raises `Refused` when one does not get there."""
        assert self.plan is not None
        self.state = STARTING
        for slot in range(self.plan.workers):
            self._backoffs[slot] = Backoff()
            self._fork(slot)
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._started
        except TimeoutError:
            raise Refused([f"not every worker served within {START_SECONDS:.0f} s"]) from None
        self.state = SERVING

    def drain(self, ending: bool) -> None:
        """End every worker once its connections have, then the nursery; `ending` when nothing takes their place."""
        if ending:
            # Those that drain already did so in favour of others, which now end as well.
            for worker in self.workers.values():
                worker.link.drain(ending)
        if self.state == DRAINING:
            return
        self.state = DRAINING
        for timer in self._timers:
            timer.cancel()
        if not ending:
            for worker in self.workers.values():
                worker.link.drain(ending)
        if self.plan is not None:
            self._later(self.plan.drain_seconds + GRACE_SECONDS, self.kill)
        self._check_ended()

    def abandon(self, ending: bool) -> None:
        """End, in whatever state this is: loading is not waited for, connections are."""
        if self.plan is None:
            self.kill()
        else:
            self.drain(ending)

    def kill(self) -> None:
        """End everything now; `ended` follows once all of it has been reaped."""
        self.drain(ending=True)
        for worker in self.workers.values():
            _log.warning(
                "worker is killed, it did not end by itself", extra=log.fields(generation=self.number, **worker.about)
            )
            worker.kill()
        if self.plan is None:
            # Still loading, and perhaps stuck at it; afterwards it is needed to reap the workers.
            self._nursery.kill()

    def watch(self) -> None:
        """Called once a second. A worker that serves says its counters every second; one that has said nothing for
        long is stuck, and its connections with it. Time in which this process itself was stopped does not count."""
        for worker in self.workers.values():
            if worker.state == "starting":
                continue
            worker.silent += 1
            if worker.silent == SILENT_SECONDS:
                _log.error("worker is stuck and is killed", extra=log.fields(generation=self.number, **worker.about))
                worker.kill()

    def tell_modes(self) -> None:
        """Tell every worker the modes that hold now."""
        if self.plan is not None:
            instance, zones = self.house.modes(self.plan)
            under_attack = self.house.under_attack(self.plan)
            for worker in self.workers.values():
                worker.link.modes(instance, zones, under_attack)

    @property
    def serving(self) -> int:
        """How many workers serve."""
        return sum(worker.state == SERVING for worker in self.workers.values())

    def on_forked(self, number: int, process: int) -> None:
        """See `nursery.Parent`."""
        if number in self.workers:
            self.workers[number].process = process

    def on_exited(self, number: int, status: int) -> None:
        """See `nursery.Parent`."""
        worker = self.workers.get(number)
        if worker is not None:
            worker.status = status
            self._settle(worker)

    def on_state(self, worker: Worker) -> None:
        """A worker went on in its life."""
        if worker.state == SERVING:
            _log.info("worker serves", extra=log.fields(generation=self.number, **worker.about))
        if self.plan is not None and self.serving == self.plan.workers and not self._started.done():
            self._started.set_result(None)

    def on_gone(self, worker: Worker) -> None:
        """A worker's link is closed; everything that it had sent was read."""
        if worker.status is None and self._nursery.alive and self.plan is not None:
            # Whatever the reason, a worker without a link drains and ends by itself.
            self._later(self.plan.drain_seconds + GRACE_SECONDS, worker.kill)
        self._settle(worker)

    def on_nursery_ended(self, status: int) -> None:
        """See `nursery.Parent`."""
        if self.state in (STARTING, SERVING):
            _log.error("nursery died", extra=log.fields(generation=self.number, status=status))
            self._fail("the process that starts workers died")
            self.house.on_sick(self)
        for worker in list(self.workers.values()):
            self._settle(worker)
        self._check_ended()

    def _fork(self, slot: int) -> None:
        assert self.plan is not None
        if self.state == DRAINING or not self._nursery.alive:
            return
        try:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        except OSError as error:
            self._fork_later(slot, error)
            return
        worker = Worker(self, next(self.house.numbers), slot, ours, self.house)
        try:
            self._nursery.fork(worker.number, theirs, self.house.listening(self.plan))
        except OSError as error:
            worker.link.close()
            self._fork_later(slot, error)
            return
        finally:
            theirs.close()
        self.workers[worker.number] = worker
        self.house.rates.join(worker.number, worker.link)
        self.house.profiles.join(worker.number, worker.link)
        self.house.anomalies.join(worker.number, worker.link)
        self.house.bots.join(worker.number, worker.link)
        self.house.store.join(worker.number, worker.link)
        instance, zones = self.house.modes(self.plan)
        worker.link.modes(instance, zones, self.house.under_attack(self.plan))

    def _fork_later(self, slot: int, error: OSError) -> None:
        self._fail(f"no worker can be started: {error}")
        self._later(RETRY_SECONDS, self._fork, slot)

    def _settle(self, worker: Worker) -> None:
        """Once a worker's link is read to its end and its process reaped: forget it, and start another."""
        if worker.link.open or (worker.status is None and self._nursery.alive):
            return
        if self.workers.pop(worker.number, None) is None:
            return
        if self.state == DRAINING:
            self._check_ended()
            return
        lived = time.monotonic() - worker.born
        _log.error("worker died", extra=log.fields(generation=self.number, **worker.about, lived=f"{lived:.1f}s"))
        if self.state == STARTING:
            self._fail(f"a worker ended before it served ({ending(worker.status)}), see the log")
            return
        self.house.totals.own.add(("worker_restarts",))
        wait = self._backoffs[worker.slot].died(lived)
        self._later(wait, self._fork, worker.slot)

    def _fail(self, why: str) -> None:
        if not self._started.done():
            self._started.set_exception(Refused([why]))
            self._started.exception()  # somebody may or may not be waiting
        else:
            _log.error(why, extra=log.fields(generation=self.number))

    def _check_ended(self) -> None:
        if self.state != DRAINING or self.workers:
            return
        self._nursery.close()
        if not self._nursery.alive and not self.ended.is_set():
            for timer in self._timers:
                timer.cancel()
            self.ended.set()
            self.house.on_ended(self)

    def _later(self, seconds: float, call: Callable[..., object], *values: object) -> None:
        self._timers = {timer for timer in self._timers if not timer.cancelled() and timer.when() > self._loop.time()}
        self._timers.add(self._loop.call_later(seconds, call, *values))
