"""The worker's end of shared profiles: what callers did here goes up each tick, what they did elsewhere comes down."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, final

from botproxy.link.frames import FrameError, Kind
from botproxy.link.slices import SlicedExchange
from botproxy.telemetry import Counters
from botproxy.traffic import Profiles, ToldError
from botproxy.traffic.signals import read_signals

KEYS_A_TICK: Final = 2_000
SLICE: Final = 128
"""Keys of one frame: less than half a millisecond of work, either way."""


@final
class ProfileExchange(SlicedExchange):
    """Keeps the profiles of this worker and those of all others together."""

    def __init__(
        self,
        profiles: Profiles,
        counters: Counters,
        send: Callable[[], None],
        loop: asyncio.AbstractEventLoop,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` is that of requests: seconds since 1970."""
        self._profiles: Final = profiles
        self._counters: Final = counters
        self._clock: Final = clock
        super().__init__(Kind.PROFILES, SLICE, KEYS_A_TICK, send, loop)

    def share_secret(self, secret: bytes) -> None:
        """Hash as all others do."""
        self._profiles.share_secret(secret)

    def received(self, kind: Kind, payload: bytes) -> None:
        """What came down; raises FrameError when that cannot be."""
        if kind is Kind.SIGNALS:
            self._profiles.signals = read_signals(payload)
        elif kind is Kind.PROFILES_COMPLETE:
            self._complete()
        else:
            self._came(payload)

    def _waiting(self) -> int:
        return self._profiles.waiting

    def _take(self, most: int) -> bytes:
        return self._profiles.take(most, self._clock())

    def _merge(self, payload: bytes) -> None:
        try:
            self._profiles.merge(payload, self._clock())
        except ToldError as error:
            raise FrameError(str(error)) from None

    def _ticked(self, deferred: int) -> None:
        profiles = self._profiles
        evicted = refused = keys = 0
        for slots in profiles.tables:
            keys += len(slots)
            evicted += slots.evicted
            refused += slots.refused
        counts = self._counters.counts
        self._counters.gauges["profile_keys"] = keys
        counts["profiles_evicted",] = evicted
        counts["profiles_refused",] = refused
        counts["profiles_untold",] = profiles.untold_full
        if deferred:
            self._counters.add(("profiles_deferred",), deferred)
