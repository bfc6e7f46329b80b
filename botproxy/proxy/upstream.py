"""One connection to an origin: requests go out on it one after another, answers come back."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, cast, final

from botproxy.errors import OriginError
from botproxy.proxy.bodies import BodyReader, EndlessReader, LengthReader
from botproxy.proxy.chunked import LAST_CHUNK, ChunkedError, ChunkedReader, chunk
from botproxy.proxy.deadlines import NEVER
from botproxy.proxy.outbox import MOST_POSTED
from botproxy.proxy.responses import OriginHead
from botproxy.proxy.wire import HIGH_WATER, LOW_WATER, RECEIVED, Wire

if TYPE_CHECKING:
    from botproxy.proxy.origin import Origin
    from botproxy.proxy.relay import Relay

_MAX_INTERIM: Final = 16


@final
class UpstreamConnection(asyncio.BufferedProtocol):
    """Belongs to its `Origin` when idle and to one `Relay` otherwise."""

    __slots__ = (
        "_body",
        "_chunked_out",
        "_head_request",
        "_held",
        "_interim",
        "_keep",
        "_origin",
        "_partial",
        "_posted",
        "_relay",
        "_request_done",
        "_transport",
        "_tunnel",
        "_uses",
        "_websocket",
        "_wire",
        "deadline",
        "filed",
        "host",
        "idle_since",
        "label",
    )

    def __init__(self, wire: Wire, origin: Origin) -> None:
        self._wire: Final = wire
        self._origin: Final = origin
        self._transport: asyncio.Transport | None = None
        self._relay: Relay | None = None
        self._body: BodyReader | None = None  # of the answer; None while its head is awaited
        self._partial = b""
        self._posted = b""
        self._tunnel = False
        self._uses = 0
        self._interim = 0
        self._chunked_out = False
        self._head_request = False
        self._websocket = False
        self._request_done = True
        self._keep = False
        self._held = False
        self.host: Final = origin.host
        self.label: Final = origin.label
        self.idle_since = 0.0
        self.deadline = NEVER
        self.filed = NEVER

    # What the relay calls

    def start(self, relay: Relay, head: bytes, head_request: bool, length: int | None, websocket: bool) -> None:
        """Send a request head; a body of `length` bytes (None: chunked) follows by `send_body` and `end_body`."""
        self._relay = relay
        self._uses += 1
        self._interim = 0
        self._head_request = head_request
        self._websocket = websocket
        self._chunked_out = length is None
        self._request_done = length == 0
        self.deadline = NEVER
        self._post(head)

    def send_body(self, data: bytes) -> None:
        """A piece of the request body."""
        if data:
            self._post(chunk(data) if self._chunked_out else data)

    def end_body(self) -> None:
        """The request body is complete."""
        self._request_done = True
        if self._chunked_out:
            self._post(LAST_CHUNK)

    def send_raw(self, data: bytes) -> None:
        """Bytes of a tunnel."""
        if data:
            self._post(data)

    def _post(self, data: bytes) -> None:
        if self._transport is None:
            return
        posted = self._posted
        if len(data) + len(posted) > MOST_POSTED:
            self._posted = b""
            self._transport.write(posted + data if posted else data)
        elif posted:
            self._posted = posted + data
        else:
            self._posted = data
            self._wire.outbox.post(self)

    def send_posted(self) -> None:
        """See `outbox.Sender`."""
        posted = self._posted
        if posted:
            self._posted = b""
            if self._transport is not None:
                self._transport.write(posted)

    def hold(self, held: bool) -> None:
        """Stop reading, or go on."""
        if held is not self._held and self._transport is not None:
            self._held = held
            if held:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def abandon(self) -> None:
        """Nobody wants the answer: the connection is closed at once, so that the origin can stop working on it."""
        self._relay = None
        self.close()

    @property
    def unsent(self) -> int:
        """Bytes that wait to be written."""
        return self._transport.get_write_buffer_size() + len(self._posted) if self._transport is not None else 0

    # What the origin calls

    @property
    def usable(self) -> bool:
        """Whether an idle connection still looks alive."""
        return self._relay is None and self._transport is not None and not self._transport.is_closing()

    def close(self) -> None:
        """Close at once."""
        self._partial = self._posted = b""
        self._body = None
        transport = self._transport
        if transport is not None:
            self._transport = None
            transport.abort()
            self._origin.lost(self)

    def on_deadline(self, now: float) -> None:
        """It was idle for long enough."""
        if self._relay is None:
            self.close()

    # What the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast("asyncio.Transport", transport)  # uvloop's are none by class
        self._transport = stream
        stream.set_write_buffer_limits(high=HIGH_WATER, low=LOW_WATER)

    def get_buffer(self, sizehint: int) -> memoryview:
        return RECEIVED

    def buffer_updated(self, nbytes: int) -> None:
        data = bytes(RECEIVED[:nbytes])
        relay = self._relay
        if relay is None:
            # Nothing was asked: an origin that speaks now cannot be trusted to answer the next question.
            self.close()
            return
        body = self._body
        if body is not None:
            if nbytes < body.sure:
                body.sure -= nbytes
                relay.data(data)
                return
        elif self._tunnel:
            relay.data(data)
            return
        try:
            if body is None:
                self._read_head(relay, data)
            else:
                self._read_body(relay, body, data)
        except OriginError as problem:
            self._fail(problem.status, str(problem))
        except ChunkedError as bad_coding:  # a name of its own: compiled, a variable has one type
            self._fail(502, f"response body: {bad_coding}")

    def eof_received(self) -> bool | None:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._posted = b""
        self.deadline = NEVER
        self._origin.lost(self)
        relay = self._relay
        if relay is None:
            return
        self._relay = None
        body = self._body
        self._body = None
        if exc is None and isinstance(body, EndlessReader):
            relay.end()
            return
        untouched = body is None and self._uses > 1 and not self._partial and not self._interim and not self._tunnel
        detail = "origin closed the connection " + ("before its answer" if body is None else "midway")
        relay.failed(502, f"{detail}: {exc}" if exc is not None else detail, untouched)

    def pause_writing(self) -> None:
        if self._relay is not None:
            self._relay.hold_client(True)

    def resume_writing(self) -> None:
        if self._relay is not None:
            self._relay.hold_client(False)

    # Reading an answer

    def _read_head(self, relay: Relay, data: bytes) -> None:
        if self._partial:
            data = self._partial + data
            self._partial = b""
        limit = self._wire.limits.response_header_size
        while data:
            end = data.find(b"\r\n\r\n") + 4
            if end > limit or (end < 4 and len(data) > limit):
                raise OriginError(502, "response head larger than response_header_size")
            if end < 4:
                if not b"HTTP/1.".startswith(data[:7]):
                    raise OriginError(502, "no HTTP/1.1 response")
                self._partial = data
                return
            head = self._wire.responses.read(data[:end])
            data = data[end:]
            status = head.head.status
            if status >= 200:
                self._answer(relay, head, data)
                return
            if status == 101:
                self._switch(relay, head, data)
                return
            self._interim += 1
            if self._interim > _MAX_INTERIM:
                raise OriginError(502, "too many interim responses")
            relay.interim(head)

    def _switch(self, relay: Relay, head: OriginHead, data: bytes) -> None:
        if not self._websocket or head.upgrade != b"websocket":
            raise OriginError(502, "101 that nobody asked for")
        self._tunnel = True
        self._origin.detach(self)
        relay.switched(head)
        if data:
            relay.data(data)

    def _answer(self, relay: Relay, head: OriginHead, data: bytes) -> None:
        self._keep = head.keep_alive
        length = head.length
        if self._head_request or head.bodiless or (length == 0 and not head.chunked):
            relay.head(head, 0)
            self._finish(relay, data)
            return
        body: BodyReader
        if head.chunked:
            length = None
            body = ChunkedReader()
        elif length is None:
            self._keep = False
            body = EndlessReader()
        elif length == len(data):
            relay.head(head, length)
            relay.data(data)
            self._finish(relay, b"")
            return
        else:
            body = LengthReader(length)
        self._body = body
        relay.head(head, length)
        if data:
            self._read_body(relay, body, data)
        else:
            relay.data(b"")

    def _read_body(self, relay: Relay, body: BodyReader, data: bytes) -> None:
        relay.data(body.feed(data))
        if body.finished:
            self._body = None
            self._finish(relay, body.rest)

    def _finish(self, relay: Relay, rest: bytes) -> None:
        if self._relay is not relay:
            return  # it ended while its last bytes were handed over
        self._relay = None
        if self._keep and self._request_done and not rest and not self._wire.draining:
            self.hold(False)
            self.idle_since = time.monotonic()
            self._origin.release(self)
        else:
            self.close()
        relay.end()

    def _fail(self, status: int, detail: str) -> None:
        relay = self._relay
        self._relay = None
        self.close()
        if relay is not None:
            relay.failed(status, detail, False)
