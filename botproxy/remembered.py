"""A bounded memory for what is derived from bytes that repeat: worth its cost only when they do."""

from __future__ import annotations

from typing import Final, Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """Values by raw bytes, in two generations: when the younger is full, the older is forgotten and it takes its place.

    A value is kept from the second sight of its key on; what never repeats costs the hash of its key. Holds at most
    twice `entries` values and `size` bytes of keys, keys longer than `longest` apart, and 8 `entries` hashes.
    """

    __slots__ = ("_entries", "_held", "_longest", "_old", "_seen", "_size", "_young")

    def __init__(self, entries: int, size: int, longest: int) -> None:
        self._entries: Final = entries
        self._size: Final = size
        self._longest: Final = longest
        self._young: dict[bytes, T] = {}
        self._old: dict[bytes, T] = {}
        self._held = 0
        self._seen: set[int] = set()

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: bytes) -> T | None:
        """The value kept for `key`."""
        value = self._young.get(key)
        if value is not None:
            return value
        value = self._old.get(key)
        if value is not None:
            self._keep(key, value)
        return value

    def offer(self, key: bytes, value: T) -> None:
        """Keep `value`, if `key` was offered lately."""
        if len(key) > self._longest:
            return
        mark = hash(key)
        if mark in self._seen:
            self._keep(key, value)
            return
        if len(self._seen) >= 8 * self._entries:
            self._seen.clear()
        self._seen.add(mark)

    def _keep(self, key: bytes, value: T) -> None:
        if len(self._young) >= self._entries or self._held >= self._size:
            self._old = self._young
            self._young = {}
            self._held = 0
        self._young[key] = value
        self._held += len(key)
