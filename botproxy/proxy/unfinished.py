"""Connections that have not said yet what they are: bounded in number, in memory, and for each address.

When there is no room, the one that has waited longest for its client makes room: a flood of connections that
say nothing ends itself and keeps nobody else out. One whose handshake is running is never ended for that.
"""

from __future__ import annotations

from typing import Final, Protocol, final

from botproxy.model import Address


class Waiting(Protocol):
    """A connection that was accepted and waits for its client's first bytes."""

    @property
    def holder(self) -> Address | int:
        """Who is counted for it."""
        ...

    @property
    def deadline(self) -> float:
        """When it has waited long enough (`time.monotonic()`)."""
        ...

    def give_up(self) -> None:
        """Close: its time is over."""
        ...

    def give_way(self) -> None:
        """Close: somebody else needs the room."""
        ...


class HandshakeCounts:
    """How connections fared before their first request, since the worker started."""

    __slots__ = ("accept_failed", "evicted", "failed", "finished", "malformed", "refused", "timed_out", "unlisted")

    def __init__(self) -> None:
        self.finished = 0
        self.failed = 0  # TLS said no, or the client left in the middle
        self.malformed = 0  # no ClientHello, or no PROXY header where there has to be one
        self.timed_out = 0
        self.evicted = 0  # made room for others
        self.refused = 0  # too many of this address, or no room could be made
        self.unlisted = 0  # may not connect here: not a listed load balancer
        self.accept_failed = 0  # the system had no descriptor or memory left

    def items(self) -> list[tuple[str, int]]:
        """Every count under its name."""
        return [
            ("finished", self.finished),
            ("failed", self.failed),
            ("malformed", self.malformed),
            ("timed_out", self.timed_out),
            ("evicted", self.evicted),
            ("refused", self.refused),
            ("unlisted", self.unlisted),
            ("accept_failed", self.accept_failed),
        ]


@final
class Unfinished:
    """Who is waiting, oldest first, and how many handshakes run."""

    __slots__ = ("_addresses", "_bytes", "_memory", "_most", "_per_address", "_shaking", "_waiting", "counts")

    WAITING_COST: Final = 4 * 1024
    """Bytes that a waiting connection is taken to cost, besides the bytes of its client that wait in the kernel."""

    SHAKING_COST: Final = 96 * 1024
    """Bytes that a running handshake is taken to cost: OpenSSL's state and buffers."""

    def __init__(self, most: int, memory: int, per_address: int) -> None:
        """At most `most` connections and `memory` bytes in all, and `per_address` connections of one address."""
        self.counts: Final = HandshakeCounts()
        self._most: Final = most
        self._memory: Final = memory
        self._per_address: Final = per_address
        self._waiting: Final[dict[Waiting, int]] = {}  # to the bytes that it is taken to cost
        self._shaking = 0
        self._bytes = 0
        self._addresses: Final[dict[Address | int, int]] = {}

    def __len__(self) -> int:
        return len(self._waiting) + self._shaking

    @property
    def memory(self) -> int:
        """Bytes that all of them are taken to cost."""
        return self._bytes

    def enter(self, one: Waiting, bounded: bool) -> bool:
        """Take in one that was accepted, making room for it; False when there is none. `bounded` is whether its address
        may have no more than its share, which a listed load balancer may."""
        here = self._addresses.get(one.holder, 0)
        if (bounded and here >= self._per_address) or not self._room(1, self.WAITING_COST):
            self.counts.refused += 1
            return False
        self._addresses[one.holder] = here + 1
        self._waiting[one] = self.WAITING_COST
        self._bytes += self.WAITING_COST
        return True

    def expect(self, one: Waiting, size: int) -> None:
        """It waits for `size` bytes of its client, which will lie in the kernel meanwhile."""
        cost = self.WAITING_COST + size
        self._bytes += cost - self._waiting[one]
        self._waiting[one] = cost
        while self._bytes > self._memory and len(self._waiting) > 1:
            self._evict()

    def shake(self, one: Waiting) -> bool:
        """Its handshake begins; False when there is no memory for one more."""
        self._bytes -= self._waiting.pop(one)
        if not self._room(0, self.SHAKING_COST):
            self._forget(one)
            self.counts.refused += 1
            return False
        self._shaking += 1
        self._bytes += self.SHAKING_COST
        return True

    def shaken(self, one: Waiting) -> None:
        """Its handshake has ended, one way or the other."""
        self._shaking -= 1
        self._bytes -= self.SHAKING_COST
        self._forget(one)

    def leave(self, one: Waiting) -> None:
        """It is closed before its handshake, or needs none."""
        cost = self._waiting.pop(one, None)
        if cost is not None:
            self._bytes -= cost
            self._forget(one)

    def all_waiting(self) -> list[Waiting]:
        """Those that wait, oldest first."""
        return list(self._waiting)

    def _room(self, places: int, size: int) -> bool:
        while len(self) + places > self._most or self._bytes + size > self._memory:
            if not self._waiting:
                return False
            self._evict()
        return True

    def _evict(self) -> None:
        oldest = next(iter(self._waiting))
        self.counts.evicted += 1
        oldest.give_way()  # which leaves
        self.leave(oldest)

    def _forget(self, one: Waiting) -> None:
        left = self._addresses.get(one.holder, 1) - 1
        if left:
            self._addresses[one.holder] = left
        else:
            self._addresses.pop(one.holder, None)
