"""The worker's end of shared profiles: what callers did here goes up each tick, what they did elsewhere comes down.

As in `rates`: work is done in slices, with a turn of the loop between them, and what is not sent waits where it is
counted, so that nothing here grows.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final, final

from botproxy.link.frames import FrameError, Kind, encode
from botproxy.telemetry import Counters
from botproxy.traffic import Profiles, ToldError
from botproxy.traffic.signals import read_signals

TICK: Final = 0.25
"""Seconds between two times that profiles go up."""

KEYS_A_TICK: Final = 1_000
SLICE: Final = 48
"""Keys of one frame: less than half a millisecond of work, either way."""

MAX_WAITING: Final = 64
"""Frames that came down and wait for their turn; beyond, they are taken at once."""


@final
class ProfileExchange:
    """Keeps the profiles of this worker and those of all others together. `send` has the link ask `next_frame`."""

    def __init__(
        self,
        profiles: Profiles,
        counters: Counters,
        send: Callable[[], None],
        loop: asyncio.AbstractEventLoop,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` is that of requests: seconds since 1970."""
        self.ready: Final[asyncio.Future[None]] = loop.create_future()
        """Done once everything came that was known before this worker began."""
        self._profiles: Final = profiles
        self._counters: Final = counters
        self._send: Final = send
        self._loop: Final = loop
        self._clock: Final = clock
        self._frame: bytes | None = None
        self._left = KEYS_A_TICK
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

    def share_secret(self, secret: bytes) -> None:
        """Hash as all others do."""
        self._profiles.share_secret(secret)

    def received(self, kind: Kind, payload: bytes) -> None:
        """What came down; raises FrameError when that cannot be."""
        if kind is Kind.SIGNALS:
            self._profiles.signals = read_signals(payload)
        elif kind is Kind.PROFILES_COMPLETE:
            while self._down:
                self._take()
            if not self.ready.done():
                self.ready.set_result(None)
        else:
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
        try:
            self._profiles.merge(self._down.popleft(), self._clock())
        except ToldError as error:
            raise FrameError(str(error)) from None

    def _tick(self) -> None:
        self._timer = self._loop.call_later(TICK, self._tick)
        profiles = self._profiles
        gauges, counts = self._counters.gauges, self._counters.counts
        evicted = refused = keys = 0
        for slots in profiles.tables:
            keys += len(slots)
            evicted += slots.evicted
            refused += slots.refused
        gauges["profile_keys"] = keys
        counts["profiles_evicted",] = evicted
        counts["profiles_refused",] = refused
        counts["profiles_untold",] = profiles.untold_full
        if self._left <= 0 and profiles.waiting:
            self._counters.add(("profiles_deferred",), profiles.waiting)
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
        if self._frame is None and self._left > 0 and self._profiles.waiting:
            self._slicing = True
            self._loop.call_soon(self._go_on)

    def _slice(self) -> None:
        if self._frame is not None or self._left <= 0:
            return
        payload = self._profiles.take(min(SLICE, self._left), self._clock())
        self._left -= SLICE
        if payload:
            self._frame = encode(Kind.PROFILES, payload)
