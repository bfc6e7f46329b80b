"""Who asks on the admin listener, what they may do, and which sites they may see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Literal, NamedTuple

from aiohttp import web

from botproxy.errors import BotproxyError

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
NOBODY: Final = Operator("nobody", "read", frozenset())
_OPERATOR: Final = web.RequestKey("operator", Operator)
_ASKING: Final[ContextVar[Operator]] = ContextVar("asking", default=NOBODY)


@contextmanager
def asking(request: web.Request, operator: Operator) -> Iterator[None]:
    """Remember who asks, with the request and for everything that is called while it is answered."""
    request[_OPERATOR] = operator
    before = _ASKING.set(operator)
    try:
        yield
    finally:
        _ASKING.reset(before)


def operator_of(request: web.Request) -> Operator:
    """Who asks. Only behind the guard."""
    return request[_OPERATOR]


def who_asks() -> Operator:
    """Who asks what is being answered; nobody, who sees nothing, outside of that."""
    return _ASKING.get()


class NotYoursError(BotproxyError):
    """The operator may not change this."""


def may_change(operator: Operator, zone: str | None) -> None:
    """Refuse who may not change this zone, or with None what is not of one zone. Raises NotYoursError."""
    if operator.zones is not None and (zone is None or zone not in operator.zones):
        what = f"the zone {zone}" if zone is not None else "what is not of one zone"
        raise NotYoursError(f"{operator.name} may not change {what}")
