"""The beginning of a request body, held until rules have seen it, and then sent to the origin with the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, final

from botproxy.errors import ClientError
from botproxy.model import Body

if TYPE_CHECKING:
    from botproxy.proxy.exchange import Exchange
    from botproxy.proxy.relay import Relay

_FULL: Final = "the bodies that wait for rules are at their limit, and this one has waited longest"


@final
class HeldBodies:
    """Bytes held for all exchanges of a worker. Above `limit` the exchange that has waited longest is refused."""

    __slots__ = ("_held", "_limit", "size")

    def __init__(self, limit: int) -> None:
        self._limit: Final = limit
        self._held: Final[dict[Exchange, int]] = {}
        self.size = 0

    def grow(self, exchange: Exchange, count: int) -> None:
        """So many bytes more are held for this exchange."""
        held = self._held
        held[exchange] = held.get(exchange, 0) + count
        self.size += count
        while self.size > self._limit and held:
            oldest = next(iter(held))
            self.release(oldest)
            oldest.refuse_body(ClientError(503, "Service unavailable", _FULL))

    def release(self, exchange: Exchange) -> None:
        """Nothing is held for it any more."""
        self.size -= self._held.pop(exchange, 0)


@final
class Peek:
    """What was read of one body. `then` gets it once it is enough, and answers."""

    __slots__ = ("_exchange", "_held", "_keep", "_pieces", "_size", "_then", "_wanted", "complete")

    def __init__(
        self, exchange: Exchange, held: HeldBodies, wanted: int, then: Callable[[Body], None], keep: bool
    ) -> None:
        self._exchange: Final = exchange
        self._held: Final = held
        self._wanted: Final = wanted
        self._keep: Final = keep
        self._then: Callable[[Body], None] | None = then
        self._pieces: list[bytes] = []
        self._size = 0
        self.complete = False  # the client has sent all of it

    def data(self, data: bytes) -> None:
        """A piece of the body."""
        self._pieces.append(data)
        self._size += len(data)
        self._held.grow(self._exchange, len(data))
        if self._size >= self._wanted:
            self._enough()

    def end(self) -> None:
        """The body is complete."""
        self.complete = True
        self._enough()

    def _enough(self) -> None:
        then = self._then
        exchange = self._exchange
        if then is None or exchange.over:
            return
        self._then = None
        exchange.front.close_body()
        length = exchange.request.body_length
        whole = self.complete or self._size == length
        then(Body(b"".join(self._pieces), not whole, self._size if whole else length))

    def replay(self, relay: Relay) -> None:
        """Send what was read to the origin, and have the rest follow."""
        exchange = self._exchange
        exchange.peek = None
        if not self._keep:
            self._held.release(exchange)
        relay.body_data(b"".join(self._pieces))
        if exchange.relay is not relay:
            return  # that ended it
        if self.complete:
            relay.body_end()
        else:
            exchange.front.open_body()
