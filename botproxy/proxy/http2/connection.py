"""One HTTP/2 connection from a client: its streams are requests, answered side by side.

What arrives is looked at by `Guard` before anything works on it, read by h2, and becomes exchanges. What goes out is
made into frames when the outbox sends, once for all streams that have something to say. Windows open only as origins
take bodies, and origins are read only as the client's windows open, so that a connection holds a bounded amount.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final, final

from h2.events import (
    DataReceived,
    Event,
    RemoteSettingsChanged,
    RequestReceived,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from h2.exceptions import ProtocolError

from botproxy.errors import ClientError
from botproxy.model import Ending, Headers
from botproxy.proxy.admission import Admission, admit, new_ray, turn_away
from botproxy.proxy.blocks import RequestParts
from botproxy.proxy.client_end import ClientEnd
from botproxy.proxy.deadlines import NEVER
from botproxy.proxy.exchange import Exchange
from botproxy.proxy.forwarding import strip_ours
from botproxy.proxy.http2.fields import Fields, read_request
from botproxy.proxy.http2.guard import ENHANCE_YOUR_CALM, INTERNAL_ERROR, REFUSED_STREAM, FloodError, Guard
from botproxy.proxy.http2.session import Session, fields_of
from botproxy.proxy.http2.stream import FrontStream
from botproxy.proxy.watch import watch
from botproxy.proxy.wire import RECEIVED, Wire

_LINGERED: Final = 1024 * 1024
_SLOW_HEAD: Final = ClientError(408, "Request timeout", "request head not complete in time")


@final
class Http2Connection(ClientEnd):
    """Speaks HTTP/2 to one client."""

    __slots__ = (
        "_closed",
        "_fault",
        "_idle_since",
        "_last",
        "_leaving",
        "_lingered",
        "_partial_since",
        "_post_scheduled",
        "_posted_streams",
        "full",
        "guard",
        "session",
        "streams",
        "unsent",
        "wire",
    )

    def __init__(self, wire: Wire) -> None:
        super().__init__(wire)
        limits = wire.limits
        self.wire: Final = wire
        self.guard: Final = Guard(limits.http2, limits.header_size)
        self.session: Final = Session(limits.http2, limits.header_size)
        self.streams: Final[dict[int, FrontStream]] = {}
        self.unsent = 0  # bytes of responses that wait for windows
        self.full = False  # too many of them
        self._posted_streams: list[FrontStream] = []
        self._post_scheduled = False
        self._fault: ClientError | None = None  # that every request here is refused for
        self._partial_since = 0.0  # when the head or frame began that has not ended; 0 between them
        self._idle_since = 0.0
        self._leaving = 0.0  # when the client was told that we leave
        self._last = -1  # no stream above it is answered, once that was said
        self._closed = False
        self._lingered = 0

    # What the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._open(transport)
        wire = self._wire
        wire.counts.http2_connections += 1
        self._idle_since = self._partial_since = time.monotonic()
        self._within(wire.timeouts.header)
        self._fault = wire.enter(self, self._peer)
        self.post()
        if wire.draining:
            self.drain()

    def buffer_updated(self, nbytes: int) -> None:
        if self._closed:
            self._lingered += nbytes
            if self._lingered > _LINGERED and self.transport is not None:
                self.transport.abort()
            return
        guard = self.guard
        session = self.session
        try:
            data = guard.check(bytes(RECEIVED[:nbytes]))
            for event in session.receive_data(data):
                self._take(event)
                if self._closed:
                    return
        except FloodError as flood:
            self._flooded(flood)
        except ProtocolError as problem:
            self._broken(f"HTTP/2: {problem}", None)
        except Exception:
            self._wire.failed("HTTP/2")
            self._broken("HTTP/2: a fault of ours", INTERNAL_ERROR)
        else:
            if session.sending:
                self.post()
            self._note_partial()

    def _note_partial(self) -> None:
        if not self.guard.waiting:
            self._partial_since = 0.0
        elif not self._partial_since:
            now = self._partial_since = time.monotonic()
            self._wire.deadlines.set(self, min(self.deadline, now + self._wire.timeouts.header))

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self._closed = True
        self.deadline = NEVER
        self._wire.leave(self, self._peer)
        detail = "client closed the connection"
        self._end_streams(detail if exc is None else f"{detail}: {exc}")

    def eof_received(self) -> bool | None:
        self._closed = True
        self._end_streams("client closed the connection")
        return False

    def pause_writing(self) -> None:
        self.write_blocked = True
        self._read_when(False)  # or who never reads would have us answer PING and SETTINGS for ever
        self._look()

    def resume_writing(self) -> None:
        self.write_blocked = False
        self._read_when(True)
        self._pump()

    def on_deadline(self, now: float) -> None:
        """A timeout has passed, or it is time to look how things go."""
        transport = self.transport
        if transport is None:
            return
        timeouts = self._wire.timeouts
        if self._closed:
            transport.abort()
            return
        if self._leaving and self._last < 0 and now - self._leaving >= timeouts.linger:
            self._leave()
            return
        following = NEVER
        if self._partial_since:
            following = self._partial_since + timeouts.header
            if now >= following:
                self._slow_head()
                return
        if self.streams:
            self._watch(now)
            if self._closed or self.transport is None:
                return
            following = min(following, now + self._wire.watch_period)
        else:
            ends = self._idle_since + timeouts.idle
            if now >= ends:
                self._leave()
                return
            following = min(following, ends)
        if self._leaving and self._last < 0:
            following = min(following, self._leaving + timeouts.linger)
        self._wire.deadlines.set(self, following)

    def _watch(self, now: float) -> None:
        for stream in list(self.streams.values()):
            exchange = stream.exchange
            if exchange is not None:
                watch(self._wire, stream, exchange, now)
            elif stream.stuck(now):
                stream.stop()

    # Reading

    def _take(self, event: Event) -> None:
        kind = type(event)
        if kind is RequestReceived:
            assert isinstance(event, RequestReceived)
            self._request(event.stream_id or 0, fields_of(event.headers), event.stream_ended is not None)
        elif kind is DataReceived:
            assert isinstance(event, DataReceived)
            number = event.stream_id or 0
            stream = self.streams.get(number)
            cost = event.flow_controlled_length or 0
            if stream is not None:
                stream.data(event.data or b"", cost, event.stream_ended is not None)
            elif cost:
                self._acknowledge(number, cost)
        elif kind is WindowUpdated:
            assert isinstance(event, WindowUpdated)
            if event.stream_id:
                stream = self.streams.get(event.stream_id)
                if stream is not None:
                    self._moved(stream)
            else:
                self._pump()
        elif kind is StreamReset:
            assert isinstance(event, StreamReset)
            stream = self.streams.get(event.stream_id or 0)
            if stream is not None:
                stream.gone("client reset the stream")
        elif kind is TrailersReceived:
            assert isinstance(event, TrailersReceived)
            stream = self.streams.get(event.stream_id or 0)
            if stream is not None:
                stream.end()
        elif kind is RemoteSettingsChanged:
            self._pump()

    def _request(self, number: int, fields: Fields, ended: bool) -> None:
        wire = self._wire
        portrait = self.guard.portrait
        if portrait is not None:
            self.guard.portrait = None
            peer = self._peer
            shown = portrait.finished([name for name, _ in fields])
            self._peer = peer._replace(client=peer.client._replace(http2=shown))
        if 0 <= self._last < number or len(self.streams) >= wire.limits.http2.streams:
            self.session.reset_stream(number, REFUSED_STREAM)
            self.session.forget(number)
            self.guard.was_reset()
            return
        stream = FrontStream(self, number, ended)
        if not self.streams and not self._partial_since:
            wire.deadlines.set(self, time.monotonic() + wire.watch_period)
        self.streams[number] = stream
        ray = new_ray()
        try:
            if self._fault is not None:
                raise self._fault
            admission = self._admitted(stream, fields, ended, ray)
        except ClientError as problem:
            self._refuse(stream, problem, fields, ray)
            return
        except Exception:
            wire.failed("reading a request's fields")
            self._refuse(stream, ClientError(500, "Internal error", "reading the fields failed"), fields, ray)
            return
        exchange = Exchange(wire, stream, admission, time.monotonic())
        stream.exchange = exchange
        wire.counts.requests += 1
        wire.counts.requests_now += 1
        try:
            wire.handler(exchange)
        except Exception:
            wire.failed("handler")
            exchange.fail()

    def _admitted(self, stream: FrontStream, fields: Fields, ended: bool, ray: str) -> Admission:
        wire = self._wire
        read = read_request(fields, self._peer.secure)
        size = len(read.head)
        stream.expect(size, None)
        if size > wire.limits.header_size:
            raise ClientError(431, "Request header fields too large", f"{size} bytes")
        parts = wire.requests.read(read.head)
        request, client, _, _, expect_continue = admit(wire, self._peer, parts, ray)
        length = request.body_length
        told = b"content-length" in parts.headers.index
        if ended:
            if length:
                raise ClientError(400, "Bad request", "Content-Length without a body")
        elif told:
            stream.expect(size, length)
        else:
            length = None
            expect_continue = b"expect" in parts.headers.index
        return Admission(
            request._replace(version="HTTP/2", body_length=length), client, True, False, expect_continue and not ended
        )

    def _refuse(self, stream: FrontStream, problem: ClientError, fields: Fields, ray: str) -> None:
        """Answer a request that no handler will see; other streams go on."""
        answer = turn_away(self._wire, self._peer, problem, _as_received(fields), ray, stream.head_size)
        stream.write(answer)
        stream.exchange_ended(False, Ending.REFUSED)
        if self._fault is not None:
            self.session.leave(ENHANCE_YOUR_CALM)
            self._last = stream.number
        else:
            self.guard.was_reset()

    # Writing

    def post(self) -> None:
        """Have what the session holds sent, soon."""
        if not self._post_scheduled:
            self._post_scheduled = True
            self._wire.outbox.post(self)

    def post_stream(self, stream: FrontStream) -> None:
        """Have a stream make its frames, soon."""
        self._posted_streams.append(stream)
        if not self._post_scheduled:
            self._post_scheduled = True
            self._wire.outbox.post(self)

    def send_posted(self) -> None:
        """See `outbox.Sender`."""
        self._post_scheduled = False
        streams = self._posted_streams
        if streams:
            self._posted_streams = []
            for stream in streams:
                stream.pump()
        self._weigh()
        if self.session.sending:
            data = self.session.data_to_send()
            if self.transport is not None:
                self.transport.write(data)

    @property
    def unread(self) -> int:
        """Bytes in the transport that the client has not taken yet."""
        return self.transport.get_write_buffer_size() if self.transport is not None else 0

    def _moved(self, stream: FrontStream) -> None:
        stream.pump()
        self._weigh()
        if self.session.sending:
            self.post()

    def _pump(self) -> None:
        """Some window has opened: those who wait have their turn, in the order of their requests."""
        for stream in list(self.streams.values()):
            stream.pump()
        self._weigh()
        if self.session.sending:
            self.post()

    def _weigh(self) -> None:
        """Stop reading origins for this connection when too much waits for it, and go on later."""
        most = self._wire.limits.http2.unsent
        full = self.unsent > (most // 2 if self.full else most)
        if full is not self.full:
            self.full = full
            self._look()

    def _look(self) -> None:
        for stream in list(self.streams.values()):
            stream.look()

    # What streams call

    def took(self, stream: FrontStream, cost: int) -> None:
        """So much of the window can be given back."""
        self._acknowledge(stream.number, cost)

    def _acknowledge(self, number: int, cost: int) -> None:
        try:
            self.session.acknowledge_received_data(cost, number)
        except ProtocolError:
            return  # the connection is over
        if self.session.sending:
            self.post()

    def forget(self, stream: FrontStream) -> None:
        """A stream is over."""
        if self.streams.pop(stream.number, None) is None:
            return
        self.session.forget(stream.number)
        if self.streams or self._closed:
            return
        if self._last >= 0 or self.guard.going_away:
            self._close()
            return
        now = self._idle_since = time.monotonic()
        if not self._partial_since and not self._leaving:
            self._wire.deadlines.set(self, now + self._wire.timeouts.idle)

    # Endings

    def _end_streams(self, detail: str) -> None:
        for stream in list(self.streams.values()):
            stream.gone(detail)

    def _flooded(self, flood: FloodError) -> None:
        floods = self._wire.counts.http2_floods
        floods[flood.kind] = floods.get(flood.kind, 0) + 1
        self._broken(str(flood), flood.code)

    def _broken(self, detail: str, code: int | None) -> None:
        """End everything; `code` for GOAWAY, unless h2 has written one."""
        self._wire.counts.http2_broken += 1
        if code is not None:
            self.session.leave(code)
        self._closed = True
        self._end_streams(detail)
        self._close()

    def _slow_head(self) -> None:
        ray = new_ray()
        turn_away(self._wire, self._peer, _SLOW_HEAD, None, ray, 0)
        self._broken("HTTP/2: " + str(_SLOW_HEAD), ENHANCE_YOUR_CALM)

    def _leave(self) -> None:
        """Say that no further request is answered, and close once those that came are."""
        self._last = self.session.highest_inbound_stream_id
        self.session.leave()
        if self.streams:
            self.post()
            self._wire.deadlines.set(self, time.monotonic() + self._wire.watch_period)
        else:
            self._close()

    def _close(self) -> None:
        """Close once the client has read to the end, or will not."""
        self._closed = True
        self.send_posted()
        if self.transport is not None:
            self._read_when(True)
            self._within(self._wire.timeouts.linger)
            if self.guard.going_away and not self.streams:
                self.transport.close()  # it has said its last word, and so nothing of ours can be lost

    def drain(self) -> None:
        """Leave without losing a request: those that were on their way when we said so are answered still."""
        if self._closed or self._leaving:
            return
        now = self._leaving = time.monotonic()
        self.session.announce_leaving()
        self.post()
        self._wire.deadlines.set(self, min(self.deadline, now + self._wire.timeouts.linger))

    def abort(self) -> None:
        """Cut the connection, because we are leaving."""
        self._closed = True
        for stream in list(self.streams.values()):
            if stream.exchange is not None:
                stream.exchange.drained()
        if self.transport is not None:
            self.transport.abort()


def _as_received(fields: Fields) -> RequestParts:
    """A request that was refused, as far as it can be told."""
    pseudo = {name: value for name, value in fields if name.startswith(b":")}
    regular = [(name, value) for name, value in fields if not name.startswith(b":")]
    if b":authority" in pseudo:
        regular.insert(0, (b"host", pseudo[b":authority"]))
    return RequestParts(
        pseudo.get(b":method", b""), pseudo.get(b":path", b""), "HTTP/2", Headers(strip_ours(regular[:100]))
    )
