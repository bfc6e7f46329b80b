"""What callers did, as all workers and all nodes together know it: handed on to those that did not count it themselves.

What one worker tells goes to all others as it is, and into a table here, from which workers that begin are told.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, final

from botproxy.link.frames import Kind
from botproxy.supervisor.telling import SLICE, Link, Workers
from botproxy.traffic import Profiles
from botproxy.traffic.signals import SignalTable, write_signals

SIGNAL_SECONDS: Final = 5.0
FINGERPRINTS: Final = 3
"""The number of the table of JA4s, of which signals are made."""

MAX_FOR_NODES: Final = 64
"""Payloads that wait to be told to other nodes; the oldest gives way."""


@final
class SharedProfiles:
    """Outlives every generation."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.profiles: Final = Profiles(b"unused", os.urandom)  # its keys come hashed
        self.signals: Final = SignalTable(random.SystemRandom().random)
        self.unheard = 0
        """Payloads that a worker was not told because it does not read, or nodes because there were too many."""
        self._clock: Final = clock
        self._workers: Final = Workers(Kind.PROFILES_MERGED, Kind.PROFILES_COMPLETE, self._everything)
        self._for_nodes: deque[bytes] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def join(self, worker: int, link: Link) -> None:
        """A worker that begins: it is told everything first, and from then on what others tell."""
        if len(self.signals):
            link.tell(Kind.SIGNALS, write_signals(self.signals.signals(self._clock())))
        self._workers.join(worker, link)

    def leave(self, worker: int) -> None:
        """A worker that is gone; what it counted stays."""
        self._workers.leave(worker)

    def take(self, worker: int, payload: bytes) -> None:
        """What a worker tells. Raises ToldError when that cannot be."""
        self._take(payload)
        self._hand_on(worker, payload)
        if self._for_nodes is not None:
            if len(self._for_nodes) >= MAX_FOR_NODES:
                self.unheard += 1
                self._for_nodes.popleft()
            self._for_nodes.append(payload)

    def share_with_nodes(self, shared: bool) -> None:
        """Whether what workers tell is kept ready for other nodes."""
        self._for_nodes = deque() if shared else None

    def tell_nodes(self) -> bytes:
        """The next payload for other nodes; b"" for nothing."""
        return self._for_nodes.popleft() if self._for_nodes else b""

    def take_from_node(self, payload: bytes) -> None:
        """What another node tells. Raises ToldError when that cannot be."""
        self._take(payload)
        self._hand_on(0, payload)

    def _take(self, payload: bytes) -> None:
        now = self._clock()
        number, records = self.profiles.read_told(payload)
        if number == FINGERPRINTS:
            for told in records:
                self.signals.take(told, now)
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(SIGNAL_SECONDS, self._tell_signals)
        self.profiles.merge(payload, now)

    def _everything(self, worker: int) -> Iterator[bytes]:
        return self.profiles.all(self._clock(), SLICE)

    def _hand_on(self, source: int, payload: bytes) -> None:
        for worker in self._workers.links:
            if worker != source:
                self._tell(worker, Kind.PROFILES_MERGED, payload)

    def _tell(self, worker: int, kind: Kind, payload: bytes) -> None:
        if self._workers.reads(worker):
            self._workers.tell(worker, payload, kind)
        else:
            self.unheard += 1

    def _tell_signals(self) -> None:
        self._timer = None
        if len(self.signals):
            payload = write_signals(self.signals.signals(self._clock()))
            for worker in self._workers.links:
                self._tell(worker, Kind.SIGNALS, payload)
            if self._workers.links:
                self._timer = asyncio.get_running_loop().call_later(SIGNAL_SECONDS, self._tell_signals)
