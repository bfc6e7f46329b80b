"""The event store of many nodes: ClickHouse over HTTP, from a thread with a loop of its own.

While the server is away batches wait on disk, bounded, and are sent in their order when it is back. A batch of which
nobody knows whether it arrived is sent again: after a fault some events may be there twice, and none is lost silently.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar, final
from urllib.parse import unquote, urlsplit

import aiohttp
import orjson

from botproxy.model import IMPORTED
from botproxy.store import recorded_lines
from botproxy.store.clickhouse import tables
from botproxy.store.clickhouse.dialect import ClickhouseWriter, literal
from botproxy.store.events import sql
from botproxy.store.events.batch import columns
from botproxy.store.events.columns import COLUMNS, EVENT_COLUMNS, Kind
from botproxy.store.events.contract import EventStatus, NewerSchema, Retention, StoreUnavailable
from botproxy.store.events.query import MICROSECONDS, Answer, Events, Groups, check
from botproxy.store.events.sampling import Sampler
from botproxy.store.spill import MAX_BYTES, Batch, Kept, Spill

MAX_WAITING: Final = 50_000
GATHER_SECONDS: Final = 1.0
GATHER_EVENTS: Final = 10_000
SEND_SECONDS: Final = 30.0
FIRST_SECONDS: Final = 5.0
RETRY_SECONDS: Final = (0.5, 1.0, 2.0, 5.0, 10.0)
TIDY_SECONDS: Final = 300.0
MAX_ASKING: Final = 32

_BOOLEANS: Final = frozenset(column.name for column in COLUMNS if column.kind is Kind.BOOLEAN)
_INSERT: Final = "INSERT INTO events FORMAT JSONEachRow"
_T = TypeVar("_T")

_log = logging.getLogger(__name__)


class _AwayError(Exception):
    """The server did not answer, or not in order."""


class _RefusedError(Exception):
    """The server answered that this cannot be done."""


@final
class ClickhouseStore:
    """`EventStore` on a server at `clickhouse://user:password@host:port/database`, `clickhouses://` with TLS."""

    def __init__(
        self,
        url: str,
        spill: Path,
        retention: Retention,
        rate: int = 0,
        clock: Callable[[], float] = time.time,
        max_spill: int = MAX_BYTES,
        password: str = "",
    ) -> None:
        parts = urlsplit(url)
        secure = parts.scheme == "clickhouses"
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        self._address = f"{'https' if secure else 'http'}://{host}:{parts.port or (8443 if secure else 8123)}/"
        self._database = parts.path.strip("/") or "default"
        self._headers = {"X-ClickHouse-User": unquote(parts.username or "default")}
        if parts.password or password:
            self._headers["X-ClickHouse-Key"] = unquote(parts.password or "") or password
        self._spill_directory = spill
        self._max_spill = max_spill
        self._retention = retention
        self._sampler = Sampler(rate)
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: deque[Sequence[Sequence[Any]]] = deque()
        self._number = 0
        self._handed = 0
        self._settled = 0
        self._flushes: list[tuple[int, asyncio.Future[None]]] = []
        self._stored = 0
        self._dropped = 0
        self._size = 0
        self._oldest: int | None = None
        self._state = "opening"
        self._failing = ""
        self._sequence = 0
        self._asking = 0
        self._first: NewerSchema | None = None
        self._ready = False
        self._tidy_due = 0.0
        self.opened = threading.Event()
        self._spill: Spill | None = None
        self._spilling = asyncio.Lock()
        self._stopping = False
        self._loop = asyncio.new_event_loop()
        self._wake = asyncio.Event()
        self._session: aiohttp.ClientSession | None = None
        self._thread = threading.Thread(target=self._live, name="event-store", daemon=True)
        self._thread.start()

    def started(self) -> None:
        """Wait until the server answered, or for a few seconds. Raises NewerSchema. Blocks."""
        self.opened.wait(FIRST_SECONDS)
        if self._first is not None:
            raise self._first

    def put(self, rows: Sequence[Sequence[Any]]) -> None:
        """See `EventStore`."""
        if not rows:
            return
        with self._lock:
            self._waiting.append(rows)
            self._number += len(rows)
            self._handed += len(rows)
            while self._number > MAX_WAITING and len(self._waiting) > 1:
                oldest = self._waiting.popleft()
                self._number -= len(oldest)
                self._dropped += len(oldest)
                self._settled += len(oldest)

    async def ask(self, query: Groups | Events, seconds: float = 10.0) -> Answer:
        """See `EventStore`."""
        check(query)
        return await self._there(self._ask(query, seconds))

    async def flush(self) -> None:
        """See `EventStore`. What is in the spill was neither stored nor dropped: then this returns all the same."""
        await self._there(self._flush())

    async def forget(self, *addresses: str) -> int:
        """See `EventStore`. What waits on disk goes first, also while the server is away."""
        await self.flush()
        waiting = await self._there(self._forget_waiting(addresses))
        stored = [
            await self._there(self._forget(_listed(addresses[at : at + 1000]))) for at in range(0, len(addresses), 1000)
        ]
        return waiting + sum(stored)

    async def forget_imported(self, zone: str | None) -> int:
        """See `EventStore`."""
        await self.flush()
        part = "" if zone is None else f" AND zone = {literal(zone)}"
        return await self._there(self._forget(f"mode = {literal(IMPORTED)}{part}"))

    def configure(self, retention: Retention, rate: int) -> None:
        """See `EventStore`."""
        self._retention = retention
        self._sampler.rate = rate
        self._tidy_due = 0.0

    def status(self) -> EventStatus:
        """See `EventStore`."""
        spilled, size, since = self._spill.kept if self._spill is not None else Kept()
        detail = self._failing
        if spilled:
            detail = f"{detail}; {spilled} events wait on disk".removeprefix("; ")
        return EventStatus(
            "clickhouse",
            self._state,
            detail,
            self._stored,
            self._dropped,
            self._sampler.left_out,
            self._sampler.interval,
            self._number + spilled,
            self._size,
            self._oldest,
            spilled,
            size,
            since,
        )

    def close(self, seconds: float) -> bool:
        """See `EventStore`. What the server does not take is kept on disk for the next start."""
        self._stopping = True
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._wake.set)
        self._thread.join(seconds)
        return not self._thread.is_alive()

    async def _there(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run on the loop of the thread."""
        try:
            running = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:
            work.close()
            raise StoreUnavailable("the event store is closed") from None
        try:
            return await asyncio.wrap_future(running)
        except asyncio.CancelledError:
            if self._state == "closed":
                raise StoreUnavailable("the event store is closed") from None
            raise

    # On the thread

    def _live(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._run())
        finally:
            self._state = "closed"
            self.opened.set()
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            self._loop.run_until_complete(asyncio.sleep(0))
            self._loop.close()

    async def _run(self) -> None:
        self._spill = Spill(self._spill_directory, self._max_spill)
        timeout = aiohttp.ClientTimeout(total=SEND_SECONDS, connect=5.0)
        async with aiohttp.ClientSession(headers=self._headers, timeout=timeout) as session:
            self._session = session
            tries, retry = 0, 0.0
            while True:
                stopping = self._stopping
                if time.monotonic() >= retry or stopping:
                    try:
                        await self._open()
                        await self._drain()
                        tries = 0
                    except _AwayError as error:
                        self._fail(str(error))
                        retry = time.monotonic() + RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)]
                        tries += 1
                    except NewerSchema as error:
                        self._first = error
                        self._fail(str(error))
                    self.opened.set()
                await self._send(stopping)
                self._tell()
                if stopping:
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(GATHER_SECONDS):
                        await self._wake.wait()
                self._wake.clear()

    async def _open(self) -> None:
        if self._ready:
            if self._state == "away":
                await self._query("SELECT 1")
                self._well()
            if time.monotonic() >= self._tidy_due:
                self._tidy_due = time.monotonic() + TIDY_SECONDS
                with suppress(_RefusedError):
                    await self._tidy()
            return
        if self._first is not None:
            raise self._first
        try:
            await tables.bring_up(self._query)
        except _RefusedError as error:
            raise _AwayError(str(error)) from None
        self._ready = True
        self._well()

    def _well(self) -> None:
        self._state = "open"
        if self._failing:
            _log.info("events are stored again", extra={"fields": {"dropped": self._dropped}})
            self._failing = ""

    def _fail(self, why: str) -> None:
        self._state = "away"
        if self._failing != why:
            self._failing = why
            _log.error("events cannot be stored", extra={"fields": {"error": why, "server": self._address}})

    async def _drain(self) -> None:
        """Send what waits on disk."""
        assert self._spill is not None
        while len(self._spill):
            async with self._spilling:
                batch = await asyncio.to_thread(self._spill.first)
                try:
                    await self._post(_INSERT, batch.body)
                except _RefusedError as error:
                    self._lose(batch.number, str(error))
                else:
                    self._stored += batch.number
                self._spill.remove_first()

    async def _send(self, stopping: bool) -> None:
        while True:
            with self._lock:
                taken: list[Sequence[Any]] = []
                while self._waiting and len(taken) < GATHER_EVENTS:
                    rows = self._waiting.popleft()
                    self._number -= len(rows)
                    taken.extend(rows)
            if not taken:
                return
            batch = self._encoded(taken)
            try:
                if self._state != "open" or (self._spill is not None and len(self._spill)):
                    raise _AwayError(self._failing)
                await self._post(_INSERT, batch.body)
                self._stored += batch.number
            except _AwayError as error:
                if self._state == "open":
                    self._fail(str(error))
                await self._keep(batch)
            except _RefusedError as error:
                self._lose(batch.number, str(error))
            self._settled += len(taken)

    def _encoded(self, taken: list[Sequence[Any]]) -> Batch:
        read = [row for row in taken if len(row) == len(EVENT_COLUMNS)]
        if len(read) != len(taken):
            self._lose(len(taken) - len(read), "some events could not be read")
        rows, intervals = self._sampler.sample(read, time.monotonic())
        if not rows:
            return Batch(b"", 0)
        first = max(self._sequence + 1, int(self._clock() * MICROSECONDS))
        self._sequence = first + len(rows) - 1
        made = columns(rows, intervals)
        made["sequence"] = range(first, first + len(rows))
        for name in _BOOLEANS:
            made[name] = [int(value) for value in made[name]]
        names = tuple(made)
        lines = [orjson.dumps(dict(zip(names, row, strict=True))) for row in zip(*made.values(), strict=True)]
        return Batch(b"\n".join(lines) + b"\n", len(rows))

    async def _keep(self, batch: Batch) -> None:
        if not batch.number or self._spill is None:
            return
        try:
            async with self._spilling:
                self._dropped += await asyncio.to_thread(self._spill.put, batch)
        except OSError as error:
            self._lose(batch.number, f"no room on disk: {error.strerror}")

    def _lose(self, number: int, why: str) -> None:
        self._dropped += number
        _log.error("events were dropped", extra={"fields": {"events": number, "error": why}})

    def _tell(self) -> None:
        for mark, done in self._flushes[:]:
            if self._settled >= mark:
                self._flushes.remove((mark, done))
                if not done.done():
                    done.set_result(None)

    async def _flush(self) -> None:
        done: asyncio.Future[None] = self._loop.create_future()
        with self._lock:
            self._flushes.append((self._handed, done))
        self._wake.set()
        await done

    async def _post(self, query: str, body: bytes, **settings: str) -> bytes:
        assert self._session is not None
        if query == _INSERT and not body:
            return b""
        parameters = {"database": self._database, **settings}
        if query == _INSERT:
            parameters |= {"query": query, "input_format_skip_unknown_fields": "1"}
        else:
            body = query.encode()
        try:
            async with self._session.post(self._address, params=parameters, data=body) as response:
                text = await response.read()
                if response.status == 200:
                    return text
                said = text.decode("utf-8", "replace").strip()[:300] or f"status {response.status}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _AwayError(f"no answer from {self._address}: {error or type(error).__name__}") from None
        # What the server says of itself passes; what it says of the query does not.
        if response.status in (502, 503, 504) or any(word in said for word in _TRANSIENT):
            raise _AwayError(said)
        raise _RefusedError(said)

    async def _query(self, text: str, seconds: float = SEND_SECONDS) -> list[list[Any]]:
        reads = text.lstrip().startswith("SELECT")
        settings = {"max_execution_time": str(max(1, int(seconds)))} if reads else {}
        if reads:
            text += " FORMAT JSONCompact"
            settings |= {"output_format_json_quote_64bit_integers": "0", "output_format_json_quote_denormals": "0"}
        answer = await self._post(text, b"", **settings)
        rows: list[list[Any]] = orjson.loads(answer)["data"] if reads else []
        return rows

    async def _ask(self, query: Groups | Events, seconds: float) -> Answer:
        if self._asking >= MAX_ASKING:
            raise StoreUnavailable("too many queries in progress, please try again later")
        self._asking += 1
        try:
            if not self._ready:
                raise StoreUnavailable(f"the event store is {self._state}: {self._failing}")
            writer = ClickhouseWriter()
            text = sql.groups(query, writer) if isinstance(query, Groups) else sql.events(query, writer)
            async with asyncio.timeout(seconds):
                rows = await self._query(text, seconds)
            return sql.answer(query, [tuple(row) for row in rows])
        except TimeoutError:
            raise StoreUnavailable(f"the query took longer than {seconds:g} s: ask for less") from None
        except (_AwayError, _RefusedError) as error:
            raise StoreUnavailable(str(error)) from None
        finally:
            self._asking -= 1

    # Upkeep

    async def _tidy(self) -> None:
        """Drop days that are older than they may be, and the oldest of more than there may be."""
        keep = self._retention
        rows = await self._query(
            "SELECT partition, sum(bytes) FROM system.parts WHERE database = currentDatabase() AND table = 'events' "
            "AND active = 1 GROUP BY partition ORDER BY partition"
        )
        longest = max([keep.seconds, *[seconds for _, seconds in keep.zones]])
        oldest = time.strftime("%Y%m%d", time.gmtime(self._clock() - longest))
        size = sum(int(row[1]) for row in rows)
        for at, (partition, number) in enumerate(rows):
            too_old = str(partition) < oldest
            if too_old or (keep.size and size > keep.size and at < len(rows) - 1):
                await self._query(f"ALTER TABLE events DROP PARTITION {int(partition)}")
                size -= int(number)
        others = ", ".join([literal(zone) for zone, _ in keep.zones])
        conditions = [(f"zone = {literal(zone)}", seconds) for zone, seconds in keep.zones]
        if longest > keep.seconds:
            conditions.append((f"zone NOT IN ({others})", keep.seconds))
        for which, seconds in conditions:
            condition = f"{which} AND `start` < {int((self._clock() - seconds) * MICROSECONDS)}"
            if int((await self._query(f"SELECT count() FROM events WHERE {condition}"))[0][0]):
                await self._query(f"ALTER TABLE events DELETE WHERE {condition}")
        self._size = size
        first = await self._query("SELECT min(`start`), count() FROM events")
        self._oldest = int(first[0][0]) if int(first[0][1]) else None

    async def _forget_waiting(self, addresses: Sequence[str]) -> int:
        assert self._spill is not None
        async with self._spilling:
            wanted = recorded_lines.of(addresses, recorded_lines.STORED)
            return await asyncio.to_thread(
                self._spill.without, lambda path: recorded_lines.remove([path], wanted).lines
            )

    async def _forget(self, condition: str) -> int:
        try:
            number = int((await self._query(f"SELECT count() FROM events WHERE {condition}"))[0][0])
            if number:
                await self._query(f"ALTER TABLE events DELETE WHERE {condition}")
                await self._gone(condition)
        except (_AwayError, _RefusedError) as error:
            raise StoreUnavailable(str(error)) from None
        return number

    async def _gone(self, condition: str) -> None:
        """A server deletes in its own time: wait until it has."""
        for _ in range(600):
            if not int((await self._query(f"SELECT count() FROM events WHERE {condition}"))[0][0]):
                return
            await asyncio.sleep(0.1)
        raise _AwayError("the server has not deleted everything within a minute; it goes on by itself")


def _listed(addresses: Sequence[str]) -> str:
    return f"client_ip IN ({', '.join(map(literal, addresses))})"


_TRANSIENT: Final = (
    "TOO_MANY_PARTS",
    "Too many parts",
    "MEMORY_LIMIT",
    "Memory limit",
    "TOO_MANY_SIMULTANEOUS_QUERIES",
    "Too many simultaneous",
    "Cannot write to file",
    "No space left",
    "READONLY",
    "Code: 60,",  # the table is not there, yet
    "Code: 81,",  # nor the database
    "Code: 516,",  # nor is the password right: an operator mends that
    "Code: 193,",
    "Code: 192,",
)
