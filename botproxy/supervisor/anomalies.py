"""Anomaly detection in the supervisor: learns from every event, tells workers whom it found, keeps what it learned.

Learning happens on the thread that reads events; what it finds is handed out on the loop, twice a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, final

import orjson

from botproxy.link.frames import Kind
from botproxy.scoring.anomaly import Baseline, Learner, Settings, frames
from botproxy.store import whole_file
from botproxy.supervisor.telling import MAX_UNREAD, Link
from botproxy.telemetry import log
from botproxy.telemetry.counters import Key

FOLDER: Final = "anomaly"
TICK: Final = 0.5
KEEP_SECONDS: Final = 600.0
"""Between two writings of what was learned."""

MOST_A_TICK: Final = 2_000
"""Findings of a zone that are told in one tick."""

MOST_OWED: Final = 200
"""Frames that it is still to be told; when they are more than everything that is held, that is told in their place."""

MAX_FILE: Final = 4 * 1024**2
SLICE: Final = 32
"""Rows between which the loop may have its turn."""

_log = logging.getLogger(__name__)


@final
class Anomalies:
    """Outlives every generation."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.learner: Final = Learner()
        self.failures = 0
        """Batches of events that could not be learned from."""
        self._clock: Final = clock
        self._lock: Final = threading.Lock()
        self._links: Final[dict[int, Link]] = {}
        self._owed: Final[dict[int, deque[bytes]]] = {}  # what workers are still to be told
        self._folder: Path | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._kept = 0.0
        self._failing = False
        self._warned: Final[set[tuple[str, str]]] = set()

    # What the fleet does

    async def configure(self, said: Mapping[str, Mapping[str, Any]], data: Path) -> None:
        """Learn these zones from now on; `said` are their settings in JSON mode, `data` is the data directory."""
        folder = data / FOLDER
        zones = {zone: Settings.model_validate(settings) for zone, settings in said.items()}
        new = [zone for zone in zones if zone not in self.learner.sites]
        if zones or self.learner.sites:
            self._folder = folder
        await self.keep()  # of those that end
        known = await asyncio.to_thread(_read_all, folder, new) if new else {}
        with self._lock:
            self.learner.configure(zones, known)
        self._kept = self._clock()
        if zones and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TICK, self._tick)

    def join(self, worker: int, link: Link) -> None:
        """A worker that begins: it is told everything that was found."""
        self._links[worker] = link
        self._tell_all(worker, link)

    def leave(self, worker: int) -> None:
        """A worker that is gone."""
        self._links.pop(worker, None)
        self._owed.pop(worker, None)

    def put(self, rows: Sequence[Sequence[Any]]) -> None:
        """Learn from events, on the thread that reads them. Raises nothing: what fails here is counted."""
        if not self.learner.sites:
            return
        try:
            for start in range(0, len(rows), SLICE):
                with self._lock:
                    self.learner.take(rows[start : start + SLICE])
        except Exception:
            self.failures += 1
            if not self._failing:
                self._failing = True
                _log.exception("anomaly detection could not learn from a batch of events")

    async def keep(self) -> None:
        """Write down what was learned. What cannot be written is said, and tried again."""
        if self._folder is None:
            return
        try:
            await asyncio.to_thread(self._write_all, self._folder)
        except OSError as error:
            said = os.strerror(error.errno) if error.errno else str(error)
            _log.error("what anomaly detection learned could not be written down", extra=log.fields(error=said))

    async def end(self) -> None:
        """Write down what was learned, and stop."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._keeping is not None:
            await self._keeping
        await self.keep()

    # What it says

    def counts(self) -> dict[Key, int]:
        """For metrics."""
        counts: dict[Key, int] = {}
        sites = self.learner.sites
        if sites:
            counts["anomaly_failures",] = self.failures
        for zone, site in sites.items():
            counts["anomalies_refused", zone] = site.refused
            for (kind, where), number in list(site.counts.items()):
                counts["anomalies", zone, kind, where] = number
        return counts

    def gauges(self) -> dict[Key, float]:
        """For metrics, by zone."""
        now = self._clock()
        gauges: dict[Key, float] = {}
        for zone, site in self.learner.sites.items():
            baseline = site.baseline
            gauges["anomaly_callers", zone] = len(site.found)
            gauges["anomaly_learned_seconds", zone] = max(0.0, now - baseline.began) if baseline.began else 0.0
            gauges["anomaly_silent_seconds", zone] = site.speaks_in
            gauges["anomaly_visits", zone] = baseline.visits
            gauges["anomaly_unsuited", zone] = float(baseline.mostly_api or site.many_hosts)
        return gauges

    def _tick(self) -> None:
        self._timer = None
        try:
            self._tell_changes(self._clock())
        except Exception:
            self.failures += 1
            if not self._failing:
                self._failing = True
                _log.exception("anomaly detection could not tell what it found")
        if self.learner.sites:
            self._timer = asyncio.get_running_loop().call_later(TICK, self._tick)

    def _tell_changes(self, now: float) -> None:
        with self._lock:
            changes = self.learner.changes(now, MOST_A_TICK)
        payloads = list(frames(changes))
        for worker, link in self._links.items():
            if payloads or worker in self._owed:
                self._tell(worker, link, payloads)
        self._warn()
        if now - self._kept >= KEEP_SECONDS and (self._keeping is None or self._keeping.done()):
            self._kept = now
            self._keeping = asyncio.get_running_loop().create_task(self.keep())

    def _write_all(self, folder: Path) -> None:
        """On a thread, a zone at a time: events and findings wait for one baseline, never for all."""
        for zone in list(self.learner.sites):
            with self._lock:
                site = self.learner.sites.get(zone)
                learned = None if site is None else site.baseline.to_json()
            if learned is not None:
                folder.mkdir(mode=0o750, exist_ok=True)
                whole_file.write(folder / f"{zone}.json", orjson.dumps(learned))

    def _tell_all(self, worker: int, link: Link) -> None:
        payloads = self._everything()
        if payloads:
            self._tell(worker, link, payloads)

    def _everything(self) -> list[bytes]:
        with self._lock:
            held = self.learner.held()
        return list(frames(held))

    def _tell(self, worker: int, link: Link, payloads: Sequence[bytes]) -> None:
        """Tell what is owed, and then this, as far as there is room; the rest is owed."""
        owed = self._owed.pop(worker, None) or deque()
        owed.extend(payloads)
        while owed and link.open and link.unread <= MAX_UNREAD:
            link.tell(Kind.ANOMALIES, owed.popleft())
        if len(owed) > MOST_OWED:
            everything = self._everything()
            if len(everything) < len(owed):
                owed = deque(everything)
        if owed and link.open:
            self._owed[worker] = owed

    def _warn(self) -> None:
        for zone, site in self.learner.sites.items():
            if site.baseline.mostly_api:
                self._warn_once(zone, "most answers are neither pages nor parts of pages, so programs are usual here")
            if site.many_hosts:
                self._warn_once(zone, "it has the names of many sites, whose visitors differ")

    def _warn_once(self, zone: str, why: str) -> None:
        if (zone, why) not in self._warned:
            self._warned.add((zone, why))
            _log.warning("anomaly detection does not suit this zone", extra=log.fields(zone=zone, why=why))


def _read_all(folder: Path, zones: Sequence[str]) -> dict[str, Baseline]:
    """What was learned before. A file that cannot be understood is put aside and said."""
    known: dict[str, Baseline] = {}
    for zone in zones:
        path = folder / f"{zone}.json"
        try:
            if path.stat().st_size > MAX_FILE:
                raise ValueError(f"it has more than {MAX_FILE} bytes")
            known[zone] = Baseline.from_json(orjson.loads(path.read_bytes()))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            aside = path.with_suffix(".json.unreadable")
            with contextlib.suppress(OSError):
                os.replace(path, aside)
            _log.error(
                "what anomaly detection had learned cannot be read, it begins anew",
                extra=log.fields(zone=zone, file=path, moved_to=aside, error=error),
            )
    return known
