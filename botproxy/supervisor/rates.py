"""The counters of all workers, put together and told to each of them, in slices and never faster than it reads."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, Protocol, final

from botproxy.link.frames import Kind
from botproxy.traffic import NODES, MergedCounts, Record, decode, encode

TELL_SECONDS: Final = 0.05
SOON_SECONDS: Final = 0.01
SLICE: Final = 128
SLICES: Final = 8
"""Times `SLICE` is what one worker is told in `TELL_SECONDS` at most: 5,000 keys in a quarter of a second."""

MAX_UNREAD: Final = 256 * 1024
"""Bytes that wait for a worker; it is told more once it has read."""

SWEEP_SECONDS: Final = 1.0
SWEEPS: Final = 30


class Link(Protocol):
    """The way down to a worker."""

    @property
    def open(self) -> bool:
        """Whether the worker is at the other end."""
        ...

    @property
    def unread(self) -> int:
        """Bytes that wait for it."""
        ...

    def rates(self, kind: Kind, payload: bytes) -> None:
        """Send a frame of counters."""
        ...


@final
class Rates:
    """What visitors did lately, as all workers together know it. Outlives every generation."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        # Whoever could foresee which counters give way could make room for his own.
        self.counts: Final = MergedCounts(random.SystemRandom().random, 0)
        self._secret = os.urandom(32)
        self._clock: Final = clock
        self._links: Final[dict[int, Link]] = {}
        self._before: Final[dict[int, Iterator[Record]]] = {}  # what a worker is told before it begins
        self._timer: asyncio.TimerHandle | None = None
        self._swept = 0.0

    def share_secret(self, secret: bytes) -> None:
        """Have workers that join from now on hash with this, as those of other nodes do."""
        self._secret = secret

    def make_room(self, keys: int) -> None:
        """Keep at least so many keys from now on."""
        self.counts.make_room(keys)

    def join(self, worker: int, link: Link) -> None:
        """A worker that begins: it is told everything first, and from then on what changes."""
        link.rates(Kind.RATES_SECRET, self._secret)
        self.counts.join(worker)
        self._links[worker] = link
        self._before[worker] = self.counts.all_but(worker)
        self._tell_before(worker)

    def leave(self, worker: int) -> None:
        """A worker that is gone; what it counted stays."""
        self.counts.leave(worker)
        self._links.pop(worker, None)
        self._before.pop(worker, None)

    def take(self, worker: int, payload: bytes) -> None:
        """What a worker counted. Raises RecordError when that cannot be."""
        self._take(worker, payload)
        if self._timer is None and len(self._links) > 1:
            self._timer = asyncio.get_running_loop().call_later(SOON_SECONDS, self._tell)

    def share_with_nodes(self, shared: bool) -> None:
        """Whether what is counted here is kept ready for other nodes."""
        if shared:
            self.counts.join(NODES)
        else:
            self.counts.leave(NODES)

    def tell_nodes(self, most: int) -> bytes:
        """What other nodes are to know of at most `most` keys that changed here, heaviest first; b"" for nothing."""
        records = self.counts.tell(NODES, most)
        return encode(records) if records else b""

    def tell_nodes_again(self) -> None:
        """Have them told everything: one of them has just begun."""
        self.counts.tell_again(NODES)

    def take_from_node(self, node: int, payload: bytes) -> None:
        """What another node counted; `node` is its number, below 0. Raises RecordError when that cannot be."""
        self._take(node, payload)
        if self._timer is None and self._links:
            self._timer = asyncio.get_running_loop().call_later(SOON_SECONDS, self._tell)

    def _take(self, source: int, payload: bytes) -> None:
        now = self._clock()
        self.counts.take(source, decode(payload), now)
        if now - self._swept >= SWEEP_SECONDS or now < self._swept:
            self._swept = now
            self.counts.sweep(now, len(self.counts) // SWEEPS + 1)

    def _tell(self) -> None:
        self._timer = None
        again = False
        for worker, link in list(self._links.items()):
            if worker in self._before:
                again = True
                continue
            for _ in range(SLICES):
                if not link.open or link.unread > MAX_UNREAD:
                    break
                records = self.counts.tell(worker, SLICE)
                if not records:
                    break
                link.rates(Kind.RATES_MERGED, encode(records))
            again = again or self.counts.waiting(worker) > 0
        if again:
            self._timer = asyncio.get_running_loop().call_later(TELL_SECONDS, self._tell)

    def _tell_before(self, worker: int) -> None:
        link = self._links.get(worker)
        before = self._before.get(worker)
        if link is None or before is None or not link.open:
            return
        for _ in range(SLICES):
            if link.unread > MAX_UNREAD:
                break
            records = list(islice(before, SLICE))
            if not records:
                del self._before[worker]
                link.rates(Kind.RATES_COMPLETE, b"")
                return
            link.rates(Kind.RATES_MERGED, encode(records))
        asyncio.get_running_loop().call_later(SOON_SECONDS / 10, self._tell_before, worker)
