"""The protocol of shared small facts, and how it fails."""

from __future__ import annotations

from typing import Protocol

from botproxy.errors import BotproxyError

MAX_KEY = 256
"""Bytes of a key; longer ones are a mistake of the caller."""


class StoreAway(BotproxyError):  # noqa: N818 - a state of the store, not a fault in itself
    """Nobody answered in time. What was asked may or may not have happened; the caller decides what that means."""


class StoreFull(BotproxyError):  # noqa: N818
    """There is no room for another live key. Nothing was stored: treat the key as spent."""


class KeyValue(Protocol):
    """Facts that all workers, and later all nodes, agree on."""

    async def burn(self, key: bytes, ttl: float) -> bool:
        """Use `key` up. True for exactly one caller within `ttl` seconds, False for every other.

        Atomic across everyone who shares the store. ValueError for a key that is empty or longer than `MAX_KEY`
        bytes, or a `ttl` that is not positive. Raises `StoreFull` or `StoreAway`.
        """
        ...


class OwnedKeys(KeyValue, Protocol):
    """Facts that also remember for whom they were used up."""

    async def own(self, key: bytes, owner: bytes, ttl: float) -> bool:
        """Use `key` up for `owner`. True for whoever comes first within `ttl` seconds, and again for whoever then names
        the same owner; False for everybody else, those who burned it included. `owner` has 1 to `MAX_KEY` bytes.

        Else as `burn`.
        """
        ...


def check(key: bytes, ttl: float) -> None:
    """Refuse arguments that no backend takes."""
    if not 0 < len(key) <= MAX_KEY:
        raise ValueError(f"a key has 1 to {MAX_KEY} bytes")
    if not 0 < ttl < 1e9:
        raise ValueError("the time to live is a positive number of seconds")
