"""The log exports as the supervisor keeps them: jobs that a new configuration has as before go on undisturbed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, final

from botproxy.errors import OperatorError
from botproxy.supervisor.nursery import Refused
from botproxy.telemetry import log
from botproxy.telemetry.counters import Key
from botproxy.telemetry.destinations import Secrets, read_secrets
from botproxy.telemetry.logpush_job import Forgotten, Job
from botproxy.telemetry.logpush_settings import LogpushSettings
from botproxy.telemetry.logpush_waiting import FOLDER

END_SECONDS = 10.0
FORGET_SECONDS = 300.0
"""For one job: its files may be large, and are unpacked and packed again."""

_log = logging.getLogger(__name__)


class PreparedJobs(NamedTuple):
    """Jobs that are taken with a configuration, and the secrets of each."""

    jobs: tuple[tuple[LogpushSettings, Secrets], ...]


@final
class Logpush:
    """All jobs."""

    def __init__(self) -> None:
        self._jobs: tuple[Job, ...] = ()
        self._kept: dict[Key, int] = {}  # counts of jobs that have ended
        self._secrets: dict[str, Secrets] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def put(self, rows: Sequence[Sequence[Any]]) -> None:
        """Rows of events, on the thread that reads them. Never waits."""
        for job in self._jobs:
            job.put(rows)

    def prepare(self, described: Sequence[dict[str, Any]]) -> PreparedJobs:
        """Read the settings and their secrets. Raises `Refused` with every one that is not there."""
        settings = [LogpushSettings.model_validate(each) for each in described]
        jobs, problems = [], []
        for each in settings:
            if not each.enabled:
                continue
            try:
                jobs.append((each, read_secrets(each)))
            except OperatorError as error:
                problems.append(str(error))
        if problems:
            raise Refused(problems)
        return PreparedJobs(tuple(jobs))

    def take(self, prepared: PreparedJobs, data: Path) -> None:
        """Run these from now on; what waits on disk waits in the data directory."""
        before = {job.settings.name: job for job in self._jobs}
        jobs = []
        for settings, secrets in prepared.jobs:
            job = before.get(settings.name)
            if job is not None and job.settings == settings and self._secrets.get(settings.name) == secrets:
                del before[settings.name]
                jobs.append(job)
                continue
            try:
                jobs.append(Job(settings, secrets, data / FOLDER / settings.name, job))
            except Exception as error:  # it was compiled when the configuration was checked
                _log.error(
                    "a logpush job cannot start", extra=log.fields(job=settings.name, error=type(error).__name__)
                )
        self._jobs = tuple(jobs)
        self._secrets = {settings.name: secrets for settings, secrets in prepared.jobs}
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
        return {
            "logpush_waiting": sum(job.waiting for job in self._jobs),
            "logpush_spilled": sum(job.spilled for job in self._jobs),
        }


def _counts(job: Job) -> dict[Key, int]:
    name = job.settings.name
    counts: dict[Key, int] = {("logpush_sent", name): job.sent, ("logpush_failures", name): job.failures}
    for why, number in job.dropped.items():
        counts["logpush_dropped", name, why] = number
    return counts
