"""The worker's end of shared counters: what it counted goes up each tick, what others counted comes down."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, final

from botproxy.link.frames import FrameError, Kind
from botproxy.link.slices import SlicedExchange
from botproxy.telemetry import Counters
from botproxy.traffic import RateCounts, decode, encode
from botproxy.traffic.records import RECORD_SIZE

KEYS_A_TICK: Final = 5_000
SLICE: Final = 128
"""Keys of one frame: less than half a millisecond of work, either way."""

SWEEPS: Final = 120
"""Ticks, half a minute, in which every place is looked at once, to free those that have expired."""


@final
class RateExchange(SlicedExchange):
    """Keeps the counters of this worker and those of all others together."""

    def __init__(
        self,
        counts: RateCounts,
        counters: Counters,
        send: Callable[[], None],
        loop: asyncio.AbstractEventLoop,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` is that of requests: seconds since the epoch."""
        self._counts: Final = counts
        self._counters: Final = counters
        self._clock: Final = clock
        super().__init__(Kind.RATES, SLICE, KEYS_A_TICK, send, loop)

    def received(self, kind: Kind, payload: bytes) -> None:
        """What came down; raises FrameError when that cannot be."""
        if kind is Kind.RATES_SECRET:
            self._counts.share_secret(payload)
        elif kind is Kind.RATES_COMPLETE:
            self._complete()
        elif len(payload) % RECORD_SIZE:
            raise FrameError(f"{len(payload)} bytes of counters are cut")
        else:
            self._came(payload)

    def _waiting(self) -> int:
        return self._counts.waiting

    def _take(self, most: int) -> bytes:
        return encode(list(self._counts.take(most)))

    def _merge(self, payload: bytes) -> None:
        self._counts.merge(decode(payload), self._clock())

    def _ticked(self, deferred: int) -> None:
        counts = self._counts
        counts.sweep(self._clock(), len(counts) // SWEEPS + 1)
        numbers = self._counters.counts
        numbers["rate_limit_uncounted",] = counts.uncounted
        numbers["rate_limit_evicted",] = counts.evicted
        self._counters.gauges["rate_limit_keys"] = len(counts)
        if deferred:
            self._counters.add(("rate_limit_deferred",), deferred)
