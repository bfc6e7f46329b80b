"""A table of what was lately used, in two generations: bounded, without a cost for keeping it in order."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Holds up to twice `most`. What is not used for a whole generation goes; `gone` hands it out once."""

    __slots__ = ("_leaving", "_most", "_old", "_seconds", "_turned", "_young")

    def __init__(self, most: int, seconds: float) -> None:
        """A generation ends after so many `seconds`, or when it has `most` entries."""
        self._most: Final = most
        self._seconds: Final = seconds
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}
        self._leaving: list[V] = []
        self._turned = -1.0  # no time yet

    def get(self, key: K) -> V | None:
        """What is held under this key, which counts as used."""
        value = self._young.get(key)
        if value is None and self._old:
            value = self._old.pop(key, None)
            if value is not None:
                self._young[key] = value
        return value

    def add(self, key: K, value: V, now: float) -> None:
        """Hold this under a key that `get` did not know."""
        self.turn(now)
        if len(self._young) >= self._most:
            self._turn(now)
        self._young[key] = value

    def turn(self, now: float) -> None:
        """End the generation when it is time."""
        if self._turned < 0.0:
            self._turned = now
        elif now - self._turned >= self._seconds:
            self._turn(now)

    def _turn(self, now: float) -> None:
        room = 2 * self._most - len(self._leaving)
        self._leaving += list(self._old.values())[:room]
        self._old = self._young
        self._young = {}
        self._turned = now

    def gone(self, most: int) -> list[V]:
        """At most so many of those that went and were not handed out."""
        taken, self._leaving = self._leaving[-most:], self._leaving[:-most]
        return taken

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def values(self) -> Iterator[V]:
        """All that is held."""
        yield from self._young.values()
        yield from self._old.values()
