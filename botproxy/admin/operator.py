"""Who asks on the admin listener, what they may do, and which sites they may see."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from aiohttp import web

Role = Literal["read", "operator"]


class Operator(NamedTuple):
    """One who asks. `name` is a token's, an identity of a proxy in front, or "loopback"."""

    name: str
    role: Role = "operator"
    zones: frozenset[str] | None = None  # None is all of them, and what is not of one zone

    def sees(self, zone: str) -> bool:
        """Whether this zone is theirs."""
        return self.zones is None or zone in self.zones

    def shown(self, zones: Iterable[str]) -> tuple[str, ...]:
        """Those of these zones that are theirs."""
        return tuple(zone for zone in zones if self.sees(zone))

    @property
    def limited(self) -> list[str] | None:
        """Their zones, or None for all."""
        return None if self.zones is None else sorted(self.zones)


LOOPBACK: Final = Operator("loopback")
_OPERATOR: Final = web.RequestKey("operator", Operator)


def let_in(request: web.Request, operator: Operator) -> None:
    """Remember who asks."""
    request[_OPERATOR] = operator


def operator_of(request: web.Request) -> Operator:
    """Who asks. Only behind the guard."""
    return request[_OPERATOR]
