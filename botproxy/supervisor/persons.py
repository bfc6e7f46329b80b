"""What is recorded of one visitor, wherever it is: shown, and taken out, when that person asks.

Also the time after which the lines of a zone leave the files, where the zone has one of its own.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, final
from urllib.parse import urlsplit

from botproxy.admin.analytics import Source
from botproxy.config import ConfigError
from botproxy.link import Plan
from botproxy.store import recorded_lines
from botproxy.store.events import StoreUnavailable
from botproxy.store.named import Named
from botproxy.supervisor import written
from botproxy.supervisor.events import Events
from botproxy.supervisor.logpush import Logpush
from botproxy.supervisor.reports import Reports
from botproxy.telemetry import EventWriter, log, logpush_forgetting, logpush_waiting
from botproxy.telemetry import Settings as EventSettings
from botproxy.telemetry.datasets import defaults_of
from botproxy.telemetry.event_file import rotated
from botproxy.telemetry.logpush_forgetting import ADDRESS
from botproxy.telemetry.logpush_settings import LogpushSettings
from botproxy.telemetry.privacy import Masking
from botproxy.telemetry.privacy_settings import Settings as PrivacySettings

ROTATE_SECONDS: Final = 30.0
EVERY_SECONDS: Final = 3600
_DAY: Final = 86400

_log = logging.getLogger(__name__)


def masking(plan: Plan) -> Masking:
    """How the zones of a plan record addresses."""
    settings = {zone: PrivacySettings.model_validate(each) for zone, each in plan.privacy}
    zones = {zone: each.addresses for zone, each in settings.items() if each.addresses != "full"}
    return Masking(zones, bytes.fromhex(plan.privacy_key))


def kept(plan: Plan) -> tuple[tuple[str, float], ...]:
    """The zones whose events are kept for a time of their own, in seconds."""
    settings = [(zone, PrivacySettings.model_validate(each).keep) for zone, each in plan.privacy]
    return tuple([(zone, keep) for zone, keep in settings if keep is not None])


def events_files(path: Path) -> list[Path]:
    """The file of events and those that were rotated, the newest last. Raises OSError."""
    return [*sorted(rotated(path, "")), path]


def copies(data: Path) -> list[str]:
    """Copies of the event store, as it was, by what is to be said of them."""
    names = [each.name for each in sorted(data.glob("events.duckdb.*")) if not each.name.endswith(".wal")]
    return [f"{name}, a copy of the store as it was; delete it when you do not need it" for name in names]


def delivered(jobs: Sequence[LogpushSettings]) -> list[str]:
    """What log exports have sent away, by what is to be said of it."""
    return [
        f"what the log export {job.name} has sent to {_where(job)}; ask there"
        for job in jobs
        if job.file is None and ADDRESS in (job.fields or defaults_of(job.dataset))
    ]


def exported(jobs: Sequence[LogpushSettings], data: Path, forms: Sequence[str]) -> Iterator[bytes]:
    """The records of an address that log exports have on this machine. Raises OSError."""
    for job in jobs:
        files = [*logpush_forgetting.rotated_files(job), *([job.file.path] if job.file is not None else [])]
        waiting = sorted((data / logpush_waiting.FOLDER / job.name).glob(f"*{logpush_waiting.SUFFIX}"))
        yield from logpush_forgetting.found([*files, *waiting], job, logpush_forgetting.of(job, forms))


def _where(job: LogpushSettings) -> str:
    if job.http is not None:
        return urlsplit(job.http.url).hostname or "its endpoint"
    if job.s3 is not None:
        return f"the bucket {job.s3.bucket}"
    return "standard output"


@final
class Persons:
    """Reaches everything that this node has recorded."""

    def __init__(self, events: Events, writer: EventWriter, reports: Reports, logpush: Logpush) -> None:
        self._events = events
        self._logpush = logpush
        self._jobs: Sequence[LogpushSettings] = ()
        self._writer = writer
        self._reports = reports
        self._masking = Masking()
        self._settings = EventSettings()
        self._kept: tuple[tuple[str, float], ...] = ()
        self._data = Path()
        self._one = asyncio.Lock()

    def configure(self, plan: Plan, settings: EventSettings, data: Path, jobs: Sequence[LogpushSettings]) -> None:
        """Reach what this configuration records from now on; `jobs` are its log exports."""
        self._jobs = tuple(jobs)
        self._masking, self._settings, self._kept, self._data = masking(plan), settings, kept(plan), data

    def forms(self, address: str) -> tuple[str, ...]:
        """Every text under which this address alone may stand in what is kept."""
        longest = max([self._settings.store_age, *[seconds for _, seconds in self._kept]])
        return self._masking.forms(address, min(3660, int(longest // _DAY) + 1))

    def files(self) -> list[Path]:
        """The files of events, the newest last."""
        return events_files(self._settings.file or self._data / "events.jsonl")

    def mask(self, rows: Sequence[list[Any]]) -> None:
        """See `admin.analytics.Persons`."""
        self._masking.apply(rows)

    def lines(self, address: str, source: Source = "files") -> Iterator[bytes]:
        """See `admin.analytics.Persons`."""
        forms = self.forms(address)
        if source == "files":
            return recorded_lines.lines(self.files(), recorded_lines.of(forms, recorded_lines.CLIENT))
        if source == "exports":
            return exported(self._jobs, self._data, forms)
        return written.found(self._data, Named(forms))

    async def forget(self, address: str) -> dict[str, Any]:
        """Take out everything of this address. Raises StoreUnavailable or OSError; what was done until then stays."""
        forms = self.forms(address)
        async with self._one:
            reports = await self._reports.forget(recorded_lines.of(forms, recorded_lines.REPORTED))
            jobs = await self._logpush.forget(forms)
            stored = await self._events.store.forget(*forms) if self._events.store is not None else 0
            aside = await asyncio.to_thread(self._writer.put_aside, ROTATE_SECONDS)
            if not aside:
                raise StoreUnavailable("the file of events could not be put aside: its lines are still there")
            removed = await asyncio.to_thread(
                recorded_lines.remove, self.files()[:-1], recorded_lines.of(forms, recorded_lines.CLIENT)
            )
            try:
                notes = await asyncio.to_thread(written.forget, self._data, Named(forms))
            except ConfigError as error:
                raise StoreUnavailable(f"the changes on the running proxy cannot be read: {error}") from None
        under_way = [f"a batch of the log export {name}, which was being sent" for name, job in jobs.items() if job.out]
        return {
            "forgotten": stored,
            "lines": removed.lines,
            "files": removed.files,
            "reports": reports,
            "exported": sum(job.records for job in jobs.values()),
            "notes": notes.notes,
            "versions": notes.versions,
            "shared": self._masking.network(address),  # what zones that truncate have of it is its neighbours' as well
            "left": [*copies(self._data), *notes.left, *under_way, *delivered(self._jobs)],
        }

    async def tidy(self) -> None:
        """Take lines out of rotated files that are older than their zone keeps them."""
        if not self._kept or self._one.locked():
            return
        async with self._one:
            for path in self.files()[:-1]:
                try:
                    removed = await asyncio.to_thread(_outdated, path, self._kept)
                except OSError as error:
                    _log.error("old events stay in a file", extra=log.fields(file=path.name, error=error.strerror))
                    continue
                if removed:
                    _log.info("old events left a file", extra=log.fields(file=path.name, lines=removed))


def _outdated(path: Path, kept: tuple[tuple[str, float], ...]) -> int:
    # A file is as old as its last line: only then is all of it older than the zone keeps it.
    age = time.time() - path.stat().st_mtime
    zones = frozenset(zone.encode() for zone, seconds in kept if seconds < age)
    if not zones:
        return 0
    return recorded_lines.remove([path], lambda line: recorded_lines.value(line, recorded_lines.ZONE) in zones).lines
