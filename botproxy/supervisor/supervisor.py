"""The supervisor's own life: signals, reloads one after the other, what operators ask for, the end.

At most two generations live at once: a reload that is asked for while an older one still drains waits until that one
has ended, which the time to drain bounds.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, final

from botproxy.admin.analytics import Analytics
from botproxy.admin.application import UnknownZoneError
from botproxy.aio import Backoff
from botproxy.cookies import REVOKED
from botproxy.errors import OperatorError
from botproxy.store import StoreFull
from botproxy.supervisor import persons, revoking, switches
from botproxy.supervisor.desk import Desk
from botproxy.supervisor.fleet import Fleet
from botproxy.supervisor.operators import Operators
from botproxy.supervisor.watching import EVERY_SECONDS, Watch
from botproxy.telemetry import log, metrics

WRITER_SECONDS = 10.0

COLLECT = (50_000, 20, 100)
"""Containers that were made since the last collection of garbage, and collections between those of older objects."""

_ENDING: dict[str, Any] = {"ok": False, "problems": ["the proxy is ending"]}

_log = logging.getLogger(__name__)


class Ready(NamedTuple):
    """Where a started proxy is to be found, and what it does with what it scores."""

    listeners: tuple[str, ...]
    admin: str
    data: Path
    mode: str = "observe"  # of the instance, as an operator may have switched it before this start


@final
class Supervisor:
    """`read` gives the configuration's source as it is now, ready for JSON; it may raise `OperatorError`."""

    def __init__(self, read: Callable[[], Any], factory: str, on_ready: Callable[[Ready], None] | None = None) -> None:
        self._read = read
        self._on_ready = on_ready
        self._desk = Desk(self, lambda: self._fleet)
        self._operators = Operators(self, self._desk.offers)
        self._fleet = Fleet(factory, self._operators, self._on_sick, self._desk.alerting)
        self._fleet.store.learned = self._learned
        self._writing: asyncio.Task[None] | None = None
        self._started = time.time()
        self._switching = asyncio.Lock()
        self._unwritten = ""  # why the last switch could not be written down
        self._reload_wanted = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._offered: set[asyncio.Task[dict[str, Any]]] = set()
        self._restarting = False
        self._asked = False  # for the configuration as it is now, and not only for what it names
        self._watch = Watch()
        self._looking: asyncio.Task[None] | None = None
        self._tidying: asyncio.Task[None] | None = None
        self._ticking: asyncio.TimerHandle | None = None
        self._ticks = 0
        self._waiting: list[asyncio.Future[dict[str, Any]]] = []
        self._sickness = Backoff()
        self._last_sick = time.monotonic()
        self._terminal = os.isatty(0)
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()

    async def run(self) -> int:
        """Live until told to end; the exit status."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._fleet.children.reap)
        loop.add_signal_handler(signal.SIGTERM, self._on_stop)
        loop.add_signal_handler(signal.SIGINT, self._on_stop)
        loop.add_signal_handler(signal.SIGHUP, self._on_hangup)
        self._ticking = loop.call_later(1.0, self._tick)
        life = loop.create_task(self._live())
        stopped = loop.create_task(self._stop.wait())
        await asyncio.wait([life, stopped], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        life.cancel()
        for offered in self._offered:
            offered.cancel()
        await asyncio.wait([life, *self._offered])
        await self._end()
        self._ticking.cancel()  # the loop goes on until its threads have ended, which take on nothing more
        return 0 if life.cancelled() else life.result()

    def _tick(self) -> None:
        self._ticking = asyncio.get_running_loop().call_later(1.0, self._tick)
        self._fleet.watch()
        self._desk.alerting.tick()
        self._desk.configuring.tick()
        self._ticks += 1
        if self._ticks % persons.EVERY_SECONDS == 0 and (self._tidying is None or self._tidying.done()):
            self._tidying = asyncio.get_running_loop().create_task(self._fleet.persons.tidy())
        if self._watch.follows and self._ticks % EVERY_SECONDS == 0 and (self._looking is None or self._looking.done()):
            self._looking = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        """Load the lists anew that have changed; a disk that does not answer holds up nothing else."""
        for path in await asyncio.to_thread(self._watch.look):
            _log.info("a list has changed", extra=log.fields(file=path))
            self._reload_wanted.set()

    async def _live(self) -> int:
        try:
            await self._fleet.bring_up(self._read())
        except OperatorError as error:
            _say(_problems(error))
            return 1
        self._watch.follow(self._fleet.plan.watched)
        if self._on_ready is not None:
            mode = self._fleet.switches.effective(self._fleet.plan).instance
            fleet = self._fleet
            self._on_ready(Ready(fleet.addresses, self._operators.address, fleet.directory.path, mode))
        while True:
            await self._reload_wanted.wait()
            self._reload_wanted.clear()
            waiting, self._waiting = self._waiting, []
            result = _ENDING
            try:
                async with self._reloading:
                    result = await self._reload()
            finally:
                _tell(waiting, result)

    async def _reload(self) -> dict[str, Any]:
        restarting, self._restarting = self._restarting, False
        asked, self._asked = self._asked, False
        # Who is only restarted, or gets new lists, keeps the configuration, whatever its file says by now.
        result = await self._bring_up(self._read if asked else lambda: self._fleet.source)
        if restarting and not result["ok"]:
            self._on_sick()
        return result

    async def _bring_up(self, source: Callable[[], Any]) -> dict[str, Any]:
        await self._fleet.room()
        try:
            await self._fleet.bring_up(source())
        except Exception as error:
            if not isinstance(error, OperatorError):
                _log.exception("a reload failed in an unforeseen way")
            problems = _problems(error)
            self._fleet.totals.own.add(("reloads", "failed"))
            for problem in problems:
                _log.error("configuration problem", extra=log.fields(problem=problem))
            _log.error("reload failed, nothing has changed", extra=log.fields(problems=len(problems)))
            return {"ok": False, "problems": problems}
        self._watch.follow(self._fleet.plan.watched)
        self._fleet.totals.own.add(("reloads", "ok"))
        return {"ok": True, "generation": self._number, "problems": []}

    async def _end(self) -> None:
        _log.info("ending")
        ending = asyncio.create_task(self._fleet.end())
        hurry = asyncio.create_task(self._hurry.wait())
        await asyncio.wait([ending, hurry], return_when=asyncio.FIRST_COMPLETED)
        if not ending.done():
            await self._fleet.kill()
        hurry.cancel()
        await ending
        _tell(self._waiting, _ENDING)
        await self._operators.end()
        await self._fleet.bots.end()
        await self._fleet.reports.end()
        await self._desk.alerting.end()
        await self._fleet.store.end()
        if not await asyncio.to_thread(self._fleet.writer.stop, WRITER_SECONDS):
            _log.error("some events could not be written in time")
        await self._fleet.anomalies.end()
        if not await asyncio.to_thread(self._fleet.logpush.close, WRITER_SECONDS):
            _log.error("some events could not be exported in time")
        if not await asyncio.to_thread(self._fleet.events.close, WRITER_SECONDS):
            _log.error("some events could not be stored in time")
        self._fleet.directory.release()
        _log.info("ended")

    def _on_stop(self) -> None:
        if self._stop.is_set():
            _log.warning("told to end once more: killing what is left")
            self._hurry.set()
        self._stop.set()

    def _on_hangup(self) -> None:
        """A wish to reload, or the terminal in which this was started is gone: then nobody wants it to go on."""
        if self._terminal and not os.isatty(0):
            self._on_stop()
        else:
            self._asked = True
            self._reload_wanted.set()

    def _on_sick(self) -> None:
        """The current generation lost its nursery: start the same configuration anew; its workers serve meanwhile."""
        now = time.monotonic()
        wait = self._sickness.died(now - self._last_sick)
        self._last_sick = now
        asyncio.get_running_loop().call_later(wait, self._restart)

    def _restart(self) -> None:
        self._restarting = True
        self._reload_wanted.set()

    @property
    def _number(self) -> int:
        return self._fleet.current.number if self._fleet.current is not None else 0

    # What operators ask for: `admin.Control`

    def health(self) -> dict[str, Any]:
        """See `admin.Control`."""
        current = self._fleet.current
        serving = current.serving if current is not None else 0
        wanted = self._fleet.plan.workers if current is not None else 0
        status = "ok" if wanted and serving == wanted else "degraded"
        return {
            "status": "draining" if self._stop.is_set() else status,
            "workers": {"serving": serving, "wanted": wanted},
            "generation": self._number,
            "generations": len(self._fleet.generations),
            "state": self._fleet.store.status,
            "uptime_seconds": int(time.time() - self._started),
        }

    def modes(self) -> dict[str, Any]:
        """See `admin.Control`."""
        plan, switched = self._fleet.plan, self._fleet.switches
        instance, zones = switched.effective(plan)
        return {
            "mode": instance,
            "zones": zones,
            "configured": {"mode": plan.mode, "zones": plan.zone_modes},
            "switched": {"mode": switched.instance, "zones": switched.zones},
            **self._persisted(),
        }

    async def switch(self, mode: str | None, zone: str | None) -> dict[str, Any]:
        """See `admin.Control`. Workers are told first; when it cannot be written down the answer says so."""
        if zone is not None and zone not in self._fleet.plan.zone_modes:
            raise UnknownZoneError(f"there is no zone {zone!r}")
        async with self._switching:
            self._fleet.switches.switch(mode, zone)
            self._fleet.tell_modes()
            _log.info("mode switched", extra=log.fields(mode=mode or "as configured", zone=zone or "all"))
            await self._write_switches()
            return self.modes()

    def attacks(self) -> dict[str, Any]:
        """See `admin.Control`."""
        plan, switched = self._fleet.plan, self._fleet.switches
        attacked = switched.under_attack(plan)
        modes = switched.effective(plan).zones
        return {
            "zones": {zone: zone in attacked for zone in plan.zone_modes},
            "configured": {"zones": {zone: zone in plan.under_attack for zone in plan.zone_modes}},
            "switched": {"all": switched.attacked, "zones": switched.attacked_zones},
            "observing": [zone for zone in attacked if modes[zone] == "observe"],
            **self._persisted(),
        }

    async def switch_attack(self, on: bool | None, zone: str | None) -> dict[str, Any]:
        """See `admin.Control`. Workers are told first; when it cannot be written down the answer says so."""
        if zone is not None and zone not in self._fleet.plan.zone_modes:
            raise UnknownZoneError(f"there is no zone {zone!r}")
        async with self._switching:
            self._fleet.switches.switch_attack(on, zone)
            self._fleet.tell_modes()
            word = {True: "on", False: "off", None: "as configured"}[on]
            _log.warning("under attack switched", extra=log.fields(under_attack=word, zone=zone or "all"))
            await self._write_switches()
            return self.attacks()

    def revocations(self) -> dict[str, Any]:
        """See `admin.Control`."""
        return {"revoked": revoking.listed(self._fleet.store), **self._persisted()}

    def passed_over(self) -> dict[str, Any]:
        """See `admin.Control`."""
        return {"pages": self._fleet.passed_over.listed()}

    async def revoke(self, kind: str, value: str) -> dict[str, Any]:
        """See `admin.Control`. Workers are told first; when it cannot be written down the answer says so."""
        if kind == "zone" and value not in self._fleet.plan.zone_modes:
            raise UnknownZoneError(f"there is no zone {value!r}")
        async with self._switching:
            try:
                await revoking.revoke(self._fleet.store, kind, value, self._fleet.plan.clearance_seconds)
            except StoreFull as error:
                raise OperatorError(f"{error}; take back the whole zone instead") from None
            _log.warning("clearances were taken back", extra=log.fields(kind=kind, value=value))
            await self._write_revocations()
            return self.revocations()

    def _learned(self, topic: str) -> None:
        """Another node posted something: what it took back is to outlive a restart of this one."""
        if topic == REVOKED and (self._writing is None or self._writing.done()):
            self._writing = asyncio.get_running_loop().create_task(self._write_learned())

    async def _write_learned(self) -> None:
        await asyncio.sleep(1.0)  # others of the same moment go with it
        async with self._switching:
            await self._write_revocations()

    async def _write_revocations(self) -> None:
        try:
            await asyncio.to_thread(revoking.write, self._fleet.directory.path, self._fleet.store)
            self._unwritten = ""
        except OSError as error:
            self._unwritten = os.strerror(error.errno) if error.errno else str(error)
            _log.error("what was taken back will count again after a restart", extra=log.fields(error=self._unwritten))

    async def _write_switches(self) -> None:
        content = self._fleet.switches.to_json()
        try:
            await asyncio.to_thread(switches.write, self._fleet.directory.path, content)
            self._unwritten = ""
        except OSError as error:
            self._unwritten = os.strerror(error.errno) if error.errno else str(error)
            _log.error("what was switched will not outlive a restart", extra=log.fields(error=self._unwritten))

    def _persisted(self) -> dict[str, Any]:
        if not self._unwritten:
            return {"persisted": True}
        return {"persisted": False, "error": f"it holds now, but could not be written down: {self._unwritten}"}

    async def reload(self) -> dict[str, Any]:
        """See `admin.Control`."""
        if self._stop.is_set():
            return _ENDING
        done: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting.append(done)
        self._asked = True
        self._reload_wanted.set()
        return await done

    # What the desk needs: `desk.Supervised`

    def read(self) -> Any:
        """See `desk.Supervised`."""
        return self._read()

    async def offer(self, source: Any) -> dict[str, Any]:
        """See `desk.Supervised`."""

        async def take() -> dict[str, Any]:
            async with self._reloading:
                return await self._bring_up(lambda: source)

        if self._stop.is_set():
            return _ENDING
        task = asyncio.get_running_loop().create_task(take())
        self._offered.add(task)
        task.add_done_callback(self._offered.discard)
        await asyncio.wait([task])
        return _ENDING if task.cancelled() else task.result()

    def analytics(self) -> Analytics:
        """See `admin.Control`."""
        fleet = self._fleet
        zones = tuple(fleet.plan.zone_modes)
        return Analytics(
            fleet.events.store,
            zones,
            fleet.events.seconds,
            lists=lambda: _lists(fleet.source),
            persons=fleet.persons,
            data=fleet.directory.path,
            exports=fleet.logpush.status,
            model=Path(fleet.plan.model) if fleet.plan.model else None,
        )

    def metrics(self) -> bytes:
        """See `admin.Control`."""
        fleet = self._fleet
        counts = fleet.totals.counts()
        counts["reports_written",] = fleet.reports.written
        counts["reports_dropped",] = fleet.reports.dropped
        counts["events_written",] = fleet.writer.written
        counts.update(self._desk.alerting.counts())
        counts["store_refused",] = fleet.store.local.refused
        counts.update(fleet.store.counts)
        counts["profiles_unheard",] = fleet.profiles.unheard
        counts["rate_limit_unmerged",] = fleet.rates.counts.refused
        counts.update(fleet.bots.counts())
        for where, number in fleet.writer.dropped.items():
            counts["events_dropped", where] = number
        counts.update(fleet.events.counts())
        counts.update(fleet.logpush.counts())
        counts.update(fleet.anomalies.counts())
        counts.update(fleet.training.counts)
        gauges: dict[str, float] = {
            **fleet.totals.gauges(),
            **fleet.store.gauges(),
            "workers": fleet.current.serving if fleet.current is not None else 0,
            "generation": self._number,
            "generations": len(fleet.generations),
            "under_attack": len(fleet.switches.under_attack(fleet.plan)) if fleet.current is not None else 0,
            "start_time": self._started,
            **fleet.events.gauges(),
            **fleet.logpush.gauges(),
            **fleet.training.gauges(),
            **self._desk.configuring.gauges(),
        }
        return metrics.render(
            counts, gauges, fleet.totals.histograms(), {**fleet.anomalies.gauges(), **fleet.logpush.labelled()}
        )


def _tell(waiting: list[asyncio.Future[dict[str, Any]]], result: dict[str, Any]) -> None:
    for done in waiting:
        if not done.done():
            done.set_result(result)


def _problems(error: Exception) -> list[str]:
    return [str(problem) for problem in getattr(error, "problems", ())] or [str(error) or repr(error)]


def _lists(source: str) -> Any:
    """The named lists of a configuration that is in use, read anew. Blocks; may raise `OperatorError`."""
    # Only who tries out a rule that names a list needs them here.
    from botproxy.config import Source, examine

    return examine(Source.from_json(source)).lists.lists


def _say(problems: list[str]) -> None:
    """Tell whoever started us, one plain line a problem."""
    for problem in problems:
        os.write(2, (problem + "\n").encode(errors="backslashreplace"))


def raise_open_files() -> None:
    """Let this process and all that it starts open as many files as the system allows: every connection is one.

    The soft limit is 1,024 on most systems, for the sake of programs that hand file numbers above it to `select`.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError) as error:  # some systems have a lower bound of their own
        _log.warning("the limit of open files stays", extra=log.fields(limit=soft, error=error))


def run(read: Callable[[], Any], factory: str, on_ready: Callable[[Ready], None] | None = None) -> int:
    """Be the supervisor; the exit status. 1 when the first configuration is not taken."""
    log.configure("supervisor")
    raise_open_files()
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    # Rows of events that wait are thousands of containers and never garbage: a collection that walks them all the time
    # made an event an eighth dearer.
    gc.freeze()
    gc.set_threshold(*COLLECT)

    async def live() -> int:
        return await Supervisor(read, factory, on_ready).run()

    return asyncio.run(live())
