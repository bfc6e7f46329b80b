"""The worker's end of shared counters: what it counted goes up each tick, what others counted comes down.

The rule of this file: work is done in slices, with a turn of the loop between them, so that no number of keys makes a
request wait; and what is not sent waits where it is counted, so that nothing here grows.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final, final

from botproxy.link.frames import FrameError, Kind, encode
from botproxy.telemetry import Counters
from botproxy.traffic import RateCounts, decode
from botproxy.traffic import encode as encode_records
from botproxy.traffic.records import RECORD_SIZE

TICK: Final = 0.25
"""Seconds between two times that counts go up; no worker knows less of another than this, and the way, ago."""

KEYS_A_TICK: Final = 5_000
SLICE: Final = 128
"""Keys of one frame: less than half a millisecond of work, either way."""

SWEEPS: Final = 120
"""Ticks, half a minute, in which every place is looked at once, to free those that have expired."""

MAX_WAITING: Final = 64
"""Frames that came down and wait for their turn; beyond, they are taken at once."""


@final
class RateExchange:
    """Keeps the counters of this worker and those of all others together. `send` has the link ask `next_frame`."""

    def __init__(
        self,
        counts: RateCounts,
        counters: Counters,
        send: Callable[[], None],
        loop: asyncio.AbstractEventLoop,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` is that of requests: seconds since the epoch."""
        self.ready: Final[asyncio.Future[None]] = loop.create_future()
        """Done once everything came that had been counted before this worker began."""
        self._counts: Final = counts
        self._counters: Final = counters
        self._send: Final = send
        self._loop: Final = loop
        self._clock: Final = clock
        self._frame: bytes | None = None
        self._left = KEYS_A_TICK  # keys that this tick may still send
        self._slicing = False
        self._flushing = False
        self._down: Final[deque[bytes]] = deque()
        self._scheduled = False
        self._timer: asyncio.TimerHandle | None = loop.call_later(TICK, self._tick)

    def next_frame(self) -> bytes | None:
        """The frame that the link is to send next."""
        if self._flushing:
            self._left = KEYS_A_TICK
            self._slice()
        frame, self._frame = self._frame, None
        return frame

    def received(self, kind: Kind, payload: bytes) -> None:
        """What came down; raises FrameError when that cannot be."""
        if kind is Kind.RATES_SECRET:
            self._counts.share_secret(payload)
        elif kind is Kind.RATES_COMPLETE:
            while self._down:
                self._take()
            if not self.ready.done():
                self.ready.set_result(None)
        else:
            if len(payload) % RECORD_SIZE:
                raise FrameError(f"{len(payload)} bytes of counters are cut")
            self._down.append(payload)
            if len(self._down) > MAX_WAITING:
                self._take()
            if not self._scheduled:
                self._scheduled = True
                self._loop.call_soon(self._take_next)

    def flush(self) -> None:
        """Have the link ask until everything is said, however much that is; for the end of a worker."""
        self._flushing = True
        self._send()

    def close(self) -> None:
        """Stop ticking."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _take_next(self) -> None:
        self._scheduled = False
        if self._down:
            self._take()
        if self._down:
            self._scheduled = True
            self._loop.call_soon(self._take_next)

    def _take(self) -> None:
        self._counts.merge(decode(self._down.popleft()), self._clock())

    def _tick(self) -> None:
        self._timer = self._loop.call_later(TICK, self._tick)
        counts = self._counts
        counts.sweep(self._clock(), len(counts) // SWEEPS + 1)
        numbers = self._counters.counts
        numbers["rate_limit_uncounted",] = counts.uncounted
        numbers["rate_limit_evicted",] = counts.evicted
        self._counters.gauges["rate_limit_keys"] = len(counts)
        if self._left <= 0 and counts.waiting:
            self._counters.add(("rate_limit_deferred",), counts.waiting)
        self._left = KEYS_A_TICK
        if not self._slicing:
            self._go_on()

    def _go_on(self) -> None:
        self._slicing = False
        self._slice()
        if self._frame is None:
            return
        self._send()
        # A frame that the link did not take means that the supervisor is slow: the next tick tries again.
        if self._frame is None and self._left > 0 and self._counts.waiting:
            self._slicing = True
            self._loop.call_soon(self._go_on)

    def _slice(self) -> None:
        if self._frame is not None or self._left <= 0:
            return
        records = list(self._counts.take(min(SLICE, self._left)))
        self._left -= SLICE
        if records:
            self._frame = encode(Kind.RATES, encode_records(records))
