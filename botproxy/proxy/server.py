"""The listeners of one worker: sockets in, connections out, and the way out of service."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final, final

from botproxy.proxy.accepting import Acceptor, Listener, Protocols
from botproxy.proxy.front import FrontConnection
from botproxy.proxy.http2.connection import Http2Connection
from botproxy.proxy.records import Refusal
from botproxy.proxy.unfinished import Unfinished
from botproxy.proxy.wire import Handler, Wire

_BACKLOG: Final = 4096
_TICK: Final = 0.05
PROTOCOLS: Final[Protocols] = {"": FrontConnection, "h2": Http2Connection}
"""HTTP/1.x for everybody, and HTTP/2 for those who agreed on it."""


def _worth_saying(record: logging.LogRecord) -> bool:
    """False for what uvloop says of each write to a client that has just left; the exchange's outcome tells it once."""
    return record.msg not in ("SSL connection is closed", "socket.send() raised exception.")


@final
class Server:
    """Accepts on sockets that are bound already, so that several workers can share them."""

    __slots__ = ("_acceptors", "_protocols", "_servers", "unfinished", "wire")

    def __init__(
        self,
        wire: Wire,
        handler: Handler,
        on_refused: Callable[[Refusal], None],
        protocols: Protocols = PROTOCOLS,
    ) -> None:
        """`protocols` are what a connection is made by, under the names that ALPN agrees on; "" has to be among them,
        for those who agree on none."""
        wire.handler = handler
        wire.on_refused = on_refused
        limits = wire.limits
        self.wire: Final = wire
        self.unfinished: Final = Unfinished(limits.handshakes, limits.handshake_memory, limits.connections_per_address)
        self._protocols: Final = protocols
        self._servers: Final[list[asyncio.Server]] = []
        self._acceptors: Final[list[Acceptor]] = []

    async def start(self, listeners: Iterable[Listener]) -> None:
        """Accept on each socket."""
        loop = asyncio.get_running_loop()
        logging.getLogger("asyncio").addFilter(_worth_saying)
        wire = self.wire
        for listener in listeners:
            with contextlib.suppress(OSError):
                listener.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if listener.plain:
                make = self._protocols[""]
                server = await loop.create_server(partial(make, wire), sock=listener.sock, backlog=_BACKLOG)
                self._servers.append(server)
            else:
                self._acceptors.append(Acceptor(listener, wire, self._protocols, self.unfinished))

    async def drain(self, patience: float) -> int:
        """Leave service: accept nothing more, let every connection come to its own end, cut what is left after
        `patience` seconds. Returns how many had to be cut.

        A client that believes in a kept connection may be sending on it right now, so an idle one is closed only when
        its idle time ends; meanwhile every answer says `Connection: close`. One whose handshake has begun gets its
        answer too.
        """
        wire = self.wire
        self._stop_accepting()
        ended = wire.start_draining()
        until = time.monotonic() + patience
        for front in list(wire.fronts):
            front.drain()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                await ended.wait()
                while len(self.unfinished) or wire.fronts:  # noqa: ASYNC110 - once a worker's life
                    await asyncio.sleep(_TICK)
        left = list(wire.fronts)
        self._cut()
        return len(left)

    def close(self) -> None:
        """Stop at once."""
        self._stop_accepting()
        self._cut()
        self.wire.deadlines.close()

    def _stop_accepting(self) -> None:
        for server in self._servers:
            server.close()
        self._servers.clear()
        for acceptor in self._acceptors:
            acceptor.close()

    def _cut(self) -> None:
        for one in self.unfinished.all_waiting():
            one.give_way()
        for acceptor in self._acceptors:
            acceptor.cut()
        for front in list(self.wire.fronts):
            front.abort()
