"""One connection from a client: requests are found on it one after another, each answered before the next is looked at.

Heads are collected here up to their empty line and only then parsed; bodies of known length are counted, never parsed.
Reading stops whenever nobody wants what would be read, so that a connection holds two reads (128 KB) at most.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final, final

from botproxy.errors import ClientError
from botproxy.model import Ending
from botproxy.proxy.admission import admit, fault_so_far, new_ray, turn_away
from botproxy.proxy.blocks import RequestParts
from botproxy.proxy.bodies import BodyReader, LengthReader
from botproxy.proxy.chunked import ChunkedError, ChunkedReader, TooLargeError
from botproxy.proxy.client_end import ClientEnd
from botproxy.proxy.deadlines import NEVER
from botproxy.proxy.exchange import Exchange
from botproxy.proxy.watch import watch
from botproxy.proxy.wire import RECEIVED, Wire

_HEAD: Final = 0  # a request head is awaited
_BODY: Final = 1  # the body of the current request
_BUSY: Final = 2  # the body is here, the answer is not done; what arrives belongs to the next request
_SKIP: Final = 3  # the answer is done, the rest of a small body is thrown away
_LINGER: Final = 4  # the answer is done and we are closing; what arrives is thrown away
_TUNNEL: Final = 5
_CLOSED: Final = 6

_SKIPPED_BODY: Final = 64 * 1024
_LINGERED: Final = 1024 * 1024


@final
class FrontConnection(ClientEnd):
    """Speaks HTTP/1.x to one client."""

    __slots__ = (
        "_ahead",
        "_body",
        "_body_held",
        "_body_open",
        "_running",
        "_scanned",
        "_skipped",
        "_state",
        "body_received",
        "head_size",
    )

    def __init__(self, wire: Wire) -> None:
        super().__init__(wire)
        self._state = _HEAD
        self._ahead = b""  # read, and not worked through yet
        self._scanned = 0  # of it, bytes in which no end of a head can begin
        self._running = False
        self._body: BodyReader | None = None
        self._body_open = False
        self._body_held = False
        self._skipped = 0
        self.body_received = 0
        self.head_size = 0

    # What the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._open(transport)
        self._within(self._wire.timeouts.header)
        fault = self._wire.enter(self, self._peer)
        if fault is not None:
            self._refuse(fault)

    def buffer_updated(self, nbytes: int) -> None:
        data = bytes(RECEIVED[:nbytes])
        if self._state == _BODY and self._body_open and not self._body_held and not self._ahead:
            body = self._body
            exchange = self.exchange
            if body is not None and nbytes < body.sure and exchange is not None:
                body.sure -= nbytes
                self.body_received += nbytes
                exchange.body_data(data)
                return
        self._ahead = self._ahead + data if self._ahead else data
        if not self._running:
            self._run()

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self._state = _CLOSED
        self._ahead = self._posted = b""
        self.deadline = NEVER
        self._wire.leave(self, self._peer)
        if self.exchange is not None:
            detail = "client closed the connection"
            self.exchange.client_left(detail if exc is None else f"{detail}: {exc}")

    def on_deadline(self, now: float) -> None:
        """A timeout has passed, or it is time to look how things go."""
        exchange = self.exchange
        if exchange is not None:
            following = watch(self._wire, self, exchange, now)
            if self.exchange is exchange:
                self._wire.deadlines.set(self, following)
        elif self.transport is None:
            return
        elif self._state != _HEAD or self.transport.is_closing():
            self.transport.abort()
        elif self._ahead and not self.write_blocked:
            self._refuse(ClientError(408, "Request timeout", "request head not complete in time"))
        else:
            self._close()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._state == _HEAD and not self._running:
            self._run()

    # Reading requests

    def _run(self) -> None:
        """Work through what has arrived. Never re-entered: an answer given at once leads back into this loop."""
        self._running = True
        try:
            while self._ahead:
                state = self._state
                if state == _HEAD:
                    # Answers of our own wait for the client as a relayed one does: else whoever asks and never reads
                    # would have them all kept.
                    if self.write_blocked or not self._take_head():
                        break
                elif state == _SKIP or (state == _BODY and self._body_open and not self._body_held):
                    self._take_body()
                elif state in (_BODY, _BUSY):
                    break
                else:
                    data = self._ahead
                    self._ahead = b""
                    if state == _TUNNEL:
                        self._take_tunnelled(data)
                    else:
                        self._skipped += len(data)
                        if self._skipped > _LINGERED and self.transport is not None:
                            self.transport.abort()
        finally:
            self._running = False
        self._adjust()

    def _adjust(self) -> None:
        """Read exactly when somebody wants what is read."""
        state = self._state
        if state == _BODY:
            wanted = self._body_open and not self._body_held
        elif state == _BUSY:
            wanted = not self._ahead
        elif state == _HEAD:
            wanted = not self.write_blocked
        else:
            wanted = state != _TUNNEL or not self._body_held
        self._read_when(wanted)

    def _take_head(self) -> bool:
        """Take one request head and start its exchange; False when it is not complete yet."""
        data = self._ahead
        limit = self._wire.limits.header_size
        end = data.find(b"\r\n\r\n", self._scanned)
        if end < 0 or end > limit:
            if data.startswith(b"\r\n") and self._scanned == 0 and self.head_size == 0:
                self._ahead = data[2:]  # RFC 9112 section 2.2: one empty line before the request line is passed over
                self.head_size = 2
                return bool(self._ahead)
            return self._incomplete(data)
        end += 4
        start = 2 if data.startswith(b"\r\n") else 0
        self._scanned = 0
        self._ahead = data[end:]
        self.head_size = end
        parts: RequestParts | None = None
        ray = new_ray()
        wire = self._wire
        try:
            parts = wire.requests.read(data[start:end])
            admission = admit(wire, self._peer, parts, ray)
        except ClientError as problem:
            self._refuse(problem, parts, ray)
            return True
        except Exception:
            wire.failed("reading a request head")
            self._refuse(ClientError(500, "Internal error", "reading the head failed"), parts, ray)
            return True
        now = time.monotonic()
        length = admission.request.body_length
        self._state = _BUSY if length == 0 else _BODY
        if length != 0:
            self._body = ChunkedReader(wire.limits.body_size) if length is None else LengthReader(length)
        self.body_received = 0
        self._body_open = self._body_held = False
        exchange = Exchange(wire, self, admission, now)
        self.exchange = exchange
        wire.counts.requests += 1
        wire.counts.requests_now += 1
        wire.deadlines.set(self, now + wire.watch_period)
        try:
            wire.handler(exchange)
        except Exception:
            wire.failed("handler")
            exchange.fail()
        return True

    def _incomplete(self, data: bytes) -> bool:
        if self._scanned == 0:
            self._within(self._wire.timeouts.header)
        fault = fault_so_far(data, self._wire.limits, self._scanned)
        self._scanned = max(len(data) - 3, 1)
        if fault is not None:
            self._refuse(fault)
        return fault is not None

    def _take_body(self) -> None:
        body = self._body
        if body is None:
            return
        data = self._ahead
        exchange = self.exchange
        try:
            piece = body.feed(data)
        except ChunkedError as problem:
            if exchange is None:
                self._linger()
            elif isinstance(problem, TooLargeError):
                exchange.refuse_body(ClientError(413, "Content too large", str(problem)))
            else:
                exchange.refuse_body(ClientError(400, "Bad request", str(problem)))
            return
        self._ahead = body.rest
        self.body_received += len(data) - len(body.rest)
        if body.finished:
            self._body = None
        if exchange is None:
            self._skipped += len(data)
            if body.finished:
                self._next()
            elif self._skipped > _SKIPPED_BODY:
                self._linger()
        elif body.finished:
            self._state = _BUSY
            exchange.body_data(piece)
            if self.exchange is exchange:
                exchange.body_end()
        else:
            exchange.body_data(piece)

    def _take_tunnelled(self, data: bytes) -> None:
        self.body_received += len(data)
        exchange = self.exchange
        if exchange is not None and exchange.relay is not None:
            exchange.relay.tunnel_data(data)

    # What the exchange and the relay call

    def open_body(self) -> None:
        """Somebody takes the request body now."""
        self._body_open = True
        if not self._running:
            self._run()

    def close_body(self) -> None:
        """Nobody takes the request body for now; what comes waits."""
        self._body_open = False

    def open_tunnel(self) -> None:
        """From now on bytes go both ways as they are."""
        self._state = _TUNNEL
        if not self._running:
            self._run()
        if self._wire.draining:
            self.drain()

    def hold_body(self, held: bool) -> None:
        """Whoever takes the request body (or the tunnel's bytes) cannot take more for now, or can again."""
        self._body_held = held
        if not self._running:
            self._run()

    @property
    def body_owed(self) -> bool:
        """Whether the client has not sent the whole request body yet."""
        return self._state == _BODY

    @property
    def body_wanted(self) -> bool:
        """Whether it is the client that a body waits for."""
        return self._state == _BODY and self._reading

    @property
    def buffered(self) -> int:
        """Bytes that were read and wait for their turn."""
        return len(self._ahead)

    def can_skip_body(self) -> bool:
        """Whether what is left of the body can be read and thrown away, so that the connection can be kept."""
        body = self._body
        if self._state != _BODY or body is None:
            return True
        if self.exchange is not None and self.exchange.expect_continue:
            return False  # the client may or may not send it, now that it has an answer
        return body.sure <= _SKIPPED_BODY

    def cut(self, framed: bool) -> None:
        """End the connection in a way that tells the client its response is not whole. `framed`: the framing tells."""
        if framed:
            self._close()
        else:
            self._reset()  # the body ends with the connection: nothing else tells a cut one from a whole one

    @property
    def alive(self) -> bool:
        """Whether there still is somebody to answer."""
        return self.transport is not None

    def give_up_writing(self) -> None:
        """The client takes nothing."""
        if self.transport is not None:
            self.transport.abort()

    def exchange_ended(self, keep: bool, ending: Ending) -> None:
        """The answer is done."""
        self.exchange = None
        if self.transport is None or self.transport.is_closing():
            self._state = _CLOSED
        elif not keep:
            if self._state == _BODY or (self._ahead and self._state == _BUSY):
                self._linger()
            else:
                self._close()
        elif self._state == _BODY:
            self._state = _SKIP
            self._skipped = 0
            self._within(self._wire.timeouts.body)
            if not self._running:
                self._run()
        else:
            self._next()

    # Endings

    def _next(self) -> None:
        self._state = _HEAD
        self.head_size = 0
        self._within(self._wire.timeouts.idle)
        if self._ahead and not self._running:
            self._run()
        elif self.write_blocked or not self._reading:
            self._adjust()

    def _close(self) -> None:
        self._state = _CLOSED
        self._ahead = b""
        self._close_when_written()

    def _linger(self) -> None:
        """Close, but read on for a moment, and throw away what comes."""
        self._state = _LINGER
        self._ahead = b""
        self._skipped = 0
        self._body = None
        self._say_no_more()
        if not self._running:
            self._adjust()

    def _refuse(self, problem: ClientError, parts: RequestParts | None = None, ray: str = "") -> None:
        received = self.head_size or len(self._ahead)
        self.write(turn_away(self._wire, self._peer, problem, parts, ray or new_ray(), received))
        self._linger()
