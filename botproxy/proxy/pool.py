"""The origins of a zone: requests go round them in turn; one that refuses is passed over for a while."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, final

from botproxy.errors import OperatorError
from botproxy.proxy.deadlines import NEVER
from botproxy.proxy.origin import Origin, Waiter
from botproxy.proxy.own_cookies import USUAL, OwnCookies
from botproxy.proxy.settings import OriginSettings
from botproxy.proxy.wire import Wire

if TYPE_CHECKING:
    from botproxy.proxy.relay import Relay


@final
class OriginPool:
    """The origins of one zone. Raises OperatorError for a URL or a `ca_file` that cannot be used."""

    __slots__ = ("_turn", "_wire", "cookies", "origins", "waiting")

    def __init__(
        self,
        wire: Wire,
        urls: Sequence[str],
        settings: OriginSettings | None = None,
        host: bytes | None = None,
        cookies: OwnCookies = USUAL,
    ) -> None:
        """`host` replaces the Host that visitors send, which is kept by default; `cookies` stay between them and us."""
        if not urls:
            raise OperatorError("a zone needs at least one origin")
        settings = settings or OriginSettings()
        self._wire: Final = wire
        self.origins: Final = [Origin(wire, self, number, url, settings, host) for number, url in enumerate(urls)]
        self.cookies: Final = cookies
        self._turn = 0
        self.waiting: Final[dict[Relay, Waiter]] = {}

    def take(self, relay: Relay, repeatable: bool, fresh: bool) -> None:
        """Give `relay` a connection, now or later: exactly one of its `ready` and `unavailable` is
        called. `fresh` asks for a new connection, after a kept one turned out to be dead."""
        origin = self._next(frozenset())
        if origin is None:
            relay.unavailable(502, "no origin")
            return
        if not fresh:
            connection = origin.idle(repeatable)
            if connection is not None:
                relay.ready(connection)
                return
        self._connect(relay, origin, frozenset())

    def leave(self, relay: Relay) -> None:
        """`relay` no longer waits."""
        waiter = self.waiting.pop(relay, None)
        if waiter is not None:
            waiter.relay = None
            self._wire.deadlines.set(waiter, NEVER)
            waiter.origin.forget(waiter)

    def settled(self, relay: Relay | None) -> None:
        """`relay` got what it waited for."""
        if relay is not None:
            self.waiting.pop(relay, None)

    def failed(self, waiter: Waiter, origin: Origin, status: int, detail: str) -> None:
        """`origin` could not be reached for `waiter`: the next one is asked, each once."""
        relay = waiter.relay
        if relay is None:
            return
        waiter.relay = None
        self.waiting.pop(relay, None)
        tried = waiter.tried | {origin.number}
        following = self._next(tried)
        if following is None:
            relay.unavailable(status, detail)
            return
        connection = following.idle(relay.repeatable)
        if connection is not None:
            relay.ready(connection)
        else:
            self._connect(relay, following, tried)

    def _next(self, tried: frozenset[int]) -> Origin | None:
        """The origin whose turn it is: one that answers lately if there is one, else any that was not tried."""
        origins = self.origins
        count = len(origins)
        if count == 1:
            return None if tried else origins[0]
        now = time.monotonic()
        fallback: Origin | None = None
        for step in range(count):
            origin = origins[(self._turn + step) % count]
            if origin.number in tried:
                continue
            if origin.down_until <= now:
                self._turn = (origin.number + 1) % count
                return origin
            if fallback is None or origin.down_until < fallback.down_until:
                fallback = origin
        return fallback

    def _connect(self, relay: Relay, origin: Origin, tried: frozenset[int]) -> None:
        waiter = Waiter(relay, origin, tried)
        if origin.room():
            self.waiting[relay] = waiter
            origin.connect(waiter)
        elif origin.queue(waiter):
            self.waiting[relay] = waiter
        else:
            relay.unavailable(503, f"too many requests wait for {origin.label}")

    def close(self) -> None:
        """Close idle connections; the others close when their relay is over."""
        for origin in self.origins:
            origin.close()
