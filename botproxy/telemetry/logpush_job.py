"""One job at work: a thread of its own that picks, writes and sends, so that no destination holds up another.

Events wait in rows, then in batches, both bounded: beyond, the oldest are dropped and counted. A batch is sent until it
is taken, with growing pauses, and waits on disk meanwhile; one of which nobody knows whether it arrived is sent again,
under the same number.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import secrets as randomness
import threading
import time
from collections import deque
from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

from botproxy.aio import Backoff
from botproxy.aio.background import give_way
from botproxy.model import Event
from botproxy.outgoing import DIRECT, Outgoing
from botproxy.store.spill import Kept
from botproxy.telemetry import log, logpush_forgetting
from botproxy.telemetry.destinations import Batch, Destination, NotTaken, Secrets, open_destination, packed
from botproxy.telemetry.logpush_records import Records
from botproxy.telemetry.logpush_settings import LogpushSettings
from botproxy.telemetry.logpush_waiting import Waiting

if TYPE_CHECKING:
    from botproxy.rules import Lists

MAX_ROWS: Final = 20_000
"""Events that wait to be looked at, about 4 KB each, which all jobs and the store share."""

AT_ONCE: Final = 32
"""Rows between which whoever else wants the core gets it."""

NICENESS: Final = 15
_START, _CLIENT = Event._fields.index("start"), Event._fields.index("client_ip")

_log = logging.getLogger(__name__)


class Forgotten(NamedTuple):
    """What a job did about an address."""

    records: int  # taken out
    out: int  # batches that were being sent, and are as they were


@final
class Job:
    """Runs from its making to `stop`."""

    def __init__(
        self,
        settings: LogpushSettings,
        secrets: Secrets,
        folder: Path | None = None,
        before: Job | None = None,
        lists: Lists | None = None,
        outgoing: Outgoing = DIRECT,
    ) -> None:
        """`folder` is where batches wait on disk, once `before`, the job that this one follows, has ended; `lists` are
        those that the filter names. Raises `rules.RuleError` for a filter that does not compile, OperatorError for what
        cannot be opened."""
        self.settings = settings
        self.sent = 0
        self.failures = 0  # attempts to send that did not succeed
        self.kept = 0  # bytes that wait on disk for the next start
        self._dropped = {"rows": 0, "refused": 0, "unreadable": 0, "ended": 0}
        self._secrets = secrets
        self._outgoing = outgoing
        self._records = Records(settings, lists)
        self._lock = threading.Lock()
        self._rows: deque[Sequence[Sequence[Any]]] = deque()
        self._number = 0
        self._lines: list[bytes] = []
        self._records_open = 0
        self._bytes_open = 0
        self._first = self._last = 0.0
        self._opened = 0.0
        self._waiting = Waiting(settings, folder, lambda: before is None or not before.alive)
        self._destination: Destination | None = None
        self._deadline = 0.0
        self._stopping = False
        self._failing = ""
        self._loop = asyncio.new_event_loop()
        self._wake = asyncio.Event()
        self._filled = asyncio.Event()
        self._ending = asyncio.Event()
        self._thread = threading.Thread(target=self._live, name=f"logpush-{settings.name}"[:15], daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Bytes of batches that wait in memory to be taken."""
        return self._waiting.bytes

    @property
    def spilled(self) -> Kept:
        """What waits on disk."""
        return self._waiting.spilled

    @property
    def dropped(self) -> dict[str, int]:
        """Records that were dropped, by why."""
        return self._dropped | self._waiting.dropped

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    def put(self, rows: Sequence[Sequence[Any]]) -> None:
        """Hand over rows of events. From any thread; never waits."""
        if not rows:
            return
        with self._lock:
            self._rows.append(rows)
            self._number += len(rows)
            while self._number > MAX_ROWS and len(self._rows) > 1:
                oldest = self._rows.popleft()
                self._number -= len(oldest)
                self._dropped["rows"] += len(oldest)
        self._rouse()

    def stop(self, seconds: float) -> bool:
        """Send what waits, for at most so long, and end; whether everything was sent. Blocks."""
        self.end(seconds)
        return self.ended(seconds)

    def end(self, seconds: float) -> None:
        """Begin to stop, and do not wait for it."""
        self._deadline = time.monotonic() + seconds
        self._stopping = True
        self._rouse()

    def ended(self, seconds: float) -> bool:
        """Wait for the end, for at most so long; whether everything was sent."""
        self._thread.join(seconds + 1.0)
        return not self._thread.is_alive() and not self._dropped["ended"] and not self.kept

    async def forget(self, addresses: Collection[str], seconds: float) -> Forgotten:
        """Take records of these addresses out of everything that is still here. Raises OSError."""
        try:
            running = asyncio.run_coroutine_threadsafe(self._forget(frozenset(addresses)), self._loop)
            return await asyncio.wait_for(asyncio.wrap_future(running), seconds)
        except (TimeoutError, RuntimeError):
            raise OSError(errno.ETIMEDOUT, f"the log export {self.settings.name} did not answer") from None

    def _rouse(self) -> None:
        with suppress(RuntimeError):  # it has ended
            self._loop.call_soon_threadsafe(self._wake.set)

    # On the thread

    def _live(self) -> None:
        give_way(NICENESS)
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._run())
        except Exception:
            _log.exception("a logpush job failed in an unforeseen way", extra=log.fields(job=self.settings.name))
        finally:
            self._loop.close()

    async def _run(self) -> None:
        async with AsyncExitStack() as stack:
            destination = await open_destination(
                self.settings, self._secrets, self._records.head, stack, self._outgoing
            )
            self._destination = destination
            sending = asyncio.create_task(self._send_all(destination))
            while not self._stopping:
                wait = self._opened + self.settings.batch_age - time.monotonic() if self._lines else None
                if wait is None or wait > 0:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(wait):
                            await self._wake.wait()
                self._wake.clear()
                await self._gather(destination)
                old = time.monotonic() >= self._opened + self.settings.batch_age
                if self._lines and (old or not destination.gathers):
                    self._close_batch(destination)
            await self._gather(destination)
            self._close_batch(destination)
            self._filled.set()
            self._ending.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.05, self._deadline - time.monotonic())):
                    await sending
            sending.cancel()
            left = self._waiting.keep()
            if left:
                self._dropped["ended"] += left
                _log.error("a logpush job ended with events unsent", extra=self._about(events=left))
            if self._waiting.spilled.events:
                self.kept = self._waiting.spilled.bytes
                _log.warning("events of a logpush job wait on disk", extra=self._about(bytes=self.kept))

    async def _gather(self, destination: Destination) -> None:
        """Turn rows into lines, and lines into batches."""
        while True:
            with self._lock:
                if not self._rows:
                    return
                rows = self._rows.popleft()
                self._number -= len(rows)
            for start in range(0, len(rows), AT_ONCE):
                for row in rows[start : start + AT_ONCE]:
                    self._add(row, destination)
                os.sched_yield()
                await asyncio.sleep(0)

    def _add(self, row: Sequence[Any], destination: Destination) -> None:
        try:
            lines = self._records.lines(row) if self._records.wants(row) else ()
        except Exception as error:
            self._dropped["unreadable"] += 1
            if self._dropped["unreadable"] == 1:
                _log.error("a logpush job cannot read an event", extra=self._about(error=type(error).__name__))
            return
        if not lines:
            return
        began = row[_START]
        if not self._lines:
            self._opened, self._first, self._last = time.monotonic(), began, began
        self._first, self._last = min(self._first, began), max(self._last, began)
        self._lines.extend(lines)
        self._records_open += len(lines)
        self._bytes_open += sum(map(len, lines))
        if self._records_open >= self.settings.batch_records or self._bytes_open >= self.settings.batch_size:
            self._close_batch(destination)

    def _close_batch(self, destination: Destination) -> None:
        if not self._lines:
            return
        lines = b"".join(self._lines)
        output = self.settings.output
        batch = Batch(b"", self._records_open, self._first, self._last, randomness.token_hex(4), output)
        body = packed(self._records.head + lines) if destination.packs else lines
        self._lines, self._records_open, self._bytes_open = [], 0, 0
        self._waiting.add(batch, body)
        self._filled.set()

    async def _send_all(self, destination: Destination) -> None:
        backoff, began = Backoff(), time.monotonic()
        while True:
            found = self._waiting.first()
            if found is None:
                if self._stopping:
                    return
                self._filled.clear()
                await self._filled.wait()
                continue
            batch, body = found
            try:
                await destination.send(batch, body)
            except NotTaken as error:
                self.failures += 1
                self._complain(str(error))
                if not error.final:
                    self._waiting.back()
                    if self._stopping and self._waiting.keeps:
                        return  # it waits for the next start
                    wait = max(0.1, backoff.died(time.monotonic() - began))
                    began = time.monotonic() + wait
                    if self._stopping:
                        await asyncio.sleep(min(wait, 1.0))
                        continue
                    with suppress(TimeoutError):
                        async with asyncio.timeout(wait):
                            await self._ending.wait()
                    continue
                self._dropped["refused"] += batch.records
            else:
                self.sent += batch.records
                self._recovered()
                backoff, began = Backoff(), time.monotonic()
            self._waiting.taken()

    async def _forget(self, addresses: frozenset[str]) -> Forgotten:
        with self._lock:
            kept = [[row for row in rows if row[_CLIENT] not in addresses] for rows in self._rows]
            self._rows = deque(rows for rows in kept if rows)
            self._number = sum(map(len, self._rows))
        wanted = logpush_forgetting.of(self.settings, addresses)
        lines = [line for line in self._lines if not wanted(line)]
        removed = len(self._lines) - len(lines)
        self._lines, self._records_open = lines, len(lines)
        self._bytes_open = sum(map(len, lines))
        assert self._destination is not None
        gone, out = self._waiting.without(wanted, self._destination.packs)

        def from_files() -> int:
            files = logpush_forgetting.rotated_files(self.settings)
            return logpush_forgetting.remove(files, self.settings, wanted)

        return Forgotten(removed + gone + await self._destination.aside(from_files), out)

    def _complain(self, why: str) -> None:
        if self._failing != why:
            self._failing = why
            _log.error("a logpush job cannot send", extra=self._about(error=why))

    def _recovered(self) -> None:
        if self._failing:
            self._failing = ""
            _log.info("a logpush job sends again", extra=self._about(dropped=sum(self.dropped.values())))

    def _about(self, **more: object) -> dict[str, dict[str, object]]:
        return log.fields(job=self.settings.name, **more)
