"""The transport half of a client connection: reading on and off, writing, and the ways to end it."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from typing import TYPE_CHECKING, Final, cast

from botproxy.proxy.arrivals import Arrival
from botproxy.proxy.deadlines import NEVER
from botproxy.proxy.outbox import MOST_POSTED
from botproxy.proxy.peers import NOBODY, identify
from botproxy.proxy.wire import HIGH_WATER, LOW_WATER, RECEIVED, Wire

if TYPE_CHECKING:
    from botproxy.proxy.exchange import Exchange

_AT_ONCE: Final = struct.pack("ii", 1, 0)  # struct linger: on, 0 seconds


class ClientEnd(asyncio.BufferedProtocol):
    """What a client connection does with its transport, whatever is spoken on it."""

    __slots__ = (
        *("_peer", "_posted", "_reading", "_wire", "arrival", "deadline", "exchange", "filed", "transport"),
        "write_blocked",
    )

    def __init__(self, wire: Wire) -> None:
        self._wire: Final = wire
        self._peer = NOBODY
        self._reading = True
        self._posted = b""  # held back until everybody sends; never anything behind it in the transport
        self.arrival: Arrival | None = None  # None where HTTP begins with the first byte
        self.transport: asyncio.Transport | None = None
        self.exchange: Exchange | None = None
        self.write_blocked = False
        self.deadline = NEVER
        self.filed = NEVER

    def _open(self, transport: asyncio.BaseTransport) -> None:
        stream = cast("asyncio.Transport", transport)  # uvloop's are none by class
        stream.set_write_buffer_limits(high=HIGH_WATER, low=LOW_WATER)
        self.transport = stream
        self._peer = identify(stream, self._wire.trusted, self.arrival)

    def get_buffer(self, sizehint: int) -> memoryview:
        return RECEIVED

    def write(self, data: bytes) -> None:
        """Send bytes to the client, soon."""
        if self.transport is None or not data:
            return
        posted = self._posted
        if len(data) + len(posted) > MOST_POSTED:
            self._posted = b""
            self.transport.write(posted + data if posted else data)
        elif posted:
            self._posted = posted + data
        else:
            self._posted = data
            self._wire.outbox.post(self)

    def write_parts(self, parts: list[bytes | memoryview], size: int) -> None:
        """See `Responder`."""
        if self.transport is None:
            return
        posted = self._posted
        if size + len(posted) <= MOST_POSTED:
            self.write(b"".join(parts))
            return
        if posted:
            self._posted = b""
            parts.insert(0, posted)
        self.transport.writelines(parts)

    def send_posted(self) -> None:
        """See `outbox.Sender`."""
        posted = self._posted
        if posted:
            self._posted = b""
            if self.transport is not None:
                self.transport.write(posted)

    @property
    def unread(self) -> int:
        """Bytes that the client has not taken yet."""
        return self.transport.get_write_buffer_size() + len(self._posted) if self.transport is not None else 0

    def _within(self, seconds: float) -> None:
        """Set the deadline."""
        self._wire.deadlines.set(self, time.monotonic() + seconds)

    def on_deadline(self, now: float) -> None:
        """The deadline has passed."""
        raise NotImplementedError

    def _read_when(self, wanted: bool) -> None:
        if wanted is not self._reading and self.transport is not None:
            self._reading = wanted
            if wanted:
                self.transport.resume_reading()
            else:
                self.transport.pause_reading()

    def _close_when_written(self) -> None:
        """A client that does not read is cut after the `send` timeout."""
        if self.transport is not None:
            self._within(self._wire.timeouts.send)
            self.send_posted()
            self.transport.close()

    def _say_no_more(self) -> None:
        """End our side alone: closing over unread bytes would reset the connection, and the answer with it."""
        if self.transport is not None:
            self._within(self._wire.timeouts.linger)
            self.send_posted()
            if self.transport.can_write_eof():
                self.transport.write_eof()

    def _reset(self) -> None:
        """Drop what is not sent and close, so that the client sees an error and no end."""
        if self.transport is not None:
            self.send_posted()
            channel = self.transport.get_extra_info("socket")
            if channel is not None:
                channel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            self.transport.abort()

    def eof_received(self) -> bool | None:
        # A client that stops sending has left, as nginx reads it: whatever is done for it is cancelled.
        if self.exchange is not None:
            self.exchange.client_left("client closed the connection")
        return False

    def pause_writing(self) -> None:
        self.write_blocked = True
        if self.exchange is not None:
            self.exchange.client_blocked(True)

    def resume_writing(self) -> None:
        self.write_blocked = False
        if self.exchange is not None:
            self.exchange.client_blocked(False)

    def drain(self) -> None:
        """Leave at the next good moment: a WebSocket is told so, anything else ends by itself."""
        exchange = self.exchange
        if exchange is not None and exchange.relay is not None and exchange.relay.go_away():
            self._within(self._wire.timeouts.linger)

    def abort(self) -> None:
        """Cut the connection, because we are leaving."""
        if self.exchange is not None:
            self.exchange.drained()
        if self.transport is not None:
            self.transport.abort()
