"""The counters of all workers, put together and told to each of them, in slices and never faster than it reads."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, final

from botproxy.link.frames import Kind
from botproxy.supervisor.telling import SLICE, SLICES, Link, Workers
from botproxy.traffic import NODES, MergedCounts, decode, encode

TELL_SECONDS: Final = 0.05
"""Between two times that a worker is told: `SLICES` of them make 5,000 keys in a quarter of a second."""

SOON_SECONDS: Final = 0.01
SWEEP_SECONDS: Final = 1.0
SWEEPS: Final = 30


@final
class Rates:
    """What visitors did lately, as all workers together know it. Outlives every generation."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        # Whoever could foresee which counters give way could make room for his own.
        self.counts: Final = MergedCounts(random.SystemRandom().random, 0)
        self._secret = os.urandom(32)
        self._clock: Final = clock
        self._workers: Final = Workers(Kind.RATES_MERGED, Kind.RATES_COMPLETE, self._everything)
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
        link.tell(Kind.RATES_SECRET, self._secret)
        self.counts.join(worker)
        self._workers.join(worker, link)

    def leave(self, worker: int) -> None:
        """A worker that is gone; what it counted stays."""
        self.counts.leave(worker)
        self._workers.leave(worker)

    def take(self, worker: int, payload: bytes) -> None:
        """What a worker counted. Raises RecordError when that cannot be."""
        self._take(worker, payload)
        if self._timer is None and len(self._workers.links) > 1:
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
        if self._timer is None and self._workers.links:
            self._timer = asyncio.get_running_loop().call_later(SOON_SECONDS, self._tell)

    def _take(self, source: int, payload: bytes) -> None:
        now = self._clock()
        self.counts.take(source, decode(payload), now)
        if now - self._swept >= SWEEP_SECONDS or now < self._swept:
            self._swept = now
            self.counts.sweep(now, len(self.counts) // SWEEPS + 1)

    def _everything(self, worker: int) -> Iterator[bytes]:
        records = self.counts.all_but(worker)
        while some := list(islice(records, SLICE)):
            yield encode(some)

    def _tell(self) -> None:
        self._timer = None
        again = False
        workers = self._workers
        for worker in list(workers.links):
            if workers.begins(worker):
                again = True
                continue
            for _ in range(SLICES):
                records = self.counts.tell(worker, SLICE) if workers.reads(worker) else []
                if not records:
                    break
                workers.tell(worker, encode(records))
            again = again or self.counts.waiting(worker) > 0
        if again:
            self._timer = asyncio.get_running_loop().call_later(TELL_SECONDS, self._tell)
