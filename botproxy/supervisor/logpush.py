"""The log exports as the supervisor keeps them: jobs that a new configuration has as before go on undisturbed."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, final

from botproxy.errors import OperatorError
from botproxy.outgoing import DIRECT, Outgoing
from botproxy.supervisor.nursery import Refused
from botproxy.telemetry import log
from botproxy.telemetry.counters import Key
from botproxy.telemetry.destinations import Secrets, read_secrets
from botproxy.telemetry.logpush_job import Forgotten, Job
from botproxy.telemetry.logpush_settings import LogpushSettings
from botproxy.telemetry.logpush_waiting import FOLDER

if TYPE_CHECKING:
    from botproxy.config.lists import Chosen

END_SECONDS = 10.0
FORGET_SECONDS = 300.0
"""For one job: its files may be large, and are unpacked and packed again."""

_LIST = re.compile(r"\$([A-Za-z0-9_.]+)")

_log = logging.getLogger(__name__)


class PreparedJob(NamedTuple):
    """A job that is taken with a configuration."""

    settings: LogpushSettings
    secrets: Secrets
    lists: Chosen | None  # where its filter names some
    outgoing: Outgoing = DIRECT


class PreparedJobs(NamedTuple):
    """Jobs that are taken with a configuration."""

    jobs: tuple[PreparedJob, ...]


def lists_in(described: Sequence[dict[str, Any]]) -> set[str]:
    """Names of lists that filters of these jobs may name; texts that look like one among them."""
    return {name for job in described for name in _LIST.findall(str(job.get("filter", "")))}


@final
class Logpush:
    """All jobs."""

    def __init__(self) -> None:
        self._jobs: tuple[Job, ...] = ()
        self._kept: dict[Key, int] = {}  # counts of jobs that have ended
        self._prepared: dict[str, PreparedJob] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def put(self, rows: Sequence[Sequence[Any]]) -> None:
        """Rows of events, on the thread that reads them. Never waits."""
        for job in self._jobs:
            job.put(rows)

    def prepare(
        self, described: Sequence[dict[str, Any]], lists: Chosen | None = None, outgoing: Outgoing = DIRECT
    ) -> PreparedJobs:
        """Read the settings and their secrets; `lists` are those of `lists_in`. Raises `Refused` with every secret that
        is not there."""
        settings = [LogpushSettings.model_validate(each) for each in described]
        jobs, problems = [], []
        for each in settings:
            if not each.enabled:
                continue
            try:
                jobs.append(
                    PreparedJob(each, read_secrets(each), lists if _LIST.search(each.filter) else None, outgoing)
                )
            except OperatorError as error:
                problems.append(str(error))
        if problems:
            raise Refused(problems)
        return PreparedJobs(tuple(jobs))

    def take(self, prepared: PreparedJobs, data: Path) -> None:
        """Run these from now on; what waits on disk waits in the data directory."""
        before = {job.settings.name: job for job in self._jobs}
        jobs = []
        for wanted in prepared.jobs:
            settings = wanted.settings
            job = before.get(settings.name)
            if job is not None and _alike(self._prepared.get(settings.name), wanted):
                del before[settings.name]
                jobs.append(job)
                continue
            try:
                jobs.append(
                    Job(
                        settings,
                        wanted.secrets,
                        data / FOLDER / settings.name,
                        job,
                        wanted.lists.lists if wanted.lists is not None else None,
                        wanted.outgoing,
                    )
                )
            except Exception as error:  # it was compiled when the configuration was checked
                _log.error(
                    "a logpush job cannot start", extra=log.fields(job=settings.name, error=type(error).__name__)
                )
        self._jobs = tuple(jobs)
        self._prepared = {each.settings.name: each for each in prepared.jobs}
        self._say_orphans(data / FOLDER)
        for job in before.values():
            task = asyncio.get_running_loop().create_task(self._end(job))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def _end(self, job: Job) -> None:
        job.end(END_SECONDS)
        await asyncio.to_thread(job.ended, END_SECONDS)
        for key, number in _counts(job).items():
            self._kept[key] = self._kept.get(key, 0) + number

    def close(self, seconds: float) -> bool:
        """Send what waits, for at most so long. Blocks. Whether everything was sent."""
        for job in self._jobs:
            job.end(seconds)
        unsent = [job for job in self._jobs if not job.ended(seconds)]
        return not unsent

    async def forget(self, addresses: Collection[str], seconds: float = FORGET_SECONDS) -> dict[str, Forgotten]:
        """Take records of these addresses out of what every job still has here. Raises OSError."""
        return {job.settings.name: await job.forget(addresses, seconds) for job in self._jobs}

    def _say_orphans(self, folder: Path) -> None:
        names = {job.settings.name for job in self._jobs}
        with suppress(OSError):
            for path in folder.iterdir():
                if path.name not in names and path.is_dir() and any(path.iterdir()):
                    _log.warning(
                        "events wait on disk for a log export that no longer runs", extra=log.fields(job=path.name)
                    )

    def counts(self) -> dict[Key, int]:
        """For metrics."""
        counts = dict(self._kept)
        for job in self._jobs:
            for key, number in _counts(job).items():
                counts[key] = counts.get(key, 0) + number
        return counts

    def gauges(self) -> dict[str, float]:
        """For metrics."""
        if not self._jobs:
            return {}
        return {"logpush_waiting": sum(job.waiting for job in self._jobs)}

    def labelled(self) -> dict[Key, float]:
        """For metrics, by job."""
        gauges: dict[Key, float] = {}
        now = time.time()
        for job in self._jobs:
            kept, name = job.spilled, job.settings.name
            gauges["logpush_spilled", name] = kept.bytes
            gauges["logpush_spilled_events", name] = kept.events
            gauges["logpush_spilled_seconds", name] = waited(kept.since, now)
        return gauges

    def status(self) -> list[dict[str, Any]]:
        """Every job, for operators: what was sent, what waits where, and what was dropped."""
        return [
            {
                "name": job.settings.name,
                "sent": job.sent,
                "failures": job.failures,
                "waiting_bytes": job.waiting,
                "spilled": job.spilled.events,
                "spilled_bytes": job.spilled.bytes,
                "spilled_since": job.spilled.since,
                "dropped": {why: number for why, number in job.dropped.items() if number},
            }
            for job in self._jobs
        ]


def waited(since: float, now: float) -> float:
    """Seconds for which something waits that came then; 0 where nothing does."""
    return max(0.0, now - since) if since else 0.0


def _alike(one: PreparedJob | None, other: PreparedJob) -> bool:
    if one is None or (one.settings, one.secrets, one.outgoing) != (other.settings, other.secrets, other.outgoing):
        return False
    signatures = [each.lists.signature if each.lists is not None else None for each in (one, other)]
    return signatures[0] == signatures[1]


def _counts(job: Job) -> dict[Key, int]:
    name = job.settings.name
    counts: dict[Key, int] = {("logpush_sent", name): job.sent, ("logpush_failures", name): job.failures}
    for why, number in job.dropped.items():
        counts["logpush_dropped", name, why] = number
    return counts
