"""Which zones only observe, and which are under attack, as the worker knows it now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import final

OBSERVE = "observe"
ENFORCE = "enforce"


@final
class Modes:
    """Effective modes. What is kept is replaced whole, so that a reader never sees half a change."""

    __slots__ = ("_by_zone", "_instance", "_under_attack")

    def __init__(
        self, instance: str = OBSERVE, by_zone: Mapping[str, str] | None = None, under_attack: Iterable[str] = ()
    ) -> None:
        self._instance = instance
        self._by_zone: dict[str, str] = dict(by_zone or {})
        self._under_attack = frozenset(under_attack)

    def of(self, zone: str) -> str:
        """`observe` or `enforce`."""
        return self._by_zone.get(zone, self._instance)

    def enforcing(self, zone: str) -> bool:
        """Whether what the rules decide is also done."""
        return self._by_zone.get(zone, self._instance) == ENFORCE

    def under_attack(self, zone: str) -> bool:
        """Whether every new visitor of the zone is challenged."""
        return zone in self._under_attack

    def configured(self, under_attack: Iterable[str]) -> None:
        """The zones that the configuration has under attack, until the supervisor says more."""
        self._under_attack = frozenset(under_attack)

    def replace(self, instance: str, by_zone: Mapping[str, str], under_attack: Iterable[str] | None = None) -> None:
        """Take what the supervisor says from now on; an older one does not know of attacks and says None."""
        self._instance = instance
        self._by_zone = dict(by_zone)
        if under_attack is not None:
            self._under_attack = frozenset(under_attack)
