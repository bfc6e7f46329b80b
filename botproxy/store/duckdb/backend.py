"""The event store in one file: a thread that stores, a few that answer, and nobody waits for the other.

DuckDB lets go of the interpreter while it works, and its threads have the lowest claim to the processor: a question
over millions of events takes what requests leave.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, final

import duckdb

from botproxy.aio.background import give_way
from botproxy.store.duckdb import file, offline, rollups, tables
from botproxy.store.duckdb.dialect import DuckdbWriter
from botproxy.store.duckdb.inserting import Batch
from botproxy.store.events import sql
from botproxy.store.events.columns import EVENT_COLUMNS
from botproxy.store.events.contract import EventStatus, NewerSchema, Retention, StoreUnavailable
from botproxy.store.events.packed import Packed, pack
from botproxy.store.events.query import MICROSECONDS, Answer, Events, Groups, check
from botproxy.store.events.sampling import Sampler

MAX_WAITING: Final = 40_000
MAX_WAITING_BYTES: Final = 48 * 1024**2
"""Of events that wait to be stored, sampled already; beyond, the oldest are dropped and counted."""

GATHER_SECONDS: Final = 1.5
GATHER_EVENTS: Final = 10_000
GATHER_BYTES: Final = 16 * 1024**2
"""What is in one transaction: each costs some ten milliseconds, however few events are in it."""

PACKED_AT_ONCE: Final = 256
"""Rows: more of them together are cold again when their last column is packed."""

COUNT_SECONDS: Final = 30.0
COUNT_EVENTS: Final = 200_000
HOURS_SECONDS: Final = 3600.0
TIDY_SECONDS: Final = 300.0
RETRY_SECONDS: Final = 10.0
NICENESS: Final = 15
ANSWERS: Final = 2
"""Questions that are answered at once."""
FETCHED: Final = 64
"""Rows that are made of an answer in one go."""

MAX_ASKING: Final = 32
"""Questions that wait; more are refused."""


_USED: Final = "SELECT used_blocks * block_size FROM pragma_database_size() WHERE database_name = ?"

_log = logging.getLogger(__name__)


@final
class DuckdbStore:
    """`EventStore` in one file. `opened` says how the first opening went; later ones are tried again and again."""

    def __init__(
        self,
        path: Path,
        retention: Retention,
        rate: int = 0,
        memory: int = 256 * 1024**2,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = path
        self._memory = memory
        self._clock = clock
        self._retention = retention
        self._sampler = Sampler(rate)
        self._changed = threading.Condition()
        self._waiting: deque[Packed] = deque()
        self._number = 0
        self._bytes = 0
        self._state = "opening"
        self._detail = ""
        self._stored = 0
        self._dropped = 0
        self._size = 0
        self._oldest: int | None = None
        self._stopping = False
        self._asking = 0
        self._marks: list[tuple[threading.Event, int]] = []
        self._handed = 0  # rows handed over, and rows that were stored, left out or dropped
        self._settled = 0
        self._jobs: deque[Callable[[], None]] = deque()
        self._connection: Any = None
        self._sequence = 0
        self._uncounted = 0
        self._failing = ""
        self._lost_in_a_row = 0
        self._due = {"count": 0.0, "hours": 0.0, "tidy": 0.0}
        self._first: NewerSchema | None = None
        self.opened = threading.Event()
        self._executor = ThreadPoolExecutor(ANSWERS, "event-answers", _lower)
        self._thread = threading.Thread(target=self._run, name="event-store", daemon=True)
        self._thread.start()

    def started(self) -> None:
        """Wait until the file was opened once, or could not be. Raises NewerSchema. Blocks."""
        self.opened.wait()
        if self._first is not None:
            raise self._first

    # What others ask of it

    def put(self, rows: Sequence[Sequence[Any]]) -> None:
        """See `EventStore`."""
        read = [row for row in rows if len(row) == len(EVENT_COLUMNS)]
        if len(read) != len(rows):
            self._unread(len(rows) - len(read), "of another version")
        with self._changed:
            kept, intervals = self._sampler.sample(read, time.monotonic())
        for start in range(0, len(kept), PACKED_AT_ONCE):
            end = start + PACKED_AT_ONCE
            for part in self._packed(kept[start:end], intervals[start:end]):
                self._queue(part)

    def _packed(self, rows: Sequence[Sequence[Any]], intervals: Sequence[int]) -> list[Packed]:
        try:
            return [pack(rows, intervals)]
        except (ValueError, TypeError, OverflowError) as error:
            if len(rows) == 1:
                self._unread(1, str(error))
                return []
            # One of them holds what no column takes; the others must not go with it.
            half = len(rows) // 2
            return self._packed(rows[:half], intervals[:half]) + self._packed(rows[half:], intervals[half:])

    def _unread(self, number: int, why: str) -> None:
        with self._changed:
            self._dropped += number
        _log.error("some events could not be read", extra={"fields": {"events": number, "error": why}})

    def _queue(self, part: Packed) -> None:
        with self._changed:
            self._waiting.append(part)
            self._number += part.number
            self._bytes += part.size
            self._handed += part.number
            while (self._number > MAX_WAITING or self._bytes > MAX_WAITING_BYTES) and len(self._waiting) > 1:
                self._lose(self._next().number)
            if self._number >= GATHER_EVENTS or self._bytes >= GATHER_BYTES:
                self._changed.notify()

    def _next(self) -> Packed:
        part = self._waiting.popleft()
        self._number -= part.number
        self._bytes -= part.size
        return part

    def configure(self, retention: Retention, rate: int) -> None:
        """See `EventStore`."""
        with self._changed:
            self._retention = retention
            self._sampler.rate = rate
            self._due["tidy"] = 0.0

    def status(self) -> EventStatus:
        """See `EventStore`."""
        sampler = self._sampler
        return EventStatus(
            "duckdb",
            self._state,
            self._failing or self._detail,
            self._stored,
            self._dropped,
            sampler.left_out,
            sampler.interval,
            self._number,
            self._size,
            self._oldest,
        )

    async def ask(self, query: Groups | Events, seconds: float = 10.0) -> Answer:
        """See `EventStore`."""
        check(query)
        return await self._answer(lambda cursor: _answered(cursor, query), seconds)

    async def forget(self, *addresses: str) -> int:
        """See `EventStore`."""
        return await self._deleted(lambda: self._forget(addresses))

    async def forget_imported(self, zone: str | None) -> int:
        """See `EventStore`."""
        return await self._deleted(lambda: self._forget_imported(zone))

    async def _deleted(self, delete: Callable[[], int]) -> int:
        """Have the thread that stores delete something, and wait for it."""
        await self.flush()
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        loop = asyncio.get_running_loop()

        def job() -> None:
            try:
                number = delete()
            except Exception as error:
                loop.call_soon_threadsafe(_fail, done, StoreUnavailable(str(error)))
            else:
                loop.call_soon_threadsafe(_succeed, done, number)

        with self._changed:
            self._jobs.append(job)
            self._changed.notify()
        return await done

    async def flush(self) -> None:
        """See `EventStore`."""
        reached = threading.Event()
        with self._changed:
            self._marks.append((reached, self._handed))
            self._changed.notify()
        await asyncio.to_thread(reached.wait)

    def close(self, seconds: float) -> bool:
        """See `EventStore`."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(seconds)
        self._executor.shutdown(wait=False, cancel_futures=True)
        return not self._thread.is_alive()

    # Answers

    async def _answer(self, work: Callable[[Any], Answer], seconds: float) -> Answer:
        if self._asking >= MAX_ASKING:
            raise StoreUnavailable("too many queries in progress, please try again later")
        self._asking += 1
        began = time.monotonic()

        def run() -> Answer:
            self.opened.wait(seconds)
            connection = self._connection
            if connection is None:
                raise StoreUnavailable(f"the event store is {self._state}: {self._failing or self._detail}")
            left = seconds - (time.monotonic() - began)
            if left <= 0:
                raise StoreUnavailable("too many queries in progress, please try again later")
            cursor = connection.cursor()
            timer = threading.Timer(left, cursor.interrupt)
            timer.daemon = True
            timer.start()
            try:
                file.use(cursor)
                cursor.execute("BEGIN")
                answer = work(cursor)
                cursor.execute("COMMIT")
            except duckdb.InterruptException:
                raise StoreUnavailable(f"the query took longer than {seconds:g} s: ask for less") from None
            except duckdb.OutOfMemoryException:
                raise StoreUnavailable("the query needs more memory than events.memory allows: ask for less") from None
            except duckdb.Error as error:
                raise StoreUnavailable(str(error).splitlines()[0]) from None
            else:
                return answer
            finally:
                timer.cancel()
                with suppress(duckdb.Error):
                    cursor.close()

        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, run)
        except RuntimeError as error:  # the executor is shut down
            raise StoreUnavailable("the event store is closed") from error
        finally:
            self._asking -= 1

    # The thread that stores

    def _run(self) -> None:
        _lower()
        self._open()
        self.opened.set()
        retry = time.monotonic() + RETRY_SECONDS
        while True:
            taken, jobs, stopping = self._wait()
            if self._connection is None and self._first is None and (time.monotonic() >= retry or stopping):
                self._open()
                retry = time.monotonic() + RETRY_SECONDS
            try:
                if taken:
                    self._store(taken)
                for job in jobs:
                    job()
                if self._connection is not None:
                    self._upkeep()
            except Exception:
                _log.exception("the event store failed in an unforeseen way")
            self._tell()
            if stopping and not self._waiting:
                break
        self._state = "closed"
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(duckdb.Error):
                connection.close()
        self._tell(everyone=True)

    def _wait(self) -> tuple[list[Packed], list[Callable[[], None]], bool]:
        with self._changed:
            ready = self._number >= GATHER_EVENTS or self._bytes >= GATHER_BYTES
            if not (self._stopping or self._marks or self._jobs or ready):
                self._changed.wait(GATHER_SECONDS)
            taken: list[Packed] = []
            number = size = 0
            while self._waiting and number < GATHER_EVENTS and size < GATHER_BYTES:
                taken.append(self._next())
                number += taken[-1].number
                size += taken[-1].size
            jobs = list(self._jobs)
            self._jobs.clear()
            return taken, jobs, self._stopping

    def _tell(self, everyone: bool = False) -> None:
        with self._changed:
            reached = [each for each in self._marks if everyone or each[1] <= self._settled]
            self._marks = [each for each in self._marks if each not in reached]
        for event, _ in reached:
            event.set()

    def _lose(self, number: int) -> None:
        self._dropped += number
        self._settled += number

    def _open(self) -> None:
        try:
            connection, said = file.open_file(self.path, self._memory, max(1, min(2, os.cpu_count() or 1)))
        except NewerSchema as error:
            self._first = error
            self._fail(str(error))
            return
        except StoreUnavailable as error:
            self._fail(str(error))
            return
        except Exception as error:
            self._fail(str(error) or repr(error))
            return
        self._detail = said or self._detail
        row = connection.execute('SELECT max(sequence), min("start") FROM events').fetchone()
        marks = rollups.read_marks(connection.execute)
        self._sequence = max(row[0] or 0, marks.sequence)
        self._oldest = row[1]
        self._uncounted = self._sequence - marks.sequence
        self._connection = connection
        self._state = "open"
        self._measure()
        if self._failing:
            _log.info("events are stored again", extra={"fields": {"dropped": self._dropped}})
            self._failing = ""

    def _fail(self, why: str) -> None:
        self._state = "away"
        if self._failing != why:
            self._failing = why
            _log.error("events cannot be stored", extra={"fields": {"error": why, "file": str(self.path)}})

    def _store(self, taken: list[Packed]) -> None:
        number = sum(part.number for part in taken)
        if self._connection is None:
            self._lose(number)
            return
        try:
            self._insert(taken)
        except duckdb.Error as error:
            self._lose(number)
            self._broken(error)
        except Exception:
            self._lose(number)
            raise
        else:
            self._sequence += number
            self._uncounted += number
            self._stored += number
            self._settled += number
            self._lost_in_a_row = 0
            if self._failing:
                _log.info("events are stored again", extra={"fields": {"dropped": self._dropped}})
                self._failing = ""

    def _insert(self, taken: list[Packed]) -> None:
        execute = self._connection.execute
        batch = Batch.of(taken, self._sequence + 1)
        execute("BEGIN")
        try:
            self._connection.register("batch", batch.varied)
            execute(batch.insert, batch.constants)
            self._connection.unregister("batch")
            execute("COMMIT")
        except BaseException:
            with suppress(duckdb.Error):
                execute("ROLLBACK")
            raise
        finally:
            batch.varied.close()

    def _broken(self, error: duckdb.Error) -> None:
        """A write failed. The next one is tried on a file that is opened anew; when that fails too, on a new file."""
        text = str(error).strip().splitlines()[0][:300]
        self._fail(text)
        self._lost_in_a_row += 1
        invalid = isinstance(error, duckdb.FatalException | duckdb.InternalException) or "invalidated" in str(error)
        if not invalid:
            self._state = "open"
            return
        connection, self._connection = self._connection, None
        with suppress(duckdb.Error):
            connection.close()
        full = any(word in str(error).lower() for word in ("no space", "too large", "disk"))
        if self._lost_in_a_row >= 3 and not full:
            with suppress(StoreUnavailable):
                self._detail = file.move_aside(self.path, text)
        self._open()

    # Upkeep

    def _upkeep(self) -> None:
        now = time.monotonic()
        execute = self._connection.execute
        try:
            if self._uncounted and (now >= self._due["count"] or self._uncounted >= COUNT_EVENTS):
                rollups.count_events(execute, self._sequence)
                self._uncounted = 0
                self._due["count"] = now + COUNT_SECONDS
                self._measure()
            if now >= self._due["hours"]:
                rollups.count_hours(execute)
                self._due["hours"] = now + HOURS_SECONDS - self._clock() % HOURS_SECONDS + 5.0
            if now >= self._due["tidy"]:
                self._tidy()
                self._due["tidy"] = now + TIDY_SECONDS
        except duckdb.Error as error:
            with suppress(duckdb.Error):
                execute("ROLLBACK")
            self._broken(error)
            self._due["count"] = self._due["tidy"] = now + RETRY_SECONDS

    def _tidy(self) -> None:
        """Delete what is older than it may be, and the oldest of what is more than it may be."""
        execute = self._connection.execute
        rollups.count_events(execute, self._sequence)
        self._uncounted = 0
        keep = self._retention
        now = int(self._clock() * MICROSECONDS)
        horizon = now - int(keep.seconds * MICROSECONDS)
        if keep.size and self._measure() > keep.size:
            execute("CHECKPOINT")  # what is in the log takes less room in the file
        execute("BEGIN")
        own = [zone for zone, _ in keep.zones]
        places = ", ".join("?" for _ in own) or "''"
        deleted = execute(
            f'DELETE FROM events WHERE "start" < ? AND zone NOT IN ({places})', [horizon, *own]
        ).fetchone()[0]
        for zone, seconds in keep.zones:
            before = now - int(seconds * MICROSECONDS)
            deleted += execute('DELETE FROM events WHERE "start" < ? AND zone = ?', [before, zone]).fetchone()[0]
            horizon = max(horizon, before)
        size = self._measure()
        if keep.size and size > keep.size:
            first, last = execute("SELECT min(sequence), max(sequence) FROM events").fetchone()
            if first is not None:
                share = min(0.5, (size - keep.size) / size + 0.05)
                cut = first + int((last - first + 1) * share)
                newest = execute('SELECT max("start") FROM events WHERE sequence < ?', [cut]).fetchone()[0] or horizon
                deleted += execute("DELETE FROM events WHERE sequence < ?", [cut]).fetchone()[0]
                horizon = max(horizon, newest + 1)
        rolled = self._clock() - keep.rollup_seconds
        minutes = self._clock() - min(keep.rollup_seconds, max(keep.seconds, 8 * 86400.0))
        execute("DELETE FROM minutes WHERE time < ?", [int(minutes)])
        execute("DELETE FROM hours WHERE time < ?", [int(rolled)])
        for name in tables.TOP_FIELDS:
            execute(f"DELETE FROM tops_{name} WHERE time < ?", [int(rolled)])
        marks = rollups.read_marks(execute)
        if deleted:
            rollups.write_mark(execute, "events_from", max(marks.events_from, horizon))
        rollups.write_mark(execute, "minutes_from", max(marks.minutes_from, int(minutes)))
        execute("COMMIT")
        if deleted:
            execute("CHECKPOINT")
            self._measure()
        self._oldest = execute('SELECT min("start") FROM events').fetchone()[0]

    def _measure(self) -> int:
        """Bytes in use: blocks that were freed are used again before the file grows."""
        row = self._connection.execute(_USED, [file.DATABASE]).fetchone()
        size = int(row[0])
        with suppress(OSError):
            size += self.path.with_name(self.path.name + ".wal").stat().st_size
        self._size = size
        return size

    def _forget(self, addresses: Sequence[str]) -> int:
        if self._connection is None:
            raise StoreUnavailable(f"the event store is {self._state}")
        return offline.delete(self._connection, addresses)

    def _forget_imported(self, zone: str | None) -> int:
        if self._connection is None:
            raise StoreUnavailable(f"the event store is {self._state}")
        execute = self._connection.execute
        # So that what is counted by hour is all of what is counted, and can be counted again without them.
        rollups.count_events(execute, self._sequence)
        rollups.count_hours(execute)
        self._uncounted = 0
        execute("BEGIN")
        try:
            number = rollups.forget_imported(execute, zone)
            execute("COMMIT")
        except duckdb.Error:
            with suppress(duckdb.Error):
                execute("ROLLBACK")
            raise
        execute("CHECKPOINT")
        return number


def _answered(cursor: Any, query: Groups | Events) -> Answer:
    if isinstance(query, Groups):
        planned = rollups.plan(query, rollups.read_marks(cursor.execute))
        if planned is not None:
            rows = _fetched(cursor.execute(planned.text, planned.values))
            return sql.answer(query, rows, planned.source, planned.approximate)
    writer = DuckdbWriter()
    text = sql.groups(query, writer) if isinstance(query, Groups) else sql.events(query, writer)
    return sql.answer(query, _fetched(cursor.execute(text, writer.values)))


def _fetched(cursor: Any) -> list[Any]:
    """All rows, a few at a time: a fetch holds the interpreter, and this thread is the last to get a processor."""
    rows: list[Any] = []
    while some := cursor.fetchmany(FETCHED):
        rows.extend(some)
    return rows


def _lower() -> None:
    # DuckDB's own threads are begun by this one and are as low as it is.
    give_way(NICENESS)


def _fail(done: asyncio.Future[int], error: Exception) -> None:
    if not done.done():
        done.set_exception(error)


def _succeed(done: asyncio.Future[int], number: int) -> None:
    if not done.done():
        done.set_result(number)
