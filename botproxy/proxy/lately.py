"""How many challenges a network solved, and a visitor failed, within the last ten minutes; bounded."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, final

from botproxy.addresses import holder
from botproxy.model import Address

WINDOW: Final = 600.0
SIZE: Final = 16_384


@final
class Lately:
    """Counts by address (a /64 of IPv6 counts as one), and by address and User-Agent. In one worker, exact there.

    Each entry counts from its first challenge for ten minutes, and then afresh. When the table is full the oldest entry
    goes: a flood from very many addresses makes the work of a challenge milder, and never locks anybody out.
    """

    __slots__ = ("_counts", "_size")

    def __init__(self, size: int = SIZE) -> None:
        self._size: Final = size
        self._counts: Final[OrderedDict[tuple[object, bytes], tuple[float, int]]] = OrderedDict()

    def solved(self, address: Address, now: float) -> int:
        """Challenges solved from this network."""
        return self._count((holder(address), b""), now)

    def failed(self, address: Address, agent: bytes, now: float) -> int:
        """Challenges failed by this visitor since the last one solved."""
        return self._count((holder(address), agent), now)

    def add_solved(self, address: Address, agent: bytes, now: float) -> None:
        """One more was solved."""
        self._counts.pop((holder(address), agent), None)
        self._add((holder(address), b""), now)

    def add_failed(self, address: Address, agent: bytes, now: float) -> None:
        """One more was failed."""
        self._add((holder(address), agent), now)

    def _count(self, key: tuple[object, bytes], now: float) -> int:
        began, count = self._counts.get(key, (now, 0))
        return count if now - began < WINDOW else 0

    def _add(self, key: tuple[object, bytes], now: float) -> None:
        began, count = self._counts.get(key, (now, 0))
        if now - began >= WINDOW:
            began, count = now, 0
            self._counts.pop(key, None)  # it is the newest now
        self._counts[key] = (began, count + 1)
        if len(self._counts) > self._size:
            self._counts.popitem(last=False)
