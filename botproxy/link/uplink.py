"""The worker's end of its link: telemetry goes up, questions go up, answers come down; nothing here ever waits.

The rule of this file: a supervisor that is slow or stuck costs telemetry, counted, and never a request.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import count
from typing import Any, Protocol, final

import orjson

from botproxy.link.bots import BotQuestions
from botproxy.link.frames import Decoder, FrameError, Kind, encode
from botproxy.link.modes import Modes
from botproxy.link.noticeboard import NoticeBoard
from botproxy.link.profiles import ProfileExchange
from botproxy.link.rates import RateExchange
from botproxy.model import Event
from botproxy.store import StoreAway, StoreFull
from botproxy.store.keyvalue import check
from botproxy.telemetry import Counters
from botproxy.traffic import Profiles, RateCounts

SEND_BUFFER = 4 * 1024**2
"""Bytes asked of the kernel; it cuts this to net.core.wmem_max."""

BATCH = 256
BATCH_SIZE = 256 * 1024
"""Rows and bytes after which a frame is made. Rows can be large, because visitors choose what stands in them: a frame
too large for the queue would take everybody else's rows with it."""

TICK = 0.2
COUNTERS_TICKS = 5
MAX_QUEUE = 8 * 1024**2
"""Bytes of telemetry that wait in the worker when the kernel's buffer is full."""

MAX_ASKS = 1024
MAX_REPORTS = 64
"""Reports of visitors that wait; each has at most a few kilobytes."""

ASK_SECONDS = 2.0


class Listener(Protocol):
    """What the worker does with what comes down."""

    def on_drain(self, ending: bool) -> None:
        """The supervisor wants this worker to end; `ending` when nothing takes its place."""
        ...

    def on_lost(self) -> None:
        """The supervisor is gone."""
        ...


@final
class Uplink:
    """Events, counters and questions to the supervisor; also a `store.KeyValue` that asks it."""

    def __init__(
        self,
        link: socket.socket,
        modes: Modes,
        loop: asyncio.AbstractEventLoop,
        ask_seconds: float = ASK_SECONDS,
        max_queue: int = MAX_QUEUE,
    ) -> None:
        link.setblocking(False)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self.counters = Counters()
        self.first_modes: asyncio.Future[None] = loop.create_future()
        """Done once the supervisor said which modes hold; no request is to be served before."""
        self._link = link
        self._modes = modes
        self._loop = loop
        self._ask_seconds = ask_seconds
        self._max_queue = max_queue
        self._listener: Listener | None = None
        self._lost = False
        self._rows: list[bytes] = []
        self._rows_size = 0
        self._events: deque[tuple[int, bytes]] = deque()  # rows in the frame, the frame
        self._queued = 0
        self._urgent: deque[bytes] = deque()  # state and questions, bounded by MAX_ASKS
        self._snapshot: bytes | None = None  # only the newest counters are worth sending
        self._partial: memoryview | None = None
        self._waiting = False
        self._emptied: asyncio.Future[None] | None = None
        self._asks: dict[int, asyncio.Future[bool | str]] = {}
        self._numbers = count(1)
        self._decoder = Decoder()
        self._reports: deque[bytes] = deque()
        self._ticks = 0
        self._timer: asyncio.TimerHandle | None = None
        self.sample: Callable[[], None] | None = None
        """Called before counters are sent, to set gauges."""
        self.notices = NoticeBoard()
        """What has to be known of everybody, such as what was revoked."""
        self.bots = BotQuestions(self._send, loop)
        """Questions about bots, and the lists that come down."""
        self.exchange: RateExchange | None = None
        """Counters of rate limits that this worker shares with the others, once there are any: see `share`."""
        self.profiles: ProfileExchange | None = None
        """What callers did lately, once anybody wants to know: see `share_profiles`."""
        self.anomalies: Callable[[bytes], None] | None = None
        """Takes who was found to stand out, where anybody wants to know; raises FrameError when that cannot be."""

    def start(self, listener: Listener) -> None:
        """Begin to read and to tick."""
        self._listener = listener
        self._loop.add_reader(self._link.fileno(), self._readable)
        self._timer = self._loop.call_later(TICK, self._tick)

    def record(self, event: Event) -> None:
        """Send an event up, soon. Never blocks and never raises."""
        try:
            row = orjson.dumps(tuple(event))
        except TypeError:
            self.counters.add(("events_dropped", "unencodable"))
            return
        rows = self._rows
        rows.append(row)
        self._rows_size += len(row)
        if len(rows) >= BATCH or self._rows_size >= BATCH_SIZE:
            self._seal()
            self._send()

    def share(self, counts: RateCounts) -> None:
        """Keep these counters and those of all other workers together from now on."""
        self.exchange = RateExchange(counts, self.counters, self._send, self._loop)

    def share_profiles(self, profiles: Profiles) -> None:
        """Keep these profiles and those of all other workers together from now on."""
        self.profiles = ProfileExchange(profiles, self.counters, self._send, self._loop)

    def report(self, record: Mapping[str, Any]) -> bool:
        """Send what a visitor reported up, soon. Whether there was room for it."""
        if self._lost or len(self._reports) >= MAX_REPORTS:
            return False
        self._reports.append(encode(Kind.REPORT, orjson.dumps(record)))
        self._send()
        return True

    def passed_over(self, record: Mapping[str, Any]) -> bool:
        """Tell of a page that got no script, soon. Whether there was room for it; it waits with the reports, which keep
        half of the room to themselves."""
        if self._lost or len(self._reports) >= MAX_REPORTS // 2:
            return False
        self._reports.append(encode(Kind.PASSED_OVER, orjson.dumps(record)))
        return True

    def state(self, word: str) -> None:
        """Say how far this worker's life is."""
        self._urgent.append(encode(Kind.STATE, word.encode()))
        self._send()

    async def burn(self, key: bytes, ttl: float) -> bool:
        """See `store.KeyValue.burn`. StoreAway when the supervisor does not answer in time."""
        check(key, ttl)
        return await self._ask([key.hex(), ttl])

    async def own(self, key: bytes, owner: bytes, ttl: float) -> bool:
        """See `store.OwnedKeys.own`. StoreAway when the supervisor does not answer in time."""
        check(key, ttl)
        check(owner, ttl)
        return await self._ask([key.hex(), ttl], [owner.hex()])

    async def _ask(self, what: Sequence[Any], more: Sequence[Any] = ()) -> bool:
        if self._lost or len(self._asks) >= MAX_ASKS:
            raise StoreAway("the supervisor is gone" if self._lost else f"{MAX_ASKS} questions are waiting")
        number = next(self._numbers)
        answer: asyncio.Future[bool | str] = self._loop.create_future()
        self._asks[number] = answer
        # The clock is the machine's, so the supervisor can pass over what nobody waits for any more.
        question = [number, *what, time.monotonic() + self._ask_seconds, *more]
        self._urgent.append(encode(Kind.ASK, orjson.dumps(question)))
        self._send()
        try:
            async with asyncio.timeout(self._ask_seconds):
                said = await answer
        except TimeoutError:
            self.counters.add(("asks_failed", "timeout"))
            raise StoreAway(f"no answer within {self._ask_seconds} s") from None
        finally:
            self._asks.pop(number, None)
        if said == "full":
            raise StoreFull("the supervisor's store is full")
        return said is True

    async def finish(self, seconds: float) -> None:
        """Send what is left, for at most `seconds`, and close."""
        self._seal()
        self._take_snapshot()
        if self.exchange is not None:
            self.exchange.flush()
        if self.profiles is not None:
            self.profiles.flush()
        self._send()
        if self._waiting and not self._lost:
            self._emptied = self._loop.create_future()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._emptied
        self.close()

    def close(self) -> None:
        """Close the link; what was not sent is lost with it."""
        if self._timer is not None:
            self._timer.cancel()
        if self.exchange is not None:
            self.exchange.close()
        if self.profiles is not None:
            self.profiles.close()
        if self._link.fileno() >= 0:
            self._loop.remove_reader(self._link.fileno())
            self._loop.remove_writer(self._link.fileno())
            self._link.close()
        self._abandon()

    def _done_sending(self) -> None:
        if self._emptied is not None and not self._emptied.done():
            self._emptied.set_result(None)

    def _abandon(self) -> None:
        self._lost = True
        self._done_sending()
        for answer in self._asks.values():
            if not answer.done():
                answer.set_exception(StoreAway("the supervisor is gone"))
        self._asks.clear()
        self.bots.close()
        self._events.clear()
        self._urgent.clear()
        self._reports.clear()
        self._queued = 0
        self._partial = self._snapshot = None

    def _tick(self) -> None:
        self._timer = self._loop.call_later(TICK, self._tick)
        self._ticks += 1
        self._seal()
        self._send()
        if self._ticks % COUNTERS_TICKS == 0:
            self._take_snapshot()
            self._send()

    def _take_snapshot(self) -> None:
        if self.sample is not None:
            self.sample()
        self._snapshot = encode(Kind.COUNTERS, orjson.dumps(self.counters.snapshot()))

    def _seal(self) -> None:
        """Make a frame of the rows at hand; when there is no room, the oldest frames go."""
        rows = self._rows
        self._rows_size = 0
        if not rows:
            return
        if self._lost:
            self.counters.add(("events_dropped", "link"), len(rows))
            rows.clear()
            return
        frame = encode(Kind.EVENTS, b"[" + b",".join(rows) + b"]")
        self._events.append((len(rows), frame))
        self._queued += len(frame)
        rows.clear()
        while self._queued > self._max_queue and self._events:
            number, oldest = self._events.popleft()
            self._queued -= len(oldest)
            self.counters.add(("events_dropped", "link"), number)

    def _next(self) -> memoryview | None:
        if self._urgent:
            return memoryview(self._urgent.popleft())
        question = self.bots.next_frame()
        if question is not None:
            return memoryview(question)
        if self._reports:
            return memoryview(self._reports.popleft())
        if self._snapshot is not None:
            snapshot, self._snapshot = self._snapshot, None
            return memoryview(snapshot)
        if self.exchange is not None:
            frame = self.exchange.next_frame()
            if frame is not None:
                return memoryview(frame)
        if self.profiles is not None:
            frame = self.profiles.next_frame()
            if frame is not None:
                return memoryview(frame)
        if self._events:
            _, frame = self._events.popleft()
            self._queued -= len(frame)
            return memoryview(frame)
        return None

    def _send(self) -> None:
        if self._waiting or self._lost:
            return
        self._write()

    def _write(self) -> None:
        """Send until the kernel takes no more. A frame once begun is always finished first."""
        while True:
            rest = self._partial if self._partial is not None else self._next()
            if rest is None:
                if self._waiting:
                    self._waiting = False
                    self._loop.remove_writer(self._link.fileno())
                self._done_sending()
                return
            try:
                sent = self._link.send(rest)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError:
                self._gone()
                return
            if sent == len(rest):
                self._partial = None
                continue
            self._partial = rest[sent:]
            if not self._waiting:
                self._waiting = True
                self._loop.add_writer(self._link.fileno(), self._write)
            return

    def _readable(self) -> None:
        try:
            data = self._link.recv(65536)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._gone()
            return
        try:
            for kind, payload in self._decoder.feed(data):
                self._received(kind, payload)
        except (FrameError, orjson.JSONDecodeError):
            self._gone()

    def _received(self, kind: Kind, payload: bytes) -> None:
        match kind:
            case Kind.ANSWER:
                number, said = orjson.loads(payload)
                answer = self._asks.pop(number, None)
                if answer is not None and not answer.done():
                    answer.set_result(said)
            case Kind.MODES:
                instance, by_zone, *rest = orjson.loads(payload)
                self._modes.replace(instance, by_zone, rest[0] if rest else None)
                if not self.first_modes.done():
                    self.first_modes.set_result(None)
            case Kind.DRAIN:
                if self._listener is not None:
                    self._listener.on_drain(payload == b"ending")
            case Kind.BOT_ANSWER | Kind.BOT_LIST:
                self.bots.received(kind, payload)
            case Kind.NOTICES:
                self.notices.received(payload)
            case Kind.ANOMALIES:
                if self.anomalies is not None:
                    self.anomalies(payload)
            case Kind.PROFILES_MERGED | Kind.PROFILES_COMPLETE | Kind.SIGNALS:
                if self.profiles is not None:
                    self.profiles.received(kind, payload)
            case Kind.RATES_SECRET | Kind.RATES_MERGED | Kind.RATES_COMPLETE:
                if self.profiles is not None and kind is Kind.RATES_SECRET:
                    self.profiles.share_secret(payload)
                if self.exchange is not None:
                    self.exchange.received(kind, payload)
            case _:
                raise FrameError(f"{kind.name} came down")

    def _gone(self) -> None:
        if self._lost:
            return
        with suppress(ValueError):
            self._loop.remove_reader(self._link.fileno())
            self._loop.remove_writer(self._link.fileno())
        self._waiting = False
        self._abandon()
        if self._listener is not None:
            self._listener.on_lost()
