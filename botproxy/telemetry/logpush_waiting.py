"""Batches of one job that wait to be taken: in memory, and on disk while the destination is away. Oldest first.

Of one thread. What is on disk is older than what is in memory, and there again after a restart.
"""

from __future__ import annotations

import gzip
import logging
import os
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple, final

from botproxy.store import spill
from botproxy.store.spill import Kept, Spill
from botproxy.telemetry import log, logpush_forgetting
from botproxy.telemetry.destinations import Batch, packed
from botproxy.telemetry.logpush_settings import LogpushSettings

FOLDER: Final = "logpush.spill"
"""Below the data directory, with a folder for each job."""

SUFFIX: Final = ".gz"

_log = logging.getLogger(__name__)


class Waits(NamedTuple):
    """One batch, and what is sent of it."""

    batch: Batch
    body: bytes


@final
class Waiting:
    """Methods never raise OSError: what the disk does not take waits in memory."""

    def __init__(self, settings: LogpushSettings, folder: Path | None, free: Callable[[], bool] = lambda: True) -> None:
        """`folder` is where batches wait on disk, None for nowhere; it is not touched before `free` says that nobody
        else does."""
        self._settings = settings
        self._folder = folder if settings.disk and (settings.http or settings.s3) else None
        self._free = free
        self._memory: deque[Waits] = deque()
        self._spill: Spill | None = None
        self._out = ""  # where the batch that is being sent waits: "memory" or "disk"
        self._away = False
        self._failing = False
        self._full = False  # since something was taken
        self.bytes = 0
        """In memory."""
        self.dropped = {"memory": 0, "disk": 0}
        """Records."""

    @property
    def spilled(self) -> Kept:
        """What waits on disk."""
        return self._spill.kept if self._spill is not None else Kept()

    @property
    def keeps(self) -> bool:
        """Whether what is not sent waits on disk."""
        return self._spill is not None and not self._failing

    def add(self, batch: Batch, body: bytes) -> None:
        """A batch to send."""
        self._memory.append(Waits(batch, body))
        self.bytes += len(body)
        self._open()
        if self._away:
            self._put_all()
        out = 1 if self._out == "memory" else 0
        while self.bytes > self._settings.memory and len(self._memory) > 1:
            oldest = self._memory[out]
            if not self._put(oldest):
                self.dropped["memory"] += oldest.batch.records
            del self._memory[out]
            self.bytes -= len(oldest.body)

    def first(self) -> Waits | None:
        """The oldest batch, which is out until `taken` or `back`."""
        self._open()
        while self._spill is not None and len(self._spill):
            try:
                found = _read(self._spill.first())
            except (OSError, ValueError) as error:
                self._say(error)
                self.dropped["disk"] += self._spill.first_number
                with suppress(OSError):
                    self._spill.remove_first()
                continue
            self._out = "disk"
            return found
        self._out = "memory" if self._memory else ""
        return self._memory[0] if self._memory else None

    def taken(self) -> None:
        """The batch that is out was taken, or is given up."""
        if self._out == "disk" and self._spill is not None:
            with suppress(OSError):
                self._spill.remove_first()
        elif self._out == "memory":
            self.bytes -= len(self._memory.popleft().body)
        self._out, self._away, self._full = "", False, False

    def back(self) -> None:
        """The batch that is out was not taken: it and all that comes waits on disk until one is."""
        self._out, self._away = "", True
        self._put_all()

    def keep(self) -> int:
        """The job ends: put everything on disk. How many records could not be."""
        self._out = ""
        self._open()
        self._put_all()
        return sum(each.batch.records for each in self._memory)

    def without(self, wanted: logpush_forgetting.Wanted, packs: bool) -> tuple[int, int]:
        """Take records out; how many, and how many batches are being sent just now and were left as they are. Raises
        OSError."""
        self._open()
        removed = 0
        kept: deque[Waits] = deque()
        for at, waits in enumerate(self._memory):
            if at == 0 and self._out == "memory":
                kept.append(waits)
                continue
            lines = gzip.decompress(waits.body) if packs else waits.body
            left, number = logpush_forgetting.remove_from(lines, self._settings, wanted)
            removed += number
            if not number:
                kept.append(waits)
            elif number < waits.batch.records:
                batch = waits.batch._replace(records=waits.batch.records - number)
                kept.append(Waits(batch, packed(left) if packs else left))
        self._memory = kept
        self.bytes = sum(len(each.body) for each in kept)
        if self._spill is not None:
            removed += self._spill.without(lambda path: logpush_forgetting.remove([path], self._settings, wanted))
        return removed, int(bool(self._out))

    def _open(self) -> None:
        if self._folder is None or self._spill is not None or not self._free():
            return
        try:
            self._spill = Spill(self._folder, self._settings.disk, SUFFIX)
        except OSError as error:
            self._say(error)

    def _put_all(self) -> None:
        out = 1 if self._out == "memory" else 0
        while len(self._memory) > out and self._put(self._memory[out]):
            self.bytes -= len(self._memory[out].body)
            del self._memory[out]

    def _put(self, waits: Waits) -> bool:
        if self._spill is None:
            return False
        batch = waits.batch
        label = f"{int(batch.first)}_{int(batch.last)}_{batch.number}_{batch.output}"
        try:
            dropped = self._spill.put(spill.Batch(waits.body, batch.records, label), self._out == "disk")
        except OSError as error:
            self._say(error)
            return False
        self._failing = False
        self.dropped["disk"] += dropped
        if dropped and not self._full:
            self._full = True
            _log.error(
                "a logpush job drops its oldest events: `disk` is full", extra=log.fields(job=self._settings.name)
            )
        return True

    def _say(self, error: OSError | ValueError) -> None:
        if not self._failing:
            self._failing = True
            said = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
            _log.error(
                "a logpush job cannot keep events on disk", extra=log.fields(job=self._settings.name, error=said)
            )


def _read(kept: spill.Batch) -> Waits:
    """Raises ValueError for a file that is none of ours."""
    first, last, number, output = kept.label.split("_")
    if not kept.body:
        raise ValueError("a file that is empty, as after a loss of power")
    batch = Batch(b"", kept.number, float(first), float(last), number, "csv" if output == "csv" else "ndjson")
    return Waits(batch, kept.body)


def forget(data: Path, settings: LogpushSettings, addresses: Collection[str]) -> int:
    """Take records of these addresses out of what waits on disk for a job that does not run. Raises OSError."""
    folder = data / FOLDER / settings.name
    if not folder.is_dir():
        return 0
    wanted = logpush_forgetting.of(settings, addresses)
    kept = Spill(folder, suffix=SUFFIX)
    return kept.without(lambda path: logpush_forgetting.remove([path], settings, wanted))
