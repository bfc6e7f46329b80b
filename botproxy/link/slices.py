"""The worker's end of a table that all workers share: what is new here goes up each tick, what others have comes down.

The rule of this file: work is done in slices, with a turn of the loop between them, so that no number of keys makes a
request wait; and what is not sent waits where it is counted, so that nothing here grows.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import Final

from botproxy.link.frames import Kind, encode

TICK: Final = 0.25
"""Seconds between two times that a table goes up; no worker knows less of another than this, and the way, ago."""

MAX_WAITING: Final = 64
"""Frames that came down and wait for their turn; beyond, they are taken at once."""


class SlicedExchange(ABC):
    """Keeps a table of this worker and those of all others together. `send` has the link ask `next_frame`."""

    def __init__(
        self, kind: Kind, slice_keys: int, keys_a_tick: int, send: Callable[[], None], loop: asyncio.AbstractEventLoop
    ) -> None:
        """`kind` is that of the frames that go up; they hold `slice_keys` keys, those of one tick `keys_a_tick`."""
        self.ready: Final[asyncio.Future[None]] = loop.create_future()
        """Done once everything came that was known before this worker began."""
        self._kind: Final = kind
        self._slice_keys: Final = slice_keys
        self._keys_a_tick: Final = keys_a_tick
        self._send: Final = send
        self._loop: Final = loop
        self._frame: bytes | None = None
        self._left = keys_a_tick  # keys that this tick may still send
        self._slicing = False
        self._flushing = False
        self._down: Final[deque[bytes]] = deque()
        self._scheduled = False
        self._timer: asyncio.TimerHandle | None = loop.call_later(TICK, self._tick)

    @abstractmethod
    def _waiting(self) -> int:
        """Keys that are to go up."""

    @abstractmethod
    def _take(self, most: int) -> bytes:
        """What is new of at most so many keys, as it goes up; b"" for nothing."""

    @abstractmethod
    def _merge(self, payload: bytes) -> None:
        """Take up what came down. Raises FrameError when that cannot be."""

    @abstractmethod
    def _ticked(self, deferred: int) -> None:
        """Once a tick, before anything goes up: clean the table, write its numbers. `deferred` keys did not go up."""

    def next_frame(self) -> bytes | None:
        """The frame that the link is to send next."""
        if self._flushing:
            self._left = self._keys_a_tick
            self._slice()
        frame, self._frame = self._frame, None
        return frame

    def flush(self) -> None:
        """Have the link ask until everything is said, however much that is; for the end of a worker."""
        self._flushing = True
        self._send()

    def close(self) -> None:
        """Stop ticking."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _came(self, payload: bytes) -> None:
        self._down.append(payload)
        if len(self._down) > MAX_WAITING:
            self._merge(self._down.popleft())
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._merge_next)

    def _complete(self) -> None:
        while self._down:
            self._merge(self._down.popleft())
        if not self.ready.done():
            self.ready.set_result(None)

    def _merge_next(self) -> None:
        self._scheduled = False
        if self._down:
            self._merge(self._down.popleft())
        if self._down:
            self._scheduled = True
            self._loop.call_soon(self._merge_next)

    def _tick(self) -> None:
        self._timer = self._loop.call_later(TICK, self._tick)
        self._ticked(self._waiting() if self._left <= 0 else 0)
        self._left = self._keys_a_tick
        if not self._slicing:
            self._go_on()

    def _go_on(self) -> None:
        self._slicing = False
        self._slice()
        if self._frame is None:
            return
        self._send()
        # A frame that the link did not take means that the supervisor is slow: the next tick tries again.
        if self._frame is None and self._left > 0 and self._waiting():
            self._slicing = True
            self._loop.call_soon(self._go_on)

    def _slice(self) -> None:
        if self._frame is not None or self._left <= 0:
            return
        payload = self._take(min(self._slice_keys, self._left))
        self._left -= self._slice_keys
        if payload:
            self._frame = encode(self._kind, payload)
