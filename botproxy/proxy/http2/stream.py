"""One request on a stream of an HTTP/2 connection, and its answer: what `Exchange` and `Relay` have before them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, final

from h2.exceptions import ProtocolError

from botproxy.errors import ClientError
from botproxy.model import Ending
from botproxy.proxy.http2.guard import CANCEL, INTERNAL_ERROR, LARGEST_FRAME, NO_ERROR
from botproxy.proxy.wire import Wire

if TYPE_CHECKING:
    from botproxy.proxy.exchange import Exchange
    from botproxy.proxy.http2.connection import Http2Connection

_SKIPPED: Final = 1024 * 1024
"""Bytes of a request that are thrown away behind its answer."""

_AT_ONCE: Final = 32 * 1024
"""Bytes of a response that wait for the outbox; with more, frames are made at once."""


@final
class FrontStream:
    """See `Responder`. Holds what flow control keeps back: of the request a window, of the response one read."""

    __slots__ = (
        "_begun",
        "_block",
        "_blocked",
        "_connection",
        "_early",
        "_end_told",
        "_ended",
        "_held",
        "_left",
        "_open",
        "_out",
        "_over",
        "_owed",
        "_skipped",
        "_status",
        "_unsent",
        "_wire",
        "body_received",
        "exchange",
        "head_size",
        "marked_at",
        "marked_unsent",
        "number",
        "posted",
        "received_all",
    )

    def __init__(self, connection: Http2Connection, number: int, received_all: bool) -> None:
        self._connection: Final = connection
        self._wire: Final[Wire] = connection.wire
        self.number: Final = number
        self.exchange: Exchange | None = None
        self.head_size = 0
        # the request's body
        self.body_received = 0
        self.received_all = received_all
        self._left: int | None = None  # bytes that Content-Length says are still to come
        self._early: deque[tuple[bytes, int]] = deque()  # data that nobody takes yet, with what it cost of the window
        self._open = False
        self._held = False
        self._owed = 0  # taken while held: the window opens for it when that ends
        self._end_told = False
        self._skipped = 0  # bytes that came after the answer
        # the response
        self._status = 0
        self._block: bytes | None = None
        self._begun = False  # its head was sent
        self._out: deque[memoryview] = deque()
        self._unsent = 0
        self._ended = False  # nothing is to be added
        self._over = False  # all was sent, or the stream was reset
        self._blocked = connection.full or connection.write_blocked
        self.posted = False
        self.marked_at = 0.0
        self.marked_unsent = 0

    # What the connection calls

    def expect(self, head_size: int, length: int | None) -> None:
        """A request of which these are known; `length` as Content-Length says."""
        self.head_size = head_size
        self._left = length

    def data(self, data: bytes, cost: int, last: bool) -> None:
        """A DATA frame. `cost`: of the window, padding included."""
        exchange = self.exchange
        size = len(data)
        self.body_received += size
        self.received_all = last
        if exchange is None or self._over:
            self._connection.took(self, cost)
            self._skip(size, last)
            return
        problem = self._fault(size, last)
        if problem is not None:
            self._connection.took(self, cost)
            exchange.refuse_body(problem)
            return
        if self._open and not self._held and not self._early:
            self._give(exchange, data, cost)
            self._tell_end()
        else:
            self._early.append((data, cost))

    def end(self) -> None:
        """The request ends, with trailers."""
        self.received_all = True
        exchange = self.exchange
        if exchange is None:
            self._skip(0, True)
        else:
            problem = self._fault(0, True)
            if problem is not None:
                exchange.refuse_body(problem)
            else:
                self._tell_end()

    def _skip(self, size: int, last: bool) -> None:
        """The request goes on behind its answer."""
        self._skipped += size
        if self._over:
            if not last and self._skipped > _SKIPPED:
                self.reset_now(NO_ERROR)
                last = True
            if last:
                self._connection.forget(self)

    def _fault(self, size: int, last: bool) -> ClientError | None:
        left = self._left
        if left is not None:
            left -= size
            self._left = left
            if left < 0 or (last and left):
                return ClientError(400, "Bad request", "the body is not as long as Content-Length says")
        limit = self._wire.limits.body_size
        if limit is not None and self.body_received > limit:
            return ClientError(413, "Content too large", f"more than {limit} bytes")
        return None

    def gone(self, detail: str) -> None:
        """The client wants no answer any more: it has reset the stream, or the connection is lost."""
        self._over = True
        exchange = self.exchange
        if exchange is not None:
            exchange.client_left(detail)
        self._drop()
        self._connection.forget(self)

    def pump(self) -> None:
        """Send what may be sent now."""
        self.posted = False
        if self._over:
            return
        session = self._connection.session
        number = self.number
        try:
            if not self._begun:
                block = self._block
                if block is None:
                    return
                last = self._ended and not self._unsent
                session.send_block(number, self._status, block, last)
                self._begun = True
                if last:
                    self._finish()
                    return
            if self._unsent and not self._connection.write_blocked:
                self._send_data()
            if self._ended and not self._unsent and not self._over:
                session.end_stream(number)
                self._finish()
        except ProtocolError:
            # h2 closed the stream, or the connection, in the meantime.
            self.gone("stream closed")
            return
        self.look()

    def _send_data(self) -> None:
        connection = self._connection
        session = connection.session
        number = self.number
        window = session.local_flow_control_window(number)
        out = self._out
        while out and window > 0:
            first = out[0]
            most = min(window, LARGEST_FRAME)
            if len(first) > most:
                piece = first[:most]
                out[0] = first[most:]
            else:
                piece = first
                out.popleft()
            size = len(piece)
            window -= size
            self._unsent -= size
            connection.unsent -= size
            last = self._ended and not out
            session.send_data(number, piece, end_stream=last)
            connection.guard.sent_data()
            if last:
                self._finish()

    def look(self) -> None:
        """Have the origin wait while the client's window is shut, or for the whole connection, and no longer."""
        blocked = self._connection.full or self._connection.write_blocked or self._unsent > 0
        if blocked is not self._blocked:
            self._blocked = blocked
            if self.exchange is not None:
                self.exchange.client_blocked(blocked)

    def stuck(self, now: float) -> bool:
        """Whether what is left of a finished exchange has not moved for its time."""
        if self._over:
            if not self.marked_at:
                self.marked_at = now
            return now - self.marked_at >= self._wire.timeouts.linger
        if self._unsent != self.marked_unsent or not self.marked_at:
            self.marked_unsent = self._unsent
            self.marked_at = now
        return now - self.marked_at >= self._wire.timeouts.send

    def _finish(self) -> None:
        """The response is sent. Who still sends a request is to read it first, and then asked to stop (RFC 9113
        section 8.1): some take no answer any more from a stream that was reset."""
        self._over = True
        self._drop()
        self.marked_at = 0.0
        if self.received_all:
            self._connection.forget(self)

    def stop(self) -> None:
        """End what is `stuck`."""
        if self._over:
            self.reset_now(NO_ERROR)
            self._connection.forget(self)
        else:
            self.give_up_writing()

    def reset(self, code: int) -> None:
        """Break the stream off."""
        if not self._over:
            self._over = True
            self.reset_now(code)
            self._drop()
            self._connection.forget(self)

    def reset_now(self, code: int) -> None:
        """Send RST_STREAM, where the stream is still open."""
        try:
            self._connection.session.reset_stream(self.number, code)
        except ProtocolError:
            return
        self._connection.post()

    def _drop(self) -> None:
        """Give back what is held."""
        self._connection.unsent -= self._unsent
        self._unsent = 0
        self._out.clear()
        owed = self._owed + sum([cost for _, cost in self._early])
        self._early.clear()
        self._owed = 0
        if owed:
            self._connection.took(self, owed)

    # The request's body

    def _give(self, exchange: Exchange, data: bytes, cost: int) -> None:
        if data:
            exchange.body_data(data)
        if self._held:
            self._owed += cost
        elif cost:
            self._connection.took(self, cost)

    def _give_early(self) -> None:
        exchange = self.exchange
        while self._early and self._open and not self._held and exchange is not None:
            data, cost = self._early.popleft()
            self._give(exchange, data, cost)
            exchange = self.exchange
        self._tell_end()

    def _tell_end(self) -> None:
        exchange = self.exchange
        if (
            self.received_all
            and self._open
            and not self._early
            and not self._held
            and not self._end_told
            and exchange is not None
        ):
            self._end_told = True
            exchange.body_end()

    # What the exchange and the relay call

    @property
    def alive(self) -> bool:
        """See `Responder`."""
        return self._connection.transport is not None

    @property
    def unread(self) -> int:
        """See `Responder`."""
        connection = self._connection
        return self._unsent + (connection.unread if connection.write_blocked else 0)

    @property
    def write_blocked(self) -> bool:
        """See `Responder`."""
        return self._blocked

    @property
    def body_owed(self) -> bool:
        """See `Responder`."""
        return not self.received_all

    @property
    def body_wanted(self) -> bool:
        """See `Responder`."""
        return not self.received_all and self._open and not self._held

    def write(self, data: bytes) -> None:
        """See `Responder`."""
        if self._over:
            return
        if self._block is None:
            head, _, data = data.partition(b"\r\n\r\n")
            status, block = self._wire.fields.block(head)
            if self.exchange is not None:
                self.exchange.sent += len(block) - len(head) - 4
            if status < 200:
                self._interim(status, block)
                return
            self._status = status
            self._block = block
        if data:
            self._out.append(memoryview(data))
            self._unsent += len(data)
            self._connection.unsent += len(data)
        if self._unsent >= _AT_ONCE:
            self._connection.post()
            self.pump()
        elif not self.posted:
            self.posted = True
            self._connection.post_stream(self)

    def write_parts(self, parts: list[bytes | memoryview], size: int) -> None:
        """See `Responder`."""
        self.write(b"".join(parts))

    def _interim(self, status: int, block: bytes) -> None:
        try:
            self._connection.session.send_block(self.number, status, block, False)
        except ProtocolError:
            return
        self._connection.post()

    def open_body(self) -> None:
        """See `Responder`."""
        self._open = True
        self._give_early()

    def close_body(self) -> None:
        """See `Responder`."""
        self._open = False

    def hold_body(self, held: bool) -> None:
        """See `Responder`."""
        self._held = held
        if not held:
            owed = self._owed
            self._owed = 0
            if owed:
                self._connection.took(self, owed)
            self._give_early()

    def open_tunnel(self) -> None:
        """There are none: RFC 8441 is not offered."""
        raise RuntimeError("no tunnel over HTTP/2")

    def can_skip_body(self) -> bool:
        """See `Responder`."""
        return True

    def cut(self, framed: bool) -> None:
        """See `Responder`."""
        self.reset(INTERNAL_ERROR)

    def give_up_writing(self) -> None:
        """See `Responder`."""
        self.reset(CANCEL)
        if self._connection.write_blocked:
            self._connection.abort()

    def exchange_ended(self, keep: bool, ending: Ending) -> None:
        """See `Responder`."""
        self.exchange = None
        if self._over:
            return
        if ending is Ending.CLIENT_LEFT or ending is Ending.DRAINED:
            self.reset(CANCEL)
            return
        self._ended = True
        self.marked_at = 0.0
        if not self.posted:
            self.posted = True
            self._connection.post_stream(self)
